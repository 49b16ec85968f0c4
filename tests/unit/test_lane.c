/* test_lane.c: what a lane reads, when, and what it owes the feeds that it leaves (I1, I4, I9, I10, I11). No thread, no broker. */
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

static void records_pass_in_order_and_commit_with_their_reports(void **state) {
  (void)state;
  play_open();
  play_assign(0, 100);
  play_records(0, 100, 7);
  play_turn();
  assert_int_equal(play.sent_count, 7);
  for (size_t i = 0; i < 7; i++) assert_sent(i, 0, 100 + (int64_t)i);
  assert_int_equal(play_committed(0), 100);
  for (size_t i = 0; i < 6; i++) play_report(i, DELIVERY_CONFIRMED);
  play_turn();
  assert_int_equal(play_committed(0), 100);
  play_report(6, DELIVERY_CONFIRMED);
  play_turn();
  assert_int_equal(play_committed(0), 107);
  assert_true(play.committable > 0);
  assert_int_equal(play.urgent, 0);
}

static void suspect(struct assignment *assignment, int64_t first, int64_t last, uint32_t deaths) {
  struct suspect *list =
      realloc((void *)(uintptr_t)assignment->suspects.list, (assignment->suspects.count + 1) * sizeof *list);
  assert_non_null(list);
  list[assignment->suspects.count] =
      (struct suspect){.topic = "in", .first = first, .last = last, .deaths = deaths, .label = "out", .how = "SIGSEGV"};
  assignment->suspects = (struct suspects_view){list, assignment->suspects.count + 1};
}

static void suspects_are_alone_in_their_batches(void **state) {
  (void)state;
  play.plan.batches = 32;
  play_open();
  suspect(play_assign(0, 100), 107, 109, 0);
  play_records(0, 100, 20);
  play_turn();
  assert_int_equal(play.sent_count, 20);
  const struct ledger *ledger = &play.assignments[0]->partition->ledger;
  /* 100..106, three of one record, 110..119 */
  assert_int_equal(ledger->tail - ledger->head, 5);
  const int64_t firsts[] = {100, 107, 108, 109, 110};
  for (uint64_t i = 0; i < 5; i++)
    assert_int_equal(ledger->ranges[(ledger->head + i) % LIMIT_LEDGER_RANGES].first, firsts[i]);
}

static void a_record_that_killed_too_often_is_seen_by_nobody(void **state) {
  (void)state;
  play.settings.quarantine_after = 3;
  play_open();
  suspect(play_assign(0, 100), 105, 105, 3);
  suspect(play_assign(1, 100), 105, 105, 2);
  for (int i = 0; i < 2; i++) play_records(i, 100, 10);
  play_turn();
  play_confirm_all();
  play_turn();
  assert_int_equal(play_committed(0), 105);
  assert_true(play.assignments[0]->stopped);
  assert_int_equal(play.assignments[0]->stopped_at, 105);
  assert_non_null(strstr(play.assignments[0]->stop.text, "it ended the worker by SIGSEGV 3 times"));
  assert_int_equal(play_committed(1), 110);
  assert_int_equal(play.sent_count, 15);
}

static void an_adopted_partition_is_read_although_nothing_marks_it(void **state) {
  (void)state;
  play_open();
  struct assignment *assignment = play_assign(0, 0);
  /* What librdkafka fetched between assign and the lane's first look fires no callback any more. */
  play.feeds[0].assignment = NULL;
  play_records(0, 0, 3);
  play.feeds[0].assignment = assignment;
  play_turn();
  assert_int_equal(play.sent_count, 3);
}

static void a_feed_that_was_seen_empty_is_left_alone_until_its_mark(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_turn();
  size_t takes = play.feeds[0].takes;
  lane_wake(play.lane);
  play_turn();
  play_turn();
  assert_int_equal(play.feeds[0].takes, takes);
  play_records(0, 0, 1);
  play_turn();
  assert_true(play.feeds[0].takes > takes);
  assert_int_equal(play.sent_count, 1);
}

static void partitions_take_turns_batch_by_batch(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_assign(1, 0);
  play_turn();
  play_records(0, 0, 25);
  play_records(1, 0, 25);
  play_turn();
  assert_int_equal(play.sent_count, 50);
  int32_t turns[5] = {0, 1, 0, 1, 0};
  for (size_t i = 0; i < 50; i += 10) assert_int_equal(play.sent[i].partition, turns[i / 10]);
}

