/* question.h: "how does each partition stand?", asked by the admin thread, passed on by the control thread, answered by the lanes.
 *
 * Each of them holds the question while it may still write to it; the last to let go frees it. So the admin thread may stop waiting
 * for a lane that does not come back, and nobody waits for the admin thread. */
#ifndef WEIR_HOST_QUESTION_H
#define WEIR_HOST_QUESTION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/assignment.h"
#include "host/explanation.h"

struct question;

/* What one lane is asked about one partition. */
struct question_part {
  struct errand errand; /* its node is in the lane's inbox */
  struct question *question;
  struct explanation *explanation;
};

/* [admin] NULL: no memory. Held by the caller. */
struct question *question_create(void);
/* [any] */
void question_hold(struct question *question);
void question_let_go(struct question *question);

/* [control] Room for so many partitions, all zero; each part has its explanation. False: no memory. Once. */
bool question_open(struct question *question, size_t count);
struct question_part *question_part(struct question *question, size_t index);
/* [control] The lane is asked from here on: the question is held for it. */
void question_ask(struct question_part *part);
/* [lane] What it knows is copied; the question is let go. */
void question_answered(struct question_part *part, const struct holder *holder, enum hold hold);
/* [control] It has done its part: all lanes are asked. */
void question_asked(struct question *question);

/* [admin] Waits until the control thread and then all lanes have answered, each up to `timeout_ms` of the real clock. False: the control thread
 * did not come by. Afterwards question_count() explanations may be read; of a lane that did not answer, not its part. */
bool question_wait(struct question *question, int64_t timeout_ms);
size_t question_count(const struct question *question);
/* [admin] A copy; what was filled after the end of the wait is not in it. */
void question_take(struct question *question, size_t index, struct explanation *explanation);

#endif
