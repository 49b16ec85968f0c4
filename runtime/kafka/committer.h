/* committer.h: sends commits: an explicit list, one in flight, never for what is not owned, never backwards. [control]
 *
 * The metadata of each commit carries the partition count of its topic ("weir/1 partitions=8"), so that a later assignment can tell a new
 * partition from one without a commit (KIP-none: weir's own rule 3). */
#ifndef WEIR_KAFKA_COMMITTER_H
#define WEIR_KAFKA_COMMITTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct consumer;
struct committer;

/* One line of a commit. */
struct commit {
  const char *topic;
  int32_t partition;
  uint64_t epoch;
  int64_t offset;
};

/* The answer to each line. err NULL: the broker has it; else the cause alone; retriable: send it again later. */
typedef void committer_answer(void *ctx, const struct commit *commit, const struct error *err);

struct committer *committer_create(struct consumer *consumer, committer_answer *answer, void *ctx);
void committer_destroy(struct committer *committer); /* NULL is fine */

/* True while an answer is awaited, a forgotten one too: a commit behind it could overtake it. */
bool committer_is_busy(const struct committer *committer);
/* Sends these lines (copied) asynchronously; the answer's arrival wakes consumer_poll(). must(!busy), must(count > 0). False: nothing was sent. */
bool committer_send(struct committer *committer, const struct commit *commits, size_t count, struct error *err);
/* Serves an answer that has come, waiting for it up to `timeout_ms`. False: still busy. */
bool committer_serve(struct committer *committer, int timeout_ms);
/* No answer came in time and its partitions are going: whatever it says later is dropped. */
void committer_forget(struct committer *committer);

#endif
