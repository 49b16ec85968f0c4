/* workers.h: the `weir run` processes of a play: what they say, and the summary that each leaves. [main]
 *
 * A worker that was killed and started again is two entries with one number. */
#ifndef WEIR_SANDBOX_WORKERS_H
#define WEIR_SANDBOX_WORKERS_H
#include <stdint.h>
#include "sandbox/child.h"

enum { WORKERS_MAX = 16, WORKER_ENTRIES_MAX = 2 * WORKERS_MAX, WORKER_TAIL = 12, WORKER_LINE_MAX = 400 };
enum { WORKER_PARTITIONS_MAX = 256, WORKER_COUNTS = 7 };

/* The sum of sentence 6: in = delivered + filtered + discarded + dead_lettered + abandoned + in_flight. */
extern const char *const worker_count_names[WORKER_COUNTS];

struct worker_entry {
  int number, life; /* life: 1, and 2 after it was killed and started again */
  struct child child;
  struct child_lines out, err;
  bool ended, killed, asked; /* asked: to end */
  bool told;                 /* the user knows that it ended */
  int64_t owned;             /* partitions, as its log says */
  int64_t started_ms, ended_ms;
  bool has_summary;
  uint64_t counts[WORKER_COUNTS];
  char partitions[WORKER_PARTITIONS_MAX];  /* "0 1 2", of its whole life */
  char end[WORKER_LINE_MAX - 40];          /* why it ended, in its own words */
  char tail[WORKER_TAIL][WORKER_LINE_MAX]; /* its last lines, a ring */
  size_t tail_count;
};

struct workers {
  struct worker_entry all[WORKER_ENTRIES_MAX];
  int count;
  bool verbose; /* pass on all they say, else warnings and errors */
  void (*say)(void *ctx, const struct worker_entry *worker, const char *line);
  void (*show)(void *ctx, const char *line); /* a line of a worker's stdout: what the pipeline writes there */
  void *ctx;
  const char *file;         /* the pipeline */
  const char *brokers;      /* what WEIR_BROKERS says to them */
  const char *const *extra; /* further arguments for `weir run`, NULL at the end */
};

/* The environment of this process with one variable ("NAME=VALUE", kept) set or replaced. To free(). */
const char **workers_environment(const char *variable);

/* Starts worker `number` (from 1). NULL: err. */
struct worker_entry *workers_start(struct workers *workers, int number, int64_t now_ms, struct error *err);
/* The running entry with this number, NULL: it does not run. */
struct worker_entry *workers_running(struct workers *workers, int number);
int workers_running_count(const struct workers *workers);
/* Partitions that they own together, -1: one of them has none. */
int64_t workers_owned(const struct workers *workers);

/* kill -9; returns when it is dead. */
void workers_kill(struct workers *workers, struct worker_entry *worker, int64_t now_ms);
/* Asks all that run to finish (SIGTERM). */
void workers_ask(struct workers *workers);
/* Reads what they wrote and notes who has ended. */
void workers_serve(struct workers *workers, int64_t now_ms);
/* Ends whatever still runs, at once. */
void workers_end(struct workers *workers);
/* "exit 0", "killed with SIGKILL", "ended by signal 11 (Segmentation fault)". Returns `into`. */
const char *worker_fate(const struct worker_entry *worker, char into[WORKER_LINE_MAX]);
/* It ended as it should: killed by us, or with exit 0. */
bool worker_is_fine(const struct worker_entry *worker);

#endif
