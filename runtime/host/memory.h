/* memory.h: how a worker divides `memory`, so that the parts add up to it. Pure.
 *
 *   fetched    half      what librdkafka has read and the lanes have not (kafka/budget.h)
 *   outgoing   a quarter what its producer has to send
 *   program              code, threads, connections: fixed
 *   lanes                stages and scripts, so much a lane
 *   batches              the rest, shared by the lanes: the payload of a batch and the arena its stages write into
 */
#ifndef WEIR_HOST_MEMORY_H
#define WEIR_HOST_MEMORY_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

/* All sizes in bytes. */
struct memory_share {
  int64_t memory, fetched, outgoing, program;
  uint32_t lanes;
  int64_t lane;          /* stages and scripts of one lane */
  uint32_t batches;      /* of each lane */
  int64_t batch_payload; /* of the records of a batch, before one more is taken; at most `batch.bytes` */
  int64_t batch_arena;   /* budget of a batch's arena */
  int64_t queue;         /* queued.max.messages.kbytes of a partition's queue */
  int64_t partitions;    /* whose queues fit in `fetched` */
};

/* What the file asks for. */
struct memory_wish {
  int64_t memory_bytes, batch_bytes;
  uint32_t lanes, batch_records;
  bool lanes_given; /* else fewer lanes are taken where memory does not reach for all */
};

/* False: it is not enough; err says what would be. */
bool memory_divide(const struct memory_wish *wish, struct memory_share *share, struct error *err);
/* The parts together: at most share->memory. */
int64_t memory_sum(const struct memory_share *share);

#endif
