/* test_rebalance.c: partitions move between members, are refused, lost and fenced. */
#include "unit/kafka_rig.h"
#include "kafka/committer.h"

enum { HEARTBEAT = 12 };

/* Both poll until they hold so many. */
static void await_both(struct member *one, size_t one_owned, struct member *two, size_t two_owned) {
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while (one->owned != one_owned || two->owned != two_owned) {
    if (rig_now_ms() > deadline_ms) fail_msg("they own %zu and %zu", one->owned, two->owned);
    consumer_poll(one->consumer, 20);
    consumer_poll(two->consumer, 20);
  }
}

/* --- a worker that commits what it has read when it has to let go --- */

static struct committer *committer;
static int64_t read_up_to;
static struct error commit_error;
static int answers;

static void on_answer(void *ctx, const struct commit *commit, const struct error *err) {
  (void)ctx;
  (void)commit;
  answers++;
  commit_error = err ? *err : (struct error){0};
}

static void commit_on_revoke(struct member *member) {
  struct commit commits[RIG_FEEDS];
  size_t count = 0;
  struct error err = {0};
  for (int32_t i = 0; i < RIG_FEEDS; i++)
    if (member->feeds[i]) commits[count++] = (struct commit){member->requests[i].topic, i, 1, read_up_to};
  if (member->lost) {
    assert_false(committer_send(committer, commits, count, &err));
    assert_non_null(strstr(err.text, "lost"));
    return;
  }
  assert_true(committer_send(committer, commits, count, &err));
  assert_true(committer_serve(committer, RIG_PATIENCE_MS));
}

static void hands_over_what_it_committed_while_letting_go(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member one = {.on_revoke = commit_on_revoke}, two = {0};
  rig_topic(rig_name(topic, "handover"), 4);
  for (int32_t i = 0; i < 4; i++) rig_produce(topic, i, 0, 10);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  member_open(&one, &file);
  committer = committer_create(one.consumer, on_answer, NULL);
  member_await(&one, 4);
  for (int32_t i = 0; i < 4; i++) member_expect(&one, i, 0, 10);
  read_up_to = 7;
  answers = 0;
  member_open(&two, &file);
  await_both(&one, 2, &two, 2);
  assert_in_range(one.revokes, 1, 3); /* on a loaded machine the mock divides the partitions more than once */
  assert_false(one.lost);
  assert_in_range(answers, 4, 4 * one.revokes);
  for (int32_t i = 0; i < 4; i++) {
    struct member *owner = one.feeds[i] ? &one : &two;
    assert_true(!one.feeds[i] != !two.feeds[i]);
    /* The mock takes no commit while members join; a Kafka does. */
    if (rig_is_real()) {
      assert_int_equal(commit_error.code, 0);
      assert_int_equal(owner->requests[i].start, 7);
      member_expect(owner, i, 7, 10);
    } else {
      assert_int_equal(commit_error.code, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
      assert_true(commit_error.retriable);
    }
  }
  /* The second goes; the first gets all again. */
  member_close(&two);
  member_await(&one, 4);
  one.on_revoke = NULL;
  committer_destroy(committer);
  member_close(&one);
}

static void a_refused_assignment_is_asked_for_again(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {.refuse = true};
  rig_topic(rig_name(topic, "refused"), 2);
  rig_produce(topic, 0, 0, 3);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  member_open(&member, &file);
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while (rig_committed(group, topic, 0, NULL) < 0 && rig_now_ms() < deadline_ms) consumer_poll(member.consumer, 100);
  consumer_poll(member.consumer, 0);
  assert_int_equal(member.assigns, 0);
  member.refuse = false;
  member_await(&member, 2);
  assert_int_equal(member.assigns, 1);
  assert_int_equal(member.revokes, 0); /* what was refused was never owned */
  member_expect(&member, 0, 0, 3);
  member_close(&member);
}

static void a_lost_assignment_is_not_committed(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {.on_revoke = commit_on_revoke};
  rig_topic(rig_name(topic, "lost"), 1);
  rig_produce(topic, 0, 0, 10);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  member_open(&member, &file);
  committer = committer_create(member.consumer, on_answer, NULL);
  member_await(&member, 1);
  member_expect(&member, 0, 0, 10);
  read_up_to = 10;
  rd_kafka_mock_push_request_errors(mock_cluster(rig.mock), HEARTBEAT, 1, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while (!member.revokes && rig_now_ms() < deadline_ms) consumer_poll(member.consumer, 100);
  assert_int_equal(member.revokes, 1);
  assert_true(member.lost);
  assert_int_equal(rig_committed(group, topic, 0, NULL), 0);
  member_await(&member, 1);
  member.on_revoke = NULL;
  committer_destroy(committer);
  member_close(&member);
}

/* The newer one of two with the same instance stays. */
static void the_older_of_two_instances_is_fenced(void **state) {
  (void)state;
  if (!rig_is_real()) skip();
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member one = {0}, two = {0};
  rig_topic(rig_name(topic, "fenced"), 1);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  file.file.instance = "same";
  member_open(&one, &file);
  member_await(&one, 1);
  member_open(&two, &file);
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while ((!one.trouble.fatal || !two.owned) && rig_now_ms() < deadline_ms) {
    consumer_poll(one.consumer, 20);
    consumer_poll(two.consumer, 20);
  }
  assert_true(one.trouble.fatal);
  assert_int_equal(one.trouble.code, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
  assert_non_null(strstr(one.trouble.text, "'same'"));
  assert_int_equal(two.owned, 1);
  member_close(&one);
  member_close(&two);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hands_over_what_it_committed_while_letting_go),
      cmocka_unit_test(a_refused_assignment_is_asked_for_again),
      cmocka_unit_test(a_lost_assignment_is_not_committed),
      cmocka_unit_test(the_older_of_two_instances_is_fenced),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
