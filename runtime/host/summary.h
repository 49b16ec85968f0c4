/* summary.h: what a run did, as a person or a machine reads it. The sum of sentence 6 holds in it, or the process aborts. */
#ifndef WEIR_HOST_SUMMARY_H
#define WEIR_HOST_SUMMARY_H
#include <stdint.h>
#include <stdio.h>
#include "batch/partition.h"
#include "host/account.h"
#include "host/failures.h"

struct summary {
  const char *pipeline, *group;
  const char *end; /* why it ended, a sentence */
  int exit_code;
  int64_t took_ms;
  int64_t peak_bytes; /* of memory, as the kernel saw it */
  struct tally tally;
  const struct accounts *accounts;
  struct failures failures; /* sorted */
};

/* To a person. */
void summary_print(const struct summary *summary, FILE *out);
/* One JSON object on one line. */
void summary_print_json(const struct summary *summary, FILE *out);
/* The most memory that this process ever had, in bytes. */
int64_t summary_peak_bytes(void);

#endif
