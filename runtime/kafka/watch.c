/* watch.c: what is wrong outside, as sentences. librdkafka says most things once, or for every broker and every try; what is told
 * to the host comes once in LIMIT_TROUBLE_MS for one cause, for as long as it lasts, and its end is told too. */
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/trouble.h"
#include "config/pipeline_file.h"
#include "kafka/consumer_inside.h"
#include "kafka/topics.h"

enum { LOOK_MS = 500, LOOK_EVERY_MS = 3000 };

/* The place where a code's time stands; when all are taken, the one that is due first. */
static struct trouble *trouble_of(struct consumer *consumer, int32_t code) {
  struct trouble *oldest = &consumer->troubles[0];
  for (size_t i = 0; i < CONSUMER_TROUBLES; i++) {
    struct trouble *trouble = &consumer->troubles[i];
    if (trouble->code == code) return trouble;
    if (trouble->next_ms < oldest->next_ms) oldest = trouble;
  }
  *oldest = (struct trouble){.code = code};
  return oldest;
}

void watch_tell(struct consumer *consumer, const struct error *err) {
  must_be(consumer, CONSUMER_MAGIC);
  struct trouble *trouble = trouble_of(consumer, err->code);
  int64_t now_ms = clock_now(consumer->clock);
  if (err->code && !err->fatal && now_ms < trouble->next_ms) return;
  trouble->next_ms = now_ms + LIMIT_TROUBLE_MS;
  consumer->events.trouble(consumer->events.ctx, err);
  if (err->fatal) consumer_wake(consumer); /* the host looks when consumer_poll() returns */
}

/* --- sentences ------------------------------------------------------------------------------------------------------- */

static void say_fatal(struct consumer *consumer, rd_kafka_resp_err_t code, const char *words, struct error *err) {
  const struct pipeline_file *file = consumer->file;
  if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
    error_set(err,
        "another worker joined group %s as instance '%s', and the newer one stays: 'instance' must differ for each worker",
        file->group, file->instance ? file->instance : "");
  else
    error_set(err, "librdkafka cannot go on: %s (%s)", words, rd_kafka_err2name(code));
  err->fatal = true;
}

static void say(struct consumer *consumer, rd_kafka_resp_err_t code, const char *words, struct error *err) {
  const char *group = consumer->file->group;
  switch (code) {
  case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    error_set(err, "this user may not join group %s: it needs the right READ on the group", group);
    break;
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    error_set(
        err, "this user may not read a topic of the pipeline, it needs the rights READ and DESCRIBE on it: %s", words);
    break;
  case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    error_set(err,
        "group %s has members that divide partitions in another way than %s: all members of a group need a "
        "common partition.assignment.strategy; is another program using this group?",
        group, consumer->strategy.name);
    break;
  case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    error_set(err, "the cluster does not allow this session.timeout.ms for group %s: %s", group, words);
    break;
  case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    error_set(err, "the cluster does not take '%s' as the name of a group", group);
    break;
  case RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED:
    error_set(err, "group %s is full: the cluster allows no further member", group);
    break;
  case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    error_set(err,
        "this worker did not poll for longer than max.poll.interval.ms and was put out of group %s; it joins again",
        group);
    break;
  case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    error_set(err, "the cluster at %s refuses the login: %s", consumer->client.addresses, words);
    break;
  case RD_KAFKA_RESP_ERR__SSL: error_set(err, "no TLS connection to %s: %s", consumer->client.addresses, words); break;
  case RD_KAFKA_RESP_ERR__RESOLVE:
    error_set(err, "an address of %s cannot be resolved: %s", consumer->client.addresses, words);
    break;
  default: error_set(err, "%s (%s)", words, rd_kafka_err2name(code)); break;
  }
  err->retriable = true;
}

