/* Plugins that break a promise: each time the record stays safe, the rule is logged once and every case is counted. */
#include "unit/stage_play.h"
#include "plugin/stage_inside.h"

static int64_t misbehaviours(void) { return play_metric("plugin_misbehaviours"); }

/* Runs one batch of three through a plugin that misbehaves so; the verdicts must be these, and `times` rules were
 * broken. */
static struct portion *after(
    const char *how, uint32_t role, enum stage_result result, const char *verdicts, int64_t times) {
  char yaml[64];
  snprintf(yaml, sizeof yaml, "how: %s", how);
  play_start("misbehave", role, yaml);
  struct portion *portion = play_batch("a b c");
  assert_int_equal(stage_process(play.stage, portion), result);
  assert_string_equal(play_verdicts(portion), verdicts);
  assert_int_equal(misbehaviours(), times);
  return portion;
}

static bool broke(enum rule rule) { return play.stage->host.broken_rules & (1u << rule); }

static void unsettled_without_a_ticket_is_tried_again(void **state) {
  (void)state;
  struct portion *portion = after("unsettled", WEIR_TRANSFORM, STAGE_DONE, "tpp", 1);
  assert_true(broke(RULE_UNSETTLED));
  assert_string_equal(play_code(portion, 0), "unsettled");
  play_give(portion);
}

static void a_silent_sink_acknowledges_nothing(void **state) {
  (void)state;
  play_give(after("nothing", WEIR_SINK, STAGE_DONE, "ttt", 1));
  assert_true(broke(RULE_UNSETTLED));
}

static void later_without_a_ticket_is_told(void **state) {
  (void)state;
  play_give(after("later", WEIR_TRANSFORM, STAGE_DONE, "ppp", 1));
  assert_true(broke(RULE_LATER));
}

static void done_with_deferred_records_is_later(void **state) {
  (void)state;
  struct portion *portion = after("done", WEIR_TRANSFORM, STAGE_LATER, "???", 1);
  assert_true(broke(RULE_DONE));
  assert_int_equal(portion->waiting, 3);
}

static void a_result_that_does_not_exist_is_broken(void **state) {
  (void)state;
  play_give(after("result", WEIR_TRANSFORM, STAGE_BROKEN, "ttt", 1));
  assert_true(broke(RULE_RESULT));
}

static void a_verdict_that_does_not_exist_is_retry(void **state) {
  (void)state;
  play_give(after("verdict", WEIR_TRANSFORM, STAGE_DONE, "tpp", 1));
  assert_true(broke(RULE_VERDICT));
}

static void records_out_of_range_are_not_touched(void **state) {
  (void)state;
  /* settle(1, 3) of three records reaches the two that are there: what should be dropped must not pass. */
  struct portion *portion = after("range", WEIR_TRANSFORM, STAGE_DONE, "pdd", 3);
  assert_true(broke(RULE_RANGE));
  play_give(portion);
}

static void a_change_that_is_refused_breaks_the_batch(void **state) {
  (void)state;
  struct portion *portion = after("change_beyond", WEIR_TRANSFORM, STAGE_BROKEN, "ttt", 1);
  assert_non_null(strstr(stage_failure(play.stage), "was refused"));
  play_give(portion);
  play_stop();
  play_give(after("headers_beyond", WEIR_TRANSFORM, STAGE_BROKEN, "ttt", 2));
  assert_true(broke(RULE_RANGE));
}

static void a_span_on_the_stack_is_copied(void **state) {
  (void)state;
  struct portion *portion = after("stack", WEIR_TRANSFORM, STAGE_DONE, "ppp", 3);
  assert_true(broke(RULE_STACK));
  assert_string_equal(play_values(portion), "on the stack b c");
  const struct record *child = &portion->emitted->record;
  assert_true(span_is(child->headers[0].name, "on") && span_is(child->headers[0].value, "the"));
  play_give(portion);
}

static void calls_from_another_thread_break_the_batch(void **state) {
  (void)state;
  struct portion *portion = after("thread", WEIR_TRANSFORM, STAGE_BROKEN, "ttt", 2);
  assert_true(broke(RULE_THREAD));
  assert_string_equal(play_values(portion), "a b c");
  play_give(portion);
}

