/* cluster.c: see cluster.h. */
#include "cluster.h"
#include <string.h>
#include "base/check.h"
#include "client.h"
#include "checks.h"
#include "process.h"
#include "world.h"

const char *const topic_names[TOPICS] = {"in", "out", "dead"};
struct cluster cluster;

enum { SCAN_US = 500000, LATENCY_LEAST_US = 100 };

enum group_state { GROUP_EMPTY, GROUP_PREPARING, GROUP_STABLE };

struct member {
  uint64_t number; /* 0: free */
  uint64_t client;
  int64_t heard_us;
  bool joining;
  bool seen; /* a heartbeat came in its generation */
  uint32_t share;
};

static struct {
  enum group_state state;
  int32_t generation;
  struct member members[MEMBERS_MAX];
  int64_t deadline_us;
} group;

static void scan(void *ctx, int64_t number);

void cluster_reset(int32_t partitions) {
  memset(&cluster, 0, sizeof cluster);
  memset(&group, 0, sizeof group);
  cluster.partitions = partitions;
  for (int i = 0; i < PARTITIONS_MAX; i++) cluster.committed[i].offset = -1;
  cluster.session_us = 6000000;
  cluster.rebalance_us = 40000000;
  cluster.faults.latency_us = 3000;
  world_at(world.now_us + SCAN_US, scan, NULL, 0);
}

void cluster_append(int32_t partition, bool is_record) {
  struct source_log *log = &cluster.logs[partition];
  must(log->end < LOG_MAX);
  log->records[log->end] = (struct source_record){is_record, {.partition = partition, .offset = log->end}};
  log->end++;
  clients_fetch(partition);
}

/* --- the network --- */

static bool passes(const struct process *process, uint32_t lost, int64_t *arrives_us) {
  *arrives_us = world_in_us(LATENCY_LEAST_US, LATENCY_LEAST_US + cluster.faults.latency_us);
  bool away = cluster.faults.cluster_away || (process && process->cut_until_us > world.now_us);
  if (!away && !random_chance(&world.random, lost)) return true;
  world.events.requests_lost++;
  return false;
}

bool cluster_sends(const rd_kafka_t *client, int64_t *arrives_us) {
  return passes(client->process, cluster.faults.request_lost, arrives_us);
}

bool cluster_answers(uint64_t number, int64_t *arrives_us) {
  const rd_kafka_t *client = client_of(number);
  return passes(client ? client->process : NULL, cluster.faults.answer_lost, arrives_us);
}

/* --- members --- */

static struct member *member_of(uint64_t number) {
  for (struct member *member = group.members; member < group.members + MEMBERS_MAX; member++)
    if (member->number == number) return member;
  return NULL;
}

static void prepare(void) {
  if (group.state == GROUP_PREPARING) return;
  bool was_empty = group.state == GROUP_EMPTY;
  group.state = GROUP_PREPARING;
  group.deadline_us = world.now_us + cluster.rebalance_us;
  world_say("broker: the group divides its partitions anew%s", was_empty ? ", the first time" : "");
}

static void divide(void) {
  uint32_t count = 0, index = 0;
  for (int i = 0; i < MEMBERS_MAX; i++) count += group.members[i].number != 0;
  for (int i = 0; i < MEMBERS_MAX; i++) {
    struct member *member = &group.members[i];
    if (!member->number) continue;
    uint32_t each = (uint32_t)cluster.partitions / count, more = (uint32_t)cluster.partitions % count;
    uint32_t first = index * each + (index < more ? index : more), size = each + (index < more);
    member->share = ((1u << size) - 1) << first;
    index++;
  }
}

static void answer(struct member *member) {
  client_joined(member->client, member->number, group.generation, member->share);
}

