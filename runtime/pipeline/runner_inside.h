/* runner_inside.h: what the files of the runner share. Nobody else includes it. [lane] for everything.
 *
 * A portion that stands whole at a station is cut into pieces where a guard lets only some records visit, or where some are
 * tried again; a piece's verdicts go back to its whole, which goes on when all of them are decided and its turn has come.
 * A flow counts what moves: 0 means that waiting settles nothing more. */
#ifndef WEIR_PIPELINE_RUNNER_INSIDE_H
#define WEIR_PIPELINE_RUNNER_INSIDE_H
#include <regex.h>
#include "pipeline/runner.h"

/* Verdicts of a portion beyond the public ones. */
enum {
  DECIDED_ELSEWHERE = 0x80, /* it left this portion: failed, went on alone, or never will */
  IN_A_PIECE = 0x81,        /* a piece of this whole has it: tried again, or chosen by the guard */
  TO_TRY_AGAIN = 0x82,      /* between absorbing and cutting the piece */
};

enum portion_state {
  PORTION_ARRIVED,     /* waits for its turn */
  PORTION_QUARANTINED, /* no station gets it */
  PORTION_OUT,         /* the station has it: records may be deferred, tried again or on their way */
};

/* Portions of one partition at one station, in offset order. */
struct line {
  struct portion *first, *last;
  uint32_t held;     /* pieces in backoff, portions that wait for room */
  uint64_t producer; /* at the Kafka sink: the number of the one that has all that is out; 0: there may be several */
};

/* One partition on this lane. */
struct flow {
  struct partition *partition;
  struct flow *next;
  struct batch *batches; /* begun and not settled, newest first */
  struct line *lines;    /* one a station */
  int64_t cut;           /* records at and above go nowhere any more: the partition stopped there, or drains */
  uint32_t moving;       /* wholes and dead letters that may still settle something */
  uint32_t held;         /* sum of the lines' */
  bool draining;
};

/* One step on this lane: its instances. */
struct station {
  const struct step *step;
  struct stage *stage; /* NULL: the runtime's Kafka sink */
  struct stage *guard; /* NULL: always */
  char *context;       /* for check_context() */
  bool is_sink;
  bool in_order; /* what it lets go waits for what is before it */
  bool overlaps; /* takes the next portion while earlier ones are out */
  regex_t *routes;
};

struct dead_letter;

struct runner {
  const struct plan *plan;
  struct stage_lane lane;
  struct inbox *inbox;
  struct runner_events events;
  struct batch_pool pool;
  struct station *stations; /* stages, then sinks */
  uint32_t station_count;
  struct flow *flows;
  struct portion *retries;          /* pieces in backoff */
  struct dead_letter *dead_waiting; /* not taken by the writer yet, oldest first */
  struct batch *touched;            /* looked at by runner_sweep() */
  bool full_flushed;                /* FLUSH_FULL was sent since the pool ran empty */
  _Atomic bool room;                /* a writer has room again */
  uint64_t random;                  /* jitter */
};

/* NULL once the partition is gone: then nothing of the batch counts any more. */
static inline struct flow *flow_of(const struct portion *portion) { return portion->batch->ctx; }
static inline struct portion *whole_of(struct portion *portion) { return portion->whole ? portion->whole : portion; }
static inline struct station *station_of(const struct runner *runner, const struct portion *portion) {
  return &runner->stations[portion->stage];
}

/* walk.c: the way through the stations. */
void walk_arrive(struct runner *runner, struct portion *portion, uint32_t index);
/* Verdicts of a portion have come in: takes what is decided to its whole. */
void walk_absorb(struct runner *runner, struct portion *portion, enum stage_result result);
/* Runs what may run and lets go what may go. */
void walk_serve_line(struct runner *runner, struct flow *flow, uint32_t index);
void walk_serve_lines(struct runner *runner, struct flow *flow);
/* The portion's turn has come: the station gets it. */
void walk_visit(struct runner *runner, struct portion *portion);
/* The station processes a portion or piece that has entered, and absorbs. */
void walk_process(struct runner *runner, struct portion *portion);

