/* tickets.c: see tickets.h. A record of a ticket goes from WAITING to one of the answers (PASS .. REJECT, given from
 * outside) or to SETTLED (on the lane, in a resumed batch), and from both to OVER; SETTLED may go back to WAITING
 * while the batch is open. */
#include "plugin/tickets.h"
#include "base/check.h"
#include "base/limits.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { TICKET_MAGIC = 0x71c4e700, BUCKETS_FIRST = 64 };
enum { WAITING = WEIR_UNSETTLED, SETTLED = 0x10, OVER = 0x20 };

/* Why, as it came with an answer; kept until the lane copies it into the batch. */
struct kept_reason {
  weir_reason reason;
  uint8_t bytes[];
};

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

static _Atomic uint64_t last_number;

weir_ticket ticket_number(const struct ticket *ticket) { return ticket->number; }
struct portion *ticket_portion(struct ticket *ticket) {
  return ticket->portion;
}

bool tickets_init(struct tickets *tickets) {
  *tickets = (struct tickets){.bucket_count = BUCKETS_FIRST};
  tickets->buckets = calloc(BUCKETS_FIRST, sizeof(struct ticket *));
  tickets->ready_end = &tickets->ready;
  pthread_mutex_init(&tickets->lock, NULL);
  return tickets->buckets != NULL;
}

static void forget_reasons(struct ticket *ticket) {
  for (uint32_t i = 0; i < ticket->reason_count; i++) free(ticket->reasons[i]);
  free(ticket->reasons);
  free(ticket->reason_of);
  ticket->reasons = NULL;
  ticket->reason_of = NULL;
  ticket->reason_count = 0;
}

void tickets_fini(struct tickets *tickets) {
  must(tickets->count == 0 && !tickets->oldest && !tickets->opened);
  free(tickets->spare);
  free(tickets->buckets);
  pthread_mutex_destroy(&tickets->lock);
}

/* ---- The table ---- */

static struct ticket **bucket_of(struct tickets *tickets, weir_ticket number) {
  return &tickets->buckets[number & (tickets->bucket_count - 1)];
}

/* Under the lock. */
static struct ticket *find(struct tickets *tickets, weir_ticket number) {
  struct ticket *ticket = *bucket_of(tickets, number);
  while (ticket && ticket->number != number) ticket = ticket->next_in_bucket;
  return ticket;
}

/* Under the lock. Without memory the chains only get longer. */
static void grow(struct tickets *tickets) {
  uint32_t count = tickets->bucket_count * 2;
  struct ticket **buckets = calloc(count, sizeof(struct ticket *));
  if (!buckets) return;
  free(tickets->buckets);
  tickets->buckets = buckets;
  tickets->bucket_count = count;
  for (struct ticket *ticket = tickets->oldest; ticket; ticket = ticket->newer) {
    struct ticket **bucket = bucket_of(tickets, ticket->number);
    ticket->next_in_bucket = *bucket;
    *bucket = ticket;
  }
}

/* Under the lock. */
static void enter(struct tickets *tickets, struct ticket *ticket) {
  if (tickets->count >= tickets->bucket_count) grow(tickets);
  struct ticket **bucket = bucket_of(tickets, ticket->number);
  ticket->next_in_bucket = *bucket;
  *bucket = ticket;
  tickets->count++;
  ticket->older = tickets->newest;
  if (tickets->newest)
    tickets->newest->newer = ticket;
  else
    tickets->oldest = ticket;
  tickets->newest = ticket;
}

/* Under the lock: nobody finds it any more. It is not among the ready. */
static void take_out(struct tickets *tickets, struct ticket *ticket) {
  must(!ticket->listed && !ticket->open);
  struct ticket **at = bucket_of(tickets, ticket->number);
  while (*at != ticket) at = &(*at)->next_in_bucket;
  *at = ticket->next_in_bucket;
  tickets->count--;
  if (ticket->older)
    ticket->older->newer = ticket->newer;
  else
    tickets->oldest = ticket->newer;
  if (ticket->newer)
    ticket->newer->older = ticket->older;
  else
    tickets->newest = ticket->older;
}

