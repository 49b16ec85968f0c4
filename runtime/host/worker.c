/* worker.c: see worker.h. The order of the end matters: leave the group (drain, commit), close the producers (their open
 * deliveries point into batches), end the lanes (their batches hold messages), destroy the consumer. */
#include "host/worker.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "config/pipeline_file.h"
#include "host/admin_socket.h"
#include "host/answer.h"
#include "host/control.h"
#include "host/memory.h"
#include "host/prepared.h"
#include "host/progress.h"
#include "host/quarantine.h"
#include "host/screen.h"
#include "host/signals.h"
#include "host/summary.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DESCRIBE_MS = 1000, CHECK_MS = 1000, CHECK_EVERY_MS = 1000, WAITING_EVERY_MS = 10000, END_TEXT_MAX = 1200 };

struct run {
  const struct worker *worker;
  struct control *control;
  struct answerer answerer;
  struct admin_socket *admin_socket; /* NULL: nobody can ask */
  struct quarantine *quarantine;     /* NULL: none */
  struct progress progress;
  int64_t started_ms;
  enum control_end end;
  struct error err;
  bool stuck;
};

static void interrupt(void *ctx) {
  const struct run *run = ctx;
  quarantine_asked(run->quarantine);
  control_interrupt(run->control);
}

static void tick(void *ctx, struct control *control) {
  struct run *run = ctx;
  struct control_view view;
  control_look(control, &view);
  progress_show(&run->progress, &view, clock_now(run->worker->clock));
}

static bool open_control(struct run *run, struct error *err) {
  const struct worker *worker = run->worker;
  const struct control_settings settings = {.file = worker->file,
      .plan = prepared_plan(worker->prepared),
      .clock = worker->clock,
      .share = worker->share,
      .quarantine = run->quarantine,
      .until_end = worker->until_end,
      .tick = tick,
      .tick_ctx = run,
      .tick_ms = progress_every_ms(log_on_terminal())};
  run->control = control_open(&settings, err);
  return run->control != NULL;
}

/* Nothing is read before everything that is written to is there. False: a signal came first. */
static bool wait_for_topics(struct run *run) {
  struct log_limit limit = {0};
  struct error err;
  while (!prepared_check_topics(run->worker->prepared, CHECK_MS, &err)) {
    log_limited(&limit, WAITING_EVERY_MS, WEIR_WARN, "worker", "waiting before the group is joined: %s", err.text);
    control_wait(run->control, CHECK_EVERY_MS);
    if (control_interrupts(run->control)) return false;
  }
  return true;
}

/* In one piece: log lines of other threads come between writes to stderr. */
static void say_whole(void (*print)(const void *ctx, FILE *out), const void *ctx) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return;
  print(ctx, out);
  if (fclose(out) == 0) fwrite(text, 1, size, stderr);
  free(text);
}

static void print_screen(const void *ctx, FILE *out) { screen_print(ctx, DESCRIBE_MS, out); }

static void show_screen(const struct run *run) {
  const struct worker *worker = run->worker;
  const struct screen screen = {worker->version, worker->file, worker->share, worker->prepared, run->control};
  say_whole(print_screen, &screen);
}

/* Without it the worker does all its work: nobody can ask it, that is all. */
static void open_admin_socket(struct run *run) {
  const struct worker *worker = run->worker;
  struct error err;
  run->answerer = (struct answerer){run->control, worker->clock, worker->file->path};
  run->admin_socket = admin_socket_open(worker->file->path, answer_request, &run->answerer, &err);
  if (!run->admin_socket) log_line(WEIR_WARN, "worker", "no socket for `weir explain`: %s", err.text);
}

/* Likewise. At most once nothing is read again, so nothing can kill a second time. */
static void open_quarantine(struct run *run) {
  const struct pipeline_file *file = run->worker->file;
  struct error err;
  if (!file->quarantine_after || file->delivery == AT_MOST_ONCE) return;
  run->quarantine = quarantine_open(file, run->worker->share->lanes, &err);
  if (!run->quarantine) log_line(WEIR_WARN, "worker", "no quarantine of records that kill the worker: %s", err.text);
}

static void work(struct run *run) {
  progress_init(&run->progress, clock_now(run->worker->clock), run->worker->until_end);
  show_screen(run);
  run->end = END_SIGNAL;
  open_admin_socket(run);
  if (wait_for_topics(run)) run->end = control_run(run->control, &run->err);
  if (run->end == END_FATAL || run->end == END_FENCED) log_line(WEIR_ERROR, "worker", "%s", run->err.text);
}

/* --- the end --- */

