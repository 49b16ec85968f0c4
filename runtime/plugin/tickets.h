/* tickets.h: the deferred batches of one stage: which records wait for their verdict, and the verdicts that came
 * meanwhile.
 *
 * The first answer to a record counts. Answers come from any thread and are only written down here, under the lock;
 * the lane gives them to the portion when it collects. So a portion is touched by its lane alone, and a ticket that
 * nobody knows any more costs one look-up. Numbers count up for the whole process: one of another stage is never
 * found here. Functions are [lane] unless they say otherwise. */
#ifndef WEIR_PLUGIN_TICKETS_H
#define WEIR_PLUGIN_TICKETS_H
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "batch/batch.h"

struct ticket;

struct tickets {
  pthread_mutex_t lock;
  struct ticket **buckets;           /* by number; under the lock */
  uint32_t bucket_count;             /* a power of two */
  uint32_t count;                    /* under the lock */
  struct ticket *oldest, *newest;    /* [lane] all of them */
  struct ticket *ready, **ready_end; /* under the lock: have answers to collect */
  struct ticket *opened;             /* [lane] resumed in the callback that is running */
  struct ticket *spare;              /* [lane] so that defer() cannot fail */
};

bool tickets_init(struct tickets *tickets);
/* must(no ticket is left). */
void tickets_fini(struct tickets *tickets);

/* Memory for one ticket of `records` records is at hand. False: there is none. */
bool tickets_reserve(struct tickets *tickets, uint32_t records);
/* A ticket for the portion, whose process() is running; takes the reserved memory. */
struct ticket *tickets_defer(struct tickets *tickets, struct portion *portion);
weir_ticket ticket_number(const struct ticket *ticket);

/* process() has returned: the records at UNSETTLED wait, unless they were answered already; then the answer becomes
 * their verdict. Returns how many wait; with 0 the ticket is gone, else the batch is held. `*overruled`: answers
 * came to records that process() had settled itself, whose verdict stands. */
uint32_t tickets_process_returned(struct tickets *tickets, struct ticket *ticket, bool *overruled);
/* process() was BROKEN: the ticket is gone, its answers with it. */
void tickets_withdraw(struct tickets *tickets, struct ticket *ticket);

enum ticket_answer {
  ANSWER_TAKEN,
  ANSWER_LATE,         /* no such ticket, or none of these records waits */
  ANSWER_FENCED,       /* written down, but it changes nothing any more */
  ANSWER_OUT_OF_RANGE, /* no such record; nothing was done */
};
/* [any] complete(). `*notify`: there was nothing to collect before, and now there is. `why` is copied, may be NULL. */
enum ticket_answer tickets_complete(struct tickets *tickets, weir_ticket number, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why, bool *notify);

/* resume(): the portion is open until tickets_close_all(). NULL: nothing of it waits or it is fenced; what waited is
 * answered with RETRY. */
struct portion *tickets_resume(struct tickets *tickets, weir_ticket number);
/* [any] resume() where it may not be called: NULL without a question. */
void tickets_use_up(struct tickets *tickets, weir_ticket number, bool *notify);
/* The open ticket of a resumed batch; NULL: it is not open. Never looks at what `batch` points to. */
struct ticket *tickets_opened(struct tickets *tickets, const weir_batch *batch);
struct portion *ticket_portion(struct ticket *ticket);
/* settle() in a resumed batch. Only records that were deferred at resume() take it; returns how many did. */
uint32_t tickets_settle(struct tickets *tickets, struct ticket *ticket, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why);
/* May this record be changed, or something be emitted from it. */
bool tickets_may_edit(struct tickets *tickets, const struct ticket *ticket, uint32_t index);
/* Its verdict is RETRY for good: a change to it found no memory. */
void tickets_spoil(struct tickets *tickets, struct ticket *ticket, uint32_t index);
/* The callback has returned. */
void tickets_close_all(struct tickets *tickets);

/* One portion whose verdicts changed, portion->waiting lowered; at 0 the ticket is gone and the batch no longer held.
 * NULL: there is no more. */
struct portion *tickets_collect(struct tickets *tickets);
void tickets_fence(struct tickets *tickets, const struct partition *partition);
/* Records not collected yet, of one partition or (NULL) of all. */
uint32_t tickets_waiting(const struct tickets *tickets, const struct partition *partition);
/* Ends the oldest ticket, whatever it waits for, and gives its portion, no longer held. NULL: none is left. */
struct portion *tickets_abandon(struct tickets *tickets);

#endif
