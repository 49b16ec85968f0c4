/* walk.c: the way of a portion through the stations. At each one it stands in its partition's line: it is processed when its turn has
 * come, and goes on when all its records are decided and, unless the plugin is UNORDERED, all before it have gone. */
#include <string.h>
#include "base/check.h"
#include "base/failpoint.h"
#include "base/span.h"
#include "pipeline/runner_inside.h"

void walk_arrive(struct runner *runner, struct portion *portion, uint32_t index) {
  struct flow *flow = flow_of(portion);
  cut_behind(portion, flow->cut);
  if (portion->view.record_count == 0) {
    must(flow->moving > 0);
    flow->moving--;
    return;
  }
  if (index == runner->plan->stage_count) {
    sinks_arrive(runner, portion);
    return;
  }
  portion->stage = index;
  portion->state = PORTION_ARRIVED;
  line_push(&flow->lines[index], portion);
  walk_serve_line(runner, flow, index);
}

void walk_process(struct runner *runner, struct portion *portion) {
  struct station *station = station_of(runner, portion);
  check_context(station->context);
  FAILPOINT(before_stage);
  enum stage_result result = stage_process(station->stage, portion);
  FAILPOINT(after_stage);
  check_context(NULL);
  walk_absorb(runner, portion, result);
}

/* Only the chosen records visit: they are a piece, the others stand as passed. */
static void visit_chosen(struct runner *runner, struct portion *whole, const uint8_t *choice, uint32_t count) {
  struct portion *piece = count ? cut_piece(whole, choice, 1, count) : NULL;
  if (count && !piece) {
    failure_no_memory(runner, whole);
    return;
  }
  whole->all_pass = false;
  for (uint32_t i = 0; i < whole->view.record_count; i++) {
    if (choice[i] == 1) whole->verdicts[i] = IN_A_PIECE;
    if (choice[i] == 2) whole->verdicts[i] = DECIDED_ELSEWHERE;
  }
  if (!piece) return;
  piece->whole = whole;
  portion_enter(piece, whole->stage, false, whole->view.state);
  walk_process(runner, piece);
}

static void fail_guarded(struct runner *runner, struct portion *whole, const uint8_t *choice) {
  for (uint32_t i = 0; i < whole->view.record_count; i++)
    if (choice[i] == 2) failure_final(runner, whole, i, portion_reason(whole, i));
}

static void visit_stage(struct runner *runner, struct portion *whole) {
  struct station *station = station_of(runner, whole);
  uint32_t count = 0;
  bool failed = false;
  uint8_t *choice = guard_choose(runner, station, whole, &count, &failed);
  if (failed) {
    failure_no_memory(runner, whole);
    return;
  }
  if (choice) fail_guarded(runner, whole, choice);
  portion_enter(whole, whole->stage, false, stage_state(station->stage, whole->batch->partition));
  if (choice)
    visit_chosen(runner, whole, choice, count);
  else
    walk_process(runner, whole);
}

void walk_visit(struct runner *runner, struct portion *portion) {
  struct station *station = station_of(runner, portion);
  portion->state = PORTION_OUT;
  cut_behind(portion, flow_of(portion)->cut);
  if (portion->view.record_count == 0)
    portion->all_pass = true; /* decided: nothing is left of it */
  else if (!station->stage)
    shipping_send(runner, portion);
  else if (station->is_sink) {
    portion_enter(portion, portion->stage, true, stage_state(station->stage, portion->batch->partition));
    walk_process(runner, portion);
  } else
    visit_stage(runner, portion);
}

static void go_on(struct runner *runner, struct portion *whole) {
  struct flow *flow = flow_of(whole);
  line_remove(&flow->lines[whole->stage], whole);
  runner_touch(runner, whole->batch);
  if (station_of(runner, whole)->is_sink) {
    must(flow->moving > 0);
    flow->moving--;
    return;
  }
  struct portion *onward = cut_onward(whole);
  if (onward) {
    FAILPOINT(between_stages);
    walk_arrive(runner, onward, whole->stage + 1);
    return;
  }
  failure_no_memory(runner, whole);
  flow->moving--;
}

/* An UNORDERED stage lets single records go on. */
static void let_go_decided(struct runner *runner, struct portion *whole) {
  bool failed;
  struct portion *onward = cut_decided(whole, &failed);
  if (failed) failure_no_memory(runner, whole);
  if (!onward) return;
  flow_of(whole)->moving++;
  runner_touch(runner, whole->batch);
  walk_arrive(runner, onward, whole->stage + 1);
}

static bool may_visit(const struct station *station, const struct line *line, const struct portion *portion) {
  if (portion == line->first) return true;
  return station->overlaps && line->held == 0;
}

