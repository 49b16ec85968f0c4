/* budget.c: librdkafka takes these numbers only when a handle is made, before it is known how many partitions will come, so
 * a worker reckons with LIMIT_EXPECTED_PARTITIONS of them. */
#include "kafka/budget.h"
#include "base/check.h"
#include "base/limits.h"

static int64_t within(int64_t value, int64_t least, int64_t most) {
  return value < least ? least : value > most ? most : value;
}

struct kafka_budget kafka_budget_of(int64_t memory_bytes) {
  must(memory_bytes > 0);
  struct kafka_budget budget = {0};
  int64_t fetched = memory_bytes / 2, sent = memory_bytes / 4;
  /* 1 to 2 MiB a queue was fastest; more is no faster, less starves the lane. */
  budget.queue_kbytes = within(fetched * 2 / BUDGET_QUEUE_FACTOR_HALVES / LIMIT_EXPECTED_PARTITIONS / 1024,
      LIMIT_QUEUE_KBYTES_LEAST, LIMIT_QUEUE_KBYTES_MOST);
  budget.partitions = fetched / kafka_budget_queues(&budget, 1);
  /* A message that waits costs some 600 bytes beside a value that is not copied. */
  budget.producer_messages = within(sent / 640, LIMIT_OUTPUT_MESSAGES_LEAST, LIMIT_OUTPUT_MESSAGES_MOST);
  budget.producer_kbytes = within(sent / 2 / 1024, LIMIT_OUTPUT_KBYTES_LEAST, INT32_MAX);
  return budget;
}

int64_t kafka_budget_queues(const struct kafka_budget *budget, int64_t partitions) {
  return partitions * budget->queue_kbytes * 1024 * BUDGET_QUEUE_FACTOR_HALVES / 2;
}
