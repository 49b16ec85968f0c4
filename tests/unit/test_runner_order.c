/* The Kafka sink, deferral and order: I5, I7, I13 (what the transport lost never fails a record), and a random play against a model. */
#include "support/runner_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void a_report_is_the_acknowledgement(void **state) {
  (void)state;
  fixture_kafka_sink(&fixture);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  assert_int_equal(fixture.sent_count, 3);
  fixture_report(&fixture, 0, 2, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled_batches, 0);
  fixture_report(&fixture, 2, 1, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 3);
}

static void a_full_producer_holds_the_partition_until_there_is_room(void **state) {
  (void)state;
  fixture_kafka_sink(&fixture);
  fixture.room = 2;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 4);
  assert_int_equal(fixture.sent_count, 2);
  assert_false(runner_may_begin(fixture.runner, fixture.partition));
  fixture_report(&fixture, 0, 2, DELIVERY_CONFIRMED, 0);
  fixture.room = UINT32_MAX;
  fixture.wanted(fixture.wanted_ctx);
  fixture_serve(&fixture);
  assert_int_equal(fixture.sent_count, 4);
  assert_string_equal(fixture.sent[2].value, "2");
  assert_true(runner_may_begin(fixture.runner, fixture.partition));
  fixture_report(&fixture, 2, 2, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 4);
}

static void what_waits_for_room_is_given_up_with_its_partition(void **state) {
  (void)state;
  fixture_kafka_sink(&fixture);
  fixture.room = 1;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  assert_int_equal(runner_revoked(fixture.runner, fixture.partition, WEIR_LOST), 3);
  fixture_report(&fixture, 0, 1, DELIVERY_CONFIRMED, 0); /* late: nothing counts, the memory comes back */
  assert_int_equal(fixture.settled[OUTCOME_ABANDONED], 3);
  assert_int_equal(fixture.partition->batches, 0);
  struct error err;
  assert_true(runner_assigned(fixture.runner, fixture.partition, &err));
}

static void what_the_transport_lost_is_sent_again_and_never_fails(void **state) {
  (void)state;
  fixture_kafka_sink(&fixture);
  fixture.sinks[0].policy.on_failure = FAIL_STOP;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  fixture_report(&fixture, 0, 1, DELIVERY_CONFIRMED, 0);
  fixture_report(&fixture, 1, 2, DELIVERY_LOST, 0);
  assert_int_equal(fixture.sent_count, 5);
  assert_string_equal(fixture.sent[3].value, "1");
  assert_string_equal(fixture.sent[4].value, "2");
  assert_int_equal(fixture.stopped, 0);
  fixture_report(&fixture, 3, 2, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 3);
}

/* The reports of what was lost with the old producer are on their way: the new one may not get later records before. */
static void a_producer_made_anew_gets_what_the_old_one_lost_first(void **state) {
  (void)state;
  fixture_kafka_sink(&fixture);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  fixture.producer_number++;
  fixture_feed(&fixture, 3, 2);
  assert_int_equal(fixture.sent_count, 3);
  fixture_report(&fixture, 0, 1, DELIVERY_CONFIRMED, 0);
  fixture_report(&fixture, 1, 2, DELIVERY_LOST, 0);
  if (fixture.wanted) fixture.wanted(fixture.wanted_ctx);
  fixture_serve(&fixture);
  assert_int_equal(fixture.sent_count, 7);
  for (int i = 3; i < 7; i++) assert_int_equal(fixture.sent[i].value[0], '1' + i - 3);
  fixture_report(&fixture, 3, 4, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 5);
}

/* Half of a portion went to the old producer: the rest and all behind it wait for what is reported of that half. */
static void what_was_half_handed_over_is_not_overtaken(void **state) {
  (void)state;
  fixture_kafka_sink(&fixture);
  fixture.room = 1;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  fixture.producer_number++;
  fixture.room = UINT32_MAX;
  fixture.wanted(fixture.wanted_ctx);
  fixture_serve(&fixture);
  fixture_feed(&fixture, 3, 2);
  assert_int_equal(fixture.sent_count, 1);
  fixture_report(&fixture, 0, 1, DELIVERY_LOST, 0);
  fixture.wanted(fixture.wanted_ctx);
  fixture_serve(&fixture);
  assert_int_equal(fixture.sent_count, 6);
  for (int i = 1; i < 6; i++) assert_int_equal(fixture.sent[i].value[0], '0' + i - 1);
  fixture_report(&fixture, 1, 5, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 5);
}

static void what_the_broker_refuses_is_a_dead_letter(void **state) {
  (void)state;
  fixture_kafka_sink(&fixture);
  fixture.sinks[0].policy.on_failure = FAIL_DEAD_LETTER;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 2);
  fixture_report(&fixture, 0, 1, DELIVERY_REFUSED, 10);
  fixture_report(&fixture, 1, 1, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.sent_count, 3);
  fixture_report(&fixture, 2, 1, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DEAD_LETTERED], 1);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 1);
  assert_string_equal(fixture.failed_code, "message_too_large");
}

