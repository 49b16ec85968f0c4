/* start_offsets.c: where the partitions of an assignment start. A wrong answer here loses records in silence, so:
 * "nothing committed" is believed only of an answer that is a success as a whole and for the partition; anything else waits. A
 * start that weir chose is committed before the first record is dispatched, else `latest` and a crash would skip what came
 * between. And a partition that came into being while the group was at work starts at its beginning, whatever `start` says:
 * the group has commits whose metadata counts fewer partitions. */
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "base/trouble.h"
#include "config/pipeline_file.h"
#include "kafka/commit_metadata.h"
#include "kafka/consumer_inside.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  LEADER_PATIENCE_MS = 10000,
  ASK_MS = 3000,
  ENDS_MS = 2000,
  PAUSE_MS = 200,
  RECOUNT_MS = 10000,
  RECOUNT_ASK_MS = 500
};

/* The work on one assignment. */
struct search {
  struct consumer *consumer;
  struct owned *owned; /* the new ones */
  size_t count;
  bool *is_new;    /* per partition: it came into being while the group was at work */
  bool *committed; /* per partition: its start is known to the broker */
  int64_t deadline_ms;
};

static bool fail(struct error *err, rd_kafka_resp_err_t code, const char *doing, const char *topic) {
  error_set(err, "%s of topic %s: %s", doing, topic, rd_kafka_err2str(code));
  if (err) err->retriable = true;
  if (err) err->code = code;
  return false;
}

static int remaining(const struct search *search, int most_ms) {
  int64_t left_ms = search->deadline_ms - clock_now(search->consumer->clock);
  return left_ms < 1 ? 1 : left_ms > most_ms ? most_ms : (int)left_ms;
}

/* --- partitions and commits of one topic ----------------------------------------------------------------------------- */

static bool count_partitions(struct consumer *consumer, struct known_topic *topic, int timeout_ms, struct error *err) {
  rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer->handle, topic->name, NULL);
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_resp_err_t code = rd_kafka_metadata(consumer->handle, 0, handle, &metadata, timeout_ms);
  if (!code) code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  if (!code) topic->partitions = metadata->topics[0].partition_cnt;
  for (int i = 0; !code && i < metadata->topics[0].partition_cnt; i++) {
    const struct rd_kafka_metadata_partition *partition = &metadata->topics[0].partitions[i];
    struct owned *owned = consumer_owned(consumer, topic->name, partition->id);
    if (owned) owned->without_leader = partition->leader < 0;
  }
  if (metadata) rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  return !code || fail(err, code, "asking for the partitions", topic->name);
}

/* The group's commits in the whole topic. NULL: err. */
static rd_kafka_topic_partition_list_t *read_commits(
    struct consumer *consumer, const struct known_topic *topic, int timeout_ms, struct error *err) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(topic->partitions);
  if (topic->partitions) rd_kafka_topic_partition_list_add_range(list, topic->name, 0, topic->partitions - 1);
  rd_kafka_resp_err_t code =
      topic->partitions ? rd_kafka_committed(consumer->handle, list, timeout_ms) : RD_KAFKA_RESP_ERR_NO_ERROR;
  for (int i = 0; !code && i < list->cnt; i++) code = list->elems[i].err;
  if (!code) return list;
  rd_kafka_topic_partition_list_destroy(list);
  fail(err, code, "asking for the group's committed offsets", topic->name);
  return NULL;
}

/* What the metadata of the commits say: the least count (a partition at or above it is new) and the greatest. */
static void read_counts(const rd_kafka_topic_partition_list_t *list, int32_t *least, int32_t *greatest) {
  *least = *greatest = 0;
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *element = &list->elems[i];
    int32_t count = element->offset < 0 ? 0 : commit_metadata_read(element->metadata, element->metadata_size);
    if (!count) continue;
    *least = !*least || count < *least ? count : *least;
    *greatest = count > *greatest ? count : *greatest;
  }
}

/* Whether every partition of the topic has a commit, those counted in that `owned` is about to start. */
static bool all_started(const rd_kafka_topic_partition_list_t *list, const struct search *search) {
  for (int i = 0; i < list->cnt; i++) {
    bool started = list->elems[i].offset >= 0;
    for (size_t j = 0; search && !started && j < search->count; j++)
      started = strcmp(search->owned[j].topic, list->elems[i].topic) == 0 &&
                search->owned[j].partition == list->elems[i].partition;
    if (!started) return false;
  }
  return true;
}

static bool read_topic(struct search *search, struct known_topic *topic, struct error *err) {
  if (!count_partitions(search->consumer, topic, remaining(search, ASK_MS), err)) return false;
  rd_kafka_topic_partition_list_t *list = read_commits(search->consumer, topic, remaining(search, ASK_MS), err);
  if (!list) return false;
  int32_t least = 0, greatest = 0;
  read_counts(list, &least, &greatest);
  topic->started = all_started(list, search) ? topic->partitions : greatest;
  bool found = true;
  for (size_t i = 0; i < search->count; i++) {
    struct owned *owned = &search->owned[i];
    if (strcmp(owned->topic, topic->name) != 0) continue;
    const rd_kafka_topic_partition_t *element =
        rd_kafka_topic_partition_list_find(list, owned->topic, owned->partition);
    /* Assigned by a leader that knows more partitions than the broker that was asked. */
    if (!element) found = fail(err, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "looking for a partition", topic->name);
    if (!element) break;
    owned->was_committed = search->committed[i] = element->offset >= 0;
    owned->start = element->offset;
    search->is_new[i] = least && owned->partition >= least;
  }
  rd_kafka_topic_partition_list_destroy(list);
  return found;
}

