/* Tickets, wake() and resume(): records that get their verdict later, from the lane or from any thread; what a
 * fence, a flush and a destroy() do to them. */
#include "unit/stage_play.h"

/* Lets the plugin's thread do so much, and serves the lane. */
static void let(const fixture_gate *gate, uint32_t count) {
  gate->let(count);
  stage_wake(play.stage, play.hand.now);
}

/* ---- An own thread that answers through wake() and resume() ---- */

static void answers_come_through_wake(void **state) {
  (void)state;
  play_start("async_enrich", WEIR_TRANSFORM, "suffix: +");
  const fixture_gate *gate = play_extension(FIXTURE_GATE);
  struct portion *portion = play_batch("a - unknown b");
  assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
  assert_int_equal(portion->waiting, 3);
  assert_int_equal(portion->batch->holds, 1);
  assert_string_equal(play_verdicts(portion), "?p??");
  assert_int_equal(stage_deferred(play.stage, NULL), 3);
  assert_int_equal(stage_wake_at(play.stage), INT64_MAX);

  gate->let(1);
  play_wait_notified();
  assert_int_equal(stage_wake_at(play.stage), 0);
  stage_wake(play.stage, play.hand.now);
  assert_int_equal(stage_wake_at(play.stage), INT64_MAX);
  assert_false(portion->open);
  assert_int_equal(portion->waiting, 3); /* until it is collected */
  assert_int_equal(play_collect(), 1);
  assert_int_equal(portion->waiting, 2);
  assert_string_equal(play_verdicts(portion), "pp??");
  assert_string_equal(play_values(portion), "a+ - unknown b");

  let(gate, 2);
  assert_int_equal(play_collect(), 1);
  assert_int_equal(portion->waiting, 0);
  assert_int_equal(portion->batch->holds, 0);
  assert_string_equal(play_verdicts(portion), "ppjp");
  assert_string_equal(play_values(portion), "a+ - unknown b+");
  assert_string_equal(play_code(portion, 2), "unknown");
  assert_int_equal(stage_deferred(play.stage, NULL), 0);
  play_give(portion);
  assert_int_equal(play_metric("plugin_late_completions"), 0);
}

static void several_batches_are_resumed_in_one_wake(void **state) {
  (void)state;
  play_start("async_enrich", WEIR_TRANSFORM, "");
  const fixture_gate *gate = play_extension(FIXTURE_GATE);
  struct portion *first = play_batch("a b"), *second = play_batch("c"), *third = play_batch("d e f");
  assert_int_equal(stage_process(play.stage, first), STAGE_LATER);
  assert_int_equal(stage_process(play.stage, second), STAGE_LATER);
  assert_int_equal(stage_process(play.stage, third), STAGE_LATER);
  let(gate, 4);
  assert_int_equal(play_collect(), 3);
  assert_int_equal(first->waiting + second->waiting, 0);
  assert_int_equal(third->waiting, 2);
  play_give(first);
  play_give(second);
  let(gate, 2);
  assert_int_equal(play_collect(), 1);
  assert_string_equal(play_values(third), "d! e! f!");
  play_give(third);
}

static void both_traits_of_a_library_are_its_own(void **state) {
  (void)state;
  play_start("async_enrich:async_enrich_unordered", WEIR_TRANSFORM, "");
  assert_int_equal(setup_traits(play.setup), WEIR_ASYNC | WEIR_UNORDERED);
}

static void a_lost_partition_uses_the_tickets_up(void **state) {
  (void)state;
  struct error err = {0};
  play_start("async_enrich", WEIR_TRANSFORM, "");
  const fixture_gate *gate = play_extension(FIXTURE_GATE);
  struct portion *portion = play_batch("a b c");
  assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
  stage_fence(play.stage, play.partition);
  stage_revoked(play.stage, play.partition, WEIR_LOST);
  assert_int_equal(play_collect(), 0);
  assert_int_equal(stage_deferred(play.stage, play.partition), 3); /* held until the plugin lets go */
  let(gate, 1);                                                    /* its resume() gives NULL */
  assert_int_equal(play_collect(), 1);
  assert_int_equal(portion->waiting, 0);
  assert_string_equal(play_values(portion), "a b c");
  assert_string_equal(play_verdicts(portion), "ttt");
  play_give(portion);
  let(gate, 2); /* and again, with a batch that is gone */
  assert_int_equal(play_collect(), 0);
  assert_int_equal(play_metric("plugin_misbehaviours"), 0); /* it was told in time, so it did nothing wrong */
  assert_true(stage_assigned(play.stage, play.partition, &err));
}