/* Without the lock. Keeps one for the next defer(). */
static void recycle(struct tickets *tickets, struct ticket *ticket) {
  must_be(ticket, TICKET_MAGIC);
  forget_reasons(ticket);
  ticket->magic = 0;
  if (tickets->spare && tickets->spare->capacity >= ticket->capacity) {
    free(ticket);
    return;
  }
  free(tickets->spare);
  tickets->spare = ticket;
}

/* Under the lock. True: nothing was ready before. */
static bool list_ready(struct tickets *tickets, struct ticket *ticket) {
  if (ticket->listed || ticket->early) return false;
  bool first = !tickets->ready;
  ticket->listed = true;
  ticket->next_ready = NULL;
  *tickets->ready_end = ticket;
  tickets->ready_end = &ticket->next_ready;
  return first;
}

/* Under the lock. */
static void unlist(struct tickets *tickets, struct ticket *ticket) {
  if (!ticket->listed) return;
  struct ticket **at = &tickets->ready;
  while (*at != ticket) at = &(*at)->next_ready;
  *at = ticket->next_ready;
  if (!*at) tickets->ready_end = at;
  ticket->listed = false;
}

/* ---- process() ---- */

bool tickets_reserve(struct tickets *tickets, uint32_t records) {
  if (tickets->spare && tickets->spare->capacity >= records) return true;
  struct ticket *spare = malloc(sizeof *spare + records);
  if (!spare) return false;
  spare->capacity = records;
  free(tickets->spare);
  tickets->spare = spare;
  return true;
}

struct ticket *tickets_defer(struct tickets *tickets, struct portion *portion) {
  struct ticket *ticket = tickets->spare;
  uint32_t count = portion->view.record_count;
  must(ticket && ticket->capacity >= count);
  tickets->spare = NULL;
  *ticket = (struct ticket){
      .magic = TICKET_MAGIC,
      .capacity = ticket->capacity,
      .count = count,
      .number = atomic_fetch_add(&last_number, 1) + 1,
      .portion = portion,
      .early = true,
      .waiting = count,
      .answered_first = count,
  };
  memset(ticket->states, WAITING, count);
  pthread_mutex_lock(&tickets->lock);
  enter(tickets, ticket);
  pthread_mutex_unlock(&tickets->lock);
  return ticket;
}

static bool is_answer(uint8_t state) { return state >= WEIR_PASS && state <= WEIR_REJECT; }

static const weir_reason *reason_of(const struct ticket *ticket, uint32_t index) {
  if (!ticket->reason_of || !ticket->reason_of[index]) return NULL;
  return &ticket->reasons[ticket->reason_of[index] - 1]->reason;
}

/* Under the lock: gives the answers to the portion. */
static void apply(struct ticket *ticket) {
  for (uint32_t at = ticket->answered_first, end; at < ticket->answered_end; at = end) {
    uint8_t state = ticket->states[at];
    end = at + 1;
    if (!is_answer(state)) continue;
    const weir_reason *why = reason_of(ticket, at);
    while (end < ticket->answered_end && ticket->states[end] == state && reason_of(ticket, end) == why) end++;
    must(portion_settle(ticket->portion, at, end - at, state, why));
    memset(ticket->states + at, OVER, end - at);
    ticket->finished += end - at;
  }
  ticket->answered_first = ticket->count;
  ticket->answered_end = 0;
}

