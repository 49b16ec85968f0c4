/* portion.c: verdicts, edits and emissions of one stage on its records. Each edit keeps what was there before, so a RETRY or REJECT
 * leaves the record as it entered the stage. See batch.h. */
#include <string.h>
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "batch/batch.h"

enum { PORTION_MAGIC = 0x70a7104e };

/* What a record was when it entered the stage. */
struct record_before {
  weir_span key, value, topic;
  int64_t timestamp_ms;
  const weir_header *headers;
  uint32_t header_count;
  bool headers_known;
};

struct portion *portion_create(struct batch *batch, uint32_t capacity) {
  struct portion *portion = arena_alloc(&batch->arena, sizeof *portion);
  struct record *records = arena_alloc(&batch->arena, capacity * sizeof *records);
  uint8_t *verdicts = arena_alloc(&batch->arena, capacity);
  if (!portion || !records || !verdicts) return NULL;
  *portion = (struct portion){
      .view = {.size = sizeof portion->view,
          .record_stride = sizeof *records,
          .records = records,
          .from = &batch->partition->view},
      .magic = PORTION_MAGIC,
      .batch = batch,
      .records = records,
      .verdicts = verdicts,
      .attempt = 1,
  };
  portion->emitted_end = &portion->emitted;
  return portion;
}

struct portion *portion_share(struct portion *portion) {
  must_be(portion, PORTION_MAGIC);
  struct portion *twin = arena_alloc(&portion->batch->arena, sizeof *twin);
  uint8_t *verdicts = arena_alloc(&portion->batch->arena, portion->view.record_count);
  if (!twin || !verdicts) return NULL;
  *twin = (struct portion){
      .view = portion->view,
      .magic = PORTION_MAGIC,
      .batch = portion->batch,
      .records = portion->records,
      .verdicts = verdicts,
      .attempt = 1,
  };
  twin->emitted_end = &twin->emitted;
  return twin;
}

void portion_append(struct portion *portion, const struct record *record) {
  must_be(portion, PORTION_MAGIC);
  uint32_t index = portion->view.record_count++;
  portion->records[index] = *record;
  portion->records[index].undo = NULL;
  portion->records[index].place = index;
}

void portion_enter(struct portion *portion, uint32_t stage, bool sink, void *state) {
  must_be(portion, PORTION_MAGIC);
  must(!portion->open);
  uint32_t count = portion->view.record_count;
  memset(portion->verdicts, sink ? WEIR_UNSETTLED : WEIR_PASS, count);
  if (portion->edited)
    for (uint32_t i = 0; i < count; i++) portion->records[i].undo = NULL;
  portion->edited = false;
  portion->all_pass = !sink;
  portion->sink = sink;
  portion->stage = stage;
  portion->view.state = state;
  portion->reasons = NULL;
  portion->emitted = NULL;
  portion->emitted_end = &portion->emitted;
  portion->emitted_count = 0;
  portion->waiting = 0;
}

static weir_span copy_cut(struct arena *arena, weir_span text, size_t most) {
  if (!text.data) return (weir_span){0};
  size_t size = text.size < most ? text.size : most;
  const uint8_t *copy = arena_copy(arena, text.data, size);
  return (weir_span){copy, copy ? size : 0};
}

static struct reason *reason_copy(struct portion *portion, const weir_reason *why) {
  struct arena *arena = &portion->batch->arena;
  struct reason *reason = arena_alloc(arena, sizeof *reason);
  if (!reason) return NULL;
  *reason =
      (struct reason){copy_cut(arena, why->code, LIMIT_REASON_CODE), copy_cut(arena, why->text, LIMIT_REASON_TEXT),
          WEIR_REACHES(why, weir_reason, retry_after_ms) ? why->retry_after_ms : 0};
  return reason;
}

static void set_reason(struct portion *portion, uint32_t first, uint32_t count, const weir_reason *why) {
  if (!portion->reasons) {
    if (!why) return;
    size_t size = portion->view.record_count * sizeof *portion->reasons;
    portion->reasons = arena_alloc(&portion->batch->arena, size);
    if (!portion->reasons) return; /* the verdict stands without its reason */
    memset(portion->reasons, 0, size);
  }
  struct reason *reason = why ? reason_copy(portion, why) : NULL;
  for (uint32_t i = first; i < first + count; i++) portion->reasons[i] = reason;
}

