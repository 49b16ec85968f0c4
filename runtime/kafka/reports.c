/* reports.c: the reporting thread. It sleeps in librdkafka, turns each delivery report into its delivery's state, calls lanes that
 * wait for room, and makes the handle anew when it is broken. It never produces, waits for a pool, or blocks on a lane. */
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/trouble.h"
#include "base/failpoint.h"
#include "kafka/delivery.h"
#include "kafka/producer_inside.h"

enum {
  MAKE_TRIES = 10,
  PAUSE_MS = 1000,
  LOOK_MS = 500,
  REMAKE_FLUSH_MS = 10000,
  PURGED_MS = 10000,
  RECORD_OVERHEAD_BYTES = 100
};

/* --- one report ------------------------------------------------------------------------------------------------------ */

static int64_t bytes_of(const rd_kafka_message_t *message) {
  int64_t bytes = (int64_t)(message->len + message->key_len) + RECORD_OVERHEAD_BYTES;
  rd_kafka_headers_t *headers = NULL;
  if (rd_kafka_message_headers(message, &headers)) return bytes;
  const char *name = NULL;
  const void *value = NULL;
  size_t size = 0;
  for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
    bytes += (int64_t)(strlen(name) + size) + 4;
  return bytes;
}

/* The broker refuses a batch whole, so a large neighbour, or a limit below our batches, would take innocent records along. Only what was
 * alone in its batch is refused; the others are sent again in smaller batches. */
static enum delivery_state judge_size(struct producer *producer, const rd_kafka_message_t *message) {
  int64_t bytes = bytes_of(message), half = producer->batch_bytes / 2;
  if (bytes >= producer->batch_bytes) return DELIVERY_REFUSED;
  int64_t wanted = bytes > half ? bytes : half;
  if (wanted < atomic_load(&producer->batch_bytes_wanted)) atomic_store(&producer->batch_bytes_wanted, wanted);
  atomic_store(&producer->broken, true);
  return DELIVERY_LOST;
}

static void tell_lost(struct producer *producer, const rd_kafka_message_t *message) {
  trouble_count(TROUBLE_SENT_AGAIN);
  if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) return;
  log_limited(&producer->trouble, LIMIT_TROUBLE_MS, WEIR_WARN, "producer",
      "a record for topic %s was not delivered and is sent again: %s", rd_kafka_topic_name(message->rkt),
      rd_kafka_err2str(message->err));
}

SELDOM static enum delivery_state judge(struct producer *producer, const rd_kafka_message_t *message) {
  const char *topic = rd_kafka_topic_name(message->rkt);
  const struct output *output = outputs_find(producer, weir_text(topic));
  enum delivery_state state = delivery_of(message->err, output && output->own);
  if (delivery_is_too_large(message->err)) state = judge_size(producer, message);
  if (state == DELIVERY_REFUSED && delivery_is_too_large(message->err)) trouble_count(TROUBLE_TOO_LARGE);
  if (state == DELIVERY_LOST) tell_lost(producer, message);
  if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
    trouble_count(TROUBLE_NOT_ALLOWED);
    atomic_store(&producer->paused, true); /* else it would come back at once, for ever */
  }
  if (delivery_topic_is_missing(message->err)) atomic_store(&producer->missing, true);
  return state;
}

void reports_on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
  (void)handle;
  struct delivery *delivery = message->_private;
  enum delivery_state state = DELIVERY_CONFIRMED;
  if (message->err) state = judge(((struct client *)opaque)->owner, message);
  FAILPOINT(reported);
  delivery->code = message->err;
  delivery->partition = message->partition;
  delivery->offset = message->offset < 0 ? -1 : message->offset;
  delivery->state = (int32_t)state;
  shipment_close_one(delivery->shipment);
}

void reports_on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque) {
  struct producer *producer = ((struct client *)opaque)->owner;
  must_be(producer, PRODUCER_MAGIC);
  struct error err = {0};
  char words[512];
  static struct log_limit limit;
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    rd_kafka_fatal_error(handle, words, sizeof words);
    trouble_count(TROUBLE_PRODUCER_BROKEN);
    atomic_store(&producer->broken, true);
    error_set(&err, "librdkafka's producer is broken and is made anew: %s", words);
  } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    trouble_count(TROUBLE_NO_BROKER);
    client_unreachable(&producer->client, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, &err);
  } else if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
    trouble_count(TROUBLE_NOT_ALLOWED);
    error_set(&err, "the cluster at %s refuses the login: %s", producer->client.addresses, reason);
  } else if (code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
    trouble_count(TROUBLE_NOT_ALLOWED);
    error_set(
        &err, "this user may not write with the idempotent producer: it needs the right IDEMPOTENT_WRITE: %s", reason);
  } else {
    return; /* in the log */
  }
  log_limited(&limit, LIMIT_TROUBLE_MS, WEIR_WARN, "producer", "%s", err.text);
}

/* --- room ------------------------------------------------------------------------------------------------------------ */

bool reports_have_room(struct producer *producer) {
  return rd_kafka_outq_len(producer->handle) <= atomic_load(&producer->room_at);
}

