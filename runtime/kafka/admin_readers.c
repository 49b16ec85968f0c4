/* admin_readers.c: who reads a topic. The cluster knows topics by group only, so every group is looked into. */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "kafka/admin_inside.h"
#include "kafka/topics.h"

void admin_forget_readers(struct admin *admin) {
  for (size_t i = 0; i < admin->reader_count; i++) free((char *)(uintptr_t)admin->readers[i].group);
  free(admin->readers);
  admin->readers = NULL;
  admin->reader_count = 0;
}

static void keep_partitions(void *ctx, const char *topic, int32_t partitions) {
  (void)topic;
  *(int32_t *)ctx = partitions;
}

int32_t admin_partitions(struct admin *admin, const char *topic, struct error *err) {
  must_be(admin, ADMIN_MAGIC);
  int32_t partitions = -1;
  if (!topics_find(admin->handle, &admin->client, &topic, 1, ADMIN_CONNECT_MS, keep_partitions, &partitions, err))
    return -1;
  return partitions;
}

int64_t admin_retention_ms(struct admin *admin, const char *topic) {
  must_be(admin, ADMIN_MAGIC);
  return topics_limit(admin->handle, topic, "retention.ms", ADMIN_LIMIT_MS);
}

/* --- asking ---------------------------------------------------------------------------------------------------------- */

struct question {
  rd_kafka_AdminOptions_t *options;
  rd_kafka_queue_t *queue;
};

static struct question question_open(struct admin *admin, rd_kafka_admin_op_t op) {
  char reason[128];
  struct question question = {rd_kafka_AdminOptions_new(admin->handle, op), rd_kafka_queue_new(admin->handle)};
  rd_kafka_AdminOptions_set_request_timeout(question.options, ADMIN_ASK_MS, reason, sizeof reason);
  return question;
}

/* The answer, to be destroyed; NULL: none came. */
static rd_kafka_event_t *question_close(struct question *question) {
  rd_kafka_event_t *event = rd_kafka_queue_poll(question->queue, ADMIN_ASK_MS + 1000);
  rd_kafka_queue_destroy(question->queue);
  rd_kafka_AdminOptions_destroy(question->options);
  return event;
}

static rd_kafka_event_t *list_groups(struct admin *admin) {
  struct question question = question_open(admin, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
  rd_kafka_ListConsumerGroups(admin->handle, question.options, question.queue);
  return question_close(&question);
}

static rd_kafka_event_t *describe(struct admin *admin, const char **groups, size_t count) {
  struct question question = question_open(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
  rd_kafka_DescribeConsumerGroups(admin->handle, groups, count, question.options, question.queue);
  return question_close(&question);
}

static bool has_committed(struct admin *admin, const char *group, const char *topic, int32_t partitions) {
  struct question question = question_open(admin, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
  for (int32_t i = 0; i < partitions; i++) rd_kafka_topic_partition_list_add(list, topic, i);
  rd_kafka_ListConsumerGroupOffsets_t *request = rd_kafka_ListConsumerGroupOffsets_new(group, list);
  rd_kafka_ListConsumerGroupOffsets(admin->handle, &request, 1, question.options, question.queue);
  rd_kafka_event_t *event = question_close(&question);
  rd_kafka_ListConsumerGroupOffsets_destroy(request);
  rd_kafka_topic_partition_list_destroy(list);
  const rd_kafka_ListConsumerGroupOffsets_result_t *result =
      event ? rd_kafka_event_ListConsumerGroupOffsets_result(event) : NULL;
  size_t count = 0;
  bool found = false;
  const rd_kafka_group_result_t **groups =
      result && !rd_kafka_event_error(event) ? rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count) : NULL;
  const rd_kafka_topic_partition_list_t *offsets = count == 1 ? rd_kafka_group_result_partitions(groups[0]) : NULL;
  for (int i = 0; offsets && i < offsets->cnt; i++) found = found || offsets->elems[i].offset >= 0;
  if (event) rd_kafka_event_destroy(event);
  return found;
}

/* --- keeping --------------------------------------------------------------------------------------------------------- */

static size_t members_with(const rd_kafka_ConsumerGroupDescription_t *description, const char *topic) {
  size_t count = 0;
  for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(description); i++) {
    const rd_kafka_topic_partition_list_t *list = rd_kafka_MemberAssignment_partitions(
        rd_kafka_MemberDescription_assignment(rd_kafka_ConsumerGroupDescription_member(description, i)));
    bool has = false;
    for (int j = 0; list && j < list->cnt; j++) has = has || strcmp(list->elems[j].topic, topic) == 0;
    count += has;
  }
  return count;
}

static void look_into(struct admin *admin, const rd_kafka_ConsumerGroupDescription_t *description, const char *topic,
    int32_t partitions, struct admin_readers *readers) {
  const char *group = rd_kafka_ConsumerGroupDescription_group_id(description);
  if (rd_kafka_ConsumerGroupDescription_error(description)) {
    readers->hidden++;
    return;
  }
  size_t members = members_with(description, topic);
  if (!members && !has_committed(admin, group, topic, partitions)) return;
  struct admin_reader *rows = realloc(admin->readers, (admin->reader_count + 1) * sizeof *rows);
  must(rows);
  admin->readers = rows;
  char *name = strdup(group);
  must(name);
  rows[admin->reader_count++] = (struct admin_reader){.group = name,
      .member_count = members,
      .state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(description))};
}

static bool look_into_all(struct admin *admin, const rd_kafka_event_t *list, const char *topic, int32_t partitions,
    struct admin_readers *readers) {
  size_t count = 0, described = 0;
  const rd_kafka_ConsumerGroupListing_t **groups = rd_kafka_ListConsumerGroups_result_valid(
      rd_kafka_event_ListConsumerGroups_result((rd_kafka_event_t *)(uintptr_t)list), &count);
  if (!count) return true;
  const char **names = calloc(count, sizeof *names);
  must(names);
  for (size_t i = 0; i < count; i++) names[i] = rd_kafka_ConsumerGroupListing_group_id(groups[i]);
  rd_kafka_event_t *event = describe(admin, names, count);
  free(names);
  const rd_kafka_DescribeConsumerGroups_result_t *result =
      event ? rd_kafka_event_DescribeConsumerGroups_result(event) : NULL;
  bool fine = result && !rd_kafka_event_error(event);
  const rd_kafka_ConsumerGroupDescription_t **descriptions =
      fine ? rd_kafka_DescribeConsumerGroups_result_groups(result, &described) : NULL;
  for (size_t i = 0; i < described; i++) look_into(admin, descriptions[i], topic, partitions, readers);
  if (event) rd_kafka_event_destroy(event);
  return fine;
}

bool admin_readers(
    struct admin *admin, const char *topic, int32_t partitions, struct admin_readers *readers, struct error *err) {
  must_be(admin, ADMIN_MAGIC);
  must(topic && partitions > 0);
  *readers = (struct admin_readers){0};
  admin_forget_readers(admin);
  if (!admin_can_describe(admin)) return true; /* not known */
  rd_kafka_event_t *list = list_groups(admin);
  bool fine = list && !rd_kafka_event_error(list) && look_into_all(admin, list, topic, partitions, readers);
  if (list) rd_kafka_event_destroy(list);
  readers->known = true;
  readers->readers = admin->readers;
  readers->count = admin->reader_count;
  return fine || error_set(err, "the groups that read topic %s cannot be found: the cluster did not answer", topic);
}
