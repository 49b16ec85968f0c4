/* lua_case.c: see lua_case.h. */
#include "lua_case.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];
static char text[1 << 16];

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk) {
  (void)status, (void)flag, (void)walk;
  return remove(path);
}

static void remove_folder(void) { nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

const char *lua_case_folder(void) {
  if (folder[0]) return folder;
  strcpy(folder, "/tmp/weir-lua-XXXXXX");
  assert_non_null(mkdtemp(folder));
  atexit(remove_folder);
  return folder;
}

void lua_case_file(const char *path, const char *content) {
  char whole[256];
  snprintf(whole, sizeof whole, "%s/%s", lua_case_folder(), path);
  for (char *slash = strchr(whole + strlen(folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(whole, 0755);
    *slash = '/';
  }
  FILE *file = fopen(whole, "w");
  assert_non_null(file);
  fputs(content, file);
  fclose(file);
}

static struct fake_host *host_for(const char *yaml) {
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "lua");
  fake_host_directory(fake, lua_case_folder());
  fake_host_options(fake, yaml);
  return fake;
}

struct fake_host *lua_case_open(const char *yaml) {
  struct fake_host *fake = host_for(yaml);
  if (!fake_host_start(fake)) fail_msg("%s\ndoes not start: %s", yaml, fake_host_failure(fake));
  return fake;
}

/* Code as a YAML block below its key. */
static char *yaml_of(const char *form, const char *code) {
  char *yaml = NULL;
  size_t size;
  FILE *out = open_memstream(&yaml, &size);
  fprintf(out, "%s: |\n", form);
  while (*code) {
    size_t line = strcspn(code, "\n");
    fprintf(out, "  %.*s\n", (int)line, code);
    code += line + (code[line] == '\n');
  }
  fclose(out);
  return yaml;
}

struct fake_host *lua_case_code(const char *form, const char *code) {
  char *yaml = yaml_of(form, code);
  struct fake_host *fake = lua_case_open(yaml);
  free(yaml);
  return fake;
}

static char *script_yaml(const char *script, const char *options) {
  char *yaml = NULL;
  lua_case_file("case.lua", script);
  if (asprintf(&yaml, "script: case.lua\n%s%s", options ? "options: " : "", options ? options : "") < 0) abort();
  return yaml;
}

struct fake_host *lua_case_script(const char *script, const char *options) {
  char *yaml = script_yaml(script, options);
  struct fake_host *fake = lua_case_open(yaml);
  free(yaml);
  return fake;
}

void lua_case_close(struct fake_host *fake) { fake_host_close(fake); }

const char *lua_case_refusal(const char *yaml) {
  struct fake_host *fake = host_for(yaml);
  if (fake_host_start(fake)) fail_msg("%s\nstarts", yaml);
  snprintf(text, sizeof text, "%s", fake_host_failure(fake));
  fake_host_close(fake);
  return text;
}

const char *lua_case_script_refusal(const char *script, const char *options) {
  char *yaml = script_yaml(script, options);
  const char *refusal = lua_case_refusal(yaml);
  free(yaml);
  return refusal;
}

/* ---- Outcomes ---- */

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...) {
  va_list args;
  size_t size = strlen(text);
  va_start(args, format);
  vsnprintf(text + size, sizeof text - size, format, args);
  va_end(args);
}

static const char *shown(const char *value) { return value ? value : "tombstone"; }

static void add_pass(struct fake_batch *batch, uint32_t index, const char *value) {
  const char *now = shown(fake_batch_value(batch, index));
  add("%s", strcmp(now, value) == 0 ? "same" : now);
  if (fake_batch_topic(batch, index)) add(" to %s", fake_batch_topic(batch, index));
}

const char *lua_case_outcome_of(struct fake_batch *batch, uint32_t index, const char *value) {
  static const char *const words[] = {"unsettled", "pass", "drop", "retry", "reject"};
  text[0] = 0;
  if (fake_batch_verdict(batch, index) == WEIR_PASS) {
    add_pass(batch, index, value);
  } else {
    add("%s", words[fake_batch_verdict(batch, index)]);
    if (fake_batch_code(batch, index)[0]) add(" %s", fake_batch_code(batch, index));
    if (fake_batch_text(batch, index)[0]) add(" %s", fake_batch_text(batch, index));
    if (fake_batch_retry_after(batch, index)) add(" after %lld", (long long)fake_batch_retry_after(batch, index));
  }
  for (uint32_t i = 0; i < fake_batch_emitted_count(batch); i++) {
    const struct fake_emitted *emitted = fake_batch_emitted(batch, i);
    if (emitted->parent != index) continue;
    add(" + %s", shown(emitted->value));
    if (emitted->topic) add(" to %s", emitted->topic);
  }
  return text;
}

const char *lua_case_outcome(struct fake_host *fake, const char *value) {
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", strcmp(value, "tombstone") == 0 ? NULL : value);
  if (fake_batch_run(batch) == WEIR_BROKEN)
    snprintf(text, sizeof text, "broken %s", fake_host_failure(fake));
  else
    lua_case_outcome_of(batch, 0, value);
  fake_batch_close(batch);
  return text;
}

void lua_case_expect(const char *form, const char *code, const char *value, const char *outcome) {
  struct fake_host *fake = lua_case_code(form, code);
  assert_string_equal(lua_case_outcome(fake, value), outcome);
  lua_case_close(fake);
}

void lua_case_each(const char *code, const char *value, const char *outcome) {
  lua_case_expect("each", code, value, outcome);
}
