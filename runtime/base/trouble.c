/* trouble.c: see trouble.h. Of the process, as the log is: what counts is far from what shows the sum. */
#include "base/trouble.h"
#include <stdatomic.h>
#include "base/check.h"

static _Atomic uint64_t counts[TROUBLES];

static const char *const names[TROUBLES] = {
    [TROUBLE_NO_BROKER] = "no_broker",
    [TROUBLE_TOPIC_MISSING] = "topic_missing",
    [TROUBLE_NO_LEADER] = "no_leader",
    [TROUBLE_OUT_OF_RANGE] = "out_of_range",
    [TROUBLE_DAMAGED] = "damaged",
    [TROUBLE_NEW_PARTITION] = "new_partition",
    [TROUBLE_NOT_ALLOWED] = "not_allowed",
    [TROUBLE_LOST] = "lost",
    [TROUBLE_NOT_TAKEN] = "not_taken",
    [TROUBLE_COMMIT_REFUSED] = "commit_refused",
    [TROUBLE_LATE] = "late",
    [TROUBLE_TOO_LARGE] = "too_large",
    [TROUBLE_SENT_AGAIN] = "sent_again",
    [TROUBLE_QUEUE_FULL] = "queue_full",
    [TROUBLE_PRODUCER_BROKEN] = "producer_broken",
};

void trouble_count(enum trouble_kind kind) {
  must(kind < TROUBLES);
  atomic_fetch_add_explicit(&counts[kind], 1, memory_order_relaxed);
}

uint64_t trouble_counted(enum trouble_kind kind) {
  must(kind < TROUBLES);
  return atomic_load_explicit(&counts[kind], memory_order_relaxed);
}

const char *trouble_name(enum trouble_kind kind) {
  must(kind < TROUBLES && names[kind]);
  return names[kind];
}
