/* ledger.h: what of one partition was delivered to the pipeline, what of it is settled, and so what may be committed.
 *
 * Invariant: committable is the offset of the lowest delivered and unsettled record, else the offset behind the last delivered
 * one. It never moves back within an epoch. Pure code: no clock, no thread, no librdkafka; the owner locks. */
#ifndef WEIR_BATCH_LEDGER_H
#define WEIR_BATCH_LEDGER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/limits.h"

/* One batch's share of the partition: offsets first .. next-1, of which `count` hold records (an end-of-partition event is a
 * range of none). What lies below `progress` is settled. */
struct ledger_range {
  int64_t first, next, progress;
  uint32_t count;
  bool settled;
};

/* Owned by its struct partition and guarded by that one's lock. */
struct ledger {
  uint64_t epoch;   /* 0: not assigned */
  int64_t expected; /* no range may start below */
  int64_t committable;
  int64_t confirmed;   /* the broker has this */
  uint64_t head, tail; /* ids of the open ranges: head .. tail-1; an id is never reused */
  struct ledger_range ranges[LIMIT_LEDGER_RANGES];
};

/* A new assignment or a rewind: all that was open is forgotten. `start`: the next offset to deliver, as the broker has it
 * committed. must(epoch > the last one). */
void ledger_begin(struct ledger *ledger, uint64_t epoch, int64_t start);
/* The partition is no longer ours: nothing may be opened, settled or committed until ledger_begin(). */
void ledger_end(struct ledger *ledger);

/* May another range be opened: the epoch holds, a range is free, and fewer than `uncommitted_max` offsets lie between the
 * confirmed commit and the newest delivered record (the duplicate bound). */
bool ledger_may_open(const struct ledger *ledger, uint64_t epoch, int64_t uncommitted_max);
/* Records `first` .. `next`-1 are delivered to the pipeline. Gives the range's id; 0: the epoch is over, give the records back.
 * must(first >= expected), must(next >= first), must(a range is free). */
uint64_t ledger_open(struct ledger *ledger, uint64_t epoch, int64_t first, int64_t next, uint32_t count);
/* All records of the range are settled. False: the epoch is over, it changes nothing. Settling twice is a programmer error. */
bool ledger_settle(struct ledger *ledger, uint64_t epoch, uint64_t id);
/* The records of the range below `offset` are settled (a partition that stops or drains in the middle of a batch). */
bool ledger_progress(struct ledger *ledger, uint64_t epoch, uint64_t id, int64_t offset);
/* The broker confirmed a commit of `offset`. False: the epoch is over. must(offset <= committable). */
bool ledger_confirm(struct ledger *ledger, uint64_t epoch, int64_t offset);

/* Records delivered and not in a settled range. */
uint64_t ledger_in_flight(const struct ledger *ledger);
/* Records in settled ranges beyond committable: done, but held back by the lowest unsettled one. */
uint64_t ledger_beyond(const struct ledger *ledger);

#endif
