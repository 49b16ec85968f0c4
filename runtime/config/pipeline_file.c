/* pipeline_file.c: a pipeline file from top to bottom. Reading goes on after an error, so every function leaves something
 * usable behind; whether the whole may be used is decided at the end, by the report. */
#include "config/pipeline_file.h"
#include "base/check.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/machine.h"
#include "base/span.h"
#include "config/interpolation.h"
#include "config/node.h"
#include "config/pipeline_reading.h"
#include "config/report.h"
#include "config/settings.h"
#include "config/yaml.h"
#include "config/yaml_traps.h"
#include <stdlib.h>
#include <string.h>

static const char *const deliveries[] = {"at_most_once", "at_least_once", "exactly_once", NULL};
static const char *const orders[] = {"partition", "key", "none", NULL};
static const char *const starts[] = {"earliest", "latest", "error", NULL};

const char *pipeline_delivery_name(enum pipeline_delivery delivery) { return deliveries[delivery]; }
const char *pipeline_order_name(enum pipeline_order order) { return orders[order]; }
const char *pipeline_start_name(enum pipeline_start start) { return starts[start]; }

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

bool pipeline_is_label(const char *text) {
  static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  size_t size = strlen(text);
  return size > 0 && size <= LIMIT_LABEL && strspn(text, bytes) == size;
}

static const struct pipeline_file defaults = {
    .start = START_EARLIEST,
    .delivery = AT_LEAST_ONCE,
    .order = ORDER_PARTITION,
    .batch_records = 1000,
    .batch_bytes = 1 << 20,
    .commit_every_ms = 200,
    .commit_records = 5000,
    .commit_uncommitted = 100000,
    .drain_ms = 20 * SECOND,
    .shutdown_ms = 8 * SECOND,
    .memory_bytes = 256 << 20,
    .quarantine_after = 3,
};

static void read_pipeline_name(struct pipeline_reading *reading, struct settings *top) {
  char shown[NODE_SHOWN_MAX];
  if (!settings_require(top, reading->file->root, "pipeline", "the pipeline's name")) return;
  if (!settings_text(top, "pipeline", &reading->file->pipeline) || pipeline_is_label(reading->file->pipeline)) return;
  const struct weir_config *node = settings_node(top, "pipeline");
  report_add(reading->report, node, "pipeline: found %s, expected 1 to %d letters, digits, '.', '_' and '-'",
      node_shown(shown, node), LIMIT_LABEL);
}

static void read_kafka(struct pipeline_reading *reading, struct settings *top) {
  struct settings kafka;
  if (!settings_require(
          top, reading->file->root, "kafka", "where the brokers are, such as `kafka: {brokers: localhost:9092}`"))
    return;
  const struct weir_config *node = settings_node(top, "kafka");
  settings_begin(&kafka, node, "kafka", reading->report);
  settings_require(&kafka, node, "brokers", "the addresses of Kafka, such as localhost:9092");
  kafka_settings_read(&kafka, reading->arena, &reading->file->kafka);
  settings_end(&kafka);
}

static void read_topics(struct pipeline_reading *reading, struct settings *source) {
  struct pipeline_file *file = reading->file;
  if (!kafka_read_patterns(source, "topics", reading->arena, &file->topics, &file->topic_count)) return;
  const struct weir_config *list = settings_node(source, "topics");
  for (size_t i = 1; i < file->topic_count; i++)
    for (size_t k = 0; k < i; k++)
      if (strcmp(file->topics[i], file->topics[k]) == 0)
        report_add(reading->report, list->children[i], "this topic stands twice in the list");
}

/* The command line's instance wins: one file may serve all workers. */
static void read_instance(struct pipeline_reading *reading, struct settings *source, const char *instance) {
  const char *text = NULL, *flaw = NULL;
  bool written = settings_text(source, "instance", &text);
  const struct weir_config *node = written ? settings_node(source, "instance") : NULL;
  reading->file->instance = text;
  if (instance) {
    node = NULL;
    reading->file->instance = arena_copy(reading->arena, instance, strlen(instance));
    if (!reading->file->instance) report_add(reading->report, NULL, "no memory for the instance");
  }
  if (reading->file->instance) flaw = kafka_topic_flaw(reading->file->instance);
  if (flaw && node)
    report_add(reading->report, node, "instance: Kafka does not take this name: %s", flaw);
  else if (flaw)
    report_add(reading->report, NULL, "--instance %s: Kafka does not take this name: %s", instance, flaw);
}

