/* rebalance.c: partitions come and go, inside librdkafka's callback, on the control thread. The table of what is owned changes
 * only here: a partition is in it from before the host hears of it until after the host has let go of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/failpoint.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/trouble.h"
#include "kafka/consumer_inside.h"

/* A division of the group waits for its slowest member. */
enum { REJOIN_MS = 5000, DIVISION_MS = 30000 };

/* --- the table ------------------------------------------------------------------------------------------------------- */

static void owned_add(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list) {
  size_t count = consumer->owned_count + (size_t)list->cnt;
  struct owned *owned = realloc(consumer->owned, (count ? count : 1) * sizeof *owned);
  must(owned);
  consumer->owned = owned;
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *element = &list->elems[i];
    must(!consumer_owned(consumer, element->topic, element->partition));
    char *topic = strdup(element->topic);
    must(topic);
    owned[consumer->owned_count++] = (struct owned){
        .topic = topic, .partition = element->partition, .start = -1, .confirmed = -1, .low = -1, .end = -1};
  }
}

void rebalance_forget(struct consumer *consumer, const char *topic, int32_t partition) {
  struct owned *gone = consumer_owned(consumer, topic, partition);
  if (!gone) return;
  free(gone->topic);
  size_t behind = (size_t)(consumer->owned + consumer->owned_count - (gone + 1));
  memmove(gone, gone + 1, behind * sizeof *gone);
  consumer->owned_count--;
}

static struct assignment_request request_of(const struct owned *owned) {
  return (struct assignment_request){.topic = owned->topic,
      .partition = owned->partition,
      .start = owned->start,
      .was_committed = owned->was_committed,
      .end = owned->end};
}

/* In new memory; the topics point into the table. */
static struct assignment_request *requests_of(const struct owned *owned, size_t count) {
  struct assignment_request *requests = calloc(count ? count : 1, sizeof *requests);
  must(requests);
  for (size_t i = 0; i < count; i++) requests[i] = request_of(&owned[i]);
  return requests;
}

static rd_kafka_topic_partition_list_t *list_of(const struct owned *owned, size_t count) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
  for (size_t i = 0; i < count; i++)
    rd_kafka_topic_partition_list_add(list, owned[i].topic, owned[i].partition)->offset = owned[i].start;
  return list;
}

/* --- telling librdkafka ---------------------------------------------------------------------------------------------- */

