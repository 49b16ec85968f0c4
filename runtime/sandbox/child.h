/* child.h: processes that the sandbox starts. Each is in a process group of its own, so a Ctrl-C reaches the sandbox alone, which then ends
 * them in order; and each dies with the sandbox, however that ends. [main], before or between, but never inside, calls of librdkafka. */
#ifndef WEIR_SANDBOX_CHILD_H
#define WEIR_SANDBOX_CHILD_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/error.h"

/* Plain data; pid 0: not running. */
struct child {
  pid_t pid;
  int out, err; /* what it writes, not blocking; -1: closed */
  int status;   /* as waitpid() gives it, once it has ended */
};

/* Runs this program again with these arguments and this environment (NULL at the end). */
bool child_run(struct child *child, const char *const *argv, const char *const *environment, struct error *err);
/* Runs `body` in a copy of this process, with its stdout as the pipe `out`; its result is the exit code. Only while no other thread exists. */
bool child_fork(struct child *child, int (*body)(void *ctx), void *ctx, struct error *err);

void child_signal(const struct child *child, int number);
/* True when it has ended, now or before; `status` is filled then. Does not wait. */
bool child_ended(struct child *child);
/* Kills it if it still runs, waits for its end, closes the pipes. */
void child_end(struct child *child);

/* Text that comes in pieces and leaves in lines. */
enum { LINE_BYTES = 64 << 10 };
struct child_lines {
  char bytes[LINE_BYTES];
  size_t size;
};
/* Reads what is there and calls `line` for each whole line, and at the end of the stream for what is left. False: the stream has ended; then
 * *descriptor is closed and -1. Longer lines are cut. */
bool child_read_lines(int *descriptor, struct child_lines *lines, void (*line)(void *ctx, const char *text), void *ctx);

#endif