static void destroy_abandons_what_is_still_deferred(void **state) {
  (void)state;
  play_start("async_enrich", WEIR_TRANSFORM, "");
  const fixture_gate *gate = play_extension(FIXTURE_GATE);
  struct portion *first = play_batch("a b"), *second = play_batch("c");
  assert_int_equal(stage_process(play.stage, first), STAGE_LATER);
  assert_int_equal(stage_process(play.stage, second), STAGE_LATER);
  let(gate, 1); /* one is answered and not collected */
  assert_int_equal(play.pool.taken, 2);
  play_stop();
  assert_int_equal(play.pool.taken, 0);
}

/* ---- A sink whose thread completes ---- */

static void a_batching_sink_writes_when_it_has_enough(void **state) {
  (void)state;
  play_start("batching_sink", WEIR_SINK, "{records: 4, linger: 1s}");
  const fixture_gate *gate = play_extension(FIXTURE_GATE);
  struct portion *first = play_batch("a bad"), *second = play_batch("c d");
  assert_int_equal(stage_process(play.stage, first), STAGE_LATER);
  assert_int_equal(stage_wake_at(play.stage), 2000);
  assert_int_equal(stage_process(play.stage, second), STAGE_LATER);
  gate->let(1);
  play_wait_notified();
  assert_int_equal(play_collect(), 2);
  assert_string_equal(play_verdicts(first), "pj");
  assert_string_equal(play_code(first, 1), "bad_value");
  assert_string_equal(play_code(first, 0), "");
  assert_string_equal(play_verdicts(second), "pp");
  play_give(first);
  play_give(second);
  assert_int_equal(play_metric("plugin_late_completions"), 0);
}

static void a_batching_sink_writes_when_time_has_passed(void **state) {
  (void)state;
  play_start("batching_sink", WEIR_SINK, "{records: 100, linger: 250ms}");
  const fixture_gate *gate = play_extension(FIXTURE_GATE);
  struct portion *portion = play_batch("a b");
  assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
  assert_int_equal(stage_wake_at(play.stage), 1250);
  stage_wake(play.stage, 1249);
  assert_int_equal(stage_wake_at(play.stage), 1250); /* not too early */
  clock_hand_advance(&play.hand, 250);
  stage_wake(play.stage, 1250);
  gate->let(1);
  assert_int_equal(play_collect(), 1);
  play_give(portion);
}

static void flush_asks_and_completing_is_the_answer(void **state) {
  (void)state;
  play_start("batching_sink", WEIR_SINK, "");
  const fixture_gate *gate = play_extension(FIXTURE_GATE);
  struct portion *portion = play_batch("a b");
  assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
  stage_flush(play.stage, play.partition, WEIR_FLUSH_REVOKE, 5000);
  assert_int_equal(play_collect(), 0);
  gate->let(1);
  assert_int_equal(play_collect(), 1);
  assert_int_equal(portion->waiting, 0);
  play_give(portion);
}

static void a_fenced_batch_is_freed_by_its_late_completion(void **state) {
  (void)state;
  play_start("batching_sink", WEIR_SINK, "");
  const fixture_gate *gate = play_extension(FIXTURE_GATE);
  struct portion *portion = play_batch("a b"), *kept = NULL;
  struct error err = {0};
  assert_true(stage_assigned(play.stage, play.other, &err));
  kept = play_batch_of(play.other, "x");
  assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
  assert_int_equal(stage_process(play.stage, kept), STAGE_LATER);
  stage_flush(play.stage, NULL, WEIR_FLUSH_FULL, 0);
  stage_fence(play.stage, play.partition);
  stage_revoked(play.stage, play.partition, WEIR_LOST);
  assert_true(stage_assigned(play.stage, play.partition, &err));
  gate->let(1); /* both are written in one go */
  /* complete() said that it changes nothing, but of this partition only */
  assert_int_equal(play_metric("plugin_late_completions"), 1);
  assert_int_equal(play_collect(), 2);
  assert_int_equal(portion->batch->holds, 0);
  play_give(portion);
  play_give(kept);
  stage_revoked(play.stage, play.other, WEIR_REVOKED);
}

/* ---- A window: many records into one ---- */

