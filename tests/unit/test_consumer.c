/* test_consumer.c: where partitions start, what feeds deliver, what is said when something is missing. */
#include "unit/kafka_rig.h"
#include "base/arena.h"
#include "kafka/committer.h"

static void starts_at_the_earliest_record_or_where_the_group_committed(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME], metadata[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "earliest"), 3);
  for (int32_t i = 0; i < 3; i++) rig_produce(topic, i, 0, 10);
  rig_commit(rig_name(group, "group"), topic, 1, 4, NULL);
  rig_file(&file, topic, group, START_EARLIEST);
  member_open(&member, &file);
  member_await(&member, 3);

  assert_int_equal(member.requests[0].start, 0);
  assert_false(member.requests[0].was_committed);
  assert_int_equal(member.requests[1].start, 4);
  assert_true(member.requests[1].was_committed);
  for (int32_t i = 0; i < 3; i++) assert_int_equal(member.requests[i].end, 10);
  /* Committed before anything was read, with the count that tells a new partition later. */
  assert_int_equal(rig_committed(group, topic, 0, metadata), 0);
  assert_string_equal(metadata, "weir/1 partitions=3");
  assert_int_equal(rig_committed(group, topic, 2, metadata), 0);

  member_expect(&member, 0, 0, 10);
  member_expect(&member, 1, 4, 10);
  rig_produce(topic, 1, 10, 5);
  member_expect(&member, 1, 10, 15);
  assert_int_equal(feed_high(member.feeds[1]), 15);
  member_close(&member);
}

static void starts_at_the_next_record_but_new_partitions_at_their_beginning(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "latest"), 4);
  for (int32_t i = 0; i < 4; i++) rig_produce(topic, i, 0, 10);
  /* The group has started three partitions; the fourth came later. */
  rig_commit(rig_name(group, "group"), topic, 1, 4, "weir/1 partitions=3");
  rig_commit(group, topic, 2, 5, "another program's words");
  rig_file(&file, topic, group, START_LATEST);
  member_open(&member, &file);
  member_await(&member, 4);

  assert_int_equal(member.requests[0].start, 10);
  assert_int_equal(member.requests[1].start, 4);
  assert_int_equal(member.requests[2].start, 5);
  assert_int_equal(member.requests[3].start, 0);
  assert_int_equal(rig_committed(group, topic, 0, NULL), 10);
  assert_int_equal(rig_committed(group, topic, 3, NULL), 0);
  rig_produce(topic, 0, 10, 3);
  member_expect(&member, 0, 10, 13);
  member_expect(&member, 3, 0, 10);
  member_close(&member);
}

static void refuses_to_choose_a_start_when_that_is_forbidden(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "error"), 1);
  rig_file(&file, topic, rig_name(group, "group"), START_ERROR);
  member_open(&member, &file);
  member_await(&member, 1);
  assert_true(member.trouble.fatal);
  assert_non_null(strstr(member.trouble.text, "has no committed offset"));
  assert_non_null(strstr(member.trouble.text, "start: error"));
  assert_int_equal(member.assigns, 0);
  assert_int_equal(rig_committed(group, topic, 0, NULL), -1);
  member_close(&member);
}

static void says_that_an_offset_is_out_of_range_and_never_jumps(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME], value[32];
  struct rig_file file;
  struct member member = {0};
  struct error err = {0};
  int64_t offset = -1;
  rig_topic(rig_name(topic, "range"), 2);
  rig_produce(topic, 0, 0, 10);
  rig_produce(topic, 1, 0, 10);
  rig_commit(rig_name(group, "group"), topic, 0, 999, NULL);
  rig_file(&file, topic, group, START_EARLIEST);
  member_open(&member, &file);
  member_await(&member, 2);
  assert_int_equal(member_take(&member, 0, value, &offset, &err), FEED_ERROR);
  assert_false(err.retriable);
  assert_non_null(strstr(err.text, "cannot be read at offset 999"));
  assert_non_null(strstr(err.text, "It holds 0 to 10."));
  /* It stands, its neighbour goes on. */
  member_expect(&member, 1, 0, 10);
  assert_false(feed_seek(member.feeds[0], 0, &err));
  assert_non_null(strstr(err.text, "not being read"));
  member_close(&member);
}

