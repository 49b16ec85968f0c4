/* producer.h: the worker's producer: idempotent, its reports served by a thread of its own. Gives writers (batch/writer.h).
 *
 * If the idempotent producer goes fatal it is destroyed and made again; what it had not confirmed is reported as
 * DELIVERY_LOST, so the lanes send it again in order. */
#ifndef WEIR_KAFKA_PRODUCER_H
#define WEIR_KAFKA_PRODUCER_H
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"
#include "batch/writer.h"

struct pipeline_file;
struct kafka_sink_options;
struct producer;

/* [main] `options`: brokers and properties of a sink that has its own, NULL: the pipeline's. `lanes`: for when_room. */
struct producer *producer_open(
    const struct pipeline_file *file, const struct kafka_sink_options *options, uint32_t lanes, struct error *err);
/* [main] Waits up to `flush_ms` for open deliveries, purges the rest (reported as lost), stops the thread. NULL is fine. */
void producer_close(struct producer *producer, int flush_ms);

/* [main] A writer to `topic`, with the sink's partitioner; lives as long as the producer. `any_topic`: outgoing.topic may name another. */
const struct writer *producer_writer(
    struct producer *producer, const char *topic, const char *partitioner, bool any_topic, struct error *err);
/* [main] The topic exists and may be written, and its max.message.bytes (-1: unknown); blocks up to `timeout_ms`. */
bool producer_check_topic(
    struct producer *producer, const char *topic, int timeout_ms, int64_t *message_bytes_max, struct error *err);

#endif
