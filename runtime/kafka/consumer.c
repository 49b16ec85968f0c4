/* consumer.c: the life of the consumer: configure, join, poll, leave, destroy. The reasons for each property are in
 * docs/decisions/0006-librdkafka.md. */
#include "kafka/consumer.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/pipeline_file.h"
#include "kafka/commit_metadata.h"
#include "kafka/consumer_inside.h"

enum { TICK_MS = 1000, LEAVE_SLICE_MS = 100, GIVEN_UP_MS = 1000 };

/* --- configuration --------------------------------------------------------------------------------------------------- */

static const struct property defaults[] = {
    {"queued.min.messages", "1000000"},
    {"check.crcs", "true"},
    {"topic.metadata.refresh.interval.ms", "60000"},
};
/* Not with the consumer protocol, which has the broker's. */
static const struct property group_timing[] = {
    {"session.timeout.ms", "45000"},
    {"heartbeat.interval.ms", "500"},
};
static const struct property of_weir[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"enable.partition.eof", "true"},
    {"isolation.level", "read_committed"},
};

static void warn_of_defects(const struct kafka_settings *settings) {
  for (size_t i = 0; i < settings->property_count; i++) {
    const struct kafka_property *property = &settings->properties[i];
    const char *defect = property_defect(property->name, property->value, rd_kafka_version());
    if (defect) log_line(WEIR_WARN, "consumer", "kafka property %s: %s", property->name, defect);
  }
}

/* What weir chooses by the version or the budget, unless the user has said otherwise. */
static size_t choose(struct consumer *consumer, struct property *into, char queue_kbytes[24]) {
  size_t count = sizeof defaults / sizeof *defaults;
  memcpy(into, defaults, sizeof defaults);
  snprintf(queue_kbytes, 24, "%" PRId64, consumer->budget.queue_kbytes);
  into[count++] = (struct property){"queued.max.messages.kbytes", queue_kbytes};
  /* Where it is missing (before 2.2) a full queue rests a whole second. */
  if (property_scope("fetch.queue.backoff.ms")) into[count++] = (struct property){"fetch.queue.backoff.ms", "10"};
  if (!consumer->strategy.by_consumer)
    for (size_t i = 0; i < sizeof group_timing / sizeof *group_timing; i++) into[count++] = group_timing[i];
  if (consumer->strategy.by_weir)
    into[count++] = (struct property){"partition.assignment.strategy", consumer->strategy.name};
  return count;
}

