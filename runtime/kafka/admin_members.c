/* admin_members.c: who is in the group. */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "config/pipeline_file.h"
#include "kafka/admin_inside.h"

void admin_forget_group(struct admin *admin) {
  if (admin->group) rd_kafka_event_destroy(admin->group);
  admin->group = NULL;
  free(admin->members);
  admin->members = NULL;
}

static rd_kafka_event_t *ask(struct admin *admin) {
  const char *group = admin->file->group;
  char reason[128];
  rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->handle);
  rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_ASK_MS, reason, sizeof reason);
  rd_kafka_DescribeConsumerGroups(admin->handle, &group, 1, options, queue);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ADMIN_ASK_MS + 1000);
  rd_kafka_queue_destroy(queue);
  rd_kafka_AdminOptions_destroy(options);
  return event;
}

static void keep_members(
    struct admin *admin, const rd_kafka_ConsumerGroupDescription_t *description, struct admin_group *group) {
  group->member_count = rd_kafka_ConsumerGroupDescription_member_count(description);
  admin->members = calloc(group->member_count + 1, sizeof *admin->members);
  must(admin->members);
  for (size_t i = 0; i < group->member_count; i++) {
    const rd_kafka_MemberDescription_t *member = rd_kafka_ConsumerGroupDescription_member(description, i);
    admin->members[i] = (struct admin_member){.id = rd_kafka_MemberDescription_consumer_id(member),
        .client = rd_kafka_MemberDescription_client_id(member),
        .host = rd_kafka_MemberDescription_host(member),
        .instance = rd_kafka_MemberDescription_group_instance_id(member)};
  }
  group->members = admin->members;
}

/* librdkafka 2.0.2 aborts the process when it describes a group of a cluster that lacks the request, as its own mock does. Its older call asks
 * the same in a safe way, but does not tell the static members. */
bool admin_can_describe(struct admin *admin) {
  const struct rd_kafka_group_list *groups = NULL;
  rd_kafka_resp_err_t code = rd_kafka_list_groups(admin->handle, admin->file->group, &groups, ADMIN_ASK_MS);
  if (groups) rd_kafka_group_list_destroy(groups);
  return code != RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
}

bool admin_members(struct admin *admin, struct admin_group *group, struct error *err) {
  must_be(admin, ADMIN_MAGIC);
  *group = (struct admin_group){.state = "unknown"};
  admin_forget_group(admin);
  if (!admin_can_describe(admin)) return true; /* not known */
  admin->group = ask(admin);
  const rd_kafka_DescribeConsumerGroups_result_t *result =
      admin->group ? rd_kafka_event_DescribeConsumerGroups_result(admin->group) : NULL;
  rd_kafka_resp_err_t code = admin->group ? rd_kafka_event_error(admin->group) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t **descriptions =
      result && !code ? rd_kafka_DescribeConsumerGroups_result_groups(result, &count) : NULL;
  const rd_kafka_error_t *failure = count == 1 ? rd_kafka_ConsumerGroupDescription_error(descriptions[0]) : NULL;
  if (failure) code = rd_kafka_error_code(failure);
  if (code || count != 1)
    return error_set(err, "the members of group %s cannot be read: %s", admin->file->group, rd_kafka_err2str(code));
  group->known = true;
  group->state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(descriptions[0]));
  keep_members(admin, descriptions[0], group);
  return true;
}

static bool has(const rd_kafka_MemberDescription_t *member, const char *topic, int32_t partition) {
  const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(member);
  const rd_kafka_topic_partition_list_t *list = assignment ? rd_kafka_MemberAssignment_partitions(assignment) : NULL;
  for (int i = 0; list && i < list->cnt; i++)
    if (list->elems[i].partition == partition && strcmp(list->elems[i].topic, topic) == 0) return true;
  return false;
}

bool admin_find_owner(
    struct admin *admin, const char *topic, int32_t partition, struct admin_owner *owner, struct error *err) {
  struct admin_group group;
  *owner = (struct admin_owner){0};
  if (!admin_members(admin, &group, err)) return false;
  if (!group.known) return error_set(err, "its coordinator does not describe groups");
  size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t **descriptions =
      rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(admin->group), &count);
  must(count == 1);
  for (size_t i = 0; i < group.member_count; i++) {
    if (!has(rd_kafka_ConsumerGroupDescription_member(descriptions[0], i), topic, partition)) continue;
    *owner = (struct admin_owner){group.members[i].client, group.members[i].host, group.members[i].instance};
    return true;
  }
  return true;
}
