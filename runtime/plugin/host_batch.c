/* host_batch.c: what the host table offers on batches: verdicts, changes, emission, tickets. A batch that a plugin
 * names is looked for among the open ones before anything of it is read. See <weir/plugin.h>. */
#include "plugin/stage_inside.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/metrics.h"
#include <string.h>

/* An open batch: the one in process() (no ticket), or a resumed one. */
struct open_batch {
  struct stage *stage;
  struct portion *portion;
  struct ticket *ticket;
};

static struct stage *stage_of(struct host *host, const char *function) {
  if (!host->stage) host_misbehaves(host, RULE_MAIN, function);
  return host->stage;
}

/* The call does nothing. What it should have done is missing, so nothing of the batch in process() may go on as it
 * is. */
static bool refuse(struct stage *stage, enum rule rule, const char *function) {
  atomic_store(&stage->refused, true);
  return host_misbehaves(&stage->host, rule, function);
}

static bool find_open(const weir_host *table, const weir_batch *batch, const char *function, struct open_batch *open) {
  struct host *host = host_of(table);
  struct stage *stage = stage_of(host, function);
  if (!stage) return false;
  if (!host_on_home_thread(host)) return refuse(stage, RULE_THREAD, function);
  *open = (struct open_batch){.stage = stage};
  if (stage->current && batch == &stage->current->view) {
    open->portion = stage->current;
    return true;
  }
  open->ticket = tickets_opened(&stage->tickets, batch);
  if (!open->ticket) return refuse(stage, RULE_CLOSED_BATCH, function);
  open->portion = ticket_portion(open->ticket);
  return true;
}

/* ---- Memory ---- */

static void *batch_alloc(const weir_host *table, const weir_batch *batch, size_t size) {
  struct open_batch open = {0};
  if (!find_open(table, batch, "alloc", &open)) return NULL;
  return arena_alloc(&open.portion->batch->arena, size);
}

/* A change did not find the memory it needs: the record must not go on as if nothing had been asked. */
static void spoil(const struct open_batch *open, uint32_t index) {
  if (open->ticket)
    tickets_spoil(&open->stage->tickets, open->ticket, index);
  else
    open->stage->spent = true;
}

/* A span to keep. What lies on this thread's stack would be gone soon, so it is copied. False: no memory for that. */
static bool keep_span(const struct open_batch *open, weir_span *span, const char *function) {
  const struct stage *stage = open->stage;
  const char *at = (const char *)span->data;
  if (!at) span->size = 0;
  if (at < stage->stack_low || at >= stage->stack_high) return true;
  host_misbehaves(&open->stage->host, RULE_STACK, function);
  span->data = arena_copy(&open->portion->batch->arena, at, span->size);
  return span->data != NULL;
}

/* ---- Verdicts ---- */

/* NULL where it cannot be read. */
static const weir_reason *readable_reason(struct host *host, const weir_reason *why, const char *function) {
  if (!why || WEIR_REACHES(why, weir_reason, retry_after_ms)) return why;
  host_misbehaves(host, RULE_STRUCT, function);
  return NULL;
}

static void batch_settle(const weir_host *table, const weir_batch *batch, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why) {
  struct open_batch open = {0};
  if (!find_open(table, batch, "settle", &open)) return;
  struct host *host = &open.stage->host;
  uint32_t records = open.portion->view.record_count, room = first < records ? records - first : 0;
  if (first > records || (count > room && count != UINT32_MAX)) host_misbehaves(host, RULE_RANGE, "settle");
  if (count > room) count = room;
  if (count == 0) return;
  if (verdict < WEIR_UNSETTLED || verdict > WEIR_REJECT) {
    host_misbehaves(host, RULE_VERDICT, "settle");
    verdict = WEIR_RETRY;
  }
  why = readable_reason(host, why, "settle");
  if (!open.ticket)
    must(portion_settle(open.portion, first, count, verdict, why));
  else if (tickets_settle(&open.stage->tickets, open.ticket, first, count, verdict, why) == 0)
    host_misbehaves(host, RULE_NOT_DEFERRED, "settle");
}

/* ---- Changes ---- */

/* May the plugin change this record, or emit from it. */
static bool find_changeable(
    const weir_host *table, const weir_batch *batch, uint32_t index, const char *function, struct open_batch *open) {
  if (!find_open(table, batch, function, open)) return false;
  struct stage *stage = open->stage;
  if (open->portion->sink) return host_misbehaves(&stage->host, RULE_SINK_CHANGES, function);
  if (index >= open->portion->view.record_count) return refuse(stage, RULE_RANGE, function);
  if (open->ticket && !tickets_may_edit(&stage->tickets, open->ticket, index))
    return host_misbehaves(&stage->host, RULE_NOT_DEFERRED, function);
  return true;
}

