/* fill.c: writes the records that a workload reads, spread over the partitions, the same at each call.
 *
 *   bench-fill BROKERS TOPIC COUNT KIND
 *
 * KIND: a number: so many bytes each; `mixed`: 100 bytes, and 10 of every tenth; `json`: objects of about 215 bytes, one of ten with
 * "level":"error". */
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 64 << 10, FLUSH_MS = 120000 };

static long failed;

static _Noreturn void die(const char *what, const char *why) {
  fprintf(stderr, "bench-fill: %s: %s\n", what, why);
  exit(1);
}

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
  (void)producer, (void)opaque;
  failed += message->err != 0;
}

static rd_kafka_t *open_producer(const char *brokers) {
  static const char *const wanted[][2] = {
      {"enable.idempotence", "true"}, {"linger.ms", "20"}, {"queue.buffering.max.messages", "200000"}};
  char text[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text)) die("brokers", text);
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
    if (rd_kafka_conf_set(conf, wanted[i][0], wanted[i][1], text, sizeof text)) die(wanted[i][0], text);
  rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (!producer) die("producer", text);
  return producer;
}

static int partitions_of(rd_kafka_t *producer, rd_kafka_topic_t *topic, const char *name) {
  const struct rd_kafka_metadata *metadata;
  rd_kafka_resp_err_t code = rd_kafka_metadata(producer, 0, topic, &metadata, 10000);
  if (code) die(name, rd_kafka_err2str(code));
  int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(metadata);
  if (count == 0) die(name, "no such topic");
  return count;
}

static size_t make_json(char *value, long i) {
  static const char *const levels[] = {
      "info", "info", "debug", "error", "info", "warn", "info", "info", "debug", "info"};
  return (size_t)snprintf(value, VALUE_MAX,
      "{\"id\":%ld,\"time\":\"2026-11-23T10:%02ld:%02ldZ\",\"level\":\"%s\",\"service\":\"checkout\",\"host\":\"web-%02ld\","
      "\"message\":\"payment was answered in time\",\"latency\":%ld.25,\"user\":{\"id\":%ld,\"country\":\"de\"}}",
      1000000 + i, i / 60 % 60, i % 60, levels[i % 10], i % 40, i % 900, 700000 + i % 100000);
}

static size_t make_bytes(char *value, long i, size_t size) {
  for (size_t at = 0; at < size; at++) value[at] = (char)('a' + (i * 7 + (long)at) % 26);
  return size;
}

static size_t make_value(char *value, long i, const char *kind, size_t size) {
  if (!strcmp(kind, "json")) return make_json(value, i);
  if (!strcmp(kind, "mixed")) return make_bytes(value, i, i % 10 == 7 ? 10 : 100);
  return make_bytes(value, i, size);
}

int main(int argc, char **argv) {
  if (argc != 5) die("usage", "bench-fill BROKERS TOPIC COUNT KIND");
  static char value[VALUE_MAX];
  long count = strtol(argv[3], NULL, 10), size = strtol(argv[4], NULL, 10);
  bool named = !strcmp(argv[4], "json") || !strcmp(argv[4], "mixed");
  if (count < 1 || (!named && (size < 1 || size > VALUE_MAX))) die("no such count or kind", argv[4]);
  rd_kafka_t *producer = open_producer(argv[1]);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, argv[2], NULL);
  int partitions = partitions_of(producer, topic, argv[2]);
  for (long i = 0; i < count; i++) {
    size_t made = make_value(value, i, argv[4], (size_t)size);
    while (rd_kafka_produce(topic, (int32_t)(i % partitions), RD_KAFKA_MSG_F_COPY, value, made, NULL, 0, NULL) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) die(argv[2], rd_kafka_err2str(rd_kafka_last_error()));
      rd_kafka_poll(producer, 10);
    }
    if (i % 1024 == 0) rd_kafka_poll(producer, 0);
  }
  if (rd_kafka_flush(producer, FLUSH_MS) || failed) die(argv[2], "not everything was delivered");
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  return 0;
}
