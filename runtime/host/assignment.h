/* assignment.h: one partition while this worker owns it: its ledger, its feed, and where it stands on its lane.
 *
 * The control thread creates and destroys it and owns the feed's life; its lane reads. Between them stands the fence: the lane
 * takes records and opens ranges only while it holds `reading` and `fenced` is false, so once assignment_fence() has returned nothing more
 * is taken from the feed, whatever the lane is doing. An assignment is one epoch: the same partition assigned again is another. */
#ifndef WEIR_HOST_ASSIGNMENT_H
#define WEIR_HOST_ASSIGNMENT_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/inbox.h"
#include "base/log.h"
#include "batch/batch.h"
#include "batch/partition.h"
#include "host/suspects.h"

struct feed;
struct lane;
struct assignment;

/* Where an assignment stands on its lane. [lane] */
enum assignment_state {
  ASSIGNMENT_ARRIVING, /* its lane has not taken it over yet */
  ASSIGNMENT_RUNNING,
  ASSIGNMENT_STOPPED,   /* on_failure: stop, or its feed failed: not read any further; what is below goes on */
  ASSIGNMENT_DRAINING,  /* being revoked: not read any further; what is in flight goes on */
  ASSIGNMENT_FORGOTTEN, /* fenced and abandoned; it waits for the batches that others still hold */
  ASSIGNMENT_GONE,      /* its lane holds nothing of it any more */
};

/* What the control thread asks of the lane. Each but the last is given at most once to an assignment, so each has a node of its own. */
enum errand_kind {
  ERRAND_ADOPT,    /* call assigned() of the stages and read it */
  ERRAND_DRAIN,    /* read no more; done when nothing of it is in flight */
  ERRAND_PROGRESS, /* tell the ledger how far its unsettled batches have come */
  ERRAND_FORGET,   /* abandon what is left, call revoked() of the stages */
  ERRANDS,
  ERRAND_EXPLAIN = ERRANDS /* say how it stands; part of a struct question_part */
};

struct errand {
  struct inbox_node node;
  struct assignment *assignment;
  enum errand_kind kind;
  int64_t deadline_ms; /* DRAIN: when the control thread stops waiting */
  bool stopping;       /* DRAIN: the worker ends, else the partition is revoked */
  bool lost;           /* FORGET: the partition was taken away without notice */
};

struct assignment {
  uint32_t magic;
  struct partition *partition; /* its epoch is this assignment's */
  struct lane *lane;

  /* Any thread. */
  struct inbox_node ready_node;
  _Atomic bool marked;           /* ready_node is in the lane's inbox */
  _Atomic bool awaits_commit;    /* the lane cannot go on before a commit is confirmed */
  _Atomic bool starved;          /* its feed is nearly empty, there is more, and librdkafka may be resting */
  _Atomic bool stopped;          /* state went to STOPPED; the reason is under partition->lock */
  _Atomic uint32_t errands_done; /* bit per errand_kind */
  _Atomic bool gone;             /* the lane's last word; the control thread may destroy it */

  /* Under `reading`. */
  pthread_mutex_t reading;
  struct feed *feed; /* NULL once closed */
  bool fenced;

  /* Under partition->lock. */
  int64_t committing;   /* offset of the last commit sent, to measure what came since */
  int64_t open_records; /* not settled when PROGRESS was done, -1: it was not */
  int64_t stopped_at;   /* offset that stopped it, -1: the feed did */
  struct error stop;    /* the reason */

  /* [lane] */
  enum assignment_state state;
  bool adopted; /* assigned() of the stages succeeded: revoked() is owed */
  bool listed;  /* stands in the lane's ready list */
  bool owes;    /* stands in the lane's owing list instead: it left its feed without having seen it empty */
  struct assignment *next_listed, *next_of_lane;
  struct portion *filling;                        /* taken, not opened: waits for more records (batch.wait) */
  int64_t filling_until_ms;                       /* 0: it has no record yet */
  struct portion *unconfirmed, **unconfirmed_end; /* at_most_once: opened, their commit not confirmed yet */
  int64_t taken_bytes;                            /* since its feed was last nearly empty */
  struct log_limit trouble;                       /* of its feed, that passes by itself */
  int64_t drain_deadline_ms;
  bool flushed;                  /* the stages were asked to finish what is deferred */
  struct suspects_view suspects; /* owned; set before its lane hears of it, constant then */
  int64_t end_offset;            /* end of the partition that the ledger has not been told, -1: none */

  /* [control] */
  struct assignment *next;
  struct errand errands[ERRANDS];
  bool lost;      /* it was taken away without notice */
  bool stop_said; /* the log has the reason why it is stopped */
};

/* [control] `lane` reads it from its ADOPT order on. NULL: no memory. */
struct assignment *assignment_create(
    const char *topic, int32_t number, uint64_t epoch, int64_t start, struct lane *lane);
/* [control] must(its lane has let go, or never had it), must(its feed is closed). */
void assignment_destroy(struct assignment *assignment);

/* [any] Puts it on its lane's ready list; this is what feeds call. Takes no lock but the lane's. */
void assignment_mark(void *assignment);
/* [control] From here on nothing is taken from its feed. */
void assignment_fence(struct assignment *assignment);
/* [control] Gives its lane an errand; `deadline_ms`, `stopping` and `lost` as in struct errand. must(it was not given before). */
void assignment_ask(struct assignment *assignment, struct errand errand);
/* [any] The lane has done it. */
bool assignment_has_done(const struct assignment *assignment, enum errand_kind kind);

/* [lane] No further reading: what stopped it, with the sentence. The first reason stands. */
void assignment_stop(struct assignment *assignment, int64_t offset, const struct error *err);

#endif
