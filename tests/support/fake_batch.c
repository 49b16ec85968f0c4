/* fake_batch.c: one batch, from the records that a test adds to the outcomes that it reads. */
#include "fake_internal.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STRIDE = sizeof(weir_record) + 24 }; /* a later host's records are longer */

/* ---- Memory ---- */

void *fake_batch_block(struct fake_batch *batch, size_t size) {
  struct fake_block *block = NULL;
  if (posix_memalign((void **)&block, 16, sizeof *block + size) != 0) abort();
  block->next = batch->blocks;
  block->size = size;
  batch->blocks = block;
  return block->bytes;
}

weir_span fake_batch_copy(struct fake_batch *batch, weir_span span) {
  if (!span.data) return span;
  uint8_t *bytes = fake_batch_block(batch, span.size);
  if (span.size) memcpy(bytes, span.data, span.size);
  return weir_bytes(bytes, span.size);
}

static bool batch_owns(const struct fake_batch *batch, weir_span span) {
  for (const struct fake_block *block = batch->blocks; block; block = block->next)
    if (span.data >= block->bytes && span.data + span.size <= block->bytes + block->size) return true;
  return false;
}

void fake_batch_keep(struct fake_batch *batch, weir_span span, const char *function) {
  fake_rule(span.data || span.size == 0, "%s() with a span of %zu bytes and no data", function, span.size);
  if (!span.data || batch_owns(batch, span)) return;
  struct fake_kept *kept = calloc(1, sizeof *kept);
  *kept = (struct fake_kept){.next = batch->fake->kept, .span = span, .copy = malloc(span.size + 1)};
  memcpy(kept->copy, span.data, span.size);
  batch->fake->kept = kept;
}

void fake_kept_check(struct fake_host *fake) {
  while (fake->kept) {
    struct fake_kept *kept = fake->kept;
    fake_rule(memcmp(kept->copy, kept->span.data, kept->span.size) == 0,
        "a span that it handed over lies neither in alloc()'s memory nor in memory that lives until release()");
    fake->kept = kept->next;
    free(kept->copy);
    free(kept);
  }
}

/* ---- Filling ---- */

struct fake_batch *fake_batch_open(struct fake_host *fake) {
  fake_rule(fake->current && fake->current->assigned, "the test opens a batch of no partition");
  struct fake_batch *batch = calloc(1, sizeof *batch);
  batch->fake = fake;
  batch->from = &fake->current->public;
  batch->state = fake->current->state;
  batch->opened_wall_ms = fake->wall_ms;
  batch->next = fake->batches;
  return fake->batches = batch;
}

uint32_t fake_batch_add_bytes(struct fake_batch *batch, weir_span key, weir_span value) {
  fake_rule(!batch->ran, "the test adds to a batch that ran");
  batch->records = realloc(batch->records, (batch->record_count + 1) * sizeof *batch->records);
  struct fake_record *record = &batch->records[batch->record_count];
  *record = (struct fake_record){.attempt = 1, .offset = batch->fake->current->next_offset++};
  record->original.key = fake_batch_copy(batch, key);
  record->original.value = fake_batch_copy(batch, value);
  record->original.timestamp_ms = batch->opened_wall_ms;
  return batch->record_count++;
}

static weir_span span_of(const char *text) { return text ? weir_text(text) : (weir_span){0}; }

uint32_t fake_batch_add(struct fake_batch *batch, const char *key, const char *value) {
  return fake_batch_add_bytes(batch, span_of(key), span_of(value));
}

static struct fake_record *last_of(struct fake_batch *batch) {
  fake_rule(batch->record_count > 0 && !batch->ran, "the test has no record to change");
  return &batch->records[batch->record_count - 1];
}

void fake_batch_header(struct fake_batch *batch, const char *name, const char *value) {
  struct fake_fields *fields = &last_of(batch)->original;
  weir_header *headers = fake_batch_block(batch, (fields->header_count + 1) * sizeof *headers);
  if (fields->header_count) memcpy(headers, fields->headers, fields->header_count * sizeof *headers);
  headers[fields->header_count++] =
      (weir_header){.name = fake_batch_copy(batch, span_of(name)), .value = fake_batch_copy(batch, span_of(value))};
  fields->headers = headers;
}

void fake_batch_timestamp(struct fake_batch *batch, int64_t ms) { last_of(batch)->original.timestamp_ms = ms; }
void fake_batch_attempt(struct fake_batch *batch, uint32_t attempt) { last_of(batch)->attempt = attempt; }

/* ---- Running ---- */

