/* admin.c: an outsider's handle: it has the group's name but joins nothing, so the broker takes its commits only while the group
 * is empty. That check is the broker's; asking for members before is for the sentence. */
#include "kafka/admin.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "config/pipeline_file.h"
#include "kafka/admin_inside.h"
#include "kafka/commit_metadata.h"
#include "kafka/topics.h"

/* --- life ------------------------------------------------------------------------------------------------------------ */

struct admin *admin_open(const struct pipeline_file *file, struct error *err) {
  must(file && file->group);
  struct admin *admin = calloc(1, sizeof *admin);
  must(admin);
  admin->magic = ADMIN_MAGIC;
  admin->file = file;
  client_init(&admin->client, "offsets", admin);
  rd_kafka_conf_t *conf = client_conf(&admin->client, file, NULL, SCOPE_CONSUMER, NULL, 0, err);
  if (conf) {
    const struct property of_weir[] = {
        {"group.id", file->group}, {"enable.auto.commit", "false"}, {"isolation.level", "read_committed"}};
    properties_set(conf, of_weir, sizeof of_weir / sizeof *of_weir);
    admin->handle = client_create(&admin->client, RD_KAFKA_CONSUMER, conf, err);
  }
  if (admin->handle) return admin;
  admin_close(admin);
  return NULL;
}

void admin_close(struct admin *admin) {
  if (!admin) return;
  must_be(admin, ADMIN_MAGIC);
  admin_forget_group(admin);
  admin_forget_readers(admin);
  if (admin->handle) rd_kafka_destroy(admin->handle);
  for (size_t i = 0; i < admin->topic_count; i++) free(admin->topics[i]);
  free(admin->topics);
  free(admin->partitions);
  client_fini(&admin->client);
  admin->magic = 0;
  free(admin);
}

/* --- partitions ------------------------------------------------------------------------------------------------------ */

static const char *keep_topic(struct admin *admin, const char *topic) {
  for (size_t i = 0; i < admin->topic_count; i++)
    if (strcmp(admin->topics[i], topic) == 0) return admin->topics[i];
  char **topics = realloc(admin->topics, (admin->topic_count + 1) * sizeof *topics);
  must(topics);
  admin->topics = topics;
  topics[admin->topic_count] = strdup(topic);
  must(topics[admin->topic_count]);
  return topics[admin->topic_count++];
}

static void add_topic(void *ctx, const char *topic, int32_t partitions) {
  struct admin *admin = ctx;
  const char *kept = keep_topic(admin, topic);
  size_t count = admin->count + (size_t)partitions;
  struct admin_partition *rows = realloc(admin->partitions, (count ? count : 1) * sizeof *rows);
  must(rows);
  admin->partitions = rows;
  for (int32_t i = 0; i < partitions; i++)
    rows[admin->count++] = (struct admin_partition){
        .topic = kept, .partition = i, .of = partitions, .first = -1, .end = -1, .committed = -1, .start = -1};
}

static int by_place(const void *left, const void *right) {
  const struct admin_partition *one = left, *two = right;
  int order = strcmp(one->topic, two->topic);
  return order ? order : (one->partition > two->partition) - (one->partition < two->partition);
}

static rd_kafka_topic_partition_list_t *list_of(const struct admin *admin, int64_t offset) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)admin->count);
  for (size_t i = 0; i < admin->count; i++)
    rd_kafka_topic_partition_list_add(list, admin->partitions[i].topic, admin->partitions[i].partition)->offset =
        offset;
  return list;
}

/* The metadata's counts tell new partitions; the least per topic decides, as in start_offsets.c. */
static void mark_new(struct admin *admin, const rd_kafka_topic_partition_list_t *list) {
  for (size_t i = 0; i < admin->count; i++) {
    struct admin_partition *row = &admin->partitions[i];
    for (int j = 0; j < list->cnt && row->committed < 0; j++) {
      const rd_kafka_topic_partition_t *element = &list->elems[j];
      if (element->offset < 0 || strcmp(element->topic, row->topic) != 0) continue;
      int32_t count = commit_metadata_read(element->metadata, element->metadata_size);
      row->is_new = row->is_new || (count && row->partition >= count);
    }
  }
}

static bool read_committed(struct admin *admin, struct error *err) {
  rd_kafka_topic_partition_list_t *list = list_of(admin, RD_KAFKA_OFFSET_INVALID);
  rd_kafka_resp_err_t code = rd_kafka_committed(admin->handle, list, ADMIN_ASK_MS);
  for (int i = 0; !code && i < list->cnt; i++) {
    code = list->elems[i].err;
    admin->partitions[i].committed = list->elems[i].offset < 0 ? -1 : list->elems[i].offset;
  }
  if (!code) mark_new(admin, list);
  rd_kafka_topic_partition_list_destroy(list);
  if (!code) return true;
  error_set(err, "the committed offsets of group %s cannot be read: %s", admin->file->group,
      code == RD_KAFKA_RESP_ERR__TIMED_OUT
          ? "no answer in time; while a transaction of the group is open the cluster does not tell them"
          : rd_kafka_err2str(code));
  return false;
}

