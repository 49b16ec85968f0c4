/* commit.c: what code asked for, told to the host. Nothing was told before, so what a failed call asked for was never
 * done. */
#include "handle.h"

static weir_reason reason_of(const struct change *change) {
  weir_reason why = {
      .size = sizeof why, .code = change->code, .text = change->text, .retry_after_ms = change->retry_after_ms};
  return why;
}

static void settle(struct lua_stage *stage, const struct change *change) {
  weir_reason why = reason_of(change);
  bool says_why = why.code.data || why.text.data || why.retry_after_ms;
  stage->host->settle(stage->host, stage->batch, change->index, 1, change->verdict, says_why ? &why : NULL);
}

static void set_fields(struct lua_stage *stage, const struct change *change) {
  const weir_host *host = stage->host;
  const weir_batch *batch = stage->batch;
  if (change->changed & CHANGED_KEY) host->set_key(host, batch, change->index, change->key);
  if (change->changed & CHANGED_VALUE) host->set_value(host, batch, change->index, change->value);
  if (change->changed & CHANGED_TOPIC) host->set_topic(host, batch, change->index, change->topic);
  if (change->changed & CHANGED_TIME) host->set_timestamp(host, batch, change->index, change->timestamp_ms);
  if (change->changed & CHANGED_HEADERS)
    host->set_headers(host, batch, change->index, change->headers, change->header_count);
}

static void emit(lua_State *L, struct lua_stage *stage, const struct change *change) {
  for (const struct emission *emission = change->first; emission; emission = emission->next)
    if (stage->host->emit(stage->host, stage->batch, change->index, &emission->draft) < 0)
      stage_raise(L, "the host takes no more records from this batch: its limit of emitted records is reached");
}

void commit_record(lua_State *L, struct lua_stage *stage, uint32_t index) {
  const struct change *change = view_known_change(stage, index);
  if (!change) return;
  if (change->verdict == WEIR_RETRY || change->verdict == WEIR_REJECT) {
    settle(stage, change);
    return;
  }
  if (change->verdict == WEIR_PASS) {
    record_settle_json(L, stage, index);
    set_fields(stage, view_known_change(stage, index));
  }
  emit(L, stage, view_known_change(stage, index));
  if (change->verdict == WEIR_DROP) settle(stage, change);
}

/* What one protected call works on. */
struct commit {
  struct lua_stage *stage;
  uint32_t next, end;
};

static int commit_some(lua_State *L) {
  struct commit *commit = lua_touserdata(L, 1);
  for (; commit->next < commit->end; commit->next++) commit_record(L, commit->stage, commit->next);
  return 0;
}

void commit_records(struct lua_stage *stage, uint32_t first, uint32_t count) {
  struct commit commit = {.stage = stage, .next = first, .end = first + count};
  struct failure failure;
  if (stage->change_count == 0) return;
  while (!stage_run(stage, commit_some, &commit, &failure)) commit_reject(stage, commit.next++, &failure);
}

void commit_reject(struct lua_stage *stage, uint32_t index, const struct failure *failure) {
  /* A smaller batch has its own memory; a record alone has no better chance. */
  bool again = failure->memory_spent && stage->batch->record_count > 1;
  weir_reason why = weir_because(failure->code, weir_text(failure->text));
  stage->host->settle(stage->host, stage->batch, index, 1, again ? WEIR_RETRY : WEIR_REJECT, &why);
}
