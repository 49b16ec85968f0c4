/* mock.h: librdkafka's mock cluster, for `weir broker` and tests: in memory, 5 MiB a partition, no transactions, not a Kafka. A member
 * with another assignment strategy than the others ends the process, so users' programs get it in a process of its own. [main] */
#ifndef WEIR_KAFKA_MOCK_H
#define WEIR_KAFKA_MOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct mock;
struct rd_kafka_mock_cluster_s;

/* Listens on 127.0.0.1 only, on ports of its own choice. NULL: a sentence. */
struct mock *mock_open(int brokers, struct error *err);
/* A topic that is not made here is made by the first client that names it, with 4 partitions. */
bool mock_topic(struct mock *mock, const char *topic, int32_t partitions, struct error *err);
/* "127.0.0.1:port,...", as long as the mock. */
const char *mock_addresses(const struct mock *mock);
void mock_close(struct mock *mock); /* NULL is fine */
/* librdkafka's own, for tests that make it fail. */
struct rd_kafka_mock_cluster_s *mock_cluster(struct mock *mock);

#endif
