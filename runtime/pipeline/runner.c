/* runner.c: the life of a lane's batches from begin to settled. Whatever ends records only marks their batch as touched; batches are
 * settled and given back in runner_sweep(), when nobody up the stack looks at them any more. */
#include "pipeline/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "pipeline/runner_inside.h"

/* --- lines --- */

void line_push(struct line *line, struct portion *portion) {
  portion->batch->standing++;
  portion->next = NULL;
  if (line->last)
    line->last->next = portion;
  else
    line->first = portion;
  line->last = portion;
}

void line_remove(struct line *line, struct portion *portion) {
  struct portion *before = NULL;
  for (struct portion *at = line->first; at != portion; at = at->next) {
    must(at);
    before = at;
  }
  if (before)
    before->next = portion->next;
  else
    line->first = portion->next;
  if (line->last == portion) line->last = before;
  portion->next = NULL;
  must(portion->batch->standing > 0);
  portion->batch->standing--;
}

void line_hold(struct flow *flow, uint32_t index, int by) {
  must(by == 1 || flow->lines[index].held > 0);
  flow->lines[index].held += (uint32_t)by;
  flow->held += (uint32_t)by;
}

/* --- room --- */

static void room_again(void *ctx) {
  struct runner *runner = ctx;
  atomic_store(&runner->room, true);
  runner->lane.notify(runner->lane.ctx);
}

void runner_ask_for_room(struct runner *runner, const struct writer *writer) {
  writer->when_room(writer->ctx, runner->lane.lane, room_again, runner);
}

/* --- settling --- */

void runner_touch(struct runner *runner, struct batch *batch) {
  if (batch->listed) return;
  batch->listed = true;
  batch->link = runner->touched;
  runner->touched = batch;
}

static void forget_batch(struct flow *flow, struct batch *batch) {
  for (struct batch **link = &flow->batches; *link; link = &(*link)->in_flow) {
    if (*link != batch) continue;
    *link = batch->in_flow;
    return;
  }
  must_not_reach();
}

/* Where all of a portion's records have failed, their batch may have nothing open while the portion waits for those before it. */
static void sweep_one(struct runner *runner, struct batch *batch) {
  struct flow *flow = batch->ctx;
  if (flow && batch_is_settled(batch) && !batch->standing) {
    forget_batch(flow, batch);
    batch->ctx = NULL;
    runner->events.settled(runner->events.ctx, batch);
  }
  if (batch->ctx || !batch_is_done(batch)) return;
  batch_pool_give(&runner->pool, batch);
  runner->full_flushed = false;
  runner->events.room(runner->events.ctx);
}

static void runner_sweep(struct runner *runner) {
  while (runner->touched) {
    struct batch *batch = runner->touched;
    runner->touched = batch->link;
    batch->link = NULL;
    batch->listed = false;
    sweep_one(runner, batch);
  }
}

/* --- life --- */

static bool compile_routes(struct station *station, struct error *err) {
  const struct step *step = station->step;
  if (!step->route_count) return true;
  station->routes = calloc(step->route_count, sizeof *station->routes);
  if (!station->routes) return error_set(err, "no memory");
  for (size_t i = 0; i < step->route_count; i++) {
    int code = regcomp(&station->routes[i], step->routes[i], REG_EXTENDED | REG_NOSUB);
    if (code == 0) continue;
    char text[128];
    regerror(code, &station->routes[i], text, sizeof text);
    return error_set(
        err, "%s: the pattern %s of `routes` is not a regular expression: %s", step->label, step->routes[i], text);
  }
  return true;
}

static bool station_open(
    struct station *station, const struct step *step, const struct stage_lane *lane, bool is_sink, struct error *err) {
  *station = (struct station){.step = step, .is_sink = is_sink, .overlaps = true};
  if (asprintf(&station->context, "lane %u, %s %s", lane->lane, is_sink ? "sink" : "stage", step->label) < 0)
    return error_set(err, "no memory");
  struct stage_lane watched = *lane;
  watched.step = strchr(station->context, ',') + 2;
  watched.deadline_ms = step->deadline_ms;
  if (!compile_routes(station, err)) return false;
  if (step->when && !(station->guard = stage_create(step->when, &watched, err)))
    return error_wrap(err, "`when` of %s", step->label);
  if (!step->setup) {
    must(step->writer && is_sink);
    return true;
  }
  uint32_t traits = setup_traits(step->setup);
  station->in_order = !is_sink && !(traits & WEIR_UNORDERED);
  station->overlaps = traits & WEIR_ASYNC;
  station->stage = stage_create(step->setup, &watched, err);
  return station->stage || error_wrap(err, "%s %s", is_sink ? "sink" : "stage", step->label);
}

static void abandoned(void *ctx, struct portion *portion) { runner_touch(ctx, portion->batch); }

static void station_close(struct runner *runner, struct station *station) {
  stage_destroy(station->guard, NULL, NULL);
  stage_destroy(station->stage, abandoned, runner);
  for (size_t i = 0; station->routes && i < station->step->route_count; i++) regfree(&station->routes[i]);
  free(station->routes);
  free(station->context);
}