static void structs_without_a_size_are_not_read(void **state) {
  (void)state;
  struct portion *portion = after("struct", WEIR_TRANSFORM, STAGE_DONE, "jpp", 2);
  assert_true(broke(RULE_STRUCT));
  assert_string_equal(play_code(portion, 0), "");
  assert_string_equal(play_emitted(portion), "");
  play_give(portion);
}

static void a_sink_changes_nothing(void **state) {
  (void)state;
  struct portion *portion = after("sink", WEIR_SINK, STAGE_DONE, "ppp", 2);
  assert_true(broke(RULE_SINK_CHANGES));
  assert_string_equal(play_values(portion), "a b c");
  assert_int_equal(portion->emitted_count, 0);
  play_give(portion);
}

static void a_closed_batch_is_never_looked_at(void **state) {
  (void)state;
  struct portion *portion = after("closed", WEIR_TRANSFORM, STAGE_DONE, "ppp", 0);
  play_give(portion); /* its memory is dead now: under AddressSanitizer a look at it ends the test */
  stage_wake(play.stage, play.hand.now);
  assert_true(broke(RULE_CLOSED_BATCH));
  assert_int_equal(misbehaviours(), 1);
}

static void a_second_defer_gives_the_same_ticket(void **state) {
  (void)state;
  after("twice", WEIR_TRANSFORM, STAGE_LATER, "???", 1);
  assert_true(broke(RULE_DEFER_TWICE));
}

static void unknown_flags_are_told(void **state) {
  (void)state;
  after("flags", WEIR_TRANSFORM, STAGE_LATER, "???", 1);
  assert_true(broke(RULE_FLAGS));
}

static void without_the_trait_there_is_no_ticket(void **state) {
  (void)state;
  play_start("misbehave:misbehave_sync", WEIR_TRANSFORM, "how: nothing");
  struct portion *portion = play_batch("a");
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  assert_true(broke(RULE_NOT_ASYNC));
  assert_true(broke(RULE_NO_WAKE));
  assert_int_equal(stage_wake_at(play.stage), INT64_MAX);
  play_give(portion);
}

static void resume_in_process_uses_the_ticket_up(void **state) {
  (void)state;
  struct portion *portion = after("resume", WEIR_TRANSFORM, STAGE_DONE, "ttt", 1);
  assert_true(broke(RULE_RESUME));
  play_give(portion);
}

static void broken_takes_the_ticket_back(void **state) {
  (void)state;
  struct portion *portion = after("broken", WEIR_TRANSFORM, STAGE_BROKEN, "ttt", 0);
  assert_string_equal(stage_failure(play.stage), "changed its mind");
  assert_int_equal(stage_deferred(play.stage, NULL), 0);
  assert_int_equal(portion->batch->holds, 0);
  play_give(portion);
}

static void double_completions_change_nothing(void **state) {
  (void)state;
  struct portion *portion = after("double", WEIR_TRANSFORM, STAGE_LATER, "???", 0);
  stage_wake(play.stage, play.hand.now);
  assert_int_equal(play_collect(), 1);
  assert_string_equal(play_verdicts(portion), "pjj");
  assert_int_equal(play_metric("plugin_late_completions"), 2);
  assert_int_equal(misbehaviours(), 0);
  play_give(portion);
}

static void a_foreign_ticket_changes_nothing(void **state) {
  (void)state;
  /* A ticket of another instance of the same plugin, still open there. */
  struct portion *theirs = after("defer", WEIR_TRANSFORM, STAGE_LATER, "???", 0);
  struct play other = play;
  const char *ignored;
  struct report report;
  struct error err = {0};
  report_init(&report);
  const struct weir_config *options = play_yaml("how: foreign", &ignored);
  const struct setup_request request = {"misbehave", "other", WEIR_TRANSFORM, options, options};
  play.setup = setup_open(&request, &play.facts, &report);
  play.stage = stage_create(play.setup, &play.lane, &err);
  assert_true(stage_assigned(play.stage, play.partition, &err));
  struct portion *portion = play_batch("x y");
  assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
  assert_string_equal(play_verdicts(portion), "??");
  assert_int_equal(play_metric("plugin_late_completions"), 1);
  play_stop();
  report_fini(&report);
  play.setup = other.setup;
  play.stage = other.stage;
  assert_int_equal(play_collect(), 0);
  assert_string_equal(play_verdicts(theirs), "???");
}