/* Does one thing to one portion of the line; false: there is nothing to do. Portions are looked at in offset order. */
static bool serve_one(struct runner *runner, struct flow *flow, uint32_t index) {
  struct line *line = &flow->lines[index];
  struct station *station = &runner->stations[index];
  bool blocked = false;
  for (struct portion *portion = line->first; portion; portion = portion->next) {
    if (portion->state == PORTION_ARRIVED) {
      if (blocked || !may_visit(station, line, portion)) {
        blocked = true;
        continue;
      }
      walk_visit(runner, portion);
      return true;
    }
    if (cut_is_decided(portion)) {
      if (station->in_order && portion != line->first) continue;
      go_on(runner, portion);
      return true;
    }
    if (!station->in_order && !station->is_sink) let_go_decided(runner, portion);
  }
  return false;
}

void walk_serve_line(struct runner *runner, struct flow *flow, uint32_t index) {
  while (serve_one(runner, flow, index)) continue;
}

void walk_serve_lines(struct runner *runner, struct flow *flow) {
  for (uint32_t index = 0; index < runner->station_count; index++) walk_serve_line(runner, flow, index);
}

/* BROKEN at the last attempt: halves are tried, so that the guilty record ends up alone. */
static void halve(struct runner *runner, struct portion *portion) {
  uint32_t count = portion->view.record_count;
  uint8_t *half = arena_alloc(&portion->batch->arena, count);
  struct portion *pieces[2] = {NULL, NULL};
  if (half) {
    for (uint32_t i = 0; i < count; i++) half[i] = i >= count / 2;
    for (uint8_t which = 0; which < 2; which++)
      pieces[which] = cut_piece(portion, half, which, which ? count - count / 2 : count / 2);
  }
  if (!pieces[0] || !pieces[1]) {
    failure_no_memory(runner, portion);
    return;
  }
  struct portion *whole = whole_of(portion);
  for (int which = 0; which < 2; which++) {
    struct portion *piece = pieces[which];
    for (uint32_t i = 0; i < piece->view.record_count; i++) {
      if (portion != whole) piece->records[i].place = portion->records[piece->records[i].place].place;
      whole->verdicts[piece->records[i].place] = IN_A_PIECE;
    }
    piece->whole = whole;
    piece->attempt = portion->attempt;
  }
  whole->all_pass = false;
  for (int which = 0; which < 2; which++) {
    portion_enter(pieces[which], whole->stage, whole->sink, portion->view.state);
    walk_process(runner, pieces[which]);
  }
}

/* PASS or DROP: at a sink the record's account moves at once, at a stage it waits for its whole. */
static void take_verdict(struct runner *runner, struct portion *portion, uint32_t index, uint8_t verdict) {
  struct station *station = station_of(runner, portion);
  struct portion *whole = whole_of(portion);
  uint32_t place = portion == whole ? index : portion->records[index].place;
  if (portion != whole) cut_return(portion, index, verdict);
  if (!station->is_sink) return;
  whole->verdicts[place] = DECIDED_ELSEWHERE;
  station_ended(station, whole, place, verdict == WEIR_PASS ? OUTCOME_DELIVERED : OUTCOME_FILTERED);
}

static void take_failure(struct runner *runner, struct portion *portion, uint32_t index, const struct reason *said) {
  struct portion *whole = whole_of(portion);
  const struct reason *reason = portion_reason(portion, index);
  uint32_t place = index;
  if (portion != whole) {
    place = portion->records[index].place;
    cut_return(portion, index, WEIR_REJECT);
  }
  failure_final(runner, whole, place, reason ? reason : said);
}

static void absorb_one_by_one(struct runner *runner, struct portion *portion, const struct reason *said) {
  bool may_retry = failure_may_retry(station_of(runner, portion), portion);
  uint32_t again = 0;
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    uint8_t verdict = portion->verdicts[i];
    if (verdict == WEIR_PASS || verdict == WEIR_DROP)
      take_verdict(runner, portion, i, verdict);
    else if (verdict == WEIR_RETRY && may_retry) {
      portion->verdicts[i] = TO_TRY_AGAIN;
      again++;
    } else if (verdict == WEIR_RETRY || verdict == WEIR_REJECT)
      take_failure(runner, portion, i, said);
  }
  if (again) failure_retry(runner, portion, again);
}

/* Of a whole that stands at a stage nothing moves before all of it is decided, but for what failed. */
static bool has_failures(const struct portion *portion) {
  bool found = false;
  for (uint32_t i = 0; i < portion->view.record_count; i++)
    found |= portion->verdicts[i] == WEIR_RETRY || portion->verdicts[i] == WEIR_REJECT;
  return found;
}

void walk_absorb(struct runner *runner, struct portion *portion, enum stage_result result) {
  struct station *station = station_of(runner, portion);
  if (!portion->whole && !station->is_sink && (portion->all_pass || !has_failures(portion))) {
    runner_touch(runner, portion->batch);
    return;
  }
  bool broken = result == STAGE_BROKEN;
  if (broken && portion->view.record_count > 1 && !failure_may_retry(station, portion)) {
    halve(runner, portion);
  } else {
    struct reason said = {span_of("broken"), span_of(broken ? stage_failure(station->stage) : NULL), 0};
    absorb_one_by_one(runner, portion, broken ? &said : NULL);
  }
  if (portion->whole && !portion->sink) cut_return_emissions(portion);
  runner_touch(runner, portion->batch);
}
