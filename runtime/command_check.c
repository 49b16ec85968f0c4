/* command_check.c: `weir check FILE`: everything that can be wrong without asking Kafka, then what the pipeline is and promises.
 * Nothing is connected to; plugins are loaded and run their prepare(). */
#include "arguments.h"
#include "base/error.h"
#include "base/limits.h"
#include "command.h"
#include "command_pipeline.h"
#include "config/pipeline_file.h"
#include "host/guarantee.h"
#include "host/prepared.h"
#include "host/screen.h"
#include "plugin/setup.h"
#include <stdio.h>

static const struct weir_config *options_of(void *ctx, const struct pipeline_step *step) {
  const struct setup *setup = prepared_setup(ctx, step, false);
  return setup ? setup_options(setup) : step->options;
}

static void print(const struct command_pipeline *pipeline) {
  pipeline_file_print(pipeline->file, stdout, options_of, pipeline->prepared);
  printf("\n# %s is fine. What it promises:\n", pipeline->file->path);
  guarantee_print(pipeline->file, &pipeline->share, true, stdout);
  guarantee_print_memory(&pipeline->share, true, stdout);
  uint32_t scripts;
  int64_t granted = prepared_granted(pipeline->prepared, &scripts);
  guarantee_print_scripts(&pipeline->share, granted, scripts, stdout);
  screen_print_versions(WEIR_VERSION, pipeline->file, pipeline->prepared, stdout);
}

/* --- for machines --- */

static void print_string(const char *text) {
  putchar('"');
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if (*at == '"' || *at == '\\')
      printf("\\%c", *at);
    else if (*at < 0x20)
      printf("\\u%04x", *at);
    else
      putchar(*at);
  }
  putchar('"');
}

static void print_json_errors(const struct report *report) {
  printf(",\"errors\":[");
  for (size_t i = 0; i < report->kept; i++) {
    const struct report_line *line = &report->lines[i];
    printf("%s{\"line\":%u,\"column\":%u,\"text\":", i ? "," : "", line->line, line->column);
    print_string(line->text ? line->text : "no memory for the sentence");
    putchar('}');
  }
  printf("],\"error_count\":%zu", report->count);
}

static void print_json_promise(const struct command_pipeline *pipeline) {
  const struct pipeline_file *file = pipeline->file;
  printf(",\"pipeline\":");
  print_string(file->pipeline);
  printf(",\"group\":");
  print_string(file->group);
  printf(",\"delivery\":\"%s\",\"order\":\"%s\"", pipeline_delivery_name(file->delivery),
      pipeline_order_name(file->order));
  printf(",\"repeated_at_most\":%u", file->delivery == AT_MOST_ONCE ? 0 : file->commit_uncommitted);
  printf(",\"lanes\":%u,\"memory_bytes\":%lld,\"memory_sum_bytes\":%lld", pipeline->share.lanes,
      (long long)pipeline->share.memory, (long long)memory_sum(&pipeline->share, LIMIT_EXPECTED_PARTITIONS));
  uint32_t scripts;
  printf(",\"script_bytes\":%lld", (long long)prepared_granted(pipeline->prepared, &scripts) * pipeline->share.lanes);
}

static void print_json(const struct command_pipeline *pipeline, const char *path, bool fine) {
  printf("{\"file\":");
  print_string(path);
  printf(",\"fine\":%s", fine ? "true" : "false");
  print_json_errors(&pipeline->report);
  if (fine) print_json_promise(pipeline);
  printf("}\n");
}

static int check(const char *path, const struct argument_texts *plugin_path, bool json) {
  struct command_pipeline pipeline;
  const struct command_pipeline_wish wish = {.file = path, .plugin_folders = plugin_path};
  bool fine = command_pipeline_open(&pipeline, &wish);
  if (json)
    print_json(&pipeline, path, fine);
  else if (fine)
    print(&pipeline);
  else
    report_print(&pipeline.report, stderr);
  command_pipeline_close(&pipeline);
  return fine ? EXIT_CLEAN : EXIT_CONFIGURATION;
}

int command_check(int argc, char **argv) {
  struct argument_texts plugin_path = {.count = 0};
  bool json = false;
  const struct argument table[] = {
      {"plugin-path", ARGUMENT_TEXTS, &plugin_path, "DIR", "a folder with plugins; may be given several times"},
      {"json", ARGUMENT_FLAG, &json, NULL, "one JSON object: fine, errors with their places, the promise"},
  };
  static const char *const operands[] = {"FILE"};
  const struct arguments wanted = {.usage = "weir check FILE [options]",
      .summary = "Checks a pipeline without asking Kafka, prints it with every default, and what it guarantees.",
      .examples = "  weir check pipelines/quakes.yaml\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operands,
      .operands_min = 1,
      .operands_max = 1};
  const char *file;
  switch (arguments_read(&wanted, argc, argv, &file)) {
  case ARGUMENTS_READ: return check(file, &plugin_path, json);
  case ARGUMENTS_HELP: return EXIT_CLEAN;
  case ARGUMENTS_WRONG: break;
  }
  return EXIT_CONFIGURATION;
}
