/* holder.h: which record of a partition holds its commit back, and where it is. Only looks; for `weir explain`. */
#ifndef WEIR_PIPELINE_HOLDER_H
#define WEIR_PIPELINE_HOLDER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/limits.h"

struct partition;
struct runner;

enum holder_kind {
  HOLDER_NONE,        /* no record is open */
  HOLDER_RETRY,       /* it waits for its next attempt */
  HOLDER_DEFERRED,    /* the stage or sink has taken it along and has not completed it */
  HOLDER_UNCONFIRMED, /* the brokers have not acknowledged it */
  HOLDER_NO_ROOM,     /* the producer's queue is full */
  HOLDER_DEAD_LETTER, /* its dead letter is not confirmed, or waits for room */
  HOLDER_TURN,        /* it waits for its turn behind others */
  HOLDER_CUT,         /* it goes no further: the partition stopped at it or before it, or its retry was given up */
};

struct holder {
  enum holder_kind kind;
  int64_t offset;       /* of the record that the others wait for */
  int64_t timestamp_ms; /* its own, -1: none */
  int64_t begun_ms;     /* on the clock: when its batch met the first stage */
  bool has_key;
  uint64_t key_hash;            /* FNV-1a of the key */
  char label[LIMIT_LABEL + 16]; /* "stage describe"; "": none has it */
  uint32_t attempt, attempts;   /* RETRY: the attempt to come, and how many there are */
  int64_t retry_at_ms;          /* RETRY */
  uint64_t done, done_beyond;   /* records that have ended, in batches that have not; of them those behind `offset` */
};

/* [lane] */
void holder_find(const struct runner *runner, const struct partition *partition, struct holder *holder);

#endif
