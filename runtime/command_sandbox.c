/* command_sandbox.c: `weir sandbox FILE`: a pipeline tried on files, with a broker in memory and workers as real as any. The options are
 * read here, and what they mean together with the pipeline file; the play is in sandbox/. */
#include "arguments.h"
#include "base/check.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/span.h"
#include "base/text.h"
#include "command.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include "sandbox/play.h"
#include "sandbox/reader.h"
#include "sandbox/supply.h"
#include "sandbox/table.h"
#include "sandbox/workers.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sandbox_options {
  const char *file;
  struct argument_texts feeds, prints, expects, plugin_path;
  int64_t workers, partitions, rate, repeat, kill_after_ms, for_ms, lanes;
  bool verbose;
};

/* What lives as long as the command. */
struct sandbox {
  const struct sandbox_options *options;
  const struct arguments *wanted;
  struct pipeline_file *file;
  struct supply *supplies[ARGUMENT_TEXTS_MAX];
  size_t supply_count;
  char *names[2 * ARGUMENT_TEXTS_MAX]; /* topics out of --print and --expect */
  size_t name_count;
  struct play_settings settings;
  struct reader *reader;
  struct play *play;
  const char *worker_arguments[2 * ARGUMENT_TEXTS_MAX + 4];
  char lanes[TEXT_MAX];
};

/* Stands for the broker while the pipeline file is read: where it comes out again, the file takes its brokers from WEIR_BROKERS. */
static char placeholder[] = "WEIR_BROKERS=broker-of-the-sandbox:9092";

/* --- the pipeline file --- */

static bool reads_variable(const char *brokers) { return strcmp(brokers, strchr(placeholder, '=') + 1) == 0; }

/* Nothing that is played may reach a real cluster. */
static bool check_brokers(const struct pipeline_file *file) {
  if (!reads_variable(file->kafka.brokers)) {
    fprintf(stderr,
        "weir: %s has its brokers fixed (%s), and the sandbox runs it with a broker of its own: write `brokers: "
        "${env:WEIR_BROKERS:-%s}`\n",
        file->path, file->kafka.brokers, file->kafka.brokers);
    return false;
  }
  for (uint32_t i = 0; i < file->sink_count; i++) {
    const struct kafka_sink_options *kafka = file->sinks[i].kafka;
    if (!kafka || !kafka->kafka.brokers || reads_variable(kafka->kafka.brokers)) continue;
    fprintf(stderr,
        "weir: the sink %s of %s has brokers of its own (%s), which the sandbox will not write to: take them from "
        "${env:WEIR_BROKERS:-...} too\n",
        file->sinks[i].label, file->path, kafka->kafka.brokers);
    return false;
  }
  return true;
}

static bool open_file(struct sandbox *sandbox) {
  struct report report;
  report_init(&report);
  char **before = environ;
  const char **variables = workers_environment(placeholder);
  environ = (char **)(uintptr_t)variables;
  sandbox->file = pipeline_file_open(sandbox->options->file, NULL, &report);
  environ = before;
  free(variables);
  if (!sandbox->file) report_print(&report, stderr);
  report_fini(&report);
  return sandbox->file && check_brokers(sandbox->file);
}

/* --- topics --- */

static bool add_topic(struct sandbox *sandbox, const char *name) {
  struct play_settings *settings = &sandbox->settings;
  for (size_t i = 0; i < settings->topic_count; i++)
    if (strcmp(settings->topics[i], name) == 0) return true;
  if (settings->topic_count == PLAY_TOPICS_MAX) {
    arguments_fail(sandbox->wanted, "more than %d topics", PLAY_TOPICS_MAX);
    return false;
  }
  settings->topics[settings->topic_count++] = name;
  return true;
}

static bool is_read(const struct pipeline_file *file, const char *topic) {
  for (size_t i = 0; i < file->topic_count; i++)
    if (kafka_pattern_matches(file->topics[i], topic)) return true;
  return false;
}

