/* play.c: see play.h. */
#include "sandbox/play.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "sandbox/feeder.h"
#include "sandbox/picture.h"
#include "sandbox/reader.h"
#include "sandbox/survey.h"
#include "sandbox/workers.h"

enum {
  STEP_MS = 10,        /* to wait for the results' next record */
  LOOK_EVERY_MS = 50,  /* at the offsets */
  SETTLED_MS = 300,    /* at rest for so long: the group has divided its partitions */
  PATIENCE_MS = 10000, /* for that, once every partition has an owner */
  JOIN_MS = 60000,     /* until every partition has an owner */
  STANDSTILL_MS =
      60000,      /* without progress: give up. Longer than a group of Kafka's defaults takes to notice a dead member */
  END_MS = 30000, /* for the workers to finish */
  READ_MS = 10000,   /* for the last results */
  RESTART_MS = 1000, /* from the kill to the new start */
};

static volatile sig_atomic_t interrupts;

void play_interrupt(void) { interrupts = interrupts + 1; }

/* A line of the log without its time, which the reader knows; any other line as it is. */
static const char *without_time(const char *line) {
  const char *end = strchr(line, ' ');
  return end && end > line && end[-1] == 'Z' ? end + 1 : line;
}

static void say(void *ctx, const struct worker_entry *worker, const char *line) {
  struct play *play = ctx;
  const struct ink *ink = &play->panel.ink;
  panel_say(&play->panel, "%sworker %d%s| %s%s", ink->faint, worker->number, worker->life > 1 ? "'" : "", ink->plain,
      without_time(line));
}

static void show(void *ctx, const char *line) {
  struct play *play = ctx;
  panel_clear(&play->panel);
  puts(line);
  fflush(stdout);
}

static bool start_worker(struct play *play, int number, struct error *err) {
  return workers_start(play->workers, number, play->now_ms, err) != NULL;
}

static bool open_clients(struct play *play, struct error *err) {
  const struct play_settings *settings = play->settings;
  const struct feeder_settings feeding = {.address = play->broker.address,
      .supplies = settings->supplies,
      .supply_count = settings->supply_count,
      .repeat = settings->repeat,
      .rate = settings->rate};
  play->survey = survey_open(
      play->broker.address, settings->group, settings->topics, settings->source_count, settings->partitions, err);
  if (!play->survey || !reader_start(play->reader, play->broker.address, err)) return false;
  play->feeder = feeder_open(&feeding, err);
  return play->feeder != NULL;
}

bool play_open(struct play *play, const struct play_settings *settings, struct reader *reader, struct error *err) {
  int64_t now_ms = clock_now(clock_real());
  *play = (struct play){.settings = settings,
      .reader = reader,
      .now_ms = now_ms,
      .opened_ms = now_ms,
      .phase_ms = now_ms,
      .moved_ms = now_ms,
      .moved = -1,
      .feeding_ms = -1,
      .killed_ms = -1};
  panel_init(&play->panel);
  play->workers = calloc(1, sizeof *play->workers);
  must(play->workers);
  *play->workers = (struct workers){.verbose = settings->verbose,
      .say = say,
      .show = show,
      .ctx = play,
      .file = settings->file,
      .brokers = play->broker.address,
      .extra = settings->worker_arguments};
  bool ok = broker_start(&play->broker, settings->topics, settings->topic_count, settings->partitions, err);
  for (int number = 1; ok && number <= settings->workers; number++) ok = start_worker(play, number, err);
  return ok && open_clients(play, err);
}

void play_close(struct play *play) {
  panel_clear(&play->panel);
  workers_end(play->workers);
  feeder_close(play->feeder);
  survey_close(play->survey);
  broker_stop(&play->broker);
  free(play->workers);
}

/* --- what ends it too soon --- */

