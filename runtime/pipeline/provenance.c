/* provenance.c: see provenance.h. Names of headers are a promise (docs/DEAD_LETTERS.md). */
#include "pipeline/provenance.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/digest.h"
#include "base/span.h"
#include "pipeline/runner.h"
#include "plugin/setup.h"

/* A record batch of one record: its head, and the least of a record's and a header's own lengths. */
enum { OWN_HEADERS = 16, REPLACED_HEADERS = 3, BATCH_HEAD_BYTES = 61, RECORD_HEAD_BYTES = 7, HEADER_HEAD_BYTES = 2 };
static const char hops_header[] = "weir.hops";

struct header_list {
  struct arena *arena;
  weir_header *headers;
  uint32_t count;
  bool failed;
};

static void add(struct header_list *list, const char *name, weir_span value) {
  const uint8_t *copy = arena_copy(list->arena, value.data ? value.data : (const uint8_t *)"", value.size);
  if (!copy) list->failed = true;
  list->headers[list->count++] = (weir_header){span_of(name), {copy, value.size}};
}

static void add_number(struct header_list *list, const char *name, int64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, number);
  add(list, name, span_of(text));
}

/* How often this record has been a dead letter before: the last hops header counts. */
static int64_t hops_before(const weir_header *headers, uint32_t count) {
  for (uint32_t i = count; i-- > 0;) {
    if (!span_is(headers[i].name, hops_header)) continue;
    char text[16] = "";
    if (headers[i].value.size < sizeof text && headers[i].value.data)
      memcpy(text, headers[i].value.data, headers[i].value.size);
    int64_t hops = strtoll(text, NULL, 10);
    return hops < 0 ? 0 : hops;
  }
  return 0;
}

static void add_plugin(struct header_list *list, const struct plan *plan, const struct step *step) {
  const weir_plugin *plugin = step->setup ? setup_plugin(step->setup)->table : NULL;
  add(list, "weir.plugin", span_of(plugin ? plugin->name : "kafka"));
  add(list, "weir.plugin.version", span_of(plugin ? plugin->version : plan->version));
}

static void add_own(struct header_list *list, const struct plan *plan, const struct step *step,
    const struct portion *whole, const weir_record *original, const struct reason *reason) {
  const struct partition *partition = whole->batch->partition;
  add(list, "weir.pipeline", span_of(plan->pipeline));
  add(list, "weir.stage", span_of(step->label));
  add_plugin(list, plan, step);
  add(list, "weir.reason.code", reason->code);
  add(list, "weir.reason", reason->text);
  add_number(list, "weir.attempts", original->attempt);
  add(list, "weir.source.topic", partition->view.topic);
  add_number(list, "weir.source.partition", partition->view.partition);
  add_number(list, "weir.source.offset", original->offset);
  add_number(list, "weir.source.timestamp", original->timestamp_ms);
  if (original->child) add_number(list, "weir.child", original->child);
}

/* Of a record read from Kafka as it was read; of an emitted one as it entered the stage. */
static struct record original_of(const struct portion *whole, uint32_t index) {
  const struct batch *batch = whole->batch;
  struct record original = whole->records[index];
  if (original.view.child) return original;
  uint32_t attempt = original.view.attempt;
  batch->source->view(batch->messages[original.origin], &original.view);
  original.view.attempt = attempt;
  original.headers_known = false;
  return original;
}

bool provenance_write(struct provenance *provenance, const struct plan *plan, const struct step *step,
    struct portion *whole, uint32_t index, const struct reason *reason) {
  struct batch *batch = whole->batch;
  struct record original = original_of(whole, index);
  struct header_list list = {.arena = &batch->arena};
  const weir_header *headers;
  uint32_t count;
  if (!record_headers(batch, &original, &headers, &count)) return false;
  list.headers = arena_alloc(&batch->arena, (count + OWN_HEADERS + REPLACED_HEADERS) * sizeof *list.headers);
  if (!list.headers) return false;
  if (count) memcpy(list.headers, headers, count * sizeof *headers);
  list.count = count;
  int64_t now_ms = clock_wall(plan->clock);
  add_own(&list, plan, step, whole, &original.view, reason);
  add_number(&list, "weir.failed.at", now_ms);
  add_number(&list, hops_header, hops_before(headers, count) + 1);
  must(list.count <= count + OWN_HEADERS);
  *provenance = (struct provenance){.headers = list.headers,
      .outgoing = {.key = original.view.key,
          .value = original.view.value,
          .headers = list.headers,
          .header_count = list.count,
          .partition = -1,
          .timestamp_ms = now_ms}};
  return !list.failed;
}

bool provenance_replace(struct provenance *provenance, struct batch *batch, int64_t offset) {
  must(!provenance->replaced);
  const struct partition *partition = batch->partition;
  struct outgoing *outgoing = &provenance->outgoing;
  struct header_list list = {&batch->arena, provenance->headers, outgoing->header_count, false};
  char sum[DIGEST_TEXT_MAX], text[768];
  digest_sha256(sum, outgoing->value);
  add(&list, "weir.value", span_of("replaced"));
  add_number(&list, "weir.value.bytes", (int64_t)outgoing->value.size);
  add(&list, "weir.value.sha256", span_of(sum));
  int size = snprintf(text, sizeof text,
      "{\"weir\":\"the value is too large for this topic\",\"bytes\":%zu,\"sha256\":\"%s\",\"topic\":\"%.*s\","
      "\"partition\":%" PRId32 ",\"offset\":%" PRId64 "}",
      outgoing->value.size, sum, SPAN_ARGS(partition->view.topic), partition->view.partition, offset);
  must(size > 0 && (size_t)size < sizeof text);
  const uint8_t *value = arena_copy(list.arena, text, (size_t)size);
  if (!value || list.failed) return false;
  outgoing->value = (weir_span){value, (size_t)size};
  outgoing->header_count = list.count;
  return provenance->replaced = true;
}

uint64_t provenance_bytes_least(const struct provenance *provenance) {
  const struct outgoing *outgoing = &provenance->outgoing;
  uint64_t bytes = BATCH_HEAD_BYTES + RECORD_HEAD_BYTES + outgoing->key.size + outgoing->value.size;
  for (uint32_t i = 0; i < outgoing->header_count; i++)
    bytes += HEADER_HEAD_BYTES + outgoing->headers[i].name.size + outgoing->headers[i].value.size;
  return bytes;
}
