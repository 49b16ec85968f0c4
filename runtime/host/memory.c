/* memory.c: batches get what is left, in as many pieces as make sense: few large ones stop reading early, many small ones cost
 * more per record. A lane needs more batches than it has partitions held by retries, else their neighbours wait for them. */
#include "host/memory.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "batch/batch.h"
#include "kafka/budget.h"

/* Bytes of one record in a portion, of which a batch has up to three at a time: as read, cut to what goes on, and at the sinks. */
enum { RECORD_BYTES = sizeof(struct record) + sizeof(struct reason *) + 1, PORTIONS = 3, SOURCE_RECORD_BYTES = 16 };

static int64_t batch_fixed(uint32_t records) {
  return (int64_t)records * (RECORD_BYTES * PORTIONS + SOURCE_RECORD_BYTES);
}

/* A batch below this is not worth its verdicts. */
static int64_t batch_least(uint32_t records) { return batch_fixed(records) + LIMIT_ARENA_CHUNK_BYTES; }

static int64_t lane_least(uint32_t records) { return LIMIT_LANE_BYTES + LIMIT_BATCHES_LEAST * batch_least(records); }

/* What lanes and batches may take together. */
static int64_t rest_of(const struct memory_share *share) {
  return share->memory - share->fetched - share->outgoing - share->program;
}

static void divide_kafka(struct memory_share *share) {
  const struct kafka_budget budget = kafka_budget_of(share->memory);
  share->queue = budget.queue_kbytes * 1024;
  share->fetched = share->memory / 2;
  share->partitions = share->fetched / kafka_budget_queues(&budget, 1);
  share->outgoing = share->memory / 4;
  share->program = LIMIT_PROGRAM_BYTES;
}

static bool too_little(const struct memory_wish *wish, struct error *err) {
  char has[TEXT_MAX], needs[TEXT_MAX];
  int64_t quarter =
      LIMIT_PROGRAM_BYTES + (int64_t)(wish->lanes_given ? wish->lanes : 1) * lane_least(wish->batch_records);
  uint32_t lanes = wish->lanes_given ? wish->lanes : 1;
  return error_set(err,
      "memory: %s is not enough for %u lane%s with batches of %u records; it takes %s, or fewer lanes, or a smaller batch.records",
      text_of_size(has, wish->memory_bytes), lanes, lanes == 1 ? "" : "s", wish->batch_records,
      text_of_size(needs, 4 * quarter));
}

static void divide_batches(const struct memory_wish *wish, struct memory_share *share, int64_t lane_bytes) {
  int64_t batches = lane_bytes / LIMIT_BATCH_BYTES_GOOD;
  if (batches < LIMIT_BATCHES_LEAST) batches = LIMIT_BATCHES_LEAST;
  if (batches > LIMIT_BATCHES_MOST) batches = LIMIT_BATCHES_MOST;
  while (batches > LIMIT_BATCHES_LEAST && lane_bytes / batches < batch_least(wish->batch_records)) batches--;
  share->batches = (uint32_t)batches;
  int64_t batch_bytes = lane_bytes / batches;
  /* A stage that writes every value anew needs the payload once more; leave room for three of them. */
  share->batch_payload = (batch_bytes - batch_fixed(wish->batch_records)) / 4;
  if (share->batch_payload > wish->batch_bytes) share->batch_payload = wish->batch_bytes;
  share->batch_arena = batch_bytes - share->batch_payload - (int64_t)wish->batch_records * SOURCE_RECORD_BYTES;
}

bool memory_divide(const struct memory_wish *wish, struct memory_share *share, struct error *err) {
  must(wish->memory_bytes > 0 && wish->lanes > 0 && wish->batch_records > 0 && wish->batch_bytes > 0);
  *share = (struct memory_share){.memory = wish->memory_bytes, .lanes = wish->lanes, .lane = LIMIT_LANE_BYTES};
  divide_kafka(share);
  int64_t rest = rest_of(share), possible = rest / lane_least(wish->batch_records);
  if (possible < 1 || (wish->lanes_given && possible < wish->lanes)) return too_little(wish, err);
  if (possible < share->lanes) share->lanes = (uint32_t)possible;
  divide_batches(wish, share, rest / share->lanes - share->lane);
  must(memory_sum(share) <= share->memory);
  return true;
}

int64_t memory_sum(const struct memory_share *share) {
  return share->fetched + share->outgoing + share->program +
         (int64_t)share->lanes * (share->lane + (int64_t)share->batches * (share->batch_payload + share->batch_arena));
}