static bool is_refusal(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
         code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

static void suspect(struct consumer *consumer) {
  if (consumer->suspect) return;
  consumer->suspect = true;
  consumer->look_at_ms = clock_now(consumer->clock);
}

static void take(struct consumer *consumer, rd_kafka_resp_err_t code, const char *words) {
  struct error err = {0};
  char fatal_words[512];
  if (is_refusal(code)) trouble_count(TROUBLE_NOT_ALLOWED);
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    code = rd_kafka_fatal_error(consumer->handle, fatal_words, sizeof fatal_words);
    say_fatal(consumer, code, fatal_words, &err);
  } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
             code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
    suspect(consumer); /* the first is also said when idle connections were closed, so look */
    return;
  } else if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    return; /* one broker of several, and in the log */
  } else
    say(consumer, code, words, &err);
  err.code = code;
  watch_tell(consumer, &err);
}

/* --- what is reported ------------------------------------------------------------------------------------------------ */

static bool is_reported(const struct consumer *consumer, int code) {
  for (size_t i = 0; i < consumer->reported_count; i++)
    if (consumer->reported[i].code == code) return true;
  return false;
}

/* More causes at once than there is room for come again: each is said at every try. */
static void keep(struct consumer *consumer, int code, const char *words) {
  if (is_reported(consumer, code) || consumer->reported_count == CONSUMER_TROUBLES) return;
  struct reported *reported = &consumer->reported[consumer->reported_count++];
  reported->code = code;
  snprintf(reported->words, sizeof reported->words, "%s", words ? words : "");
}

/* The error of a partition that is gone comes through the partition's queue, so from the lane that reads it. */
void watch_error_callback(rd_kafka_t *handle, int code, const char *reason, void *opaque) {
  (void)handle;
  struct consumer *consumer = ((struct client *)opaque)->owner;
  must_be(consumer, CONSUMER_MAGIC);
  pthread_mutex_lock(&consumer->reported_lock);
  keep(consumer, code, reason);
  pthread_mutex_unlock(&consumer->reported_lock);
  consumer_wake(consumer); /* callbacks do not end the poll that serves them */
}

void watch_serve(struct consumer *consumer) {
  struct reported reported[CONSUMER_TROUBLES];
  pthread_mutex_lock(&consumer->reported_lock);
  size_t count = consumer->reported_count;
  memcpy(reported, consumer->reported, count * sizeof *reported);
  consumer->reported_count = 0;
  pthread_mutex_unlock(&consumer->reported_lock);
  for (size_t i = 0; i < count; i++) take(consumer, (rd_kafka_resp_err_t)reported[i].code, reported[i].words);
}

void watch_message(struct consumer *consumer, const rd_kafka_message_t *message) {
  take(consumer, message->err, rd_kafka_message_errstr(message));
}

/* --- looking --------------------------------------------------------------------------------------------------------- */

bool consumer_describe(struct consumer *consumer, int timeout_ms,
    void (*each)(void *ctx, const char *topic, int32_t partitions), void *ctx, struct error *err) {
  must_be(consumer, CONSUMER_MAGIC);
  const struct pipeline_file *file = consumer->file;
  return topics_find(consumer->handle, &consumer->client, file->topics, file->topic_count, timeout_ms, each, ctx, err);
}

/* The full answer also makes librdkafka look again for the topics of the subscription. */
void watch_tick(struct consumer *consumer, int64_t now_ms) {
  if (!consumer->suspect || now_ms < consumer->look_at_ms) return;
  consumer->look_at_ms = now_ms + LOOK_EVERY_MS;
  struct error err = {0};
  if (consumer_describe(consumer, LOOK_MS, NULL, NULL, &err)) {
    consumer->suspect = false;
    if (consumer->missing_told) error_set(&err, "the brokers answer and all topics are there again");
    if (consumer->missing_told) watch_tell(consumer, &err);
    consumer->missing_told = false;
    return;
  }
  consumer->missing_told = true;
  trouble_count(err.code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? TROUBLE_TOPIC_MISSING : TROUBLE_NO_BROKER);
  error_wrap(&err, "waiting");
  watch_tell(consumer, &err);
}