static void a_batch_ends_at_its_bytes(void **state) {
  (void)state;
  play.settings.batch_bytes = 6; /* "0 0" is three bytes */
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 4);
  play_turn();
  assert_int_equal(play.sent_count, 4);
  play_report(0, DELIVERY_CONFIRMED);
  play_report(1, DELIVERY_CONFIRMED);
  play_turn();
  assert_int_equal(play_committed(0), 2); /* the first batch had two records */
}

static void a_dry_pool_owes_every_partition_its_mark(void **state) {
  (void)state;
  play.plan.batches = 2;
  play_open();
  for (int i = 0; i < 4; i++) play_assign(i, 0);
  for (int i = 0; i < 4; i++) play_records(i, 0, 20);
  play_turn();
  assert_int_equal(play.sent_count, 20);
  for (int rounds = 0; rounds < 10; rounds++) {
    play_confirm_all();
    play_turn();
  }
  assert_int_equal(play.sent_count, 80);
  for (int i = 0; i < 4; i++) assert_int_equal(play_committed(i), 20);
}

static void a_dry_pool_serves_partitions_in_turn(void **state) {
  (void)state;
  play.plan.batches = 1;
  play_open();
  for (int i = 0; i < 3; i++) play_assign(i, 0);
  for (int i = 0; i < 3; i++) play_records(i, 0, 30);
  int seen[3] = {0};
  for (int rounds = 0; rounds < 6; rounds++) {
    play_turn();
    seen[play.sent[play.sent_count - 1].partition]++;
    play_confirm_all();
  }
  for (int i = 0; i < 3; i++) assert_int_equal(seen[i], 2);
}

static void no_more_than_the_duplicate_bound_is_uncommitted(void **state) {
  (void)state;
  play.settings.uncommitted_max = 15;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 40);
  play_turn();
  assert_int_equal(play.sent_count, 15);
  play_confirm_all();
  play_turn();
  assert_int_equal(play.sent_count, 15); /* settled is not confirmed */
  assert_int_equal(play_committed(0), 15);
  play_commit(0);
  play_turn();
  assert_int_equal(play.sent_count, 30);
}

static void the_bound_moves_on_with_every_commit(void **state) {
  (void)state;
  play.settings.uncommitted_max = 10;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 30);
  for (int i = 0; i < 3; i++) {
    play_turn();
    play_confirm_all();
    play_turn();
    play_commit(0);
  }
  play_turn();
  assert_int_equal(play.sent_count, 30);
}

static void work_is_bounded_and_goes_on_when_it_is_done(void **state) {
  (void)state;
  play.settings.work_max = 1;
  play_open();
  play_assign(0, 0);
  play_assign(1, 0);
  play_records(0, 0, 20);
  play_records(1, 0, 20);
  play_turn();
  assert_int_equal(play.sent_count, 10); /* one batch, whatever it holds */
  for (int rounds = 0; rounds < 4; rounds++) {
    play_confirm_all();
    play_turn();
  }
  assert_int_equal(play.sent_count, 40);
}

static void a_higher_limit_of_work_lets_it_go_on(void **state) {
  (void)state;
  play.settings.work_max = 1;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 30);
  play_turn();
  assert_int_equal(play.sent_count, 10);
  lane_limit(play.lane, 1 << 30);
  play_turn();
  assert_int_equal(play.sent_count, 30);
}

static void a_full_producer_holds_until_there_is_room(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play.room = 4;
  play_records(0, 0, 30);
  play_turn();
  assert_int_equal(play.sent_count, 4);
  assert_int_equal(play.feeds[0].count, 20); /* backpressure is not reading */
  assert_non_null(play.wanted);
  play.room = UINT32_MAX;
  play.wanted(play.wanted_ctx);
  play_turn();
  assert_int_equal(play.sent_count, 30);
  for (size_t i = 0; i < 30; i++) assert_sent(i, 0, (int64_t)i);
}

static void a_batch_waits_for_more_where_it_is_told_to(void **state) {
  (void)state;
  play.settings.batch_wait_ms = 50;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 3);
  play_turn();
  assert_int_equal(play.sent_count, 0);
  assert_int_equal(lane_due(play.lane), 1050);
  clock_hand_advance(&play.hand, 49);
  play_records(0, 3, 2);
  play_turn();
  assert_int_equal(play.sent_count, 0);
  clock_hand_advance(&play.hand, 1);
  play_turn();
  assert_int_equal(play.sent_count, 5);
  play_records(0, 5, 10); /* full: nothing to wait for */
  play_turn();
  assert_int_equal(play.sent_count, 15);
}

