/* test_progress.c: the line of a running worker. */
#include "host/progress.h"
#include "unit/cmocka_all.h"
#include <string.h>

static struct control_view view_of(uint64_t in, uint64_t delivered, int64_t remaining) {
  struct control_view view = {.joined = true, .assigned = 8, .lag = 3400, .until_remaining = remaining};
  view.tally.in = in;
  view.tally.settled[OUTCOME_DELIVERED] = delivered;
  return view;
}

static void it_says_that_the_group_is_not_joined_yet(void **state) {
  (void)state;
  struct progress progress;
  struct control_view view = {.joined = false};
  char text[PROGRESS_TEXT_MAX];
  progress_init(&progress, 1000, false);
  assert_string_equal(progress_text(text, &progress, &view, 3000), "joining the group (2 s)");
}

static void the_rate_is_that_of_the_last_seconds(void **state) {
  (void)state;
  struct progress progress;
  progress_init(&progress, 0, false);
  assert_int_equal(progress_rate(&progress), 0);
  uint64_t settled = 0;
  for (int64_t now_ms = 0; now_ms <= 20000; now_ms += 1000) {
    struct control_view view = view_of(settled, settled, -1);
    progress_show(&progress, &view, now_ms);
    settled += now_ms < 10000 ? 100 : 5000;
  }
  assert_int_equal(progress_rate(&progress), 5000);
}

static void two_samples_far_apart_make_a_rate(void **state) {
  (void)state;
  struct progress progress;
  progress_init(&progress, 0, false);
  struct control_view first = view_of(0, 0, -1), second = view_of(60000, 60000, -1);
  progress_show(&progress, &first, 0);
  progress_show(&progress, &second, 30000);
  assert_int_equal(progress_rate(&progress), 2000);
}

static void the_line_has_all_that_moves(void **state) {
  (void)state;
  struct progress progress;
  char text[PROGRESS_TEXT_MAX];
  progress_init(&progress, 0, false);
  struct control_view first = view_of(0, 0, -1), second = view_of(121000, 120000, -1);
  progress_show(&progress, &first, 0);
  progress_show(&progress, &second, 4000);
  assert_string_equal(progress_text(text, &progress, &second, 4000),
      "30,000 records/s, lag 3,400, in flight 1,000, settled 120,000, 8 partitions");
  second.stopped = 2;
  second.draining = true;
  assert_non_null(strstr(progress_text(text, &progress, &second, 4000), "8 partitions, 2 of them STOPPED, draining"));
}

static void the_time_left_is_told_when_it_can_be_known(void **state) {
  (void)state;
  struct progress progress;
  char text[PROGRESS_TEXT_MAX];
  progress_init(&progress, 0, true);
  for (int64_t now_ms = 0; now_ms <= 12000; now_ms += 500) {
    struct control_view view = view_of(0, 0, 100000 - now_ms * 5);
    progress_show(&progress, &view, now_ms);
    const char *shown = progress_text(text, &progress, &view, now_ms);
    if (now_ms < 10000) assert_null(strstr(shown, "left"));
    if (now_ms == 12000) assert_non_null(strstr(shown, "about 8 s left"));
  }
  struct control_view standing = view_of(0, 0, 40000);
  for (int64_t now_ms = 12500; now_ms <= 30000; now_ms += 500) progress_show(&progress, &standing, now_ms);
  assert_null(strstr(progress_text(text, &progress, &standing, 30000), "left"));
}

static void the_time_left_is_not_told_without_an_end(void **state) {
  (void)state;
  struct progress progress;
  char text[PROGRESS_TEXT_MAX];
  progress_init(&progress, 0, false);
  struct control_view first = view_of(0, 0, 1000), second = view_of(0, 0, 500);
  progress_show(&progress, &first, 11000);
  progress_show(&progress, &second, 12000);
  assert_null(strstr(progress_text(text, &progress, &second, 12000), "left"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_says_that_the_group_is_not_joined_yet),
      cmocka_unit_test(the_rate_is_that_of_the_last_seconds),
      cmocka_unit_test(two_samples_far_apart_make_a_rate),
      cmocka_unit_test(the_line_has_all_that_moves),
      cmocka_unit_test(the_time_left_is_told_when_it_can_be_known),
      cmocka_unit_test(the_time_left_is_not_told_without_an_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