/* The topics that the pipeline reads: those that are fed, and the others that it names. */
static bool add_sources(struct sandbox *sandbox) {
  const struct pipeline_file *file = sandbox->file;
  for (size_t i = 0; i < sandbox->supply_count; i++) {
    const char *topic = supply_topic(sandbox->supplies[i]);
    if (is_read(file, topic)) {
      if (!add_topic(sandbox, topic)) return false;
      continue;
    }
    const char *near = text_nearest(span_of(topic), file->topics, file->topic_count);
    arguments_fail(sandbox->wanted, "--feed %s: %s does not read this topic; it reads %s%s", topic, file->path,
        near ? near : file->topics[0], !near && file->topic_count > 1 ? " and others" : "");
    return false;
  }
  for (size_t i = 0; i < file->topic_count; i++)
    if (file->topics[i][0] != '^' && !add_topic(sandbox, file->topics[i])) return false;
  sandbox->settings.source_count = sandbox->settings.topic_count;
  return true;
}

static bool add_sinks(struct sandbox *sandbox) {
  const struct pipeline_file *file = sandbox->file;
  for (uint32_t i = 0; i < file->sink_count; i++)
    if (file->sinks[i].kafka && !add_topic(sandbox, file->sinks[i].kafka->topic)) return false;
  return !file->dead_letter || add_topic(sandbox, file->dead_letter);
}

/* --- what is read back --- */

static void print_record(void *ctx, const struct reader_record *record) {
  struct sandbox *sandbox = ctx;
  panel_clear(&sandbox->play->panel);
  table_print_record(record);
  fflush(stdout);
}

/* The part before `mark`, kept until the end; the rest in *rest, NULL: there is no mark. NULL: it can be no topic. */
static const char *take_name(struct sandbox *sandbox, const char *text, char mark, const char **rest) {
  const char *end = strchr(text, mark);
  char *name = strndup(text, end ? (size_t)(end - text) : strlen(text));
  must(name && sandbox->name_count < sizeof sandbox->names / sizeof *sandbox->names);
  sandbox->names[sandbox->name_count++] = name;
  *rest = end ? end + 1 : NULL;
  return kafka_topic_flaw(name) ? NULL : name;
}

static struct reader_topic *watch(struct sandbox *sandbox, const char *name) {
  struct reader_topic *topic = add_topic(sandbox, name) ? reader_topic(sandbox->reader, name) : NULL;
  if (!topic) arguments_fail(sandbox->wanted, "more than %d topics to read", READER_TOPICS_MAX);
  return topic;
}

/* --print TOPIC[:N] */
static bool add_print(struct sandbox *sandbox, const char *text) {
  const char *rest, *name = take_name(sandbox, text, ':', &rest);
  int64_t last = 0;
  if (!name || (rest && (!text_int(span_of(rest), &last) || last < 1 || last > READER_LAST_MAX))) {
    arguments_fail(
        sandbox->wanted, "--print %s: expected TOPIC, or TOPIC:N for the last N, at most %d", text, READER_LAST_MAX);
    return false;
  }
  struct reader_topic *topic = watch(sandbox, name);
  if (!topic) return false;
  if (rest)
    topic->last = (size_t)last;
  else
    topic->print = true;
  return true;
}

/* --expect TOPIC=FILE */
static bool add_expect(struct sandbox *sandbox, const char *text) {
  struct error err;
  const char *rest, *name = take_name(sandbox, text, '=', &rest);
  if (!name || !rest) {
    arguments_fail(sandbox->wanted, "--expect %s: expected TOPIC=FILE, the file with one key a line", text);
    return false;
  }
  struct reader_topic *topic = watch(sandbox, name);
  if (!topic) return false;
  if (reader_expect(topic, rest, &err)) return true;
  arguments_fail(sandbox->wanted, "%s", err.text);
  return false;
}

static bool add_readers(struct sandbox *sandbox) {
  const struct sandbox_options *options = sandbox->options;
  const struct reader_settings settings = {
      .partitions = (int32_t)options->partitions, .print = print_record, .ctx = sandbox};
  sandbox->reader = reader_create(&settings);
  for (size_t i = 0; i < options->prints.count; i++)
    if (!add_print(sandbox, options->prints.texts[i])) return false;
  for (size_t i = 0; i < options->expects.count; i++)
    if (!add_expect(sandbox, options->expects.texts[i])) return false;
  if (!sandbox->file->dead_letter) return true;
  struct reader_topic *dead = watch(sandbox, sandbox->file->dead_letter);
  if (dead) dead->dead_letters = true;
  return dead != NULL;
}

