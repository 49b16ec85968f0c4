/* The way of a batch: I5 (every source record ends once), I6 (nothing that failed goes on), I7 (order), I8 (a dead letter counts when
 * it is confirmed), I9 (a stop holds the commit at its record). */
#include "support/runner_fixture.h"

#include <stdlib.h>
#include <string.h>
#include "base/span.h"

static struct fixture fixture;

static int begin(void **state) {
  fixture_init(&fixture);
  *state = &fixture;
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_stop(&fixture);
  return 0;
}

static enum stage_result drop_odd(struct setup *setup, struct portion *portion) {
  script_see(setup, portion);
  for (uint32_t i = 0; i < portion->view.record_count; i++)
    if (portion->records[i].view.offset % 2) portion_settle(portion, i, 1, WEIR_DROP, NULL);
  return STAGE_DONE;
}

/* Says `verdict` of the guilty offset, and edits it before; an attempt from fail_until on passes. */
static enum stage_result say(struct setup *setup, struct portion *portion, weir_verdict verdict) {
  script_see(setup, portion);
  portion_settle(portion, 0, portion->view.record_count, WEIR_PASS, NULL);
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    if (portion->records[i].view.offset != setup->guilty) continue;
    if (setup->fail_until && portion->records[i].view.attempt >= setup->fail_until) continue;
    if (!portion->sink) portion_edit(portion, i)->view.value = weir_text("half done");
    weir_reason why = weir_because("not_json", weir_text("byte 17"));
    portion_settle(portion, i, 1, verdict, &why);
  }
  return STAGE_DONE;
}

static enum stage_result reject_guilty(struct setup *setup, struct portion *portion) {
  return say(setup, portion, WEIR_REJECT);
}

static enum stage_result retry_guilty(struct setup *setup, struct portion *portion) {
  return say(setup, portion, WEIR_RETRY);
}

static enum stage_result break_on_guilty(struct setup *setup, struct portion *portion) {
  for (uint32_t i = 0; i < portion->view.record_count; i++)
    if (portion->records[i].view.offset == setup->guilty) return STAGE_BROKEN;
  return script_pass(setup, portion);
}

static enum stage_result emit_two(struct setup *setup, struct portion *portion) {
  script_see(setup, portion);
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    weir_draft draft = weir_draft_from(&portion->records[i].view, weir_text("child"));
    assert_true(portion_emit(portion, i, &draft));
    assert_true(portion_emit(portion, i, &draft));
    if (portion->records[i].view.offset % 2) portion_settle(portion, i, 1, WEIR_DROP, NULL);
  }
  return STAGE_DONE;
}

static enum stage_result only_even(struct setup *setup, struct portion *portion) { return drop_odd(setup, portion); }

static void saw(const struct setup *setup, uint32_t count, const int64_t *offsets) {
  assert_int_equal(setup->seen_count, count);
  for (uint32_t i = 0; i < count; i++) assert_int_equal(setup->seen[i].offset, offsets[i]);
}

static void what_passes_is_delivered_in_order(void **state) {
  (void)state;
  fixture_stage(&fixture, script_pass);
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  fixture_feed(&fixture, 3, 2);
  saw(sink, 5, (int64_t[]){0, 1, 2, 3, 4});
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 5);
  assert_int_equal(fixture.settled_batches, 2);
  assert_int_equal(runner_in_flight(fixture.runner, NULL), 0);
}

static void what_is_dropped_is_filtered_and_goes_no_further(void **state) {
  (void)state;
  fixture_stage(&fixture, drop_odd);
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 5);
  saw(sink, 3, (int64_t[]){0, 2, 4});
  assert_int_equal(fixture.settled[OUTCOME_FILTERED], 2);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 3);
}