/* cut.c: making portions of portions. */
/* The records with choice[i] == value, `count` of them, as a portion whose places are their indices here. NULL: no memory. */
struct portion *cut_piece(struct portion *portion, const uint8_t *choice, uint8_t value, uint32_t count);
/* What passed and what was emitted, in order; what was dropped ends as filtered. `whole` itself where nothing has to move. NULL: no memory. */
struct portion *cut_onward(struct portion *whole);
/* Of a whole that is not decided: what passed or was dropped so far leaves it. NULL with *failed false: nothing did. */
struct portion *cut_decided(struct portion *whole, bool *failed);
/* A piece's records, verdicts and emissions go back where it was cut from. */
void cut_return(struct portion *piece, uint32_t index, weir_verdict verdict);
void cut_return_emissions(struct portion *piece);
/* Records with the cut or above leave the portion, unsettled. */
void cut_behind(struct portion *portion, int64_t cut);
bool cut_is_decided(const struct portion *whole);

/* sinks.c */
/* Runs the guard of a station over the portion: NULL: all visit (or there is none); else 1 where the record visits, 0 where it does
 * not, 2 where the guard failed (its reason is in portion->reasons). *failed: no memory. */
uint8_t *guard_choose(
    struct runner *runner, struct station *station, struct portion *portion, uint32_t *count, bool *failed);
void sinks_arrive(struct runner *runner, struct portion *portion);
/* A record has its outcome at this station: at a stage for good, at a sink towards the sum of its sinks. */
void station_ended(struct station *station, struct portion *whole, uint32_t index, enum outcome outcome);

/* shipping.c: the Kafka sink. Hands over what it can; the portion's line is held while the producer is full. */
void shipping_send(struct runner *runner, struct portion *portion);
/* There is room again: portions that wait for it go on. */
void shipping_serve(struct runner *runner);
/* The producer has no room for what is left of the portion. */
bool shipping_waits(const struct portion *portion);
/* The partition is gone: what was not handed over never is. */
void shipping_forget(struct portion *portion);

/* failure.c */
bool failure_may_retry(const struct station *station, const struct portion *portion);
/* The records whose verdict is TO_TRY_AGAIN, `count` of them, are tried again later. */
void failure_retry(struct runner *runner, struct portion *portion, uint32_t count);
/* The record at `index` of a whole failed for good: `on_failure`. Marks it as decided. */
void failure_final(struct runner *runner, struct portion *whole, uint32_t index, const struct reason *reason);
/* The only record of a portion that no stage has seen: a dead letter where the plan has them and the step's policy is not to stop. */
void failure_quarantine(struct runner *runner, struct portion *portion, const struct reason *reason);
void failure_serve(struct runner *runner, int64_t now_ms);
/* Pieces in backoff are not tried again: what they hold stays unsettled. flow NULL: of all. */
void failure_give_up(struct runner *runner, struct flow *flow);
/* The partition goes no further than `offset`. err: the sentence for the lane, NULL: silently. */
void failure_cut(struct runner *runner, struct flow *flow, int64_t offset, const struct error *err);
void failure_no_memory(struct runner *runner, struct portion *portion);

/* dead_letter.c */
void dead_letter_write(struct runner *runner, struct portion *whole, uint32_t index, const struct reason *reason);
void dead_letter_serve(struct runner *runner);
void dead_letter_forget(struct runner *runner, struct flow *flow);

/* runner.c */
/* Sets runner->room and wakes the lane, once, when the writer has room again. */
void runner_ask_for_room(struct runner *runner, const struct writer *writer);
/* Some records of the batch have ended, or a hold was given up: runner_sweep() looks at it. Nothing is freed before. */
void runner_touch(struct runner *runner, struct batch *batch);
void line_push(struct line *line, struct portion *portion);
void line_remove(struct line *line, struct portion *portion);
void line_hold(struct flow *flow, uint32_t index, int by);

#endif
