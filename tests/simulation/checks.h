/* checks.h: what must hold, at every moment and at the end. The checks see the broker and the stages, never the ledger. */
#ifndef WEIR_SIMULATION_CHECKS_H
#define WEIR_SIMULATION_CHECKS_H
#include <stdbool.h>
#include <stdint.h>
#include "cluster.h"

/* What becomes of a record, decided when it is made. */
enum fate {
  FATE_PASS,
  FATE_DROP,
  FATE_RETRY,   /* RETRY a few times, then it passes */
  FATE_REJECT,  /* meets on_failure */
  FATE_TIRES,   /* RETRY for ever: its attempts are used up */
  FATE_EMIT,    /* two children, and it is dropped */
  FATE_SPLIT,   /* one child, and it passes */
  FATE_REFUSED, /* by the broker, at the sink: a dead letter */
  FATES
};

enum failure_policy { POLICY_DEAD_LETTER, POLICY_DISCARD, POLICY_STOP };

struct rules {
  enum failure_policy policy; /* of the stage */
  bool has_sink;              /* a second sink, a plugin */
  bool quiet;                 /* nothing goes wrong: nothing may be repeated */
  int64_t uncommitted_max;
  bool at_most_once, from_latest;
};
extern struct rules rules;

void checks_reset(void);
void checks_record(int32_t partition, int64_t offset, enum fate fate);
enum fate checks_fate(int32_t partition, int64_t offset);

/* --- what happens --- */

/* A partition is assigned to a worker, to be read from `start`. */
void checks_assigned(uint32_t slot, int32_t partition, int64_t start);
/* It has committed: what it repeats from now on is another incident. */
void checks_begin_anew(uint32_t slot, int32_t partition);
/* A stage of that worker met it, in the assignment `epoch`. */
void checks_seen(uint32_t slot, uint32_t epoch, const struct payload *payload);
void checks_dropped(const struct payload *payload);
/* ... for good: with POLICY_DISCARD that is its end. */
void checks_rejected(const struct payload *payload);
/* A plugin sink took it. */
void checks_sunk(const struct payload *payload);
/* It stands in an output. */
void checks_written(enum topic topic, const struct payload *payload, uint64_t producer);
/* A commit is carried out; `before` -1: there was none. */
void checks_commit(int32_t partition, int64_t before, int64_t offset);

/* --- the end --- */

/* How far a partition can come: its end, or the record that stops it. */
int64_t checks_goal(int32_t partition);
/* Everything is where it belongs. */
bool checks_all_done(void);
/* Names what is not. */
void checks_final(void);

#endif