static void children_come_behind_their_parent(void **state) {
  (void)state;
  fixture_stage(&fixture, emit_two);
  struct setup *sink = fixture_sink(&fixture, script_defer);
  sink->traits = WEIR_ASYNC;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  saw(sink, 8, (int64_t[]){0, 0, 0, 1, 1, 2, 2, 2});
  const uint32_t children[] = {0, 1, 2, 1, 2, 0, 1, 2};
  for (int i = 0; i < 8; i++) assert_int_equal(sink->seen[i].child, children[i]);
  assert_int_equal(fixture.settled_batches, 0);
  fixture_complete(sink, 0, WEIR_PASS);
  fixture_serve(&fixture);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 3);
}

static void a_dead_letter_counts_when_it_is_confirmed(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, reject_guilty);
  stage->guilty = 1;
  fixture.stages[0].policy.on_failure = FAIL_DEAD_LETTER;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  saw(sink, 2, (int64_t[]){0, 2});
  assert_int_equal(fixture.settled_batches, 0);
  assert_int_equal(fixture.sent_count, 1);
  assert_string_equal(fixture.sent[0].value, "1"); /* the original, not what the stage had half done */
  assert_int_equal(fixture.sent[0].outgoing.headers[0].value.size, 3);
  bool found = false;
  for (uint32_t i = 0; i < fixture.sent[0].outgoing.header_count; i++)
    if (span_is(fixture.sent[0].outgoing.headers[i].name, "weir.reason.code"))
      found = span_is(fixture.sent[0].outgoing.headers[i].value, "not_json");
  assert_true(found);
  fixture_report(&fixture, 0, 1, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DEAD_LETTERED], 1);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 2);
  assert_string_equal(fixture.failed_code, "not_json");
}

static void a_quarantined_record_is_a_dead_letter_of_its_stage_and_seen_by_none(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, script_pass), *sink = fixture_sink(&fixture, script_pass);
  fixture.stages[0].policy.on_failure = fixture.sinks[0].policy.on_failure = FAIL_DEAD_LETTER;
  fixture_start(&fixture);
  fixture_quarantine(&fixture, 0, fixture.stages[0].label);
  fixture_quarantine(&fixture, 1, fixture.sinks[0].label);
  fixture_quarantine(&fixture, 2, "a-stage-of-yesterday");
  fixture_feed(&fixture, 3, 1);
  saw(stage, 1, (int64_t[]){3});
  saw(sink, 1, (int64_t[]){3});
  assert_int_equal(fixture.sent_count, 3);
  assert_int_equal(fixture.settled[OUTCOME_DEAD_LETTERED], 0);
  fixture_report(&fixture, 0, 3, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DEAD_LETTERED], 3);
  assert_string_equal(fixture.failed_code, "quarantined");
}

static void a_quarantined_record_stops_its_partition_where_the_step_says_stop(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, script_pass);
  fixture.stages[0].policy.on_failure = FAIL_STOP;
  fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 5);
  fixture_quarantine(&fixture, 5, fixture.stages[0].label);
  assert_int_equal(fixture.sent_count, 0);
  assert_int_equal(fixture.stopped, 1);
  assert_int_equal(fixture.stopped_at, 5);
  assert_non_null(strstr(fixture.stopped_text, "quarantined: it ended the worker"));
  assert_int_equal(stage->seen_count, 5);
  assert_int_equal(fixture.settled_batches, 1);
  assert_false(runner_may_begin(fixture.runner, fixture.partition));
}

static void a_lost_dead_letter_is_sent_again(void **state) {
  (void)state;
  fixture_stage(&fixture, reject_guilty)->guilty = 0;
  fixture.stages[0].policy.on_failure = FAIL_DEAD_LETTER;
  fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 1);
  fixture_report(&fixture, 0, 1, DELIVERY_LOST, 0);
  assert_int_equal(fixture.settled_batches, 0);
  assert_int_equal(fixture.sent_count, 2);
  fixture_report(&fixture, 1, 1, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DEAD_LETTERED], 1);
}

static void a_refused_dead_letter_stops_the_partition(void **state) {
  (void)state;
  fixture_stage(&fixture, reject_guilty)->guilty = 2;
  fixture.stages[0].policy.on_failure = FAIL_DEAD_LETTER;
  fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  fixture_report(&fixture, 0, 1, DELIVERY_REFUSED, 29);
  assert_int_equal(fixture.stopped, 1);
  assert_int_equal(fixture.stopped_at, 2);
  assert_int_equal(fixture.settled_batches, 0);
}

