/* feed.c: one partition's queue. A record below the expected offset was popped just before a barrier and would be delivered
 * twice: it is dropped here, so that what a feed delivers always rises. */
#include "kafka/feed.h"
#include "base/check.h"
#include "base/trouble.h"
#include "config/pipeline_file.h"
#include "kafka/consumer_inside.h"
#include "kafka/message.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FEED_MAGIC = 0x3fa94b6e, SEEK_MS = 5000, VERSION_2_1 = 0x02010000 };

/* [lane], but for opening and closing. */
struct feed {
  uint32_t magic;
  struct consumer *consumer; /* [control] */
  rd_kafka_t *handle;
  rd_kafka_queue_t *queue;
  char *topic;
  int32_t partition;
  const char *path; /* of the pipeline file, for messages */
  int64_t expected; /* nothing below is delivered */
  int64_t low, end; /* when it was assigned, -1: not known */
  bool stopped;     /* after an error behind which librdkafka would go on with a gap */
  void (*ready)(void *ctx);
  void *ctx;
};

const struct batch_source *feed_source(void) { return &message_source; }

/* Under the queue's lock, from librdkafka's threads. */
static void on_event(rd_kafka_t *handle, void *opaque) {
  (void)handle;
  struct feed *feed = opaque;
  feed->ready(feed->ctx);
}

struct feed *feed_open(
    struct consumer *consumer, const char *topic, int32_t partition, void (*ready)(void *ctx), void *ctx) {
  must_be(consumer, CONSUMER_MAGIC);
  must(ready);
  const struct owned *owned = consumer_owned(consumer, topic, partition);
  must(owned);
  retired_end(consumer, topic, partition);
  struct feed *feed = calloc(1, sizeof *feed);
  must(feed && (feed->topic = strdup(topic)));
  feed->magic = FEED_MAGIC;
  feed->consumer = consumer;
  feed->handle = consumer->handle;
  feed->partition = partition;
  feed->path = consumer->file->path;
  feed->expected = owned->start;
  feed->low = owned->low;
  feed->end = owned->end;
  feed->ready = ready;
  feed->ctx = ctx;
  feed->queue = rd_kafka_queue_get_partition(consumer->handle, topic, partition);
  must(feed->queue);
  /* To itself, before the assign call would forward it to the consumer's queue. */
  rd_kafka_queue_forward(feed->queue, NULL);
  rd_kafka_queue_cb_event_enable(feed->queue, on_event, feed);
  return feed;
}

void feed_close(struct feed *feed) {
  if (!feed) return;
  must_be(feed, FEED_MAGIC);
  rd_kafka_queue_cb_event_enable(feed->queue, NULL, NULL);
  retired_add(feed->consumer, feed->queue, feed->topic, feed->partition);
  feed->magic = 0;
  free(feed);
}

/* --- errors ---------------------------------------------------------------------------------------------------------- */

static void watermarks(const struct feed *feed, int64_t *low, int64_t *end) {
  *low = *end = -1;
  rd_kafka_get_watermark_offsets(feed->handle, feed->topic, feed->partition, low, end);
  if (*low < 0) *low = feed->low;
  if (*end < 0) *end = feed->end;
}

static void out_of_range(const struct feed *feed, int64_t offset, struct error *err) {
  int64_t low = -1, end = -1;
  watermarks(feed, &low, &end);
  bool known = low >= 0 && end >= 0, inside = known && offset >= low && offset <= end;
  /* Inside what it held a moment ago: then it is another partition now. */
  const char *what = known && offset < low ? "its record was removed before it was read."
                     : inside              ? "the partition does not hold it any more; was its topic made anew?"
                                           : "the partition does not reach that far; was its topic made anew?";
  char range[96] = "";
  if (known && !inside) snprintf(range, sizeof range, " It holds %" PRId64 " to %" PRId64 ".", low, end);
  error_set(err,
      "%s/%" PRId32 " cannot be read at offset %" PRId64
      ": %s%s weir does not jump by itself: choose where to go on with "
      "'weir offsets %s --reset ... --topic %s --partition %" PRId32 "'",
      feed->topic, feed->partition, offset, what, range, feed->path, feed->topic, feed->partition);
}

/* Behind these librdkafka does not go on, or goes on with what comes after the damage: a gap that nobody would see. Everything else
 * it tries again at the same offset. */
static bool ends_the_feed(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
         code == RD_KAFKA_RESP_ERR__BAD_MSG || code == RD_KAFKA_RESP_ERR_INVALID_MSG ||
         code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION || code == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED;
}

