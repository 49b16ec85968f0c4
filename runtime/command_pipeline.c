/* command_pipeline.c: see command_pipeline.h. Every step that can go on after an error does, so that one report has them all. */
#include "command_pipeline.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "config/node.h"
#include "config/pipeline_file.h"
#include "host/prepared.h"
#include "kafka/properties.h"
#include "plugin/library.h"

static bool divide(struct command_pipeline *pipeline, int64_t lanes) {
  const struct pipeline_file *file = pipeline->file;
  const struct memory_wish wish = {.memory_bytes = file->memory_bytes,
      .batch_bytes = file->batch_bytes,
      .batch_records = file->batch_records,
      .lanes = lanes ? (uint32_t)lanes : file->lanes,
      .lanes_given = lanes || file->lanes_given};
  struct error err;
  if (memory_divide(&wish, &pipeline->share, &err)) return true;
  const struct weir_config *node = node_find(file->root, "memory");
  return report_add(&pipeline->report, node ? node : file->root, "%s", err.text);
}

static bool load(struct command_pipeline *pipeline, const struct command_pipeline_wish *wish) {
  pipeline->metrics = wish->measure ? metrics_create() : NULL;
  if (wish->measure && !pipeline->metrics)
    return report_add(&pipeline->report, NULL, "the machine has no memory for the plugins");
  pipeline->prepared = prepared_open(
      pipeline->file, pipeline->path, &pipeline->share, clock_real(), pipeline->metrics, &pipeline->report);
  return pipeline->prepared != NULL;
}

/* Without the rest of a step: its options are not asked about while the file is wrong. */
static void judge(
    void *ctx, const struct pipeline_file *file, const struct pipeline_step *step, bool sink, struct report *report) {
  const struct weir_config *name = node_find(step->node, "plugin");
  struct error err = {0};
  if (!plugin_open(ctx, file->directory, step->plugin, sink ? WEIR_SINK : WEIR_TRANSFORM, &err))
    report_add(report, name ? name : step->node, "%s", err.text);
}

static bool open_path(struct command_pipeline *pipeline, const struct command_pipeline_wish *wish) {
  pipeline->path = plugin_path_create(wish->plugin_folders->texts, wish->plugin_folders->count);
  return pipeline->path || report_add(&pipeline->report, NULL, "the machine has no memory for the plugins");
}

bool command_pipeline_open(struct command_pipeline *pipeline, const struct command_pipeline_wish *wish) {
  *pipeline = (struct command_pipeline){0};
  report_init(&pipeline->report);
  if (wish->lanes > LIMIT_LANES)
    return report_add(
        &pipeline->report, NULL, "--lanes: %lld is too many, at most %d", (long long)wish->lanes, LIMIT_LANES);
  if (!open_path(pipeline, wish)) return false;
  const struct pipeline_overrides overrides = {.instance = wish->instance, .judge = judge, .judge_ctx = pipeline->path};
  pipeline->file = pipeline_file_open(wish->file, &overrides, &pipeline->report);
  if (!pipeline->file) return false;
  bool divided = divide(pipeline, wish->lanes);
  if (!divided) pipeline->share.lanes = 1; /* plugins are asked all the same */
  bool checked = properties_check(pipeline->file, &pipeline->report);
  return load(pipeline, wish) && divided && checked;
}

void command_pipeline_close(struct command_pipeline *pipeline) {
  prepared_close(pipeline->prepared);
  metrics_destroy(pipeline->metrics);
  plugin_path_destroy(pipeline->path);
  pipeline_file_close(pipeline->file);
  report_fini(&pipeline->report);
}