static void what_waits_for_more_is_not_delivered_when_the_partition_goes(void **state) {
  (void)state;
  play.settings.batch_wait_ms = 50;
  play_open();
  struct assignment *assignment = play_assign(0, 0);
  play_records(0, 0, 3);
  play_turn();
  play_drain(0, false);
  play_turn();
  assert_true(play_has_done(0, ERRAND_DRAIN));
  assert_int_equal(assignment->partition->tally.in, 0);
  assert_int_equal(play.messages, 0);
}

static void a_batch_that_is_given_back_makes_room_in_the_pool(void **state) {
  (void)state;
  play.settings.batch_wait_ms = 50;
  play.plan.batches = 1;
  play_open();
  play_assign(0, 0);
  play_assign(1, 0);
  play_turn();
  play_records(0, 0, 3);
  play_turn();
  play_records(1, 0, 10);
  play_turn();
  assert_int_equal(play.sent_count, 0); /* the only batch waits for more of partition 0 */
  play_drain(0, false);
  play_turn();
  assert_int_equal(play.sent_count, 10);
}

static enum write_result refuse(
    void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err) {
  (void)ctx, (void)outgoing, (void)delivery;
  error_set(err, "refused");
  return WRITE_REFUSED;
}

static void a_batch_that_ends_inside_its_begin_leaves_no_charge(void **state) {
  (void)state;
  play.plan.batch_records = play.settings.batch_records = 4000; /* its portion is larger than the arena's first chunk */
  play.plan.batch_bytes_max = 8 << 20;
  play.settings.work_max = 1;
  play.sink.policy.on_failure = FAIL_DISCARD;
  play.writer.write = refuse;
  play_open();
  struct assignment *assignment = play_assign(0, 0);
  play_records(0, 0, 12000);
  play_turn();
  assert_int_equal(assignment->partition->tally.settled[OUTCOME_DISCARDED], 12000);
  assert_int_equal(lane_failures(play.lane)->kinds[0].count, 12000);
}

static void an_end_counts_when_all_before_it_is_settled(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 3);
  play_end(0, 7); /* transaction markers at 3 to 6 */
  play_turn();
  assert_int_equal(play_committed(0), 0);
  play_confirm_all();
  play_turn();
  assert_int_equal(play_committed(0), 7);
  play_records(0, 7, 1);
  play_turn();
  assert_sent(3, 0, 7);
}

static void an_end_behind_a_batch_that_waits_is_kept(void **state) {
  (void)state;
  play.settings.batch_wait_ms = 50;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 3);
  play_end(0, 5);
  play_turn();
  assert_int_equal(play_committed(0), 0);
  clock_hand_advance(&play.hand, 50);
  play_turn();
  play_confirm_all();
  play_turn();
  assert_int_equal(play_committed(0), 5);
}

static void an_error_of_the_feed_stops_the_partition_behind_what_it_gave(void **state) {
  (void)state;
  play_open();
  struct assignment *assignment = play_assign(0, 0);
  play_records(0, 0, 3);
  play_error(0, false);
  play_records(0, 9, 3);
  play_turn();
  assert_int_equal(play.sent_count, 3);
  assert_true(assignment->stopped);
  assert_string_equal(assignment->stop.text, "scripted trouble at 0");
  assert_int_equal(assignment->stopped_at, -1);
  play_confirm_all();
  play_turn();
  assert_int_equal(play_committed(0), 3);
}

static void an_error_that_passes_by_itself_stops_nothing(void **state) {
  (void)state;
  play_open();
  struct assignment *assignment = play_assign(0, 0);
  play_error(0, true);
  play_records(0, 0, 3);
  play_turn();
  assert_false(assignment->stopped);
  assert_int_equal(play.sent_count, 3);
}

