/* intake.h: how records get from a feed into a batch, the batch into the ledger, and its outcome back into the ledger. [lane]
 *
 * At least once: a range is opened, goes through the stages, and is settled with its last record. At most once: it is opened and
 * settled at once, and its batch waits until the broker has confirmed the commit; only then it meets the first stage. */
#ifndef WEIR_HOST_INTAKE_H
#define WEIR_HOST_INTAKE_H
#include <stdbool.h>
#include <stdint.h>

struct assignment;
struct batch;
struct lane_settings;
struct runner;

/* Part of its lane. */
struct intake {
  const struct lane_settings *settings;
  struct runner *runner;
  bool dry;     /* the pool had no batch; cleared by the lane when one comes back */
  int64_t work; /* bytes that batches in flight hold: each is charged from its opening to its last outcome */
  _Atomic int64_t work_max;      /* no further batch while they hold so much; set by the control thread */
  _Atomic int64_t queue_bytes;   /* see lane_watch_queues() */
  const struct batch *beginning; /* inside runner_begin() and not settled so far */
};

/* How a feed was left. */
enum intake_left {
  LEFT_EMPTY,   /* it was seen empty, or is not to be read any more: nothing to do before the next mark */
  LEFT_MORE,    /* there may be more: back to the end of the ready list */
  LEFT_OWING,   /* it may not be read now: owes its mark until intake_may_read() */
  LEFT_FILLING, /* it was seen empty, but its batch waits for more until filling_until_ms */
};

/* Why no further batch of a partition is read although there is more. */
enum hold {
  HOLD_NONE,
  HOLD_BOUND,  /* `commit.uncommitted`: too many offsets since the confirmed commit */
  HOLD_RANGES, /* the ledger has no free range */
  HOLD_POOL,   /* no batch is free */
  HOLD_MEMORY, /* the batches in flight hold the lane's share of `memory` */
  HOLD_RUNNER, /* a retry or a full producer holds its line */
  HOLD_COMMIT, /* at_most_once: the commit of what was read is not confirmed */
};
enum hold intake_hold(const struct intake *intake, const struct assignment *assignment);

/* Takes what is there, up to one batch, and sends it on its way. must(state is RUNNING). */
enum intake_left intake_read(struct intake *intake, struct assignment *assignment);
/* No hold, no full duplicate bound, work to spare, and a free batch as far as is known. */
bool intake_may_read(const struct intake *intake, const struct assignment *assignment);
/* The wait for a fuller batch is over: sends what is there. */
void intake_flush(struct intake *intake, struct assignment *assignment);
/* Gives back what was taken and not opened: nobody has seen it. */
void intake_drop(struct intake *intake, struct assignment *assignment);

/* At most once: starts the batches whose commit is confirmed, as far as the runner takes them. */
void intake_begin_confirmed(struct intake *intake, struct assignment *assignment);
/* At most once: gives up the batches whose commit is not confirmed; counted as abandoned. */
void intake_abandon_unconfirmed(struct intake *intake, struct assignment *assignment);
/* Tells the ledger of an end of the partition that it had no free range for. */
void intake_end(struct intake *intake, struct assignment *assignment);

/* All records of the batch have their outcome. */
void intake_settled(struct intake *intake, struct batch *batch);
/* Tells the ledger how far the unsettled batches have come, and the control thread how many records are open. */
void intake_progress(struct intake *intake, struct assignment *assignment);

#endif
