/* place.h: what a thread is doing, for others to see: the watchdog, `weir explain`, and, where it lies in a mapped file, the
 * worker that starts after a crash. Its thread writes a few words per call of a plugin; nothing here allocates or locks. */
#ifndef WEIR_BASE_PLACE_H
#define WEIR_BASE_PLACE_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/limits.h"

enum place_state {
  PLACE_WORKING, /* in code of the worker */
  PLACE_RESTING, /* waits, and will be back by `limit_ms` on the clock */
  PLACE_CALLING, /* inside a callback of a plugin, which may take `limit_ms` */
};

enum place_call { PLACE_CREATE, PLACE_DESTROY, PLACE_ASSIGNED, PLACE_REVOKED, PLACE_PROCESS, PLACE_WAKE, PLACE_FLUSH };

enum {
  PLACE_LABEL_WORDS = (LIMIT_LABEL + 16) / 8,
  PLACE_PLUGIN_WORDS = (LIMIT_PLUGIN_NAME + 32) / 8,
  PLACE_TOPIC_WORDS = (LIMIT_TOPIC_NAME + 7) / 8
};

/* Words only, so that a mapped one has the same shape in every build. Zero: working, nothing said yet. */
struct place {
  _Atomic uint64_t changes; /* odd while the rest is being written; equal twice: still in the same piece of work */
  _Atomic uint64_t blame;   /* the signal that this thread ended the process with; 0: none */
  _Atomic uint64_t state, call, limit_ms;
  _Atomic uint64_t label_size, plugin_size, topic_size;
  _Atomic uint64_t partition, first, last, records, batch_records;
  _Atomic uint64_t label[PLACE_LABEL_WORDS], plugin[PLACE_PLUGIN_WORDS], topic[PLACE_TOPIC_WORDS];
};

/* What is said of a call, and what place_read() finds. */
struct place_view {
  uint64_t changes;
  int blame;
  enum place_state state;
  enum place_call call;
  int64_t limit_ms;
  char label[PLACE_LABEL_WORDS * 8 + 1];   /* "stage describe" */
  char plugin[PLACE_PLUGIN_WORDS * 8 + 1]; /* "describe 1.2.0" */
  char topic[PLACE_TOPIC_WORDS * 8 + 1];   /* "": the call is about no partition */
  int32_t partition;
  int64_t first, last;    /* offsets; first > last: about no records */
  uint32_t records;       /* that the call is about */
  uint32_t batch_records; /* source records of their batch */
};

/* A call that begins. Spans are copied, cut to their room. */
struct place_entry {
  enum place_call call;
  int64_t limit_ms;
  weir_span label, plugin, topic;
  int32_t partition;
  int64_t first, last;
  uint32_t records, batch_records;
};

/* This thread is at `place` from now on, which outlives its use; NULL: nobody watches it, and the others here do nothing. */
void place_use(struct place *place);
/* It goes on in the worker's own code; also called in loops, to say that they turn. */
void place_work(void);
void place_rest(int64_t until_ms);
void place_enter(const struct place_entry *entry);
/* Where this thread is, NULL: nobody watches it. Both may be called in a signal handler. */
struct place *place_here(void);
/* [any] The process dies of `signal` because of what is done there. */
void place_blame(struct place *place, int signal);
/* [any] False: it was being written, look again later. */
bool place_read(const struct place *place, struct place_view *view);

/* "process". */
const char *place_call_name(enum place_call call);
/* "process() of orders/3, offsets 100 to 199", with the label before it: "stage describe, process() ...". */
enum { PLACE_TEXT_MAX = 512 };
void place_text(const struct place_view *view, char into[PLACE_TEXT_MAX]);

#endif