void fake_batch_publish(struct fake_batch *batch, uint32_t index) {
  const struct fake_record *record = &batch->records[index];
  weir_record *shown = (weir_record *)(uintptr_t)weir_record_at(batch->public, index);
  *shown = (weir_record){.key = record->now.key,
      .value = record->now.value,
      .topic = record->now.topic,
      .offset = record->offset,
      .timestamp_ms = record->now.timestamp_ms,
      .timestamp_type = record->now.timestamp_ms < 0 ? WEIR_TIME_UNKNOWN : WEIR_TIME_CREATED,
      .attempt = record->attempt};
}

static void batch_start(struct fake_batch *batch) {
  fake_rule(!batch->ran && batch->record_count > 0, "the test runs a batch twice, or an empty one");
  batch->public = calloc(1, sizeof *batch->public);
  *batch->public = (weir_batch){.size = sizeof *batch->public,
      .record_count = batch->record_count,
      .record_stride = STRIDE,
      .records = fake_batch_block(batch, (size_t)batch->record_count * STRIDE),
      .from = batch->from,
      .state = batch->state};
  memset((void *)(uintptr_t)batch->public->records, 0xa5, (size_t)batch->record_count * STRIDE);
  for (uint32_t i = 0; i < batch->record_count; i++) {
    batch->records[i].now = batch->records[i].original;
    batch->records[i].verdict = batch->fake->table.role == WEIR_TRANSFORM ? WEIR_PASS : WEIR_UNSETTLED;
    fake_batch_publish(batch, i);
  }
  batch->ran = batch->open = batch->running = true;
}

static void settle_all(struct fake_batch *batch, bool unsettled_only, weir_verdict verdict) {
  for (uint32_t i = 0; i < batch->record_count; i++)
    if (!unsettled_only || batch->records[i].verdict == WEIR_UNSETTLED) fake_batch_settle(batch, i, verdict, NULL);
}

/* LATER: what stands at UNSETTLED and was not completed by a thread meanwhile is deferred. */
static void batch_defer(struct fake_batch *batch) {
  fake_rule(batch->ticket, "LATER without defer()");
  for (uint32_t i = 0; i < batch->record_count; i++) {
    struct fake_record *record = &batch->records[i];
    record->deferred = record->verdict == WEIR_UNSETTLED && !record->completed;
  }
}

static void batch_unsettled_check(const struct fake_batch *batch) {
  for (uint32_t i = 0; i < batch->record_count; i++)
    fake_rule(batch->records[i].verdict != WEIR_UNSETTLED || batch->records[i].completed,
        "record %u is left unsettled without defer()", i);
}

weir_result fake_batch_run(struct fake_batch *batch) {
  struct fake_host *fake = batch->fake;
  fake_rule(fake->created, "the test runs a batch before create()");
  batch_start(batch);
  fake->failure[0] = 0;
  weir_result result = fake->plugin->process(fake->self, batch->public);
  pthread_mutex_lock(&fake->lock);
  batch->open = batch->running = false;
  fake_rule(result >= WEIR_DONE && result <= WEIR_BROKEN, "process() gave %d", result);
  fake_rule(result != WEIR_BROKEN || fake->failure[0], "BROKEN without saying why");
  fake_rule(result != WEIR_DONE || !batch->ticket, "DONE after defer()");
  if (result == WEIR_BROKEN) {
    batch->ticket = 0;
    settle_all(batch, false, WEIR_RETRY);
  } else if (result == WEIR_LATER) {
    batch_defer(batch);
  } else {
    batch_unsettled_check(batch);
  }
  if (fake_batch_left(batch) == 0) fake_batch_seal(batch);
  pthread_mutex_unlock(&fake->lock);
  return result;
}

uint32_t fake_batch_left(const struct fake_batch *batch) {
  uint32_t left = 0;
  for (uint32_t i = 0; i < batch->record_count; i++) left += batch->records[i].deferred;
  return left;
}

uint32_t fake_batch_waiting(struct fake_batch *batch) {
  pthread_mutex_lock(&batch->fake->lock);
  uint32_t left = fake_batch_left(batch);
  pthread_mutex_unlock(&batch->fake->lock);
  return left;
}

static bool wait_for_change(struct fake_host *fake, const struct timespec *until) {
  int result = 0;
  if (!(fake->wake_asked && fake->wake_at <= fake->now_ms))
    result = pthread_cond_timedwait(&fake->changed, &fake->lock, until);
  return result == 0;
}

