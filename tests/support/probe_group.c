/* probe_group.c: what a group has committed, and who is in it. Asked from outside the group, which disturbs nobody. */
#include "probe.h"
#include <stdlib.h>
#include <string.h>

/* "PARTITION COMMITTED END LAG" a line; - where nothing is committed, its lag counts from the first record. */
int command_offsets(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(&arguments, argc, argv, (const char *const[]){NULL});
  const char *group = arguments_word(&arguments, 0, "a group");
  const char *topic = arguments_word(&arguments, 1, "a topic");
  rd_kafka_t *client = client_outsider(&arguments, group);
  rd_kafka_topic_partition_list_t *list = client_all_partitions(client, topic);
  for (int64_t deadline_us = now_us() + 20000000; !client_committed(client, list);)
    if (now_us() > deadline_us) probe_fail(EXIT_WRONG, "group %s: its offsets could not be read within 20 s", group);
  for (int i = 0; i < list->cnt; i++) {
    int64_t first, end, at = list->elems[i].offset;
    client_range(client, topic, i, &first, &end);
    if (at == RD_KAFKA_OFFSET_INVALID)
      printf("%d - %lld %lld\n", i, (long long)end, (long long)(end - first));
    else
      printf("%d %lld %lld %lld\n", i, (long long)at, (long long)end, (long long)(end - at));
  }
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
  return EXIT_FINE;
}

/* Kafka's consumer protocol: what a member was assigned, big-endian. */
struct cursor {
  const unsigned char *at, *end;
};

static int64_t take(struct cursor *cursor, int bytes) {
  uint64_t number = 0;
  if (cursor->end - cursor->at < bytes) probe_fail(EXIT_WRONG, "a member's assignment is cut short");
  for (int i = 0; i < bytes; i++) number = number << 8 | *cursor->at++;
  return (int64_t)number;
}

/* " TOPIC/0,2,4" for each topic. */
static void print_assignment(const void *data, int size) {
  struct cursor cursor = {data, (const unsigned char *)data + size};
  if (size == 0) return;
  take(&cursor, 2); /* version */
  for (int64_t topics = take(&cursor, 4); topics > 0; topics--) {
    int64_t length = take(&cursor, 2);
    if (cursor.end - cursor.at < length) probe_fail(EXIT_WRONG, "a member's assignment is cut short");
    printf(" %.*s", (int)length, (const char *)cursor.at);
    cursor.at += length;
    int64_t count = take(&cursor, 4);
    for (int64_t i = 0; i < count; i++) printf("%c%d", i ? ',' : '/', (int)take(&cursor, 4));
  }
}

/* A line "state STATE protocol PROTOCOL members N", then "MEMBER CLIENT HOST [TOPIC/PARTITIONS]" a line. */
int command_members(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(&arguments, argc, argv, (const char *const[]){NULL});
  const char *group = arguments_word(&arguments, 0, "a group");
  rd_kafka_t *client = client_outsider(&arguments, group);
  if (!client_administrable(client))
    probe_fail(EXIT_WRONG, "this broker cannot show a group's members (a mock cluster)");
  const struct rd_kafka_group_list *groups;
  rd_kafka_resp_err_t code = rd_kafka_list_groups(client, group, &groups, PATIENCE_MS);
  if (code) probe_fail(EXIT_WRONG, "group %s: %s", group, rd_kafka_err2str(code));
  if (groups->group_cnt == 0) printf("state none protocol - members 0\n");
  for (int i = 0; i < groups->group_cnt; i++) {
    const struct rd_kafka_group_info *info = &groups->groups[i];
    const char *protocol = info->protocol && *info->protocol ? info->protocol : "-";
    printf("state %s protocol %s members %d\n", info->state, protocol, info->member_cnt);
    for (int j = 0; j < info->member_cnt; j++) {
      const struct rd_kafka_group_member_info *member = &info->members[j];
      printf("%s %s %s", member->member_id, member->client_id, member->client_host);
      print_assignment(member->member_assignment, member->member_assignment_size);
      putchar('\n');
    }
  }
  rd_kafka_group_list_destroy(groups);
  rd_kafka_destroy(client);
  return EXIT_FINE;
}
