/* test_lane_leave.c: how partitions leave a lane, and at_most_once, where they may not be processed before they are committed (I2,
 * I12, I15). No thread, no broker. */
#include "unit/host_play.h"

static int start(void **state) {
  (void)state;
  play_setup();
  return 0;
}

static int stop(void **state) {
  (void)state;
  play_teardown();
  return 0;
}

static void a_drain_is_done_when_nothing_is_in_flight(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_assign(1, 0);
  play_records(0, 0, 10);
  play_records(1, 0, 10);
  play_turn();
  play_drain(0, false);
  play_records(0, 10, 5);
  play_turn();
  assert_false(play_has_done(0, ERRAND_DRAIN));
  play_confirm_all();
  play_turn();
  assert_true(play_has_done(0, ERRAND_DRAIN));
  assert_int_equal(play_committed(0), 10);
  assert_int_equal(play.sent_count, 20); /* nothing more was read of it */
  play_records(1, 10, 5);
  play_turn();
  assert_int_equal(play.sent_count, 25); /* its neighbour goes on */
}

static void a_stop_drains_all_partitions_alike(void **state) {
  (void)state;
  play_open();
  for (int i = 0; i < 3; i++) {
    play_assign(i, 0);
    play_records(i, 0, 5);
  }
  play_turn();
  for (int i = 0; i < 3; i++) play_drain(i, true);
  play_turn();
  play_confirm_all();
  play_turn();
  for (int i = 0; i < 3; i++) assert_true(play_has_done(i, ERRAND_DRAIN));
}

static void a_drain_of_nothing_is_done_at_once(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_drain(0, false);
  play_turn();
  assert_true(play_has_done(0, ERRAND_DRAIN));
}

static void nothing_is_taken_behind_the_fence(void **state) {
  (void)state;
  play_open();
  struct assignment *assignment = play_assign(0, 0);
  play_turn();
  play_records(0, 0, 5);
  assignment_fence(assignment); /* the lane has not heard of the drain yet */
  play_turn();
  assert_int_equal(play.sent_count, 0);
  assert_int_equal(play.feeds[0].count, 5);
  assert_int_equal(assignment->partition->tally.in, 0);
}

static void a_batch_that_waits_is_given_back_behind_the_fence(void **state) {
  (void)state;
  play.settings.batch_wait_ms = 50;
  play_open();
  struct assignment *assignment = play_assign(0, 0);
  play_records(0, 0, 5);
  play_turn();
  assignment_fence(assignment);
  clock_hand_advance(&play.hand, 50);
  play_turn();
  assert_int_equal(play.sent_count, 0);
  assert_int_equal(play.messages, 0);
  assert_int_equal(assignment->partition->tally.in, 0);
}

static void progress_tells_how_far_an_unsettled_batch_came(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 20);
  play_turn();
  for (size_t i = 0; i < 20; i++)
    if (i != 13) play_report(i, DELIVERY_CONFIRMED);
  play_report(13, DELIVERY_REFUSED); /* closes the shipment; the record stays open */
  play_turn();
  play_drain(0, false);
  play_turn();
  assignment_ask(play.assignments[0], (struct errand){.kind = ERRAND_PROGRESS});
  play_turn();
  assert_true(play_has_done(0, ERRAND_PROGRESS));
  assert_int_equal(play_committed(0), 13);
}

static void what_is_left_is_abandoned_and_counted(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 20);
  play_turn();
  for (size_t i = 0; i < 10; i++) play_report(i, DELIVERY_CONFIRMED);
  play_turn();
  play_forget(0, true);
  play_turn();
  assert_true(play_has_done(0, ERRAND_FORGET));
  assert_false(play.assignments[0]->gone); /* the producer still has ten of its records */
  for (size_t i = 10; i < 20; i++) play_report(i, DELIVERY_CONFIRMED);
  play_turn();
  assert_true(play.assignments[0]->gone);
  struct tally tally = play_destroy(0);
  assert_int_equal(tally.in, 20);
  assert_int_equal(tally.settled[OUTCOME_DELIVERED], 10);
  assert_int_equal(tally.settled[OUTCOME_ABANDONED], 10);
  assert_int_equal(tally_in_flight(&tally), 0);
}

static void a_late_report_changes_nothing(void **state) {
  (void)state;
  play_open();
  struct partition *partition = play_assign(0, 0)->partition;
  play_records(0, 0, 5);
  play_turn();
  play_forget(0, true);
  play_turn();
  play_confirm_all();
  assert_int_equal(partition->ledger.committable, 0);
  play_turn();
  assert_true(play.assignments[0]->gone);
}

static void a_partition_comes_back_while_its_old_batches_are_still_out(void **state) {
  (void)state;
  play_open();
  struct assignment *old = play_assign(0, 0);
  play_records(0, 0, 5);
  play_turn();
  play_forget(0, true);
  struct assignment *new = play_assign(0, 0);
  play_records(0, 0, 5);
  play_turn();
  assert_int_equal(play.sent_count, 10);
  play_confirm_all();
  play_turn();
  assert_int_equal(play_committed(0), 5);
  assert_true(new->partition->view.epoch > old->partition->view.epoch);
  assert_true(old->gone);
  assignment_destroy(old);
}