static enum stage_result set_topic(struct setup *setup, struct portion *portion) {
  script_see(setup, portion);
  for (uint32_t i = 0; i < portion->view.record_count; i++)
    portion_edit(portion, i)->view.topic = weir_text(portion->records[i].view.offset == 1 ? "other" : "eu-west");
  return STAGE_DONE;
}

static void only_allowed_routes_are_taken(void **state) {
  (void)state;
  static const char *const routes[] = {"^eu-.*$"};
  fixture_stage(&fixture, set_topic);
  fixture_kafka_sink(&fixture);
  fixture.sinks[0].allow_routes = true;
  fixture.sinks[0].routes = routes;
  fixture.sinks[0].route_count = 1;
  fixture.sinks[0].policy.on_failure = FAIL_DISCARD;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 3);
  assert_int_equal(fixture.sent_count, 2);
  fixture_report(&fixture, 0, 2, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DISCARDED], 1);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 2);
}

static void a_deferred_portion_holds_those_behind_it(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, script_defer);
  stage->traits = WEIR_ASYNC;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 2);
  fixture_feed(&fixture, 2, 2);
  assert_int_equal(stage->calls, 2); /* it takes the next while the first is out */
  fixture_complete(stage, 1, WEIR_PASS);
  fixture_serve(&fixture);
  assert_int_equal(sink->seen_count, 0);
  fixture_complete(stage, 0, WEIR_PASS);
  fixture_serve(&fixture);
  assert_int_equal(sink->seen_count, 4);
  for (int i = 0; i < 4; i++) assert_int_equal(sink->seen[i].offset, i);
}

/* All its records have ended, but its portion still waits for its turn: its memory must not be used again. */
static void a_batch_that_failed_stays_while_it_stands_in_line(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, script_defer);
  stage->traits = WEIR_ASYNC;
  fixture.stages[0].policy.on_failure = FAIL_DISCARD;
  fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 2);
  fixture_feed(&fixture, 2, 2);
  fixture_complete(stage, 1, WEIR_REJECT);
  fixture_serve(&fixture);
  assert_int_equal(fixture.failed, 2);
  assert_int_equal(fixture.settled_batches, 0);
  assert_int_equal(fixture.partition->batches, 2);
  fixture_complete(stage, 0, WEIR_PASS);
  fixture_serve(&fixture);
  assert_int_equal(fixture.settled_batches, 2);
  assert_int_equal(fixture.settled[OUTCOME_DISCARDED], 2);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 2);
}

static void an_unordered_stage_lets_later_ones_go_first(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, script_defer);
  stage->traits = WEIR_ASYNC | WEIR_UNORDERED;
  struct setup *sink = fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 2);
  fixture_feed(&fixture, 2, 2);
  fixture_complete(stage, 1, WEIR_PASS);
  fixture_serve(&fixture);
  assert_int_equal(sink->seen_count, 2);
  assert_int_equal(sink->seen[0].offset, 2);
  fixture_complete(stage, 0, WEIR_DROP);
  fixture_serve(&fixture);
  assert_int_equal(fixture.settled[OUTCOME_FILTERED], 2);
}

static void a_late_completion_only_gives_the_memory_back(void **state) {
  (void)state;
  struct setup *stage = fixture_stage(&fixture, script_defer);
  stage->traits = WEIR_ASYNC;
  fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 2);
  assert_int_equal(runner_revoked(fixture.runner, fixture.partition, WEIR_LOST), 2);
  assert_int_equal(fixture.partition->batches, 1);
  fixture_complete(stage, 0, WEIR_PASS);
  fixture_serve(&fixture);
  assert_int_equal(fixture.partition->batches, 0);
  assert_int_equal(fixture.settled[OUTCOME_DELIVERED], 0);
  struct error err;
  assert_true(runner_assigned(fixture.runner, fixture.partition, &err));
}

/* --- a random play: verdicts by a fixed rule of offset and attempt, so the model knows each outcome --- */

static unsigned hash(int64_t offset, unsigned salt) {
  uint64_t x = (uint64_t)offset * 0x9e3779b97f4a7c15u + salt;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9u;
  return (unsigned)(x >> 33) % 100;
}

static enum outcome expected(int64_t offset) {
  if (hash(offset, 1) < 10) return OUTCOME_FILTERED;
  if (hash(offset, 2) < 5) return OUTCOME_DEAD_LETTERED;
  return OUTCOME_DELIVERED;
}

