/* probe_group.c: what a group has committed, and who is in it. Asked from outside the group, which disturbs nobody. */
#include "probe.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

static rd_kafka_t *open_outsider(const struct arguments *arguments, const char *group) {
  const char *const set[] = {
      "group.id", group, "enable.auto.commit", "false", "isolation.level", "read_uncommitted", NULL};
  return client_open(RD_KAFKA_CONSUMER, client_conf(arguments, set));
}

/* Committed offsets of all partitions into `list`. False: not known now; a time-out says "none" per partition, so only the
 * overall and each element's success together are an answer. */
static bool ask(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list) {
  if (rd_kafka_committed(client, list, 5000)) return false;
  for (int i = 0; i < list->cnt; i++)
    if (list->elems[i].err) return false;
  return true;
}

static rd_kafka_topic_partition_list_t *all_partitions(rd_kafka_t *client, const char *topic) {
  int count = client_partitions_of(client, topic);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
  rd_kafka_topic_partition_list_add_range(list, topic, 0, count - 1);
  return list;
}

/* "PARTITION COMMITTED END LAG" a line; - where nothing is committed, its lag counts from the first record. */
int command_offsets(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(&arguments, argc, argv, (const char *const[]){NULL});
  const char *group = arguments_word(&arguments, 0, "a group");
  const char *topic = arguments_word(&arguments, 1, "a topic");
  rd_kafka_t *client = open_outsider(&arguments, group);
  rd_kafka_topic_partition_list_t *list = all_partitions(client, topic);
  for (int64_t deadline_us = now_us() + 20000000; !ask(client, list);)
    if (now_us() > deadline_us) probe_fail(EXIT_WRONG, "group %s: its offsets could not be read within 20 s", group);
  for (int i = 0; i < list->cnt; i++) {
    int64_t first, end, at = list->elems[i].offset;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(client, topic, i, &first, &end, PATIENCE_MS);
    if (code) probe_fail(EXIT_WRONG, "%s/%d: %s", topic, i, rd_kafka_err2str(code));
    if (at == RD_KAFKA_OFFSET_INVALID)
      printf("%d - %lld %lld\n", i, (long long)end, (long long)(end - first));
    else
      printf("%d %lld %lld %lld\n", i, (long long)at, (long long)end, (long long)(end - at));
  }
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
  return EXIT_FINE;
}

/* What changed since the last look goes to `out` as "MILLISECONDS PARTITION OFFSET"; returns how many went back. */
static int note_changes(FILE *out, const rd_kafka_topic_partition_list_t *list, int64_t *seen, int64_t at_ms) {
  int regressions = 0;
  for (int i = 0; i < list->cnt; i++) {
    int64_t offset = list->elems[i].offset;
    if (offset == seen[i]) continue;
    fprintf(out, "%lld %d %lld\n", (long long)at_ms, i, (long long)offset);
    if (seen[i] >= 0 && offset < seen[i]) {
      printf("COMMIT-REGRESSION: partition %d went from %lld to %lld\n", i, (long long)seen[i], (long long)offset);
      regressions++;
    }
    seen[i] = offset;
  }
  fflush(out);
  return regressions;
}

int command_watch(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(&arguments, argc, argv, (const char *const[]){"--every=", "--for=", "--out=", NULL});
  const char *group = arguments_word(&arguments, 0, "a group");
  const char *topic = arguments_word(&arguments, 1, "a topic");
  const char *path = arguments_text(&arguments, "--out", NULL);
  int64_t every_us = arguments_time(&arguments, "--every", 50) * 1000,
          for_us = arguments_time(&arguments, "--for", 0) * 1000;
  FILE *out = path ? fopen(path, "w") : stdout;
  if (!out) probe_fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  rd_kafka_t *client = open_outsider(&arguments, group);
  rd_kafka_topic_partition_list_t *list = all_partitions(client, topic);
  int64_t *seen = malloc((size_t)list->cnt * sizeof *seen);
  if (!seen) probe_fail(EXIT_WRONG, "no memory");
  for (int i = 0; i < list->cnt; i++) seen[i] = RD_KAFKA_OFFSET_INVALID;
  int regressions = 0, looks = 0;
  int64_t start_us = now_us();
  for (int64_t at_us = start_us; !stopping && (!for_us || at_us < start_us + for_us); at_us += every_us) {
    sleep_until_us(at_us);
    if (!ask(client, list)) continue; /* the broker may be away: that is no regression */
    looks++;
    regressions += note_changes(out, list, seen, (now_us() - start_us) / 1000);
  }
  printf("%s: looked %d times, %d regression%s\n", group, looks, regressions, regressions == 1 ? "" : "s");
  free(seen);
  if (path) fclose(out);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
  return regressions ? EXIT_WRONG : EXIT_FINE;
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
  rd_kafka_t *client = open_outsider(&arguments, group);
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