static rd_kafka_conf_t *configure(struct consumer *consumer, struct error *err) {
  const struct pipeline_file *file = consumer->file;
  struct property chosen[16];
  char queue_kbytes[24];
  size_t count = choose(consumer, chosen, queue_kbytes);
  must(count <= sizeof chosen / sizeof *chosen);
  rd_kafka_conf_t *conf = client_conf(&consumer->client, file, NULL, SCOPE_CONSUMER, chosen, count, err);
  if (!conf) return NULL;
  properties_set(conf, of_weir, sizeof of_weir / sizeof *of_weir);
  properties_set(conf, &(struct property){"group.id", file->group}, 1);
  if (file->instance) properties_set(conf, &(struct property){"group.instance.id", file->instance}, 1);
  rd_kafka_conf_set_rebalance_cb(conf, rebalance_callback);
  rd_kafka_conf_set_error_cb(conf, watch_error_callback);
  consumer->budget.queue_kbytes = properties_number(conf, "queued.max.messages.kbytes");
  int64_t poll_ms = properties_number(conf, "max.poll.interval.ms");
  consumer->resolve_ms = LIMIT_RESOLVE_MS < poll_ms / 3 ? LIMIT_RESOLVE_MS : poll_ms / 3;
  return conf;
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

static void destroy(struct consumer *consumer) {
  retired_end_all(consumer);
  leaderless_forget(consumer, NULL, 0);
  if (consumer->queue) rd_kafka_queue_destroy(consumer->queue);
  if (consumer->subscription) rd_kafka_topic_partition_list_destroy(consumer->subscription);
  /* Left already, or never joined. */
  if (consumer->handle) rd_kafka_destroy_flags(consumer->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  for (size_t i = 0; i < consumer->topic_count; i++) free(consumer->topics[i].name);
  free(consumer->topics);
  free(consumer->owned);
  pthread_mutex_destroy(&consumer->reported_lock);
  client_fini(&consumer->client);
  consumer->magic = 0;
  free(consumer);
}

struct consumer *consumer_open(const struct pipeline_file *file, const struct clock *clock,
    const struct consumer_events *events, struct error *err) {
  must(file && clock && events && events->assign && events->assigned && events->revoke && events->revoked);
  must(events->trouble);
  struct consumer *consumer = calloc(1, sizeof *consumer);
  must(consumer);
  *consumer = (struct consumer){.magic = CONSUMER_MAGIC, .file = file, .clock = clock, .events = *events};
  client_init(&consumer->client, "consumer", consumer);
  must(pthread_mutex_init(&consumer->reported_lock, NULL) == 0);
  consumer->strategy = strategy_choose(&file->kafka, rd_kafka_version(), rd_kafka_version_str());
  consumer->budget = kafka_budget_of(file->memory_bytes);

  rd_kafka_conf_t *conf = configure(consumer, err);
  if (conf) consumer->handle = client_create(&consumer->client, RD_KAFKA_CONSUMER, conf, err);
  if (!consumer->handle) {
    destroy(consumer);
    return NULL;
  }
  warn_of_defects(&file->kafka);
  rd_kafka_poll_set_consumer(consumer->handle);
  consumer->queue = rd_kafka_queue_get_consumer(consumer->handle);
  consumer->subscription = rd_kafka_topic_partition_list_new((int)file->topic_count);
  for (size_t i = 0; i < file->topic_count; i++)
    rd_kafka_topic_partition_list_add(consumer->subscription, file->topics[i], RD_KAFKA_PARTITION_UA);
  return consumer;
}

static void join(struct consumer *consumer) {
  consumer->joined = true;
  rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->handle, consumer->subscription);
  if (!code) return;
  struct error err;
  error_set(&err, "group %s cannot be joined: %s", consumer->file->group, rd_kafka_err2str(code));
  err.code = code;
  err.fatal = true;
  watch_tell(consumer, &err);
}

static void take_message(struct consumer *consumer, rd_kafka_message_t *message) {
  /* A record here was read past its feed: nobody would settle it, and going on would commit over it. */
  must(message->err);
  watch_message(consumer, message);
  rd_kafka_message_destroy(message);
}

void consumer_poll(struct consumer *consumer, int timeout_ms) {
  must_be(consumer, CONSUMER_MAGIC);
  must(!consumer->left);
  if (!consumer->joined) join(consumer);
  watch_serve(consumer);
  bool leave_due = consumer->leave_at_ms && clock_now(consumer->clock) >= consumer->leave_at_ms;
  bool ticking = consumer->suspect || consumer->leave_at_ms || consumer->rejoin_at_ms || consumer->left_out;
  if (ticking && timeout_ms > TICK_MS) timeout_ms = TICK_MS;
  rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->handle, leave_due ? 0 : timeout_ms);
  if (message) take_message(consumer, message);
  watch_serve(consumer);
  int64_t now_ms = clock_now(consumer->clock);
  rebalance_tick(consumer, now_ms);
  starts_tick(consumer, now_ms);
  leaderless_tick(consumer, now_ms);
  watch_tick(consumer, now_ms);
}

void consumer_wake(struct consumer *consumer) {
  must_be(consumer, CONSUMER_MAGIC);
  rd_kafka_queue_yield(consumer->queue);
}

/* Once the host gives up there is only time for the last revoke. */
static int64_t leave_left_ms(const struct consumer *consumer, int64_t *deadline_ms, bool *given_up) {
  int64_t now_ms = clock_now(consumer->clock);
  if (!*given_up && consumer->events.give_up && consumer->events.give_up(consumer->events.ctx)) {
    *given_up = true;
    if (now_ms + GIVEN_UP_MS < *deadline_ms) *deadline_ms = now_ms + GIVEN_UP_MS;
  }
  return *deadline_ms - now_ms;
}

