/* test_lua_random.c: random values under random changes, against a plain Lua table that is changed alike. The seed is the record's offset, so a
 * failure names it. WEIR_TEST_ROUNDS: how many records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lua_case.h"

static char *script_text(void) {
  char *text = calloc(1, 1 << 16);
  FILE *file = fopen(TEST_SOURCE_DIR "/tests/plugins_lua/random.lua", "r");
  assert_non_null(file);
  assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
  fclose(file);
  return text;
}

static uint32_t seed;

static uint32_t below(uint32_t limit) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % limit;
}

static void space(FILE *out) {
  static const char *const spaces[] = {"", "", "", " ", "\n", "\t ", "  "};
  fputs(spaces[below(7)], out);
}

static void value(FILE *out, int depth) {
  static const char *const scalars[] = {
      "1", "-7", "2.5", "true", "false", "null", "\"x\"", "\"\\u00e9\\n\"", "\"\"", "1e3"};
  static const char *const keys[] = {
      "\"a\"", "\"b\"", "\"c\"", "\"d\"", "\"e f\"", "\"\\u00e9\"", "\"\\\"q\\\"\"", "\"\"", "\"\\u0061\""};
  uint32_t kind = depth == 0 ? below(2) : depth > 4 ? 2 : below(5), count = below(5);
  if (kind > 1) {
    fputs(scalars[below(10)], out);
    return;
  }
  fputc(kind ? '[' : '{', out);
  space(out);
  for (uint32_t i = 0; i < count; i++) {
    if (i) fputc(',', out), space(out);
    if (!kind) fprintf(out, "%s", keys[below(9)]), space(out), fputc(':', out), space(out);
    value(out, depth + 1);
    space(out);
  }
  fputc(kind ? ']' : '}', out);
}

static void any_change_of_any_value(void **state) {
  (void)state;
  const char *asked = getenv("WEIR_TEST_ROUNDS");
  int records = asked ? atoi(asked) : 400;
  char *script = script_text();
  struct fake_host *fake = lua_case_script(script, NULL);
  free(script);
  seed = 1;
  for (int i = 0; i < records; i++) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    space(out), value(out, 0), space(out);
    fclose(out);
    const char *outcome = lua_case_outcome(fake, text);
    if (strncmp(outcome, "reject", 6) == 0) fail_msg("record %d: %s\n%s", i, text, outcome);
    free(text);
  }
  lua_case_close(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(any_change_of_any_value)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
