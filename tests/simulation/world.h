/* world.h: one seed: its choices, its time, what will happen, its history and its judgement. */
#ifndef WEIR_SIMULATION_WORLD_H
#define WEIR_SIMULATION_WORLD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "random.h"

enum { FAILURE_TEXT_MAX = 512 };

/* What a seed had, so that a run can prove that its seeds were not idle. */
struct events {
  uint64_t records, commits, assigns, revokes, losts, crashes, freezes, stops, retries, dead_letters, deferred, broken;
  uint64_t commits_lost, commits_late, commits_refused, requests_lost, deliveries_lost, fatals, duplicates;
};

struct world {
  struct random random;
  int64_t now_us;
  uint64_t stumble_one_in;
  bool verbose, failed;
  char failure[FAILURE_TEXT_MAX];
  struct events events;
};
extern struct world world;

/* Forgets the seed before. */
void world_begin(uint64_t seed, bool verbose);
/* One step: what is due happens, else a fiber runs, else time jumps. False: nothing will ever happen again. */
bool world_step(void);

/* `fire(ctx, number)` at that time, at the same time in the order of these calls. */
void world_at(int64_t at_us, void (*fire)(void *ctx, int64_t number), void *ctx, int64_t number);
/* Zeroed memory until the next seed. */
void *world_alloc(size_t size);

static inline int64_t world_in_us(int64_t least_us, int64_t most_us) {
  return world.now_us + random_between(&world.random, least_us, most_us);
}

/* A line of the history, shown with --verbose. */
void world_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A promise is broken: NAME is LOST, COMMIT-AHEAD ... The first one counts, and the seed ends. */
void world_fail(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
