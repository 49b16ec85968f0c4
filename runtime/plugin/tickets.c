/* tickets.c: the table of tickets, and what the lane does with them. See tickets.h. */
#include "plugin/tickets_inside.h"
#include "base/check.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_FIRST = 64 };

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

struct ticket *tickets_find(struct tickets *tickets, weir_ticket number) {
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
  ticket_forget_reasons(ticket);
  ticket->magic = 0;
  if (tickets->spare && tickets->spare->capacity >= ticket->capacity) {
    free(ticket);
    return;
  }
  free(tickets->spare);
  tickets->spare = ticket;
}

/* Under the lock. True: nothing was ready before. */
bool tickets_list_ready(struct tickets *tickets, struct ticket *ticket) {
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
  ticket_apply(ticket);
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

/* ---- The lane's end of it ---- */

/* Under the lock. The first of the ready, its answers given to the portion. */
static struct ticket *collect_one(struct tickets *tickets) {
  struct ticket *ticket = tickets->ready;
  if (!ticket) return NULL;
  must(!ticket->open);
  unlist(tickets, ticket);
  ticket_apply(ticket);
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
