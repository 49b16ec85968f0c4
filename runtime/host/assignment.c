/* assignment.c: see assignment.h. The ready mark is an atomic flag in front of an inbox node: whoever raises it posts the node, and
 * the lane lowers it when it has taken the node out, so the node never stands in the inbox twice. */
#include "host/assignment.h"
#include "base/check.h"
#include "host/lane.h"
#include <stdlib.h>

enum { ASSIGNMENT_MAGIC = 0x2f81d6a5 };

struct assignment *assignment_create(
    const char *topic, int32_t number, uint64_t epoch, int64_t start, struct lane *lane) {
  must(lane);
  struct assignment *assignment = calloc(1, sizeof *assignment);
  if (!assignment) return NULL;
  assignment->partition = partition_create(topic, number, epoch, start);
  if (!assignment->partition) {
    free(assignment);
    return NULL;
  }
  assignment->magic = ASSIGNMENT_MAGIC;
  assignment->partition->owner = assignment;
  assignment->lane = lane;
  assignment->unconfirmed_end = &assignment->unconfirmed;
  assignment->committing = start;
  assignment->stopped_at = assignment->end_offset = assignment->open_records = -1;
  must(pthread_mutex_init(&assignment->reading, NULL) == 0);
  return assignment;
}

void assignment_destroy(struct assignment *assignment) {
  must_be(assignment, ASSIGNMENT_MAGIC);
  must(!assignment->feed && !assignment->filling && !assignment->unconfirmed);
  must(assignment->gone || assignment->state == ASSIGNMENT_ARRIVING);
  assignment->magic = 0;
  partition_destroy(assignment->partition);
  pthread_mutex_destroy(&assignment->reading);
  free((void *)(uintptr_t)assignment->suspects.list);
  free(assignment);
}

void assignment_mark(void *ctx) {
  struct assignment *assignment = ctx;
  must_be(assignment, ASSIGNMENT_MAGIC);
  if (!atomic_exchange(&assignment->marked, true)) lane_ready(assignment->lane, assignment);
}

void assignment_fence(struct assignment *assignment) {
  must_be(assignment, ASSIGNMENT_MAGIC);
  pthread_mutex_lock(&assignment->reading);
  assignment->fenced = true;
  pthread_mutex_unlock(&assignment->reading);
}

void assignment_ask(struct assignment *assignment, struct errand errand) {
  must_be(assignment, ASSIGNMENT_MAGIC);
  struct errand *slot = &assignment->errands[errand.kind];
  must(!slot->assignment);
  errand.assignment = assignment;
  *slot = errand;
  lane_post(assignment->lane, slot);
}

bool assignment_has_done(const struct assignment *assignment, enum errand_kind kind) {
  return atomic_load(&assignment->errands_done) & (1u << kind);
}

void assignment_stop(struct assignment *assignment, int64_t offset, const struct error *err) {
  must_be(assignment, ASSIGNMENT_MAGIC);
  must(err->text[0]);
  if (assignment->stopped) return;
  pthread_mutex_lock(&assignment->partition->lock);
  assignment->stopped_at = offset;
  assignment->stop = *err;
  pthread_mutex_unlock(&assignment->partition->lock);
  atomic_store(&assignment->stopped, true);
  if (assignment->state == ASSIGNMENT_RUNNING) assignment->state = ASSIGNMENT_STOPPED;
}