bool consumer_leave(struct consumer *consumer, int timeout_ms) {
  must_be(consumer, CONSUMER_MAGIC);
  if (consumer->left) return consumer->leave_confirmed;
  consumer->left = true;
  int64_t deadline_ms = clock_now(consumer->clock) + timeout_ms;
  bool given_up = false;
  rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->handle);
  rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->handle, queue);
  if (error) rd_kafka_error_destroy(error); /* fatal: it is no member any more */
  /* The last revoke is served from this queue, as from the consumer's own. */
  while (!error && !rd_kafka_consumer_closed(consumer->handle)) {
    int64_t left_ms = leave_left_ms(consumer, &deadline_ms, &given_up);
    if (left_ms <= 0) {
      log_line(
          WEIR_WARN, "consumer", "the cluster did not confirm that this worker left group %s", consumer->file->group);
      break;
    }
    rd_kafka_message_t *message =
        rd_kafka_consume_queue(queue, left_ms < LEAVE_SLICE_MS ? (int)left_ms : LEAVE_SLICE_MS);
    if (message) rd_kafka_message_destroy(message);
  }
  consumer->leave_confirmed = !error && rd_kafka_consumer_closed(consumer->handle);
  rebalance_drop_all(consumer);
  rd_kafka_queue_destroy(queue);
  return consumer->leave_confirmed;
}

void consumer_close(struct consumer *consumer, int timeout_ms) {
  if (!consumer) return;
  consumer_leave(consumer, timeout_ms);
  must(consumer->owned_count == 0);
  destroy(consumer);
}

/* --- what it knows --------------------------------------------------------------------------------------------------- */

const char *consumer_library_version(void) { return rd_kafka_version_str(); }

bool consumer_is_lost(const struct consumer *consumer) {
  must_be(consumer, CONSUMER_MAGIC);
  return rd_kafka_assignment_lost(consumer->handle);
}

const char *consumer_strategy(const struct consumer *consumer) { return consumer->strategy.name; }

const char *consumer_strategy_reason(const struct consumer *consumer) { return consumer->strategy.reason; }

const char *consumer_member(struct consumer *consumer) {
  must_be(consumer, CONSUMER_MAGIC);
  char *member = rd_kafka_memberid(consumer->handle);
  snprintf(consumer->member, sizeof consumer->member, "%s", member ? member : "");
  if (member) rd_kafka_mem_free(consumer->handle, member);
  return consumer->member;
}

int64_t consumer_queue_bytes(const struct consumer *consumer, size_t partitions) {
  must_be(consumer, CONSUMER_MAGIC);
  return kafka_budget_queues(&consumer->budget, (int64_t)partitions);
}

struct owned *consumer_owned(const struct consumer *consumer, const char *topic, int32_t partition) {
  for (size_t i = 0; i < consumer->owned_count; i++) {
    struct owned *owned = &consumer->owned[i];
    if (owned->partition == partition && strcmp(owned->topic, topic) == 0) return owned;
  }
  return NULL;
}

struct known_topic *consumer_topic(struct consumer *consumer, const char *name) {
  for (size_t i = 0; i < consumer->topic_count; i++)
    if (strcmp(consumer->topics[i].name, name) == 0) return &consumer->topics[i];
  struct known_topic *topics = realloc(consumer->topics, (consumer->topic_count + 1) * sizeof *topics);
  must(topics);
  consumer->topics = topics;
  topics[consumer->topic_count] = (struct known_topic){.name = strdup(name)};
  must(topics[consumer->topic_count].name);
  return &topics[consumer->topic_count++];
}

char *consumer_commit_metadata(struct consumer *consumer, const char *topic) {
  char text[COMMIT_METADATA_MAX];
  char *copy = strdup(commit_metadata_write(text, consumer_topic(consumer, topic)->started));
  must(copy);
  return copy;
}