uint32_t tickets_process_returned(struct tickets *tickets, struct ticket *ticket, bool *overruled) {
  must_be(ticket, TICKET_MAGIC);
  must(ticket->early);
  *overruled = false;
  pthread_mutex_lock(&tickets->lock);
  for (uint32_t i = 0; i < ticket->count; i++) {
    if (ticket->portion->verdicts[i] == WEIR_UNSETTLED) continue;
    if (ticket->states[i] == WAITING)
      ticket->waiting--;
    else
      *overruled = true;
    ticket->states[i] = OVER;
  }
  apply(ticket);
  ticket->finished = 0;
  ticket->early = false;
  uint32_t waiting = ticket->waiting;
  if (waiting == 0) take_out(tickets, ticket);
  pthread_mutex_unlock(&tickets->lock);
  ticket->portion->waiting = waiting;
  if (waiting)
    ticket->portion->batch->holds++;
  else
    recycle(tickets, ticket);
  return waiting;
}

void tickets_withdraw(struct tickets *tickets, struct ticket *ticket) {
  must_be(ticket, TICKET_MAGIC);
  must(ticket->early);
  pthread_mutex_lock(&tickets->lock);
  take_out(tickets, ticket);
  pthread_mutex_unlock(&tickets->lock);
  recycle(tickets, ticket);
}

/* ---- complete() ---- */

static struct kept_reason *copy_reason(const weir_reason *why) {
  size_t code = why->code.size < LIMIT_REASON_CODE ? why->code.size : LIMIT_REASON_CODE;
  size_t text = why->text.size < LIMIT_REASON_TEXT ? why->text.size : LIMIT_REASON_TEXT;
  struct kept_reason *kept = malloc(sizeof *kept + code + text);
  if (!kept) return NULL;
  if (why->code.data) memcpy(kept->bytes, why->code.data, code);
  if (why->text.data) memcpy(kept->bytes + code, why->text.data, text);
  kept->reason = (weir_reason){.size = sizeof kept->reason, .retry_after_ms = why->retry_after_ms};
  if (why->code.data) kept->reason.code = weir_bytes(kept->bytes, code);
  if (why->text.data) kept->reason.text = weir_bytes(kept->bytes + code, text);
  return kept;
}

/* Under the lock. */
static bool make_room_for_reason(struct ticket *ticket) {
  uint32_t count = ticket->reason_count;
  if (!ticket->reason_of) ticket->reason_of = calloc(ticket->count, sizeof *ticket->reason_of);
  if (!ticket->reason_of) return false;
  if (count & (count - 1)) return true; /* room is doubled at each power of two */
  struct kept_reason **reasons = realloc(ticket->reasons, (count ? 2 * (size_t)count : 1) * sizeof *reasons);
  if (reasons) ticket->reasons = reasons;
  return reasons != NULL;
}

/* Under the lock. The number to write at each record; 0: no memory, then the verdict stands without its reason. */
static uint32_t keep_reason(struct ticket *ticket, const weir_reason *why) {
  struct kept_reason *kept = make_room_for_reason(ticket) ? copy_reason(why) : NULL;
  if (!kept) return 0;
  ticket->reasons[ticket->reason_count] = kept;
  return ++ticket->reason_count;
}

/* Under the lock. */
static uint32_t answer(
    struct ticket *ticket, uint32_t first, uint32_t end, weir_verdict verdict, const weir_reason *why) {
  uint32_t taken = 0, reason = 0;
  for (uint32_t i = first; i < end; i++) {
    if (ticket->states[i] != WAITING) continue;
    if (why && taken == 0) reason = keep_reason(ticket, why);
    if (reason) ticket->reason_of[i] = reason;
    ticket->states[i] = (uint8_t)verdict;
    taken++;
  }
  if (taken == 0) return 0;
  ticket->waiting -= taken;
  if (first < ticket->answered_first) ticket->answered_first = first;
  if (end > ticket->answered_end) ticket->answered_end = end;
  return taken;
}

