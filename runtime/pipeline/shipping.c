/* shipping.c: the runtime's own Kafka sink: a delivery report is the acknowledgement. What the transport lost is sent again and
 * never counts as a failure of the record; what the broker refuses for good does. */
#include <string.h>
#include "base/check.h"
#include "base/failpoint.h"
#include "base/span.h"
#include "pipeline/runner_inside.h"

/* What one portion has on its way; in the arena of its batch, which it holds. */
struct shipping {
  struct shipment shipment;
  struct portion *portion;
  uint64_t producer; /* the number of the one that took records of it last */
  uint32_t next;     /* index of the next record to hand over */
  bool open;         /* our own count is not given back: not all is handed over */
  bool held;         /* the line waits for room */
  struct delivery deliveries[];
};

static void reported(struct shipment *shipment, void *ctx);

static uint32_t count_unsettled(const struct portion *portion) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < portion->view.record_count; i++) count += portion->verdicts[i] == WEIR_UNSETTLED;
  return count;
}

static struct shipping *shipping_open(struct runner *runner, struct portion *portion) {
  uint32_t count = portion->view.record_count;
  struct shipping *shipping = portion->shipping;
  if (!shipping) {
    shipping = arena_alloc(&portion->batch->arena, sizeof *shipping + count * sizeof shipping->deliveries[0]);
    if (!shipping) return NULL;
    portion_enter(portion, portion->stage, true, NULL);
    portion->shipping = shipping;
    shipping->producer = 0;
  }
  shipping->shipment = (struct shipment){
      .inbox = runner->inbox, .notify = runner->lane.notify, .ctx = runner->lane.ctx, .reported = reported};
  atomic_init(&shipping->shipment.open, count_unsettled(portion) + 1);
  shipping->portion = portion;
  shipping->next = 0;
  shipping->open = true;
  shipping->held = false;
  portion->batch->holds++;
  return shipping;
}

SELDOM static bool route_matches(const struct station *station, weir_span topic) {
  char name[256];
  if (!station->step->allow_routes || topic.size >= sizeof name || memchr(topic.data, 0, topic.size)) return false;
  memcpy(name, topic.data, topic.size);
  name[topic.size] = 0;
  for (size_t i = 0; i < station->step->route_count; i++)
    if (regexec(&station->routes[i], name, 0, NULL, 0) == 0) return true;
  return false;
}

static enum write_result write_record(
    struct station *station, struct portion *portion, uint32_t index, struct delivery *delivery, struct error *err) {
  struct record *record = &portion->records[index];
  const struct writer *writer = station->step->writer;
  struct outgoing outgoing = {.key = record->view.key,
      .value = record->view.value,
      .topic = record->view.topic,
      .partition = station->step->keep_partition ? portion->batch->partition->view.partition : -1,
      .timestamp_ms = record->view.timestamp_ms};
  if (!record_headers(portion->batch, record, &outgoing.headers, &outgoing.header_count)) {
    error_set(err, "no memory for its headers: raise `memory` or lower `batch.records`");
    return WRITE_REFUSED;
  }
  if (outgoing.topic.data && !route_matches(station, outgoing.topic)) {
    error_set(err, "a stage routed it to topic %.*s, which `routes` of sink %s does not allow",
        SPAN_ARGS(outgoing.topic), station->step->label);
    return WRITE_REFUSED;
  }
  return writer->write(writer->ctx, &outgoing, delivery, err);
}

SELDOM static void refuse(struct runner *runner, struct shipping *shipping, uint32_t index, const struct error *err) {
  struct station *station = station_of(runner, shipping->portion);
  const struct writer *writer = station->step->writer;
  struct reason reason = {span_of(err->code ? writer->code_name(err->code) : "refused"), span_of(err->text), 0};
  atomic_fetch_sub(&shipping->shipment.open, 1); /* never the last: our own is open */
  failure_final(runner, shipping->portion, index, &reason);
}

