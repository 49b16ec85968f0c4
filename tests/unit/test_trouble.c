/* test_trouble.c: every kind of trouble is counted for itself, and has a name and a line in docs/OPERATIONS.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/trouble.h"
#include "unit/cmocka_all.h"

static void each_is_counted_for_itself(void **state) {
  (void)state;
  for (int kind = 0; kind < TROUBLES; kind++)
    for (int times = 0; times <= kind; times++) trouble_count((enum trouble_kind)kind);
  for (int kind = 0; kind < TROUBLES; kind++) assert_int_equal(trouble_counted((enum trouble_kind)kind), kind + 1);
}

static void each_has_its_line_in_the_page(void **state) {
  (void)state;
  char *page = NULL, line[64];
  size_t size = 0;
  assert_true(file_read(TEST_SOURCE_DIR "/docs/OPERATIONS.md", 1 << 20, &page, &size, NULL));
  for (int kind = 0; kind < TROUBLES; kind++) {
    snprintf(line, sizeof line, "\n| `%s` | ", trouble_name((enum trouble_kind)kind));
    if (!strstr(page, line)) fail_msg("docs/OPERATIONS.md has no line for %s", trouble_name((enum trouble_kind)kind));
    for (int other = 0; other < kind; other++)
      assert_string_not_equal(trouble_name((enum trouble_kind)other), trouble_name((enum trouble_kind)kind));
  }
  free(page);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_is_counted_for_itself),
      cmocka_unit_test(each_has_its_line_in_the_page),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
