/* test_committer.c: one commit in flight, its answers, and what is given up. */
#include "unit/kafka_rig.h"
#include "kafka/committer.h"

enum { OFFSET_COMMIT = 8 };

static struct error answered[RIG_FEEDS]; /* by partition */
static int answers;

static void on_answer(void *ctx, const struct commit *commit, const struct error *err) {
  (void)ctx;
  answers++;
  answered[commit->partition] = err ? *err : (struct error){0};
}

struct play {
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member;
  struct committer *committer;
};

static void play_open(struct play *play) {
  *play = (struct play){0};
  rig_topic(rig_name(play->topic, "commit"), 2);
  rig_file(&play->file, play->topic, rig_name(play->group, "group"), START_EARLIEST);
  member_open(&play->member, &play->file);
  member_await(&play->member, 2);
  play->committer = committer_create(play->member.consumer, on_answer, NULL);
  answers = 0;
}

static void play_close(struct play *play) {
  committer_destroy(play->committer);
  member_close(&play->member);
}

static void send_both(struct play *play, int64_t zero, int64_t one) {
  struct error err = {0};
  const struct commit commits[] = {{play->topic, 0, 1, zero}, {play->topic, 1, 1, one}};
  if (!committer_send(play->committer, commits, 2, &err)) fail_msg("%s", err.text);
  assert_true(committer_is_busy(play->committer));
}

static void an_answer_wakes_the_control_thread(void **state) {
  (void)state;
  struct play play;
  char metadata[RIG_NAME];
  play_open(&play);
  for (int64_t offset = 1; offset < 4; offset++) {
    send_both(&play, offset, 10 * offset);
    int64_t before_ms = rig_now_ms();
    while (!committer_serve(play.committer, 0)) consumer_poll(play.member.consumer, RIG_PATIENCE_MS);
    assert_true(rig_now_ms() - before_ms < RIG_PATIENCE_MS / 2);
    assert_int_equal(answers, 2 * offset);
    assert_int_equal(answered[0].code, 0);
    assert_int_equal(answered[1].code, 0);
  }
  assert_int_equal(rig_committed(play.group, play.topic, 0, metadata), 3);
  assert_string_equal(metadata, "weir/1 partitions=2");
  assert_int_equal(rig_committed(play.group, play.topic, 1, NULL), 30);
  play_close(&play);
}

static void says_of_each_line_that_it_failed(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  struct play play;
  play_open(&play);
  rd_kafka_mock_push_request_errors(
      mock_cluster(rig.mock), OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
  send_both(&play, 1, 2);
  assert_true(committer_serve(play.committer, RIG_PATIENCE_MS));
  assert_int_equal(answers, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(answered[i].code, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    assert_true(answered[i].retriable);
    assert_non_null(strstr(answered[i].text, "READ on the group"));
  }
  assert_int_equal(rig_committed(play.group, play.topic, 0, NULL), 0);
  send_both(&play, 1, 2);
  assert_true(committer_serve(play.committer, RIG_PATIENCE_MS));
  assert_int_equal(answered[0].code, 0);
  assert_int_equal(rig_committed(play.group, play.topic, 1, NULL), 2);
  play_close(&play);
}

static void a_forgotten_answer_is_dropped_but_awaited(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  struct play play;
  play_open(&play);
  rd_kafka_mock_broker_push_request_error_rtts(
      mock_cluster(rig.mock), 1, OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_NO_ERROR, 500);
  send_both(&play, 1, 2);
  assert_false(committer_serve(play.committer, 10));
  committer_forget(play.committer);
  assert_true(committer_is_busy(play.committer));
  assert_true(committer_serve(play.committer, RIG_PATIENCE_MS));
  assert_false(committer_is_busy(play.committer));
  assert_int_equal(answers, 0);
  play_close(&play);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_answer_wakes_the_control_thread),
      cmocka_unit_test(says_of_each_line_that_it_failed),
      cmocka_unit_test(a_forgotten_answer_is_dropped_but_awaited),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
