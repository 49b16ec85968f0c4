/* writing.c: what lanes do. Below COPY_BELOW a copy is as fast as a reference and lets go of the fetched buffer at once; above, the
 * value stays where it is until its report. A key is always copied, by librdkafka itself. */
#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/trouble.h"
#include "kafka/delivery.h"
#include "kafka/producer_inside.h"

enum { COPY_BELOW = 1024 };

SELDOM static rd_kafka_headers_t *headers_of(const struct outgoing *outgoing) {
  rd_kafka_headers_t *list = rd_kafka_headers_new(outgoing->header_count);
  must(list);
  for (uint32_t i = 0; i < outgoing->header_count; i++) {
    const weir_header *header = &outgoing->headers[i];
    rd_kafka_header_add(list, (const char *)header->name.data, (ssize_t)header->name.size, header->value.data,
        (ssize_t)header->value.size);
  }
  return list;
}

static rd_kafka_resp_err_t produce(
    struct producer *producer, rd_kafka_topic_t *topic, const struct outgoing *outgoing, struct delivery *delivery) {
  rd_kafka_headers_t *headers = outgoing->header_count ? headers_of(outgoing) : NULL;
  int flags = outgoing->value.size < COPY_BELOW ? RD_KAFKA_MSG_F_COPY : 0;
  /* librdkafka takes 0 for now, so it cannot write that one millisecond of 1970. */
  int64_t timestamp_ms = outgoing->timestamp_ms < 0 ? 0 : outgoing->timestamp_ms;
  /* What librdkafka's RD_KAFKA_V_ macros stand for; these are not C17. Its produceva() frees the headers twice on an unknown partition. */
  rd_kafka_resp_err_t code = rd_kafka_producev(producer->handle, RD_KAFKA_VTYPE_RKT, topic, RD_KAFKA_VTYPE_PARTITION,
      outgoing->partition < 0 ? RD_KAFKA_PARTITION_UA : outgoing->partition, RD_KAFKA_VTYPE_MSGFLAGS, flags,
      RD_KAFKA_VTYPE_VALUE, (void *)(uintptr_t)outgoing->value.data, outgoing->value.size, RD_KAFKA_VTYPE_KEY,
      (const void *)outgoing->key.data, outgoing->key.size, RD_KAFKA_VTYPE_HEADERS, headers, RD_KAFKA_VTYPE_TIMESTAMP,
      timestamp_ms, RD_KAFKA_VTYPE_OPAQUE, (void *)delivery, RD_KAFKA_VTYPE_END);
  if (code && headers) rd_kafka_headers_destroy(headers);
  return code;
}

static enum write_result wait_for_it(struct producer *producer, rd_kafka_resp_err_t code, const char *topic) {
  if (code == RD_KAFKA_RESP_ERR__FATAL)
    atomic_store(&producer->broken, true);
  else
    atomic_store(&producer->paused, true);
  if (delivery_topic_is_missing(code)) atomic_store(&producer->missing, true);
  log_limited(&producer->trouble, LIMIT_TROUBLE_MS, WEIR_WARN, "producer",
      "topic %s cannot be written to now: %s; waiting", topic, rd_kafka_err2str(code));
  producer_nudge(producer);
  return WRITE_FULL;
}

SELDOM static enum write_result refused(struct producer *producer, const struct output *output,
    const struct outgoing *outgoing, rd_kafka_resp_err_t code, struct error *err) {
  if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    atomic_store(&producer->room_at, rd_kafka_outq_len(producer->handle) / 2);
    trouble_count(TROUBLE_QUEUE_FULL);
    return WRITE_FULL;
  }
  if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
    trouble_count(TROUBLE_TOO_LARGE);
    error_set(err, "the record has %zu bytes, more than the %" PRId64 " that weir writes (message.max.bytes, `memory`)",
        outgoing->key.size + outgoing->value.size, producer->message_bytes_max);
    if (err) err->code = code;
    return WRITE_REFUSED;
  }
  /* librdkafka says so at once only when it knows the topic's partitions. */
  bool wrong_number = code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && outgoing->partition >= 0;
  if (!wrong_number && delivery_of(code, output->own) == DELIVERY_LOST)
    return wait_for_it(producer, code, output->name);
  delivery_refusal(code, output->name, outgoing->partition, err);
  return WRITE_REFUSED;
}

bool writing_begin(void *ctx) {
  struct kafka_writer *writer = ctx;
  must_be(writer, WRITER_MAGIC);
  return producer_enter(writer->producer);
}

void writing_end(void *ctx) { producer_leave(((struct kafka_writer *)ctx)->producer); }

uint64_t writing_number(void *ctx) { return ((struct kafka_writer *)ctx)->producer->number; }

enum write_result writing_write(
    void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err) {
  struct kafka_writer *writer = ctx;
  must_be(writer, WRITER_MAGIC);
  must(delivery->shipment && (writer->any_topic || !outgoing->topic.data));
  struct producer *producer = writer->producer;
  struct output *output = writer->output;
  if (outgoing->topic.data) output = outputs_at(producer, outgoing->topic, output->partitioner, false, err);
  rd_kafka_topic_t *topic = output ? atomic_load_explicit(&output->handle, memory_order_acquire) : NULL;
  if (output && !topic) topic = output_handle(producer, output, err);
  if (!topic) return WRITE_REFUSED;
  rd_kafka_resp_err_t code = produce(producer, topic, outgoing, delivery);
  return code ? refused(producer, output, outgoing, code, err) : WRITE_ACCEPTED;
}

void writing_when_room(void *ctx, uint32_t lane, void (*notify)(void *ctx), void *notify_ctx) {
  struct kafka_writer *writer = ctx;
  must_be(writer, WRITER_MAGIC);
  struct producer *producer = writer->producer;
  must(lane < producer->lanes && notify);
  pthread_mutex_lock(&producer->lock);
  if (!producer->waiting[lane].notify) atomic_fetch_add(&producer->waiting_count, 1);
  producer->waiting[lane] = (struct waiting){notify, notify_ctx};
  pthread_mutex_unlock(&producer->lock);
  /* The last report may have come before: then nobody else would look. A shut gate or a pause ends with a call. */
  if (!producer_enter(producer)) return;
  bool room = !atomic_load(&producer->paused) && reports_have_room(producer);
  producer_leave(producer);
  if (room) reports_call_waiting(producer);
}
