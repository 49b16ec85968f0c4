/* original.c: an offset alone does not prove that it is the same record: a topic may have been made anew. The sum does. */
#include "kafka/original.h"
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/span.h"
#include "kafka/client.h"
#include "kafka/letter.h"

enum { ORIGINAL_MAGIC = 0x7a03c5d8, FETCH_MS = 10000, STEP_MS = 200 };

struct original {
  struct client client;
  uint32_t magic;
  rd_kafka_t *handle;
  rd_kafka_message_t *message;
};

struct original *original_open(const struct pipeline_file *file, struct error *err) {
  struct original *original = calloc(1, sizeof *original);
  must(original);
  original->magic = ORIGINAL_MAGIC;
  client_init(&original->client, "source", original);
  rd_kafka_conf_t *conf = client_conf(&original->client, file, NULL, SCOPE_CONSUMER, NULL, 0, err);
  if (conf) {
    const struct property of_weir[] = {{"group.id", "weir-dlq"}, {"enable.auto.commit", "false"},
        {"isolation.level", "read_committed"}, {"enable.partition.eof", "true"}, {"auto.offset.reset", "error"}};
    properties_set(conf, of_weir, sizeof of_weir / sizeof *of_weir);
    original->handle = client_create(&original->client, RD_KAFKA_CONSUMER, conf, err);
  }
  if (original->handle && !rd_kafka_poll_set_consumer(original->handle)) return original;
  original_close(original);
  return NULL;
}

static void forget(struct original *original) {
  if (original->message) rd_kafka_message_destroy(original->message);
  original->message = NULL;
}

void original_close(struct original *original) {
  if (!original) return;
  must_be(original, ORIGINAL_MAGIC);
  forget(original);
  if (original->handle) rd_kafka_destroy(original->handle);
  client_fini(&original->client);
  original->magic = 0;
  free(original);
}

static bool is_wanted(const rd_kafka_message_t *message, const struct letter *letter) {
  return !message->err && message->offset == letter->source_offset &&
         message->partition == (int32_t)letter->source_partition &&
         span_is(letter->source_topic, rd_kafka_topic_name(message->rkt));
}

static bool is_passing_trouble(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

/* The record at the letter's coordinates into `message`. */
static bool read_one(struct original *original, const struct letter *letter, struct error *err) {
  int64_t until_ms = clock_now(clock_real()) + FETCH_MS;
  while (clock_now(clock_real()) < until_ms) {
    forget(original);
    original->message = rd_kafka_consumer_poll(original->handle, STEP_MS);
    const rd_kafka_message_t *message = original->message;
    if (!message || is_passing_trouble(message->err)) continue;
    if (is_wanted(message, letter)) return true;
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF &&
        message->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
      return error_set(
          err, "its value was too large, and its source cannot be read: %s", rd_kafka_message_errstr(message));
    return error_set(err, "its value was too large, and its source record is not there any more");
  }
  return error_set(err, "its value was too large, and its source record did not come within %d s", FETCH_MS / 1000);
}

static bool is_the_same(const rd_kafka_message_t *message, const struct letter *letter) {
  char sum[DIGEST_TEXT_MAX];
  weir_span value = {message->payload, message->len};
  return (int64_t)message->len == letter->value_bytes && span_is(letter->sha256, digest_sha256(sum, value));
}

bool original_fetch(
    struct original *original, const struct letter *letter, weir_span *key, weir_span *value, struct error *err) {
  must_be(original, ORIGINAL_MAGIC);
  char topic[LIMIT_TOPIC_NAME + 1] = "";
  if (!letter->source_topic.data || letter->source_topic.size >= sizeof topic || letter->source_offset < 0 ||
      letter->source_partition < 0 || letter->source_partition > INT32_MAX)
    return error_set(err, "its value was too large, and it does not say where it came from");
  memcpy(topic, letter->source_topic.data, letter->source_topic.size);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic, (int32_t)letter->source_partition)->offset = letter->source_offset;
  rd_kafka_resp_err_t code = rd_kafka_assign(original->handle, list);
  rd_kafka_topic_partition_list_destroy(list);
  if (code) return error_set(err, "its source %s cannot be read: %s", topic, rd_kafka_err2str(code));
  if (!read_one(original, letter, err)) return false;
  if (!is_the_same(original->message, letter))
    return error_set(err, "its value was too large, and another record stands at its source now");
  *key = (weir_span){original->message->key, original->message->key_len};
  *value = (weir_span){original->message->payload, original->message->len};
  return true;
}
