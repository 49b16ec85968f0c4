/* Errors: one text, cut on a character's border, wrapped on the way up. */
#include "base/error.h"
#include <errno.h>
#include <string.h>
#include "unit/cmocka_all.h"

static void set_clears_what_was_there(void **state) {
  (void)state;
  struct error err = {.retriable = true, .fatal = true, .code = 7};
  assert_false(error_set(&err, "no %s in %d", "file", 3));
  assert_string_equal(err.text, "no file in 3");
  assert_false(err.retriable || err.fatal || err.code);
}

static void errno_says_its_sentence(void **state) {
  (void)state;
  struct error err;
  errno = ENOENT;
  assert_false(error_errno(&err, "cannot open %s", "x"));
  assert_string_equal(err.text, "cannot open x: No such file or directory");
  assert_int_equal(err.code, ENOENT);
}

static void wrap_goes_before_and_keeps_the_rest(void **state) {
  (void)state;
  struct error err;
  error_set(&err, "timed out");
  err.retriable = true;
  err.code = -185;
  assert_false(error_wrap(&err, "partition %d", 3));
  assert_string_equal(err.text, "partition 3: timed out");
  assert_true(err.retriable);
  assert_int_equal(err.code, -185);
}

static void an_argument_may_be_the_text_itself(void **state) {
  (void)state;
  struct error err;
  error_set(&err, "inner");
  error_set(&err, "outer (%s)", err.text);
  assert_string_equal(err.text, "outer (inner)");
}

static void a_long_text_ends_in_dots_on_a_border(void **state) {
  (void)state;
  struct error err;
  char text[2 * ERROR_TEXT_MAX] = "x";
  for (size_t i = 1; i + 2 < sizeof text; i += 2) memcpy(text + i, "\xC3\xA9", 3);
  error_set(&err, "%s", text);
  size_t size = strlen(err.text);
  assert_true(size < ERROR_TEXT_MAX && size > ERROR_TEXT_MAX - 8);
  assert_string_equal(err.text + size - 5, "\xC3\xA9...");
  error_wrap(&err, "again");
  assert_int_equal(strlen(err.text), strlen(strstr(err.text, "again")));
  assert_string_equal(err.text + strlen(err.text) - 3, "...");
}

static void nobody_need_listen(void **state) {
  (void)state;
  assert_false(error_set(NULL, "x"));
  assert_false(error_errno(NULL, "x"));
  assert_false(error_wrap(NULL, "x"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(set_clears_what_was_there),
      cmocka_unit_test(errno_says_its_sentence),
      cmocka_unit_test(wrap_goes_before_and_keeps_the_rest),
      cmocka_unit_test(an_argument_may_be_the_text_itself),
      cmocka_unit_test(a_long_text_ends_in_dots_on_a_border),
      cmocka_unit_test(nobody_need_listen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