static void hold(struct runner *runner, struct shipping *shipping, bool held) {
  if (shipping->held != held) line_hold(flow_of(shipping->portion), shipping->portion->stage, held ? 1 : -1);
  shipping->held = held;
  if (!held) return;
  /* Each time: a call is good for one try, and that one may have found no room. */
  const struct writer *writer = station_of(runner, shipping->portion)->step->writer;
  runner_ask_for_room(runner, writer);
}

/* False: the producer has no room for the next record. */
static bool hand_over_rest(struct runner *runner, struct shipping *shipping) {
  struct portion *portion = shipping->portion;
  struct station *station = station_of(runner, portion);
  struct error err; /* filled by a refusal */
  FAILPOINT(before_produce);
  for (; shipping->next < portion->view.record_count; shipping->next++) {
    uint32_t index = shipping->next;
    FAILPOINT(in_produce);
    if (portion->verdicts[index] != WEIR_UNSETTLED) continue;
    struct delivery *delivery = &shipping->deliveries[index];
    *delivery = (struct delivery){.shipment = &shipping->shipment, .partition = -1, .offset = -1};
    enum write_result result = write_record(station, portion, index, delivery, &err);
    if (result == WRITE_FULL) return false;
    if (result == WRITE_REFUSED) refuse(runner, shipping, index, &err);
  }
  return true;
}

/* Records before it may have been lost with an earlier producer, and the lane has not heard of it or not sent them again. */
static bool overtakes(struct line *line, const struct portion *portion, uint64_t producer) {
  if (line->producer == producer) return false;
  line->producer = 0;
  for (const struct portion *at = line->first; at != portion; at = at->next)
    if (at->shipping && at->shipping->producer != producer) return true;
  return false;
}

/* The producer that took the first records is gone, and perhaps they with it: the others wait for what is reported of those. */
static void lose_rest(struct shipping *shipping) {
  const struct portion *portion = shipping->portion;
  for (; shipping->next < portion->view.record_count; shipping->next++) {
    if (portion->verdicts[shipping->next] != WEIR_UNSETTLED) continue;
    shipping->deliveries[shipping->next] = (struct delivery){.state = DELIVERY_LOST};
    atomic_fetch_sub(&shipping->shipment.open, 1); /* never the last: our own is open */
  }
}

/* False: not all could be handed over now. */
static bool hand_over_to(struct runner *runner, struct shipping *shipping, uint64_t producer) {
  struct portion *portion = shipping->portion;
  struct line *line = &flow_of(portion)->lines[portion->stage];
  if (overtakes(line, portion, producer)) return false;
  if (shipping->next > 0 && shipping->producer != producer) {
    lose_rest(shipping);
    return true;
  }
  shipping->producer = producer;
  if (!portion->next) line->producer = producer;
  return hand_over_rest(runner, shipping);
}

static void hand_over(struct runner *runner, struct shipping *shipping) {
  const struct writer *writer = station_of(runner, shipping->portion)->step->writer;
  bool all = false;
  if (writer->begin(writer->ctx)) {
    all = hand_over_to(runner, shipping, writer->number(writer->ctx));
    writer->end(writer->ctx);
  }
  hold(runner, shipping, !all);
  if (!all) return;
  FAILPOINT(after_produce);
  shipping->open = false;
  shipment_close_one(&shipping->shipment);
}

void shipping_send(struct runner *runner, struct portion *portion) {
  struct shipping *shipping = portion->shipping;
  if (!shipping || !shipping->open) shipping = shipping_open(runner, portion);
  if (!shipping) {
    failure_no_memory(runner, portion);
    return;
  }
  check_context(station_of(runner, portion)->context);
  hand_over(runner, shipping);
  check_context(NULL);
}