static void read_group(struct pipeline_reading *reading, struct settings *source) {
  if (!settings_text(source, "group", &reading->file->group) || strlen(reading->file->group) <= LIMIT_GROUP_NAME)
    return;
  report_add(reading->report, settings_node(source, "group"), "group: found a name of %zu bytes, expected at most %d",
      strlen(reading->file->group), LIMIT_GROUP_NAME);
}

static void read_source(struct pipeline_reading *reading, struct settings *top, const char *instance) {
  struct settings source;
  int start = reading->file->start;
  if (!settings_require(
          top, reading->file->root, "source", "what to read, such as `source: {topics: [quakes], group: quakes}`"))
    return;
  const struct weir_config *node = settings_node(top, "source");
  settings_begin(&source, node, "source", reading->report);
  settings_require(&source, node, "topics", "a list of topics, or of expressions that start with ^");
  settings_require(&source, node, "group", "the consumer group that shares the work and keeps the offsets");
  read_topics(reading, &source);
  read_group(reading, &source);
  settings_choice(&source, "start", starts, &start);
  reading->file->start = (enum pipeline_start)start;
  read_instance(reading, &source, instance);
  settings_end(&source);
}

static void read_batch(struct pipeline_reading *reading, struct settings *top) {
  struct settings batch;
  struct pipeline_file *file = reading->file;
  settings_begin(&batch, settings_node(top, "batch"), "batch", reading->report);
  settings_count(&batch, "records", 1, LIMIT_BATCH_RECORDS, &file->batch_records);
  settings_size(&batch, "bytes", 1 << 10, 64 << 20, &file->batch_bytes);
  settings_duration(&batch, "wait", 0, MINUTE, &file->batch_wait_ms);
  settings_end(&batch);
}

static void read_commit(struct pipeline_reading *reading, struct settings *top) {
  struct settings commit;
  struct pipeline_file *file = reading->file;
  settings_begin(&commit, settings_node(top, "commit"), "commit", reading->report);
  settings_duration(&commit, "every", 10, 5 * MINUTE, &file->commit_every_ms);
  settings_count(&commit, "records", 1, 10000000, &file->commit_records);
  settings_count(&commit, "uncommitted", 1, 100000000, &file->commit_uncommitted);
  settings_end(&commit);
}

static void read_dead_letter(struct pipeline_reading *reading, struct settings *top) {
  struct settings dead_letter;
  const struct weir_config *node = settings_node(top, "dead_letter");
  if (!node) return;
  settings_begin(&dead_letter, node, "dead_letter", reading->report);
  if (settings_require(&dead_letter, node, "topic", "the topic that rejected records are written to"))
    kafka_read_topic(reading->report, settings_node(&dead_letter, "topic"), &reading->file->dead_letter);
  settings_end(&dead_letter);
}

static void read_quarantine(struct pipeline_reading *reading, struct settings *top) {
  struct settings quarantine;
  settings_begin(&quarantine, settings_node(top, "quarantine"), "quarantine", reading->report);
  settings_count(&quarantine, "after", 0, 1000, &reading->file->quarantine_after);
  settings_text(&quarantine, "folder", &reading->file->quarantine_folder);
  settings_end(&quarantine);
}

static void read_limits(struct pipeline_reading *reading, struct settings *top) {
  struct pipeline_file *file = reading->file;
  int delivery = file->delivery, order = file->order;
  settings_choice(top, "delivery", deliveries, &delivery);
  settings_choice(top, "order", orders, &order);
  file->delivery = (enum pipeline_delivery)delivery;
  file->order = (enum pipeline_order)order;
  file->lanes_given = settings_count(top, "lanes", 1, LIMIT_LANES, &file->lanes);
  if (!file->lanes_given) file->lanes = machine_cpus() < LIMIT_LANES ? machine_cpus() : LIMIT_LANES;
  settings_duration(top, "drain", 100, HOUR, &file->drain_ms);
  settings_duration(top, "shutdown", 100, HOUR, &file->shutdown_ms);
  settings_size(top, "memory", 64 << 20, (int64_t)1 << 40, &file->memory_bytes);
}

