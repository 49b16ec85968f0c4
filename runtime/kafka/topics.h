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

/* A setting of a topic that is a number above 0 ("max.message.bytes", "retention.ms"). -1: it is none, or the cluster does not tell, as where
 * the user may not ask; librdkafka's mock cluster leaves the question unanswered for all of `timeout_ms`. */
int64_t topics_limit(rd_kafka_t *handle, const char *topic, const char *name, int timeout_ms);

#endif