static bool read_topics(struct search *search, struct error *err) {
  for (size_t i = 0; i < search->count; i++) {
    bool seen = false;
    for (size_t j = 0; !seen && j < i; j++) seen = strcmp(search->owned[i].topic, search->owned[j].topic) == 0;
    if (!seen && !read_topic(search, consumer_topic(search->consumer, search->owned[i].topic), err)) return false;
  }
  return true;
}

/* --- first and last offsets ------------------------------------------------------------------------------------------ */

/* rd_kafka_query_watermark_offsets() asks for one partition at a time and can overstay its time-out; this asks for all at once. The
 * protocol takes the two logical offsets for times. */
static rd_kafka_resp_err_t read_ends(struct search *search, bool of_committed, int64_t logical, int timeout_ms) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)search->count);
  for (size_t i = 0; i < search->count; i++)
    if (search->owned[i].was_committed == of_committed)
      rd_kafka_topic_partition_list_add(list, search->owned[i].topic, search->owned[i].partition)->offset = logical;
  rd_kafka_resp_err_t code =
      list->cnt ? rd_kafka_offsets_for_times(search->consumer->handle, list, timeout_ms) : RD_KAFKA_RESP_ERR_NO_ERROR;
  for (int i = 0; !code && i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *element = &list->elems[i];
    struct owned *owned = consumer_owned(search->consumer, element->topic, element->partition);
    code = element->err ? element->err : element->offset < 0 ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE : 0;
    if (!code && logical == RD_KAFKA_OFFSET_BEGINNING) owned->low = element->offset;
    if (!code && logical == RD_KAFKA_OFFSET_END) owned->end = element->offset;
  }
  rd_kafka_topic_partition_list_destroy(list);
  return code;
}

static bool read_ranges(struct search *search, struct error *err) {
  rd_kafka_resp_err_t code = read_ends(search, false, RD_KAFKA_OFFSET_BEGINNING, remaining(search, ASK_MS));
  if (!code) code = read_ends(search, false, RD_KAFKA_OFFSET_END, remaining(search, ASK_MS));
  if (code) return fail(err, code, "asking for the first and last offsets", search->owned[0].topic);
  /* For progress and messages only: a partition without a leader may still be assigned at its commit. */
  if (!read_ends(search, true, RD_KAFKA_OFFSET_END, remaining(search, ENDS_MS)))
    read_ends(search, true, RD_KAFKA_OFFSET_BEGINNING, remaining(search, ENDS_MS));
  return true;
}

static bool choose_one(const struct consumer *consumer, struct owned *owned, bool is_new, struct error *err) {
  if (owned->was_committed) return true;
  must(owned->low >= 0 && owned->end >= owned->low);
  if (is_new || consumer->file->start == START_EARLIEST)
    owned->start = owned->low;
  else if (consumer->file->start == START_LATEST)
    owned->start = owned->end;
  else {
    error_set(err,
        "group %s has no committed offset for %s/%" PRId32 ", and 'start: error' forbids to choose one; set one "
        "with 'weir offsets FILE --reset ...'",
        consumer->file->group, owned->topic, owned->partition);
    if (err) err->fatal = true;
    return false;
  }
  return true;
}

/* --- committing the choice ------------------------------------------------------------------------------------------- */

static rd_kafka_topic_partition_list_t *list_choices(const struct search *search) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)search->count);
  for (size_t i = 0; i < search->count; i++) {
    if (search->committed[i]) continue;
    const struct owned *owned = &search->owned[i];
    rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, owned->topic, owned->partition);
    element->offset = owned->start;
    element->metadata = consumer_commit_metadata(search->consumer, owned->topic);
    element->metadata_size = strlen(element->metadata);
    element->err = RD_KAFKA_RESP_ERR__IN_PROGRESS; /* stays where the broker says nothing about the partition */
  }
  return list;
}

static rd_kafka_resp_err_t take_answer(struct search *search, rd_kafka_event_t *event) {
  rd_kafka_resp_err_t code = rd_kafka_event_error(event);
  const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
  rd_kafka_resp_err_t worst = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (int i = 0; list && i < list->cnt; i++) {
    const struct owned *owned = consumer_owned(search->consumer, list->elems[i].topic, list->elems[i].partition);
    must(owned >= search->owned && owned < search->owned + search->count);
    if (!list->elems[i].err)
      search->committed[owned - search->owned] = true;
    else
      worst = list->elems[i].err == RD_KAFKA_RESP_ERR__IN_PROGRESS ? code : list->elems[i].err;
  }
  return worst ? worst : list ? RD_KAFKA_RESP_ERR_NO_ERROR : code;
}

