/* partition.c: see partition.h. */
#include "batch/partition.h"

#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/span.h"

enum { PARTITION_MAGIC = 0x1a27c3e1 };

struct partition *partition_create(const char *topic, int32_t number, uint64_t epoch, int64_t start) {
  must(topic && epoch > 0);
  struct partition *partition = calloc(1, sizeof *partition);
  if (!partition) return NULL;
  partition->topic = strdup(topic);
  if (!partition->topic) {
    free(partition);
    return NULL;
  }
  partition->magic = PARTITION_MAGIC;
  partition->view = (weir_partition){sizeof partition->view, number, span_of(partition->topic), epoch};
  must(pthread_mutex_init(&partition->lock, NULL) == 0);
  ledger_begin(&partition->ledger, epoch, start);
  return partition;
}

void partition_destroy(struct partition *partition) {
  if (!partition) return;
  must_be(partition, PARTITION_MAGIC);
  must(partition->batches == 0);
  partition->magic = 0;
  pthread_mutex_destroy(&partition->lock);
  free(partition->topic);
  free(partition);
}

void tally_add(struct tally *sum, const struct tally *more) {
  sum->in += more->in;
  for (int outcome = 0; outcome < OUTCOMES; outcome++) sum->settled[outcome] += more->settled[outcome];
}

uint64_t tally_in_flight(const struct tally *tally) {
  uint64_t settled = 0;
  for (int outcome = OUTCOME_OPEN + 1; outcome < OUTCOMES; outcome++) settled += tally->settled[outcome];
  must(settled <= tally->in);
  return tally->in - settled;
}
