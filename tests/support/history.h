/* history.h: judges what was read from the source, the output and the dead letters, as pure code. Every name below has a
 * faulty history in test_verify.c that must bring it up, and no other.
 *
 *   LOST       a source record is in neither output nor dead letters
 *   PHANTOM    a record that is not in the source, or one that was to be filtered
 *   CORRUPT    a record without a readable identity, with the value of another one, changed where it had to be the same, or
 *              without the text that every processed record has
 *   REORDERED  two records of one source partition stand the wrong way round in one output partition. Only the first
 *              appearance of each counts: a repetition after a crash may come later. A sink that spreads records without a key
 *              at random may send one elsewhere when it is read again: there a crash can bring this up, and rightly so
 *   repeated   further appearances of a record. At-least-once allows them: counted, and compared to a bound */
#ifndef HISTORY_H
#define HISTORY_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct history; /* owned by its creator; one thread */

enum history_place { HISTORY_SOURCE, HISTORY_OUTPUT, HISTORY_DEAD };

/* A record as it was found. */
struct sighting {
  int32_t partition; /* where it was read */
  int64_t offset;
  bool known;     /* `id` could be read */
  bool processed; /* it has what every processed record must have */
  uint64_t id;
  uint64_t
      inner; /* the identity inside its value, where that is told apart from `id`; 0: none, or not to be compared */
  uint64_t digest; /* of the parts that must arrive unchanged; 0: not to be compared */
};

struct findings {
  uint64_t source, output, dead, filtered;
  uint64_t lost, phantom, corrupt, reordered, repeated;
};

struct history *history_create(void);
void history_destroy(struct history *history);
/* One record, in offset order within its partition and place. */
void history_add(struct history *history, enum history_place place, const struct sighting *sighting);

/* `filtered_every`: ids divisible by it must not come out, 0: all must. The first cases of each name go to `report`, a line
 * each. False: the source itself has an id twice or none, which is no history to judge; `findings` is then not set. */
bool history_judge(struct history *history, uint64_t filtered_every, FILE *report, struct findings *findings);

#endif
