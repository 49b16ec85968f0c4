/* probe_read.c: reads partitions by assignment, from the first record on. A partition is finished when the place that was its
 * end at the start is passed; with transactions only the end-of-partition event says so, as markers take up offsets. */
#include "probe.h"
#include <stdlib.h>
#include <string.h>

struct ends {
  int first, count; /* partitions first .. first + count - 1 are read */
  int64_t *offset;  /* where each ended at the start */
  bool *finished;
  int unfinished;
};

static rd_kafka_t *open_consumer(const struct arguments *arguments, const struct reading *reading) {
  const char *const set[] = {"group.id", "weir-probe-reader", "enable.auto.commit", "false", "enable.auto.offset.store",
      "false", "auto.offset.reset", "error", "enable.partition.eof", "true", "isolation.level",
      reading->committed_only ? "read_committed" : "read_uncommitted", "fetch.wait.max.ms", "20", "queued.min.messages",
      "1000000", "queued.max.messages.kbytes", "65536", NULL};
  return client_open(RD_KAFKA_CONSUMER, client_conf(arguments, set));
}

static void find_ends(rd_kafka_t *client, const char *topic, const struct reading *reading, struct ends *ends) {
  int count = client_partitions_of(client, topic);
  if (reading->partition >= count)
    probe_fail(EXIT_USAGE, "topic %s has %d partitions, none numbered %d", topic, count, reading->partition);
  ends->first = reading->partition < 0 ? 0 : reading->partition;
  ends->count = reading->partition < 0 ? count : 1;
  ends->unfinished = ends->count;
  ends->offset = calloc((size_t)ends->count, sizeof *ends->offset);
  ends->finished = calloc((size_t)ends->count, sizeof *ends->finished);
  if (!ends->offset || !ends->finished) probe_fail(EXIT_WRONG, "no memory");
  for (int i = 0; i < ends->count; i++) {
    int64_t first;
    client_range(client, topic, ends->first + i, &first, &ends->offset[i]);
  }
}

static void assign(rd_kafka_t *client, const char *topic, const struct ends *ends) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(ends->count);
  for (int i = 0; i < ends->count; i++)
    rd_kafka_topic_partition_list_add(list, topic, ends->first + i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_resp_err_t code = rd_kafka_assign(client, list);
  if (code) probe_fail(EXIT_WRONG, "%s: %s", topic, rd_kafka_err2str(code));
  rd_kafka_topic_partition_list_destroy(list);
}

static void finish(struct ends *ends, int index) {
  if (!ends->finished[index]) ends->unfinished--;
  ends->finished[index] = true;
}

/* Whether the record is one to hand on: one that was there at the start, when reading to the end. */
static bool admit(struct ends *ends, const struct reading *reading, const rd_kafka_message_t *message) {
  int index = message->partition - ends->first;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (message->offset >= ends->offset[index]) finish(ends, index);
    return false;
  }
  if (message->err) {
    if (message->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || message->err == RD_KAFKA_RESP_ERR__TRANSPORT)
      return false;
    probe_fail(EXIT_WRONG, "%s", rd_kafka_message_errstr(message));
  }
  if (!reading->until_end) return true;
  if (message->offset + 1 >= ends->offset[index]) finish(ends, index);
  return message->offset < ends->offset[index];
}

int64_t read_topic(const struct arguments *arguments, const char *topic, const struct reading *reading,
    void (*each)(void *ctx, const rd_kafka_message_t *message), void *ctx) {
  rd_kafka_t *client = open_consumer(arguments, reading);
  struct ends ends;
  find_ends(client, topic, reading, &ends);
  assign(client, topic, &ends);
  int64_t count = 0, progress_us = now_us();
  int64_t stop_us = reading->for_ms ? now_us() + reading->for_ms * 1000 : INT64_MAX;
  while (!(reading->until_end && ends.unfinished == 0) && !(reading->count_max && count >= reading->count_max) &&
         now_us() < stop_us) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 50);
    if (!message) {
      if (reading->until_end && now_us() - progress_us > PATIENCE_MS * INT64_C(1000))
        probe_fail(EXIT_WRONG, "%s: nothing came for %d s, and %d partition%s not read to the end", topic,
            PATIENCE_MS / 1000, ends.unfinished, ends.unfinished == 1 ? " is" : "s are");
      continue;
    }
    if (admit(&ends, reading, message)) {
      each(ctx, message);
      count++;
    }
    progress_us = now_us();
    rd_kafka_message_destroy(message);
  }
  free(ends.offset);
  free(ends.finished);
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  return count;
}
