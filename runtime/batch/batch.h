/* batch.h: up to N records of one partition on their way through the pipeline.
 *
 * A batch owns the Kafka messages, the arena that dies with it, and the account of its source records: how many descendants of
 * each are not settled yet, and the heaviest outcome so far. What a stage sees is a portion: an array of records, each with a
 * verdict. A batch belongs to one lane thread from take to give; it may be given back when no source record is open and
 * nobody outside (a ticket, a shipment) holds it. */
#ifndef WEIR_BATCH_BATCH_H
#define WEIR_BATCH_BATCH_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/arena.h"
#include "base/check.h"
#include "batch/partition.h"

struct batch;
struct portion;

/* Where source records come from, so that this layer knows no Kafka. Constant. */
struct batch_source {
  /* Parses the headers of a message into the arena. False: no memory. `*count` 0 without headers. */
  bool (*headers)(void *message, struct arena *arena, const weir_header **headers, uint32_t *count);
  /* Key, value, offset and timestamp of a message as they were read: a dead letter carries the original. Cheap. */
  void (*view)(void *message, weir_record *view);
  /* Gives the messages back, from any thread. */
  void (*release)(void **messages, uint32_t count);
};

/* A record on its way. `view` is what plugins see (weir_batch.record_stride is sizeof(struct record)). */
struct record {
  weir_record view;
  uint32_t origin;   /* index of its source record in the batch */
  uint32_t place;    /* index in the portion in which it entered the stage: keeps order when portions are merged */
  uint32_t children; /* emitted from it so far */
  const weir_header *headers; /* when headers_known */
  uint32_t header_count;
  bool headers_known;
  uint8_t sinks_open;         /* sinks that it still owes an acknowledgement */
  uint8_t worst;              /* enum outcome from the sinks so far */
  struct record_before *undo; /* what it was before this stage changed it; NULL: unchanged */
};

/* Why a record did not pass, copied into the batch's arena. */
struct reason {
  weir_span code, text;
  int64_t retry_after_ms;
};

/* A record emitted by the stage that now has the portion. */
struct emission {
  struct emission *next;
  uint32_t parent; /* index in the portion */
  bool withdrawn;  /* its parent is retried or rejected */
  struct record record;
};

/* What one stage has before it: the weir_batch comes first, so the pointer a plugin hands back is the portion. Lives in the
 * arena of its batch. */
struct portion {
  weir_batch view;
  uint32_t magic;
  struct batch *batch;
  struct record *records;  /* view.records */
  uint8_t *verdicts;       /* weir_verdict of each record */
  struct reason **reasons; /* NULL until one is given */
  struct emission *emitted, **emitted_end;
  uint32_t emitted_count;
  bool open;        /* inside process(), or resumed */
  bool edited;      /* some record has an undo */
  bool all_pass;    /* every verdict is PASS now: nobody needs to look at them one by one */
  bool sink;        /* records are shared with other sinks: no edits, no emissions */
  uint32_t waiting; /* deferred records not completed yet */
  /* For the pipeline layer: */
  struct portion *next;  /* in a line or list */
  struct portion *whole; /* of a piece (a guard's choice, records that are tried again): what it is cut from; each
                               record's `place` is its index there */
  uint32_t stage;        /* index of the stage or sink that has it */
  uint32_t state;
  uint32_t attempt;
  int64_t retry_at_ms;
  struct portion
      *fan; /* at a sink: the portion with the records' account; `place` of its records is their index there */
  struct shipping *shipping; /* at the Kafka sink: its deliveries */
};

struct batch {
  uint32_t magic;
  struct partition *partition;
  const struct batch_source *source;
  uint64_t epoch, range; /* of the ledger */
  int64_t first, next;   /* offsets; next is behind the last record */
  void **messages;
  uint32_t count, capacity;
  int64_t bytes; /* keys and values of its source records */
  uint32_t *
      descendants; /* per source record: it and what was emitted from it, not settled yet; 1 where there is no record */
  uint8_t *outcomes; /* per source record: enum outcome, the heaviest so far; OPEN where there is no record */
  uint32_t open;     /* source records that are not settled */
  bool multiplied;   /* some source record had more descendants than itself */
  uint32_t holds;    /* tickets and shipments that still point into it */
  uint32_t settled[OUTCOMES];
  struct arena arena;
  struct batch *link;    /* in the pool, or among the touched */
  struct batch *in_flow; /* of the pipeline layer: batches of one partition */
  void *ctx;             /* of the pipeline layer; NULL after batch_pool_take() */
  bool listed;           /* of the pipeline layer: waits to be given back */
  uint32_t standing;     /* of the pipeline layer: portions of it in the lines of stations */
  int64_t begun_ms;      /* of the pipeline layer: on the clock, when it met the first stage */
  int64_t charge;        /* of the host layer: bytes that its lane counts while it is in flight */
};

/* A fixed number of batches of one lane; not thread-safe. */
struct batch_pool {
  struct batch *free;
  uint32_t total, taken;
};

