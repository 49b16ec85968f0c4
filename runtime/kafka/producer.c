/* producer.c: the life of the producer. Its properties' reasons are in docs/decisions/0006-librdkafka.md and 0007-linger.md. */
#include "kafka/producer.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/span.h"
#include "config/kafka_settings.h"
#include "config/pipeline_file.h"
#include "kafka/budget.h"
#include "kafka/delivery.h"
#include "kafka/producer_inside.h"
#include "kafka/topics.h"

/* --- the gate -------------------------------------------------------------------------------------------------------- */

bool producer_enter(struct producer *producer) {
  atomic_fetch_add(&producer->inside, 1);
  if (atomic_load(&producer->open)) return true;
  atomic_fetch_sub(&producer->inside, 1);
  return false;
}

void producer_leave(struct producer *producer) {
  uint32_t before = atomic_fetch_sub(&producer->inside, 1);
  must(before > 0);
}

void producer_nudge(struct producer *producer) { rd_kafka_queue_yield(producer->queue); }

/* --- the handle ------------------------------------------------------------------------------------------------------ */

static rd_kafka_conf_t *configure(struct producer *producer, struct error *err) {
  struct kafka_budget budget = kafka_budget_of(producer->file->memory_bytes);
  char messages[24], kbytes[24], bytes[24];
  snprintf(messages, sizeof messages, "%" PRId64, budget.producer_messages);
  snprintf(kbytes, sizeof kbytes, "%" PRId64, budget.producer_kbytes);
  snprintf(bytes, sizeof bytes, "%d", LIMIT_MESSAGE_BYTES);
  const struct property defaults[] = {
      {"linger.ms", "0.5"},
      {"message.timeout.ms", "0"},
      {"message.max.bytes", bytes},
      {"queue.buffering.max.messages", messages},
      {"queue.buffering.max.kbytes", kbytes},
      {"allow.auto.create.topics", "false"},
  };
  rd_kafka_conf_t *conf = client_conf(&producer->client, producer->file, producer->settings, SCOPE_PRODUCER, defaults,
      sizeof defaults / sizeof *defaults, err);
  if (!conf) return NULL;
  const struct property of_weir[] = {{"enable.idempotence", "true"}, {"acks", "all"}};
  properties_set(conf, of_weir, sizeof of_weir / sizeof *of_weir);
  rd_kafka_conf_set_dr_msg_cb(conf, reports_on_delivery);
  rd_kafka_conf_set_error_cb(conf, reports_on_error);
  return conf;
}

bool producer_make(struct producer *producer, struct error *err) {
  rd_kafka_conf_t *conf = configure(producer, err);
  if (!conf) return false;
  int64_t wanted = atomic_load(&producer->batch_bytes_wanted);
  if (properties_number(conf, "batch.size") > wanted) properties_set_number(conf, "batch.size", wanted);
  producer->batch_bytes = properties_number(conf, "batch.size");
  /* What does not fit into the queue would wait for room for ever. */
  int64_t queue_bytes = properties_number(conf, "queue.buffering.max.kbytes") * 1024;
  if (properties_number(conf, "message.max.bytes") > queue_bytes)
    properties_set_number(conf, "message.max.bytes", queue_bytes);
  producer->message_bytes_max = properties_number(conf, "message.max.bytes");
  producer->handle = client_create(&producer->client, RD_KAFKA_PRODUCER, conf, err);
  if (!producer->handle) return false;
  producer->queue = rd_kafka_queue_get_main(producer->handle);
  producer->number++;
  return true;
}

void producer_unmake(struct producer *producer) {
  /* Not that nobody is inside: who meets the shut gate is counted until it has turned away. */
  must(!atomic_load(&producer->open));
  outputs_unmake(producer);
  if (producer->queue) rd_kafka_queue_destroy(producer->queue);
  if (producer->handle) rd_kafka_destroy(producer->handle);
  producer->queue = NULL;
  producer->handle = NULL;
}

static void destroy(struct producer *producer) {
  producer_unmake(producer);
  outputs_free(producer);
  while (producer->writers) {
    struct kafka_writer *writer = producer->writers;
    producer->writers = writer->next;
    writer->magic = 0;
    free(writer);
  }
  pthread_mutex_destroy(&producer->lock);
  client_fini(&producer->client);
  producer->magic = 0;
  free(producer->waiting);
  free(producer);
}

struct producer *producer_open(
    const struct pipeline_file *file, const struct kafka_sink_options *options, uint32_t lanes, struct error *err) {
  must(file && lanes > 0 && lanes <= LIMIT_LANES);
  struct producer *producer = calloc(1, sizeof *producer);
  must(producer);
  producer->magic = PRODUCER_MAGIC;
  producer->file = file;
  producer->settings = options ? &options->kafka : NULL;
  producer->lanes = lanes;
  producer->waiting = calloc(lanes, sizeof *producer->waiting);
  must(producer->waiting);
  producer->batch_bytes_wanted = INT64_MAX;
  must(pthread_mutex_init(&producer->lock, NULL) == 0);
  client_init(&producer->client, "producer", producer);
  if (!producer_make(producer, err)) {
    destroy(producer);
    return NULL;
  }
  producer->open = true;
  int failure = pthread_create(&producer->thread, NULL, reports_run, producer);
  must(failure == 0);
  return producer;
}

void producer_close(struct producer *producer, int flush_ms) {
  if (!producer) return;
  must_be(producer, PRODUCER_MAGIC);
  atomic_store(&producer->stopping, true);
  /* Through the gate: the handle may be in the making. */
  while (!producer_enter(producer)) sched_yield();
  producer_nudge(producer);
  producer_leave(producer);
  pthread_join(producer->thread, NULL);
  atomic_store(&producer->open, false);
  reports_finish(producer, flush_ms);
  destroy(producer);
}

/* --- writers --------------------------------------------------------------------------------------------------------- */

static const char *code_name(int32_t code) { return rd_kafka_err2name((rd_kafka_resp_err_t)code); }

static const char *code_text(int32_t code) { return rd_kafka_err2str((rd_kafka_resp_err_t)code); }

static bool is_too_large(int32_t code) { return delivery_is_too_large((rd_kafka_resp_err_t)code); }

const struct writer *producer_writer(
    struct producer *producer, const char *topic, const char *partitioner, bool any_topic, struct error *err) {
  must_be(producer, PRODUCER_MAGIC);
  must(topic && partitioner);
  struct output *output = outputs_at(producer, span_of(topic), partitioner, true, err);
  if (!output) return NULL;
  if (strcmp(output->partitioner, partitioner) != 0) {
    error_set(err, "topic %s has two partitioners, %s and %s: within one producer a topic has one", topic,
        output->partitioner, partitioner);
    return NULL;
  }
  rd_kafka_topic_t *handle = NULL;
  if (producer_enter(producer)) {
    handle = output_handle(producer, output, err);
    producer_leave(producer);
    if (!handle) return NULL;
  }
  struct kafka_writer *writer = calloc(1, sizeof *writer);
  must(writer);
  *writer = (struct kafka_writer){
      .magic = WRITER_MAGIC, .producer = producer, .output = output, .any_topic = any_topic, .next = producer->writers};
  snprintf(writer->name, sizeof writer->name, "topic %s", topic);
  writer->writer = (struct writer){.ctx = writer,
      .name = writer->name,
      .begin = writing_begin,
      .end = writing_end,
      .number = writing_number,
      .write = writing_write,
      .when_room = writing_when_room,
      .code_name = code_name,
      .code_text = code_text,
      .is_too_large = is_too_large};
  producer->writers = writer;
  return &writer->writer;
}