static bool commit_choices(struct search *search, struct error *err) {
  rd_kafka_topic_partition_list_t *list = list_choices(search);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(search->consumer->handle);
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (list->cnt) {
    code = rd_kafka_commit_queue(search->consumer->handle, list, queue, NULL, NULL);
    rd_kafka_event_t *event = code ? NULL : rd_kafka_queue_poll(queue, remaining(search, LIMIT_COMMIT_WAIT_MS));
    if (!code) code = event ? take_answer(search, event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event) rd_kafka_event_destroy(event);
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_partition_list_destroy(list);
  if (!code) return true;
  fail(err, code, "committing the start", search->owned[0].topic);
  if (err && starts_is_outdated(err)) err->retriable = false;
  return false;
}

bool starts_is_outdated(const struct error *err) {
  return err->code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || err->code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
         err->code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
}

/* --- the search ------------------------------------------------------------------------------------------------------ */

static void tell_choices(const struct search *search) {
  const struct pipeline_file *file = search->consumer->file;
  size_t chosen = 0, fresh = 0;
  const struct owned *example = NULL;
  for (size_t i = 0; i < search->count; i++) {
    if (search->owned[i].was_committed) continue;
    example = example ? example : &search->owned[i];
    chosen++;
    fresh += search->is_new[i] && file->start != START_EARLIEST;
  }
  for (size_t i = 0; i < search->count; i++)
    if (search->is_new[i] && !search->owned[i].was_committed) trouble_count(TROUBLE_NEW_PARTITION);
  if (!chosen) return;
  log_line(WEIR_INFO, "consumer",
      "group %s had no committed offset in %zu of %zu partitions (%s/%" PRId32
      " first): they start at the %s record, as "
      "'start' says, and that is committed now",
      file->group, chosen, search->count, example->topic, example->partition,
      file->start == START_LATEST ? "next" : "oldest");
  if (fresh)
    log_line(WEIR_INFO, "consumer",
        "%zu of them are new since the group last committed: these start at their beginning", fresh);
}

static bool try_once(struct search *search, struct error *err) {
  if (!read_topics(search, err) || !read_ranges(search, err)) return false;
  for (size_t i = 0; i < search->count; i++)
    if (!choose_one(search->consumer, &search->owned[i], search->is_new[i], err)) return false;
  return commit_choices(search, err);
}

static bool given_up(const struct consumer *consumer) {
  return consumer->events.give_up && consumer->events.give_up(consumer->events.ctx);
}

/* Inside librdkafka's callback there is nothing to wait on: a cause that answers at once is not asked in a loop. */
static void pause_between_tries(void) {
  struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
  nanosleep(&pause, NULL);
}

bool starts_resolve(struct consumer *consumer, size_t first, struct error *err) {
  must_be(consumer, CONSUMER_MAGIC);
  must(first <= consumer->owned_count);
  size_t count = consumer->owned_count - first;
  if (!count) return true;
  struct search search = {.consumer = consumer,
      .owned = consumer->owned + first,
      .count = count,
      .is_new = calloc(count, sizeof(bool)),
      .committed = calloc(count, sizeof(bool)),
      .deadline_ms = clock_now(consumer->clock) + consumer->resolve_ms};
  must(search.is_new && search.committed);
  struct error failure = {0};
  bool found = false;
  static struct log_limit limit;
  int64_t patient_until_ms = clock_now(consumer->clock) + LEADER_PATIENCE_MS;
  while (!(found = try_once(&search, &failure))) {
    if (failure.retriable && clock_now(consumer->clock) >= patient_until_ms && leaderless_leave_out(consumer, first)) {
      search.count = consumer->owned_count - first;
      search.owned = consumer->owned + first;
      if ((found = search.count == 0)) break;
      continue;
    }
    if (!failure.retriable || given_up(consumer) || clock_now(consumer->clock) >= search.deadline_ms) break;
    log_limited(&limit, LIMIT_TROUBLE_MS, WEIR_WARN, "consumer", "waiting for where to start: %s", failure.text);
    pause_between_tries();
  }
  if (found) tell_choices(&search);
  if (!found && err) *err = failure;
  free(search.is_new);
  free(search.committed);
  return found;
}

/* While members start at the same time none sees the others' first commits, so no count can be given; it follows here. */
void starts_tick(struct consumer *consumer, int64_t now_ms) {
  if (now_ms < consumer->recount_at_ms || !consumer->owned_count) return;
  consumer->recount_at_ms = now_ms + RECOUNT_MS;
  for (size_t i = 0; i < consumer->topic_count; i++) {
    struct known_topic *topic = &consumer->topics[i];
    if (topic->started == topic->partitions) continue;
    rd_kafka_topic_partition_list_t *list = read_commits(consumer, topic, RECOUNT_ASK_MS, NULL);
    if (!list) break; /* the cluster does not answer now, and each question takes its time */
    if (all_started(list, NULL)) topic->started = topic->partitions;
    rd_kafka_topic_partition_list_destroy(list);
  }
}