static void a_refused_record_stops_its_partition_and_no_other(void **state) {
  (void)state;
  play_open();
  struct assignment *assignment = play_assign(0, 0);
  play_assign(1, 0);
  play_records(0, 0, 10);
  play_records(1, 0, 10);
  play_turn();
  for (size_t i = 0; i < 20; i++)
    play_report(i, play.sent[i].partition == 0 && play.sent[i].offset == 4 ? DELIVERY_REFUSED : DELIVERY_CONFIRMED);
  play_turn();
  assert_true(assignment->stopped);
  assert_int_equal(assignment->stopped_at, 4);
  assert_int_equal(play_committed(0), 4); /* what is below it counts, in the middle of its batch */
  assert_int_equal(play_committed(1), 10);
  play_records(0, 10, 5);
  play_records(1, 10, 5);
  play_turn();
  assert_int_equal(play.sent_count, 25);
  play_drain(0, false);
  play_turn();
  assert_true(play_has_done(0, ERRAND_DRAIN)); /* nobody waits for what will never settle */
}

static void much_that_is_settled_is_urgent(void **state) {
  (void)state;
  play.settings.commit_records = 20;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 30);
  play_turn();
  for (size_t i = 0; i < 10; i++) play_report(i, DELIVERY_CONFIRMED);
  play_turn();
  assert_int_equal(play.urgent, 0);
  for (size_t i = 10; i < 20; i++) play_report(i, DELIVERY_CONFIRMED);
  play_turn();
  assert_int_equal(play.urgent, 1);
}

/* Below librdkafka 2.2 a queue that was full is not filled again before a second is over, unless somebody asks. */
static void a_feed_that_may_have_been_full_and_is_nearly_empty_is_starved(void **state) {
  (void)state;
  play_open();
  lane_watch_queues(play.lane, 90); /* "0 0" is three bytes */
  play_assign(0, 0);
  play.feeds[0].high = 200;
  play_records(0, 0, 8); /* it cannot have been full */
  play_turn();
  assert_int_equal(play.starved, 0);
  play.room = 0; /* one batch, then the partition is held */
  play_records(0, 8, 72);
  play_turn();
  play.room = UINT32_MAX;
  assert_int_equal(play.feeds[0].count, 62);
  assert_int_equal(play.starved, 0);
  play.wanted(play.wanted_ctx);
  play_turn();
  assert_int_equal(play.starved, 1);
  assert_true(atomic_exchange(&play.assignments[0]->starved, false));
  play_records(0, 80, 5); /* counted anew */
  play_turn();
  assert_int_equal(play.starved, 1);
  play.feeds[0].high = 120; /* nothing more is there */
  play_records(0, 85, 35);
  play_turn();
  assert_int_equal(play.starved, 1);
}

static void nobody_asks_where_librdkafka_does_not_rest(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play.feeds[0].high = 1000;
  play_records(0, 0, 100);
  play_turn();
  assert_int_equal(play.starved, 0);
}

#define play_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      play_test(records_pass_in_order_and_commit_with_their_reports),
      play_test(suspects_are_alone_in_their_batches),
      play_test(a_record_that_killed_too_often_is_seen_by_nobody),
      play_test(an_adopted_partition_is_read_although_nothing_marks_it),
      play_test(a_feed_that_was_seen_empty_is_left_alone_until_its_mark),
      play_test(partitions_take_turns_batch_by_batch),
      play_test(a_batch_ends_at_its_bytes),
      play_test(a_dry_pool_owes_every_partition_its_mark),
      play_test(a_dry_pool_serves_partitions_in_turn),
      play_test(no_more_than_the_duplicate_bound_is_uncommitted),
      play_test(the_bound_moves_on_with_every_commit),
      play_test(work_is_bounded_and_goes_on_when_it_is_done),
      play_test(a_higher_limit_of_work_lets_it_go_on),
      play_test(a_full_producer_holds_until_there_is_room),
      play_test(a_batch_waits_for_more_where_it_is_told_to),
      play_test(what_waits_for_more_is_not_delivered_when_the_partition_goes),
      play_test(a_batch_that_is_given_back_makes_room_in_the_pool),
      play_test(a_batch_that_ends_inside_its_begin_leaves_no_charge),
      play_test(an_end_counts_when_all_before_it_is_settled),
      play_test(an_end_behind_a_batch_that_waits_is_kept),
      play_test(an_error_of_the_feed_stops_the_partition_behind_what_it_gave),
      play_test(an_error_that_passes_by_itself_stops_nothing),
      play_test(a_refused_record_stops_its_partition_and_no_other),
      play_test(much_that_is_settled_is_urgent),
      play_test(a_feed_that_may_have_been_full_and_is_nearly_empty_is_starved),
      play_test(nobody_asks_where_librdkafka_does_not_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
