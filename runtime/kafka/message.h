/* message.h: a Kafka message as the pipeline sees it: views into librdkafka's memory, alive until the message is released. */
#ifndef WEIR_KAFKA_MESSAGE_H
#define WEIR_KAFKA_MESSAGE_H
#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <weir/plugin.h>
#include "base/check.h"
#include "batch/batch.h"

static_assert((int)RD_KAFKA_TIMESTAMP_CREATE_TIME == WEIR_TIME_CREATED &&
                  (int)RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME == WEIR_TIME_APPENDED &&
                  (int)RD_KAFKA_TIMESTAMP_NOT_AVAILABLE == WEIR_TIME_UNKNOWN,
    "timestamp types are passed on as they are");

/* Key, value, offset and timestamp; the rest of the view is zero. */
static inline void message_view(const rd_kafka_message_t *message, weir_record *view) {
  must(message && !message->err);
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
  *view = (weir_record){
      .key = {message->key, message->key_len},
      .value = {message->payload, message->len},
      .offset = message->offset,
      .timestamp_ms = timestamp_ms,
      .timestamp_type = (int32_t)type,
  };
}

/* Headers, view and release of messages, which pass as `void *`. */
extern const struct batch_source message_source;

#endif
