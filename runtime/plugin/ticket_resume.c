/* ticket_resume.c: a deferred batch, open again on its lane. */
#include "plugin/tickets_inside.h"
#include "base/check.h"

void tickets_use_up(struct tickets *tickets, weir_ticket number, bool *notify) {
  *notify = false;
  pthread_mutex_lock(&tickets->lock);
  struct ticket *ticket = tickets_find(tickets, number);
  if (ticket && ticket_write_answer(ticket, 0, ticket->count, WEIR_RETRY, NULL))
    *notify = tickets_list_ready(tickets, ticket);
  pthread_mutex_unlock(&tickets->lock);
}

struct portion *tickets_resume(struct tickets *tickets, weir_ticket number) {
  pthread_mutex_lock(&tickets->lock);
  struct ticket *ticket = tickets_find(tickets, number);
  must(!ticket || !ticket->early);
  bool openable = ticket && !ticket->fenced && (ticket->waiting > 0 || ticket->open);
  if (ticket && ticket->fenced && ticket_write_answer(ticket, 0, ticket->count, WEIR_RETRY, NULL))
    tickets_list_ready(tickets, ticket);
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

uint32_t tickets_settle(struct tickets *tickets, struct ticket *ticket, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why) {
  must_be(ticket, TICKET_MAGIC);
  must(ticket->open && first <= ticket->count && count <= ticket->count - first);
  uint32_t taken = 0, end = first + count;
  pthread_mutex_lock(&tickets->lock);
  for (uint32_t at = first; at < end; at++) {
    uint32_t start = at;
    for (; at < end && ticket_may_settle(ticket->states[at]); at++) settle_one(ticket, at, verdict);
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
  bool may = ticket_may_settle(ticket->states[index]);
  pthread_mutex_unlock(&tickets->lock);
  return may;
}

void tickets_spoil(struct tickets *tickets, struct ticket *ticket, uint32_t index) {
  must(ticket->open && index < ticket->count);
  static const char code[] = "batch_memory", text[] = "the memory of the batch is spent";
  weir_reason why = weir_because(code, weir_text(text));
  pthread_mutex_lock(&tickets->lock);
  if (ticket_may_settle(ticket->states[index])) {
    settle_one(ticket, index, WEIR_UNSETTLED);
    ticket_write_answer(ticket, index, index + 1, WEIR_RETRY, &why);
    tickets_list_ready(tickets, ticket);
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
  if (finished) tickets_list_ready(tickets, ticket);
}

void tickets_close_all(struct tickets *tickets) {
  if (!tickets->opened) return;
  pthread_mutex_lock(&tickets->lock);
  for (struct ticket *ticket = tickets->opened; ticket; ticket = ticket->next_opened) close_one(tickets, ticket);
  tickets->opened = NULL;
  pthread_mutex_unlock(&tickets->lock);
}
