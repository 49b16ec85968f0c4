/* command_run.c: `weir run FILE`. */
#include "arguments.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/error.h"
#include "base/log.h"
#include "base/span.h"
#include "base/text.h"
#include "command.h"
#include "command_pipeline.h"
#include "config/pipeline_file.h"
#include "host/prepared.h"
#include "host/signals.h"
#include "host/worker.h"
#include <stdio.h>
#include <string.h>

struct run_options {
  const char *instance, *until, *log_level;
  int64_t lanes;
  struct argument_texts plugin_path;
  bool json, log_json;
};

static int fail_word(
    const struct arguments *wanted, const char *option, const char *found, const char *const *words, size_t count) {
  const char *near = text_nearest(span_of(found), words, count);
  return arguments_fail(wanted, "--%s: found '%s', expected %s%s%s%s", option, found,
      count == 1 ? words[0] : "debug, info, warn or error", near ? "; did you mean " : "", near ? near : "",
      near ? "?" : "");
}

/* 0, or the exit code of a usage error. */
static int check_words(const struct arguments *wanted, const struct run_options *options, weir_level *level) {
  static const char *const levels[] = {"debug", "info", "warn", "error"}, *const ends[] = {"end"};
  if (options->until && strcmp(options->until, "end") != 0) return fail_word(wanted, "until", options->until, ends, 1);
  *level = WEIR_INFO;
  if (!options->log_level) return 0;
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    if (strcmp(options->log_level, levels[i]) == 0) {
      *level = (weir_level)i;
      return 0;
    }
  return fail_word(wanted, "log-level", options->log_level, levels, sizeof levels / sizeof *levels);
}

static int run(const struct command_pipeline *pipeline, const struct run_options *options) {
  const struct worker worker = {.version = WEIR_VERSION,
      .file = pipeline->file,
      .share = &pipeline->share,
      .prepared = pipeline->prepared,
      .clock = clock_real(),
      .until_end = options->until != NULL,
      .json = options->json};
  return worker_run(&worker);
}

static int open_and_run(const char *file, const struct run_options *options) {
  struct command_pipeline pipeline;
  const struct command_pipeline_wish wish = {.file = file,
      .instance = options->instance,
      .lanes = options->lanes,
      .plugin_folders = &options->plugin_path,
      .measure = true};
  int code = EXIT_CONFIGURATION;
  if (command_pipeline_open(&pipeline, &wish))
    code = run(&pipeline, options);
  else
    report_print(&pipeline.report, stderr);
  command_pipeline_close(&pipeline);
  return code;
}

int command_run(int argc, char **argv) {
  struct run_options options = {0};
  const struct argument table[] = {
      {"instance", ARGUMENT_TEXT, &options.instance, "NAME", "static member of the group; must differ per worker"},
      {"until", ARGUMENT_TEXT, &options.until, "end", "stop when all that is there now is done"},
      {"lanes", ARGUMENT_COUNT, &options.lanes, "N", "processing threads; default: what the machine grants"},
      {"plugin-path", ARGUMENT_TEXTS, &options.plugin_path, "DIR", "a folder with plugins; may be given several times"},
      {"json", ARGUMENT_FLAG, &options.json, NULL, "write the summary to stdout as JSON"},
      {"log-level", ARGUMENT_TEXT, &options.log_level, "LEVEL", "debug, info, warn or error; default: info"},
      {"log-json", ARGUMENT_FLAG, &options.log_json, NULL, "log lines as JSON objects"},
  };
  static const char *const operands[] = {"FILE"};
  const struct arguments wanted = {.usage = "weir run FILE [options]",
      .summary = "Runs a pipeline: joins its consumer group and works until a signal, or until the end.",
      .examples = "  weir run pipelines/quakes.yaml\n  weir run quakes.yaml --until end --json > summary.json\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operands,
      .operands_min = 1,
      .operands_max = 1};
  const char *file;
  switch (arguments_read(&wanted, argc, argv, &file)) {
  case ARGUMENTS_READ: break;
  case ARGUMENTS_HELP: return EXIT_CLEAN;
  case ARGUMENTS_WRONG: return EXIT_CONFIGURATION;
  }
  weir_level level;
  int wrong = check_words(&wanted, &options, &level);
  if (wrong) return wrong;
  log_init(level, options.log_json);
  signals_block();
  crash_install();
  return open_and_run(file, &options);
}