static int exit_code(const struct run *run, const struct control_view *view) {
  if (run->end == END_FENCED) return EXIT_FENCED;
  if (run->end == END_FATAL) return EXIT_RUN_FAILED;
  if (run->stuck || view->abandoned_at_end || view->unconfirmed_at_end) return EXIT_ABANDONED;
  return view->stopped ? EXIT_RUN_FAILED : EXIT_CLEAN;
}

static const char *why(const struct run *run) {
  switch (run->end) {
  case END_SIGNAL: return "stopped by a signal";
  case END_REACHED: return "every partition has reached what was its end at the start";
  case END_ALL_STOPPED:
  case END_FENCED:
  case END_FATAL: return run->err.text;
  }
  must_not_reach();
}

static void tell_end(const struct run *run, const struct control_view *view, char into[END_TEXT_MAX]) {
  char count[TEXT_MAX];
  size_t size = (size_t)snprintf(into, END_TEXT_MAX, "%s", why(run));
  must(size < END_TEXT_MAX);
  if (run->stuck)
    snprintf(into + size, END_TEXT_MAX - size, "; a lane is stuck in a stage and was left behind");
  else if (view->abandoned_at_end)
    snprintf(into + size, END_TEXT_MAX - size, "; %s records in flight were given up",
        text_of_count(count, (int64_t)view->abandoned_at_end));
  else if (view->unconfirmed_at_end)
    snprintf(into + size, END_TEXT_MAX - size, "; the last commit was not confirmed, %s records may be read again",
        text_of_count(count, (int64_t)view->unconfirmed_at_end));
  else if (view->stopped && run->end != END_ALL_STOPPED)
    snprintf(into + size, END_TEXT_MAX - size, "; %u partition%s stand%s still", view->stopped,
        view->stopped == 1 ? "" : "s", view->stopped == 1 ? "s" : "");
}

static void print_summary(const void *ctx, FILE *out) { summary_print(ctx, out); }

static int sum_up(struct run *run, const struct control_view *last) {
  const struct worker *worker = run->worker;
  struct control_view view;
  struct summary summary = {.pipeline = worker->file->pipeline, .group = worker->file->group};
  char text[END_TEXT_MAX];
  control_look(run->control, &view);
  view.stopped = last->stopped;
  tell_end(run, &view, text);
  summary.end = text;
  summary.exit_code = exit_code(run, &view);
  summary.took_ms = clock_now(worker->clock) - run->started_ms;
  summary.peak_bytes = summary_peak_bytes();
  summary.tally = view.tally;
  summary.accounts = control_accounts(run->control);
  failures_init(&summary.failures);
  control_failures(run->control, &summary.failures);
  failures_sort(&summary.failures);
  say_whole(print_summary, &summary);
  if (worker->json) summary_print_json(&summary, stdout);
  failures_fini(&summary.failures);
  fflush(NULL);
  return summary.exit_code;
}

/* True: the lanes have ended and everything may be freed. */
static bool wind_up(struct run *run) {
  bool left = control_leave(run->control);
  admin_socket_close(run->admin_socket);
  if (!left) return false;
  prepared_disconnect(run->worker->prepared, 0);
  return control_end_lanes(run->control);
}

static int finish(struct run *run, struct signals *signals) {
  struct control_view last;
  control_look(run->control, &last);
  run->stuck = !wind_up(run);
  progress_end();
  int code = sum_up(run, &last);
  bool at_once = run->stuck || !control_closes_at_once(run->control);
  if (at_once) {
    quarantine_close(run->quarantine, true);
    _exit(code);
  }
  signals_close(signals);
  control_close(run->control);
  quarantine_close(run->quarantine, false);
  return code;
}

static int refuse(const struct worker *worker, const struct error *err, int code) {
  fprintf(stderr, "weir: %s: %s\n", worker->file->path, err->text);
  prepared_disconnect(worker->prepared, 0);
  return code;
}

int worker_run(const struct worker *worker) {
  struct run run = {.worker = worker, .started_ms = clock_now(worker->clock)};
  struct error err;
  if (!prepared_connect(worker->prepared, &err)) return refuse(worker, &err, EXIT_CONFIGURATION);
  open_quarantine(&run);
  if (!open_control(&run, &err)) {
    quarantine_close(run.quarantine, false);
    return refuse(worker, &err, EXIT_RUN_FAILED);
  }
  struct signals *signals = signals_open(interrupt, &run, &err);
  if (signals)
    work(&run);
  else {
    run.err = err;
    run.end = END_FATAL;
  }
  return finish(&run, signals);
}