/* In offset order, until one has to wait again: what was lost meanwhile goes before what never went. */
static void send_held(struct runner *runner, struct line *line) {
  if (line->held == 0) return;
  for (struct portion *portion = line->first; portion; portion = portion->next) {
    if (shipping_waits(portion))
      shipping_send(runner, portion);
    else if (portion->state == PORTION_ARRIVED)
      walk_visit(runner, portion);
    if (shipping_waits(portion)) return;
  }
}

void shipping_serve(struct runner *runner) {
  if (!atomic_exchange(&runner->room, false)) return;
  for (struct flow *flow = runner->flows; flow; flow = flow->next)
    for (uint32_t index = runner->plan->stage_count; index < runner->station_count; index++) {
      if (runner->stations[index].stage) continue;
      send_held(runner, &flow->lines[index]);
      walk_serve_line(runner, flow, index);
    }
}

bool shipping_waits(const struct portion *portion) { return portion->shipping && portion->shipping->held; }

void shipping_forget(struct portion *portion) {
  struct shipping *shipping = portion->shipping;
  if (!shipping || !shipping->open) return;
  uint32_t left = 0;
  for (uint32_t i = shipping->next; i < portion->view.record_count; i++) left += portion->verdicts[i] == WEIR_UNSETTLED;
  atomic_fetch_sub(&shipping->shipment.open, left);
  shipping->open = false;
  shipment_close_one(&shipping->shipment);
}

static void take_refusal(struct runner *runner, struct portion *portion, uint32_t index, int32_t code) {
  const struct writer *writer = station_of(runner, portion)->step->writer;
  struct reason reason = {span_of(writer->code_name(code)), span_of(writer->code_text(code)), 0};
  failure_final(runner, portion, index, &reason);
}

static bool is_all_confirmed(const struct shipping *shipping) {
  const struct portion *portion = shipping->portion;
  for (uint32_t i = 0; i < portion->view.record_count; i++)
    if (portion->verdicts[i] != WEIR_UNSETTLED || shipping->deliveries[i].state != DELIVERY_CONFIRMED) return false;
  return true;
}

/* The usual case: the only sink has confirmed all that the batch still had open. */
static bool settle_whole(struct shipping *shipping) {
  struct portion *portion = shipping->portion;
  uint32_t count = portion->view.record_count;
  if (portion->fan || !is_all_confirmed(shipping)) return false;
  if (!batch_ended_whole(portion->batch, count, OUTCOME_DELIVERED)) return false;
  memset(portion->verdicts, DECIDED_ELSEWHERE, count);
  return true;
}

/* True: some were lost. */
static bool settle_each(struct runner *runner, struct shipping *shipping) {
  struct portion *portion = shipping->portion;
  struct station *station = station_of(runner, portion);
  bool lost = false;
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    if (portion->verdicts[i] != WEIR_UNSETTLED) continue;
    const struct delivery *delivery = &shipping->deliveries[i];
    must(delivery->state != DELIVERY_OPEN);
    if (delivery->state == DELIVERY_CONFIRMED) {
      portion->verdicts[i] = DECIDED_ELSEWHERE;
      station_ended(station, portion, i, OUTCOME_DELIVERED);
    } else if (delivery->state == DELIVERY_REFUSED)
      take_refusal(runner, portion, i, delivery->code);
    else
      lost = true;
  }
  return lost;
}

static void reported(struct shipment *shipment, void *ctx) {
  struct runner *runner = ctx;
  struct shipping *shipping = inbox_message(shipment, struct shipping, shipment);
  struct portion *portion = shipping->portion;
  struct flow *flow = flow_of(portion);
  must(portion->batch->holds > 0);
  portion->batch->holds--;
  runner_touch(runner, portion->batch);
  if (!flow) return;
  FAILPOINT(acknowledged);
  bool lost = !settle_whole(shipping) && settle_each(runner, shipping);
  if (lost) portion->state = PORTION_ARRIVED; /* sent again in its place of the line */
  walk_serve_line(runner, flow, portion->stage);
}
