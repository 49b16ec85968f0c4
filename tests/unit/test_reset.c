/* test_reset.c: what --reset and --skip ask for, and what it means for a partition. */
#include "kafka/admin.h"
#include "kafka/reset.h"
#include "unit/cmocka_all.h"
#include <string.h>

static struct error err;

static int64_t time_of(const char *text) {
  int64_t time_ms = -1;
  return reset_parse_time(text, &time_ms, &err) ? time_ms : -1;
}

static void reads_times_with_their_zone(void **state) {
  (void)state;
  assert_int_equal(time_of("1970-01-01"), 0);
  assert_int_equal(time_of("2026-11-23"), 1795392000000);
  assert_int_equal(time_of("2026-11-23T17:20:01Z"), 1795454401000);
  assert_int_equal(time_of("2026-11-23 17:20Z"), 1795454400000);
  assert_int_equal(time_of("2026-11-23T17:20:01.5Z"), 1795454401500);
  assert_int_equal(time_of("2026-11-23T17:20:01.123456Z"), 1795454401123);
  assert_int_equal(time_of("2026-11-23T19:20:01+02:00"), 1795454401000);
  assert_int_equal(time_of("2026-11-23T12:20:01-0500"), 1795454401000);
  assert_int_equal(time_of("2024-02-29"), 1709164800000);
}

static void refuses_what_is_no_time(void **state) {
  (void)state;
  const char *const wrong[] = {"", "now", "2026", "2026-13-01", "2026-02-30", "2025-02-29", "1969-12-31", "2026-11-23T",
      "2026-11-23T17:20:00", "2026-11-23T24:00Z", "2026-11-23T17:60Z", "2026-11-23T17:20:60Z", "2026-11-23T17:20:00.Z",
      "2026-11-23T17:20:00Zx", "2026-11-23x", "2026-11-23T17:20:00+2", "2026-1-2", "1970-01-01T00:00+02:00"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (time_of(wrong[i]) != -1) fail_msg("'%s' was taken", wrong[i]);
  assert_non_null(strstr(err.text, "2026-11-23T17:20:00Z"));
}

static void reads_what_to_reset_to(void **state) {
  (void)state;
  struct reset reset;
  assert_true(reset_parse("earliest", &reset, &err));
  assert_int_equal(reset.kind, RESET_EARLIEST);
  assert_true(reset_parse("latest", &reset, &err));
  assert_int_equal(reset.kind, RESET_LATEST);
  assert_true(reset_parse("offset:12", &reset, &err));
  assert_int_equal(reset.number, 12);
  assert_true(reset_parse("shift:-100", &reset, &err));
  assert_int_equal(reset.number, -100);
  assert_true(reset_parse("timestamp:2026-11-23T17:20:01Z", &reset, &err));
  assert_int_equal(reset.number, 1795454401000);
  const char *const wrong[] = {"", "Earliest", "earliest:1", "offset", "offset:", "offset:-1", "offset:1x",
      "shift:", "shift:x", "timestamp:", "timestamp:yesterday", "to:1", ":"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (reset_parse(wrong[i], &reset, &err)) fail_msg("'%s' was taken", wrong[i]);
}

static const struct admin_partition row = {.topic = "t", .partition = 3, .first = 10, .end = 100, .committed = 40};
static const struct admin_partition fresh = {.topic = "t", .partition = 3, .first = 10, .end = 100, .committed = -1};
static const struct admin_partition dark = {.topic = "t", .partition = 3, .first = -1, .end = -1, .committed = 40};

static int64_t target_of(const char *text, const struct admin_partition *partition, int64_t at_time) {
  struct reset reset;
  struct reset_target target;
  assert_true(reset_parse(text, &reset, &err));
  return reset_target(&reset, partition, at_time, &target, &err) ? target.offset : -2;
}

static void stays_within_what_the_partition_holds(void **state) {
  (void)state;
  assert_int_equal(target_of("earliest", &row, -1), 10);
  assert_int_equal(target_of("latest", &row, -1), 100);
  assert_int_equal(target_of("offset:10", &row, -1), 10);
  assert_int_equal(target_of("offset:100", &row, -1), 100);
  assert_int_equal(target_of("offset:9", &row, -1), -2);
  assert_int_equal(target_of("offset:101", &row, -1), -2);
  assert_non_null(strstr(err.text, "t/3 holds the offsets 10 to 100"));
  assert_int_equal(target_of("shift:-5", &row, -1), 35);
  assert_int_equal(target_of("shift:5", &row, -1), 45);
  assert_int_equal(target_of("shift:-1000", &row, -1), 10);
  assert_int_equal(target_of("shift:1000", &row, -1), 100);
  assert_int_equal(target_of("shift:9223372036854775807", &row, -1), 100);
  assert_int_equal(target_of("shift:-5", &fresh, -1), -1);
  assert_int_equal(target_of("timestamp:2026-11-23", &row, 77), 77);
  assert_int_equal(target_of("timestamp:2026-11-23", &row, -1), 100);
  assert_int_equal(target_of("earliest", &dark, -1), -2);
}

static void skips_only_the_record_that_the_group_stands_on(void **state) {
  (void)state;
  struct skip skip;
  struct reset_target target;
  assert_true(skip_parse("t/3@40", &skip, &err));
  assert_string_equal(skip.topic, "t");
  assert_int_equal(skip.partition, 3);
  assert_true(skip_target(&skip, &row, &target, &err));
  assert_int_equal(target.offset, 41);
  skip.offset = 39;
  assert_false(skip_target(&skip, &row, &target, &err));
  assert_non_null(strstr(err.text, "stands at 40, not at 39"));
  assert_false(skip_target(&skip, &fresh, &target, &err));
  assert_false(skip_target(&(struct skip){.offset = 100},
      &(struct admin_partition){.topic = "t", .end = 100, .committed = 100}, &target, &err));
  const char *const wrong[] = {"", "t", "t/3", "t@3", "/3@4", "t/@4", "t/3@", "t/x@4", "t/3@-1", "t/-3@4", "t/3@4x"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (skip_parse(wrong[i], &skip, &err)) fail_msg("'%s' was taken", wrong[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_times_with_their_zone),
      cmocka_unit_test(refuses_what_is_no_time),
      cmocka_unit_test(reads_what_to_reset_to),
      cmocka_unit_test(stays_within_what_the_partition_holds),
      cmocka_unit_test(skips_only_the_record_that_the_group_stands_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
