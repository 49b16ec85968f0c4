/* pipeline_print.c: the pipeline as it was understood. It reads back as the same pipeline, but for the secrets. */
#include "base/check.h"
#include "base/span.h"
#include "config/node.h"
#include "config/node_print.h"
#include "config/pipeline_file.h"
#include "config/settings.h"

/* Who prints, and where. */
struct printing {
  const struct pipeline_file *file;
  FILE *out;
  pipeline_options *options;
  void *ctx;
};

/* A value that came from a file stays hidden, also where it is no secret by its name. */
static bool is_masked(const struct weir_config *node) {
  bool masked = node && node->masked;
  for (uint32_t i = 0; node && i < node->count; i++) masked |= is_masked(node->children[i]);
  return masked;
}

static void print_text(const struct printing *printing, int indent, const char *key, const char *text) {
  node_print_text(printing->out, indent, key, text, false);
}

/* What stands in `map` under the same key. */
static void print_from(
    const struct printing *printing, int indent, const struct weir_config *map, const char *key, const char *text) {
  node_print_text(printing->out, indent, key, text, is_masked(node_find(map, key)));
}

static void print_duration(const struct printing *printing, int indent, const char *key, int64_t ms) {
  char text[SETTINGS_TEXT_MAX];
  print_text(printing, indent, key, settings_of_duration(text, ms));
}

static void print_size(const struct printing *printing, int indent, const char *key, int64_t bytes) {
  char text[SETTINGS_TEXT_MAX];
  print_text(printing, indent, key, settings_of_size(text, bytes));
}

static void print_count(const struct printing *printing, int indent, const char *key, uint32_t count) {
  fprintf(printing->out, "%*s%s: %u\n", indent, "", key, count);
}

static void print_list(const struct printing *printing, int indent, const struct weir_config *map, const char *key,
    const char *const *texts, size_t count) {
  const struct weir_config *list = node_find(map, key);
  fprintf(printing->out, "%*s%s:%s\n", indent, "", key, count ? "" : " []");
  for (size_t i = 0; i < count; i++) {
    fprintf(printing->out, "%*s- ", indent + 2, "");
    node_print_scalar(printing->out, span_of(is_masked(node_at(list, (uint32_t)i, NULL)) ? "***" : texts[i]));
    fputc('\n', printing->out);
  }
}

static void print_kafka_settings(
    const struct printing *printing, int indent, const struct weir_config *map, const struct kafka_settings *kafka) {
  if (kafka->brokers) print_from(printing, indent, map, "brokers", kafka->brokers);
  fprintf(printing->out, "%*sproperties:%s\n", indent, "", kafka->property_count ? "" : " {}");
  for (size_t i = 0; i < kafka->property_count; i++) {
    const struct kafka_property *property = &kafka->properties[i];
    node_print_text(printing->out, indent + 2, property->name, property->value, property->masked);
  }
}

static void print_source(const struct printing *printing) {
  const struct pipeline_file *file = printing->file;
  const struct weir_config *map = node_find(file->root, "source");
  fputs("source:\n", printing->out);
  print_list(printing, 2, map, "topics", file->topics, file->topic_count);
  print_from(printing, 2, map, "group", file->group);
  print_text(printing, 2, "start", pipeline_start_name(file->start));
  if (file->instance) print_from(printing, 2, map, "instance", file->instance);
}

static void print_limits(const struct printing *printing) {
  const struct pipeline_file *file = printing->file;
  print_text(printing, 0, "delivery", pipeline_delivery_name(file->delivery));
  print_text(printing, 0, "order", pipeline_order_name(file->order));
  print_count(printing, 0, "lanes", file->lanes);
  fputs("batch:\n", printing->out);
  print_count(printing, 2, "records", file->batch_records);
  print_size(printing, 2, "bytes", file->batch_bytes);
  print_duration(printing, 2, "wait", file->batch_wait_ms);
  fputs("commit:\n", printing->out);
  print_duration(printing, 2, "every", file->commit_every_ms);
  print_count(printing, 2, "records", file->commit_records);
  print_count(printing, 2, "uncommitted", file->commit_uncommitted);
  print_duration(printing, 0, "drain", file->drain_ms);
  print_duration(printing, 0, "shutdown", file->shutdown_ms);
  print_size(printing, 0, "memory", file->memory_bytes);
}

