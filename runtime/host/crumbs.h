/* crumbs.h: the places of a worker's lanes in a file that outlives it, so that the next worker finds the records which were inside a
 * stage when it died. The kernel keeps what was written to the mapped file, whatever kills the process.
 *
 * A file belongs to the worker that holds its lock; the lock ends with the process, so a file that can be locked has a dead owner. A worker
 * that ends in order takes its file away. */
#ifndef WEIR_HOST_CRUMBS_H
#define WEIR_HOST_CRUMBS_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/place.h"

struct crumbs;

/* [main] Takes the first free file NAME.0, NAME.1 ... of the folder. Call crumbs_judge() before. NULL: err. */
struct crumbs *crumbs_open(const char *folder, const char *name, uint32_t lanes, struct error *err);
/* [any] Lives until crumbs_close(). */
struct place *crumbs_place(struct crumbs *crumbs, uint32_t lane);
/* [any] A stop was asked for: a kill from now on is no fault of a record. */
void crumbs_asked(struct crumbs *crumbs);
/* [main] The worker has ended in order. The places stay mapped where `lanes_live`: a lane is left behind in a stage. NULL is fine. */
void crumbs_close(struct crumbs *crumbs, bool lanes_live);

/* A lane that was inside process() when its worker died of it. */
struct crumbs_death {
  const struct place_view *view;
  const char *how; /* "SIGSEGV", "memory" */
  bool alone;      /* one record in its batch, and for lack of memory no other lane was in a stage */
};
/* [main] Looks at the files of dead workers, calls `each` for what they died of, and takes the files away. A worker that was killed from outside
 * leaves nothing: only a signal that came from its own code, a watchdog's abort, and the kernel's kill for lack of memory are somebody's fault. */
void crumbs_judge(
    const char *folder, const char *name, void (*each)(void *ctx, const struct crumbs_death *death), void *ctx);

/* How often the kernel has killed for lack of memory since it started, -1: it does not say. Tests ask another file than /proc/vmstat; NULL:
 * that one again. `path` is kept. */
int64_t crumbs_memory_kills(void);
void crumbs_ask_elsewhere(const char *path);

#endif