struct runner *runner_create(const struct plan *plan, const struct stage_lane *lane, struct inbox *inbox,
    const struct runner_events *events, struct error *err) {
  must(plan->sink_count > 0 && plan->sink_count <= LIMIT_SINKS && plan->stage_count <= LIMIT_STAGES);
  struct runner *runner = calloc(1, sizeof *runner);
  if (!runner) {
    error_set(err, "no memory for a lane");
    return NULL;
  }
  runner->plan = plan;
  runner->lane = *lane;
  runner->inbox = inbox;
  runner->events = *events;
  runner->random = 0x9e3779b97f4a7c15u ^ (uint64_t)clock_wall(plan->clock) ^ lane->lane;
  runner->stations = calloc(plan->stage_count + plan->sink_count, sizeof *runner->stations);
  bool ok =
      runner->stations && batch_pool_init(&runner->pool, plan->batches, plan->batch_records, plan->batch_bytes_max);
  if (!ok) error_set(err, "no memory for %u batches of a lane", plan->batches);
  for (uint32_t i = 0; ok && i < plan->stage_count + plan->sink_count; i++) {
    bool is_sink = i >= plan->stage_count;
    const struct step *step = is_sink ? &plan->sinks[i - plan->stage_count] : &plan->stages[i];
    runner->station_count = i + 1;
    ok = station_open(&runner->stations[i], step, lane, is_sink, err);
  }
  if (ok) return runner;
  runner_destroy(runner);
  return NULL;
}

void runner_destroy(struct runner *runner) {
  if (!runner) return;
  must(!runner->flows);
  for (uint32_t i = 0; i < runner->station_count; i++) station_close(runner, &runner->stations[i]);
  runner_sweep(runner);
  batch_pool_fini(&runner->pool);
  free(runner->stations);
  free(runner);
}

/* --- partitions --- */

static struct flow *find_flow(const struct runner *runner, const struct partition *partition) {
  struct flow *flow = runner->flows;
  while (flow && flow->partition != partition) flow = flow->next;
  return flow;
}

static void revoke_stations(struct runner *runner, struct partition *partition, int32_t why, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (runner->stations[i].guard) stage_revoked(runner->stations[i].guard, partition, why);
    if (runner->stations[i].stage) stage_revoked(runner->stations[i].stage, partition, why);
  }
}

static bool assign_station(struct station *station, struct partition *partition, struct error *err) {
  if (station->guard && !stage_assigned(station->guard, partition, err)) return false;
  if (!station->stage || stage_assigned(station->stage, partition, err)) return true;
  if (station->guard) stage_revoked(station->guard, partition, WEIR_REVOKED);
  return false;
}

bool runner_assigned(struct runner *runner, struct partition *partition, struct error *err) {
  must(!find_flow(runner, partition));
  for (uint32_t i = 0; i < runner->station_count; i++) {
    if (assign_station(&runner->stations[i], partition, err)) continue;
    revoke_stations(runner, partition, WEIR_REVOKED, i);
    return error_wrap(err, "%s", runner->stations[i].step->label);
  }
  struct flow *flow = calloc(1, sizeof *flow);
  struct line *lines = calloc(runner->station_count, sizeof *lines);
  if (!flow || !lines) {
    free(flow);
    free(lines);
    revoke_stations(runner, partition, WEIR_REVOKED, runner->station_count);
    return error_set(err, "no memory for a partition");
  }
  *flow = (struct flow){.partition = partition, .next = runner->flows, .lines = lines, .cut = INT64_MAX};
  runner->flows = flow;
  return true;
}

static uint64_t abandon_batches(struct runner *runner, struct flow *flow) {
  uint64_t records = 0;
  while (flow->batches) {
    struct batch *batch = flow->batches;
    records += batch->open;
    batch_abandon(batch);
    runner_touch(runner, batch);
    flow->batches = batch->in_flow;
    batch->ctx = NULL;
    runner->events.settled(runner->events.ctx, batch);
  }
  return records;
}

uint64_t runner_revoked(struct runner *runner, struct partition *partition, int32_t why) {
  struct flow *flow = find_flow(runner, partition);
  must(flow);
  flow->draining = true;
  failure_give_up(runner, flow);
  dead_letter_forget(runner, flow);
  for (uint32_t i = 0; i < runner->station_count; i++) {
    if (runner->stations[i].stage) stage_fence(runner->stations[i].stage, partition);
    for (struct portion *portion = flow->lines[i].first; portion; portion = portion->next) shipping_forget(portion);
  }
  uint64_t records = abandon_batches(runner, flow);
  revoke_stations(runner, partition, why, runner->station_count);
  for (struct flow **link = &runner->flows; *link; link = &(*link)->next) {
    if (*link != flow) continue;
    *link = flow->next;
    break;
  }
  free(flow->lines);
  free(flow);
  runner_serve(runner);
  return records;
}

/* --- batches --- */

