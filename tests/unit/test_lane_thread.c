/* test_lane_thread.c: a lane on its own thread, with a producer and a fetcher on theirs: what TSan has to see. */
#include "unit/host_play.h"

enum { PARTITIONS = 4, RECORDS = 20000 };

static _Atomic bool finished;

/* librdkafka's fetcher: records in small lots, one partition after the other. */
static void *fetch(void *ctx) {
  (void)ctx;
  for (int64_t offset = 0; offset < RECORDS; offset += 50)
    for (int i = 0; i < PARTITIONS; i++) play_records(i, offset, 50);
  return NULL;
}

/* The producer's reports, in the order of the records. */
static void *report(void *ctx) {
  (void)ctx;
  size_t next = 0;
  while (!finished) {
    pthread_mutex_lock(&play.lock);
    while (next == play.sent_count && !finished) pthread_cond_wait(&play.cond, &play.lock);
    size_t end = play.sent_count;
    pthread_mutex_unlock(&play.lock);
    for (; next < end; next++) play_report(next, DELIVERY_CONFIRMED);
  }
  return NULL;
}

static void wait_until(bool (*done)(void)) {
  pthread_mutex_lock(&play.lock);
  while (true) {
    int seen = play.committable + play.urgent + play.changed;
    pthread_mutex_unlock(&play.lock);
    if (done()) return;
    pthread_mutex_lock(&play.lock);
    while (seen == play.committable + play.urgent + play.changed) pthread_cond_wait(&play.cond, &play.lock);
  }
}

static bool all_committed(void) {
  bool all = true;
  for (int i = 0; i < PARTITIONS; i++) {
    play_commit(i);
    all = all && play.assignments[i]->partition->ledger.confirmed == RECORDS;
  }
  return all;
}

static bool all_gone(void) {
  for (int i = 0; i < PARTITIONS; i++)
    if (!play.assignments[i]->gone) return false;
  return true;
}

static bool all_drained(void) {
  for (int i = 0; i < PARTITIONS; i++)
    if (!play_has_done(i, ERRAND_DRAIN)) return false;
  return true;
}

static void work_off(bool at_most_once, int64_t uncommitted_max) {
  pthread_t fetcher, reporter;
  struct error err;
  play_setup();
  finished = false;
  play.settings.at_most_once = at_most_once;
  play.settings.uncommitted_max = uncommitted_max;
  play.lane = lane_create(&play.settings);
  assert_true(lane_start(play.lane, &err));
  for (int i = 0; i < PARTITIONS; i++) play_assign(i, 0);
  pthread_create(&fetcher, NULL, fetch, NULL);
  pthread_create(&reporter, NULL, report, NULL);
  wait_until(all_committed);
  pthread_join(fetcher, NULL);
  for (int i = 0; i < PARTITIONS; i++) play_drain(i, true);
  wait_until(all_drained);
  for (int i = 0; i < PARTITIONS; i++) play_forget(i, false);
  wait_until(all_gone);
  for (int i = 0; i < PARTITIONS; i++) {
    struct tally tally = play_destroy(i);
    assert_int_equal(tally.in, RECORDS);
    assert_int_equal(tally.settled[OUTCOME_DELIVERED], RECORDS);
  }
  pthread_mutex_lock(&play.lock);
  finished = true;
  pthread_cond_broadcast(&play.cond);
  pthread_mutex_unlock(&play.lock);
  pthread_join(reporter, NULL);
  lane_end(play.lane);
  assert_true(lane_join(play.lane, 5000));
  lane_destroy(play.lane);
  assert_int_equal(play.messages, 0);
  for (int i = 0; i < PLAY_FEEDS; i++) free(play.feeds[i].events);
  free(play.sent);
}

static void a_lane_works_off_what_other_threads_bring(void **state) {
  (void)state;
  work_off(false, 1000000);
}

static void a_tight_bound_loses_no_wake_up(void **state) {
  (void)state;
  work_off(false, 30);
}

static void at_most_once_loses_no_wake_up(void **state) {
  (void)state;
  work_off(true, 30);
}

static void a_lane_that_cannot_make_its_stages_says_why(void **state) {
  (void)state;
  struct error err;
  static const char *const bad[] = {"^("};
  play_setup();
  play.sink.allow_routes = true;
  play.sink.routes = bad;
  play.sink.route_count = 1;
  play.lane = lane_create(&play.settings);
  assert_false(lane_start(play.lane, &err));
  assert_non_null(strstr(err.text, "not a regular expression"));
  lane_destroy(play.lane);
  for (int i = 0; i < PLAY_FEEDS; i++) free(play.feeds[i].events);
  free(play.sent);
}

static void the_end_of_a_lane_is_waited_for_only_so_long(void **state) {
  (void)state;
  struct error err;
  play_setup();
  play.lane = lane_create(&play.settings);
  assert_true(lane_join(play.lane, INT64_MAX)); /* there is no thread yet */
  assert_true(lane_start(play.lane, &err));
  assert_false(lane_join(play.lane, 1)); /* nobody has told it to end */
  lane_end(play.lane);
  assert_true(lane_join(play.lane, 5000));
  lane_destroy(play.lane);
  for (int i = 0; i < PLAY_FEEDS; i++) free(play.feeds[i].events);
  free(play.sent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_lane_works_off_what_other_threads_bring),
      cmocka_unit_test(a_tight_bound_loses_no_wake_up),
      cmocka_unit_test(at_most_once_loses_no_wake_up),
      cmocka_unit_test(a_lane_that_cannot_make_its_stages_says_why),
      cmocka_unit_test(the_end_of_a_lane_is_waited_for_only_so_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
