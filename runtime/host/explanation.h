/* explanation.h: why a partition is committed as far as it is, and no further: the facts, what follows from them, and how it is said.
 * Plain data; the control thread and the lane fill it, the admin thread says it. */
#ifndef WEIR_HOST_EXPLANATION_H
#define WEIR_HOST_EXPLANATION_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/error.h"
#include "base/place.h"
#include "host/intake.h"
#include "pipeline/holder.h"

struct explanation {
  char topic[LIMIT_TOPIC_NAME + 1];
  int32_t partition;

  /* Filled by the control thread. */
  int64_t committed, committable, delivered; /* offsets: confirmed, done below, read below */
  int64_t end;                               /* -1: not known */
  uint64_t in_flight, beyond;                /* records of batches not settled; of settled ones that are held back */
  int64_t uncommitted_max;
  bool draining;
  bool stopped;
  int64_t stopped_at; /* -1: its feed failed */
  char stop[ERROR_TEXT_MAX];
  uint32_t lane;

  /* Filled by the lane. */
  bool answered;
  struct holder holder;
  enum hold hold;

  /* Filled by the admin thread where the lane did not answer. */
  bool busy; /* `place` says where the lane is */
  struct place_view place;
};

/* In rising order of how bad it is. */
enum explanation_kind {
  EXPLAIN_UP_TO_DATE,
  EXPLAIN_READING,
  EXPLAIN_COMMITTING,
  EXPLAIN_UNCONFIRMED,
  EXPLAIN_DEFERRED,
  EXPLAIN_WAITING, /* for its turn */
  EXPLAIN_DRAINING,
  EXPLAIN_NO_ROOM,
  EXPLAIN_UNCOMMITTED,
  EXPLAIN_DEAD_LETTER,
  EXPLAIN_PRODUCER_FULL,
  EXPLAIN_RETRYING,
  EXPLAIN_BUSY,
  EXPLAIN_STOPPED,
};

enum explanation_kind explanation_kind(const struct explanation *explanation);
/* "retrying": as JSON has it. Static. */
const char *explanation_name(enum explanation_kind kind);
/* Records between the commit and the end, 0 where the end is not known. */
int64_t explanation_lag(const struct explanation *explanation);

/* A headline and indented lines. `file`: of the pipeline, for commands to type. `now_ms`: on the clock, `wall_ms`: of the day. */
void explanation_print(
    const struct explanation *explanation, const char *file, int64_t now_ms, int64_t wall_ms, FILE *out);
/* One object in one line. */
void explanation_print_json(const struct explanation *explanation, int64_t now_ms, FILE *out);

#endif
