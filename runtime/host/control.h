/* control.h: the control thread: member of the group, owner of the lanes and of the commits. [control] is the thread that calls
 * control_run(), the main thread of `weir run`; only control_interrupt() may come from elsewhere.
 *
 * Order of a life: control_open, control_run, control_leave, (producers closed), control_end_lanes, control_close. Producers are closed
 * before the lanes end because deliveries that are still open point into batches. */
#ifndef WEIR_HOST_CONTROL_H
#define WEIR_HOST_CONTROL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "batch/partition.h"
#include "host/account.h"
#include "host/failures.h"

struct clock;
struct place;
struct consumer;
struct control;
struct memory_share;
struct pipeline_file;
struct plan;
struct quarantine;

/* What it outlives. */
struct control_settings {
  const struct pipeline_file *file;
  const struct plan *plan;
  const struct clock *clock;
  const struct memory_share *share;
  struct quarantine *quarantine; /* NULL: none */
  bool until_end;                /* stop when every partition has reached what was its end at the start */
  /* Called in the control thread every `tick_ms` while it runs, drains and leaves; NULL: never. */
  void (*tick)(void *ctx, struct control *control);
  void *tick_ctx;
  int64_t tick_ms;
};

/* Why control_run() ended. */
enum control_end {
  END_SIGNAL,      /* asked to stop */
  END_REACHED,     /* --until end */
  END_ALL_STOPPED, /* every assigned partition is stopped */
  END_FENCED,      /* another member has this one's identity */
  END_FATAL,       /* the consumer is dead */
};

/* Starts the lanes with their stages, then makes the consumer; the group is not joined yet. `settings` is copied, what it points to
 * outlives the control. NULL: err has the sentence. */
struct control *control_open(const struct control_settings *settings, struct error *err);
/* Joins the group and works until something ends it. err: the sentence of the end but for END_SIGNAL and END_REACHED. */
enum control_end control_run(struct control *control, struct error *err);
/* Drains, commits and leaves the group, by `shutdown` of the pipeline or the second signal. False: a lane is stuck in a stage; then
 * nothing that it uses may be closed, and the process must exit as it is. */
bool control_leave(struct control *control);
/* Ends the lanes. False: as above. */
bool control_end_lanes(struct control *control);
/* After control_leave(): nothing is open with the cluster. Else control_close() may take as long as the session, and the process had
 * better exit as it is. */
bool control_closes_at_once(const struct control *control);
void control_close(struct control *control); /* NULL is fine */

/* [any] The first asks for a stop, the second gives up waiting. */
void control_interrupt(struct control *control);
uint32_t control_interrupts(const struct control *control);
/* Waits so long, or until an interrupt. */
void control_wait(struct control *control, int64_t wait_ms);

struct question;
/* [admin] Asks the control thread to pass it on; one at a time. The control thread holds it until it has. */
void control_ask(struct control *control, struct question *question);
/* [any] What the thread of that lane is doing. */
const struct place *control_place(const struct control *control, uint32_t lane);

/* Where everything stands. */
struct control_view {
  struct tally tally; /* of this run, every partition ever owned */
  uint32_t assigned, stopped;
  bool joined;                 /* an assignment has come, be it empty */
  bool draining;               /* leaving, or waiting for lanes in a rebalance */
  int64_t lag;                 /* records between committed and end, of the assigned partitions */
  int64_t until_remaining;     /* --until end: records not committed below the ends, -1: not known */
  uint64_t abandoned_at_end;   /* records in flight that were given up on the way out */
  uint64_t unconfirmed_at_end; /* offsets that were settled, and whose commit nobody confirmed */
};
void control_look(struct control *control, struct control_view *view);
/* Every partition ever owned, brought up to date. Valid until the next call of anything here. */
const struct accounts *control_accounts(struct control *control);
/* Dead letters and discards of all lanes, added up in `sum`. */
void control_failures(struct control *control, struct failures *sum);
const struct consumer *control_consumer(const struct control *control);
/* For the first screen; blocks up to `timeout_ms`. As consumer_describe(). */
bool control_describe(struct control *control, int timeout_ms,
    void (*each)(void *ctx, const char *topic, int32_t partitions), void *ctx, struct error *err);

#endif
