/* letter.h: a dead letter as it is read back: the record's own headers, and what weir said of it behind them (pipeline/provenance.h). Pure.
 *
 * Spans point into the message and the headers that it was read from. Numbers that are missing or none are -1. */
#ifndef WEIR_KAFKA_LETTER_H
#define WEIR_KAFKA_LETTER_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>

struct letter {
  int32_t partition; /* where it lies in the dead-letter topic */
  int64_t offset, written_ms;
  weir_span key, value;
  const weir_header *headers; /* all of them */
  uint32_t header_count;
  uint32_t own_count; /* the first of them that are the record's own */
  bool known;         /* weir wrote it; else only what Kafka says is filled in */
  weir_span pipeline, stage, plugin, version, code, reason, source_topic;
  int64_t source_partition, source_offset, source_ms;
  int64_t attempts, failed_ms, hops;
  int64_t child;       /* it was emitted by a stage, as which of its source record's; -1: it is the source record */
  bool replaced;       /* its value was too large for the topic: */
  int64_t value_bytes; /* how large it was, */
  weir_span sha256;    /* and its sum */
};

/* Fills in what headers say; partition, offset, times, key and value are the caller's. */
void letter_read(struct letter *letter, const weir_header *headers, uint32_t count);

#endif
