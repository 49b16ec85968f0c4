/* topics.h: the topics of the cluster: which of the wanted ones exist, and what was perhaps meant by the others. */
#ifndef WEIR_KAFKA_TOPICS_H
#define WEIR_KAFKA_TOPICS_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct client;

typedef void topics_visit(void *ctx, const char *topic, int32_t partitions);

/* Asks for all topics of the cluster, and visits those that one of `wanted` (names, or expressions that start with ^) matches, each once; blocks up
 * to `timeout_ms`. `each` may be NULL. False: no broker answers, or some wanted one is missing: all of these in one sentence, with near names; the
 * others were visited. Retriable. */
bool topics_find(rd_kafka_t *handle, struct client *client, const char *const *wanted, size_t wanted_count,
    int timeout_ms, topics_visit *each, void *ctx, struct error *err);

/* A topic's max.message.bytes; -1: the cluster does not tell. Blocks half a second at the most. */
int64_t topics_bytes_max(rd_kafka_t *handle, const char *topic, int timeout_ms);

#endif