/* All but code, which has its options in `options.x` and may hold ${ for its own reasons. */
static void interpolate_steps(const struct interpolation *interpolation, struct weir_config *list) {
  for (uint32_t i = 0; i < list->count; i++) {
    struct weir_config *step = list->children[i];
    if (step->kind != NODE_MAP) interpolation_apply(interpolation, step);
    for (uint32_t k = 0; step->kind == NODE_MAP && k < step->count; k++)
      if (!yaml_traps_is_code_key(step->children[k]->key)) interpolation_apply(interpolation, step->children[k]);
  }
}

static const char *environment(const char *name) { return getenv(name); }

static void interpolate(struct pipeline_reading *reading, struct weir_config *root) {
  struct interpolation interpolation = {
      .folder = reading->file->directory, .variable = environment, .arena = reading->arena, .report = reading->report};
  for (uint32_t i = 0; i < root->count; i++) {
    struct weir_config *child = root->children[i];
    bool steps = span_is(child->key, "stages") || span_is(child->key, "sinks");
    if (steps && child->kind == NODE_LIST)
      interpolate_steps(&interpolation, child);
    else
      interpolation_apply(&interpolation, child);
  }
}

static void read_top(struct pipeline_reading *reading, const char *instance) {
  struct settings top;
  settings_begin(&top, reading->file->root, "a pipeline file", reading->report);
  if (!top.map) {
    /* Another kind than a map is reported by now; nothing written is not. */
    if (node_is_null(reading->file->root)) report_add(reading->report, reading->file->root, "the file is empty");
    return;
  }
  read_pipeline_name(reading, &top);
  read_kafka(reading, &top);
  read_source(reading, &top, instance);
  read_limits(reading, &top);
  read_batch(reading, &top);
  read_commit(reading, &top);
  read_dead_letter(reading, &top);
  read_quarantine(reading, &top);
  pipeline_steps_read(reading, &top);
  settings_end(&top);
  pipeline_labels_give(reading);
  pipeline_checks_make(reading);
}

/* The path and folder of the file, in the arena. */
static bool place_file(struct pipeline_reading *reading, const char *path) {
  struct error err;
  char *folder = file_folder(path, &err);
  if (!folder) return report_add_at(reading->report, path, 0, 0, "%s", err.text);
  reading->file->path = arena_copy(reading->arena, path, strlen(path));
  reading->file->directory = arena_copy(reading->arena, folder, strlen(folder));
  free(folder);
  if (reading->file->path && reading->file->directory) return true;
  return report_add_at(reading->report, path, 0, 0, "no memory to read the file");
}

static void read_file(struct pipeline_reading *reading, const char *path, const char *instance) {
  struct weir_config *root = yaml_read_file(path, reading->arena, reading->report);
  if (!root || !place_file(reading, path)) return;
  reading->file->root = root;
  interpolate(reading, root);
  read_top(reading, instance);
}

struct pipeline_file *pipeline_file_open(
    const char *path, const struct pipeline_overrides *overrides, struct report *report) {
  must(path && report);
  struct pipeline_memory *memory = calloc(1, sizeof *memory);
  if (!memory) {
    report_add_at(report, path, 0, 0, "no memory to read the file");
    return NULL;
  }
  size_t bytes_max = overrides && overrides->tree_bytes_max ? overrides->tree_bytes_max : LIMIT_TREE_BYTES,
         before = report->count;
  arena_init(&memory->arena, bytes_max);
  memory->file = defaults;
  memory->file.memory = memory;
  struct pipeline_reading reading = {&memory->file, &memory->arena, report};
  read_file(&reading, path, overrides ? overrides->instance : NULL);
  if (report->count == before) return &memory->file;
  if (overrides && overrides->judge) pipeline_steps_judge(&reading, overrides);
  pipeline_file_close(&memory->file);
  return NULL;
}

void pipeline_file_close(struct pipeline_file *file) {
  if (!file) return;
  struct pipeline_memory *memory = file->memory;
  must(&memory->file == file);
  arena_fini(&memory->arena);
  free(memory);
}

char *pipeline_file_path(const struct pipeline_file *file, const char *path) {
  return file_join(file->directory, path);
}