bool fake_batch_wait(struct fake_batch *batch, int64_t real_ms) {
  struct fake_host *fake = batch->fake;
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += real_ms / 1000;
  until.tv_nsec += (real_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  bool in_time = true;
  while (in_time && fake_batch_waiting(batch) > 0) {
    fake_host_wake(fake);
    pthread_mutex_lock(&fake->lock);
    if (fake_batch_left(batch) > 0) in_time = wait_for_change(fake, &until);
    pthread_mutex_unlock(&fake->lock);
  }
  return fake_batch_waiting(batch) == 0;
}

/* ---- Settling and sealing ---- */

static void children_drop(struct fake_batch *batch, uint32_t parent) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < batch->child_count; i++)
    if (batch->children[i].parent != parent) batch->children[kept++] = batch->children[i];
  batch->child_count = kept;
}

static void copy_cut(char *into, size_t size, weir_span from) {
  size_t length = from.size < size - 1 ? from.size : size - 1;
  if (length) memcpy(into, from.data, length);
  into[length] = 0;
}

void fake_batch_settle(struct fake_batch *batch, uint32_t index, weir_verdict verdict, const weir_reason *why) {
  struct fake_record *record = &batch->records[index];
  fake_rule(!why || WEIR_REACHES(why, weir_reason, text), "a reason of %u bytes", why->size);
  record->verdict = verdict;
  copy_cut(record->code, sizeof record->code, why ? why->code : (weir_span){0});
  copy_cut(record->text, sizeof record->text, why ? why->text : (weir_span){0});
  record->retry_after_ms = why && WEIR_REACHES(why, weir_reason, retry_after_ms) ? why->retry_after_ms : 0;
  if (verdict != WEIR_RETRY && verdict != WEIR_REJECT) return;
  record->now = record->original;
  children_drop(batch, index);
  if (batch->public) fake_batch_publish(batch, index);
}

static char *text_of(weir_span span) {
  if (!span.data) return NULL;
  char *text = malloc(span.size + 1);
  memcpy(text, span.data, span.size);
  text[span.size] = 0;
  return text;
}

static char *headers_text(const struct fake_fields *fields) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  for (uint32_t i = 0; i < fields->header_count; i++) {
    const weir_header *header = &fields->headers[i];
    fprintf(out, "%s%.*s", i ? " " : "", (int)header->name.size, (const char *)header->name.data);
    if (header->value.data) fprintf(out, "=%.*s", (int)header->value.size, (const char *)header->value.data);
  }
  fclose(out);
  return text;
}

static void emitted_keep(struct fake_batch *batch) {
  batch->emitted = calloc(batch->child_count + 1, sizeof *batch->emitted);
  for (uint32_t parent = 0; parent < batch->record_count; parent++)
    for (uint32_t i = 0; i < batch->child_count; i++) {
      const struct fake_child *child = &batch->children[i];
      if (child->parent != parent) continue;
      batch->emitted[batch->emitted_count++] = (struct fake_emitted){.parent = parent,
          .key = text_of(child->fields.key),
          .value = text_of(child->fields.value),
          .topic = text_of(child->fields.topic),
          .headers = headers_text(&child->fields),
          .timestamp_ms = child->fields.timestamp_ms};
    }
}

static void memory_free(struct fake_batch *batch) {
  while (batch->blocks) {
    struct fake_block *next = batch->blocks->next;
    free(batch->blocks);
    batch->blocks = next;
  }
  free(batch->public);
  batch->public = NULL;
}

void fake_batch_seal(struct fake_batch *batch) {
  if (!batch->public || batch->running) return;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    struct fake_record *record = &batch->records[i];
    record->shown = (struct fake_shown){.key = text_of(record->now.key),
        .value = text_of(record->now.value),
        .topic = text_of(record->now.topic),
        .headers = headers_text(&record->now)};
  }
  emitted_keep(batch);
  memory_free(batch);
  pthread_cond_broadcast(&batch->fake->changed);
}

void fake_batch_free(struct fake_batch *batch) {
  struct fake_batch **at = &batch->fake->batches;
  while (*at != batch) at = &(*at)->next;
  *at = batch->next;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    struct fake_shown *shown = &batch->records[i].shown;
    free(shown->key), free(shown->value), free(shown->topic), free(shown->headers);
  }
  for (uint32_t i = 0; i < batch->emitted_count; i++) {
    const struct fake_emitted *emitted = &batch->emitted[i];
    free((char *)(uintptr_t)emitted->key), free((char *)(uintptr_t)emitted->value);
    free((char *)(uintptr_t)emitted->topic), free((char *)(uintptr_t)emitted->headers);
  }
  memory_free(batch);
  free(batch->records);
  free(batch->children);
  free(batch->emitted);
  free(batch);
}

void fake_batch_close(struct fake_batch *batch) {
  if (!batch) return;
  fake_rule(fake_batch_waiting(batch) == 0, "the test closes a batch with deferred records");
  fake_batch_free(batch);
}
