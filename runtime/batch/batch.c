/* batch.c: the account of a batch's source records, and the pool of a lane. See batch.h. */
#include "batch/batch.h"

#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/limits.h"

enum { BATCH_MAGIC = 0x51e0ba7c };

static void batch_free(struct batch *batch) {
  if (!batch) return;
  arena_fini(&batch->arena);
  free(batch->messages);
  free(batch->descendants);
  free(batch->outcomes);
  free(batch);
}

/* The account of the records that come next: each one open, with itself as its only descendant. */
static void forget_account(struct batch *batch, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) batch->descendants[i] = 1;
  memset(batch->outcomes, OUTCOME_OPEN, count);
}

static struct batch *batch_create(uint32_t capacity, size_t arena_bytes_max) {
  struct batch *batch = calloc(1, sizeof *batch);
  if (!batch) return NULL;
  batch->magic = BATCH_MAGIC;
  batch->capacity = capacity;
  arena_init(&batch->arena, arena_bytes_max);
  batch->messages = calloc(capacity, sizeof *batch->messages);
  batch->descendants = calloc(capacity, sizeof *batch->descendants);
  batch->outcomes = calloc(capacity, sizeof *batch->outcomes);
  if (batch->messages && batch->descendants && batch->outcomes) {
    forget_account(batch, capacity);
    return batch;
  }
  batch_free(batch);
  return NULL;
}

bool batch_pool_init(struct batch_pool *pool, uint32_t batches, uint32_t records_max, size_t arena_bytes_max) {
  must(batches > 0);
  must(records_max > 0 && records_max <= LIMIT_BATCH_RECORDS);
  *pool = (struct batch_pool){0};
  for (uint32_t i = 0; i < batches; i++) {
    struct batch *batch = batch_create(records_max, arena_bytes_max);
    if (!batch) {
      batch_pool_fini(pool);
      return false;
    }
    batch->link = pool->free;
    pool->free = batch;
    pool->total++;
  }
  return true;
}

void batch_pool_fini(struct batch_pool *pool) {
  must(pool->taken == 0);
  while (pool->free) {
    struct batch *batch = pool->free;
    pool->free = batch->link;
    batch_free(batch);
  }
  pool->total = 0;
}

struct batch *batch_pool_take(
    struct batch_pool *pool, struct partition *partition, uint64_t epoch, const struct batch_source *source) {
  must(partition && source && epoch > 0);
  struct batch *batch = pool->free;
  if (!batch) return NULL;
  must_be(batch, BATCH_MAGIC);
  pool->free = batch->link;
  pool->taken++;
  batch->link = NULL;
  batch->partition = partition;
  partition->batches++;
  batch->source = source;
  batch->epoch = epoch;
  batch->range = 0;
  batch->first = batch->next = -1;
  batch->count = batch->open = batch->holds = batch->standing = 0;
  batch->bytes = 0;
  batch->multiplied = false;
  batch->ctx = NULL;
  batch->listed = false;
  memset(batch->settled, 0, sizeof batch->settled);
  return batch;
}

void batch_pool_give(struct batch_pool *pool, struct batch *batch) {
  must_be(batch, BATCH_MAGIC);
  must(batch_is_done(batch));
  must(pool->taken > 0);
  if (batch->count) batch->source->release(batch->messages, batch->count);
  arena_reset(&batch->arena);
  must(batch->partition->batches > 0);
  batch->partition->batches--;
  batch->partition = NULL;
  forget_account(batch, batch->count);
  batch->count = 0;
  batch->link = pool->free;
  pool->free = batch;
  pool->taken--;
}

void batch_born(struct batch *batch, uint32_t origin, uint32_t more) {
  must(origin < batch->count);
  must(batch->descendants[origin] > 0);
  batch->descendants[origin] += more;
  batch->multiplied = true;
}

static void source_settled(struct batch *batch, uint32_t origin) {
  must(batch->open > 0);
  batch->open--;
  batch->settled[batch->outcomes[origin]]++;
}

void batch_ended(struct batch *batch, uint32_t origin, enum outcome outcome) {
  must(origin < batch->count);
  must(outcome > OUTCOME_OPEN && outcome < OUTCOMES);
  must(batch->descendants[origin] > 0);
  if (outcome > batch->outcomes[origin]) batch->outcomes[origin] = (uint8_t)outcome;
  if (--batch->descendants[origin] == 0) source_settled(batch, origin);
}

bool batch_ended_whole(struct batch *batch, uint32_t count, enum outcome outcome) {
  must(outcome > OUTCOME_OPEN && outcome < OUTCOMES);
  if (batch->multiplied || batch->open != count) return false;
  for (uint32_t origin = 0; origin < batch->count; origin++)
    if (batch->descendants[origin]) batch->outcomes[origin] = (uint8_t)outcome;
  memset(batch->descendants, 0, batch->count * sizeof *batch->descendants);
  batch->settled[outcome] += count;
  batch->open = 0;
  return true;
}

void batch_abandon(struct batch *batch) {
  for (uint32_t origin = 0; origin < batch->count; origin++) {
    if (batch->descendants[origin] == 0) continue;
    batch->descendants[origin] = 0;
    batch->outcomes[origin] = OUTCOME_ABANDONED;
    source_settled(batch, origin);
  }
  must(batch->open == 0);
}

int64_t batch_lowest_open(const struct batch *batch) {
  for (uint32_t origin = 0; origin < batch->count; origin++) {
    if (batch->descendants[origin] == 0) continue;
    weir_record view;
    batch->source->view(batch->messages[origin], &view);
    return view.offset;
  }
  return batch->next;
}