static void complete(void) {
  group.generation++;
  divide();
  group.state = GROUP_EMPTY;
  for (struct member *member = group.members; member < group.members + MEMBERS_MAX; member++) {
    if (!member->number) continue;
    group.state = GROUP_STABLE;
    member->joining = member->seen = false;
    member->heard_us = world.now_us;
    world_say("broker: generation %d: member %llu has %#x", group.generation, (unsigned long long)member->number,
        member->share);
    answer(member);
  }
}

static void complete_when_all_joined(void) {
  if (group.state != GROUP_PREPARING) return;
  for (const struct member *member = group.members; member < group.members + MEMBERS_MAX; member++)
    if (member->number && !member->joining) return;
  complete();
}

static void drop(struct member *member, const char *why) {
  world_say("broker: member %llu is out: %s", (unsigned long long)member->number, why);
  *member = (struct member){0};
  prepare();
  complete_when_all_joined();
}

/* Sessions that are over, and joins that are not waited for any longer. */
static void scan(void *ctx, int64_t number) {
  (void)ctx, (void)number;
  bool over = group.state == GROUP_PREPARING && world.now_us >= group.deadline_us;
  for (struct member *member = group.members; member < group.members + MEMBERS_MAX; member++) {
    if (!member->number) continue;
    if (!member->joining && world.now_us - member->heard_us > cluster.session_us)
      drop(member, "its session is over");
    else if (!member->joining && over)
      drop(member, "it did not join in time");
  }
  world_at(world.now_us + SCAN_US, scan, NULL, 0);
}

void group_join(uint64_t client, uint64_t number) {
  struct member *member = member_of(number);
  if (member && group.state == GROUP_STABLE && !member->seen) {
    answer(member); /* the last answer was lost */
    return;
  }
  if (!member) member = member_of(0);
  must(member);
  if (!member->number) *member = (struct member){.number = number};
  member->client = client;
  member->joining = true;
  member->heard_us = world.now_us;
  prepare();
  complete_when_all_joined();
}

void group_leave(uint64_t number) {
  struct member *member = number ? member_of(number) : NULL;
  if (member) drop(member, "it leaves");
}

void group_forget(uint64_t number) {
  struct member *member = number ? member_of(number) : NULL;
  if (member) drop(member, "it is forgotten");
}

static rd_kafka_resp_err_t judge(struct member *member, int32_t generation) {
  if (!member) return RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
  if (generation != group.generation) return RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
  member->heard_us = world.now_us;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t group_heartbeat(uint64_t number, int32_t generation) {
  struct member *member = number ? member_of(number) : NULL;
  rd_kafka_resp_err_t code = judge(member, generation);
  if (code) return code;
  member->seen = true;
  return group.state == GROUP_PREPARING ? RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS : RD_KAFKA_RESP_ERR_NO_ERROR;
}

uint32_t group_share(uint64_t number) {
  const struct member *member = number ? member_of(number) : NULL;
  return member ? member->share : 0;
}

bool group_is_stable(void) {
  for (const struct member *member = group.members; member < group.members + MEMBERS_MAX; member++)
    if (member->number && !member->seen) return false;
  return group.state == GROUP_STABLE;
}

/* --- commits --- */

void group_commit(uint64_t number, int32_t generation, struct commit_line *lines, uint32_t count) {
  struct member *member = number ? member_of(number) : NULL;
  rd_kafka_resp_err_t code = judge(member, generation);
  const rd_kafka_t *client = member ? client_of(member->client) : NULL;
  for (uint32_t i = 0; i < count; i++) {
    struct commit_line *line = &lines[i];
    line->err = code;
    if (code) continue;
    struct committed *committed = &cluster.committed[line->partition];
    checks_commit(line->partition, committed->offset, line->offset);
    if (client) checks_begin_anew(client->process->slot, line->partition);
    world_say("broker: %d is committed up to %lld by member %llu", line->partition, (long long)line->offset,
        (unsigned long long)number);
    committed->offset = line->offset;
    memcpy(committed->metadata, line->metadata, METADATA_MAX);
    world.events.commits++;
  }
}
