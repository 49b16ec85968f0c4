/* producer_check.c: what can be known of a topic before the first record is sent to it. */
#include <sched.h>
#include <string.h>
#include <time.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/span.h"
#include "base/text.h"
#include "kafka/producer_inside.h"
#include "kafka/topics.h"

enum { ASK_LIMIT_MS = 500 };

/* From the answer to DescribeConfigs about one topic; -1: it does not say. */
static int64_t read_limit(rd_kafka_event_t *event) {
  const rd_kafka_DescribeConfigs_result_t *result = event ? rd_kafka_event_DescribeConfigs_result(event) : NULL;
  size_t count = 0, entries = 0;
  if (!result || rd_kafka_event_error(event)) return -1;
  const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
  if (count != 1 || rd_kafka_ConfigResource_error(resources[0])) return -1;
  const rd_kafka_ConfigEntry_t **configs = rd_kafka_ConfigResource_configs(resources[0], &entries);
  for (size_t i = 0; i < entries; i++) {
    int64_t limit = -1;
    const char *value = rd_kafka_ConfigEntry_value(configs[i]);
    if (strcmp(rd_kafka_ConfigEntry_name(configs[i]), "max.message.bytes") == 0 && value &&
        text_int(span_of(value), &limit) && limit > 0)
      return limit;
  }
  return -1;
}

/* -1 also where the user may not ask. librdkafka's mock cluster does not know the question and leaves it unanswered, so it may not cost all the
 * time there is; without an answer the reports find the limit by themselves (reports.c). */
static int64_t ask_limit(rd_kafka_t *handle, const char *topic, int timeout_ms) {
  timeout_ms = timeout_ms < ASK_LIMIT_MS ? timeout_ms : ASK_LIMIT_MS;
  rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
  rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
  char reason[128];
  rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, reason, sizeof reason);
  rd_kafka_DescribeConfigs(handle, &resource, 1, options, queue);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
  int64_t limit = read_limit(event);
  if (event) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_ConfigResource_destroy(resource);
  return limit;
}

/* Returns when the handle's batches are within the limit; what was written before that would be given back. */
static void lower_batches(struct producer *producer, int64_t limit) {
  struct timespec pause = {.tv_nsec = 1000000};
  bool low = false;
  if (limit < atomic_load(&producer->batch_bytes_wanted)) atomic_store(&producer->batch_bytes_wanted, limit);
  while (!low) {
    if (producer_enter(producer)) {
      low = producer->batch_bytes <= limit;
      if (!low) atomic_store(&producer->broken, true);
      if (!low) producer_nudge(producer);
      producer_leave(producer);
    }
    if (!low) nanosleep(&pause, NULL);
  }
}

bool producer_check_topic(
    struct producer *producer, const char *topic, int timeout_ms, int64_t *message_bytes_max, struct error *err) {
  must_be(producer, PRODUCER_MAGIC);
  *message_bytes_max = -1;
  int64_t deadline_ms = clock_now(clock_real()) + timeout_ms;
  while (!producer_enter(producer)) sched_yield();
  bool found = topics_find(producer->handle, &producer->client, &topic, 1, timeout_ms, NULL, NULL, err);
  int64_t left_ms = deadline_ms - clock_now(clock_real());
  if (found && left_ms > 0) *message_bytes_max = ask_limit(producer->handle, topic, (int)left_ms);
  producer_leave(producer);
  /* It counts for whole batches. */
  if (*message_bytes_max > 0) lower_batches(producer, *message_bytes_max);
  return found;
}
