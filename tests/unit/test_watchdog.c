/* test_watchdog.c: who is late is named once at the deadline, and ends the process at twice of it. */
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/span.h"
#include "host/watchdog.h"
#include "unit/cmocka_all.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LEAST_MS = 1000, LOOK_MS = 250 };

static struct place lanes[2];
static struct clock_hand hand;
static struct watchdog *watchdog;
static struct watchdog_find last;
static char last_text[PLACE_TEXT_MAX];
static int finds;

static void found(void *ctx, const struct watchdog_find *find) {
  (void)ctx;
  last = *find;
  place_text(find->view, last_text);
  finds++;
}

static int start(void **state) {
  (void)state;
  const struct watchdog_subject subjects[] = {{"lane 0", &lanes[0]}, {"lane 1", &lanes[1]}};
  memset(lanes, 0, sizeof lanes);
  finds = 0;
  clock_hand_init(&hand, 5000, 1700000000000);
  for (int i = 0; i < 2; i++) {
    place_use(&lanes[i]);
    place_rest(INT64_MAX);
  }
  watchdog = watchdog_create(subjects, 2, LEAST_MS, &hand.clock, found, NULL);
  assert_non_null(watchdog);
  return 0;
}

static int stop(void **state) {
  (void)state;
  place_use(NULL);
  watchdog_destroy(watchdog);
  return 0;
}

/* This thread enters a stage as a lane. */
static void enter(int lane, const char *label, int64_t limit_ms) {
  const struct place_entry entry = {.call = PLACE_PROCESS,
      .limit_ms = limit_ms,
      .label = span_of(label),
      .topic = span_of("orders"),
      .partition = 3,
      .first = 100,
      .last = 199};
  place_use(&lanes[lane]);
  place_enter(&entry);
}

static void pass(int64_t ms) {
  for (; ms > 0; ms -= LOOK_MS) {
    clock_hand_advance(&hand, LOOK_MS);
    watchdog_look(watchdog);
  }
}

static void an_idle_lane_is_never_late(void **state) {
  (void)state;
  enter(0, "stage fast", 1000);
  place_rest(INT64_MAX);
  pass(10 * LIMIT_TURN_MS);
  assert_int_equal(finds, 0);
}

static void who_is_late_is_named_once_with_partition_and_offsets(void **state) {
  (void)state;
  enter(1, "stage fast", 1000);
  pass(1000); /* the first look only sees that it is there */
  assert_int_equal(finds, 0);
  pass(1000);
  assert_int_equal(finds, 1);
  assert_string_equal(last.name, "lane 1");
  assert_int_equal(last.subject, 1);
  assert_string_equal(last_text, "stage fast, process() of orders/3, offsets 100 to 199");
  assert_int_equal(last.late_ms, 1000);
  assert_int_equal(last.since_ms, 1700000000000 + LOOK_MS);
  assert_false(last.over);
  pass(250);
  assert_int_equal(finds, 2);
  assert_true(last.over);
}

static void a_lane_that_goes_on_is_not_late(void **state) {
  (void)state;
  for (int i = 0; i < 80; i++) {
    enter(0, "stage fast", 1000); /* the same stage, the next batch */
    pass(LOOK_MS);
  }
  assert_int_equal(finds, 0);
}

static void each_call_has_its_own_deadline(void **state) {
  (void)state;
  enter(0, "stage slow", 30000);
  enter(1, "sink out", 2000);
  pass(3500);
  assert_int_equal(finds, 1);
  assert_string_equal(last.name, "lane 1");
  assert_int_equal(last.deadline_ms, 2000);
}

/* SIGSTOP, a debugger, a machine that stood still: then nobody could have come back. */
static void time_in_which_the_watchdog_did_not_run_is_nobodys_fault(void **state) {
  (void)state;
  enter(0, "stage fast", 1000);
  pass(LOOK_MS);
  clock_hand_advance(&hand, 600000);
  watchdog_look(watchdog);
  assert_int_equal(finds, 0);
}

static void a_loop_that_does_not_turn_is_found(void **state) {
  (void)state;
  place_use(&lanes[0]);
  place_work();
  pass(LIMIT_TURN_MS);
  assert_int_equal(finds, 0);
  pass(LOOK_MS);
  assert_int_equal(finds, 1);
  assert_false(last.over);
  assert_int_equal(last.deadline_ms, LIMIT_TURN_MS);
  pass(LIMIT_TURN_MS);
  assert_true(last.over);
}

static void a_loop_that_turns_is_not(void **state) {
  (void)state;
  place_use(&lanes[0]);
  for (int i = 0; i < 5; i++) {
    place_work();
    pass(LIMIT_TURN_MS - LOOK_MS);
  }
  assert_int_equal(finds, 0);
}

/* It said that it would be back by then. */
static void who_oversleeps_is_found(void **state) {
  (void)state;
  place_use(&lanes[0]);
  place_rest(5000 + 600000);
  pass(600000);
  assert_int_equal(finds, 0);
  pass(LIMIT_TURN_MS + LOOK_MS);
  assert_int_equal(finds, 1);
}

static void the_shortest_deadline_says_how_often_to_look(void **state) {
  (void)state;
  assert_int_equal(watchdog_every_ms(watchdog), 250);
}

/* In a child, with a real thread and clock. */
static int bark_in_a_child(bool goes_on) {
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(95);
    signal(SIGABRT, SIG_DFL);
    struct error err;
    const struct watchdog_subject subject = {"lane 0", &lanes[0]};
    struct watchdog *real = watchdog_create(&subject, 1, 100, clock_real(), watchdog_bark, NULL);
    if (!watchdog_start(real, &err)) _exit(94);
    enter(0, "stage fast", 100);
    int64_t until_ms = clock_now(clock_real()) + (goes_on ? 500 : 50000);
    while (clock_now(clock_real()) < until_ms)
      if (goes_on) enter(0, "stage fast", 100);
    place_rest(INT64_MAX);
    watchdog_destroy(real);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void a_stuck_stage_ends_the_process(void **state) {
  (void)state;
  assert_int_equal(bark_in_a_child(false), 134);
}

static void a_working_one_does_not(void **state) {
  (void)state;
  assert_int_equal(bark_in_a_child(true), 0);
}

#define watchdog_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      watchdog_test(an_idle_lane_is_never_late),
      watchdog_test(who_is_late_is_named_once_with_partition_and_offsets),
      watchdog_test(a_lane_that_goes_on_is_not_late),
      watchdog_test(each_call_has_its_own_deadline),
      watchdog_test(time_in_which_the_watchdog_did_not_run_is_nobodys_fault),
      watchdog_test(a_loop_that_does_not_turn_is_found),
      watchdog_test(a_loop_that_turns_is_not),
      watchdog_test(who_oversleeps_is_found),
      watchdog_test(the_shortest_deadline_says_how_often_to_look),
      cmocka_unit_test(a_stuck_stage_ends_the_process),
      cmocka_unit_test(a_working_one_does_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
