/* memory.h: how a worker divides `memory`, so that the parts add up to it. Pure.
 *
 *   program    code, threads, connections: fixed
 *   outgoing   a quarter: what the producer has to send (kafka/budget.h)
 *   fetched    so much for each assigned partition: what librdkafka has read and the lanes have not
 *   lanes      the rest, in equal parts: stages and scripts, the pool of batches, and the work, which is what batches in flight
 *              hold: records, and what stages write. A lane whose work is full reads no further.
 *
 * Partitions come and go, so the work changes with them; the pool is made once, for LIMIT_EXPECTED_PARTITIONS. */
#ifndef WEIR_HOST_MEMORY_H
#define WEIR_HOST_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

/* All sizes in bytes. */
struct memory_share {
  int64_t memory, program, outgoing;
  int64_t queue;      /* of the queue of one partition, librdkafka's overhead with it */
  int64_t partitions; /* the most with which the sum holds */
  uint32_t lanes;
  uint32_t batches;      /* of each lane */
  int64_t batch_payload; /* of the records of a batch, before one more is taken; at most `batch.bytes` */
  int64_t batch_arena;   /* budget of a batch's arena */
  int64_t work_least;    /* the work of a lane is never less */
};

/* What the file asks for. */
struct memory_wish {
  int64_t memory_bytes, batch_bytes;
  uint32_t lanes, batch_records;
  bool lanes_given; /* else fewer lanes are taken where memory does not reach for all */
};

/* False: it is not enough; err says what would be. */
bool memory_divide(const struct memory_wish *wish, struct memory_share *share, struct error *err);
/* What the batches in flight of one lane may hold while so many partitions are assigned. */
int64_t memory_work(const struct memory_share *share, size_t partitions);
/* All parts together while so many partitions are assigned; at most share->memory up to share->partitions. */
int64_t memory_sum(const struct memory_share *share, size_t partitions);
/* What the pool of one lane holds even when nothing is in flight. */
int64_t memory_pool(const struct memory_share *share);

#endif
