/* Numbers and names as people write them. */
#include "base/text.h"
#include "base/span.h"
#include "unit/cmocka_all.h"

static int64_t duration(const char *text) {
  int64_t ms = -1;
  return text_duration(span_of(text), &ms) ? ms : -1;
}

static int64_t size(const char *text) {
  int64_t bytes = -1;
  return text_size(span_of(text), &bytes) ? bytes : -1;
}

static void durations_have_a_unit(void **state) {
  (void)state;
  assert_int_equal(duration("250ms"), 250);
  assert_int_equal(duration("30s"), 30000);
  assert_int_equal(duration("5m"), 300000);
  assert_int_equal(duration("2h"), 7200000);
  assert_int_equal(duration("1d"), 86400000);
  assert_int_equal(duration("0"), 0);
  assert_int_equal(duration("0ms"), 0);
}

static void what_is_no_duration_leaves_the_result_alone(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "", "5", "s", "5 s", "-1s", "1.5s", "5sec", "1s1s", "9223372036854775807d", "99999999999999999999s"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(duration(wrong[i]), -1);
  assert_int_equal(duration("9223372036854775807ms"), INT64_MAX);
}

static void sizes_know_both_kinds_of_units(void **state) {
  (void)state;
  assert_int_equal(size("512"), 512);
  assert_int_equal(size("512B"), 512);
  assert_int_equal(size("10kB"), 10000);
  assert_int_equal(size("64KiB"), 65536);
  assert_int_equal(size("1MiB"), 1048576);
  assert_int_equal(size("2MB"), 2000000);
  assert_int_equal(size("1GiB"), 1073741824);
  assert_int_equal(size("1TiB"), (int64_t)1 << 40);
  static const char *const wrong[] = {"", "MiB", "1 MiB", "-1", "1.5MiB", "1mib", "9999999TiB"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(size(wrong[i]), -1);
}

static void integers_fill_their_range(void **state) {
  (void)state;
  int64_t value = 7;
  assert_true(text_int(span_of("-9223372036854775808"), &value));
  assert_int_equal(value, INT64_MIN);
  assert_true(text_int(span_of("9223372036854775807"), &value));
  assert_int_equal(value, INT64_MAX);
  assert_true(text_int(span_of("+42"), &value));
  assert_int_equal(value, 42);
  static const char *const wrong[] = {
      "", "-", "+", "1 ", " 1", "0x10", "1e3", "9223372036854775808", "-9223372036854775809"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(text_int(span_of(wrong[i]), &value));
  assert_int_equal(value, 42);
  assert_false(text_int((weir_span){NULL, 0}, &value));
}

static void numbers_are_decimal_and_finite(void **state) {
  (void)state;
  double value = 0;
  assert_true(text_number(span_of("4.5"), &value));
  assert_true(value > 4.49 && value < 4.51);
  assert_true(text_number(span_of("-1e3"), &value));
  assert_true(value < -999 && value > -1001);
  static const char *const wrong[] = {"", ".", "nan", "inf", "0x1p3", "1e999", "1.2.3", "1,5", "--1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(text_number(span_of(wrong[i]), &value));
}

static void booleans_are_two_words(void **state) {
  (void)state;
  bool value = false;
  assert_true(text_bool(span_of("true"), &value) && value);
  assert_true(text_bool(span_of("false"), &value) && !value);
  assert_false(text_bool(span_of("yes"), &value));
  assert_false(text_bool(span_of("True"), &value));
}

static void durations_are_shown_in_two_units_at_most(void **state) {
  (void)state;
  char text[TEXT_MAX];
  assert_string_equal(text_of_duration(text, 0), "0 ms");
  assert_string_equal(text_of_duration(text, 350), "350 ms");
  assert_string_equal(text_of_duration(text, 1250), "1.2 s");
  assert_string_equal(text_of_duration(text, 30000), "30 s");
  assert_string_equal(text_of_duration(text, 200000), "3 min 20 s");
  assert_string_equal(text_of_duration(text, 7500000), "2 h 5 min");
  assert_string_equal(text_of_duration(text, 273600000), "3 d 4 h");
}

static void sizes_and_counts_are_shown_short(void **state) {
  (void)state;
  char text[TEXT_MAX];
  assert_string_equal(text_of_size(text, 512), "512 B");
  assert_string_equal(text_of_size(text, 1572864), "1.5 MiB");
  assert_string_equal(text_of_size(text, 1 << 20), "1 MiB");
  assert_string_equal(text_of_size(text, INT64_MAX), "7.9 EiB");
  assert_string_equal(text_of_count(text, 0), "0");
  assert_string_equal(text_of_count(text, 999), "999");
  assert_string_equal(text_of_count(text, 1000), "1,000");
  assert_string_equal(text_of_count(text, 1234567), "1,234,567");
  assert_string_equal(text_of_count(text, -1234), "-1,234");
  assert_string_equal(text_of_count(text, -123), "-123");
  assert_string_equal(text_of_count(text, INT64_MIN), "-9,223,372,036,854,775,808");
}

static void the_nearest_name_was_probably_meant(void **state) {
  (void)state;
  static const char *const names[] = {"topics", "group", "start", "instance", "on_failure"};
  assert_string_equal(text_nearest(span_of("tpoics"), names, 5), "topics"); /* a swap counts one */
  assert_string_equal(text_nearest(span_of("topic"), names, 5), "topics");
  assert_string_equal(text_nearest(span_of("GROUP"), names, 5), "group");
  assert_string_equal(text_nearest(span_of("on-failure"), names, 5), "on_failure");
  static const char *const close[] = {"on_failurexx", "on_failure", "on_failurex"};
  assert_string_equal(text_nearest(span_of("on_failures"), close, 3), "on_failure");
  assert_null(text_nearest(span_of("brokers"), names, 5));
  assert_null(text_nearest(span_of("x"), names, 5));
  assert_null(text_nearest(span_of(""), names, 5));
  assert_null(text_nearest(span_of("topics"), names, 0));
}

static void a_long_name_has_no_neighbour(void **state) {
  (void)state;
  char name[200];
  memset(name, 'a', sizeof name);
  static const char *const names[] = {"aaaa"};
  assert_null(text_nearest(weir_bytes(name, sizeof name), names, 1));
}

static void utf8_is_taken_strictly(void **state) {
  (void)state;
  assert_int_equal(text_utf8(span_of("a")), 1);
  assert_int_equal(text_utf8(span_of("\xC3\xA9")), 2);
  assert_int_equal(text_utf8(span_of("\xE2\x82\xAC")), 3);
  assert_int_equal(text_utf8(span_of("\xF0\x9F\x98\x80")), 4);
  static const char *const wrong[] = {
      "\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xFF"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(text_utf8(span_of(wrong[i])), 0);
  assert_int_equal(text_utf8((weir_span){NULL, 0}), 0);
}

static void what_a_terminal_would_obey_is_escaped(void **state) {
  (void)state;
  char text[64];
  text_escape(text, sizeof text,
      span_of("a\x1b[31mb\n\xC2\x9B"
              "\xFF"
              "\xC3\xA9"));
  assert_string_equal(text, "a\\x1b[31mb\\x0a\\xc2\\x9b\\xff\xC3\xA9");
}

static void an_escape_is_cut_between_characters(void **state) {
  (void)state;
  char text[8];
  assert_int_equal(text_escape(text, 3, span_of("a\xC3\xA9")), 1);
  assert_string_equal(text, "a");
  assert_int_equal(text_escape(text, 4, span_of("\nx")), 0);
  assert_int_equal(text_escape(text, 1, span_of("x")), 0);
  assert_string_equal(text, "");
  assert_int_equal(text_escape(text, 8, (weir_span){NULL, 0}), 0);
}

static void says_a_moment(void **state) {
  (void)state;
  char text[TEXT_MAX];
  assert_string_equal(text_of_time(text, 0), "1970-01-01T00:00:00.000Z");
  assert_string_equal(text_of_time(text, 1795454401123), "2026-11-23T17:20:01.123Z");
  assert_string_equal(text_of_time(text, -1), "-");
}

static void counts_whole_characters(void **state) {
  (void)state;
  assert_int_equal(text_whole(span_of("abc"), 2), 2);
  assert_int_equal(text_whole(span_of("a\xC3\xA9"), 2), 1);
  assert_int_equal(text_whole(span_of("a\xC3\xA9"), 3), 3);
  assert_int_equal(text_whole(span_of("a\xC3"), 9), 1);
  assert_int_equal(text_whole((weir_span){0}, 9), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_a_moment),
      cmocka_unit_test(counts_whole_characters),
      cmocka_unit_test(durations_have_a_unit),
      cmocka_unit_test(what_is_no_duration_leaves_the_result_alone),
      cmocka_unit_test(sizes_know_both_kinds_of_units),
      cmocka_unit_test(integers_fill_their_range),
      cmocka_unit_test(numbers_are_decimal_and_finite),
      cmocka_unit_test(booleans_are_two_words),
      cmocka_unit_test(durations_are_shown_in_two_units_at_most),
      cmocka_unit_test(sizes_and_counts_are_shown_short),
      cmocka_unit_test(the_nearest_name_was_probably_meant),
      cmocka_unit_test(a_long_name_has_no_neighbour),
      cmocka_unit_test(utf8_is_taken_strictly),
      cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
      cmocka_unit_test(an_escape_is_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
