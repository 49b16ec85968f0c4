/* dead_letter.c: a rejected record with its provenance. Its source record is settled when the broker has confirmed the dead letter, not
 * before; one that cannot be written stops its partition. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/span.h"
#include "pipeline/runner_inside.h"

enum { PROVENANCE_HEADERS = 14 };
static const char hops_header[] = "weir.hops";

/* One dead letter on its way; in the arena of its batch, which it holds. */
struct dead_letter {
  struct shipment shipment;
  struct delivery delivery;
  struct outgoing outgoing;
  struct dead_letter *next; /* waits for room */
  struct station *station;
  struct portion *whole;
  uint32_t index;  /* of the record while it is written, and of its account at a sink */
  uint32_t origin; /* a stage's portion may be compacted before the report comes */
  int64_t offset;
  weir_span code;
};

static void reported(struct shipment *shipment, void *ctx);

struct header_list {
  struct arena *arena;
  weir_header *headers;
  uint32_t count;
  bool failed;
};

static void add(struct header_list *list, const char *name, weir_span value) {
  const uint8_t *copy = arena_copy(list->arena, value.data ? value.data : (const uint8_t *)"", value.size);
  if (!copy) list->failed = true;
  list->headers[list->count++] = (weir_header){span_of(name), {copy, value.size}};
}

static void add_number(struct header_list *list, const char *name, int64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, number);
  add(list, name, span_of(text));
}

/* How often this record has been a dead letter before: the last hops header counts. */
static int64_t hops_before(const weir_header *headers, uint32_t count) {
  for (uint32_t i = count; i-- > 0;) {
    if (!span_is(headers[i].name, hops_header)) continue;
    char text[16] = "";
    if (headers[i].value.size < sizeof text) memcpy(text, headers[i].value.data, headers[i].value.size);
    return strtol(text, NULL, 10);
  }
  return 0;
}

static void add_provenance(struct header_list *list, struct runner *runner, struct dead_letter *letter,
    const struct reason *reason, int64_t hops) {
  const struct record *record = &letter->whole->records[letter->index];
  const struct partition *partition = letter->whole->batch->partition;
  const struct step *step = letter->station->step;
  add(list, "weir.pipeline", span_of(runner->plan->pipeline));
  add(list, "weir.stage", span_of(step->label));
  if (step->setup) {
    const weir_plugin *plugin = setup_plugin(step->setup)->table;
    add(list, "weir.plugin", span_of(plugin->name));
    add(list, "weir.plugin.version", span_of(plugin->version));
  }
  add(list, "weir.reason.code", reason->code);
  add(list, "weir.reason", reason->text);
  add_number(list, "weir.attempts", record->view.attempt);
  add(list, "weir.source.topic", partition->view.topic);
  add_number(list, "weir.source.partition", partition->view.partition);
  add_number(list, "weir.source.offset", record->view.offset);
  add_number(list, "weir.source.timestamp", record->view.timestamp_ms);
  if (record->view.child) add_number(list, "weir.child", record->view.child);
  add_number(list, "weir.failed.at", clock_wall(runner->plan->clock));
  add_number(list, hops_header, hops);
}

/* Key, value and headers: of a record read from Kafka as they were read; of an emitted one as it entered the stage. */
static bool fill_outgoing(struct runner *runner, struct dead_letter *letter, const struct reason *reason) {
  struct batch *batch = letter->whole->batch;
  struct record *record = &letter->whole->records[letter->index];
  struct record original = *record;
  if (record->view.child == 0) {
    batch->source->view(batch->messages[record->origin], &original.view);
    original.headers_known = false;
  }
  const weir_header *headers;
  uint32_t count;
  if (!record_headers(batch, &original, &headers, &count)) return false;
  struct header_list list = {.arena = &batch->arena};
  list.headers = arena_alloc(&batch->arena, (count + PROVENANCE_HEADERS) * sizeof *list.headers);
  if (!list.headers) return false;
  if (count) memcpy(list.headers, headers, count * sizeof *headers);
  list.count = count;
  add_provenance(&list, runner, letter, reason, hops_before(headers, count) + 1);
  must(list.count <= count + PROVENANCE_HEADERS);
  letter->outgoing = (struct outgoing){.key = original.view.key,
      .value = original.view.value,
      .headers = list.headers,
      .header_count = list.count,
      .partition = -1,
      .timestamp_ms = original.view.timestamp_ms};
  return !list.failed;
}

static void give_up(struct runner *runner, struct dead_letter *letter, const char *why) {
  struct flow *flow = flow_of(letter->whole);
  struct error err;
  error_set(&err, "the dead letter of a record that %s rejected (%.*s) cannot be written: %s",
      letter->station->step->label, SPAN_ARGS(letter->code), why);
  failure_cut(runner, flow, letter->offset, &err);
  flow->moving--;
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
  enum write_result result = writer->write(writer->ctx, &letter->outgoing, &letter->delivery, &err);
  if (result == WRITE_ACCEPTED) return true;
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
  if (!letter || !fill_outgoing(runner, letter, reason)) {
    struct error err;
    error_set(&err, "no memory for the dead letter of a rejected record: raise `memory` or lower `batch.records`");
    failure_cut(runner, flow_of(whole), whole->records[index].view.offset, &err);
    return;
  }
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
  struct batch *batch = letter->whole->batch;
  struct flow *flow = flow_of(letter->whole);
  must(batch->holds > 0);
  batch->holds--;
  runner_touch(runner, batch);
  if (!flow) return;
  switch (letter->delivery.state) {
  case DELIVERY_CONFIRMED:
    flow->moving--;
    runner->events.failed(runner->events.ctx, letter->station->step->label, letter->code, OUTCOME_DEAD_LETTERED);
    if (letter->station->is_sink)
      station_ended(letter->station, letter->whole, letter->index, OUTCOME_DEAD_LETTERED);
    else
      batch_ended(batch, letter->origin, OUTCOME_DEAD_LETTERED);
    return;
  case DELIVERY_REFUSED: give_up(runner, letter, runner->plan->dead_letter->code_text(letter->delivery.code)); return;
  default: send_or_wait(runner, letter); return;
  }
}
