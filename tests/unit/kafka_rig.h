/* kafka_rig.h: a broker, topics, plain clients and a worker double for the tests of runtime/kafka. The broker is librdkafka's mock
 * cluster in this process; with WEIR_BROKERS set it is that one, which tests/kafka/test_layer.sh makes a real Kafka. */
#ifndef TESTS_UNIT_KAFKA_RIG_H
#define TESTS_UNIT_KAFKA_RIG_H
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "config/pipeline_file.h"
#include "kafka/consumer.h"
#include "kafka/feed.h"
#include "kafka/mock.h"
#include "unit/cmocka_all.h"

enum { RIG_PATIENCE_MS = 30000, RIG_NAME = 64, RIG_FEEDS = 8 };

struct rig {
  struct mock *mock; /* NULL: a real broker */
  char addresses[256];
  rd_kafka_t *producer; /* a plain one */
  int names;
};

static struct rig rig;

static inline bool rig_is_real(void) { return !rig.mock; }

static inline int64_t rig_now_ms(void) { return clock_now(clock_real()); }

static inline rd_kafka_t *rig_client(rd_kafka_type_t type, const char *group) {
  char reason[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  const char *set[][2] = {{"bootstrap.servers", rig.addresses}, {"group.id", group ? group : "rig"},
      {"socket.nagle.disable", "true"}, {"linger.ms", "0"}, {"log_level", "2"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
    if (type == RD_KAFKA_PRODUCER && i == 1) continue;
    if (type == RD_KAFKA_CONSUMER && i == 3) continue;
    assert_int_equal(rd_kafka_conf_set(conf, set[i][0], set[i][1], reason, sizeof reason), RD_KAFKA_CONF_OK);
  }
  rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
  assert_non_null(client);
  return client;
}

static inline int rig_open(void **state) {
  (void)state;
  const char *real = getenv("WEIR_BROKERS");
  if (real)
    snprintf(rig.addresses, sizeof rig.addresses, "%s", real);
  else {
    struct error err = {0};
    rig.mock = mock_open(1, &err);
    assert_non_null(rig.mock);
    snprintf(rig.addresses, sizeof rig.addresses, "%s", mock_addresses(rig.mock));
  }
  rig.producer = rig_client(RD_KAFKA_PRODUCER, NULL);
  return 0;
}

static inline int rig_close(void **state) {
  (void)state;
  rd_kafka_destroy(rig.producer);
  mock_close(rig.mock);
  rig.mock = NULL;
  return 0;
}

/* A name that no other test and no earlier run on the same broker has used. */
static inline const char *rig_name(char into[RIG_NAME], const char *what) {
  snprintf(into, RIG_NAME, "%s-%d-%lld-%d", what, (int)getpid(), (long long)time(NULL), rig.names++);
  return into;
}

static inline bool rig_sees(const char *topic) {
  const struct rd_kafka_metadata *metadata = NULL;
  bool seen = false;
  assert_int_equal(rd_kafka_metadata(rig.producer, 1, NULL, &metadata, RIG_PATIENCE_MS), 0);
  for (int i = 0; i < metadata->topic_cnt; i++)
    seen = seen || (strcmp(metadata->topics[i].topic, topic) == 0 && !metadata->topics[i].err);
  rd_kafka_metadata_destroy(metadata);
  return seen;
}

/* A topic on a real broker, by the administration call that the mock has not. */
static inline void rig_topic_real(const char *topic, int32_t partitions, const char *setting, const char *value) {
  char reason[256];
  rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, 1, reason, sizeof reason);
  assert_non_null(wanted);
  if (setting) rd_kafka_NewTopic_set_config(wanted, setting, value);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(rig.producer);
  rd_kafka_CreateTopics(rig.producer, &wanted, 1, NULL, queue);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, RIG_PATIENCE_MS);
  assert_non_null(event);
  assert_int_equal(rd_kafka_event_error(event), 0);
  size_t count = 0;
  const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
  const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(result, &count);
  assert_int_equal(count, 1);
  assert_int_equal(rd_kafka_topic_result_error(topics[0]), 0);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(wanted);
  /* The controller has made it; the broker hears of it a moment later. */
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while (!rig_sees(topic) && rig_now_ms() < deadline_ms) continue;
}

