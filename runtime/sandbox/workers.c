/* workers.c: see workers.h. */
#include "sandbox/workers.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include "sandbox/json_walk.h"

enum { ARGUMENTS_MAX = 64 };

const char *const worker_count_names[WORKER_COUNTS] = {
    "in", "delivered", "filtered", "discarded", "dead_lettered", "abandoned", "in_flight"};

/* --- life --- */

static int lives_of(const struct workers *workers, int number) {
  int lives = 0;
  for (int i = 0; i < workers->count; i++) lives += workers->all[i].number == number;
  return lives;
}

const char **workers_environment(const char *variable) {
  size_t count = 0, used = 0, name = strcspn(variable, "=") + 1;
  while (environ[count]) count++;
  const char **all = calloc(count + 2, sizeof *all);
  must(all);
  for (size_t i = 0; i < count; i++)
    if (strncmp(environ[i], variable, name) != 0) all[used++] = environ[i];
  all[used] = variable;
  return all;
}

struct worker_entry *workers_start(struct workers *workers, int number, int64_t now_ms, struct error *err) {
  const char *argv[ARGUMENTS_MAX] = {"weir", "run", workers->file, "--json"};
  size_t used = 4;
  must(workers->count < WORKER_ENTRIES_MAX);
  for (const char *const *extra = workers->extra; extra && *extra; extra++) {
    must(used + 1 < ARGUMENTS_MAX);
    argv[used++] = *extra;
  }
  struct worker_entry *worker = &workers->all[workers->count];
  *worker = (struct worker_entry){.number = number, .life = lives_of(workers, number) + 1, .started_ms = now_ms};
  char variable[256];
  snprintf(variable, sizeof variable, "WEIR_BROKERS=%s", workers->brokers);
  const char **variables = workers_environment(variable);
  bool running = child_run(&worker->child, argv, variables, err);
  free(variables);
  if (!running) return NULL;
  workers->count++;
  return worker;
}

struct worker_entry *workers_running(struct workers *workers, int number) {
  for (int i = 0; i < workers->count; i++)
    if (workers->all[i].number == number && !workers->all[i].ended) return &workers->all[i];
  return NULL;
}

int workers_running_count(const struct workers *workers) {
  int running = 0;
  for (int i = 0; i < workers->count; i++) running += !workers->all[i].ended;
  return running;
}

int64_t workers_owned(const struct workers *workers) {
  int64_t sum = 0;
  for (int i = 0; i < workers->count; i++) {
    if (workers->all[i].ended) continue;
    if (workers->all[i].owned == 0) return -1;
    sum += workers->all[i].owned;
  }
  return sum;
}

void workers_ask(struct workers *workers) {
  for (int i = 0; i < workers->count; i++) {
    if (workers->all[i].ended) continue;
    workers->all[i].asked = true;
    child_signal(&workers->all[i].child, SIGTERM);
  }
}

/* --- the summary --- */

/* {"topic":"quakes","partition":2,...} adds its number to the list. */
static void take_partition(struct worker_entry *worker, weir_span raw) {
  struct json_walk walk;
  weir_span name, value;
  if (!json_walk_begin(&walk, raw)) return;
  while (json_walk_next(&walk, &name, &value)) {
    if (!json_is(name, "partition")) continue;
    size_t used = strlen(worker->partitions);
    snprintf(worker->partitions + used, sizeof worker->partitions - used, "%s%.*s", used ? " " : "", SPAN_ARGS(value));
  }
}

static void take_partitions(struct worker_entry *worker, weir_span raw) {
  struct json_walk walk;
  weir_span name, value;
  if (!json_walk_begin(&walk, raw)) return;
  while (json_walk_next(&walk, &name, &value)) take_partition(worker, value);
}

/* Its stdout has one line that is the summary, and what the sink stdout writes. */
static bool is_summary(const char *line) {
  struct json_walk walk;
  weir_span name, value;
  bool code = false, peak = false;
  if (!json_walk_begin(&walk, span_of(line)) || !walk.is_object) return false;
  while (json_walk_next(&walk, &name, &value)) {
    code |= json_is(name, "exit_code");
    peak |= json_is(name, "peak_memory_bytes");
  }
  return code && peak && !walk.flaw;
}

static void take_member(struct worker_entry *worker, weir_span name, weir_span value) {
  int64_t number;
  for (int i = 0; i < WORKER_COUNTS; i++)
    if (json_is(name, worker_count_names[i]) && text_int(value, &number)) worker->counts[i] = (uint64_t)number;
  if (json_is(name, "partitions")) take_partitions(worker, value);
  if (json_is(name, "end") && value.size > 2)
    snprintf(worker->end, sizeof worker->end, "%.*s", (int)value.size - 2, (const char *)value.data + 1);
}