void reports_call_waiting(struct producer *producer) {
  for (uint32_t lane = 0; lane < producer->lanes; lane++) {
    pthread_mutex_lock(&producer->lock);
    struct waiting waiting = producer->waiting[lane];
    producer->waiting[lane] = (struct waiting){0};
    if (waiting.notify) atomic_fetch_sub(&producer->waiting_count, 1);
    pthread_mutex_unlock(&producer->lock);
    if (waiting.notify) waiting.notify(waiting.ctx);
  }
}

/* --- the handle anew ------------------------------------------------------------------------------------------------- */

void reports_finish(struct producer *producer, int flush_ms) {
  rd_kafka_flush(producer->handle, flush_ms);
  if (rd_kafka_outq_len(producer->handle)) {
    rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer->handle, PURGED_MS);
  }
  /* Each accepted record is reported exactly once; the pipeline's memory hangs on it. */
  must(rd_kafka_outq_len(producer->handle) == 0);
}

static void pause_ms(int64_t ms) {
  struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  nanosleep(&pause, NULL);
}

/* The same configuration was taken before, so only the machine can be short of something. */
static void make_again(struct producer *producer) {
  struct error err = {0};
  for (int tries = 0; !producer_make(producer, &err); tries++) {
    log_line(WEIR_ERROR, "producer", "%s", err.text);
    must(tries < MAKE_TRIES);
    pause_ms(PAUSE_MS);
  }
}

static void remake(struct producer *producer) {
  atomic_store(&producer->open, false);
  while (atomic_load(&producer->inside)) sched_yield();
  bool fatal = rd_kafka_fatal_error(producer->handle, NULL, 0);
  /* What was not sent yet goes behind what has failed: it is given back too, so that lanes send both in order. */
  rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE);
  reports_finish(producer, fatal ? 0 : REMAKE_FLUSH_MS);
  producer_unmake(producer);
  /* One that breaks at once must not be made in a loop. */
  int64_t now_ms = clock_now(clock_real());
  if (fatal && now_ms < producer->made_ms + PAUSE_MS) pause_ms(producer->made_ms + PAUSE_MS - now_ms);
  make_again(producer);
  producer->made_ms = clock_now(clock_real());
  log_limited(&producer->trouble, LIMIT_TROUBLE_MS, WEIR_INFO, "producer",
      "the producer was made anew%s, with batches up to %" PRId64 " bytes", fatal ? " after a fatal error" : "",
      producer->batch_bytes);
  atomic_store(&producer->open, true);
}

static bool metadata_has(const struct rd_kafka_metadata *metadata, const char *topic) {
  for (int i = 0; i < metadata->topic_cnt; i++)
    if (strcmp(metadata->topics[i].topic, topic) == 0) return metadata->topics[i].partition_cnt > 0;
  return false;
}

/* librdkafka keeps records for a topic that went away, and asks for it again in minutes; this asks now, for everything, so that no broker
 * creates what is named. */
static void look_for_topics(struct producer *producer) {
  const struct rd_kafka_metadata *metadata = NULL;
  if (rd_kafka_metadata(producer->handle, 1, NULL, &metadata, LOOK_MS)) return;
  const char *missing = NULL;
  for (size_t i = 0; i < OUTPUT_SLOTS; i++) {
    const struct output *output = producer->outputs[i];
    if (output && output->own && !metadata_has(metadata, output->name)) missing = output->name;
  }
  if (missing) trouble_count(TROUBLE_TOPIC_MISSING);
  if (missing)
    log_limited(&producer->missing_told, LIMIT_TROUBLE_MS, WEIR_WARN, "producer",
        "topic '%s' does not exist, or this user may not see it; waiting for it", missing);
  else
    atomic_store(&producer->missing, false);
  rd_kafka_metadata_destroy(metadata);
}

/* Sleeps in librdkafka until there are reports, or it is time to look again. */
static void serve(struct producer *producer) {
  bool paused = atomic_load(&producer->paused), ticking = paused || atomic_load(&producer->missing);
  int64_t now_ms = clock_now(clock_real()), until_ms = now_ms + PAUSE_MS;
  rd_kafka_poll(producer->handle, ticking ? PAUSE_MS : -1);
  while (ticking && !atomic_load(&producer->stopping) && (now_ms = clock_now(clock_real())) < until_ms)
    rd_kafka_poll(producer->handle, (int)(until_ms - now_ms));
  if (atomic_load(&producer->missing)) look_for_topics(producer);
  if (paused) atomic_store(&producer->paused, false);
  if (atomic_load(&producer->waiting_count) && (paused || reports_have_room(producer))) reports_call_waiting(producer);
}

void *reports_run(void *arg) {
  struct producer *producer = arg;
  must_be(producer, PRODUCER_MAGIC);
  while (!atomic_load(&producer->stopping)) {
    if (atomic_exchange(&producer->broken, false)) {
      remake(producer);
      reports_call_waiting(producer);
    }
    serve(producer);
  }
  return NULL;
}
