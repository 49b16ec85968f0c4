/* fiber.c: a fiber is entered once with makecontext(); from then on _setjmp() and _longjmp() switch, which make no system call. */
#include "fiber.h"
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "base/check.h"
#include "base/place.h"
#include "process.h"
#include "world.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { FIBERS_MAX = 64, STACK_BYTES = 256 << 10 };

struct fiber {
  bool used, ended, waits, started;
  uint64_t number;
  struct process *process;
  void *(*body)(void *arg);
  void *arg;
  const void *on;
  int64_t until_us;
  bool woken;
  void *stack; /* kept for the next one */
  void *fake;  /* of AddressSanitizer */
  jmp_buf where;
  ucontext_t entry;
  struct place *place;
};

static struct fiber fibers[FIBERS_MAX];
static struct fiber *running;
static uint64_t numbers;
static jmp_buf world_where;
#ifdef WITH_ASAN
static void *world_fake;
static const void *world_stack;
static size_t world_stack_bytes;
#endif

/* --- switching --- */

/* What a thread has for itself, a fiber has to have, too. */
void __wrap_place_use(struct place *place);
void __real_place_use(struct place *place);
void __wrap_place_use(struct place *place) {
  if (running) running->place = place;
  __real_place_use(place);
}

static void leave_to_world(struct fiber *fiber) {
#ifdef WITH_ASAN
  __sanitizer_start_switch_fiber(fiber->ended ? NULL : &fiber->fake, world_stack, world_stack_bytes);
#endif
  if (_setjmp(fiber->where) == 0) _longjmp(world_where, 1);
#ifdef WITH_ASAN
  __sanitizer_finish_switch_fiber(fiber->fake, &world_stack, &world_stack_bytes);
#endif
}

static void enter(void) {
#ifdef WITH_ASAN
  __sanitizer_finish_switch_fiber(NULL, &world_stack, &world_stack_bytes);
#endif
  running->body(running->arg);
  fiber_end();
}

static void run(struct fiber *fiber) {
  running = fiber;
  __real_place_use(fiber->place);
#ifdef WITH_ASAN
  __sanitizer_start_switch_fiber(&world_fake, fiber->stack, STACK_BYTES);
#endif
  if (_setjmp(world_where) == 0) {
    if (fiber->started) _longjmp(fiber->where, 1);
    fiber->started = true;
    setcontext(&fiber->entry);
  }
#ifdef WITH_ASAN
  __sanitizer_finish_switch_fiber(world_fake, NULL, NULL);
#endif
  running = NULL;
  __real_place_use(NULL);
}

/* --- life --- */

static void *map_stack(void) {
  void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  must(stack != MAP_FAILED);
  return stack;
}

static void prepare_entry(struct fiber *fiber) {
#ifdef WITH_ASAN
  __asan_unpoison_memory_region(fiber->stack, STACK_BYTES); /* the one before may have been killed in the middle */
#endif
  must(getcontext(&fiber->entry) == 0);
  fiber->entry.uc_stack.ss_sp = fiber->stack;
  fiber->entry.uc_stack.ss_size = STACK_BYTES;
  makecontext(&fiber->entry, enter, 0);
}

uint64_t fiber_start(struct process *process, void *(*body)(void *arg), void *arg) {
  struct fiber *fiber = fibers;
  while (fiber < fibers + FIBERS_MAX && fiber->used) fiber++;
  must(fiber < fibers + FIBERS_MAX);
  void *stack = fiber->stack ? fiber->stack : map_stack();
  *fiber =
      (struct fiber){.used = true, .number = ++numbers, .process = process, .body = body, .arg = arg, .stack = stack};
  prepare_entry(fiber);
  return fiber->number;
}

struct fiber *fiber_self(void) {
  return running;
}
struct process *fiber_process(void) {
  return running ? running->process : NULL;
}
uint64_t fiber_number(const struct fiber *fiber) { return fiber->number; }

bool fiber_lives(const struct fiber *fiber, uint64_t number) {
  return fiber->used && !fiber->ended && fiber->number == number;
}

static bool has_ended(uint64_t number) {
  const struct fiber *fiber = fibers;
  while (fiber < fibers + FIBERS_MAX && !fiber_lives(fiber, number)) fiber++;
  return fiber == fibers + FIBERS_MAX;
}

static const void *end_of(uint64_t number) { return (const void *)(uintptr_t)number; }

void fiber_join(uint64_t number) {
  while (!has_ended(number)) fiber_wait(end_of(number), FOREVER_US);
}

void fiber_end(void) {
  struct fiber *fiber = running;
  must(fiber);
  fiber->ended = true;
  fiber_wake(end_of(fiber->number));
  leave_to_world(fiber);
  must_not_reach();
}

void fibers_kill(const struct process *process) {
  for (struct fiber *fiber = fibers; fiber < fibers + FIBERS_MAX; fiber++) {
    if (!fiber->used || (process && fiber->process != process)) continue;
    fiber->ended = true;
    if (fiber != running) fiber->used = false;
  }
}

/* --- waiting --- */

void fiber_yield(void) {
  if (!running) return;
  running->waits = false;
  leave_to_world(running);
}

void fiber_stumble(void) {
  if (running && random_below(&world.random, world.stumble_one_in) == 0) fiber_yield();
}

bool fiber_wait(const void *on, int64_t until_us) {
  struct fiber *fiber = running;
  must(fiber); /* the world never waits */
  fiber->on = on;
  fiber->until_us = until_us;
  fiber->woken = false;
  fiber->waits = true;
  leave_to_world(fiber);
  fiber->waits = false;
  fiber->on = NULL;
  return fiber->woken;
}

static void wake(struct fiber *fiber) {
  fiber->woken = true;
  fiber->waits = false;
}

void fiber_wake(const void *on) {
  for (struct fiber *fiber = fibers; fiber < fibers + FIBERS_MAX; fiber++)
    if (fiber->used && !fiber->ended && fiber->waits && fiber->on == on) wake(fiber);
}

void fiber_wake_one(const void *on) {
  struct fiber *found = NULL;
  uint64_t seen = 0;
  for (struct fiber *fiber = fibers; fiber < fibers + FIBERS_MAX; fiber++)
    if (fiber->used && !fiber->ended && fiber->waits && fiber->on == on)
      if (random_below(&world.random, ++seen) == 0) found = fiber;
  if (found) wake(found);
}

/* --- choosing --- */

static bool can_run(const struct fiber *fiber, int64_t *next_us) {
  if (!fiber->used || fiber->ended || (fiber->process && process_is_frozen(fiber->process))) return false;
  if (!fiber->waits || fiber->until_us <= world.now_us) return true;
  if (fiber->until_us < *next_us) *next_us = fiber->until_us;
  return false;
}

bool fibers_turn(int64_t *next_us) {
  struct fiber *ready[FIBERS_MAX];
  uint32_t count = 0;
  for (struct fiber *fiber = fibers; fiber < fibers + FIBERS_MAX; fiber++)
    if (can_run(fiber, next_us)) ready[count++] = fiber;
  if (!count) return false;
  struct fiber *chosen = ready[count == 1 ? 0 : random_below(&world.random, count)];
  run(chosen);
  if (chosen->ended) chosen->used = false;
  return true;
}
