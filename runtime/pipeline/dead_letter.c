/* dead_letter.c: a rejected record with its provenance. Its source record is settled when the broker has confirmed the dead letter, not
 * before; one that cannot be written stops its partition. */
#include "base/check.h"
#include "base/failpoint.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/span.h"
#include "pipeline/provenance.h"
#include "pipeline/runner_inside.h"

/* One dead letter on its way; in the arena of its batch, which it holds. */
struct dead_letter {
  struct shipment shipment;
  struct delivery delivery;
  struct provenance provenance;
  struct dead_letter *next; /* waits for room */
  struct station *station;
  struct portion *whole;
  uint32_t index;  /* of the record while it is written, and of its account at a sink */
  uint32_t origin; /* a stage's portion may be compacted before the report comes */
  int64_t offset;
  weir_span code;
};

static void reported(struct shipment *shipment, void *ctx);

static void give_up(struct runner *runner, struct dead_letter *letter, const char *why) {
  struct flow *flow = flow_of(letter->whole);
  struct error err;
  error_set(&err, "the dead letter of a record that %s rejected (%.*s) cannot be written: %s",
      letter->station->step->label, SPAN_ARGS(letter->code), why);
  failure_cut(runner, flow, letter->offset, &err);
  flow->moving--;
}

/* True: the value went, and another try may succeed. */
static bool replaced(struct dead_letter *letter) {
  static struct log_limit limit;
  struct batch *batch = letter->whole->batch;
  if (letter->provenance.replaced || !provenance_replace(&letter->provenance, batch, letter->offset)) return false;
  log_limited(&limit, LIMIT_TROUBLE_MS, WEIR_WARN, "dead letters",
      "the value of %.*s/%d@%lld is too large for the dead-letter topic: its size, SHA-256 and place stand for it",
      SPAN_ARGS(batch->partition->view.topic), batch->partition->view.partition, (long long)letter->offset);
  return true;
}

static bool is_too_large(const struct runner *runner, const struct dead_letter *letter) {
  int64_t bytes_max = runner->plan->dead_letter_bytes_max;
  return bytes_max > 0 && provenance_bytes_least(&letter->provenance) > (uint64_t)bytes_max;
}

static void push_waiting(struct runner *runner, struct dead_letter *letter) {
  struct dead_letter **end = &runner->dead_waiting;
  while (*end) end = &(*end)->next;
  letter->next = NULL;
  *end = letter;
}

/* False: the producer is full. */
static bool send(struct runner *runner, struct dead_letter *letter) {
  const struct writer *writer = runner->plan->dead_letter;
  letter->shipment = (struct shipment){
      .inbox = runner->inbox, .notify = runner->lane.notify, .ctx = runner->lane.ctx, .reported = reported};
  atomic_init(&letter->shipment.open, 1);
  letter->delivery = (struct delivery){.shipment = &letter->shipment, .partition = -1, .offset = -1};
  letter->whole->batch->holds++;
  struct error err = {0};
  enum write_result result = writer_write(writer, &letter->provenance.outgoing, &letter->delivery, &err);
  if (result == WRITE_REFUSED && writer->is_too_large(err.code) && replaced(letter))
    result = writer_write(writer, &letter->provenance.outgoing, &letter->delivery, &err);
  if (result == WRITE_ACCEPTED) {
    FAILPOINT(dead_letter_produced);
    return true;
  }
  letter->whole->batch->holds--;
  if (result == WRITE_FULL) return false;
  give_up(runner, letter, err.text);
  return true;
}

static void send_or_wait(struct runner *runner, struct dead_letter *letter) {
  const struct writer *writer = runner->plan->dead_letter;
  if (!runner->dead_waiting && send(runner, letter)) return;
  push_waiting(runner, letter);
  runner_ask_for_room(runner, writer);
}

void dead_letter_write(struct runner *runner, struct portion *whole, uint32_t index, const struct reason *reason) {
  must(runner->plan->dead_letter);
  struct dead_letter *letter = arena_alloc(&whole->batch->arena, sizeof *letter);
  if (letter) {
    *letter = (struct dead_letter){.station = station_of(runner, whole), .whole = whole, .index = index};
    letter->code = reason->code;
    letter->origin = whole->records[index].origin;
    letter->offset = whole->records[index].view.offset;
  }
  if (!letter || !provenance_write(&letter->provenance, runner->plan, letter->station->step, whole, index, reason)) {
    struct error err;
    error_set(&err, "no memory for the dead letter of a rejected record: raise `memory` or lower `batch.records`");
    failure_cut(runner, flow_of(whole), whole->records[index].view.offset, &err);
    return;
  }
  if (is_too_large(runner, letter)) replaced(letter); /* else the broker says so */
  flow_of(whole)->moving++;
  send_or_wait(runner, letter);
}

void dead_letter_serve(struct runner *runner) {
  while (runner->dead_waiting) {
    struct dead_letter *letter = runner->dead_waiting;
    runner->dead_waiting = letter->next;
    if (send(runner, letter)) continue;
    letter->next = runner->dead_waiting;
    runner->dead_waiting = letter;
    const struct writer *writer = runner->plan->dead_letter;
    runner_ask_for_room(runner, writer);
    return;
  }
}

void dead_letter_forget(struct runner *runner, struct flow *flow) {
  for (struct dead_letter **link = &runner->dead_waiting; *link;)
    if (flow_of((*link)->whole) == flow)
      *link = (*link)->next;
    else
      link = &(*link)->next;
}

static void reported(struct shipment *shipment, void *ctx) {
  struct runner *runner = ctx;
  struct dead_letter *letter = inbox_message(shipment, struct dead_letter, shipment);
  const struct writer *writer = runner->plan->dead_letter;
  struct batch *batch = letter->whole->batch;
  struct flow *flow = flow_of(letter->whole);
  must(batch->holds > 0);
  batch->holds--;
  runner_touch(runner, batch);
  if (!flow) return;
  switch (letter->delivery.state) {
  case DELIVERY_CONFIRMED:
    FAILPOINT(dead_letter_confirmed);
    flow->moving--;
    runner->events.failed(runner->events.ctx, letter->station->step->label, letter->code, OUTCOME_DEAD_LETTERED);
    if (letter->station->is_sink && letter->whole->state != PORTION_QUARANTINED)
      station_ended(letter->station, letter->whole, letter->index, OUTCOME_DEAD_LETTERED);
    else
      batch_ended(batch, letter->origin, OUTCOME_DEAD_LETTERED);
    return;
  case DELIVERY_REFUSED:
    if (writer->is_too_large(letter->delivery.code) && replaced(letter))
      send_or_wait(runner, letter);
    else
      give_up(runner, letter, writer->code_text(letter->delivery.code));
    return;
  default: send_or_wait(runner, letter); return;
  }
}
