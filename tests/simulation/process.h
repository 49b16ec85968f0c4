/* process.h: one life of a worker: its memory, its fibers, its end. A crash drops both in the middle of whatever they do; what it had
 * sent to the broker is still on its way. */
#ifndef WEIR_SIMULATION_PROCESS_H
#define WEIR_SIMULATION_PROCESS_H
#include <stdbool.h>
#include <stdint.h>

enum { PROCESSES_MAX = 4 };

struct block;

struct process {
  uint32_t slot; /* which worker */
  uint32_t life; /* counted up, over all workers */
  bool runs;     /* started and not ended */
  bool frozen;   /* SIGSTOP */
  bool ended;    /* by itself, with exit_code */
  int exit_code;
  int64_t cut_until_us; /* no request gets through */
  int64_t asked_us;     /* when it was asked to stop, 0: it was not */
  struct block *blocks; /* its memory */
  void (*interrupt)(void *ctx);
  void *interrupt_ctx;
};

struct process *process_of(uint32_t slot);
/* A worker begins; `body` runs in its first fiber. must(it does not run). */
void process_start(struct process *process, void *(*body)(void *arg), void *arg);
/* kill -9. */
void process_crash(struct process *process);
/* It exits by itself: called in one of its fibers. */
_Noreturn void process_exit(int exit_code);
/* SIGSTOP and SIGCONT. */
void process_freeze(struct process *process, bool frozen);
static inline bool process_is_frozen(const struct process *process) { return process->frozen; }
/* SIGTERM. */
void process_interrupt(struct process *process);
/* Forgets all of the seed before. */
void processes_reset(void);

#endif