/* `arena_bytes_max`: budget of each batch. False: no memory. */
bool batch_pool_init(struct batch_pool *pool, uint32_t batches, uint32_t records_max, size_t arena_bytes_max);
void batch_pool_fini(struct batch_pool *pool); /* must(all are given back) */
/* NULL: all are out; stop reading. Empty, for records of `partition` in `epoch`. */
struct batch *batch_pool_take(
    struct batch_pool *pool, struct partition *partition, uint64_t epoch, const struct batch_source *source);
/* Releases the messages and the arena. must(batch_is_done()). */
void batch_pool_give(struct batch_pool *pool, struct batch *batch);

/* When a batch that is being filled has enough. */
struct batch_limit {
  uint32_t records; /* at most its capacity */
  int64_t bytes, next_max;
};
static inline bool batch_is_full(const struct batch *batch, const struct batch_limit *limit) {
  return batch->count >= limit->records || batch->bytes >= limit->bytes ||
         (batch->count && batch->next >= limit->next_max);
}

/* Takes one message as the next record of the first portion (portion_create() with the batch's capacity). In between the caller fills
 * the view: key, value, offset and timestamp, the rest zero. must(room), must(offset rises). */
static inline weir_record *batch_next(const struct batch *batch, struct portion *portion) {
  must(batch->count < batch->capacity && portion->batch == batch && portion->view.record_count == batch->count);
  return &portion->records[batch->count].view;
}
static inline void batch_add(struct batch *batch, struct portion *portion, void *message) {
  uint32_t origin = batch->count;
  struct record *record = &portion->records[origin];
  weir_record *view = &record->view;
  must(view->offset >= batch->next);
  if (origin == 0) batch->first = view->offset;
  batch->next = view->offset + 1;
  batch->bytes += (int64_t)(view->key.size + view->value.size);
  batch->messages[origin] = message;
  batch->count = batch->open = portion->view.record_count = origin + 1;
  view->attempt = 1;
  record->origin = record->place = origin;
  record->children = record->header_count = 0;
  record->headers = NULL;
  record->headers_known = false;
  record->sinks_open = record->worst = 0;
  record->undo = NULL;
}

/* `more` descendants of a source record came into being, or one ended with an outcome. The last one settles the source record. */
void batch_born(struct batch *batch, uint32_t origin, uint32_t more);
void batch_ended(struct batch *batch, uint32_t origin, enum outcome outcome);
/* All that is open ends with one outcome, at once. False, and nothing has ended: some source record has more than itself, or not `count`
 * of them are open. */
bool batch_ended_whole(struct batch *batch, uint32_t count, enum outcome outcome);
/* Every open source record ends as abandoned: the partition is gone. What still holds the batch keeps its memory. */
void batch_abandon(struct batch *batch);
/* No source record is open / ... and nobody holds it. */
static inline bool batch_is_settled(const struct batch *batch) { return batch->open == 0; }
static inline bool batch_is_done(const struct batch *batch) { return batch->open == 0 && batch->holds == 0; }
/* Offset of the lowest source record that is not settled, else `next`. Linear. */
int64_t batch_lowest_open(const struct batch *batch);

/* --- portions: [lane], except where a function says otherwise --- */

/* An empty portion with room for `capacity` records. NULL: the arena is spent. */
struct portion *portion_create(struct batch *batch, uint32_t capacity);
/* A portion of a sink: the same records, verdicts of its own. */
struct portion *portion_share(struct portion *portion);
/* Appends a copy of `record`; its undo is dropped, its place becomes its index. */
void portion_append(struct portion *portion, const struct record *record);
/* A stage or sink gets it: verdicts start at PASS (transform) or UNSETTLED (sink), edits and emissions of the last one are final. */
void portion_enter(struct portion *portion, uint32_t stage, bool sink, void *state);

/* Verdict on records first .. first+count-1; RETRY and REJECT take back what this stage did to them. False: out of the portion.
 * `why` may be NULL and is copied; cut to LIMIT_REASON_*. */
bool portion_settle(
    struct portion *portion, uint32_t first, uint32_t count, weir_verdict verdict, const weir_reason *why);
/* The record, ready to be changed: its former state is kept for portion_undo(). NULL: the arena is spent. */
struct record *portion_edit(struct portion *portion, uint32_t index);
void portion_undo(struct portion *portion, uint32_t index);
/* One more record behind `parent`. Spans of the draft are taken as they are (see <weir/plugin.h>). False: a limit. */
bool portion_emit(struct portion *portion, uint32_t parent, const weir_draft *draft);
/* Its headers, parsed at the first call. NULL with *count 0: none. False: no memory. */
static inline bool record_headers(
    struct batch *batch, struct record *record, const weir_header **headers, uint32_t *count) {
  if (!record->headers_known) {
    if (!batch->source->headers(
            batch->messages[record->origin], &batch->arena, &record->headers, &record->header_count))
      return false;
    record->headers_known = true;
  }
  *headers = record->headers;
  *count = record->header_count;
  return true;
}
const struct reason *portion_reason(const struct portion *portion, uint32_t index);

static inline struct portion *portion_of(const weir_batch *view) { return (struct portion *)(uintptr_t)view; }

#endif