static void lowest(void *ctx, const struct batch *batch) { *(int64_t *)ctx = batch_lowest_open(batch); }

static void a_stop_lets_only_earlier_records_go_on(void **state) {
  (void)state;
  fixture_stage(&fixture, reject_guilty)->guilty = 2;
  fixture.stages[0].policy.on_failure = FAIL_STOP;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 5);
  saw(sink, 2, (int64_t[]){0, 1});
  assert_int_equal(fixture.stopped_at, 2);
  assert_non_null(strstr(fixture.stopped_text, "not_json: byte 17"));
  assert_false(runner_may_begin(fixture.runner, fixture.partition));
  assert_int_equal(runner_in_flight(fixture.runner, fixture.partition), 0);
  int64_t offset = -1;
  runner_each(fixture.runner, fixture.partition, lowest, &offset);
  assert_int_equal(offset, 2);
}

static void a_discard_is_counted_as_such(void **state) {
  (void)state;
  fixture_stage(&fixture, reject_guilty)->guilty = 1;
  fixture.stages[0].policy.on_failure = FAIL_DISCARD;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  saw(sink, 2, (int64_t[]){0, 2});
  assert_int_equal(fixture.settled[OUTCOME_DISCARDED], 1);
}

static void a_retry_holds_its_partition_and_keeps_the_order(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, retry_guilty);
  stage->guilty = 1;
  stage->fail_until = 3;
  fixture.stages[0].policy.attempts = 5;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  assert_int_equal(sink->seen_count, 0);
  assert_false(runner_may_begin(fixture.runner, fixture.partition));
  int64_t due = runner_due(fixture.runner);
  assert_true(due > 1000 && due <= 1100);
  clock_hand_advance(&fixture.clock, 100);
  fixture_serve(&fixture);
  assert_int_equal(stage->seen[stage->seen_count - 1].attempt, 2);
  assert_int_equal(sink->seen_count, 0);
  clock_hand_advance(&fixture.clock, 200);
  fixture_serve(&fixture);
  saw(sink, 3, (int64_t[]){0, 1, 2});
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 3);
  assert_true(runner_may_begin(fixture.runner, fixture.partition));
}

static void attempts_that_are_used_up_end_in_on_failure(void **state) {
  (void)state;
  fixture_stage(&fixture, retry_guilty)->guilty = 0;
  fixture.stages[0].policy = (struct retry_policy){2, 100, 1000, FAIL_DISCARD};
  fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 2);
  clock_hand_advance(&fixture.clock, 100);
  fixture_serve(&fixture);
  assert_int_equal(fixture.settled[OUTCOME_DISCARDED], 1);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 1);
}

static void a_drain_gives_up_the_backoff_and_leaves_the_record_unsettled(void **state) {
  (void)state;
  fixture_stage(&fixture, retry_guilty)->guilty = 1;
  fixture.stages[0].policy.attempts = 5;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  runner_flush(fixture.runner, fixture.partition, WEIR_FLUSH_REVOKE, 0);
  assert_int_equal(runner_in_flight(fixture.runner, fixture.partition), 0);
  saw(sink, 1, (int64_t[]){0});
  assert_int_equal(fixture.settled_batches, 0);
  assert_int_equal(runner_revoked(fixture.runner, fixture.partition, WEIR_REVOKED), 2);
  assert_int_equal(fixture.settled[OUTCOME_ABANDONED], 2);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 1);
  struct error err;
  assert_true(runner_assigned(fixture.runner, fixture.partition, &err));
}

static void a_broken_batch_is_halved_until_the_guilty_record_is_alone(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, break_on_guilty);
  stage->guilty = 11;
  fixture.stages[0].policy.on_failure = FAIL_DISCARD;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 32);
  assert_int_equal(fixture.settled[OUTCOME_DISCARDED], 1);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 31);
  for (uint32_t i = 0; i < 31; i++) assert_int_equal(sink->seen[i].offset, i < 11 ? i : i + 1);
}