static void a_completion_beyond_the_batch_changes_nothing(void **state) {
  (void)state;
  struct portion *portion = after("beyond", WEIR_TRANSFORM, STAGE_LATER, "???", 0);
  stage_wake(play.stage, play.hand.now);
  assert_true(broke(RULE_RANGE));
  assert_int_equal(play_collect(), 0);
  assert_int_equal(portion->waiting, 3);
}

static void unsettled_is_no_answer(void **state) {
  (void)state;
  after("no_verdict", WEIR_TRANSFORM, STAGE_LATER, "???", 0);
  stage_wake(play.stage, play.hand.now);
  assert_true(broke(RULE_VERDICT));
  assert_int_equal(play_collect(), 0);
}

static void what_was_let_go_is_not_changed_any_more(void **state) {
  (void)state;
  struct portion *portion = after("let_go", WEIR_TRANSFORM, STAGE_LATER, "???", 0);
  stage_flush(play.stage, NULL, WEIR_FLUSH_FULL, 0); /* lets record 0 pass */
  assert_int_equal(play_collect(), 1);
  stage_wake(play.stage, play.hand.now); /* and touches it again */
  assert_true(broke(RULE_NOT_DEFERRED));
  assert_int_equal(misbehaviours(), 2);
  assert_int_equal(play_collect(), 0);
  assert_string_equal(play_verdicts(portion), "p??");
  assert_string_equal(play_values(portion), "a b c");
}

static void a_completion_after_the_partition_is_gone_frees_the_batch(void **state) {
  (void)state;
  struct error err = {0};
  struct portion *portion = after("late", WEIR_TRANSFORM, STAGE_LATER, "???", 0);
  stage_revoked(play.stage, play.partition, WEIR_LOST); /* completes in there */
  assert_int_equal(play_metric("plugin_late_completions"), 1);
  assert_int_equal(play_collect(), 1);
  assert_int_equal(portion->batch->holds, 0);
  play_give(portion);
  assert_true(stage_assigned(play.stage, play.partition, &err));
}

static void a_rule_is_told_once_and_counted_each_time(void **state) {
  (void)state;
  play_start("misbehave", WEIR_TRANSFORM, "how: unsettled");
  assert_false(host_misbehaves(&play.stage->host, RULE_RESULT, "process"));
  for (int i = 0; i < 5; i++) {
    struct portion *portion = play_batch("a b");
    assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
    play_give(portion);
  }
  assert_int_equal(misbehaviours(), 6);
}

int main(void) {
#define PLAY(test) cmocka_unit_test_setup_teardown(test, play_open_stage, play_close_stage)
  const struct CMUnitTest tests[] = {
      PLAY(unsettled_without_a_ticket_is_tried_again),
      PLAY(a_silent_sink_acknowledges_nothing),
      PLAY(later_without_a_ticket_is_told),
      PLAY(done_with_deferred_records_is_later),
      PLAY(a_result_that_does_not_exist_is_broken),
      PLAY(a_verdict_that_does_not_exist_is_retry),
      PLAY(records_out_of_range_are_not_touched),
      PLAY(a_span_on_the_stack_is_copied),
      PLAY(a_change_that_is_refused_breaks_the_batch),
      PLAY(calls_from_another_thread_break_the_batch),
      PLAY(structs_without_a_size_are_not_read),
      PLAY(a_sink_changes_nothing),
      PLAY(a_closed_batch_is_never_looked_at),
      PLAY(a_second_defer_gives_the_same_ticket),
      PLAY(unknown_flags_are_told),
      PLAY(without_the_trait_there_is_no_ticket),
      PLAY(resume_in_process_uses_the_ticket_up),
      PLAY(broken_takes_the_ticket_back),
      PLAY(double_completions_change_nothing),
      PLAY(a_foreign_ticket_changes_nothing),
      PLAY(a_completion_beyond_the_batch_changes_nothing),
      PLAY(unsettled_is_no_answer),
      PLAY(what_was_let_go_is_not_changed_any_more),
      PLAY(a_completion_after_the_partition_is_gone_frees_the_batch),
      PLAY(a_rule_is_told_once_and_counted_each_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