/* As start_offsets.c does, and with its reasons. A partition without a leader is shown without a range. */
static void read_ends(struct admin *admin, int64_t logical) {
  rd_kafka_topic_partition_list_t *list = list_of(admin, logical);
  rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(admin->handle, list, ADMIN_ASK_MS);
  for (int i = 0; !code && i < list->cnt; i++) {
    int64_t offset = list->elems[i].err || list->elems[i].offset < 0 ? -1 : list->elems[i].offset;
    *(logical == RD_KAFKA_OFFSET_BEGINNING ? &admin->partitions[i].first : &admin->partitions[i].end) = offset;
  }
  rd_kafka_topic_partition_list_destroy(list);
}

static void choose_starts(struct admin *admin) {
  for (size_t i = 0; i < admin->count; i++) {
    struct admin_partition *row = &admin->partitions[i];
    if (row->committed >= 0)
      row->start = row->committed;
    else if (row->is_new || admin->file->start == START_EARLIEST)
      row->start = row->first;
    else
      row->start = admin->file->start == START_LATEST ? row->end : -1;
  }
}

bool admin_read(struct admin *admin, const struct admin_partition **partitions, size_t *count, struct error *err) {
  must_be(admin, ADMIN_MAGIC);
  admin->count = 0;
  if (!topics_find(admin->handle, &admin->client, admin->file->topics, admin->file->topic_count, ADMIN_CONNECT_MS,
          add_topic, admin, err))
    return false;
  if (admin->count) qsort(admin->partitions, admin->count, sizeof *admin->partitions, by_place);
  if (!read_committed(admin, err)) return false;
  read_ends(admin, RD_KAFKA_OFFSET_BEGINNING);
  read_ends(admin, RD_KAFKA_OFFSET_END);
  choose_starts(admin);
  *partitions = admin->partitions;
  *count = admin->count;
  return true;
}

bool admin_at_time(struct admin *admin, const struct admin_partition *const *partitions, size_t count, int64_t time_ms,
    int64_t *offsets, struct error *err) {
  must_be(admin, ADMIN_MAGIC);
  must(count > 0 && time_ms >= 0);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
  for (size_t i = 0; i < count; i++)
    rd_kafka_topic_partition_list_add(list, partitions[i]->topic, partitions[i]->partition)->offset = time_ms;
  rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(admin->handle, list, ADMIN_ASK_MS);
  for (int i = 0; !code && i < list->cnt; i++) {
    code = list->elems[i].err;
    offsets[i] = list->elems[i].offset < 0 ? -1 : list->elems[i].offset;
  }
  rd_kafka_topic_partition_list_destroy(list);
  return !code || error_set(err, "the cluster could not look up the time: %s", rd_kafka_err2str(code));
}

/* --- commits --------------------------------------------------------------------------------------------------------- */

static bool is_changed(const struct admin_partition *row, const struct admin_change *changes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (changes[i].partition == row) return true;
  return false;
}

/* The count that the commits of this topic may carry: all of them, when each partition has a commit then. */
static int32_t count_of(
    const struct admin *admin, const char *topic, const struct admin_change *changes, size_t count) {
  int32_t partitions = 0;
  for (size_t i = 0; i < admin->count; i++) {
    const struct admin_partition *row = &admin->partitions[i];
    if (row->topic != topic) continue;
    if (row->committed < 0 && !is_changed(row, changes, count)) return 0;
    partitions = row->of;
  }
  return partitions;
}

static void add_change(const struct admin *admin, rd_kafka_topic_partition_list_t *list,
    const struct admin_change *changes, size_t count, size_t at) {
  const struct admin_partition *row = changes[at].partition;
  char metadata[COMMIT_METADATA_MAX];
  rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, row->topic, row->partition);
  commit_metadata_write(metadata, count_of(admin, row->topic, changes, count));
  element->offset = changes[at].offset;
  element->metadata = strdup(metadata);
  must(element->metadata);
  element->metadata_size = strlen(metadata);
  element->err = RD_KAFKA_RESP_ERR__IN_PROGRESS;
}

bool admin_commit(struct admin *admin, const struct admin_change *changes, size_t count, struct error *err) {
  must_be(admin, ADMIN_MAGIC);
  must(count > 0);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
  for (size_t i = 0; i < count; i++) add_change(admin, list, changes, count, i);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->handle);
  rd_kafka_resp_err_t code = rd_kafka_commit_queue(admin->handle, list, queue, NULL, NULL);
  rd_kafka_event_t *event = code ? NULL : rd_kafka_queue_poll(queue, ADMIN_ASK_MS);
  const rd_kafka_topic_partition_list_t *answer = event ? rd_kafka_event_topic_partition_list(event) : NULL;
  if (!code) code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  const rd_kafka_topic_partition_t *failed = NULL;
  for (int i = 0; answer && !failed && i < answer->cnt; i++)
    if (answer->elems[i].err) failed = &answer->elems[i];
  if (failed && failed->err != RD_KAFKA_RESP_ERR__IN_PROGRESS) code = failed->err;
  bool fine = answer && !failed && !code;
  if (!fine && code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID)
    error_set(err, "group %s has members: stop its workers first", admin->file->group);
  else if (!fine)
    error_set(err, "the offsets were not committed%s%s: %s", failed ? ", first of them those of topic " : "",
        failed ? failed->topic : "", rd_kafka_err2str(code ? code : RD_KAFKA_RESP_ERR__FAIL));
  if (event) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_partition_list_destroy(list);
  return fine;
}
