/* budget.h: how this layer divides its share of the pipeline's `memory`. Pure.
 *
 * Half of `memory` is for what librdkafka has fetched, a quarter for what it has to send; the rest is for batches and scripts. */
#ifndef WEIR_KAFKA_BUDGET_H
#define WEIR_KAFKA_BUDGET_H
#include <stdint.h>

/* Measured: a queue of small records takes this many times its payload, in halves. */
enum { BUDGET_QUEUE_FACTOR_HALVES = 9 };

struct kafka_budget {
  int64_t queue_kbytes;      /* queued.max.messages.kbytes: of each partition's queue */
  int64_t partitions;        /* that fit with it */
  int64_t producer_messages; /* queue.buffering.max.messages */
  int64_t producer_kbytes;   /* queue.buffering.max.kbytes */
};

struct kafka_budget kafka_budget_of(int64_t memory_bytes);

/* Bytes that the queues of `partitions` may take. */
int64_t kafka_budget_queues(const struct kafka_budget *budget, int64_t partitions);

#endif
