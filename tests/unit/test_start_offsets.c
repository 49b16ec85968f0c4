/* test_start_offsets.c: what is not known is not taken for "nothing committed". On the mock only: it answers as it is told. */
#include "unit/kafka_rig.h"

enum { OFFSET_FETCH = 9 };

static void inject(size_t count, rd_kafka_resp_err_t code) {
  for (size_t i = 0; i < count; i++) rd_kafka_mock_push_request_errors(mock_cluster(rig.mock), OFFSET_FETCH, 1, code);
}

/* An answer that is an error is not "nothing committed": with `latest` it would skip records. */
static void waits_for_a_true_answer_about_commits(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "unstable"), 1);
  rig_produce(topic, 0, 0, 10);
  rig_commit(rig_name(group, "group"), topic, 0, 4, NULL);
  rig_file(&file, topic, group, START_LATEST);
  member_open(&member, &file);
  inject(3, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
  member_await(&member, 1);
  assert_int_equal(member.requests[0].start, 4);
  assert_true(member.requests[0].was_committed);
  rd_kafka_mock_clear_request_errors(mock_cluster(rig.mock), OFFSET_FETCH);
  member_close(&member);
}

static void refuses_partitions_whose_start_it_cannot_know(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "unknown"), 1);
  rig_produce(topic, 0, 0, 10);
  rig_file(&file, topic, rig_name(group, "group"), START_LATEST);
  rig_property(&file, "max.poll.interval.ms", "6000"); /* a third of it is the bound */
  member_open(&member, &file);
  inject(1000, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while (!member.troubles && rig_now_ms() < deadline_ms) consumer_poll(member.consumer, 100);
  assert_int_equal(member.assigns, 0);
  assert_non_null(strstr(member.trouble.text, "not taken now"));
  rd_kafka_mock_clear_request_errors(mock_cluster(rig.mock), OFFSET_FETCH);
  /* And asks again by itself. */
  member_await(&member, 1);
  assert_int_equal(member.requests[0].start, 10);
  member_close(&member);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(waits_for_a_true_answer_about_commits),
      cmocka_unit_test(refuses_partitions_whose_start_it_cannot_know),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
