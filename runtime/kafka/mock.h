/* mock.h: librdkafka's mock cluster, for `weir broker`: in memory, 5 MiB a partition, no transactions, not a Kafka. [main] */
#ifndef WEIR_KAFKA_MOCK_H
#define WEIR_KAFKA_MOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct mock;
struct mock *mock_open(int brokers, struct error *err);
bool mock_topic(struct mock *mock, const char *topic, int32_t partitions, struct error *err);
const char *mock_addresses(const struct mock *mock); /* "127.0.0.1:port,..." */
void mock_close(struct mock *mock);

#endif
