/* progress.h: what a running worker shows: a line at the bottom of a terminal, and one in the log every 30 s. Pure but for the log. */
#ifndef WEIR_HOST_PROGRESS_H
#define WEIR_HOST_PROGRESS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/control.h"

enum { PROGRESS_SAMPLES = 16, PROGRESS_TEXT_MAX = 400 };

/* In place, of one thread. */
struct progress {
  int64_t started_ms, logged_ms;
  bool until_end;
  size_t count; /* samples taken ever */
  struct progress_sample {
    int64_t at_ms;
    uint64_t settled;
    int64_t remaining;
  } samples[PROGRESS_SAMPLES]; /* the last ones, a ring */
};

void progress_init(struct progress *progress, int64_t now_ms, bool until_end);
/* How often progress_show() wants to be called. */
int64_t progress_every_ms(bool on_terminal);
/* Takes a sample and shows it where it is due. */
void progress_show(struct progress *progress, const struct control_view *view, int64_t now_ms);
/* Takes the line at the bottom away. */
void progress_end(void);

/* Records a second over the samples that are kept, 0 with fewer than two. */
int64_t progress_rate(const struct progress *progress);
/* "12,000 records/s, lag 3,400, in flight 1,000, settled 120,000, 8 partitions, about 12 s left". */
const char *progress_text(
    char into[PROGRESS_TEXT_MAX], const struct progress *progress, const struct control_view *view, int64_t now_ms);

#endif
