/* pipeline_checks.c: what only several keys together tell. Each rule is one function and one sentence. */
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "config/node.h"
#include "config/pipeline_reading.h"
#include "config/report.h"
#include "config/settings.h"
#include <stdio.h>
#include <string.h>

/* The consumer must have answered the group before half of its poll interval is over. */
static void check_drain(struct pipeline_reading *reading) {
  const struct pipeline_file *file = reading->file;
  const char *value = kafka_property_value(&file->kafka, "max.poll.interval.ms");
  int64_t poll_ms = 300000;
  if (value && !text_int(span_of(value), &poll_ms)) return;
  char drain[SETTINGS_TEXT_MAX];
  const struct weir_config *node = node_find(file->root, "drain");
  if (file->drain_ms < poll_ms / 2) return;
  report_add(reading->report, node ? node : file->root,
      "drain: %s is not below half of max.poll.interval.ms (%lld ms): Kafka would take the partitions away while they drain",
      settings_of_duration(drain, file->drain_ms), (long long)poll_ms);
}

static void check_uncommitted(struct pipeline_reading *reading) {
  const struct pipeline_file *file = reading->file;
  const struct weir_config *commit = node_find(file->root, "commit"), *node = node_find(commit, "uncommitted");
  if (file->commit_uncommitted >= file->batch_records) return;
  report_add(reading->report, node ? node : file->root,
      "commit.uncommitted: %u is less than batch.records (%u), so no batch could ever begin", file->commit_uncommitted,
      file->batch_records);
}

static bool is_read(const struct pipeline_file *file, const char *topic) {
  for (size_t i = 0; i < file->topic_count; i++)
    if (kafka_pattern_matches(file->topics[i], topic)) return true;
  return false;
}

/* Its own output as its input: every record for ever. With `when` it may end, so it is the user's business. */
static void check_loops(struct pipeline_reading *reading) {
  const struct pipeline_file *file = reading->file;
  if (file->dead_letter && is_read(file, file->dead_letter))
    report_add(reading->report, node_find(node_find(file->root, "dead_letter"), "topic"),
        "the dead-letter topic is one that this pipeline reads: a rejected record would come back for ever");
  for (uint32_t i = 0; i < file->sink_count; i++) {
    const struct pipeline_step *sink = &file->sinks[i];
    if (!sink->kafka || !sink->kafka->topic || sink->kafka->kafka.brokers || sink->when ||
        !is_read(file, sink->kafka->topic))
      continue;
    report_add(reading->report, node_find(sink->kafka->node, "topic"),
        "this pipeline reads the topic that it writes here: every record would come back for ever; write elsewhere, or say `when`");
  }
}

/* The language has both; this version of the runtime does not. What is lifted is taken out here, and nowhere else. */
static const char exactly_once_unavailable[] = "is not available in this version; use at_least_once";

static void check_order(struct pipeline_reading *reading) {
  const struct pipeline_file *file = reading->file;
  if (file->order == ORDER_PARTITION) return;
  report_add(reading->report, node_find(file->root, "order"),
      "order: %s is not available in this version; use partition", pipeline_order_name(file->order));
}

/* Why a transaction cannot cover this sink, NULL: it can. */
static const char *uncovered(const struct pipeline_step *sink) {
  if (!sink->kafka) return "only Kafka's topics are part of a transaction";
  return sink->kafka->kafka.brokers ? "it has brokers of its own, and a transaction ends at the cluster's border"
                                    : NULL;
}

static const char *refusal(struct pipeline_reading *reading, const struct pipeline_step *sink) {
  char text[256];
  snprintf(text, sizeof text, "cannot cover the sink %s: %s", sink->label ? sink->label : "", uncovered(sink));
  return arena_copy(reading->arena, text, strlen(text));
}

/* Collects the reasons whatever `delivery` says: `weir check` tells them. */
static void judge_exactly_once(struct pipeline_reading *reading) {
  struct pipeline_file *file = reading->file;
  const char **reasons = arena_alloc(reading->arena, (file->sink_count + 1) * sizeof *reasons);
  size_t count = 0;
  if (reasons) reasons[count++] = exactly_once_unavailable;
  for (uint32_t i = 0; reasons && i < file->sink_count; i++) {
    if (!uncovered(&file->sinks[i])) continue;
    reasons[count] = refusal(reading, &file->sinks[i]);
    if (!reasons[count++]) reasons = NULL;
  }
  if (!reasons) report_add(reading->report, file->root, "no memory for the pipeline");
  file->exactly_once_refused = reasons;
  file->exactly_once_refused_count = reasons ? count : 0;
}

static void check_exactly_once(struct pipeline_reading *reading) {
  const struct pipeline_file *file = reading->file;
  if (file->delivery != EXACTLY_ONCE) return;
  for (size_t i = 0; i < file->exactly_once_refused_count; i++)
    report_add(
        reading->report, node_find(file->root, "delivery"), "delivery: exactly_once %s", file->exactly_once_refused[i]);
}

void pipeline_checks_make(struct pipeline_reading *reading) {
  judge_exactly_once(reading);
  check_exactly_once(reading);
  check_order(reading);
  check_drain(reading);
  check_uncommitted(reading);
  check_loops(reading);
}
