/* memory.c: see memory.h. Many batches in flight hide the time that a delivery takes; a lane also needs more of them than it has
 * partitions held by retries, else their neighbours wait for them. */
#include "host/memory.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "batch/batch.h"
#include "kafka/budget.h"

/* A portion's share of a record, and what the batch keeps of it; up to three portions: as read, cut to what goes on, at the sinks. */
enum { PORTION_RECORD_BYTES = sizeof(struct record) + sizeof(struct reason *) + 1, PORTIONS = 3, SOURCE_BYTES = 13 };

/* A batch without any payload. */
static int64_t batch_least(uint32_t records) {
  return (int64_t)records * PORTION_RECORD_BYTES * PORTIONS + LIMIT_ARENA_CHUNK_BYTES;
}

static int64_t work_least(uint32_t records) {
  return LIMIT_BATCHES_LEAST * (batch_least(records) + (int64_t)records * LIMIT_RECORD_BYTES);
}

static int64_t pool_of(uint32_t batches) { return (int64_t)batches * LIMIT_ARENA_CHUNK_BYTES; }

static int64_t lane_least(uint32_t records) {
  return LIMIT_LANE_BYTES + pool_of(LIMIT_BATCHES_LEAST) + work_least(records);
}

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* What all lanes may take together. */
static int64_t for_lanes(const struct memory_share *share, size_t partitions) {
  return share->memory - share->program - share->outgoing - (int64_t)partitions * share->queue;
}

static bool too_little(const struct memory_wish *wish, const struct memory_share *share, struct error *err) {
  char has[TEXT_MAX], needs[TEXT_MAX];
  uint32_t lanes = wish->lanes_given ? wish->lanes : 1;
  int64_t fixed = share->program + (int64_t)lanes * lane_least(wish->batch_records);
  /* The smallest queues that librdkafka gets, and the quarter for what goes out. */
  int64_t queues =
      (int64_t)LIMIT_EXPECTED_PARTITIONS * LIMIT_QUEUE_KBYTES_LEAST * 1024 * BUDGET_QUEUE_FACTOR_HALVES / 2;
  int64_t needed = most((fixed + queues) * 4 / 3, fixed * 4);
  return error_set(err,
      "memory: %s is not enough for %u lane%s with batches of %u records; take %s, or fewer lanes, or a smaller batch.records",
      text_of_size(has, wish->memory_bytes), lanes, lanes == 1 ? "" : "s", wish->batch_records,
      text_of_size(needs, needed));
}

static void divide_lane(const struct memory_wish *wish, struct memory_share *share) {
  int64_t lane = for_lanes(share, LIMIT_EXPECTED_PARTITIONS) / share->lanes - LIMIT_LANE_BYTES;
  int64_t spare = lane - share->work_least;
  share->batches = (uint32_t)least(LIMIT_BATCHES_MOST, most(LIMIT_BATCHES_LEAST, spare / 2 / LIMIT_ARENA_CHUNK_BYTES));
  int64_t work = memory_work(share, LIMIT_EXPECTED_PARTITIONS);
  share->batch_arena = least(LIMIT_BATCH_ARENA_MOST, most(work / 2, batch_least(wish->batch_records)));
  /* A stage that writes every value anew needs the payload once more; leave room for three of them. */
  share->batch_payload = least(wish->batch_bytes, most(share->batch_arena / 4, LIMIT_ARENA_CHUNK_BYTES / 4));
}

bool memory_divide(const struct memory_wish *wish, struct memory_share *share, struct error *err) {
  must(wish->memory_bytes > 0 && wish->lanes > 0 && wish->batch_records > 0 && wish->batch_bytes > 0);
  const struct kafka_budget budget = kafka_budget_of(wish->memory_bytes);
  *share = (struct memory_share){.memory = wish->memory_bytes,
      .program = LIMIT_PROGRAM_BYTES,
      .outgoing = wish->memory_bytes / 4,
      .queue = kafka_budget_queues(&budget, 1),
      .lanes = wish->lanes,
      .work_least = work_least(wish->batch_records)};
  int64_t possible = for_lanes(share, LIMIT_EXPECTED_PARTITIONS) / lane_least(wish->batch_records);
  if (possible < 1 || (wish->lanes_given && possible < wish->lanes)) return too_little(wish, share, err);
  if (possible < share->lanes) share->lanes = (uint32_t)possible;
  divide_lane(wish, share);
  int64_t lanes = share->lanes * (LIMIT_LANE_BYTES + pool_of(share->batches) + share->work_least);
  share->partitions = (for_lanes(share, 0) - lanes) / share->queue;
  must(share->partitions >= LIMIT_EXPECTED_PARTITIONS);
  return true;
}

int64_t memory_pool(const struct memory_share *share) { return pool_of(share->batches); }

int64_t memory_work(const struct memory_share *share, size_t partitions) {
  int64_t lane = for_lanes(share, partitions) / share->lanes;
  return most(share->work_least, lane - LIMIT_LANE_BYTES - pool_of(share->batches));
}

int64_t memory_sum(const struct memory_share *share, size_t partitions) {
  return share->program + share->outgoing + (int64_t)partitions * share->queue +
         share->lanes * (LIMIT_LANE_BYTES + pool_of(share->batches) + memory_work(share, partitions));
}