/* --- what it says --- */

struct hearing {
  struct workers *workers;
  struct worker_entry *worker;
};

static void take_out(void *ctx, const char *line) {
  struct hearing *hearing = ctx;
  struct json_walk walk;
  weir_span name, value;
  if (!is_summary(line)) {
    hearing->workers->show(hearing->workers->ctx, line);
    return;
  }
  json_walk_begin(&walk, span_of(line));
  while (json_walk_next(&walk, &name, &value)) take_member(hearing->worker, name, value);
  hearing->worker->has_summary = true;
}

/* The level of a line of the log, which stands behind its time. */
static bool is_loud(const char *line) {
  const char *level = strchr(line, ' ');
  return level && (strncmp(level, " WARN ", 6) == 0 || strncmp(level, " ERROR ", 7) == 0);
}

/* The number that stands behind `mark`. */
static bool number_behind(const char *line, const char *mark, int64_t *number) {
  const char *at = strstr(line, mark);
  if (!at) return false;
  at += strlen(mark);
  return text_int(weir_bytes(at, strspn(at, "0123456789")), number);
}

/* "worker: 2 partitions assigned: in/0 in/3, 4 in all", "worker: 2 partitions are revoked". */
static void take_share(struct worker_entry *worker, const char *line) {
  int64_t number;
  if (!number_behind(line, " worker: ", &number)) return;
  if (strstr(line, " assigned") && number_behind(line, ", ", &number))
    worker->owned = number;
  else if (strstr(line, " revoked") || strstr(line, " lost: "))
    worker->owned = worker->owned > number ? worker->owned - number : 0;
}

static void take_err(void *ctx, const char *line) {
  struct hearing *hearing = ctx;
  struct worker_entry *worker = hearing->worker;
  take_share(worker, line);
  snprintf(worker->tail[worker->tail_count++ % WORKER_TAIL], WORKER_LINE_MAX, "%s", line);
  if (hearing->workers->verbose || is_loud(line)) hearing->workers->say(hearing->workers->ctx, worker, line);
}

static void read_all(struct workers *workers, struct worker_entry *worker) {
  struct hearing hearing = {workers, worker};
  child_read_lines(&worker->child.out, &worker->out, take_out, &hearing);
  child_read_lines(&worker->child.err, &worker->err, take_err, &hearing);
}

static void note_end(struct workers *workers, struct worker_entry *worker, int64_t now_ms) {
  read_all(workers, worker); /* what it wrote last is in the pipes */
  worker->ended = true;
  worker->ended_ms = now_ms;
  child_end(&worker->child);
}

void workers_serve(struct workers *workers, int64_t now_ms) {
  for (int i = 0; i < workers->count; i++) {
    struct worker_entry *worker = &workers->all[i];
    if (worker->ended) continue;
    bool gone = child_ended(&worker->child);
    read_all(workers, worker);
    if (gone) note_end(workers, worker, now_ms);
  }
}

void workers_kill(struct workers *workers, struct worker_entry *worker, int64_t now_ms) {
  worker->killed = true;
  child_signal(&worker->child, SIGKILL);
  int out = worker->child.out, err = worker->child.err;
  worker->child.out = worker->child.err = -1; /* child_end() waits; the pipes are read behind it */
  child_end(&worker->child);
  worker->child.out = out;
  worker->child.err = err;
  worker->child.status = SIGKILL;
  note_end(workers, worker, now_ms);
}

void workers_end(struct workers *workers) {
  for (int i = 0; i < workers->count; i++)
    if (!workers->all[i].ended) {
      child_end(&workers->all[i].child);
      workers->all[i].ended = true;
    }
}

const char *worker_fate(const struct worker_entry *worker, char into[WORKER_LINE_MAX]) {
  int status = worker->child.status;
  if (!worker->ended)
    snprintf(into, WORKER_LINE_MAX, "running");
  else if (worker->killed)
    snprintf(into, WORKER_LINE_MAX, "killed with SIGKILL after %.1f s; a kill -9 leaves no summary",
        (double)(worker->ended_ms - worker->started_ms) / 1000);
  else if (WIFSIGNALED(status))
    snprintf(into, WORKER_LINE_MAX, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
  else
    snprintf(into, WORKER_LINE_MAX, "exit code %d%s%s", WEXITSTATUS(status), worker->end[0] ? ": " : "", worker->end);
  return into;
}

bool worker_is_fine(const struct worker_entry *worker) {
  if (worker->killed) return true;
  return worker->ended && WIFEXITED(worker->child.status) && WEXITSTATUS(worker->child.status) == EXIT_CLEAN;
}
