/* holder.c: see holder.h. Looks in the lowest open batch: what is tried again and what waits for room come first, since records that are
 * decided wait for them in the same portion; then the lines of the stations. */
#include "pipeline/holder.h"
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "base/span.h"
#include "pipeline/runner_inside.h"

static const struct flow *flow_for(const struct runner *runner, const struct partition *partition) {
  const struct flow *flow = runner->flows;
  while (flow && flow->partition != partition) flow = flow->next;
  return flow;
}

static const struct batch *lowest_batch(const struct flow *flow) {
  const struct batch *lowest = NULL;
  for (const struct batch *batch = flow->batches; batch; batch = batch->in_flow)
    if (batch->open && (!lowest || batch->first < lowest->first)) lowest = batch;
  return lowest;
}

static uint64_t hash_of(weir_span key) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < key.size; i++) hash = (hash ^ key.data[i]) * 0x100000001b3u;
  return hash;
}

/* What of the record itself is told: of the one that was read, whatever stages made of it. */
static void describe(struct holder *holder, const struct batch *batch, uint32_t origin) {
  weir_record view = {0};
  must(origin < batch->count);
  batch->source->view(batch->messages[origin], &view);
  holder->offset = view.offset;
  holder->timestamp_ms = view.timestamp_ms;
  holder->begun_ms = batch->begun_ms;
  holder->has_key = view.key.data != NULL;
  if (holder->has_key) holder->key_hash = hash_of(view.key);
}

static void name_station(struct holder *holder, const struct station *station) {
  snprintf(holder->label, sizeof holder->label, "%s %s", station->is_sink ? "sink" : "stage", station->step->label);
}

static bool find_retry(const struct runner *runner, const struct batch *batch, struct holder *holder) {
  const struct portion *lowest = NULL;
  for (const struct portion *piece = runner->retries; piece; piece = piece->next) {
    if (piece->batch != batch) continue;
    if (!lowest || piece->records[0].view.offset < lowest->records[0].view.offset) lowest = piece;
  }
  if (!lowest) return false;
  const struct station *station = station_of(runner, lowest);
  holder->kind = HOLDER_RETRY;
  holder->attempt = lowest->attempt;
  holder->attempts = station->step->policy.attempts;
  holder->retry_at_ms = lowest->retry_at_ms;
  name_station(holder, station);
  describe(holder, batch, lowest->records[0].origin);
  return true;
}

static enum holder_kind kind_at(const struct station *station, const struct portion *portion) {
  if (portion->state == PORTION_ARRIVED) return HOLDER_TURN;
  if (station->stage) return HOLDER_DEFERRED;
  return shipping_waits(portion) ? HOLDER_NO_ROOM : HOLDER_UNCONFIRMED;
}

/* The first record of the portion that is not decided. */
static bool find_in(const struct station *station, const struct portion *portion, struct holder *holder) {
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    uint8_t verdict = portion->verdicts[i];
    bool open = portion->state == PORTION_ARRIVED || verdict == WEIR_UNSETTLED || verdict == IN_A_PIECE;
    if (!open) continue;
    holder->kind = kind_at(station, portion);
    name_station(holder, station);
    describe(holder, portion->batch, portion->records[i].origin);
    return true;
  }
  return false;
}

/* The furthest station first: what is further on went there before. */
static bool find_in_lines(
    const struct runner *runner, const struct flow *flow, const struct batch *batch, struct holder *holder) {
  for (uint32_t index = runner->station_count; index-- > 0;)
    for (const struct portion *portion = flow->lines[index].first; portion; portion = portion->next)
      if (portion->batch == batch && find_in(&runner->stations[index], portion, holder)) return true;
  return false;
}

static uint32_t lowest_origin(const struct batch *batch) {
  uint32_t origin = 0;
  while (origin < batch->count && batch->descendants[origin] == 0) origin++;
  must(origin < batch->count);
  return origin;
}

/* Behind the record that holds, in the batches that are open. */
static void count_done(struct holder *holder, const struct flow *flow) {
  for (const struct batch *batch = flow->batches; batch; batch = batch->in_flow) {
    if (!batch->open) continue;
    for (uint32_t origin = 0; origin < batch->count; origin++) {
      weir_record view;
      if (batch->descendants[origin]) continue;
      batch->source->view(batch->messages[origin], &view);
      holder->done++;
      holder->done_beyond += view.offset > holder->offset;
    }
  }
}

static void find(
    const struct runner *runner, const struct flow *flow, const struct batch *batch, struct holder *holder) {
  describe(holder, batch, lowest_origin(batch));
  if (holder->offset >= flow->cut) {
    holder->kind = HOLDER_CUT;
    return;
  }
  if (find_retry(runner, batch, holder) || find_in_lines(runner, flow, batch, holder)) return;
  holder->kind = HOLDER_DEAD_LETTER;
}

void holder_find(const struct runner *runner, const struct partition *partition, struct holder *holder) {
  *holder = (struct holder){.kind = HOLDER_NONE, .offset = -1, .timestamp_ms = -1};
  const struct flow *flow = flow_for(runner, partition);
  const struct batch *batch = flow ? lowest_batch(flow) : NULL;
  if (!batch) return;
  find(runner, flow, batch, holder);
  count_done(holder, flow);
}
