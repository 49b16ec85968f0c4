/* watchdog.h: notices a thread that does not come back: a lane inside a stage, or the loop of a lane or of the control thread. Kafka does
 * not: it takes a worker for alive as long as any of its threads polls.
 *
 * At a stage's `deadline` for one call the stage is named in the log; at twice the deadline the process is aborted, so that its
 * partitions go to others after the session time-out instead of standing still for ever. Nothing is lost by that: what was not settled
 * was not committed. Only time in which the watchdog itself ran counts, so a process that was stopped for a while is not blamed. */
#ifndef WEIR_HOST_WATCHDOG_H
#define WEIR_HOST_WATCHDOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/place.h"

struct clock;
struct watchdog;

/* A thread to watch. Both outlive the watchdog. */
struct watchdog_subject {
  const char *name; /* "lane 0" */
  struct place *place;
};

/* A thread that is late. */
struct watchdog_find {
  size_t subject;
  const char *name;
  struct place *place;
  const struct place_view *view;
  int64_t since_ms; /* wall clock */
  int64_t late_ms, deadline_ms;
  bool over; /* twice the deadline */
};

/* [main] `subjects` is copied; `found` is called from watchdog_look(), once at the deadline and at each look from twice the deadline on.
 * `least_ms`: the shortest deadline of any stage. NULL: no memory. */
struct watchdog *watchdog_create(const struct watchdog_subject *subjects, size_t count, int64_t least_ms,
    const struct clock *clock, void (*found)(void *ctx, const struct watchdog_find *find), void *ctx);
/* Stops it before, when it was started. NULL is fine. */
void watchdog_destroy(struct watchdog *watchdog);

/* One look at all of them. [watchdog], or a test that started no thread. */
void watchdog_look(struct watchdog *watchdog);
/* How often to look, so that nothing is more than a quarter of its deadline late in being noticed. */
int64_t watchdog_every_ms(const struct watchdog *watchdog);

/* [main] A thread that looks until watchdog_stop(). */
bool watchdog_start(struct watchdog *watchdog, struct error *err);
void watchdog_stop(struct watchdog *watchdog); /* NULL, or not started: nothing */

/* What a worker does with a find: logs, and aborts where it is over. `ctx` is of no interest. */
void watchdog_bark(void *ctx, const struct watchdog_find *find);

#endif