static bool incremental(rd_kafka_t *handle) {
  const char *protocol = rd_kafka_rebalance_protocol(handle);
  return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

/* An empty list too must be answered, or the group stands still. */
static void tell_assign(struct consumer *consumer, const struct owned *owned, size_t count) {
  rd_kafka_topic_partition_list_t *list = list_of(owned, count);
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (incremental(consumer->handle)) {
    rd_kafka_error_t *error = rd_kafka_incremental_assign(consumer->handle, list);
    if (error) code = rd_kafka_error_code(error);
    if (error) rd_kafka_error_destroy(error);
  } else
    code = rd_kafka_assign(consumer->handle, list);
  rd_kafka_topic_partition_list_destroy(list);
  if (!code) return;
  struct error err;
  error_set(&err, "librdkafka did not take an assignment: %s", rd_kafka_err2str(code));
  err.code = code;
  watch_tell(consumer, &err);
}

/* What was refused or left out was never assigned, and librdkafka knows nothing of it. */
static void tell_unassign(struct consumer *consumer, const struct owned *going, size_t count) {
  if (incremental(consumer->handle)) {
    rd_kafka_topic_partition_list_t *list = list_of(going, count);
    rd_kafka_error_t *error = rd_kafka_incremental_unassign(consumer->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error) log_line(WEIR_WARN, "consumer", "unassigning: %s", rd_kafka_error_string(error));
    if (error) rd_kafka_error_destroy(error);
  } else
    rd_kafka_assign(consumer->handle, NULL);
}

/* --- partitions come ------------------------------------------------------------------------------------------------- */

static void tell_over_budget(struct consumer *consumer) {
  if (consumer->over_budget_told || (int64_t)consumer->owned_count <= consumer->budget.partitions) return;
  consumer->over_budget_told = true;
  log_line(WEIR_WARN, "consumer",
      "%zu partitions are assigned, whose queues of %" PRId64 " KiB may take %" PRId64
      " MiB in all, more than half of 'memory': raise 'memory', start more workers, or set the property "
      "queued.max.messages.kbytes lower",
      consumer->owned_count, consumer->budget.queue_kbytes,
      kafka_budget_queues(&consumer->budget, (int64_t)consumer->owned_count) >> 20);
}

/* With the eager protocol the next division of the group's brings all of it again. With the cooperative one it counts as taken. */
static bool comes_again(const struct consumer *consumer, const struct error *err) {
  return err && starts_is_outdated(err) && !incremental(consumer->handle);
}

/* Nothing of it is assigned; the group is left and joined again later, so that it is asked for again. When the group is about to divide its
 * partitions anew, that is only done if it does not. */
static void refuse(struct consumer *consumer, size_t first, const struct error *err) {
  trouble_count(TROUBLE_NOT_TAKEN);
  while (consumer->owned_count > first) {
    const struct owned *last = &consumer->owned[consumer->owned_count - 1];
    rebalance_forget(consumer, last->topic, last->partition);
  }
  leaderless_forget(consumer, NULL, 0);
  tell_assign(consumer, NULL, 0);
  consumer->leave_at_ms = clock_now(consumer->clock) + (comes_again(consumer, err) ? DIVISION_MS : 0);
  consumer_wake(consumer);
  consumer_wake(consumer); /* consumer_poll() would wait on behind this callback, and leaving with it */
  if (err) watch_tell(consumer, err);
}

static void come(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list) {
  size_t first = consumer->owned_count;
  struct error err = {0};
  consumer->leave_at_ms = 0;
  owned_add(consumer, list);
  FAILPOINT(in_assign);
  if (!starts_resolve(consumer, first, &err)) {
    if (!err.fatal) error_wrap(&err, "the assigned partitions are not taken now");
    refuse(consumer, first, &err);
    return;
  }
  FAILPOINT(start_committed);
  size_t count = consumer->owned_count - first; /* some may have been left out */
  for (size_t i = first; i < consumer->owned_count; i++) consumer->owned[i].confirmed = consumer->owned[i].start;
  struct assignment_request *requests = requests_of(consumer->owned + first, count);
  if (consumer->events.assign(consumer->events.ctx, requests, count)) {
    tell_assign(consumer, consumer->owned + first, count);
    FAILPOINT(assigned);
    consumer->events.assigned(consumer->events.ctx, requests, count);
    tell_over_budget(consumer);
  } else
    refuse(consumer, first, NULL);
  free(requests);
}

/* --- partitions go --------------------------------------------------------------------------------------------------- */

/* The entries of the list that are owned: a refused partition is not. */
static struct owned *owned_of(
    const struct consumer *consumer, const rd_kafka_topic_partition_list_t *list, size_t *count) {
  struct owned *going = calloc((size_t)list->cnt + 1, sizeof *going);
  must(going);
  *count = 0;
  for (int i = 0; i < list->cnt; i++) {
    const struct owned *owned = consumer_owned(consumer, list->elems[i].topic, list->elems[i].partition);
    if (owned) going[(*count)++] = *owned;
  }
  return going;
}

static void go(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list, bool lost, bool tell) {
  size_t count = 0;
  struct owned *going = owned_of(consumer, list, &count);
  struct assignment_request *requests = requests_of(going, count);
  if (count) consumer->events.revoke(consumer->events.ctx, requests, count, lost);
  FAILPOINT(before_unassign);
  if (tell) tell_unassign(consumer, going, count);
  FAILPOINT(after_unassign);
  if (count) consumer->events.revoked(consumer->events.ctx, requests, count);
  for (int i = 0; i < list->cnt; i++) {
    rebalance_forget(consumer, list->elems[i].topic, list->elems[i].partition);
    leaderless_forget(consumer, list->elems[i].topic, list->elems[i].partition);
  }
  free(requests);
  free(going);
}

void rebalance_drop_all(struct consumer *consumer) {
  rd_kafka_topic_partition_list_t *list = list_of(consumer->owned, consumer->owned_count);
  if (list->cnt) go(consumer, list, true, false);
  rd_kafka_topic_partition_list_destroy(list);
}

void rebalance_callback(
    rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque) {
  struct consumer *consumer = ((struct client *)opaque)->owner;
  must_be(consumer, CONSUMER_MAGIC);
  must(handle == consumer->handle);
  if (!list) { /* never seen; then everything goes */
    rebalance_drop_all(consumer);
    rd_kafka_assign(handle, NULL);
    return;
  }
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    if (consumer->left)
      tell_assign(consumer, NULL, 0); /* it came while leaving: nobody would read it */
    else
      come(consumer, list);
    return;
  }
  if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
    log_line(WEIR_WARN, "consumer", "the group's rebalance failed: %s", rd_kafka_err2str(code));
  go(consumer, list, rd_kafka_assignment_lost(handle) || code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS, true);
}

/* --- after a refusal ------------------------------------------------------------------------------------------------- */

void rebalance_tick(struct consumer *consumer, int64_t now_ms) {
  if (consumer->leave_at_ms && now_ms >= consumer->leave_at_ms) {
    consumer->leave_at_ms = 0;
    consumer->rejoin_at_ms = now_ms + REJOIN_MS;
    rd_kafka_unsubscribe(consumer->handle);
  } else if (consumer->rejoin_at_ms && now_ms >= consumer->rejoin_at_ms) {
    consumer->rejoin_at_ms = 0;
    rd_kafka_subscribe(consumer->handle, consumer->subscription);
  }
}
