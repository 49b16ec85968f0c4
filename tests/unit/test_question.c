/* test_question.c: what a lane says of a partition when it is asked, and that nobody waits for one who does not answer. */
#include "host/question.h"
#include "unit/host_play.h"

static struct explanation said;

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

/* As the control thread asks, and the admin thread takes. */
static struct question *ask(int index) {
  struct question *question = question_create();
  assert_true(question_open(question, 1));
  struct question_part *part = question_part(question, 0);
  part->errand = (struct errand){.assignment = play.assignments[index], .kind = ERRAND_EXPLAIN};
  question_ask(part);
  lane_post(play.lane, &part->errand);
  question_asked(question);
  return question;
}

static void explain(int index) {
  struct question *question = ask(index);
  play_turn();
  assert_true(question_wait(question, 60000));
  question_take(question, 0, &said);
  question_let_go(question);
  assert_true(said.answered);
}

static void an_idle_partition_has_nothing_that_holds_it(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  explain(0);
  assert_int_equal(said.holder.kind, HOLDER_NONE);
  assert_int_equal(said.hold, HOLD_NONE);
}

static void what_is_sent_waits_for_the_brokers(void **state) {
  (void)state;
  play_open();
  play_assign(0, 100);
  play_records(0, 100, 5);
  play_turn();
  for (size_t i = 0; i < 3; i++) play_report(i, DELIVERY_CONFIRMED);
  clock_hand_advance(&play.hand, 700);
  explain(0);
  assert_int_equal(said.holder.kind, HOLDER_UNCONFIRMED);
  assert_string_equal(said.holder.label, "sink out");
  assert_int_equal(said.holder.offset, 100);
  assert_int_equal(said.holder.begun_ms, 1000);
  assert_false(said.holder.has_key);
}

static void a_full_producer_is_named(void **state) {
  (void)state;
  play_open();
  play.room = 3;
  play_assign(0, 100);
  play_records(0, 100, 25);
  play_turn();
  explain(0);
  assert_int_equal(said.holder.kind, HOLDER_NO_ROOM);
  assert_int_equal(said.hold, HOLD_RUNNER);
  assert_int_equal(said.holder.offset, 100);
}

static void the_duplicate_bound_is_named(void **state) {
  (void)state;
  play.settings.uncommitted_max = 20;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 100);
  play_turn();
  explain(0);
  assert_int_equal(said.hold, HOLD_BOUND);
  assert_int_equal(said.holder.kind, HOLDER_UNCONFIRMED);
  play_confirm_all();
  play_turn();
  explain(0);
  assert_int_equal(said.hold, HOLD_BOUND); /* settled, but the commit is not confirmed */
  assert_int_equal(said.holder.kind, HOLDER_NONE);
}

static void a_pool_without_a_batch_is_named(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 200); /* 8 batches of 10 */
  play_turn();
  explain(0);
  assert_int_equal(said.hold, HOLD_POOL);
}

static void memory_that_is_used_up_is_named(void **state) {
  (void)state;
  play.settings.work_max = 1;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 50);
  play_turn();
  explain(0);
  assert_int_equal(said.hold, HOLD_MEMORY);
}

static void a_commit_that_at_most_once_waits_for_is_named(void **state) {
  (void)state;
  play.settings.at_most_once = true;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 5);
  play_turn();
  explain(0);
  assert_int_equal(said.hold, HOLD_COMMIT);
}

static void a_partition_that_stopped_goes_no_further(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  play_records(0, 0, 5);
  play_turn();
  play_report(0, DELIVERY_CONFIRMED);
  play_report(1, DELIVERY_REFUSED);
  for (size_t i = 2; i < 5; i++) play_report(i, DELIVERY_CONFIRMED);
  play_turn();
  explain(0);
  assert_int_equal(said.holder.kind, HOLDER_CUT);
  assert_int_equal(said.holder.offset, 1);
  assert_int_equal(said.holder.done, 4);
  assert_int_equal(said.holder.done_beyond, 3);
}

/* The lane is inside a stage: the asker goes on, and the late answer meets nobody. */
static void an_answer_may_come_when_nobody_waits_any_more(void **state) {
  (void)state;
  play_open();
  play_assign(0, 0);
  struct question *question = ask(0);
  assert_true(question_wait(question, 1));
  question_take(question, 0, &said);
  assert_false(said.answered);
  question_let_go(question);
  play_turn();
}

static void a_control_thread_that_does_not_come_by_is_not_waited_for(void **state) {
  (void)state;
  play_open();
  struct question *question = question_create();
  assert_false(question_wait(question, 1));
  assert_int_equal(question_count(question), 0);
  question_let_go(question);
}

#define question_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      question_test(an_idle_partition_has_nothing_that_holds_it),
      question_test(what_is_sent_waits_for_the_brokers),
      question_test(a_full_producer_is_named),
      question_test(the_duplicate_bound_is_named),
      question_test(a_pool_without_a_batch_is_named),
      question_test(memory_that_is_used_up_is_named),
      question_test(a_commit_that_at_most_once_waits_for_is_named),
      question_test(a_partition_that_stopped_goes_no_further),
      question_test(an_answer_may_come_when_nobody_waits_any_more),
      question_test(a_control_thread_that_does_not_come_by_is_not_waited_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
