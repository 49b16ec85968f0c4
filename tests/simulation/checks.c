/* checks.c: for each source record a few bits say what has become of it; what it needs follows from its fate. */
#include "checks.h"
#include <string.h>
#include "base/check.h"
#include "process.h"
#include "world.h"

enum {
  OUT = 1,        /* << child: written to the output */
  SUNK = 8,       /* << child: taken by the second sink */
  DEAD = 64,      /* a dead letter of it is written */
  DROPPED = 128,  /* the stage dropped it */
  REJECTED = 256, /* the stage rejected it for good */
  SKIPPED = 512,  /* before the start of the group */
};

struct state {
  uint8_t fate;
  uint32_t epoch; /* of the first assignment in which a stage met it */
  uint16_t bits;
  int32_t ordinal; /* records before it in its partition */
};

struct order {
  uint64_t producer, epoch;
  int64_t key;
};

enum { ORDERS_MAX = 64 };

/* Of one assignment, and since its last commit. */
struct repeats {
  uint32_t epoch;
  int64_t start;
  int64_t reached; /* the highest offset that its stage has seen */
  int64_t records; /* that some stage had seen before */
};

struct rules rules;
static struct repeats repeats[PROCESSES_MAX][PARTITIONS_MAX];
static struct state states[PARTITIONS_MAX][LOG_MAX + 1];
static int64_t judged[PARTITIONS_MAX]; /* what lies below was found done */
static int64_t seen_max[PARTITIONS_MAX];
static struct order orders[PARTITIONS_MAX][ORDERS_MAX];
static uint32_t order_count[PARTITIONS_MAX];

void checks_reset(void) {
  memset(judged, 0, sizeof judged);
  memset(seen_max, 0xff, sizeof seen_max);
  memset(repeats, 0, sizeof repeats);
  memset(order_count, 0, sizeof order_count);
  for (int i = 0; i < PARTITIONS_MAX; i++) states[i][0] = (struct state){0};
}

/* --- records --- */

void checks_record(int32_t partition, int64_t offset, enum fate fate) {
  struct state *state = &states[partition][offset];
  bool is_record = cluster.logs[partition].records[offset].is_record;
  state->fate = (uint8_t)fate;
  state->bits = 0;
  state->epoch = 0;
  state[1].ordinal = state->ordinal + is_record;
  world.events.records += is_record;
}

enum fate checks_fate(int32_t partition, int64_t offset) { return (enum fate)states[partition][offset].fate; }

static struct state *state_of(const struct payload *payload) {
  must(payload->partition >= 0 && payload->partition < cluster.partitions && payload->offset >= 0);
  must(payload->offset < cluster.logs[payload->partition].end && payload->child < 3);
  return &states[payload->partition][payload->offset];
}

static bool fails(enum fate fate) { return fate == FATE_REJECT || fate == FATE_TIRES; }

/* Bits that it needs; 0: it never ends. */
static uint16_t needs(enum fate fate) {
  uint16_t children = 0;
  switch (fate) {
  case FATE_PASS:
  case FATE_RETRY: children = 1; break;
  case FATE_DROP: return DROPPED;
  case FATE_REJECT:
  case FATE_TIRES: return rules.policy == POLICY_DEAD_LETTER ? DEAD : rules.policy == POLICY_DISCARD ? REJECTED : 0;
  case FATE_EMIT: children = 6; break;
  case FATE_SPLIT: children = 3; break;
  case FATE_REFUSED: return rules.has_sink ? DEAD | SUNK : DEAD;
  case FATES: break;
  }
  must(children);
  return (uint16_t)(OUT * children | (rules.has_sink ? SUNK * children : 0));
}

static bool is_done(int32_t partition, int64_t offset) {
  if (!cluster.logs[partition].records[offset].is_record) return true;
  const struct state *state = &states[partition][offset];
  if (state->bits & SKIPPED) return true;
  uint16_t needed = needs((enum fate)state->fate);
  return needed && (state->bits & needed) == needed;
}

/* --- what happens --- */

static int64_t records_between(int32_t partition, int64_t from, int64_t to) {
  return to <= from ? 0 : states[partition][to].ordinal - states[partition][from].ordinal;
}