/* --- the rest --- */

static bool open_supplies(struct sandbox *sandbox) {
  const struct argument_texts *feeds = &sandbox->options->feeds;
  struct error err;
  for (size_t i = 0; i < feeds->count; i++) {
    struct supply *supply = supply_open(feeds->texts[i], &err);
    if (supply) sandbox->supplies[sandbox->supply_count++] = supply;
    if (!supply || !supply_fits(supply, (int32_t)sandbox->options->partitions, &err)) {
      arguments_fail(sandbox->wanted, "%s", err.text);
      return false;
    }
    const char *doubt = supply_doubt(supply);
    if (doubt) fprintf(stderr, "weir: --feed %s: %s\n", feeds->texts[i], doubt);
  }
  if (feeds->count) return true;
  arguments_fail(sandbox->wanted, "--feed is missing: what is the pipeline to be fed with?");
  return false;
}

static bool in_range(const struct arguments *wanted, const char *name, int64_t value, int64_t most) {
  if (value >= 1 && value <= most) return true;
  arguments_fail(wanted, "--%s: found %lld, expected 1 to %lld", name, (long long)value, (long long)most);
  return false;
}

static bool check_options(const struct sandbox *sandbox) {
  const struct sandbox_options *options = sandbox->options;
  return in_range(sandbox->wanted, "workers", options->workers, WORKERS_MAX) &&
         in_range(sandbox->wanted, "partitions", options->partitions, LIMIT_SANDBOX_PARTITIONS) &&
         in_range(sandbox->wanted, "repeat", options->repeat, 1000000);
}

static void fill_worker_arguments(struct sandbox *sandbox) {
  const struct sandbox_options *options = sandbox->options;
  size_t used = 0;
  for (size_t i = 0; i < options->plugin_path.count; i++) {
    sandbox->worker_arguments[used++] = "--plugin-path";
    sandbox->worker_arguments[used++] = options->plugin_path.texts[i];
  }
  if (!options->lanes) return;
  snprintf(sandbox->lanes, sizeof sandbox->lanes, "%lld", (long long)options->lanes);
  sandbox->worker_arguments[used++] = "--lanes";
  sandbox->worker_arguments[used++] = sandbox->lanes;
}

static void fill_settings(struct sandbox *sandbox) {
  const struct sandbox_options *options = sandbox->options;
  struct play_settings *settings = &sandbox->settings;
  settings->file = options->file;
  settings->pipeline = sandbox->file->pipeline;
  settings->group = sandbox->file->group;
  settings->dead_letter = sandbox->file->dead_letter;
  settings->partitions = (int32_t)options->partitions;
  settings->workers = (int)options->workers;
  settings->rate = options->rate;
  settings->repeat = options->repeat;
  settings->kill_after_ms = options->kill_after_ms;
  settings->for_ms = options->for_ms;
  settings->supplies = sandbox->supplies;
  settings->supply_count = sandbox->supply_count;
  settings->worker_arguments = sandbox->worker_arguments;
  settings->verbose = options->verbose;
}

/* A dead member is noticed after the session timeout, and the broker in memory then waits as long again. */
static void warn_of_timeout(const struct sandbox *sandbox) {
  enum { SLOW_MS = 10000 };
  int64_t ms = 45000;
  const char *value = kafka_property_value(&sandbox->file->kafka, "session.timeout.ms");
  if (value) text_int(span_of(value), &ms);
  if (sandbox->options->kill_after_ms && ms > SLOW_MS)
    fprintf(stderr,
        "weir: the group notices a killed worker after session.timeout.ms, %lld s here: to see it sooner write "
        "`properties: {session.timeout.ms: 6000}` under `kafka`\n",
        (long long)ms / 1000);
}

static void on_signal(int number) {
  (void)number;
  play_interrupt();
}

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
}