static void reads_again_from_where_it_is_sent(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  struct error err = {0};
  rig_topic(rig_name(topic, "seek"), 1);
  rig_produce(topic, 0, 0, 2000);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  member_open(&member, &file);
  member_await(&member, 1);
  char value[32];
  int64_t offset = -1;
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 50; i++) assert_int_equal(member_take(&member, 0, value, &offset, &err), FEED_RECORD);
    int64_t target = offset - 20;
    assert_true(feed_seek(member.feeds[0], target, &err));
    assert_int_equal(member_take(&member, 0, value, &offset, &err), FEED_RECORD);
    assert_int_equal(offset, target);
  }
  member_close(&member);
}

static void shows_keys_values_times_and_headers_as_they_are(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "headers"), 1);
  rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
  rd_kafka_header_add(headers, "twice", -1, "one", 3);
  rd_kafka_header_add(headers, "twice", -1, "\0\xff", 2);
  rd_kafka_header_add(headers, "null", -1, NULL, 0);
  rd_kafka_header_add(headers, "empty", -1, "", 0);
  rd_kafka_resp_err_t code = rd_kafka_producev(rig.producer, RD_KAFKA_VTYPE_TOPIC, topic, RD_KAFKA_VTYPE_PARTITION,
      (int32_t)0, RD_KAFKA_VTYPE_KEY, (const void *)"", (size_t)0, RD_KAFKA_VTYPE_HEADERS, headers,
      RD_KAFKA_VTYPE_TIMESTAMP, (int64_t)1234567890123, RD_KAFKA_VTYPE_END);
  assert_int_equal(code, 0);
  rig_produce(topic, 0, 1, 1);
  rig_file(&file, topic, rig_name(group, "group"), START_EARLIEST);
  member_open(&member, &file);
  member_await(&member, 1);

  void *messages[2] = {0};
  weir_record views[2];
  int64_t offset = -1, deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  struct error err = {0};
  for (int i = 0; i < 2 && rig_now_ms() < deadline_ms;)
    if (feed_take(member.feeds[0], &messages[i], &views[i], &offset, &err) == FEED_RECORD)
      i++;
    else
      consumer_poll(member.consumer, 5);
  assert_non_null(messages[1]);
  assert_non_null(views[0].key.data);
  assert_int_equal(views[0].key.size, 0);
  assert_null(views[0].value.data);
  assert_int_equal(views[0].timestamp_ms, 1234567890123);
  assert_int_equal(views[0].timestamp_type, WEIR_TIME_CREATED);
  assert_null(views[1].key.data);

  struct arena arena;
  arena_init(&arena, 0);
  const weir_header *read = NULL;
  uint32_t count = 0;
  assert_true(feed_source()->headers(messages[0], &arena, &read, &count));
  assert_int_equal(count, 4);
  assert_memory_equal(read[0].name.data, "twice", 5);
  assert_memory_equal(read[1].value.data, "\0\xff", 2);
  assert_int_equal(read[1].value.size, 2);
  assert_null(read[2].value.data);
  assert_non_null(read[3].value.data);
  assert_int_equal(read[3].value.size, 0);
  assert_true(feed_source()->headers(messages[1], &arena, &read, &count));
  assert_int_equal(count, 0);
  arena_fini(&arena);
  feed_source()->release(messages, 2);
  member_close(&member);
}

static void names_the_topic_that_is_missing_and_one_that_was_meant(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME], wrong[RIG_NAME + 1];
  struct rig_file file;
  struct member member = {0};
  struct error err = {0};
  rig_topic(rig_name(topic, "near"), 1);
  snprintf(wrong, sizeof wrong, "x%s", topic);
  rig_file(&file, wrong, rig_name(group, "group"), START_EARLIEST);
  file.topics[1] = "^nothing-is-called-so.*";
  file.file.topic_count = 2;
  member_open(&member, &file);
  assert_false(consumer_describe(member.consumer, RIG_PATIENCE_MS, NULL, NULL, &err));
  assert_true(err.retriable);
  assert_non_null(strstr(err.text, wrong));
  assert_non_null(strstr(err.text, topic));
  assert_non_null(strstr(err.text, "no topic matches ^nothing"));
  member_close(&member);
}

