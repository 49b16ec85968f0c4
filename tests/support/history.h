/* history.h: judges what was read from the source, the outputs, the dead letters and the group's commits, as pure code. Every name
 * below has a faulty history in test_verify.c or test_verify_commits.c that must bring it up, and no other.
 *
 *   LOST        a source record is in neither output nor dead letters, and the group has committed past it (or its commits
 *               are not known)
 *   PHANTOM     a record that is not in the source, or one that was to be filtered
 *   CORRUPT     a record without a readable identity, with the value of another one, changed where it had to be the same, or
 *               without the text that every processed record has
 *   REORDERED   two records of one source partition stand the wrong way round in one output partition. Only the first
 *               appearance of each counts: a repetition after a crash may come later. A sink that spreads records without a key
 *               at random may send one elsewhere when it is read again: there a crash can bring this up, and rightly so
 *   repeated    further appearances of a record. At-least-once allows them, counted and within a bound:
 *   DUPLICATE   one where none is allowed (exactly once)
 *   DUPLICATE-OVER-BOUND  more than the bound: `uncommitted` records of a source partition for an incident. Looked at in three
 *               ways: all that are repeated of a partition, the copies of one record, and, where incidents do not overlap, each
 *               rewind by itself
 *   TORN        a source record is in some of the outputs and not in all of them
 *   ABORTED-READ  exactly once: a record shows in an output although the group has never committed past it: its
 *               transaction did not end, yet what it wrote can be read
 *   COMMIT-AHEAD  a commit was seen when a record below it had not come out yet, or one beyond the source's end
 *   COMMIT-REGRESSION  what a group has committed of a partition went back
 *   STALL       in the end not all of a partition is committed, though everything had time to */
#ifndef HISTORY_H
#define HISTORY_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { HISTORY_OUTPUTS_MAX = 8 };

struct history; /* owned by its creator; one thread */

enum history_place { HISTORY_SOURCE, HISTORY_OUTPUT, HISTORY_DEAD };

/* A record as it was found. */
struct sighting {
  int32_t topic;     /* which of the outputs, from 0; elsewhere 0 */
  int32_t partition; /* where it was read */
  int64_t offset;
  bool known;     /* `id` could be read */
  bool processed; /* it has what every processed record must have */
  uint64_t id;
  uint64_t
      inner; /* the identity inside its value, where that is told apart from `id`; 0: none, or not to be compared */
  uint64_t digest; /* of the parts that must arrive unchanged; 0: not to be compared */
};

/* What the history is held against. */
struct expectation {
  uint64_t filtered_every; /* ids divisible by it must not come out; 0: all must */
  int32_t outputs;         /* topics that each record goes to, 0 counts as 1 */
  bool exactly_once;
  int64_t uncommitted, incidents; /* the bound; uncommitted 0: not judged */
  bool overlapping;  /* workers that lost their partitions still write: two incidents may stand in one row */
  uint64_t standing; /* a bit for each source partition (below 64) that stopped and may keep what is not committed */
};

struct findings {
  uint64_t source, output, dead, filtered, waiting; /* waiting: not out, and not committed either */
  uint64_t lost, phantom, corrupt, reordered, repeated;
  uint64_t duplicate, over_bound, torn, aborted_read, commit_ahead, commit_regression, stall;
};

struct history *history_create(void);
void history_destroy(struct history *history);
/* One record, in offset order within its topic, partition and place. */
void history_add(struct history *history, enum history_place place, const struct sighting *sighting);
/* The two calls of a look at the running system, in the order of time. An end that was asked for behind the commits of the same
 * look is told before them: whatever lies below a commit came out below the ends. A place of which no end is told is not
 * judged by them. `offset` of a commit: -1 where the group has none. */
void history_end(struct history *history, enum history_place place, int32_t topic, int32_t partition, int64_t offset);
void history_commit(struct history *history, int64_t at_ms, int32_t partition, int64_t offset);

/* The first cases of each name go to `report`, a line each. False: the source itself has an id twice or none, which is no
 * history to judge; `findings` is then not set. */
bool history_judge(
    struct history *history, const struct expectation *expectation, FILE *report, struct findings *findings);
/* What is wrong in all: the sum of all names; `repeated` alone is none. */
uint64_t findings_faults(const struct findings *findings);

#endif
