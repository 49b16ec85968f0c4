/* feeder.h: writes the supplies into their topics, at a pace. [main] */
#ifndef WEIR_SANDBOX_FEEDER_H
#define WEIR_SANDBOX_FEEDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct supply;
struct feeder;

struct feeder_settings {
  const char *address;
  struct supply *const *supplies; /* outlive it; taken from in turn */
  size_t supply_count;
  int64_t repeat; /* how often each is fed, at least 1 */
  int64_t rate;   /* records a second at most, 0: as fast as the pipeline takes them */
};

/* `settings` is copied. NULL: err. */
struct feeder *feeder_open(const struct feeder_settings *settings, struct error *err);
void feeder_close(struct feeder *feeder); /* NULL is fine */

/* Feeds what is due. The broker keeps 5 MiB of a partition and drops what is older, so no more than some 2 MiB may wait in one:
 * `seen` records were in the topics when somebody looked last, and `waiting` of them in the partition that is furthest behind; what was
 * sent since may all be in that one. False: a record was refused, err says why. */
bool feeder_step(struct feeder *feeder, int64_t now_ms, int64_t seen, int64_t waiting, struct error *err);
/* Feeds no more: what is left is left. */
void feeder_stop(struct feeder *feeder);

int64_t feeder_total(const struct feeder *feeder); /* records to feed in all */
int64_t feeder_fed(const struct feeder *feeder);   /* that the broker has confirmed */
/* Everything is fed and confirmed, or was stopped. */
bool feeder_done(const struct feeder *feeder);

#endif
