/* world.c: what will happen stands in a heap, ordered by time and then by the order in which it was asked for. */
#include "world.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "fiber.h"

enum { MEMORY_BYTES = 64 << 20, EVENTS_MAX = 1 << 16, STEP_US_MAX = 40 };

struct event {
  int64_t at_us;
  uint64_t order;
  void (*fire)(void *ctx, int64_t number);
  void *ctx;
  int64_t number;
};

struct world world;
static struct event events[EVENTS_MAX];
static size_t event_count;
static uint64_t orders;
static char *memory;
static size_t memory_used;

void world_begin(uint64_t seed, bool verbose) {
  fibers_kill(NULL);
  world = (struct world){.random = {seed * 0x2545f4914f6cdd1du + 1}, .now_us = 1000000, .verbose = verbose};
  static const uint64_t stumbles[] = {1000000, 200, 30, 8};
  world.stumble_one_in = stumbles[random_below(&world.random, 4)];
  event_count = memory_used = 0;
  orders = 0;
}

/* --- the heap --- */

static bool is_before(const struct event *a, const struct event *b) {
  return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

void world_at(int64_t at_us, void (*fire)(void *ctx, int64_t number), void *ctx, int64_t number) {
  must(event_count < EVENTS_MAX);
  struct event event = {at_us < world.now_us ? world.now_us : at_us, ++orders, fire, ctx, number};
  size_t at = event_count++;
  for (; at > 0 && is_before(&event, &events[(at - 1) / 2]); at = (at - 1) / 2) events[at] = events[(at - 1) / 2];
  events[at] = event;
}

static struct event take_first(void) {
  struct event first = events[0], last = events[--event_count];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= event_count) break;
    if (child + 1 < event_count && is_before(&events[child + 1], &events[child])) child++;
    if (!is_before(&events[child], &last)) break;
    events[at] = events[child];
    at = child;
  }
  events[at] = last;
  return first;
}

bool world_step(void) {
  if (event_count && events[0].at_us <= world.now_us) {
    struct event event = take_first();
    event.fire(event.ctx, event.number);
    return true;
  }
  int64_t next_us = event_count ? events[0].at_us : FOREVER_US;
  if (fibers_turn(&next_us)) {
    world.now_us += (int64_t)random_below(&world.random, STEP_US_MAX);
    return true;
  }
  if (next_us >= FOREVER_US) return false;
  world.now_us = next_us;
  return true;
}

void *world_alloc(size_t size) {
  extern void *__real_calloc(size_t count, size_t size);
  if (!memory) memory = __real_calloc(1, MEMORY_BYTES);
  size = (size + 15) & ~(size_t)15;
  must(memory && memory_used + size <= MEMORY_BYTES);
  void *result = memory + memory_used;
  memory_used += size;
  return memset(result, 0, size);
}

/* --- words --- */

void world_say(const char *format, ...) {
  if (!world.verbose) return;
  va_list args;
  va_start(args, format);
  printf("%10.3f  ", (double)world.now_us / 1000);
  vprintf(format, args);
  putchar('\n');
  va_end(args);
}

void world_fail(const char *name, const char *format, ...) {
  if (world.failed) return;
  world.failed = true;
  char text[FAILURE_TEXT_MAX - 32];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  snprintf(world.failure, sizeof world.failure, "%.30s: %s", name, text);
  world_say("!!! %s", world.failure);
}