static void a_mark_that_is_still_under_way_harms_nobody(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_turn();
  play_records(0, 0, 3); /* posts the mark */
  play_forget(0, true);  /* before the lane has taken it */
  play_turn();
  assert_true(play.assignments[0]->gone);
  play_destroy(0);
  play_turn();
  assert_int_equal(play.sent_count, 0);
}

static void an_assignment_that_is_refused_is_never_adopted(void **state) {
  (void)state;
  play_open();
  struct assignment *assignment = assignment_create("in", 0, ++play.epoch, 0, play.lane);
  play.assignments[0] = assignment;
  assignment_mark(assignment);
  play_forget(0, true);
  play_turn();
  assert_true(assignment->gone);
}

/* --- at most once --- */

static void nothing_is_processed_before_its_commit_is_confirmed(void **state) {
  (void)state;
  play.settings.at_most_once = true;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 25);
  play_turn();
  assert_int_equal(play.sent_count, 0);
  assert_int_equal(play_committed(0), 25); /* three batches pile up */
  assert_true(play.urgent > 0);
  struct assignment *assignment = play.assignments[0];
  ledger_confirm(&assignment->partition->ledger, assignment->partition->view.epoch, 15);
  play_turn();
  assert_int_equal(play.sent_count, 10); /* the second batch reaches beyond 15 */
  play_commit(0);
  play_turn();
  assert_int_equal(play.sent_count, 25);
  play_confirm_all();
  play_turn();
  assert_int_equal(assignment->partition->tally.settled[OUTCOME_DELIVERED], 25);
}

static void the_pool_bounds_what_waits_for_its_commit(void **state) {
  (void)state;
  play.settings.at_most_once = true;
  play.plan.batches = 2;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 50);
  play_turn();
  assert_int_equal(play_committed(0), 20);
  play_commit(0);
  play_turn();
  play_confirm_all();
  play_turn();
  assert_int_equal(play_committed(0), 40);
}

static void what_is_not_confirmed_is_never_processed(void **state) {
  (void)state;
  play.settings.at_most_once = true;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 15);
  play_turn();
  play_drain(0, false);
  play_turn();
  assert_false(play_has_done(0, ERRAND_DRAIN)); /* it waits for the answer */
  play_forget(0, false);                        /* which did not come */
  play_turn();
  assert_int_equal(play.sent_count, 0);
  assert_true(play.assignments[0]->gone);
  struct tally tally = play_destroy(0);
  assert_int_equal(tally.settled[OUTCOME_ABANDONED], 15);
}

static void a_drain_processes_what_is_confirmed_meanwhile(void **state) {
  (void)state;
  play.settings.at_most_once = true;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 15);
  play_turn();
  play_drain(0, true);
  play_turn();
  play_commit(0);
  play_turn();
  assert_int_equal(play.sent_count, 15);
  assert_false(play_has_done(0, ERRAND_DRAIN));
  play_confirm_all();
  play_turn();
  assert_true(play_has_done(0, ERRAND_DRAIN));
}

static void a_stopped_partition_does_not_wait_for_its_commits(void **state) {
  (void)state;
  play.settings.at_most_once = true;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 10);
  play_turn();
  play_commit(0);
  play_turn();
  play_records(0, 10, 10); /* opened, not confirmed */
  play_turn();
  play_report(0, DELIVERY_REFUSED);
  for (size_t i = 1; i < 10; i++) play_report(i, DELIVERY_CONFIRMED);
  play_turn();
  assert_true(play.assignments[0]->stopped);
  play_drain(0, false);
  play_turn();
  assert_true(play_has_done(0, ERRAND_DRAIN));
}

#define play_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      play_test(a_drain_is_done_when_nothing_is_in_flight),
      play_test(a_stop_drains_all_partitions_alike),
      play_test(a_drain_of_nothing_is_done_at_once),
      play_test(nothing_is_taken_behind_the_fence),
      play_test(a_batch_that_waits_is_given_back_behind_the_fence),
      play_test(progress_tells_how_far_an_unsettled_batch_came),
      play_test(what_is_left_is_abandoned_and_counted),
      play_test(a_late_report_changes_nothing),
      play_test(a_partition_comes_back_while_its_old_batches_are_still_out),
      play_test(a_mark_that_is_still_under_way_harms_nobody),
      play_test(an_assignment_that_is_refused_is_never_adopted),
      play_test(nothing_is_processed_before_its_commit_is_confirmed),
      play_test(the_pool_bounds_what_waits_for_its_commit),
      play_test(what_is_not_confirmed_is_never_processed),
      play_test(a_drain_processes_what_is_confirmed_meanwhile),
      play_test(a_stopped_partition_does_not_wait_for_its_commits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