static void count_topic(void *ctx, const char *topic, int32_t partitions) {
  (void)topic;
  *(int32_t *)ctx += partitions;
}

static void describes_the_topics_that_an_expression_matches(void **state) {
  (void)state;
  char one[RIG_NAME], two[RIG_NAME + 8], group[RIG_NAME], pattern[RIG_NAME + 4];
  struct rig_file file;
  struct member member = {0};
  struct error err = {0};
  int32_t partitions = 0;
  rig_topic(rig_name(one, "many"), 2);
  snprintf(two, sizeof two, "%s-two", one);
  rig_topic(two, 3);
  snprintf(pattern, sizeof pattern, "^%s.*", one);
  rig_file(&file, pattern, rig_name(group, "group"), START_EARLIEST);
  member_open(&member, &file);
  assert_true(consumer_describe(member.consumer, RIG_PATIENCE_MS, count_topic, &partitions, &err));
  assert_int_equal(partitions, 5);
  member_close(&member);
}

static void reads_the_topics_that_an_expression_matches(void **state) {
  (void)state;
  char topic[RIG_NAME], group[RIG_NAME], pattern[RIG_NAME + 4];
  struct rig_file file;
  struct member member = {0};
  rig_topic(rig_name(topic, "pattern"), 1);
  rig_produce(topic, 0, 0, 3);
  snprintf(pattern, sizeof pattern, "^%.*s.$", (int)strlen(topic) - 1, topic);
  rig_file(&file, pattern, rig_name(group, "group"), START_EARLIEST);
  member_open(&member, &file);
  member_await(&member, 1);
  assert_string_equal(member.requests[0].topic, topic);
  member_expect(&member, 0, 0, 3);
  member_close(&member);
}

static void names_the_address_where_no_broker_answers(void **state) {
  (void)state;
  struct rig_file file;
  struct member member = {0};
  struct error err = {0};
  rig_file(&file, "topic", "group", START_EARLIEST);
  file.file.kafka.brokers = "127.0.0.1:1";
  member_open(&member, &file);
  assert_false(consumer_describe(member.consumer, 1000, NULL, NULL, &err));
  assert_non_null(strstr(err.text, "no broker answers at 127.0.0.1:1"));
  assert_non_null(strstr(err.text, "Connection refused"));
  /* And so it does while it waits, with a way to end it. */
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while (!member.troubles && rig_now_ms() < deadline_ms) consumer_poll(member.consumer, 50);
  assert_non_null(strstr(member.trouble.text, "127.0.0.1:1"));
  assert_true(member.trouble.retriable);
  member_close(&member);
}

static void refuses_what_librdkafka_refuses(void **state) {
  (void)state;
  struct rig_file file;
  struct error err = {0};
  struct member member = {0};
  const struct consumer_events events = {.ctx = &member,
      .assign = member_assign,
      .assigned = member_assigned,
      .revoke = member_revoke,
      .revoked = member_revoked,
      .trouble = member_trouble};
  rig_file(&file, "topic", "group", START_EARLIEST);
  rig_property(&file, "fetch.min.bytes", "many");
  assert_null(consumer_open(&file.file, clock_real(), &events, &err));
  assert_non_null(strstr(err.text, "fetch.min.bytes"));
  rig_file(&file, "topic", "group", START_EARLIEST);
  rig_property(&file, "session.timeout.ms", "9000000");
  assert_null(consumer_open(&file.file, clock_real(), &events, &err));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(starts_at_the_earliest_record_or_where_the_group_committed),
      cmocka_unit_test(starts_at_the_next_record_but_new_partitions_at_their_beginning),
      cmocka_unit_test(refuses_to_choose_a_start_when_that_is_forbidden),
      cmocka_unit_test(says_that_an_offset_is_out_of_range_and_never_jumps),
      cmocka_unit_test(reads_again_from_where_it_is_sent),
      cmocka_unit_test(shows_keys_values_times_and_headers_as_they_are),
      cmocka_unit_test(names_the_topic_that_is_missing_and_one_that_was_meant),
      cmocka_unit_test(describes_the_topics_that_an_expression_matches),
      cmocka_unit_test(reads_the_topics_that_an_expression_matches),
      cmocka_unit_test(names_the_address_where_no_broker_answers),
      cmocka_unit_test(refuses_what_librdkafka_refuses),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
