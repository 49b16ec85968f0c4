/* sinks.c: guards, and the fan-out to the sinks. A record is settled when every sink that it went to has acknowledged it; each
 * sink has a portion of its own over the same records, so a retry goes to the missing sink only. */
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "pipeline/runner_inside.h"

enum { SKIPS = 0, VISITS = 1, FAILS = 2 };

static void reject_all(struct portion *portion, const char *text) {
  weir_reason why = weir_because("broken", span_of(text));
  must(portion_settle(portion, 0, portion->view.record_count, WEIR_REJECT, &why));
}

uint8_t *guard_choose(
    struct runner *runner, struct station *station, struct portion *portion, uint32_t *count, bool *failed) {
  (void)runner;
  uint32_t records = portion->view.record_count;
  *failed = false;
  *count = records;
  if (!station->guard) return NULL;
  portion_enter(portion, portion->stage, false, stage_state(station->guard, portion->batch->partition));
  check_context(station->context);
  enum stage_result result = stage_process(station->guard, portion);
  check_context(NULL);
  must(result != STAGE_LATER);
  if (result == STAGE_BROKEN) reject_all(portion, stage_failure(station->guard));
  if (portion->all_pass) return NULL;
  uint8_t *choice = arena_alloc(&portion->batch->arena, records);
  *failed = !choice;
  *count = 0;
  for (uint32_t i = 0; choice && i < records; i++) {
    uint8_t verdict = portion->verdicts[i];
    choice[i] = verdict == WEIR_PASS ? VISITS : verdict == WEIR_DROP ? SKIPS : FAILS;
    *count += choice[i] == VISITS;
  }
  return choice;
}

/* What the guard of one sink said. */
struct selection {
  uint8_t *choice; /* NULL: all visit */
  uint32_t count;
  struct reason **reasons;
};

static bool owes(const struct selection *selection, uint32_t index) {
  return !selection->choice || selection->choice[index] != SKIPS;
}

/* Opens each record's account: how many sinks it owes. One that no sink wants is filtered. */
static void open_accounts(struct portion *fan, const struct selection *selections, uint32_t sinks) {
  for (uint32_t i = 0; i < fan->view.record_count; i++) {
    struct record *record = &fan->records[i];
    record->place = i;
    record->worst = OUTCOME_OPEN;
    record->sinks_open = 0;
    for (uint32_t sink = 0; sink < sinks; sink++) record->sinks_open += owes(&selections[sink], i);
    if (!record->sinks_open) batch_ended(fan->batch, record->origin, OUTCOME_FILTERED);
  }
}

static void fail_guarded(
    struct runner *runner, struct portion *fan, uint32_t index, const struct selection *selection) {
  if (!selection->choice) return;
  fan->stage = index;
  for (uint32_t i = 0; i < fan->view.record_count; i++)
    if (selection->choice[i] == FAILS) failure_final(runner, fan, i, selection->reasons ? selection->reasons[i] : NULL);
}

static void queue_at(struct flow *flow, struct portion *portion, uint32_t index) {
  portion->stage = index;
  portion->state = PORTION_ARRIVED;
  line_push(&flow->lines[index], portion);
}

/* The portion of one sink. */
static bool fan_out(struct flow *flow, struct portion *fan, uint32_t index, const struct selection *selection) {
  if (selection->count == 0) return true;
  struct portion *portion = selection->count == fan->view.record_count
                                ? portion_share(fan)
                                : cut_piece(fan, selection->choice, VISITS, selection->count);
  if (!portion) return false;
  portion->fan = fan;
  flow->moving++;
  queue_at(flow, portion, index);
  return true;
}

static void to_many(struct runner *runner, struct flow *flow, struct portion *fan) {
  uint32_t first = runner->plan->stage_count, sinks = runner->plan->sink_count;
  struct selection selections[LIMIT_SINKS];
  for (uint32_t sink = 0; sink < sinks; sink++) {
    struct selection *selection = &selections[sink];
    bool failed;
    fan->stage = first + sink;
    selection->choice = guard_choose(runner, &runner->stations[first + sink], fan, &selection->count, &failed);
    selection->reasons = fan->reasons;
    if (failed) {
      failure_no_memory(runner, fan);
      return;
    }
  }
  open_accounts(fan, selections, sinks);
  for (uint32_t sink = 0; sink < sinks; sink++) fail_guarded(runner, fan, first + sink, &selections[sink]);
  for (uint32_t sink = 0; sink < sinks; sink++)
    if (!fan_out(flow, fan, first + sink, &selections[sink])) failure_no_memory(runner, fan);
  for (uint32_t sink = 0; sink < sinks; sink++) walk_serve_line(runner, flow, first + sink);
}

void sinks_arrive(struct runner *runner, struct portion *portion) {
  struct flow *flow = flow_of(portion);
  uint32_t first = runner->plan->stage_count;
  must(runner->plan->sink_count > 0 && runner->plan->sink_count <= LIMIT_SINKS);
  runner_touch(runner, portion->batch);
  if (runner->plan->sink_count > 1 || runner->stations[first].guard) {
    to_many(runner, flow, portion);
    flow->moving--;
    return;
  }
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    portion->records[i].sinks_open = 1;
    portion->records[i].worst = OUTCOME_OPEN;
  }
  portion->fan = NULL;
  queue_at(flow, portion, first);
  walk_serve_line(runner, flow, first);
}

void station_ended(struct station *station, struct portion *whole, uint32_t index, enum outcome outcome) {
  struct record *record = &whole->records[index];
  if (!station->is_sink) {
    batch_ended(whole->batch, record->origin, outcome);
    return;
  }
  if (whole->fan) record = &whole->fan->records[record->place];
  must(record->sinks_open > 0);
  if (outcome > record->worst) record->worst = (uint8_t)outcome;
  if (--record->sinks_open == 0) batch_ended(whole->batch, record->origin, (enum outcome)record->worst);
}