static inline void rig_topic(const char *topic, int32_t partitions) {
  struct error err = {0};
  if (rig_is_real())
    rig_topic_real(topic, partitions, NULL, NULL);
  else
    assert_true(mock_topic(rig.mock, topic, partitions, &err));
}

/* Records "first" .. "first+count-1" as values. */
static inline void rig_produce(const char *topic, int32_t partition, int first, int count) {
  for (int i = first; i < first + count; i++) {
    char value[32];
    int size = snprintf(value, sizeof value, "%d", i);
    rd_kafka_resp_err_t code = rd_kafka_producev(rig.producer, RD_KAFKA_VTYPE_TOPIC, topic, RD_KAFKA_VTYPE_PARTITION,
        partition, RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_VALUE, (void *)value, (size_t)size,
        RD_KAFKA_VTYPE_END);
    assert_int_equal(code, 0);
  }
  assert_int_equal(rd_kafka_flush(rig.producer, RIG_PATIENCE_MS), 0);
}

/* Commits as an outsider, while the group is empty. */
static inline void rig_commit(
    const char *group, const char *topic, int32_t partition, int64_t offset, const char *metadata) {
  rd_kafka_t *client = rig_client(RD_KAFKA_CONSUMER, group);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, topic, partition);
  element->offset = offset;
  if (metadata) {
    element->metadata = strdup(metadata);
    element->metadata_size = strlen(metadata);
  }
  assert_int_equal(rd_kafka_commit(client, list, 0), 0);
  assert_int_equal(list->elems[0].err, 0);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
}

/* What the broker has as committed, -1: nothing; `metadata` may be NULL. */
static inline int64_t rig_committed(const char *group, const char *topic, int32_t partition, char metadata[RIG_NAME]) {
  rd_kafka_t *client = rig_client(RD_KAFKA_CONSUMER, group);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic, partition);
  assert_int_equal(rd_kafka_committed(client, list, RIG_PATIENCE_MS), 0);
  assert_int_equal(list->elems[0].err, 0);
  int64_t offset = list->elems[0].offset;
  if (metadata)
    snprintf(metadata, RIG_NAME, "%.*s", (int)list->elems[0].metadata_size,
        list->elems[0].metadata ? (const char *)list->elems[0].metadata : "");
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
  return offset < 0 ? -1 : offset;
}

/* --- a pipeline file without a file ---------------------------------------------------------------------------------- */

struct rig_file {
  struct pipeline_file file;
  struct kafka_property properties[16];
  const char *topics[4];
};

static inline void rig_property(struct rig_file *file, const char *name, const char *value) {
  size_t count = file->file.kafka.property_count;
  assert_true(count < sizeof file->properties / sizeof *file->properties);
  file->properties[count] = (struct kafka_property){.name = name, .value = value};
  file->file.kafka.property_count = count + 1;
}

static inline void rig_file(struct rig_file *file, const char *topic, const char *group, enum pipeline_start start) {
  *file = (struct rig_file){.topics = {topic}};
  file->file = (struct pipeline_file){.path = "rig.yaml",
      .pipeline = "rig",
      .kafka = {.brokers = rig.addresses, .properties = file->properties},
      .topics = file->topics,
      .topic_count = 1,
      .group = group,
      .start = start,
      .memory_bytes = 256 << 20};
  if (rig_is_real()) return;
  rig_property(file, "session.timeout.ms", "6000"); /* the mock's second join takes a second less than this */
  rig_property(file, "fetch.wait.max.ms", "5");     /* and it wakes no fetch that waits */
}

/* --- a worker double: opens a feed for each partition, and writes down what it is told ------------------------------- */

struct member {
  struct consumer *consumer;
  const struct clock *clock;     /* NULL: the real one */
  struct feed *feeds[RIG_FEEDS]; /* by partition number */
  struct assignment_request requests[RIG_FEEDS];
  size_t owned, assigns, revokes;
  bool lost, refuse, give_up;
  struct error trouble; /* the last */
  size_t troubles;
  void (*on_revoke)(struct member *member);
};

static inline void member_ready(void *ctx) { (void)ctx; }