/* The record ready to be changed, `span` ready to be kept (NULL: none). NULL: it may not be, or cannot be. */
static struct record *edit(
    const weir_host *table, const weir_batch *batch, uint32_t index, weir_span *span, const char *function) {
  struct open_batch open = {0};
  if (!find_changeable(table, batch, index, function, &open)) return NULL;
  struct record *record = NULL;
  if (!span || keep_span(&open, span, function)) record = portion_edit(open.portion, index);
  if (!record) spoil(&open, index);
  return record;
}

static void batch_set_key(const weir_host *table, const weir_batch *batch, uint32_t index, weir_span key) {
  struct record *record = edit(table, batch, index, &key, "set_key");
  if (record) record->view.key = key;
}

static void batch_set_value(const weir_host *table, const weir_batch *batch, uint32_t index, weir_span value) {
  struct record *record = edit(table, batch, index, &value, "set_value");
  if (record) record->view.value = value;
}

static void batch_set_topic(const weir_host *table, const weir_batch *batch, uint32_t index, weir_span topic) {
  struct record *record = edit(table, batch, index, &topic, "set_topic");
  if (record) record->view.topic = topic;
}

static void batch_set_timestamp(const weir_host *table, const weir_batch *batch, uint32_t index, int64_t ms) {
  struct record *record = edit(table, batch, index, NULL, "set_timestamp");
  if (record) record->view.timestamp_ms = ms;
}

static const weir_header *batch_headers(
    const weir_host *table, const weir_batch *batch, uint32_t index, uint32_t *count) {
  struct open_batch open = {0};
  const weir_header *headers = NULL;
  uint32_t found = 0;
  if (count) *count = 0;
  if (!find_open(table, batch, "headers", &open)) return NULL;
  if (!count || index >= open.portion->view.record_count) {
    refuse(open.stage, count ? RULE_RANGE : RULE_ARGUMENT, "headers");
    return NULL;
  }
  if (!record_headers(open.portion->batch, &open.portion->records[index], &headers, &found)) {
    spoil(&open, index);
    return NULL;
  }
  *count = found;
  return found ? headers : NULL;
}

/* A copy of the array; NULL: no memory. */
static weir_header *keep_headers(
    const struct open_batch *open, const weir_header *headers, uint32_t count, const char *function) {
  weir_header *copy = arena_alloc(&open->portion->batch->arena, (size_t)count * sizeof *copy);
  if (!copy) return NULL;
  if (count) memcpy(copy, headers, (size_t)count * sizeof *copy);
  for (uint32_t i = 0; i < count; i++)
    if (!keep_span(open, &copy[i].name, function) || !keep_span(open, &copy[i].value, function)) return NULL;
  return copy;
}

static void batch_set_headers(
    const weir_host *table, const weir_batch *batch, uint32_t index, const weir_header *headers, uint32_t count) {
  struct open_batch open = {0};
  if (!find_changeable(table, batch, index, "set_headers", &open)) return;
  if (count && !headers) {
    refuse(open.stage, RULE_ARGUMENT, "set_headers");
    return;
  }
  weir_header *copy = keep_headers(&open, headers, count, "set_headers");
  struct record *record = copy ? portion_edit(open.portion, index) : NULL;
  if (!record) {
    spoil(&open, index);
    return;
  }
  record->headers = count ? copy : NULL;
  record->header_count = count;
  record->headers_known = true;
}

static int32_t batch_emit(const weir_host *table, const weir_batch *batch, uint32_t parent, const weir_draft *draft) {
  struct open_batch open = {0};
  if (!find_changeable(table, batch, parent, "emit", &open)) return -1;
  struct host *host = &open.stage->host;
  if (!draft || !WEIR_REACHES(draft, weir_draft, timestamp_ms))
    return host_refuses(host, draft ? RULE_STRUCT : RULE_ARGUMENT, "emit");
  if (draft->header_count && !draft->headers) return host_refuses(host, RULE_ARGUMENT, "emit");
  if (draft->flags & ~(uint32_t)WEIR_KEEP_HEADERS) return host_refuses(host, RULE_FLAGS, "emit");
  weir_draft kept = {.size = sizeof kept,
      .flags = draft->flags,
      .key = draft->key,
      .value = draft->value,
      .topic = draft->topic,
      .headers = draft->headers,
      .header_count = draft->header_count,
      .timestamp_ms = draft->timestamp_ms};
  if (kept.header_count) kept.headers = keep_headers(&open, draft->headers, draft->header_count, "emit");
  bool keepable = (!kept.header_count || kept.headers) && keep_span(&open, &kept.key, "emit") &&
                  keep_span(&open, &kept.value, "emit") && keep_span(&open, &kept.topic, "emit");
  return keepable && portion_emit(open.portion, parent, &kept) ? 0 : -1;
}