static void a_window_closes_in_time(void **state) {
  (void)state;
  play_start("window", WEIR_TRANSFORM, "length: 10s");
  struct portion *first = play_batch("a b c"), *second = play_batch("d e");
  assert_int_equal(stage_process(play.stage, first), STAGE_LATER);
  clock_hand_advance(&play.hand, 4000);
  assert_int_equal(stage_process(play.stage, second), STAGE_LATER);
  assert_int_equal(stage_wake_at(play.stage), 11000);
  clock_hand_advance(&play.hand, 6000);
  stage_wake(play.stage, 11000);
  assert_int_equal(play_collect(), 2);
  assert_string_equal(play_verdicts(first), "ddd");
  assert_string_equal(play_emitted(first), "0:5");
  assert_string_equal(play_verdicts(second), "dd");
  assert_string_equal(play_emitted(second), "");
  assert_null(first->emitted->record.view.key.data);
  play_give(first);
  play_give(second);
  assert_int_equal(stage_wake_at(play.stage), INT64_MAX);
}

static void a_window_closes_when_it_is_flushed(void **state) {
  (void)state;
  struct error err = {0};
  play_start("window", WEIR_TRANSFORM, "");
  assert_true(stage_assigned(play.stage, play.other, &err));
  struct portion *mine = play_batch("a b"), *others = play_batch_of(play.other, "c");
  assert_int_equal(stage_process(play.stage, mine), STAGE_LATER);
  assert_int_equal(stage_process(play.stage, others), STAGE_LATER);
  stage_flush(play.stage, play.partition, WEIR_FLUSH_REVOKE, 9000);
  assert_int_equal(play_collect(), 1);
  assert_string_equal(play_emitted(mine), "0:2");
  assert_int_equal(stage_deferred(play.stage, play.other), 1);
  play_give(mine);
  stage_flush(play.stage, NULL, WEIR_FLUSH_STOP, 9000);
  assert_int_equal(play_collect(), 1);
  assert_string_equal(play_emitted(others), "0:1");
  play_give(others);
  stage_revoked(play.stage, play.other, WEIR_REVOKED);
}

static void a_window_that_finds_no_memory_tries_again(void **state) {
  (void)state;
  batch_pool_fini(&play.pool);
  assert_true(batch_pool_init(&play.pool, PLAY_BATCHES, PLAY_RECORDS, 64 << 10));
  play_start("window", WEIR_TRANSFORM, "");
  struct portion *portion = play_batch("a b");
  assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
  while (arena_alloc(&portion->batch->arena, 16)) continue;
  stage_flush(play.stage, NULL, WEIR_FLUSH_STOP, 9000);
  assert_int_equal(play_collect(), 1);
  assert_string_equal(play_verdicts(portion), "tt");
  assert_string_equal(play_emitted(portion), "");
  play_give(portion);
}

/* ---- A thread at full speed ---- */

/* With the gate open the sink's thread is as fast as it can be: before, during and after the return of process(). */
static void a_racing_thread_loses_nothing(void **state) {
  (void)state;
  enum { ROUNDS = 400 };
  play_start("batching_sink", WEIR_SINK, "records: 1");
  ((const fixture_gate *)play_extension(FIXTURE_GATE))->open();
  uint32_t later = 0;
  for (int round = 0; round < ROUNDS; round++) {
    struct portion *portion = play_batch("a b bad d");
    if (stage_process(play.stage, portion) == STAGE_LATER) {
      later++;
      while (portion->waiting) {
        play_wait_notified();
        play_collect();
      }
    }
    assert_string_equal(play_verdicts(portion), "ppjp");
    assert_int_equal(portion->batch->holds, 0);
    play_give(portion);
  }
  print_message("%u of %d batches were completed after process() had returned\n", later, ROUNDS);
}

int main(void) {
#define PLAY(test) cmocka_unit_test_setup_teardown(test, play_open_stage, play_close_stage)
  const struct CMUnitTest tests[] = {
      PLAY(answers_come_through_wake),
      PLAY(several_batches_are_resumed_in_one_wake),
      PLAY(both_traits_of_a_library_are_its_own),
      PLAY(a_lost_partition_uses_the_tickets_up),
      PLAY(destroy_abandons_what_is_still_deferred),
      PLAY(a_batching_sink_writes_when_it_has_enough),
      PLAY(a_batching_sink_writes_when_time_has_passed),
      PLAY(flush_asks_and_completing_is_the_answer),
      PLAY(a_fenced_batch_is_freed_by_its_late_completion),
      PLAY(a_window_closes_in_time),
      PLAY(a_window_closes_when_it_is_flushed),
      PLAY(a_window_that_finds_no_memory_tries_again),
      PLAY(a_racing_thread_loses_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