static int play(struct sandbox *sandbox) {
  struct error err;
  bool fine = false;
  sandbox->play = calloc(1, sizeof *sandbox->play);
  must(sandbox->play);
  catch_signals();
  if (play_open(sandbox->play, &sandbox->settings, sandbox->reader, &err)) {
    play_run(sandbox->play);
    panel_clear(&sandbox->play->panel);
    fine = table_print(sandbox->play);
  } else {
    fprintf(stderr, "weir: %s\n", err.text);
  }
  play_close(sandbox->play);
  return fine ? EXIT_CLEAN : EXIT_RUN_FAILED;
}

static int run(const struct arguments *wanted, const struct sandbox_options *options) {
  struct sandbox *sandbox = calloc(1, sizeof *sandbox);
  must(sandbox);
  sandbox->options = options;
  sandbox->wanted = wanted;
  int code = EXIT_CONFIGURATION;
  if (check_options(sandbox) && open_supplies(sandbox) && open_file(sandbox) && add_sources(sandbox) &&
      add_sinks(sandbox) && add_readers(sandbox)) {
    fill_settings(sandbox);
    fill_worker_arguments(sandbox);
    warn_of_timeout(sandbox);
    code = play(sandbox);
  }
  reader_destroy(sandbox->reader);
  pipeline_file_close(sandbox->file);
  for (size_t i = 0; i < sandbox->supply_count; i++) supply_close(sandbox->supplies[i]);
  for (size_t i = 0; i < sandbox->name_count; i++) free(sandbox->names[i]);
  free(sandbox->play);
  free(sandbox);
  return code;
}

int command_sandbox(int argc, char **argv) {
  struct sandbox_options options = {.workers = 1, .partitions = 4, .repeat = 1};
  const struct argument table[] = {
      {"feed", ARGUMENT_TEXTS, &options.feeds, "TOPIC=FILE",
          "each line is a value; with FILE:jsonl an object with key,"
          " value, headers, timestamp"},
      {"print", ARGUMENT_TEXTS, &options.prints, "TOPIC[:N]",
          "show what is written there; with N the last N at the end"},
      {"expect", ARGUMENT_TEXTS, &options.expects, "TOPIC=FILE", "keys that must come there, one a line"},
      {"workers", ARGUMENT_COUNT, &options.workers, "N", "processes in the group; default 1"},
      {"partitions", ARGUMENT_COUNT, &options.partitions, "N", "of each topic; default 4"},
      {"rate", ARGUMENT_COUNT, &options.rate, "N", "feed N records a second; default: as fast as they are taken"},
      {"repeat", ARGUMENT_COUNT, &options.repeat, "N", "feed the files N times"},
      {"kill-after", ARGUMENT_DURATION, &options.kill_after_ms, "TIME", "kill -9 worker 1 then, and start it again"},
      {"for", ARGUMENT_DURATION, &options.for_ms, "TIME", "stop then at the latest"},
      {"lanes", ARGUMENT_COUNT, &options.lanes, "N", "processing threads of each worker"},
      {"plugin-path", ARGUMENT_TEXTS, &options.plugin_path, "DIR", "a folder with plugins; may be given several times"},
      {"verbose", ARGUMENT_FLAG, &options.verbose, NULL, "show all that the workers say"},
  };
  static const char *const operands[] = {"FILE"};
  const struct arguments wanted = {.usage = "weir sandbox FILE --feed TOPIC=FILE [options]",
      .summary =
          "Runs a pipeline on files, with a broker in memory: feeds, prints what comes out, says where every record went.",
      .examples = "  weir sandbox quakes.yaml --feed quakes=week.jsonl --print strong-quakes\n"
                  "  weir sandbox quakes.yaml --feed quakes=week.jsonl --workers 2 --rate 500 --kill-after 2s\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operands,
      .operands_min = 1,
      .operands_max = 1};
  switch (arguments_read(&wanted, argc, argv, &options.file)) {
  case ARGUMENTS_READ: return run(&wanted, &options);
  case ARGUMENTS_HELP: return EXIT_CLEAN;
  case ARGUMENTS_WRONG: break;
  }
  return EXIT_CONFIGURATION;
}
