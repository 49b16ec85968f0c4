/* failure.c: what happens to a record that did not pass: tried again after a backoff, then `on_failure`. Nothing that failed goes on
 * unprocessed, and nothing is forgotten: a record that may not go on stays unsettled and holds the commit. */
#include "base/check.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/span.h"
#include "pipeline/runner_inside.h"

bool failure_may_retry(const struct station *station, const struct portion *portion) {
  return portion->attempt < station->step->policy.attempts;
}

static uint64_t next_random(struct runner *runner) {
  uint64_t x = runner->random;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return runner->random = x;
}

/* Doubled per attempt up to the cap, less up to a fifth, so that lanes and workers do not return in step. */
static int64_t backoff_ms(struct runner *runner, const struct retry_policy *policy, uint32_t attempt) {
  int64_t delay = policy->backoff_ms;
  for (uint32_t i = 1; i < attempt && delay < policy->backoff_max_ms; i++) delay *= 2;
  if (delay > policy->backoff_max_ms) delay = policy->backoff_max_ms;
  return delay - (int64_t)(next_random(runner) % (uint64_t)(delay / 5 + 1));
}

static int64_t asked_delay_ms(const struct portion *portion) {
  int64_t longest = 0;
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    const struct reason *reason = portion_reason(portion, i);
    if (portion->verdicts[i] == TO_TRY_AGAIN && reason && reason->retry_after_ms > longest)
      longest = reason->retry_after_ms;
  }
  return longest;
}

/* The piece is not tried again: its records stay unsettled. */
static void leave_open(struct runner *runner, struct portion *piece) {
  struct portion *whole = piece->whole;
  for (uint32_t i = 0; i < piece->view.record_count; i++) whole->verdicts[piece->records[i].place] = DECIDED_ELSEWHERE;
  failure_cut(runner, flow_of(piece), piece->records[0].view.offset, NULL);
}

static struct portion *cut_again(struct portion *portion, uint32_t count) {
  struct portion *piece = cut_piece(portion, portion->verdicts, TO_TRY_AGAIN, count);
  struct portion *whole = whole_of(portion);
  for (uint32_t i = 0; i < portion->view.record_count; i++)
    if (portion->verdicts[i] == TO_TRY_AGAIN) portion->verdicts[i] = portion == whole ? IN_A_PIECE : DECIDED_ELSEWHERE;
  if (!piece) return NULL;
  piece->whole = whole;
  piece->attempt = portion->attempt + 1;
  for (uint32_t i = 0; i < count; i++) {
    struct record *record = &piece->records[i];
    if (portion != whole) record->place = portion->records[record->place].place;
    record->view.attempt = piece->attempt;
  }
  return piece;
}

void failure_retry(struct runner *runner, struct portion *portion, uint32_t count) {
  struct flow *flow = flow_of(portion);
  int64_t asked_ms = asked_delay_ms(portion);
  struct portion *piece = cut_again(portion, count);
  if (!piece) {
    failure_no_memory(runner, whole_of(portion));
    return;
  }
  if (flow->draining) {
    leave_open(runner, piece);
    return;
  }
  int64_t delay_ms = backoff_ms(runner, &station_of(runner, portion)->step->policy, portion->attempt);
  if (asked_ms > delay_ms) delay_ms = asked_ms;
  piece->retry_at_ms = clock_now(runner->plan->clock) + delay_ms;
  piece->next = runner->retries;
  runner->retries = piece;
  FAILPOINT(retry_waiting);
  line_hold(flow, piece->stage, 1);
}

static struct portion *take_retry(struct runner *runner, const struct flow *flow, int64_t until_ms) {
  for (struct portion **link = &runner->retries; *link; link = &(*link)->next) {
    struct portion *piece = *link;
    if (piece->retry_at_ms > until_ms || (flow && flow_of(piece) != flow)) continue;
    *link = piece->next;
    piece->next = NULL;
    line_hold(flow_of(piece), piece->stage, -1);
    return piece;
  }
  return NULL;
}

void failure_serve(struct runner *runner, int64_t now_ms) {
  struct portion *piece;
  while ((piece = take_retry(runner, NULL, now_ms))) {
    struct flow *flow = flow_of(piece);
    struct station *station = station_of(runner, piece);
    portion_enter(piece, piece->stage, piece->whole->sink, stage_state(station->stage, piece->batch->partition));
    walk_process(runner, piece);
    walk_serve_line(runner, flow, piece->stage);
  }
}

void failure_give_up(struct runner *runner, struct flow *flow) {
  struct portion *piece;
  while ((piece = take_retry(runner, flow, INT64_MAX))) {
    struct flow *its = flow_of(piece);
    leave_open(runner, piece);
    walk_serve_line(runner, its, piece->stage);
  }
}

void failure_cut(struct runner *runner, struct flow *flow, int64_t offset, const struct error *err) {
  if (offset >= flow->cut) return;
  flow->cut = offset;
  if (err) runner->events.stopped(runner->events.ctx, flow->partition, offset, err);
}

void failure_no_memory(struct runner *runner, struct portion *portion) {
  struct flow *flow = flow_of(portion);
  struct error err;
  error_set(&err,
      "%s needs more memory for a batch than its share of %zu bytes: raise `memory` or lower `batch.records`",
      station_of(runner, portion)->step->label, portion->batch->arena.bytes_max);
  if (portion->view.record_count) failure_cut(runner, flow, portion->records[0].view.offset, &err);
  for (uint32_t i = 0; i < portion->view.record_count; i++) portion->verdicts[i] = DECIDED_ELSEWHERE;
  portion->all_pass = false;
  portion->emitted = NULL;
  portion->emitted_end = &portion->emitted;
  portion->emitted_count = 0;
}

static void stop_at(struct runner *runner, struct portion *whole, uint32_t index, const struct reason *reason) {
  const struct record *record = &whole->records[index];
  struct error err;
  error_set(&err, "%s did not take the record: %.*s: %.*s", station_of(runner, whole)->step->label,
      SPAN_ARGS(reason->code), SPAN_ARGS(reason->text));
  failure_cut(runner, flow_of(whole), record->view.offset, &err);
}

void failure_final(struct runner *runner, struct portion *whole, uint32_t index, const struct reason *reason) {
  static const struct reason unknown = {{(const uint8_t *)"unknown", 7}, {(const uint8_t *)"no reason given", 15}, 0};
  struct station *station = station_of(runner, whole);
  if (!reason) reason = &unknown;
  whole->verdicts[index] = DECIDED_ELSEWHERE;
  whole->all_pass = false;
  switch (station->step->policy.on_failure) {
  case FAIL_DISCARD:
    runner->events.failed(runner->events.ctx, station->step->label, reason->code, OUTCOME_DISCARDED);
    station_ended(station, whole, index, OUTCOME_DISCARDED);
    return;
  case FAIL_DEAD_LETTER: dead_letter_write(runner, whole, index, reason); return;
  case FAIL_STOP: stop_at(runner, whole, index, reason); return;
  }
  must_not_reach();
}

void failure_quarantine(struct runner *runner, struct portion *portion, const struct reason *reason) {
  must(portion->view.record_count == 1 && !portion->sink);
  portion->state = PORTION_QUARANTINED;
  portion->verdicts[0] = DECIDED_ELSEWHERE;
  portion->all_pass = false;
  if (runner->plan->dead_letter && station_of(runner, portion)->step->policy.on_failure != FAIL_STOP)
    dead_letter_write(runner, portion, 0, reason);
  else
    stop_at(runner, portion, 0, reason);
}