void checks_assigned(uint32_t slot, int32_t partition, int64_t start) {
  repeats[slot][partition].start = start;
  int64_t repeated = records_between(partition, start, seen_max[partition] + 1);
  if (repeated > 0) world_say("partition %d: %lld records are repeated", partition, (long long)repeated);
  if (repeated > 0 && rules.quiet &&
      start != checks_goal(partition)) /* the record that stops it is tried by each owner */
    world_fail("DUPLICATE", "partition %d starts at %lld and was read to %lld, and nothing went wrong", partition,
        (long long)start, (long long)seen_max[partition]);
}

void checks_begin_anew(uint32_t slot, int32_t partition) { repeats[slot][partition].records = 0; }

static const char *const fate_names[FATES] = {
    "passes", "is dropped", "is retried", "is rejected", "tires", "emits two", "splits", "is refused by the broker"};

/* A worker that was long away repeats what others have done, and no more than the bound. */
static void check_bound(struct repeats *own, uint32_t epoch, const struct payload *payload) {
  if (own->epoch != epoch) *own = (struct repeats){.epoch = epoch, .start = own->start, .reached = own->start - 1};
  if (payload->offset <= own->reached) return;
  own->reached = payload->offset;
  own->records += payload->offset <= seen_max[payload->partition];
  if (own->records > rules.uncommitted_max)
    world_fail("DUPLICATE-OVER-BOUND", "partition %d: %lld records are repeated up to %lld, %lld are allowed",
        payload->partition, (long long)own->records, (long long)payload->offset, (long long)rules.uncommitted_max);
}

/* At most once: a record is met by a stage when it is committed, and in one assignment. */
static void check_once(uint32_t epoch, const struct payload *payload) {
  struct state *state = state_of(payload);
  if (payload->offset >= cluster.committed[payload->partition].offset)
    world_fail("UNCONFIRMED", "record %d@%lld is processed, and %lld is committed", payload->partition,
        (long long)payload->offset, (long long)cluster.committed[payload->partition].offset);
  if (state->epoch && state->epoch != epoch)
    world_fail("DUPLICATE", "record %d@%lld is processed in a second assignment", payload->partition,
        (long long)payload->offset);
  state->epoch = epoch;
}

void checks_seen(uint32_t slot, uint32_t epoch, const struct payload *payload) {
  if (rules.at_most_once) check_once(epoch, payload);
  check_bound(&repeats[slot][payload->partition], epoch, payload);
  world_say("  record %d@%lld is in the stage; it %s", payload->partition, (long long)payload->offset,
      fate_names[state_of(payload)->fate]);
  int32_t partition = payload->partition;
  int64_t open = records_between(partition, cluster.committed[partition].offset, payload->offset + 1);
  if (open > rules.uncommitted_max)
    world_fail("DUPLICATE-OVER-BOUND",
        "partition %d is committed up to %lld and its record %lld is processed: %lld, %lld allowed", partition,
        (long long)cluster.committed[partition].offset, (long long)payload->offset, (long long)open,
        (long long)rules.uncommitted_max);
  if (payload->offset > seen_max[partition]) seen_max[partition] = payload->offset;
}

void checks_dropped(const struct payload *payload) { state_of(payload)->bits |= DROPPED; }
void checks_rejected(const struct payload *payload) { state_of(payload)->bits |= REJECTED; }

static void must_be_wanted(const struct payload *payload, uint16_t bit, const char *where) {
  const struct state *state = state_of(payload);
  if (!payload->processed)
    world_fail("UNPROCESSED", "record %d@%lld reached %s without the stage", payload->partition,
        (long long)payload->offset, where);
  if (fails((enum fate)state->fate) || !(needs((enum fate)state->fate) & bit))
    world_fail("PHANTOM", "record %d@%lld (child %u) does not belong in %s", payload->partition,
        (long long)payload->offset, payload->child, where);
}

void checks_sunk(const struct payload *payload) {
  uint16_t bit = (uint16_t)(SUNK << payload->child);
  must_be_wanted(payload, bit, "the second sink");
  world_say("  record %d@%lld (child %u) is in the second sink", payload->partition, (long long)payload->offset,
      payload->child);
  state_of(payload)->bits |= bit;
}

