/* provenance.h: what a dead letter says of itself: the record as it was, with headers of weir's own behind those of the record.
 *
 * The first of weir's headers is weir.pipeline; what stands before the last header of this name is the record's own, byte for byte.
 * The dead letter's Kafka timestamp is the time of failure, so that the topic's retention counts from there; the record's is a header. */
#ifndef WEIR_PIPELINE_PROVENANCE_H
#define WEIR_PIPELINE_PROVENANCE_H
#include <stdbool.h>
#include <stdint.h>
#include "batch/writer.h"

struct batch;
struct plan;
struct portion;
struct reason;
struct step;

/* In the arena of the record's batch. */
struct provenance {
  struct outgoing outgoing;
  weir_header *headers; /* outgoing.headers, with room for those of a replaced value */
  bool replaced;
};

/* Of the record at `index` of a whole portion that `step` failed on. [lane] False: the arena is spent. */
bool provenance_write(struct provenance *provenance, const struct plan *plan, const struct step *step,
    struct portion *whole, uint32_t index, const struct reason *reason);
/* Puts size, SHA-256 and source coordinates in the place of the value. must(it was not replaced before). False: the arena is spent. */
bool provenance_replace(struct provenance *provenance, struct batch *batch, int64_t offset);
/* The least that it takes of what a topic's max.message.bytes limits, when it is not compressed. */
uint64_t provenance_bytes_least(const struct provenance *provenance);

#endif