static void say_error(const struct feed *feed, const rd_kafka_message_t *message, struct error *err) {
  rd_kafka_resp_err_t code = message->err;
  const char *topic = feed->topic, *words = rd_kafka_message_errstr(message);
  int32_t partition = feed->partition;
  switch (code) {
  case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
  case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: out_of_range(feed, message->offset, err); break;
  case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
  case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
  case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    error_set(err, "%s/%" PRId32 " does not exist any more; was its topic deleted?", topic, partition);
    break;
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    error_set(
        err, "%s/%" PRId32 " may not be read by this user: it needs the right READ on the topic", topic, partition);
    break;
  case RD_KAFKA_RESP_ERR__BAD_MSG:
  case RD_KAFKA_RESP_ERR_INVALID_MSG:
    error_set(
        err, "%s/%" PRId32 " holds a damaged batch at offset %" PRId64 ": %s", topic, partition, feed->expected, words);
    break;
  case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
  case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
    error_set(err, "%s/%" PRId32 " holds a batch at offset %" PRId64 " that librdkafka %s cannot unpack: %s", topic,
        partition, feed->expected, rd_kafka_version_str(), words);
    break;
  default: error_set(err, "%s/%" PRId32 ": %s (%s)", topic, partition, words, rd_kafka_err2name(code)); break;
  }
  if (err) err->code = code;
  if (err) err->retriable = !ends_the_feed(code);
}

static void count_error(rd_kafka_resp_err_t code) {
  if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) trouble_count(TROUBLE_NOT_ALLOWED);
  if (!ends_the_feed(code)) return;
  bool range = code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
  trouble_count(range ? TROUBLE_OUT_OF_RANGE : TROUBLE_DAMAGED);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

/* EMPTY: it is of no interest. */
SELDOM static enum feed_result look_at_other(
    struct feed *feed, const rd_kafka_message_t *message, int64_t *offset, struct error *err) {
  if (!message->err) return FEED_EMPTY;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    *offset = message->offset;
    return message->offset >= feed->expected ? FEED_END : FEED_EMPTY;
  }
  say_error(feed, message, err);
  count_error(message->err);
  feed->stopped = ends_the_feed(message->err);
  return FEED_ERROR;
}

/* The next record, NULL: *result says why there is none. */
static inline rd_kafka_message_t *take(
    struct feed *feed, enum feed_result *result, int64_t *offset, struct error *err) {
  rd_kafka_message_t *taken = NULL;
  *result = FEED_EMPTY;
  while (!feed->stopped && (taken = rd_kafka_consume_queue(feed->queue, 0))) {
    if (!taken->err && taken->offset >= feed->expected) {
      feed->expected = taken->offset + 1;
      return taken;
    }
    *result = look_at_other(feed, taken, offset, err);
    rd_kafka_message_destroy(taken);
    if (*result != FEED_EMPTY) return NULL;
  }
  return NULL;
}

enum feed_result feed_fill(struct feed *feed, struct batch *batch, struct portion *portion,
    const struct batch_limit *limit, int64_t *offset, struct error *err) {
  must_be(feed, FEED_MAGIC);
  while (!batch_is_full(batch, limit)) {
    enum feed_result result;
    rd_kafka_message_t *message = take(feed, &result, offset, err);
    if (!message) return result;
    message_view(message, batch_next(batch, portion));
    batch_add(batch, portion, message);
  }
  return FEED_FULL;
}

enum feed_result feed_take(struct feed *feed, void **message, weir_record *view, int64_t *offset, struct error *err) {
  must_be(feed, FEED_MAGIC);
  enum feed_result result;
  rd_kafka_message_t *taken = take(feed, &result, offset, err);
  if (!taken) return result;
  message_view(taken, view);
  *message = taken;
  return FEED_RECORD;
}

bool feed_seek(struct feed *feed, int64_t offset, struct error *err) {
  must_be(feed, FEED_MAGIC);
  must(offset >= 0);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, feed->topic, feed->partition);
  element->offset = offset;
  /* Before 2.1 the time-out counts microseconds. */
  int timeout_ms = rd_kafka_version() < VERSION_2_1 ? SEEK_MS * 1000 : SEEK_MS;
  rd_kafka_error_t *error = rd_kafka_seek_partitions(feed->handle, list, timeout_ms);
  rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
  /* After a time-out it is still under way: the barrier in the queue stands since the call, and nothing below is delivered. */
  if (!error || code == RD_KAFKA_RESP_ERR__TIMED_OUT) code = element->err;
  if (code == RD_KAFKA_RESP_ERR__IN_PROGRESS) code = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error) rd_kafka_error_destroy(error);
  rd_kafka_topic_partition_list_destroy(list);
  if (!code) {
    feed->expected = offset;
    feed->stopped = false;
    return true;
  }
  error_set(err, "%s/%" PRId32 " cannot be read again from offset %" PRId64 ": %s", feed->topic, feed->partition,
      offset, code == RD_KAFKA_RESP_ERR__STATE ? "it is not being read" : rd_kafka_err2str(code));
  if (err) err->code = code;
  return false;
}

int64_t feed_high(const struct feed *feed) {
  must_be(feed, FEED_MAGIC);
  int64_t low = -1, high = -1;
  rd_kafka_get_watermark_offsets(feed->handle, feed->topic, feed->partition, &low, &high);
  return high < 0 ? -1 : high;
}

size_t feed_waiting(const struct feed *feed) {
  must_be(feed, FEED_MAGIC);
  return rd_kafka_queue_length(feed->queue);
}