bool portion_settle(
    struct portion *portion, uint32_t first, uint32_t count, weir_verdict verdict, const weir_reason *why) {
  must_be(portion, PORTION_MAGIC);
  must(verdict >= WEIR_UNSETTLED && verdict <= WEIR_REJECT);
  uint32_t records = portion->view.record_count;
  if (first > records || count > records - first) return false;
  memset(portion->verdicts + first, verdict, count);
  if (verdict != WEIR_PASS)
    portion->all_pass = false;
  else if (first == 0 && count == records)
    portion->all_pass = true;
  set_reason(portion, first, count, why);
  if (verdict == WEIR_RETRY || verdict == WEIR_REJECT)
    for (uint32_t i = first; i < first + count; i++) portion_undo(portion, i);
  return true;
}

struct record *portion_edit(struct portion *portion, uint32_t index) {
  must_be(portion, PORTION_MAGIC);
  must(index < portion->view.record_count && !portion->sink);
  struct record *record = &portion->records[index];
  if (record->undo) return record;
  struct record_before *before = arena_alloc(&portion->batch->arena, sizeof *before);
  if (!before) return NULL;
  *before = (struct record_before){record->view.key, record->view.value, record->view.topic, record->view.timestamp_ms,
      record->headers, record->header_count, record->headers_known};
  record->undo = before;
  portion->edited = true;
  return record;
}

static void record_restore(struct record *record) {
  const struct record_before *before = record->undo;
  if (!before) return;
  record->view.key = before->key;
  record->view.value = before->value;
  record->view.topic = before->topic;
  record->view.timestamp_ms = before->timestamp_ms;
  record->headers = before->headers;
  record->header_count = before->header_count;
  record->headers_known = before->headers_known;
  record->undo = NULL;
}

void portion_undo(struct portion *portion, uint32_t index) {
  must(index < portion->view.record_count);
  if (portion->sink) return; /* the records are shared and were not changed here */
  record_restore(&portion->records[index]);
  for (struct emission *emission = portion->emitted; emission; emission = emission->next) {
    if (emission->parent != index || emission->withdrawn) continue;
    emission->withdrawn = true;
    portion->records[index].children--;
    portion->emitted_count--;
  }
}

static bool draft_headers(struct portion *portion, uint32_t parent, const weir_draft *draft, struct record *child) {
  struct arena *arena = &portion->batch->arena;
  const weir_header *inherited = NULL;
  uint32_t inherited_count = 0;
  if (draft->flags & WEIR_KEEP_HEADERS &&
      !record_headers(portion->batch, &portion->records[parent], &inherited, &inherited_count))
    return false;
  child->headers_known = true;
  child->headers = inherited;
  child->header_count = inherited_count;
  if (draft->header_count == 0) return true;
  weir_header *headers = arena_alloc(arena, (inherited_count + (size_t)draft->header_count) * sizeof *headers);
  if (!headers) return false;
  if (inherited_count) memcpy(headers, inherited, inherited_count * sizeof *headers);
  memcpy(headers + inherited_count, draft->headers, draft->header_count * sizeof *headers);
  child->headers = headers;
  child->header_count = inherited_count + draft->header_count;
  return true;
}

bool portion_emit(struct portion *portion, uint32_t parent, const weir_draft *draft) {
  must_be(portion, PORTION_MAGIC);
  must(parent < portion->view.record_count && !portion->sink);
  if (portion->emitted_count >= LIMIT_BATCH_EMITTED) return false;
  struct emission *emission = arena_alloc(&portion->batch->arena, sizeof *emission);
  if (!emission) return false;
  const struct record *from = &portion->records[parent];
  *emission = (struct emission){.parent = parent};
  struct record *child = &emission->record;
  child->origin = from->origin;
  child->view = (weir_record){.key = draft->key,
      .value = draft->value,
      .topic = draft->topic,
      .offset = from->view.offset,
      .timestamp_ms = draft->timestamp_ms,
      .timestamp_type = from->view.timestamp_type,
      .attempt = 1};
  if (!draft_headers(portion, parent, draft, child)) return false;
  child->view.child = ++portion->records[parent].children;
  *portion->emitted_end = emission;
  portion->emitted_end = &emission->next;
  portion->emitted_count++;
  return true;
}

const struct reason *portion_reason(const struct portion *portion, uint32_t index) {
  return portion->reasons ? portion->reasons[index] : NULL;
}
