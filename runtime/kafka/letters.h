/* letters.h: reads a dead-letter topic from its beginning, a time or a group's offsets up to the end that was seen when it was opened,
 * partition by partition, records of aborted transactions left out. Joins no group. [main] Calls block up to some seconds each. */
#ifndef WEIR_KAFKA_LETTERS_H
#define WEIR_KAFKA_LETTERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "kafka/letter.h"

struct letters;
struct pipeline_file;

struct letters_partition {
  int32_t partition;
  int64_t first, end; /* of the records that are there: first .. end-1 */
  int64_t next;       /* what is read next; at `end`: done */
  bool began;         /* reading it began */
};

enum letters_result { LETTERS_ONE, LETTERS_END, LETTERS_NONE_YET, LETTERS_FAILED };

/* Of the file's dead_letter.topic. `group`: whose offsets letters_resume() takes; nothing is committed. Finds partitions and ends. must(the file has
 * a dead-letter topic). NULL: err. */
struct letters *letters_open(const struct pipeline_file *file, const char *group, struct error *err);
void letters_close(struct letters *letters); /* NULL is fine */

size_t letters_count(const struct letters *letters);
const struct letters_partition *letters_at(const struct letters *letters, size_t index);

/* Where reading begins, in this order, before the first letters_next(). Only this partition; at or after a time; at the offsets of the group, where
 * it has some; at one place. */
bool letters_only(struct letters *letters, int32_t partition, struct error *err);
bool letters_since(struct letters *letters, int64_t time_ms, struct error *err);
bool letters_resume(struct letters *letters, struct error *err);
bool letters_only_at(struct letters *letters, int32_t partition, int64_t offset, struct error *err);

/* The next one, alive until the next call; NONE_YET: nothing came within `wait_ms`. */
enum letters_result letters_next(struct letters *letters, int wait_ms, struct letter *letter, struct error *err);

#endif
