/* outputs.c: topics by name. An entry is never removed, so lanes find it without a lock; the table is twice as large as what
 * it may hold, so a search ends. */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/span.h"
#include "config/kafka_settings.h"
#include "kafka/producer_inside.h"

static uint32_t hash_of(weir_span name) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < name.size; i++) hash = (hash ^ name.data[i]) * 16777619u;
  return hash;
}

/* Its slot, or the empty one where it would stand. */
static size_t slot_of(const struct producer *producer, weir_span topic) {
  size_t slot = hash_of(topic) % OUTPUT_SLOTS;
  const struct output *output = NULL;
  while (
      (output = atomic_load_explicit(&producer->outputs[slot], memory_order_acquire)) && !span_is(topic, output->name))
    slot = (slot + 1) % OUTPUT_SLOTS;
  return slot;
}

const struct output *outputs_find(const struct producer *producer, weir_span topic) {
  return atomic_load_explicit(&producer->outputs[slot_of(producer, topic)], memory_order_acquire);
}

static bool check_name(weir_span topic, char copy[LIMIT_TOPIC_NAME + 1], struct error *err) {
  if (topic.size > LIMIT_TOPIC_NAME)
    return error_set(err, "a topic's name has up to %d characters, this one %zu", LIMIT_TOPIC_NAME, topic.size);
  memcpy(copy, topic.data, topic.size);
  copy[topic.size] = 0;
  const char *flaw = strlen(copy) == topic.size ? kafka_topic_flaw(copy) : "it holds a zero byte";
  if (!flaw) return true;
  return error_set(err, "this is no name of a topic: %s", flaw);
}

static struct output *create(const char *name, const char *partitioner, bool own) {
  struct output *output = calloc(1, sizeof *output);
  must(output);
  output->name = strdup(name);
  output->partitioner = strdup(partitioner);
  output->own = own;
  must(output->name && output->partitioner);
  return output;
}

struct output *outputs_at(
    struct producer *producer, weir_span topic, const char *partitioner, bool own, struct error *err) {
  struct output *found = atomic_load_explicit(&producer->outputs[slot_of(producer, topic)], memory_order_acquire);
  char name[LIMIT_TOPIC_NAME + 1];
  if (found) return found;
  if (!check_name(topic, name, err)) return NULL;
  pthread_mutex_lock(&producer->lock);
  size_t slot = slot_of(producer, topic);
  found = atomic_load_explicit(&producer->outputs[slot], memory_order_relaxed);
  if (!found && producer->output_count < LIMIT_OUTPUT_TOPICS) {
    found = create(name, partitioner, own);
    producer->output_count++;
    atomic_store_explicit(&producer->outputs[slot], found, memory_order_release);
  }
  pthread_mutex_unlock(&producer->lock);
  if (!found)
    error_set(err, "topic %s would be more than the %d that one producer writes to", name, LIMIT_OUTPUT_TOPICS);
  return found;
}

static rd_kafka_topic_t *make_handle(struct producer *producer, const struct output *output, struct error *err) {
  char reason[256];
  rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(producer->handle);
  if (rd_kafka_topic_conf_set(conf, "partitioner", output->partitioner, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
    rd_kafka_topic_conf_destroy(conf);
    error_set(err, "topic %s: %s", output->name, reason);
    return NULL;
  }
  rd_kafka_topic_t *handle = rd_kafka_topic_new(producer->handle, output->name, conf);
  if (!handle) error_set(err, "topic %s: %s", output->name, rd_kafka_err2str(rd_kafka_last_error()));
  return handle;
}

rd_kafka_topic_t *output_handle(struct producer *producer, struct output *output, struct error *err) {
  rd_kafka_topic_t *handle = atomic_load_explicit(&output->handle, memory_order_acquire);
  if (handle) return handle;
  pthread_mutex_lock(&producer->lock);
  handle = atomic_load_explicit(&output->handle, memory_order_relaxed);
  if (!handle) handle = make_handle(producer, output, err);
  atomic_store_explicit(&output->handle, handle, memory_order_release);
  pthread_mutex_unlock(&producer->lock);
  return handle;
}

void outputs_unmake(struct producer *producer) {
  for (size_t i = 0; i < OUTPUT_SLOTS; i++) {
    struct output *output = producer->outputs[i];
    rd_kafka_topic_t *handle = output ? atomic_exchange(&output->handle, NULL) : NULL;
    if (handle) rd_kafka_topic_destroy(handle);
  }
}

void outputs_free(struct producer *producer) {
  for (size_t i = 0; i < OUTPUT_SLOTS; i++) {
    struct output *output = producer->outputs[i];
    if (!output) continue;
    must(!output->handle);
    free(output->name);
    free(output->partitioner);
    free(output);
  }
}
