/* worker.c: a pipeline file without a file, and what the real worker_run() meets in place of terminals and signals. */
#include "worker.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "checks.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include "fiber.h"
#include "host/memory.h"
#include "host/prepared.h"
#include "host/screen.h"
#include "host/signals.h"
#include "host/summary.h"
#include "host/worker.h"
#include "plugin/library.h"
#include "process.h"
#include "world.h"

enum { MEMORY_BYTES = 256 << 20, ATTEMPTS = 4 };

static struct {
  struct pipeline_file file;
  struct pipeline_step stages[1], sinks[2];
  struct kafka_sink_options kafka;
  struct memory_share share;
} pipeline;

static const char *const topics[] = {"in"};
static const struct kafka_property properties[] = {{.name = "max.poll.interval.ms", .value = "30000"}};

static struct pipeline_step step_of(const char *label, const char *plugin, enum pipeline_on_failure on_failure) {
  return (struct pipeline_step){.label = label,
      .plugin = plugin,
      .attempts = ATTEMPTS,
      .backoff_ms = 20,
      .backoff_max_ms = 400,
      .on_failure = on_failure,
      .deadline_ms = 30000};
}

static void choose_steps(void) {
  static const enum pipeline_on_failure policies[] = {ON_FAILURE_DEAD_LETTER, ON_FAILURE_DISCARD, ON_FAILURE_STOP};
  pipeline.stages[0] = step_of("script", "script", policies[rules.policy]);
  pipeline.sinks[0] = step_of("out", "kafka", ON_FAILURE_DEAD_LETTER);
  pipeline.kafka = (struct kafka_sink_options){.topic = "out", .partitioner = "murmur2_random", .keep_partition = true};
  pipeline.sinks[0].kafka = &pipeline.kafka;
  pipeline.sinks[1] = step_of("sink", "sink", ON_FAILURE_DEAD_LETTER);
}

static void choose_file(void) {
  struct random *random = &world.random;
  pipeline.file = (struct pipeline_file){.path = "simulated.yaml",
      .directory = "/",
      .pipeline = "simulated",
      .kafka = {.brokers = "model:9092", .properties = properties, .property_count = 1},
      .topics = topics,
      .topic_count = 1,
      .group = "group",
      .start = rules.from_latest ? START_LATEST : START_EARLIEST,
      .delivery = rules.at_most_once ? AT_MOST_ONCE : AT_LEAST_ONCE,
      .lanes = (uint32_t)random_between(random, 1, 2),
      .lanes_given = true,
      .batch_records = (uint32_t)random_between(random, 2, 20),
      .batch_bytes = 1 << 20,
      .batch_wait_ms = random_chance(random, 200) ? 20 : 0,
      .commit_every_ms = random_between(random, 20, 400),
      .commit_records = (uint32_t)random_between(random, 5, 100),
      .commit_uncommitted = (uint32_t)rules.uncommitted_max,
      .drain_ms = 10000,
      .shutdown_ms = 8000,
      .memory_bytes = MEMORY_BYTES,
      .stages = pipeline.stages,
      .stage_count = 1,
      .sinks = pipeline.sinks,
      .sink_count = rules.has_sink ? 2 : 1,
      .dead_letter = "dead"};
}

void pipeline_choose(void) {
  struct error err;
  rules.uncommitted_max = random_between(&world.random, 15, 80);
  choose_steps();
  choose_file();
  const struct memory_wish wish = {MEMORY_BYTES, 1 << 20, pipeline.file.lanes, pipeline.file.batch_records, true};
  must(memory_divide(&wish, &pipeline.share, &err));
  pipeline.share.batches = (uint32_t)random_between(&world.random, 4, 12);
}

static void *live(void *arg) {
  struct process *process = arg;
  static const char nowhere; /* plugin_open() is replaced: the path is passed on and never looked at */
  struct report *report = calloc(1, sizeof *report);
  report_init(report);
  struct prepared *prepared =
      prepared_open(&pipeline.file, (const struct plugin_path *)&nowhere, &pipeline.share, clock_real(), NULL, report);
  must(prepared);
  const struct worker worker = {"simulated", &pipeline.file, &pipeline.share, prepared, clock_real(), false, false};
  int code = worker_run(&worker);
  world_say("worker %u: ended with %d", process->slot, code);
  process_exit(code);
}

