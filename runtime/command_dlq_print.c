/* command_dlq_print.c: what several verbs show. Texts come from records, so from strangers: they are escaped. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "command_dlq.h"
#include "command_json.h"

const char *dlq_source_text(char into[DLQ_SOURCE_MAX], const struct letter *letter) {
  char topic[LIMIT_TOPIC_NAME + 1];
  snprintf(into, DLQ_SOURCE_MAX, "-");
  if (!letter->known || !letter->source_topic.data) return into;
  text_escape(topic, sizeof topic, letter->source_topic);
  int size =
      snprintf(into, DLQ_SOURCE_MAX, "%s/%" PRId64 "@%" PRId64, topic, letter->source_partition, letter->source_offset);
  if (letter->child > 0) snprintf(into + size, (size_t)(DLQ_SOURCE_MAX - size), "#%" PRId64, letter->child);
  return into;
}

void dlq_print_json_head(const struct letter *letter) {
  printf("{\"partition\":%" PRId32 ",\"offset\":%" PRId64, letter->partition, letter->offset);
  json_time("failed_at", letter->failed_ms);
  json_field("pipeline", letter->pipeline);
  json_field("stage", letter->stage);
  json_field("plugin", letter->plugin);
  json_field("plugin_version", letter->version);
  json_field("code", letter->code);
  json_field("reason", letter->reason);
  json_number("attempts", letter->attempts);
  json_number("hops", letter->hops);
  json_field("source_topic", letter->source_topic);
  json_number("source_partition", letter->source_partition);
  json_number("source_offset", letter->source_offset);
  json_time("source_time", letter->source_ms);
  json_number("child", letter->child);
  json_number("value_bytes", letter->replaced ? letter->value_bytes : (int64_t)letter->value.size);
  printf(",\"replaced\":%s", letter->replaced ? "true" : "false");
}

/* --- counts ---------------------------------------------------------------------------------------------------------- */

struct dlq_count {
  char *text;
  int64_t count;
};

struct dlq_counts {
  struct dlq_count *rows;
  size_t count;
  int64_t others;
};

struct dlq_counts *dlq_counts_create(void) {
  struct dlq_counts *counts = calloc(1, sizeof *counts);
  must(counts);
  return counts;
}

void dlq_counts_destroy(struct dlq_counts *counts) {
  if (!counts) return;
  for (size_t i = 0; i < counts->count; i++) free(counts->rows[i].text);
  free(counts->rows);
  free(counts);
}

static bool add_row(struct dlq_counts *counts, const char *text) {
  if (counts->count == LIMIT_DLQ_KINDS) return false;
  struct dlq_count *rows = realloc(counts->rows, (counts->count + 1) * sizeof *rows);
  must(rows);
  counts->rows = rows;
  rows[counts->count] = (struct dlq_count){strdup(text), 1};
  must(rows[counts->count].text);
  counts->count++;
  return true;
}

void dlq_counts_add(struct dlq_counts *counts, weir_span text) {
  char shown[DLQ_SOURCE_MAX];
  text_escape(shown, sizeof shown, text.data ? text : span_of("-"));
  for (size_t i = 0; i < counts->count; i++)
    if (strcmp(counts->rows[i].text, shown) == 0) {
      counts->rows[i].count++;
      return;
    }
  if (!add_row(counts, shown)) counts->others++;
}

static int most_first(const void *left, const void *right) {
  const struct dlq_count *one = left, *two = right;
  if (one->count != two->count) return one->count < two->count ? 1 : -1;
  return strcmp(one->text, two->text);
}

void dlq_counts_print(struct dlq_counts *counts) {
  char count[TEXT_MAX];
  if (counts->count) qsort(counts->rows, counts->count, sizeof *counts->rows, most_first);
  for (size_t i = 0; i < counts->count; i++)
    printf("  %12s  %s\n", text_of_count(count, counts->rows[i].count), counts->rows[i].text);
  if (counts->others) printf("  %12s  others\n", text_of_count(count, counts->others));
}

void dlq_counts_print_json(struct dlq_counts *counts, const char *name) {
  if (counts->count) qsort(counts->rows, counts->count, sizeof *counts->rows, most_first);
  printf(",\"%s\":[", name);
  for (size_t i = 0; i < counts->count; i++) {
    printf("%s{\"name\":", i ? "," : "");
    json_text(span_of(counts->rows[i].text));
    printf(",\"count\":%" PRId64 "}", counts->rows[i].count);
  }
  putchar(']');
}