/* ---- Tickets ---- */

static weir_ticket batch_defer(const weir_host *table, const weir_batch *batch, uint32_t flags) {
  struct open_batch open = {0};
  if (!find_open(table, batch, "defer", &open)) return 0;
  struct stage *stage = open.stage;
  enum rule broken = open.ticket                             ? RULE_CLOSED_BATCH
                     : !(stage->plugin->traits & WEIR_ASYNC) ? RULE_NOT_ASYNC
                     : flags                                 ? RULE_FLAGS
                     : stage->ticket                         ? RULE_DEFER_TWICE
                                                             : RULES;
  if (broken != RULES) host_misbehaves(&stage->host, broken, "defer");
  if (broken == RULE_CLOSED_BATCH || broken == RULE_NOT_ASYNC) return 0;
  if (!stage->ticket) stage->ticket = tickets_defer(&stage->tickets, open.portion);
  return ticket_number(stage->ticket);
}

static int32_t batch_complete(const weir_host *table, weir_ticket number, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why) {
  struct host *host = host_of(table);
  struct stage *stage = stage_of(host, "complete");
  bool notify = false;
  if (!stage) return -1;
  if (verdict < WEIR_PASS || verdict > WEIR_REJECT) {
    host_misbehaves(host, RULE_VERDICT, "complete");
    if (verdict == WEIR_UNSETTLED) return -1;
    verdict = WEIR_RETRY;
  }
  why = readable_reason(host, why, "complete");
  enum ticket_answer answer = tickets_complete(&stage->tickets, number, first, count, verdict, why, &notify);
  if (notify) stage->lane.notify(stage->lane.ctx);
  if (answer == ANSWER_OUT_OF_RANGE) host_misbehaves(host, RULE_RANGE, "complete");
  if (answer == ANSWER_LATE || answer == ANSWER_FENCED) metrics_measure(host->late, 1);
  return answer == ANSWER_TAKEN ? 0 : -1;
}

static const weir_batch *batch_resume(const weir_host *table, weir_ticket number) {
  struct host *host = host_of(table);
  struct stage *stage = stage_of(host, "resume");
  if (!stage) return NULL;
  bool home = host_is_home(host, "resume"), notify = false;
  if (home && (stage->phase == PHASE_WAKE || stage->phase == PHASE_FLUSH)) {
    struct portion *portion = tickets_resume(&stage->tickets, number);
    return portion ? &portion->view : NULL;
  }
  if (home) host_misbehaves(host, RULE_RESUME, "resume");
  tickets_use_up(&stage->tickets, number, &notify);
  if (notify) stage->lane.notify(stage->lane.ctx);
  return NULL;
}

static void batch_wake(const weir_host *table, int64_t at_ms) {
  struct host *host = host_of(table);
  struct stage *stage = stage_of(host, "wake");
  if (!stage) return;
  if (!stage->plugin->wake) {
    host_misbehaves(host, RULE_NO_WAKE, "wake");
    return;
  }
  int64_t earliest = atomic_load(&stage->wake_at_ms);
  do {
    if (at_ms >= earliest) return;
  } while (!atomic_compare_exchange_weak(&stage->wake_at_ms, &earliest, at_ms));
  if (!host_on_home_thread(host)) stage->lane.notify(stage->lane.ctx);
}

void host_batch_functions(weir_host *table) {
  table->alloc = batch_alloc;
  table->settle = batch_settle;
  table->set_key = batch_set_key;
  table->set_value = batch_set_value;
  table->set_topic = batch_set_topic;
  table->set_timestamp = batch_set_timestamp;
  table->headers = batch_headers;
  table->set_headers = batch_set_headers;
  table->emit = batch_emit;
  table->defer = batch_defer;
  table->complete = batch_complete;
  table->resume = batch_resume;
  table->wake = batch_wake;
}
