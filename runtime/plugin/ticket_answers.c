/* ticket_answers.c: verdicts that come from outside: written down, and given to the portion when the lane collects. */
#include "plugin/tickets_inside.h"
#include "base/check.h"
#include "base/limits.h"
#include <stdlib.h>
#include <string.h>

/* Why, as it came with an answer; kept until the lane copies it into the batch. */
struct kept_reason {
  weir_reason reason;
  uint8_t bytes[];
};

void ticket_forget_reasons(struct ticket *ticket) {
  for (uint32_t i = 0; i < ticket->reason_count; i++) free(ticket->reasons[i]);
  free(ticket->reasons);
  free(ticket->reason_of);
  ticket->reasons = NULL;
  ticket->reason_of = NULL;
  ticket->reason_count = 0;
}

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

uint32_t ticket_write_answer(
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

static const weir_reason *reason_of(const struct ticket *ticket, uint32_t index) {
  if (!ticket->reason_of || !ticket->reason_of[index]) return NULL;
  return &ticket->reasons[ticket->reason_of[index] - 1]->reason;
}

/* Under the lock: gives the answers to the portion. */
void ticket_apply(struct ticket *ticket) {
  for (uint32_t at = ticket->answered_first, end; at < ticket->answered_end; at = end) {
    uint8_t state = ticket->states[at];
    end = at + 1;
    if (!ticket_is_answer(state)) continue;
    const weir_reason *why = reason_of(ticket, at);
    while (end < ticket->answered_end && ticket->states[end] == state && reason_of(ticket, end) == why) end++;
    must(portion_settle(ticket->portion, at, end - at, state, why));
    memset(ticket->states + at, OVER, end - at);
    ticket->finished += end - at;
  }
  ticket->answered_first = ticket->count;
  ticket->answered_end = 0;
}

static enum ticket_answer complete(struct tickets *tickets, weir_ticket number, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why, bool *notify) {
  struct ticket *ticket = tickets_find(tickets, number);
  if (!ticket) return ANSWER_LATE;
  if (first >= ticket->count) return ANSWER_OUT_OF_RANGE;
  uint32_t room = ticket->count - first;
  if (count != UINT32_MAX && count > room) return ANSWER_OUT_OF_RANGE;
  if (ticket_write_answer(ticket, first, first + (count < room ? count : room), verdict, why) == 0) return ANSWER_LATE;
  *notify = tickets_list_ready(tickets, ticket);
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
