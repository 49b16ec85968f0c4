/* fake_services.c: what the host offers to the plugin while it runs. */
#include "fake_internal.h"
#include <stdlib.h>
#include <string.h>

static struct fake_host *fake_of(const weir_host *host) { return host->ctx; }

/* ---- Log, failure, metrics, clock ---- */

static void host_log(const weir_host *host, weir_level level, weir_span text) {
  struct fake_host *fake = fake_of(host);
  fake_rule(level >= WEIR_DEBUG && level <= WEIR_ERROR, "log() with level %d", level);
  struct fake_line *line = calloc(1, sizeof *line);
  line->level = level;
  line->text = strndup((const char *)text.data, text.size);
  pthread_mutex_lock(&fake->lock);
  line->next = fake->lines;
  fake->lines = line;
  pthread_mutex_unlock(&fake->lock);
}

static int32_t host_fail(const weir_host *host, const weir_config *node, weir_span text) {
  fake_on_lane(host, "fail");
  struct fake_host *fake = fake_of(host);
  int size = text.size < 1024 ? (int)text.size : 1024;
  if (node)
    snprintf(fake->failure, sizeof fake->failure, "%s:%u:%u: %.*s", node->file, node->line, node->column, size,
        (const char *)text.data);
  else
    snprintf(fake->failure, sizeof fake->failure, "%.*s: %.*s", (int)host->name.size, (const char *)host->name.data,
        size, (const char *)text.data);
  return -1;
}

