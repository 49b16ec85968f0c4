/* test_rebalance_trouble.c: an assignment that cannot be taken, or not whole. On the mock only: it answers as it is told. */
#include "unit/kafka_rig.h"
#include "base/trouble.h"

enum { OFFSET_COMMIT = 8, HEARTBEAT = 12, QUICKER = 4 };

/* The worker's patience is over sooner. */
static int64_t quick_now_ms(const struct clock *clock) {
  (void)clock;
  return rig_now_ms() * QUICKER;
}

static void await_refusal(struct member *member) {
  uint64_t before = trouble_counted(TROUBLE_NOT_TAKEN);
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while (trouble_counted(TROUBLE_NOT_TAKEN) == before && rig_now_ms() < deadline_ms)
    consumer_poll(member->consumer, 20);
  assert_int_equal(trouble_counted(TROUBLE_NOT_TAKEN), before + 1);
}

/* The group divides its partitions anew: there is nothing to leave for. */
static void a_start_that_came_too_late_waits_for_the_next_division(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  char topic[RIG_NAME], group[RIG_NAME], before[128];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "outdated"), 2);
  rig_produce(topic, 0, 0, 3);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  rig_property(&file, "heartbeat.interval.ms", "500");
  rd_kafka_mock_push_request_errors(mock_cluster(rig.mock), OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
  member_open(&member, &file);
  await_refusal(&member);
  snprintf(before, sizeof before, "%s", consumer_member(member.consumer));
  rd_kafka_mock_push_request_errors(mock_cluster(rig.mock), HEARTBEAT, 1, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
  member_await(&member, 2);
  assert_string_equal(consumer_member(member.consumer), before); /* who leaves gets another one */
  member_expect(&member, 0, 0, 3);
  member_close(&member);
}

/* And when it does not come, the group is left after all. */
static void a_division_that_does_not_come_is_asked_for(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "promised"), 1);
  rig_produce(topic, 0, 0, 3);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  struct clock_hand hand;
  clock_hand_init(&hand, 1000, 1000);
  member.clock = &hand.clock;
  rd_kafka_mock_push_request_errors(mock_cluster(rig.mock), OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
  member_open(&member, &file);
  await_refusal(&member);
  clock_hand_advance(&hand, 30000);
  consumer_poll(member.consumer, 0); /* leaves */
  clock_hand_advance(&hand, 5000);
  member_await(&member, 1);
  member_expect(&member, 0, 0, 3);
  member_close(&member);
}

static void a_partition_without_a_leader_does_not_hold_up_the_others(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "leaderless"), 2);
  rig_produce(topic, 0, 0, 3);
  rig_produce(topic, 1, 0, 3);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  const struct clock quick = {.now_ms = quick_now_ms, .wall_ms = quick_now_ms};
  member.clock = &quick;
  uint64_t left_out = trouble_counted(TROUBLE_NO_LEADER);
  assert_int_equal(rd_kafka_mock_partition_set_leader(mock_cluster(rig.mock), topic, 1, -1), 0);
  member_open(&member, &file);
  member_await(&member, 1);
  member_expect(&member, 0, 0, 3);
  assert_int_equal(trouble_counted(TROUBLE_NO_LEADER), left_out + 1);
  assert_int_equal(rig_committed(group, topic, 1, NULL), -1);
  assert_int_equal(rd_kafka_mock_partition_set_leader(mock_cluster(rig.mock), topic, 1, 1), 0);
  member_await(&member, 2);
  member_expect(&member, 1, 0, 3);
  member_close(&member);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_start_that_came_too_late_waits_for_the_next_division),
      cmocka_unit_test(a_division_that_does_not_come_is_asked_for),
      cmocka_unit_test(a_partition_without_a_leader_does_not_hold_up_the_others),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
