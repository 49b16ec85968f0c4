/* path.c: what weir itself does with a record, for counting instructions (tests/bench/instructions runs it under callgrind).
 *
 * A pipeline file's own lane, stages and producer, without a thread: records come from memory, batch by batch, and each is confirmed as
 * soon as the lane has handed it over. The functions of librdkafka that are called for each record have stand-ins here, rd_kafka_*;
 * they, everything named path_*, and librdkafka itself are left out of the count. Collected is what happens below path_measured().
 *
 *   bench-path FILE BATCHES [PLUGIN_FOLDER...] */
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arguments.h"
#include "base/check.h"
#include "base/clock.h"
#include "batch/writer.h"
#include "command_pipeline.h"
#include "config/pipeline_file.h"
#include "host/assignment.h"
#include "host/lane.h"
#include "host/prepared.h"
#include "kafka/consumer_inside.h"
#include "kafka/producer_inside.h"
#include "pipeline/runner.h"

enum { PARTITIONS = 8, MESSAGES = 16384, PAYLOADS = 40, PAYLOAD_MAX = 512, WARM_BATCHES = 4 * PARTITIONS };

static struct path {
  char topic[3];
  struct command_pipeline pipeline;
  struct lane *lane;
  struct consumer consumer;
  struct owned owned[PARTITIONS];
  struct assignment *assignments[PARTITIONS];
  rd_kafka_queue_t *queues[PARTITIONS];
  int64_t offsets[PARTITIONS]; /* of the next record */
  int32_t adding;              /* whose queue is asked for */
  char payloads[PAYLOADS][PAYLOAD_MAX];
  size_t sizes[PAYLOADS];
  rd_kafka_message_t messages[MESSAGES]; /* a ring: what is alive is less */
  size_t message, alive;
  struct delivery *sent[MESSAGES];
  size_t sent_count;
  uint64_t written;
} path = {.topic = "in"};

/* --- librdkafka's stand-ins ------------------------------------------------------------------------------------------ */

rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *handle, const char *topic, int32_t partition) {
  (void)topic;
  return path.queues[partition] = rd_kafka_queue_new(handle);
}

rd_kafka_message_t *rd_kafka_consume_queue(rd_kafka_queue_t *queue, int timeout_ms) {
  (void)timeout_ms;
  int32_t partition = 0;
  while (path.queues[partition] != queue) partition++;
  must(path.alive < MESSAGES);
  path.alive++;
  rd_kafka_message_t *message = &path.messages[path.message++ % MESSAGES];
  int64_t offset = path.offsets[partition]++;
  int64_t which = offset % PAYLOADS;
  *message = (rd_kafka_message_t){
      .partition = partition, .offset = offset, .payload = path.payloads[which], .len = path.sizes[which]};
  return message;
}

void rd_kafka_message_destroy(rd_kafka_message_t *message) {
  (void)message;
  path.alive--;
}

int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message, rd_kafka_timestamp_type_t *type) {
  *type = RD_KAFKA_TIMESTAMP_CREATE_TIME;
  return 1700000000000 + message->offset;
}

rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers) {
  (void)message, (void)headers;
  return RD_KAFKA_RESP_ERR__NOENT;
}

/* As writing.c calls it. */
rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *handle, ...) {
  va_list list;
  va_start(list, handle);
  for (int tag; (tag = va_arg(list, int)) != RD_KAFKA_VTYPE_END;) {
    switch (tag) {
    case RD_KAFKA_VTYPE_PARTITION: (void)va_arg(list, int32_t); break;
    case RD_KAFKA_VTYPE_MSGFLAGS: (void)va_arg(list, int); break;
    case RD_KAFKA_VTYPE_TIMESTAMP: (void)va_arg(list, int64_t); break;
    case RD_KAFKA_VTYPE_VALUE:
    case RD_KAFKA_VTYPE_KEY: (void)va_arg(list, void *), (void)va_arg(list, size_t); break;
    case RD_KAFKA_VTYPE_OPAQUE: path.sent[path.sent_count++] = va_arg(list, void *); break;
    default: (void)va_arg(list, void *); break;
    }
  }
  va_end(list);
  must(path.sent_count < MESSAGES);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- the lane -------------------------------------------------------------------------------------------------------- */

static void path_die(const char *what, const char *why) {
  fprintf(stderr, "bench-path: %s: %s\n", what, why);
  exit(1);
}

/* Of ten, one is an error and one is short. */
static void path_fill_payloads(void) {
  for (int i = 0; i < PAYLOADS; i++) {
    if (i % 10 == 7)
      snprintf(path.payloads[i], PAYLOAD_MAX, "{\"id\":%d}", 100000 + i);
    else
      snprintf(path.payloads[i], PAYLOAD_MAX,
          "{\"id\":%d,\"time\":\"2026-11-23T10:%02d:00Z\",\"level\":\"%s\",\"service\":\"checkout\",\"host\":\"web-%02d\","
          "\"message\":\"payment was answered in time\",\"latency\":%d.25,\"user\":{\"id\":%d,\"country\":\"de\"},"
          "\"tags\":[\"shop\",\"eu-west\"]}",
          100000 + i, i, i % 10 == 3 ? "error" : "info", i, 3 + i, 7000 + i);
    path.sizes[i] = strlen(path.payloads[i]);
  }
}

static void path_open_consumer(void) {
  char text[256];
  rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_CONSUMER, rd_kafka_conf_new(), text, sizeof text);
  if (!handle) path_die("consumer", text);
  path.consumer = (struct consumer){.magic = CONSUMER_MAGIC,
      .handle = handle,
      .file = path.pipeline.file,
      .owned = path.owned,
      .owned_count = PARTITIONS};
  for (int32_t i = 0; i < PARTITIONS; i++) path.owned[i] = (struct owned){.topic = path.topic, .partition = i};
}

