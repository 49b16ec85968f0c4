/* committer.c: one OffsetCommit in flight: two with a retry inside librdkafka went backwards. An answer that is given up is still
 * awaited before the next commit is sent, for the same reason; only what it says is dropped. */
#include "kafka/committer.h"
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/trouble.h"
#include "base/failpoint.h"
#include "kafka/consumer_inside.h"

enum { COMMITTER_MAGIC = 0x77c2e9b5 };

/* [control] */
struct committer {
  uint32_t magic;
  struct consumer *consumer;
  rd_kafka_queue_t *queue;
  committer_answer *answer;
  void *ctx;
  struct commit *commits; /* in flight */
  rd_kafka_topic_partition_list_t
      *list; /* the same; it holds their topics: a partition may be gone before its answer comes */
  size_t count, room;
  bool busy, forgotten;
};

/* From librdkafka's main thread, under the queue's lock. */
static void on_event(rd_kafka_t *handle, void *opaque) {
  (void)handle;
  consumer_wake(opaque);
}

struct committer *committer_create(struct consumer *consumer, committer_answer *answer, void *ctx) {
  must_be(consumer, CONSUMER_MAGIC);
  must(answer);
  struct committer *committer = calloc(1, sizeof *committer);
  must(committer);
  *committer = (struct committer){.magic = COMMITTER_MAGIC, .consumer = consumer, .answer = answer, .ctx = ctx};
  committer->queue = rd_kafka_queue_new(consumer->handle);
  rd_kafka_queue_cb_event_enable(committer->queue, on_event, consumer);
  return committer;
}

static void drop_list(struct committer *committer) {
  if (committer->list) rd_kafka_topic_partition_list_destroy(committer->list);
  committer->list = NULL;
}

void committer_destroy(struct committer *committer) {
  if (!committer) return;
  must_be(committer, COMMITTER_MAGIC);
  rd_kafka_queue_cb_event_enable(committer->queue, NULL, NULL);
  rd_kafka_queue_destroy(committer->queue);
  committer->magic = 0;
  drop_list(committer);
  free(committer->commits);
  free(committer);
}

bool committer_is_busy(const struct committer *committer) {
  must_be(committer, COMMITTER_MAGIC);
  return committer->busy;
}

static void keep(struct committer *committer, const struct commit *commits, size_t count) {
  if (count > committer->room) {
    free(committer->commits);
    committer->commits = calloc(count, sizeof *commits);
    must(committer->commits);
    committer->room = count;
  }
  memcpy(committer->commits, commits, count * sizeof *commits);
  committer->count = count;
}

static void fill_list(struct committer *committer) {
  must(!committer->list);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)committer->count);
  for (size_t i = 0; i < committer->count; i++) {
    struct commit *commit = &committer->commits[i];
    const struct owned *owned = consumer_owned(committer->consumer, commit->topic, commit->partition);
    /* The broker checks neither. */
    must(owned);
    must(commit->offset >= owned->confirmed);
    rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, commit->topic, commit->partition);
    element->offset = commit->offset;
    element->metadata = consumer_commit_metadata(committer->consumer, commit->topic);
    element->metadata_size = strlen(element->metadata);
    element->err = RD_KAFKA_RESP_ERR__IN_PROGRESS; /* stays where the broker says nothing about the partition */
    commit->topic = element->topic;
  }
  committer->list = list;
}

bool committer_send(struct committer *committer, const struct commit *commits, size_t count, struct error *err) {
  must_be(committer, COMMITTER_MAGIC);
  must(!committer->busy && count > 0);
  rd_kafka_t *handle = committer->consumer->handle;
  if (rd_kafka_assignment_lost(handle))
    return error_set(err, "the assignment is lost: its offsets are not this worker's to commit");
  keep(committer, commits, count);
  fill_list(committer);
  rd_kafka_resp_err_t code = rd_kafka_commit_queue(handle, committer->list, committer->queue, NULL, NULL);
  if (code) {
    drop_list(committer);
    error_set(err, "%s (%s)", rd_kafka_err2str(code), rd_kafka_err2name(code));
    if (err) err->code = code;
    if (err) err->retriable = true;
    return false;
  }
  committer->busy = true;
  committer->forgotten = false;
  FAILPOINT(commit_sent);
  return true;
}

/* --- answers --------------------------------------------------------------------------------------------------------- */

static void say(rd_kafka_resp_err_t code, struct error *err) {
  const char *cause = rd_kafka_err2str(code);
  switch (code) {
  case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
  case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    cause = "the group has gone on without this worker, which joins again";
    break;
  case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS: cause = "the group is dividing its partitions anew"; break;
  case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: cause = "another worker has joined with the same 'instance'"; break;
  case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: cause = "this user lacks the right READ on the group"; break;
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: cause = "this user lacks the right READ on the topic"; break;
  case RD_KAFKA_RESP_ERR__WAIT_COORD: cause = "the group's coordinator cannot be reached"; break;
  default: break;
  }
  error_set(err, "%s (%s)", cause, rd_kafka_err2name(code));
  err->code = code;
  err->fatal = code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
  err->retriable =
      !err->fatal && code != RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION && code != RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
}

/* `overall` counts where the broker said nothing of the partition: on its own it may be another partition's error. */
static rd_kafka_resp_err_t code_of(
    const rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t overall, const struct commit *commit) {
  const rd_kafka_topic_partition_t *element =
      list ? rd_kafka_topic_partition_list_find(list, commit->topic, commit->partition) : NULL;
  if (element && element->err != RD_KAFKA_RESP_ERR__IN_PROGRESS) return element->err;
  return overall ? overall : RD_KAFKA_RESP_ERR__FAIL;
}

static void take(struct committer *committer, rd_kafka_event_t *event) {
  const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
  rd_kafka_resp_err_t overall = rd_kafka_event_error(event);
  committer->busy = false;
  if (committer->forgotten)
    trouble_count(TROUBLE_LATE);
  else
    FAILPOINT(commit_answered);
  for (size_t i = 0; i < committer->count && !committer->forgotten; i++) {
    const struct commit *commit = &committer->commits[i];
    rd_kafka_resp_err_t code = code_of(list, overall, commit);
    struct error err = {0};
    if (code) say(code, &err);
    if (code) trouble_count(TROUBLE_COMMIT_REFUSED);
    struct owned *owned = consumer_owned(committer->consumer, commit->topic, commit->partition);
    if (!code && owned && commit->offset > owned->confirmed) owned->confirmed = commit->offset;
    committer->answer(committer->ctx, commit, code ? &err : NULL);
  }
  drop_list(committer);
}

bool committer_serve(struct committer *committer, int timeout_ms) {
  must_be(committer, COMMITTER_MAGIC);
  if (!committer->busy) return true;
  rd_kafka_event_t *event = rd_kafka_queue_poll(committer->queue, timeout_ms);
  if (!event) return false;
  if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT) take(committer, event);
  rd_kafka_event_destroy(event);
  return !committer->busy;
}

void committer_forget(struct committer *committer) {
  must_be(committer, COMMITTER_MAGIC);
  committer->forgotten = true;
}
