/* test_lua_docs.c: every example of docs/LUA.md does what the page says. A ```yaml block is one stage, the ```text
 * block behind it its records; a ```lua block whose first line is a comment with a path is that file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lua_case.h"

struct block {
  char kind[8];
  char *text;
  int line;
};

/* The next fenced block; false: the page ends. The text is the caller's. */
static bool next_block(FILE *page, int *line, struct block *block) {
  char *row = NULL;
  size_t room = 0, size = 0;
  bool inside = false;
  FILE *out = NULL;
  while (getline(&row, &room, page) > 0) {
    ++*line;
    if (!inside && sscanf(row, "```%7[a-z]", block->kind) == 1) {
      inside = true;
      block->line = *line;
      out = open_memstream(&block->text, &size);
    } else if (inside && strncmp(row, "```", 3) == 0) {
      break;
    } else if (inside) {
      fputs(row, out);
    }
  }
  free(row);
  if (out) fclose(out);
  return inside;
}

/* An entry of `stages` as the options that the runtime makes of it: the list's dash goes, lua: is script:. */
static void start_stage(struct fake_host **fake, struct block *block) {
  fake_host_close(*fake);
  assert_memory_equal(block->text, "- ", 2);
  memcpy(block->text, "  ", 2);
  char *script = strstr(block->text, "  lua: ");
  if (script) {
    char *options = NULL;
    assert_true(asprintf(&options, "  script: %s", script + strlen("  lua: ")) > 0);
    *fake = lua_case_open(options);
    free(options);
  } else {
    *fake = lua_case_open(block->text);
  }
}

static int untrue;

static int check_records(struct fake_host *fake, const struct block *block) {
  int count = 0;
  assert_non_null(fake);
  for (char *row = block->text; *row;) {
    char *end = strchr(row, '\n'), *arrow = strstr(row, " -> ");
    assert_non_null(end);
    assert_true(arrow && arrow < end);
    *arrow = *end = 0;
    const char *found = lua_case_outcome(fake, row), *said = arrow + 4;
    if (strcmp(found, said) != 0) {
      print_error("docs/LUA.md:%d: %s\nsaid:  %s\nfound: %s\n", block->line + count + 1, row, said, found);
      untrue++;
    }
    row = end + 1;
    count++;
  }
  return count;
}

static void write_file(const struct block *block) {
  char path[64];
  if (sscanf(block->text, "-- %63s", path) == 1) lua_case_file(path, block->text);
}

static void the_page_is_true(void **state) {
  (void)state;
  FILE *page = fopen(TEST_SOURCE_DIR "/docs/LUA.md", "r");
  assert_non_null(page);
  lua_case_file("stations.csv", "code,place\nANM,\"Albuquerque, New Mexico\"\n");
  struct fake_host *fake = NULL;
  struct block block;
  int line = 0, records = 0, stages = 0;
  while (next_block(page, &line, &block)) {
    if (strcmp(block.kind, "yaml") == 0) start_stage(&fake, &block), stages++;
    if (strcmp(block.kind, "text") == 0) records += check_records(fake, &block);
    if (strcmp(block.kind, "lua") == 0) write_file(&block);
    free(block.text);
  }
  fclose(page);
  fake_host_close(fake);
  assert_int_equal(untrue, 0);
  assert_true(stages >= 14);
  assert_true(records >= 30);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_page_is_true)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