static enum stage_result random_stage(struct setup *setup, struct portion *portion) {
  (void)setup;
  if (rand() % 10 == 0) return STAGE_BROKEN;
  bool later = false;
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    const weir_record *view = &portion->records[i].view;
    weir_verdict verdict = WEIR_PASS;
    if (view->child == 0 && hash(view->offset, 1) < 10) verdict = WEIR_DROP;
    if (view->child == 0 && expected(view->offset) == OUTCOME_DEAD_LETTERED) verdict = WEIR_REJECT;
    if (view->attempt < 50 && rand() % 10 == 0) verdict = WEIR_RETRY;
    if (verdict == WEIR_PASS && (setup->traits & WEIR_ASYNC) && rand() % 20 == 0) verdict = WEIR_UNSETTLED;
    later |= verdict == WEIR_UNSETTLED;
    if (verdict == WEIR_PASS && view->child == 0 && rand() % 10 == 0) {
      weir_draft draft = weir_draft_from(view, view->value);
      portion_emit(portion, i, &draft);
    }
    portion_settle(portion, i, 1, verdict, NULL);
  }
  return later ? script_later(setup, portion) : STAGE_DONE;
}

static void complete_some(struct setup *setup) {
  while (setup->deferred_count && rand() % 3)
    fixture_complete(setup, (uint32_t)rand() % setup->deferred_count, WEIR_PASS);
}

static void report_some(uint32_t *reported, bool all) {
  while (*reported < fixture.sent_count && (all || rand() % 4)) {
    bool dead = fixture.sent[*reported].outgoing.header_count > 1;
    bool lost = !all && !dead && rand() % 50 == 0;
    fixture_report(&fixture, (*reported)++, 1, lost ? DELIVERY_LOST : DELIVERY_CONFIRMED, 0);
  }
}

/* Offsets rise, and of one offset the source record comes before what was emitted from it. */
static void check_order(void) {
  const struct setup *last_stage = &fixture.stage_setups[2];
  for (uint32_t i = 1; i < last_stage->seen_count; i++) {
    assert_true(last_stage->seen[i].offset >= last_stage->seen[i - 1].offset);
    if (last_stage->seen[i].offset == last_stage->seen[i - 1].offset) assert_true(last_stage->seen[i].child > 0);
  }
}

static void one_random_play(unsigned seed) {
  srand(seed);
  fixture_init(&fixture);
  for (int i = 0; i < 2; i++) {
    fixture_stage(&fixture, random_stage);
    fixture.stages[i].policy = (struct retry_policy){1000, 10, 100, FAIL_DEAD_LETTER};
  }
  fixture.stage_setups[1].traits = WEIR_ASYNC;
  fixture_stage(&fixture, script_pass);
  fixture_kafka_sink(&fixture);
  fixture_start(&fixture);
  int64_t fed = 0;
  uint32_t reported = 0;
  uint64_t want[OUTCOMES] = {0};
  for (int step = 0; step < 400 || fixture.settled_batches < 20; step++) {
    assert_true(step < 100000);
    if (fed < 20 * 40 && fixture.runner && runner_may_begin(fixture.runner, fixture.partition) && rand() % 2) {
      for (int64_t offset = fed; offset < fed + 40; offset++) want[expected(offset)]++;
      fixture_feed(&fixture, fed, 40);
      fed += 40;
    }
    complete_some(&fixture.stage_setups[1]);
    report_some(&reported, step > 400);
    clock_hand_advance(&fixture.clock, 20);
    fixture_serve(&fixture);
  }
  for (int i = 0; i < OUTCOMES; i++) assert_int_equal(fixture.settled[i], want[i]);
  assert_int_equal(runner_in_flight(fixture.runner, NULL), 0);
  assert_int_equal(fixture.partition->batches, 0);
  check_order();
  fixture_stop(&fixture);
}

static void random_plays_agree_with_the_model(void **state) {
  (void)state;
  const char *only = getenv("SEED");
  for (unsigned seed = 1; seed <= 200; seed++) {
    if (only && seed != (unsigned)atoi(only)) continue;
    one_random_play(seed);
  }
}

int main(void) {
#define play(function) cmocka_unit_test_setup_teardown(function, begin, end)
  const struct CMUnitTest tests[] = {
      play(a_report_is_the_acknowledgement),
      play(a_full_producer_holds_the_partition_until_there_is_room),
      play(what_waits_for_room_is_given_up_with_its_partition),
      play(what_the_transport_lost_is_sent_again_and_never_fails),
      play(a_producer_made_anew_gets_what_the_old_one_lost_first),
      play(what_was_half_handed_over_is_not_overtaken),
      play(what_the_broker_refuses_is_a_dead_letter),
      play(only_allowed_routes_are_taken),
      play(a_deferred_portion_holds_those_behind_it),
      play(a_batch_that_failed_stays_while_it_stands_in_line),
      play(an_unordered_stage_lets_later_ones_go_first),
      play(a_late_completion_only_gives_the_memory_back),
      cmocka_unit_test(random_plays_agree_with_the_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
