/* tickets_inside.h: what the files of the tickets share. Nobody else includes it.
 *
 * A record of a ticket goes from WAITING to one of the answers (PASS .. REJECT, given from outside) or to SETTLED
 * (on the lane, in a resumed batch), and from both to OVER; SETTLED may go back to WAITING while the batch is open. */
#ifndef WEIR_PLUGIN_TICKETS_INSIDE_H
#define WEIR_PLUGIN_TICKETS_INSIDE_H
#include "plugin/tickets.h"

enum { TICKET_MAGIC = 0x71c4e700 };
enum { WAITING = WEIR_UNSETTLED, SETTLED = 0x10, OVER = 0x20 };

struct kept_reason;

struct ticket {
  uint32_t magic;
  uint32_t capacity, count;
  weir_ticket number;
  struct portion *portion;
  struct ticket *older, *newer, *next_in_bucket, *next_ready, *next_opened;
  bool early; /* process() has not returned */
  bool fenced;
  bool listed;                           /* among the ready */
  bool open;                             /* [lane] */
  uint32_t waiting;                      /* records at WAITING */
  uint32_t finished;                     /* records that are OVER and not collected */
  uint32_t answered_first, answered_end; /* answers lie in here */
  struct kept_reason **reasons;          /* by reason_of - 1 */
  uint32_t reason_count;
  uint32_t *reason_of; /* by record, 0: none; made with the first reason */
  uint8_t states[];
};

/* Is it PASS .. REJECT. */
static inline bool ticket_is_answer(uint8_t state) { return state >= WEIR_PASS && state <= WEIR_REJECT; }
/* May the lane settle it, in a resumed batch. */
static inline bool ticket_may_settle(uint8_t state) { return state == WAITING || state == SETTLED; }

/* All of these under the lock. */

/* NULL: no such ticket. */
struct ticket *tickets_find(struct tickets *tickets, weir_ticket number);
/* It has something to collect. True: nothing was ready before. */
bool tickets_list_ready(struct tickets *tickets, struct ticket *ticket);
/* Writes the verdict down for those of records first .. end-1 that wait; returns how many did. */
uint32_t ticket_write_answer(
    struct ticket *ticket, uint32_t first, uint32_t end, weir_verdict verdict, const weir_reason *why);
/* [lane] Gives the answers to the portion. */
void ticket_apply(struct ticket *ticket);
void ticket_forget_reasons(struct ticket *ticket);

#endif
