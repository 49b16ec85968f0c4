/* test_suspects.c: who is suspect, for how long, and how a lane takes them. */
#include "host/suspects.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

static struct suspects suspects, again;

static int start(void **state) {
  memset(&suspects, 0, sizeof suspects);
  memset(&again, 0, sizeof again);
  return scratch_open(state);
}

static struct suspect death_of(int64_t first, int64_t last) {
  struct suspect suspect = {
      .topic = "orders", .partition = 3, .first = first, .last = last, .label = "price", .how = "SIGSEGV"};
  return suspect;
}

static const struct suspect *die(int64_t first, int64_t last, bool alone) {
  const struct suspect death = death_of(first, last);
  return suspects_died(&suspects, &death, alone);
}

static struct suspects_view view_of(void) { return (struct suspects_view){suspects.list, suspects.count}; }

static void a_batch_is_suspect_and_a_record_alone_is_counted(void **state) {
  (void)state;
  assert_int_equal(die(100, 199, false)->deaths, 0);
  assert_int_equal(suspects.count, 1);
  assert_null(suspects_at(view_of(), 150));
  assert_int_equal(die(150, 150, true)->deaths, 1);
  assert_int_equal(die(150, 150, true)->deaths, 2);
  assert_int_equal(suspects_at(view_of(), 150)->deaths, 2);
  /* The guilty one is found: the others of its batch are free. */
  assert_int_equal(suspects.count, 1);
}

/* A record that shared the last call with others, and one that another lane may have been guilty beside. */
static void one_record_that_was_not_alone_is_not_counted(void **state) {
  (void)state;
  die(150, 150, false);
  die(150, 150, false);
  assert_int_equal(suspects.count, 1);
  assert_null(suspects_at(view_of(), 150));
  die(140, 160, true);
  assert_null(suspects_at(view_of(), 150));
}

static void a_second_batch_keeps_the_count_of_the_record_in_it(void **state) {
  (void)state;
  die(150, 150, true);
  die(100, 199, false);
  assert_int_equal(suspects_at(view_of(), 150)->deaths, 1);
  assert_int_equal(die(150, 150, true)->deaths, 2);
}

static void what_is_committed_is_innocent(void **state) {
  (void)state;
  die(100, 199, false);
  die(300, 300, true);
  assert_false(suspects_passed(&suspects, "orders", 3, 199));
  assert_false(suspects_passed(&suspects, "orders", 4, 1000));
  assert_false(suspects_passed(&suspects, "others", 3, 1000));
  assert_true(suspects_passed(&suspects, "orders", 3, 200));
  assert_int_equal(suspects.count, 1);
  assert_true(suspects_passed(&suspects, "orders", 3, 301));
  assert_int_equal(suspects.count, 0);
}

static void a_lane_stops_before_them_and_takes_them_alone(void **state) {
  (void)state;
  int64_t stop;
  die(100, 199, false);
  die(300, 300, true);
  assert_false(suspects_alone(view_of(), 50, &stop));
  assert_int_equal(stop, 100);
  assert_true(suspects_alone(view_of(), 100, &stop));
  assert_true(suspects_alone(view_of(), 199, &stop));
  assert_false(suspects_alone(view_of(), 200, &stop));
  assert_int_equal(stop, 300);
  assert_true(suspects_alone(view_of(), 300, &stop));
  assert_false(suspects_alone(view_of(), 301, &stop));
  assert_int_equal(stop, INT64_MAX);
}

static void assert_same(const struct suspect *one, const struct suspect *two) {
  assert_string_equal(one->topic, two->topic);
  assert_int_equal(one->partition, two->partition);
  assert_int_equal(one->first, two->first);
  assert_int_equal(one->last, two->last);
  assert_int_equal(one->deaths, two->deaths);
  assert_string_equal(one->label, two->label);
  assert_string_equal(one->how, two->how);
}

static void the_file_keeps_what_is_known(void **state) {
  (void)state;
  struct error err;
  const char *path = scratch_path("suspects");
  die(100, 199, false);
  die(300, 300, true);
  assert_true(suspects_write(&suspects, path, &err));
  assert_true(suspects_read(&again, path, &err));
  assert_int_equal(again.count, 2);
  for (size_t i = 0; i < again.count; i++) assert_same(&again.list[i], &suspects.list[i]);
  suspects.count = 0;
  assert_true(suspects_write(&suspects, path, &err));
  assert_int_not_equal(access(path, F_OK), 0);
  assert_true(suspects_read(&again, path, &err));
  assert_int_equal(again.count, 0);
}

static void lines_that_are_none_are_left_out(void **state) {
  (void)state;
  struct error err;
  const char *path = scratch_write("suspects",
      "orders 3 7 7 2 price SIGSEGV\nnonsense\norders 3 9 7 2 price SIGSEGV\norders -3 7 7 2 price SIGSEGV\n"
      "orders 3 8 8 1 price SIGSEGV and more\n\norders 3 8 8 1 pri");
  assert_true(suspects_read(&suspects, path, &err));
  assert_int_equal(suspects.count, 1);
  assert_int_equal(suspects.list[0].first, 7);
}

static void when_all_places_are_taken_a_range_gives_way(void **state) {
  (void)state;
  die(0, 5, false);
  for (int64_t i = 1; i < LIMIT_SUSPECTS; i++) die(100 * i, 100 * i, true);
  assert_int_equal(suspects.count, LIMIT_SUSPECTS);
  die(7, 7, true);
  assert_int_equal(suspects.count, LIMIT_SUSPECTS);
  assert_int_equal(suspects_at(view_of(), 7)->deaths, 1);
  assert_int_equal(suspects_at(view_of(), 100)->deaths, 1);
}

#define suspects_test(name) cmocka_unit_test_setup_teardown(name, start, scratch_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      suspects_test(a_batch_is_suspect_and_a_record_alone_is_counted),
      suspects_test(one_record_that_was_not_alone_is_not_counted),
      suspects_test(a_second_batch_keeps_the_count_of_the_record_in_it),
      suspects_test(what_is_committed_is_innocent),
      suspects_test(a_lane_stops_before_them_and_takes_them_alone),
      suspects_test(the_file_keeps_what_is_known),
      suspects_test(lines_that_are_none_are_left_out),
      suspects_test(when_all_places_are_taken_a_range_gives_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
