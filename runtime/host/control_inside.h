/* control_inside.h: what the files of the control thread share. Nobody else includes it. [control] for everything. */
#ifndef WEIR_HOST_CONTROL_INSIDE_H
#define WEIR_HOST_CONTROL_INSIDE_H
#include <pthread.h>
#include "base/log.h"
#include "base/place.h"
#include "config/pipeline_file.h"
#include "host/assignment.h"
#include "host/control.h"
#include "host/lane.h"
#include "kafka/committer.h"
#include "kafka/consumer.h"

struct question;

struct control {
  uint32_t magic;
  struct control_settings settings;
  struct consumer *consumer;
  struct committer *committer;
  struct lane **lanes;
  uint32_t lane_count; /* started */
  struct watchdog *watchdog;
  struct place place; /* of the control thread; written by it alone */

  /* Any thread. */
  pthread_mutex_t lock;
  pthread_cond_t cond;
  uint64_t changes;           /* under lock: a lane did something that may be waited for */
  _Atomic bool moved, urgent; /* something may be committed; at once */
  _Atomic bool starved;       /* some assignment is */
  _Atomic bool changed;       /* control_run() has to look at stops and departures */
  _Atomic uint32_t interrupts;
  struct question *question; /* under lock: asked, and not passed on yet; held */
  _Atomic bool questioned;

  struct assignment *owned;   /* by next; read by their lanes */
  struct assignment *leaving; /* their feed is closed, their lane has not let go yet */
  size_t owned_count;
  uint64_t epoch; /* the last one given */
  struct accounts accounts;
  struct tally gone; /* of assignments that are destroyed */

  int64_t next_refill_ms;
  int64_t next_commit_ms, next_tick_ms, next_stop_lines_ms, empty_since_ms;
  struct commit *commits; /* room for owned_count */
  size_t commit_capacity;
  struct log_limit commit_trouble;

  bool left_clean; /* the cluster confirmed that the group was left */
  bool joined, leaving_group, draining, fatal, fenced;
  int64_t leave_deadline_ms; /* shutdown: everything is over by then */
  struct error fatal_err;
  uint64_t abandoned_at_end, unconfirmed_at_end;
};

static inline int64_t control_now(const struct control *control) { return clock_now(control->settings.clock); }
/* The second signal came: no waiting any more. */
static inline bool control_gives_up(const struct control *control) { return atomic_load(&control->interrupts) >= 2; }

/* The sentence of each stopped partition: at once, and again every minute. */
void control_say_stops(struct control *control);
/* The progress, when its time has come. */
void control_tick(struct control *control);

/* control_members.c: the callbacks of a rebalance. */
bool members_assign(void *ctx, const struct assignment_request *requests, size_t count);
void members_assigned(void *ctx, const struct assignment_request *requests, size_t count);
void members_revoke(void *ctx, const struct assignment_request *requests, size_t count, bool lost);
void members_revoked(void *ctx, const struct assignment_request *requests, size_t count);
/* What is left when the group was left without a callback. */
void members_abandon_rest(struct control *control);
/* Destroys those whose lane has let go. */
void members_reap(struct control *control);
struct assignment *members_find(const struct control *control, const char *topic, int32_t partition);

/* control_drain.c */
/* Reads no further, waits until what is in flight is settled or the time is over, commits, fences for good. */
void drain_assignments(struct control *control, struct assignment **assignments, size_t count);
/* Says what of it is given up: in flight, or committed without an answer. */
void drain_report(struct control *control, struct assignment *assignment);
/* Waits until the lanes have done it or the deadline has passed. */
bool drain_wait(
    struct control *control, struct assignment **assignments, size_t count, enum errand_kind kind, int64_t deadline_ms);

/* control_commit.c */
void commit_answer(void *ctx, const struct commit *commit, const struct error *err);
/* Sends what can be committed when its time has come and no answer is awaited. */
void commit_serve(struct control *control);
/* When commit_serve() has something to do, INT64_MAX: not before it is woken. */
int64_t commit_due(const struct control *control);
/* Commits everything committable and waits for the answer until `deadline_ms`. False: nothing was sent, or no answer came. */
bool commit_all(struct control *control, int64_t deadline_ms);

/* control_watch.c */
/* Starts the watchdog. The lanes are started. */
bool watch_start(struct control *control, struct error *err);
/* From here on this thread has to say that its loop turns, by place_work() or place_rest(); or no more. */
void watch_loop(struct control *control, bool watched);

/* control_explain.c: passes a question on to the lanes. */
void explain_serve(struct control *control);

/* control_refill.c: wakes librdkafka where it rests although its queues are empty, and there is more. */
void refill_serve(struct control *control);
int64_t refill_due(const struct control *control);

/* control_events.c: what lanes and signals say. */
void event_committable(void *ctx, bool urgent);
void event_changed(void *ctx);
void event_starved(void *ctx);
/* Waits until something changed since `changes` was read, until `until_ms`. */
uint64_t event_count(struct control *control);
void event_wait(struct control *control, uint64_t changes, int64_t until_ms);

#endif