static enum ticket_answer complete(struct tickets *tickets, weir_ticket number, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why, bool *notify) {
  struct ticket *ticket = find(tickets, number);
  if (!ticket) return ANSWER_LATE;
  if (first >= ticket->count) return ANSWER_OUT_OF_RANGE;
  uint32_t room = ticket->count - first;
  if (count != UINT32_MAX && count > room) return ANSWER_OUT_OF_RANGE;
  if (answer(ticket, first, first + (count < room ? count : room), verdict, why) == 0) return ANSWER_LATE;
  *notify = list_ready(tickets, ticket);
  return ticket->fenced ? ANSWER_FENCED : ANSWER_TAKEN;
}

enum ticket_answer tickets_complete(struct tickets *tickets, weir_ticket number, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why, bool *notify) {
  must(verdict >= WEIR_PASS && verdict <= WEIR_REJECT);
  *notify = false;
  pthread_mutex_lock(&tickets->lock);
  enum ticket_answer result = complete(tickets, number, first, count, verdict, why, notify);
  pthread_mutex_unlock(&tickets->lock);
  return result;
}

/* ---- resume() ---- */

void tickets_use_up(struct tickets *tickets, weir_ticket number, bool *notify) {
  *notify = false;
  pthread_mutex_lock(&tickets->lock);
  struct ticket *ticket = find(tickets, number);
  if (ticket && answer(ticket, 0, ticket->count, WEIR_RETRY, NULL)) *notify = list_ready(tickets, ticket);
  pthread_mutex_unlock(&tickets->lock);
}

struct portion *tickets_resume(struct tickets *tickets, weir_ticket number) {
  pthread_mutex_lock(&tickets->lock);
  struct ticket *ticket = find(tickets, number);
  must(!ticket || !ticket->early);
  bool openable = ticket && !ticket->fenced && (ticket->waiting > 0 || ticket->open);
  if (ticket && ticket->fenced && answer(ticket, 0, ticket->count, WEIR_RETRY, NULL)) list_ready(tickets, ticket);
  pthread_mutex_unlock(&tickets->lock);
  if (!openable) return NULL;
  if (!ticket->open) {
    ticket->open = true;
    ticket->next_opened = tickets->opened;
    tickets->opened = ticket;
    ticket->portion->open = true;
  }
  return ticket->portion;
}

struct ticket *tickets_opened(struct tickets *tickets, const weir_batch *batch) {
  struct ticket **at = &tickets->opened;
  while (*at && &(*at)->portion->view != batch) at = &(*at)->next_opened;
  struct ticket *ticket = *at;
  if (!ticket) return NULL;
  /* To the front: calls on one batch come in a row. */
  *at = ticket->next_opened;
  ticket->next_opened = tickets->opened;
  tickets->opened = ticket;
  return ticket;
}

/* Under the lock. */
static void settle_one(struct ticket *ticket, uint32_t index, weir_verdict verdict) {
  uint8_t state = verdict == WEIR_UNSETTLED ? WAITING : SETTLED;
  if (state == ticket->states[index]) return;
  ticket->waiting += state == WAITING;
  ticket->waiting -= state == SETTLED;
  ticket->states[index] = state;
}

static bool may_settle(uint8_t state) { return state == WAITING || state == SETTLED; }

uint32_t tickets_settle(struct tickets *tickets, struct ticket *ticket, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why) {
  must_be(ticket, TICKET_MAGIC);
  must(ticket->open && first <= ticket->count && count <= ticket->count - first);
  uint32_t taken = 0, end = first + count;
  pthread_mutex_lock(&tickets->lock);
  for (uint32_t at = first; at < end; at++) {
    uint32_t start = at;
    for (; at < end && may_settle(ticket->states[at]); at++) settle_one(ticket, at, verdict);
    if (at == start) continue;
    must(portion_settle(ticket->portion, start, at - start, verdict, why));
    taken += at - start;
  }
  pthread_mutex_unlock(&tickets->lock);
  return taken;
}

bool tickets_may_edit(struct tickets *tickets, const struct ticket *ticket, uint32_t index) {
  must(index < ticket->count);
  pthread_mutex_lock(&tickets->lock);
  bool may = may_settle(ticket->states[index]);
  pthread_mutex_unlock(&tickets->lock);
  return may;
}

