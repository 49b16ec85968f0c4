/* message.h: a Kafka message as the pipeline sees it: views into librdkafka's memory, alive until the message is released. */
#ifndef WEIR_KAFKA_MESSAGE_H
#define WEIR_KAFKA_MESSAGE_H
#include <librdkafka/rdkafka.h>
#include <weir/plugin.h>
#include "batch/batch.h"

/* Key, value, offset and timestamp; the rest of the view is zero. */
void message_view(const rd_kafka_message_t *message, weir_record *view);

/* Headers, view and release of messages, which pass as `void *`. */
extern const struct batch_source message_source;

#endif