static bool is_name(const char *name) {
  return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static weir_metric *host_metric(const weir_host *host, weir_metric_kind kind, const char *name, const char *help) {
  fake_on_lane(host, "metric");
  struct fake_host *fake = fake_of(host);
  fake_rule(fake->prepared, "metric() in prepare()");
  fake_rule(kind >= WEIR_COUNTER && kind <= WEIR_HISTOGRAM && name && is_name(name) && help,
      "metric() without kind, name or help");
  struct weir_metric *metric = fake->metrics;
  while (metric && strcmp(metric->name, name) != 0) metric = metric->next;
  if (metric) return metric;
  metric = calloc(1, sizeof *metric);
  *metric = (struct weir_metric){.next = fake->metrics, .kind = kind, .name = strdup(name)};
  return fake->metrics = metric;
}

static void host_measure(const weir_host *host, weir_metric *metric, int64_t value) {
  struct fake_host *fake = fake_of(host);
  if (!metric) return;
  pthread_mutex_lock(&fake->lock);
  metric->value = metric->kind == WEIR_GAUGE ? value : metric->value + value;
  pthread_mutex_unlock(&fake->lock);
}

static int64_t host_now_ms(const weir_host *host) {
  struct fake_host *fake = fake_of(host);
  pthread_mutex_lock(&fake->lock);
  int64_t now_ms = fake->now_ms;
  pthread_mutex_unlock(&fake->lock);
  return now_ms;
}

static int64_t host_wall_ms(const weir_host *host) {
  struct fake_host *fake = fake_of(host);
  pthread_mutex_lock(&fake->lock);
  int64_t wall_ms = fake->wall_ms;
  pthread_mutex_unlock(&fake->lock);
  return wall_ms;
}

static void host_wake(const weir_host *host, int64_t at_ms) {
  struct fake_host *fake = fake_of(host);
  pthread_mutex_lock(&fake->lock);
  if (!fake->wake_asked || at_ms < fake->wake_at) fake->wake_at = at_ms;
  fake->wake_asked = true;
  pthread_cond_broadcast(&fake->changed);
  pthread_mutex_unlock(&fake->lock);
}

static const void *host_extension(const weir_host *host, const char *id) {
  fake_on_lane(host, "extension");
  return strcmp(id, WEIR_EXT_WORKER) == 0 ? &fake_of(host)->worker : NULL;
}

/* ---- Records ---- */

static struct fake_batch *open_batch(const weir_host *host, const weir_batch *public, const char *function) {
  fake_on_lane(host, function);
  struct fake_batch *batch = fake_of(host)->batches;
  while (batch && (!batch->public || batch->public != public)) batch = batch->next;
  fake_rule(batch, "%s() on a batch that is dead or no batch", function);
  fake_rule(batch->open, "%s() on a batch that is not open", function);
  return batch;
}

static struct fake_record *open_record(
    const weir_host *host, const weir_batch *public, uint32_t index, struct fake_batch **batch, const char *function) {
  *batch = open_batch(host, public, function);
  fake_rule(index < (*batch)->record_count, "%s() on record %u of %u", function, index, (*batch)->record_count);
  struct fake_record *record = &(*batch)->records[index];
  fake_rule((*batch)->running || record->deferred, "%s() on record %u, which is not deferred", function, index);
  return record;
}

static struct fake_record *change(
    const weir_host *host, const weir_batch *public, uint32_t index, struct fake_batch **batch, const char *function) {
  fake_rule(host->role == WEIR_TRANSFORM, "%s() by a sink", function);
  return open_record(host, public, index, batch, function);
}

static void *host_alloc(const weir_host *host, const weir_batch *public, size_t size) {
  struct fake_batch *batch = open_batch(host, public, "alloc");
  if (size > fake_of(host)->budget - batch->allocated) return NULL;
  batch->allocated += size;
  void *block = fake_batch_block(batch, size);
  memset(block, 0xa5, size);
  return block;
}

static void host_settle(const weir_host *host, const weir_batch *public, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why) {
  struct fake_batch *batch = open_batch(host, public, "settle");
  if (count == UINT32_MAX && first <= batch->record_count) count = batch->record_count - first;
  fake_rule(first <= batch->record_count && count <= batch->record_count - first, "settle(%u, %u) of %u records", first,
      count, batch->record_count);
  fake_rule(verdict >= WEIR_UNSETTLED && verdict <= WEIR_REJECT, "settle() with verdict %d", verdict);
  pthread_mutex_lock(&batch->fake->lock);
  for (uint32_t i = first; i < first + count; i++) {
    if (!batch->running && !batch->records[i].deferred) continue;
    fake_batch_settle(batch, i, verdict, why);
    if (!batch->running && verdict != WEIR_UNSETTLED) batch->records[i].deferred = false;
  }
  pthread_mutex_unlock(&batch->fake->lock);
}

static void host_set_key(const weir_host *host, const weir_batch *public, uint32_t index, weir_span key) {
  struct fake_batch *batch;
  struct fake_record *record = change(host, public, index, &batch, "set_key");
  fake_batch_keep(batch, key, "set_key");
  record->now.key = key;
  fake_batch_publish(batch, index);
}

static void host_set_value(const weir_host *host, const weir_batch *public, uint32_t index, weir_span value) {
  struct fake_batch *batch;
  struct fake_record *record = change(host, public, index, &batch, "set_value");
  fake_batch_keep(batch, value, "set_value");
  record->now.value = value;
  fake_batch_publish(batch, index);
}

static void host_set_topic(const weir_host *host, const weir_batch *public, uint32_t index, weir_span topic) {
  struct fake_batch *batch;
  struct fake_record *record = change(host, public, index, &batch, "set_topic");
  fake_batch_keep(batch, topic, "set_topic");
  record->now.topic = topic;
  fake_batch_publish(batch, index);
}

static void host_set_timestamp(const weir_host *host, const weir_batch *public, uint32_t index, int64_t ms) {
  struct fake_batch *batch;
  change(host, public, index, &batch, "set_timestamp")->now.timestamp_ms = ms;
  fake_batch_publish(batch, index);
}

static const weir_header *host_headers(
    const weir_host *host, const weir_batch *public, uint32_t index, uint32_t *count) {
  struct fake_batch *batch;
  const struct fake_record *record = open_record(host, public, index, &batch, "headers");
  *count = record->now.header_count;
  return *count ? record->now.headers : NULL;
}

/* A block of its own, so that what was replaced is not read: the copy of the array, the bytes as they are. */
static weir_header *headers_copy(
    struct fake_batch *batch, const weir_header *headers, uint32_t count, const char *function) {
  weir_header *copy = fake_batch_block(batch, count * sizeof *copy);
  for (uint32_t i = 0; i < count; i++) {
    fake_rule(headers[i].name.data, "%s() with a header without a name", function);
    fake_batch_keep(batch, headers[i].name, function);
    fake_batch_keep(batch, headers[i].value, function);
    copy[i] = headers[i];
  }
  return copy;
}

static void host_set_headers(
    const weir_host *host, const weir_batch *public, uint32_t index, const weir_header *headers, uint32_t count) {
  struct fake_batch *batch;
  struct fake_record *record = change(host, public, index, &batch, "set_headers");
  weir_header *old = record->now.headers;
  uint32_t old_count = record->now.header_count;
  record->now.headers = headers_copy(batch, headers, count, "set_headers");
  record->now.header_count = count;
  if (old && old != record->original.headers) memset(old, 0xa5, old_count * sizeof *old);
}

static int32_t host_emit(const weir_host *host, const weir_batch *public, uint32_t parent, const weir_draft *draft) {
  struct fake_batch *batch;
  struct fake_record *record = change(host, public, parent, &batch, "emit");
  fake_rule(WEIR_REACHES(draft, weir_draft, timestamp_ms), "a draft of %u bytes", draft->size);
  fake_rule((draft->flags & ~(uint32_t)WEIR_KEEP_HEADERS) == 0 && draft->reserved == 0, "a draft's flags are not 0");
  if (batch->child_count >= fake_of(host)->emit_limit) return -1;
  fake_batch_keep(batch, draft->key, "emit");
  fake_batch_keep(batch, draft->value, "emit");
  fake_batch_keep(batch, draft->topic, "emit");
  uint32_t inherited = draft->flags & WEIR_KEEP_HEADERS ? record->now.header_count : 0;
  weir_header *headers = fake_batch_block(batch, (inherited + draft->header_count) * sizeof *headers);
  if (inherited) memcpy(headers, record->now.headers, inherited * sizeof *headers);
  weir_header *own = headers_copy(batch, draft->headers, draft->header_count, "emit");
  if (draft->header_count) memcpy(headers + inherited, own, draft->header_count * sizeof *headers);
  batch->children = realloc(batch->children, (batch->child_count + 1) * sizeof *batch->children);
  batch->children[batch->child_count++] = (struct fake_child){.parent = parent,
      .fields = {.key = draft->key,
          .value = draft->value,
          .topic = draft->topic,
          .timestamp_ms = draft->timestamp_ms,
          .headers = headers,
          .header_count = inherited + draft->header_count}};
  return 0;
}

/* ---- Deferred batches ---- */

static weir_ticket host_defer(const weir_host *host, const weir_batch *public, uint32_t flags) {
  struct fake_batch *batch = open_batch(host, public, "defer");
  fake_rule(flags == 0, "defer() with flags %u", flags);
  fake_rule(batch->running && !batch->ticket, "defer() twice or outside of process()");
  if (!(fake_of(host)->plugin->traits & WEIR_ASYNC)) return 0;
  pthread_mutex_lock(&batch->fake->lock);
  batch->ticket = batch->fake->next_ticket++;
  pthread_mutex_unlock(&batch->fake->lock);
  return batch->ticket;
}

/* With the lock held. */
static struct fake_batch *batch_of_ticket(struct fake_host *fake, weir_ticket ticket) {
  struct fake_batch *batch = fake->batches;
  while (batch && (batch->ticket != ticket || !batch->public)) batch = batch->next;
  return ticket ? batch : NULL;
}

static bool complete_one(struct fake_batch *batch, uint32_t index, weir_verdict verdict, const weir_reason *why) {
  struct fake_record *record = &batch->records[index];
  if (record->completed || !(record->deferred || (batch->running && record->verdict == WEIR_UNSETTLED))) return false;
  fake_batch_settle(batch, index, verdict, why);
  record->completed = true;
  record->deferred = false;
  return true;
}

static int32_t host_complete(const weir_host *host, weir_ticket ticket, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why) {
  struct fake_host *fake = fake_of(host);
  fake_rule(verdict >= WEIR_PASS && verdict <= WEIR_REJECT, "complete() with verdict %d", verdict);
  pthread_mutex_lock(&fake->lock);
  struct fake_batch *batch = batch_of_ticket(fake, ticket);
  bool counted = false;
  for (uint32_t i = first; batch && i < batch->record_count && i - first < count; i++)
    counted |= complete_one(batch, i, verdict, why);
  if (batch && !batch->running && !batch->open && fake_batch_left(batch) == 0) fake_batch_seal(batch);
  pthread_cond_broadcast(&fake->changed);
  pthread_mutex_unlock(&fake->lock);
  return counted ? 0 : -1;
}

static const weir_batch *host_resume(const weir_host *host, weir_ticket ticket) {
  fake_on_lane(host, "resume");
  struct fake_host *fake = fake_of(host);
  pthread_mutex_lock(&fake->lock);
  struct fake_batch *batch = batch_of_ticket(fake, ticket);
  if (batch && fake_batch_left(batch) == 0) batch = NULL;
  if (batch) batch->open = true;
  const weir_batch *public = batch ? batch->public : NULL;
  pthread_mutex_unlock(&fake->lock);
  return public;
}

void fake_service_functions(weir_host *table) {
  table->log = host_log;
  table->fail = host_fail;
  table->metric = host_metric;
  table->measure = host_measure;
  table->now_ms = host_now_ms;
  table->wall_ms = host_wall_ms;
  table->wake = host_wake;
  table->extension = host_extension;
  table->alloc = host_alloc;
  table->settle = host_settle;
  table->set_key = host_set_key;
  table->set_value = host_set_value;
  table->set_topic = host_set_topic;
  table->set_timestamp = host_set_timestamp;
  table->headers = host_headers;
  table->set_headers = host_set_headers;
  table->emit = host_emit;
  table->defer = host_defer;
  table->complete = host_complete;
  table->resume = host_resume;
}
