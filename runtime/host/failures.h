/* failures.h: how many records failed, by stage, reason code and outcome: what the summary shows. Any thread. */
#ifndef WEIR_HOST_FAILURES_H
#define WEIR_HOST_FAILURES_H
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/limits.h"
#include "batch/partition.h"

struct failure {
  char label[LIMIT_LABEL + 1], code[LIMIT_REASON_CODE + 1];
  enum outcome outcome;
  uint64_t count;
};

/* In place. Kinds beyond LIMIT_FAILURES are counted together in `others`. */
struct failures {
  pthread_mutex_t lock;
  struct failure kinds[LIMIT_FAILURES];
  size_t count;
  uint64_t others;
};

void failures_init(struct failures *failures);
void failures_fini(struct failures *failures);
/* Label and code are cut to their limits; what is no printable text in the code is shown as \xNN. */
void failures_add(struct failures *failures, const char *label, weir_span code, enum outcome outcome, uint64_t count);
/* Adds all of `more`, which others may be adding to meanwhile. must(sum != more). */
void failures_merge(struct failures *sum, struct failures *more);
/* The most frequent first, the same order every time. */
void failures_sort(struct failures *failures);

#endif
