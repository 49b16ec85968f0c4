/* refill.h: ends a rest of librdkafka's. Below 2.2 a broker thread that finds the queues of its partitions full sleeps for up to a
 * second, however soon they are read empty: on a busy machine half of the time nothing is fetched. Any request to that broker wakes it. [control] */
#ifndef WEIR_KAFKA_REFILL_H
#define WEIR_KAFKA_REFILL_H
#include <stdbool.h>
#include <stdint.h>

struct consumer;

/* Bytes of records in a partition's queue with which it counts as full; 0: this version of librdkafka needs no waking. */
int64_t refill_queue_bytes(const struct consumer *consumer);
/* Asks the partition's leader for its end, which wakes the thread; waits for the answer, up to `timeout_ms`. */
void refill_wake(struct consumer *consumer, const char *topic, int32_t partition, int timeout_ms);

#endif