static void path_committable(void *ctx, bool urgent) { (void)ctx, (void)urgent; }
static void path_told(void *ctx) { (void)ctx; }

static void path_open_lane(void) {
  const struct pipeline_file *file = path.pipeline.file;
  struct lane_settings settings = {.plan = prepared_plan(path.pipeline.prepared),
      .feeds = &lane_feed_ops,
      .clock = clock_real(),
      .events = {NULL, path_committable, path_told, path_told},
      .batch_records = file->batch_records,
      .batch_bytes = path.pipeline.share.batch_payload,
      .work_max = memory_work(&path.pipeline.share, PARTITIONS),
      .uncommitted_max = file->commit_uncommitted,
      .commit_records = file->commit_records};
  struct error err;
  path.lane = lane_create(&settings);
  if (!path.lane || !lane_open(path.lane, &err)) path_die("lane", path.lane ? err.text : "no memory");
  for (int32_t i = 0; i < PARTITIONS; i++) {
    path.assignments[i] = assignment_create("in", i, (uint64_t)i + 1, 0, path.lane);
    path.assignments[i]->feed = feed_open(&path.consumer, "in", i, assignment_mark, path.assignments[i]);
    assignment_ask(path.assignments[i], (struct errand){.kind = ERRAND_ADOPT});
  }
}

/* --- a round --------------------------------------------------------------------------------------------------------- */

/* What the reporting thread does. */
static void path_report(struct client *client) {
  path.written += path.sent_count;
  for (size_t i = 0; i < path.sent_count; i++) {
    const rd_kafka_message_t message = {._private = path.sent[i], .offset = (int64_t)i};
    reports_on_delivery(NULL, &message, client);
  }
  path.sent_count = 0;
}

/* What the control thread does. */
static void path_commit(void) {
  for (int i = 0; i < PARTITIONS; i++) {
    struct partition *partition = path.assignments[i]->partition;
    ledger_confirm(&partition->ledger, partition->view.epoch, partition->ledger.committable);
  }
}

static struct client *path_client(void) {
  const struct plan *plan = prepared_plan(path.pipeline.prepared);
  if (!plan->sinks[0].writer) path_die(path.pipeline.file->path, "its first sink is not the kafka sink");
  return &((struct kafka_writer *)plan->sinks[0].writer->ctx)->producer->client;
}

/* One batch a round. Not static, so that it stays a function of its own for callgrind. */
void path_measured(struct client *client, long batches);
__attribute__((noinline)) void path_measured(struct client *client, long batches) {
  for (long i = 0; i < batches; i++) {
    must(lane_turn(path.lane));
    path_report(client);
    path_commit();
  }
}

static uint64_t path_records(void) {
  int64_t records = 0;
  for (int i = 0; i < PARTITIONS; i++) records += path.offsets[i];
  return (uint64_t)records;
}

int main(int argc, char **argv) {
  long batches = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
  if (batches < 1) path_die("usage", "bench-path FILE BATCHES [PLUGIN_FOLDER...]");
  struct argument_texts folders = {.count = 0};
  for (int i = 3; i < argc; i++) folders.texts[folders.count++] = argv[i];
  const struct command_pipeline_wish wish = {
      .file = argv[1], .instance = "path", .lanes = 1, .plugin_folders = &folders, .measure = true};
  if (!command_pipeline_open(&path.pipeline, &wish)) {
    report_print(&path.pipeline.report, stderr);
    return 1;
  }
  struct error err;
  if (!prepared_connect(path.pipeline.prepared, &err)) path_die("producer", err.text);
  path_fill_payloads();
  path_open_consumer();
  path_open_lane();
  struct client *client = path_client();
  for (int i = 0; i < WARM_BATCHES; i++) lane_turn(path.lane), path_report(client), path_commit();
  uint64_t before = path_records(), written = path.written;
  path_measured(client, batches);
  printf("%llu %llu\n", (unsigned long long)(path_records() - before), (unsigned long long)(path.written - written));
  fflush(stdout);
  _Exit(0); /* threads of librdkafka, which has no broker */
}
