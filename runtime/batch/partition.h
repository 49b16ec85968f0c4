/* partition.h: one assignment of one partition: its ledger and its sum.
 *
 * Created by the control thread when the partition is assigned, given back when no batch of it is alive. The lane that owns the
 * partition opens and settles, the control thread reads and commits: both under `lock`, once per batch, never per record. */
#ifndef WEIR_BATCH_PARTITION_H
#define WEIR_BATCH_PARTITION_H
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "batch/ledger.h"

/* Final outcome of a source record, in rising weight: a record whose children ended differently has the heaviest. */
enum outcome {
  OUTCOME_OPEN = 0,
  OUTCOME_FILTERED,
  OUTCOME_DELIVERED,
  OUTCOME_DISCARDED,
  OUTCOME_DEAD_LETTERED,
  OUTCOME_ABANDONED,
  OUTCOMES
};

/* The sum of sentence 6: in = filtered + delivered + discarded + dead-lettered + abandoned + in flight, in source records. */
struct tally {
  uint64_t in;
  uint64_t settled[OUTCOMES]; /* by enum outcome; [OUTCOME_OPEN] stays 0 */
};

struct partition {
  uint32_t magic;
  weir_partition view; /* what plugins see; .epoch is this assignment's */
  char *topic;         /* owns view.topic, NUL-terminated */
  void *owner;         /* of the layer above (host/assignment), opaque here */
  uint32_t batches;    /* [lane] alive: taken from the pool and not given back; they point here */
  pthread_mutex_t lock;
  struct ledger ledger; /* under lock */
  struct tally tally;   /* under lock */
};

/* `topic` is copied. NULL: no memory. */
struct partition *partition_create(const char *topic, int32_t number, uint64_t epoch, int64_t start);
/* must(nothing of it is in flight in a batch that is alive). NULL is fine. */
void partition_destroy(struct partition *partition);

void tally_add(struct tally *sum, const struct tally *more);
uint64_t tally_in_flight(const struct tally *tally);

#endif