static void trouble(struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void trouble(struct play *play, const char *format, ...) {
  if (play->trouble[0]) return;
  va_list args;
  va_start(args, format);
  vsnprintf(play->trouble, sizeof play->trouble, format, args);
  va_end(args);
}

static void show_tail(struct play *play, const struct worker_entry *worker) {
  size_t kept = worker->tail_count < WORKER_TAIL ? worker->tail_count : WORKER_TAIL;
  for (size_t i = worker->tail_count - kept; i < worker->tail_count; i++)
    say(play, worker, worker->tail[i % WORKER_TAIL]);
}

/* Says of each worker that ended unasked what it said last. */
static void watch_workers(struct play *play) {
  for (int i = 0; i < play->workers->count; i++) {
    struct worker_entry *worker = &play->workers->all[i];
    if (!worker->ended || worker->told || worker->killed || worker->asked) continue;
    char fate[WORKER_LINE_MAX];
    worker->told = true;
    panel_say(
        &play->panel, "worker %d has ended by itself, %s; its last lines:", worker->number, worker_fate(worker, fate));
    if (!play->settings->verbose) show_tail(play, worker);
  }
}

static bool is_waiting_for_restart(const struct play *play) { return play->killed_ms >= 0 && !play->restarted; }

static void watch_progress(struct play *play) {
  int64_t moved = survey_committed(play->survey) + feeder_fed(play->feeder) + (play->feeding_ms >= 0);
  if (moved != play->moved) {
    play->moved = moved;
    play->moved_ms = play->now_ms;
  }
  if (play->now_ms - play->moved_ms > STANDSTILL_MS)
    trouble(play, "nothing was committed for %d s, with %lld records to go", STANDSTILL_MS / 1000,
        (long long)survey_lag(play->survey));
}

static bool is_over_too_soon(struct play *play) {
  const struct play_settings *settings = play->settings;
  if (interrupts) trouble(play, "interrupted");
  watch_progress(play);
  if (workers_running_count(play->workers) == 0 && !is_waiting_for_restart(play))
    trouble(play, "no worker is running any more");
  if (settings->for_ms && play->now_ms - play->opened_ms > settings->for_ms) trouble(play, "the time of --for is over");
  return play->trouble[0] != 0;
}

/* --- kill -9 --- */

static void kill_one(struct play *play) {
  struct worker_entry *worker = workers_running(play->workers, 1);
  if (!worker) return;
  workers_kill(play->workers, worker, play->now_ms);
  play->killed_ms = play->now_ms;
  panel_say(&play->panel, "%sworker 1 is killed with SIGKILL, with lag %lld%s", play->panel.ink.doubt,
      (long long)survey_lag(play->survey), play->panel.ink.plain);
}

static void start_again(struct play *play) {
  struct error err;
  play->restarted = true;
  if (start_worker(play, 1, &err))
    panel_say(&play->panel, "worker 1 is started again");
  else
    trouble(play, "worker 1 cannot be started again: %s", err.text);
}

static void serve_kill(struct play *play) {
  int64_t after_ms = play->settings->kill_after_ms;
  if (!after_ms || play->feeding_ms < 0) return;
  if (play->killed_ms < 0 && play->now_ms - play->feeding_ms >= after_ms) kill_one(play);
  if (is_waiting_for_restart(play) && play->now_ms - play->killed_ms >= RESTART_MS) start_again(play);
}

/* --- the phases: each says which one is next --- */

/* Every partition has an owner, and the group has come to rest: each worker has its share. Where there are more workers than
 * partitions, or the shares are not known, a while is enough. */
static bool is_joined(struct play *play) {
  if (!survey_all_owned(play->survey)) {
    play->owned_ms = play->now_ms;
    return false;
  }
  if (workers_owned(play->workers) != (int64_t)survey_count(play->survey)) play->settled_ms = play->now_ms;
  return play->now_ms - play->settled_ms >= SETTLED_MS || play->now_ms - play->owned_ms >= PATIENCE_MS;
}

static enum play_phase join(struct play *play) {
  if (is_joined(play)) {
    play->feeding_ms = play->now_ms;
    return PLAY_FEEDING;
  }
  if (play->now_ms - play->phase_ms > JOIN_MS)
    trouble(play, "not every partition had an owner within %d s", JOIN_MS / 1000);
  return PLAY_JOINING;
}

static enum play_phase feed(struct play *play) {
  struct error err;
  if (!feeder_step(play->feeder, play->now_ms, survey_end(play->survey), survey_lag_most(play->survey), &err))
    trouble(play, "%s", err.text);
  return feeder_done(play->feeder) ? PLAY_FINISHING : PLAY_FEEDING;
}

static enum play_phase finish(struct play *play) {
  /* What was fed shows in `end` once the broker was asked again. */
  bool seen = play->looked_ms > play->phase_ms;
  return seen && survey_lag(play->survey) == 0 && !is_waiting_for_restart(play) ? PLAY_ENDING : PLAY_FINISHING;
}

static enum play_phase end(struct play *play) {
  if (play->entering) {
    feeder_stop(play->feeder);
    workers_ask(play->workers);
  }
  if (interrupts > 1 || play->now_ms - play->phase_ms > END_MS) {
    trouble(play, "a worker did not finish within %d s", END_MS / 1000);
    workers_end(play->workers);
  }
  return workers_running_count(play->workers) ? PLAY_ENDING : PLAY_READING;
}

static enum play_phase read_rest(struct play *play) {
  if (reader_at_end(play->reader) || interrupts > 1) return PLAY_OVER;
  if (play->now_ms - play->phase_ms <= READ_MS) return PLAY_READING;
  trouble(play, "the results could not be read to their end");
  return PLAY_OVER;
}

static enum play_phase next_phase(struct play *play) {
  static enum play_phase (*const phases[])(struct play * play) = {[PLAY_JOINING] = join,
      [PLAY_FEEDING] = feed,
      [PLAY_FINISHING] = finish,
      [PLAY_ENDING] = end,
      [PLAY_READING] = read_rest};
  if (play->phase < PLAY_ENDING && is_over_too_soon(play)) return PLAY_ENDING;
  return phases[play->phase](play);
}

static void step(struct play *play) {
  reader_step(play->reader, STEP_MS);
  workers_serve(play->workers, play->now_ms);
  watch_workers(play);
  if (play->now_ms - play->looked_ms >= LOOK_EVERY_MS && survey_look(play->survey)) play->looked_ms = play->now_ms;
  if (play->phase < PLAY_ENDING) serve_kill(play);
  picture_draw(play);
}

static void announce(struct play *play) {
  const struct play_settings *settings = play->settings;
  panel_say(&play->panel, "%s: %d worker%s, %d partition%s a topic, a broker in memory at %s", settings->pipeline,
      settings->workers, settings->workers == 1 ? "" : "s", (int)settings->partitions,
      settings->partitions == 1 ? "" : "s", play->broker.address);
}

void play_run(struct play *play) {
  announce(play);
  while (play->phase != PLAY_OVER) {
    play->now_ms = clock_now(clock_real());
    enum play_phase next = next_phase(play);
    play->entering = next != play->phase;
    if (play->entering) play->phase_ms = play->now_ms;
    play->phase = next;
    step(play);
  }
  survey_look(play->survey);
}
