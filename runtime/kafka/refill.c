/* refill.c: see refill.h. The answer is of no interest, and neither is its error. */
#include "kafka/refill.h"
#include "base/check.h"
#include "kafka/consumer_inside.h"
#include "kafka/properties.h"

int64_t refill_queue_bytes(const struct consumer *consumer) {
  must_be(consumer, CONSUMER_MAGIC);
  return property_scope("fetch.queue.backoff.ms") ? 0 : consumer->budget.queue_kbytes * 1024;
}

void refill_wake(struct consumer *consumer, const char *topic, int32_t partition, int timeout_ms) {
  must_be(consumer, CONSUMER_MAGIC);
  must(consumer_owned(consumer, topic, partition));
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_END;
  rd_kafka_offsets_for_times(consumer->handle, list, timeout_ms);
  rd_kafka_topic_partition_list_destroy(list);
}