static void a_broken_sink_is_halved_too(void **state) {
  (void)state;
  fixture_sink(&fixture, break_on_guilty)->guilty = 5;
  fixture.sinks[0].policy.on_failure = FAIL_DISCARD;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 8);
  assert_int_equal(fixture.settled[OUTCOME_DISCARDED], 1);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 7);
}

static void a_record_that_the_guard_does_not_let_in_passes_by_in_its_place(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, emit_two);
  fixture_guard(&fixture, false, only_even);
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 4);
  saw(stage, 2, (int64_t[]){0, 2});
  saw(sink, 8, (int64_t[]){0, 0, 0, 1, 2, 2, 2, 3});
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 4);
}

static void a_guard_that_fails_lets_nothing_through(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, script_pass);
  fixture_guard(&fixture, false, reject_guilty)->guilty = 1;
  fixture.stages[0].policy.on_failure = FAIL_DISCARD;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  saw(stage, 2, (int64_t[]){0, 2});
  saw(sink, 2, (int64_t[]){0, 2});
  assert_int_equal(fixture.settled[OUTCOME_DISCARDED], 1);
}

static void every_sink_must_acknowledge(void **state) {
  (void)state;
  fixture_sink(&fixture, script_pass);
  struct setup *slow = fixture_sink(&fixture, script_defer);
  slow->traits = WEIR_ASYNC;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  assert_int_equal(fixture.settled_batches, 0);
  fixture_complete(slow, 0, WEIR_PASS);
  fixture_serve(&fixture);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 3);
}

static void a_retry_goes_to_the_missing_sink_only(void **state) {
  (void)state;
  struct setup *good = fixture_sink(&fixture, script_pass);
  struct setup *bad = fixture_sink(&fixture, retry_guilty);
  bad->guilty = 1;
  bad->fail_until = 2;
  fixture.sinks[1].policy.attempts = 2;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  assert_int_equal(fixture.settled_batches, 0);
  clock_hand_advance(&fixture.clock, 100);
  fixture_serve(&fixture);
  assert_int_equal(good->seen_count, 3);
  saw(bad, 4, (int64_t[]){0, 1, 2, 1});
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 3);
}

static void a_record_that_no_sink_wants_is_filtered(void **state) {
  (void)state;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_guard(&fixture, true, only_even);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 5);
  saw(sink, 3, (int64_t[]){0, 2, 4});
  assert_int_equal(fixture.settled[OUTCOME_FILTERED], 2);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 3);
}

int main(void) {
#define play(function) cmocka_unit_test_setup_teardown(function, begin, end)
  const struct CMUnitTest tests[] = {
      play(what_passes_is_delivered_in_order),
      play(what_is_dropped_is_filtered_and_goes_no_further),
      play(children_come_behind_their_parent),
      play(a_dead_letter_counts_when_it_is_confirmed),
      play(a_quarantined_record_is_a_dead_letter_of_its_stage_and_seen_by_none),
      play(a_quarantined_record_stops_its_partition_where_the_step_says_stop),
      play(a_lost_dead_letter_is_sent_again),
      play(a_refused_dead_letter_stops_the_partition),
      play(a_stop_lets_only_earlier_records_go_on),
      play(a_discard_is_counted_as_such),
      play(a_retry_holds_its_partition_and_keeps_the_order),
      play(attempts_that_are_used_up_end_in_on_failure),
      play(a_drain_gives_up_the_backoff_and_leaves_the_record_unsettled),
      play(a_broken_batch_is_halved_until_the_guilty_record_is_alone),
      play(a_broken_sink_is_halved_too),
      play(a_record_that_the_guard_does_not_let_in_passes_by_in_its_place),
      play(a_guard_that_fails_lets_nothing_through),
      play(every_sink_must_acknowledge),
      play(a_retry_goes_to_the_missing_sink_only),
      play(a_record_that_no_sink_wants_is_filtered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