/* What one producer writes in one assignment rises. */
static void check_order(const struct payload *payload, uint64_t producer) {
  struct order *all = orders[payload->partition], *order = NULL;
  uint32_t *count = &order_count[payload->partition];
  for (uint32_t i = 0; i < *count && !order; i++)
    if (all[i].producer == producer && all[i].epoch == payload->epoch) order = &all[i];
  if (!order) {
    order = &all[*count < ORDERS_MAX ? (*count)++ : random_below(&world.random, ORDERS_MAX)];
    *order = (struct order){producer, payload->epoch, -1};
  }
  int64_t key = payload->offset * 4 + payload->child;
  if (key <= order->key)
    world_fail("REORDERED", "partition %d: record %lld (child %u) was written behind %lld (child %lld)",
        payload->partition, (long long)payload->offset, payload->child, (long long)(order->key / 4),
        (long long)(order->key % 4));
  order->key = key;
}

void checks_written(enum topic topic, const struct payload *payload, uint64_t producer) {
  struct state *state = state_of(payload);
  world_say("  record %d@%lld (child %u) is in topic %s", payload->partition, (long long)payload->offset,
      payload->child, topic_names[topic]);
  if (topic == TOPIC_DEAD) {
    world.events.dead_letters++;
    if (!(needs((enum fate)state->fate) & DEAD))
      world_fail("PHANTOM", "record %d@%lld is a dead letter", payload->partition, (long long)payload->offset);
    state->bits |= DEAD;
    return;
  }
  uint16_t bit = (uint16_t)(OUT << payload->child);
  must_be_wanted(payload, bit, "the output");
  check_order(payload, producer);
  if (state->bits & bit) world.events.duplicates++;
  if (state->bits & bit && rules.quiet)
    world_fail("DUPLICATE", "record %d@%lld is written again, and nothing went wrong", payload->partition,
        (long long)payload->offset);
  state->bits |= bit;
}

static void skip_below(int32_t partition, int64_t offset) {
  for (int64_t i = 0; i < offset; i++) states[partition][i].bits |= SKIPPED;
}

void checks_commit(int32_t partition, int64_t before, int64_t offset) {
  if (offset > cluster.logs[partition].end)
    world_fail("COMMIT-AHEAD", "partition %d: %lld is behind the end", partition, (long long)offset);
  if (offset < before)
    world_fail(
        "COMMIT-REGRESSION", "partition %d: from %lld back to %lld", partition, (long long)before, (long long)offset);
  if (before < 0 && rules.from_latest) skip_below(partition, offset);
  if (rules.at_most_once) return;
  while (judged[partition] < offset && is_done(partition, judged[partition])) judged[partition]++;
  if (judged[partition] < offset)
    world_fail("COMMIT-AHEAD", "partition %d is committed up to %lld, and its record %lld, which %s, is not done (%#x)",
        partition, (long long)offset, (long long)judged[partition],
        fate_names[states[partition][judged[partition]].fate], states[partition][judged[partition]].bits);
}

/* --- the end --- */

int64_t checks_goal(int32_t partition) {
  const struct source_log *log = &cluster.logs[partition];
  for (int64_t i = 0; i < log->end; i++)
    if (log->records[i].is_record && !(states[partition][i].bits & SKIPPED) &&
        !needs((enum fate)states[partition][i].fate))
      return i;
  return log->end;
}

bool checks_all_done(void) {
  for (int32_t i = 0; i < cluster.partitions; i++)
    if (cluster.committed[i].offset != checks_goal(i)) return false;
  return true;
}

void checks_final(void) {
  for (int32_t i = 0; i < cluster.partitions; i++) {
    int64_t goal = checks_goal(i);
    for (int64_t offset = 0; offset < goal; offset++)
      if (!is_done(i, offset) && (rules.quiet || !rules.at_most_once))
        world_fail("LOST", "record %d@%lld never got where it belongs", i, (long long)offset);
    if (cluster.committed[i].offset != goal)
      world_fail("STALL", "partition %d is committed up to %lld, not %lld", i, (long long)cluster.committed[i].offset,
          (long long)goal);
  }
}