static void print_kafka_sink(const struct printing *printing, const struct kafka_sink_options *sink) {
  fputs("    options:\n", printing->out);
  print_from(printing, 6, sink->node, "topic", sink->topic);
  print_text(printing, 6, "partition", sink->keep_partition ? "source" : "key");
  if (!sink->keep_partition) print_text(printing, 6, "partitioner", sink->partitioner);
  if (sink->route_count) print_list(printing, 6, sink->node, "routes", sink->routes, sink->route_count);
  print_kafka_settings(printing, 6, sink->node, &sink->kafka);
}

/* What stands beside the code; returns the user's own options. */
static const struct weir_config *print_lua_settings(
    const struct printing *printing, const struct weir_config *options) {
  static const char *const keys[] = {"validate", "memory"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    const struct weir_config *node = node_find(options, keys[i]);
    if (!node) continue;
    fprintf(printing->out, "    %s:", keys[i]);
    node_print(printing->out, node, 6);
  }
  return node_find(options, "options");
}

/* The key of the form with its value, and the options as the user writes them. */
static void print_form(const struct printing *printing, const struct pipeline_step *step) {
  static const char *const code_keys[] = {[FORM_KEEP] = "keep", [FORM_EACH] = "each"};
  const struct weir_config *options = printing->options ? printing->options(printing->ctx, step) : step->options;
  const struct weir_config *script = node_find(step->options, "script"), *code = NULL;
  switch (step->form) {
  case FORM_PLUGIN: print_from(printing, 4, step->node, "plugin", step->plugin); break;
  case FORM_LUA:
    must(script != NULL);
    print_from(printing, 4, step->node, "lua", node_text(script));
    break;
  case FORM_KEEP:
  case FORM_EACH:
    code = node_find(step->options, code_keys[step->form]);
    must(code != NULL);
    node_print_code(printing->out, 4, code_keys[step->form], code->text);
    break;
  }
  if (step->form != FORM_PLUGIN) options = print_lua_settings(printing, options);
  if (step->kafka)
    print_kafka_sink(printing, step->kafka);
  else if (options && options->count) {
    fputs("    options:", printing->out);
    node_print(printing->out, options, 6);
  }
}

static void print_step(const struct printing *printing, const struct pipeline_step *step) {
  const struct weir_config *when = node_find(step->when, "when");
  char from[SETTINGS_TEXT_MAX], to[SETTINGS_TEXT_MAX];
  fputs("  - name: ", printing->out);
  node_print_scalar(printing->out, span_of(step->label));
  fputc('\n', printing->out);
  if (when) node_print_code(printing->out, 4, "when", when->text);
  print_form(printing, step);
  fprintf(printing->out, "    retry: {attempts: %u, backoff: %s..%s}\n", step->attempts,
      settings_of_duration(from, step->backoff_ms), settings_of_duration(to, step->backoff_max_ms));
  print_text(printing, 4, "on_failure", pipeline_on_failure_name(step->on_failure));
  print_duration(printing, 4, "deadline", step->deadline_ms);
}

static void print_steps(
    const struct printing *printing, const char *key, const struct pipeline_step *steps, uint32_t count) {
  fprintf(printing->out, "%s:%s\n", key, count ? "" : " []");
  for (uint32_t i = 0; i < count; i++) print_step(printing, &steps[i]);
}

void pipeline_file_print(const struct pipeline_file *file, FILE *out, pipeline_options *options, void *ctx) {
  const struct printing printing = {file, out, options, ctx};
  print_from(&printing, 0, file->root, "pipeline", file->pipeline);
  fputs("kafka:\n", out);
  print_kafka_settings(&printing, 2, node_find(file->root, "kafka"), &file->kafka);
  print_source(&printing);
  print_limits(&printing);
  print_steps(&printing, "stages", file->stages, file->stage_count);
  print_steps(&printing, "sinks", file->sinks, file->sink_count);
  if (file->dead_letter) {
    fputs("dead_letter:\n", out);
    print_from(&printing, 2, node_find(file->root, "dead_letter"), "topic", file->dead_letter);
  }
  fputs("quarantine:\n", out);
  print_count(&printing, 2, "after", file->quarantine_after);
  if (file->quarantine_folder)
    print_from(&printing, 2, node_find(file->root, "quarantine"), "folder", file->quarantine_folder);
}