static inline bool member_assign(void *ctx, const struct assignment_request *requests, size_t count) {
  struct member *member = ctx;
  if (member->refuse) return false;
  for (size_t i = 0; i < count; i++) {
    int32_t number = requests[i].partition;
    assert_true(number < RIG_FEEDS && !member->feeds[number]);
    member->requests[number] = requests[i];
    member->feeds[number] = feed_open(member->consumer, requests[i].topic, number, member_ready, member);
    member->owned++;
  }
  return true;
}

static inline void member_assigned(void *ctx, const struct assignment_request *requests, size_t count) {
  (void)requests;
  (void)count;
  ((struct member *)ctx)->assigns++;
}

static inline void member_revoke(void *ctx, const struct assignment_request *requests, size_t count, bool lost) {
  struct member *member = ctx;
  (void)requests;
  assert_true(count > 0);
  member->revokes++;
  member->lost = lost;
  if (member->on_revoke) member->on_revoke(member);
}

static inline void member_revoked(void *ctx, const struct assignment_request *requests, size_t count) {
  struct member *member = ctx;
  for (size_t i = 0; i < count; i++) {
    feed_close(member->feeds[requests[i].partition]);
    member->feeds[requests[i].partition] = NULL;
    member->owned--;
  }
}

static inline void member_trouble(void *ctx, const struct error *err) {
  struct member *member = ctx;
  member->trouble = *err;
  member->troubles++;
}

static inline bool member_give_up(void *ctx) { return ((struct member *)ctx)->give_up; }

static inline void member_open(struct member *member, const struct rig_file *file) {
  const struct consumer_events events = {.ctx = member,
      .assign = member_assign,
      .assigned = member_assigned,
      .revoke = member_revoke,
      .revoked = member_revoked,
      .trouble = member_trouble,
      .give_up = member_give_up};
  struct error err = {0};
  member->consumer = consumer_open(&file->file, member->clock ? member->clock : clock_real(), &events, &err);
  if (!member->consumer) fail_msg("%s", err.text);
}

/* Polls until it owns so many partitions. */
static inline void member_await(struct member *member, size_t owned) {
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  while (member->owned != owned && !member->trouble.fatal) {
    if (rig_now_ms() > deadline_ms) fail_msg("it owns %zu of %zu partitions", member->owned, owned);
    consumer_poll(member->consumer, 100);
  }
}

static inline void member_close(struct member *member) {
  consumer_close(member->consumer, 10000);
  member->consumer = NULL;
  assert_int_equal(member->owned, 0);
}

/* The next thing of a partition that is not "nothing now". `value` (room for 32) gets a record's value. */
static inline enum feed_result member_take(
    struct member *member, int32_t partition, char value[32], int64_t *offset, struct error *err) {
  int64_t deadline_ms = rig_now_ms() + RIG_PATIENCE_MS;
  void *message = NULL;
  weir_record view;
  enum feed_result result = FEED_EMPTY;
  while ((result = feed_take(member->feeds[partition], &message, &view, offset, err)) == FEED_EMPTY) {
    if (rig_now_ms() > deadline_ms) fail_msg("nothing came from partition %d", partition);
    consumer_poll(member->consumer, 5);
  }
  if (result != FEED_RECORD) return result;
  snprintf(value, 32, "%.*s", (int)view.value.size, (const char *)view.value.data);
  *offset = view.offset;
  feed_source()->release(&message, 1);
  return result;
}

/* Records with offsets and values first .. next-1, then the end. */
static inline void member_expect(struct member *member, int32_t partition, int first, int next) {
  char value[32], wanted[32];
  int64_t offset = -1;
  struct error err = {0};
  for (int i = first; i < next; i++) {
    enum feed_result result = FEED_END; /* of an earlier end */
    while (result == FEED_END) result = member_take(member, partition, value, &offset, &err);
    assert_int_equal(result, FEED_RECORD);
    snprintf(wanted, sizeof wanted, "%d", i);
    assert_string_equal(value, wanted);
    assert_int_equal(offset, i);
  }
  assert_int_equal(member_take(member, partition, value, &offset, &err), FEED_END);
  assert_int_equal(offset, next);
}

#endif