struct batch *runner_take(struct runner *runner, struct partition *partition) {
  const struct batch_source *source = runner->plan->source;
  struct batch *batch = batch_pool_take(&runner->pool, partition, partition->view.epoch, source);
  if (batch || runner->full_flushed) return batch;
  runner->full_flushed = true;
  runner_flush(runner, NULL, WEIR_FLUSH_FULL, clock_now(runner->plan->clock));
  return batch_pool_take(&runner->pool, partition, partition->view.epoch, source);
}

void runner_give(struct runner *runner, struct batch *batch) {
  must(!batch->ctx);
  if (!batch_is_settled(batch)) batch_abandon(batch);
  batch_pool_give(&runner->pool, batch);
}

static struct flow *take_in(const struct runner *runner, struct batch *batch) {
  struct flow *flow = find_flow(runner, batch->partition);
  must(flow && batch->count > 0);
  batch->ctx = flow;
  batch->begun_ms = clock_now(runner->plan->clock);
  batch->in_flow = flow->batches;
  flow->batches = batch;
  return flow;
}

void runner_begin(struct runner *runner, struct batch *batch, struct portion *portion) {
  struct flow *flow = take_in(runner, batch);
  flow->moving++;
  walk_arrive(runner, portion, 0);
  runner_sweep(runner);
}

static uint32_t station_by_label(const struct runner *runner, const char *label) {
  for (uint32_t i = 0; i < runner->station_count; i++)
    if (strcmp(runner->stations[i].step->label, label) == 0) return i;
  return 0;
}

void runner_quarantine(
    struct runner *runner, struct batch *batch, struct portion *portion, const char *label, const char *text) {
  const struct flow *flow = take_in(runner, batch);
  must(batch->count == 1 && portion->view.record_count == 1);
  portion_enter(portion, station_by_label(runner, label), false, NULL);
  if (portion->records[0].view.offset < flow->cut)
    failure_quarantine(runner, portion, &(struct reason){span_of("quarantined"), span_of(text), 0});
  runner_sweep(runner);
}

bool runner_may_begin(const struct runner *runner, const struct partition *partition) {
  const struct flow *flow = find_flow(runner, partition);
  return flow && flow->cut == INT64_MAX && !flow->draining && flow->held == 0;
}

/* --- what comes in --- */

static void collected(void *ctx, struct portion *portion) {
  struct runner *runner = ctx;
  struct flow *flow = flow_of(portion);
  runner_touch(runner, portion->batch);
  if (!flow) return; /* its partition is gone: only the hold counted */
  walk_absorb(runner, portion, STAGE_LATER);
  walk_serve_line(runner, flow, portion->stage);
}

void runner_serve(struct runner *runner) {
  int64_t now_ms = clock_now(runner->plan->clock);
  for (uint32_t i = 0; i < runner->station_count; i++) {
    struct station *station = &runner->stations[i];
    if (!station->stage) continue;
    check_context(station->context);
    if (stage_wake_at(station->stage) <= now_ms) stage_wake(station->stage, now_ms);
    stage_collect(station->stage, collected, runner);
  }
  check_context(NULL);
  dead_letter_serve(runner);
  shipping_serve(runner);
  failure_serve(runner, now_ms);
  runner_sweep(runner);
}

void runner_shipment(struct runner *runner, struct shipment *shipment) {
  shipment->reported(shipment, runner);
  runner_sweep(runner);
}

int64_t runner_due(const struct runner *runner) {
  int64_t due = INT64_MAX;
  for (uint32_t i = 0; i < runner->station_count; i++) {
    if (!runner->stations[i].stage) continue;
    int64_t at = stage_wake_at(runner->stations[i].stage);
    if (at < due) due = at;
  }
  for (const struct portion *piece = runner->retries; piece; piece = piece->next)
    if (piece->retry_at_ms < due) due = piece->retry_at_ms;
  return due;
}

void runner_flush(struct runner *runner, const struct partition *partition, int32_t why, int64_t deadline_ms) {
  bool ends = why == WEIR_FLUSH_REVOKE || why == WEIR_FLUSH_STOP;
  for (struct flow *flow = runner->flows; ends && flow; flow = flow->next) {
    if (partition && flow->partition != partition) continue;
    flow->draining = true;
    failure_give_up(runner, flow);
  }
  for (uint32_t i = 0; i < runner->station_count; i++)
    if (runner->stations[i].stage) stage_flush(runner->stations[i].stage, partition, why, deadline_ms);
  runner_serve(runner);
}

uint32_t runner_in_flight(const struct runner *runner, const struct partition *partition) {
  uint32_t moving = 0;
  for (const struct flow *flow = runner->flows; flow; flow = flow->next)
    if (!partition || flow->partition == partition) moving += flow->moving;
  return moving;
}

void runner_each(const struct runner *runner, const struct partition *partition,
    void (*each)(void *ctx, const struct batch *batch), void *ctx) {
  const struct flow *flow = find_flow(runner, partition);
  for (const struct batch *batch = flow ? flow->batches : NULL; batch; batch = batch->in_flow) each(ctx, batch);
}
