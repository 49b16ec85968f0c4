/* suspects.h: records that were inside a stage when the worker died of that stage. A file of lines, one for each suspicion, which the
 * workers of a pipeline on one host share; whoever changes it holds the lock of its folder (quarantine.c).
 *
 * A range of several records only says that one of them may be guilty: they are taken one at a time. A record that was alone in its batch
 * has a count of deaths. What was committed is innocent, and forgotten. */
#ifndef WEIR_HOST_SUSPECTS_H
#define WEIR_HOST_SUSPECTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/limits.h"

struct suspect {
  char topic[LIMIT_TOPIC_NAME + 1];
  int32_t partition;
  int64_t first, last; /* offsets */
  uint32_t deaths;     /* alone in its batch; 0: it never was */
  char label[LIMIT_LABEL + 1];
  char how[16]; /* "SIGSEGV" */
};

/* In place; by value. */
struct suspects {
  struct suspect list[LIMIT_SUSPECTS];
  size_t count;
};

/* No file: none. Lines that are none are left out. False: it cannot be read. */
bool suspects_read(struct suspects *suspects, const char *path, struct error *err);
/* In one step: another process sees the old file or the new one. Without suspects there is no file. */
bool suspects_write(const struct suspects *suspects, const char *path, struct error *err);

/* The worker died inside a stage that had these records: first == last and `alone`: one more death of that record, which clears ranges with
 * it, since the guilty one is found; else a range. Returns the entry; valid until the next change. */
const struct suspect *suspects_died(struct suspects *suspects, const struct suspect *death, bool alone);
/* What lies below `offset` is done. True: something changed. */
bool suspects_passed(struct suspects *suspects, const char *topic, int32_t partition, int64_t offset);

/* How a lane takes the records of one partition. `list`: its suspects, in no order. */
struct suspects_view {
  const struct suspect *list;
  size_t count;
};
/* The record has died alone: NULL: it has not. */
const struct suspect *suspects_at(struct suspects_view view, int64_t offset);
/* Is the next record, at `next` or behind, to be alone in its batch; else *stop is where a batch has to end at the latest. */
bool suspects_alone(struct suspects_view view, int64_t next, int64_t *stop);

#endif