void worker_start(struct process *process) {
  process_start(process, live, process);
  world_say("worker %u: starts, life %u", process->slot, process->life);
}

/* --- in place of the surroundings --- */

struct signals *__wrap_signals_open(void (*interrupt)(void *ctx), void *ctx, struct error *err);
void __wrap_signals_close(struct signals *signals);
void __wrap_screen_print(const struct screen *screen, int timeout_ms, FILE *out);
void __wrap_summary_print(const struct summary *summary, FILE *out);
_Noreturn void __wrap__exit(int code);
_Noreturn void __wrap_check_failed(const char *expression, const char *file, int line, const char *function);
void __wrap_log_line(weir_level level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool __wrap_log_limited(struct log_limit *limit, int64_t every_ms, weir_level level, const char *component,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
void __wrap_log_status(const char *text);
bool __wrap_log_on_terminal(void);
FILE *__wrap_open_memstream(char **text, size_t *size);
FILE *__real_open_memstream(char **text, size_t *size);

struct signals *__wrap_signals_open(void (*interrupt)(void *ctx), void *ctx, struct error *err) {
  (void)err;
  struct process *process = fiber_process();
  process->interrupt_ctx = ctx;
  process->interrupt = interrupt;
  if (process->asked_us) process_interrupt(process);
  return (struct signals *)process;
}

void __wrap_signals_close(struct signals *signals) { ((struct process *)signals)->interrupt = NULL; }

void __wrap_screen_print(const struct screen *screen, int timeout_ms, FILE *out) {
  (void)screen, (void)timeout_ms, (void)out;
}

/* Sentence 6. */
void __wrap_summary_print(const struct summary *summary, FILE *out) {
  (void)out;
  const struct tally *tally = &summary->tally;
  if (tally_in_flight(tally))
    world_fail("SUM", "worker %u ends with %llu of %llu records without an outcome", fiber_process()->slot,
        (unsigned long long)tally_in_flight(tally), (unsigned long long)tally->in);
  world_say("worker %u: %s", fiber_process()->slot, summary->end);
}

void __wrap__exit(int code) { process_exit(code); }

void __wrap_check_failed(const char *expression, const char *file, int line, const char *function) {
  if (!fiber_process()) {
    fprintf(stderr, "%s:%d: %s: %s does not hold\n", file, line, function, expression);
    abort();
  }
  world_fail("MUST", "%s:%d: %s: %s does not hold", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line, function,
      expression);
  fiber_end();
}

__attribute__((format(printf, 2, 0))) static void say_line(const char *component, const char *format, va_list args) {
  if (!world.verbose) return;
  char text[1024];
  vsnprintf(text, sizeof text, format, args);
  if (fiber_process())
    world_say("worker %u: [%s] %s", fiber_process()->slot, component, text);
  else
    world_say("[%s] %s", component, text);
}

void __wrap_log_line(weir_level level, const char *component, const char *format, ...) {
  (void)level;
  va_list args;
  va_start(args, format);
  say_line(component, format, args);
  va_end(args);
}

bool __wrap_log_limited(
    struct log_limit *limit, int64_t every_ms, weir_level level, const char *component, const char *format, ...) {
  (void)limit, (void)every_ms, (void)level;
  va_list args;
  va_start(args, format);
  say_line(component, format, args);
  va_end(args);
  return true;
}

void __wrap_log_status(const char *text) { (void)text; }
bool __wrap_log_on_terminal(void) { return false; }

static ssize_t write_nowhere(void *cookie, const char *text, size_t size) {
  (void)cookie, (void)text;
  return (ssize_t)size;
}

FILE *__wrap_open_memstream(char **text, size_t *size) {
  if (!fiber_process()) return __real_open_memstream(text, size);
  *text = calloc(1, 1);
  *size = 0;
  return fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_nowhere});
}