void tickets_spoil(struct tickets *tickets, struct ticket *ticket, uint32_t index) {
  must(ticket->open && index < ticket->count);
  static const char code[] = "batch_memory", text[] = "the memory of the batch is spent";
  weir_reason why = weir_because(code, weir_text(text));
  pthread_mutex_lock(&tickets->lock);
  if (may_settle(ticket->states[index])) {
    settle_one(ticket, index, WEIR_UNSETTLED);
    answer(ticket, index, index + 1, WEIR_RETRY, &why);
    list_ready(tickets, ticket);
  }
  pthread_mutex_unlock(&tickets->lock);
}

/* Under the lock. */
static void close_one(struct tickets *tickets, struct ticket *ticket) {
  uint32_t finished = 0;
  for (uint32_t i = 0; i < ticket->count; i++) {
    if (ticket->states[i] != SETTLED) continue;
    ticket->states[i] = OVER;
    finished++;
  }
  ticket->open = false;
  ticket->portion->open = false;
  ticket->finished += finished;
  if (finished) list_ready(tickets, ticket);
}

void tickets_close_all(struct tickets *tickets) {
  if (!tickets->opened) return;
  pthread_mutex_lock(&tickets->lock);
  for (struct ticket *ticket = tickets->opened; ticket; ticket = ticket->next_opened) close_one(tickets, ticket);
  tickets->opened = NULL;
  pthread_mutex_unlock(&tickets->lock);
}

/* ---- The lane's end of it ---- */

/* Under the lock. The first of the ready, its answers given to the portion. */
static struct ticket *collect_one(struct tickets *tickets) {
  struct ticket *ticket = tickets->ready;
  if (!ticket) return NULL;
  must(!ticket->open);
  unlist(tickets, ticket);
  apply(ticket);
  must(ticket->finished > 0 && ticket->finished <= ticket->portion->waiting);
  ticket->portion->waiting -= ticket->finished;
  ticket->finished = 0;
  must(ticket->portion->waiting == ticket->waiting);
  if (ticket->waiting == 0) take_out(tickets, ticket);
  return ticket;
}

struct portion *tickets_collect(struct tickets *tickets) {
  pthread_mutex_lock(&tickets->lock);
  struct ticket *ticket = collect_one(tickets);
  bool over = ticket && ticket->waiting == 0;
  pthread_mutex_unlock(&tickets->lock);
  if (!ticket) return NULL;
  struct portion *portion = ticket->portion;
  if (over) {
    must(portion->batch->holds > 0);
    portion->batch->holds--;
    recycle(tickets, ticket);
  }
  return portion;
}

void tickets_fence(struct tickets *tickets, const struct partition *partition) {
  pthread_mutex_lock(&tickets->lock);
  for (struct ticket *ticket = tickets->oldest; ticket; ticket = ticket->newer)
    if (ticket->portion->batch->partition == partition) ticket->fenced = true;
  pthread_mutex_unlock(&tickets->lock);
}

uint32_t tickets_waiting(const struct tickets *tickets, const struct partition *partition) {
  uint32_t waiting = 0;
  for (const struct ticket *ticket = tickets->oldest; ticket; ticket = ticket->newer)
    if (!partition || ticket->portion->batch->partition == partition) waiting += ticket->portion->waiting;
  return waiting;
}

struct portion *tickets_abandon(struct tickets *tickets) {
  struct ticket *ticket = tickets->oldest;
  if (!ticket) return NULL;
  pthread_mutex_lock(&tickets->lock);
  unlist(tickets, ticket);
  take_out(tickets, ticket);
  pthread_mutex_unlock(&tickets->lock);
  struct portion *portion = ticket->portion;
  must(portion->batch->holds > 0);
  portion->batch->holds--;
  portion->waiting = 0;
  recycle(tickets, ticket);
  return portion;
}
