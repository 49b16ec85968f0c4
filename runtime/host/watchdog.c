/* watchdog.c: see watchdog.h. Those who are watched do nothing for it but write their place: time is only read here. */
#include "host/watchdog.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "base/waiting.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WATCHDOG_MAGIC = 0x3d7fa10c, EVERY_MS_LEAST = 20, EVERY_MS_MOST = 5000 };

/* What was seen of one thread. */
struct watched {
  struct watchdog_subject subject;
  uint64_t changes;
  int64_t late_ms, since_ms; /* since: wall clock */
  bool told;
};

struct watchdog {
  uint32_t magic;
  struct watched *threads;
  size_t count;
  int64_t every_ms, looked_ms;
  const struct clock *clock;
  void (*found)(void *ctx, const struct watchdog_find *find);
  void *ctx;
  pthread_mutex_t lock;
  pthread_cond_t cond;
  bool started, stopping; /* stopping: under lock */
  pthread_t thread;
};

static int64_t every_of(int64_t least_ms) {
  int64_t every_ms = least_ms / 4;
  return every_ms < EVERY_MS_LEAST ? EVERY_MS_LEAST : every_ms > EVERY_MS_MOST ? EVERY_MS_MOST : every_ms;
}

struct watchdog *watchdog_create(const struct watchdog_subject *subjects, size_t count, int64_t least_ms,
    const struct clock *clock, void (*found)(void *ctx, const struct watchdog_find *find), void *ctx) {
  must(subjects && count > 0 && clock && found && least_ms > 0);
  struct watchdog *watchdog = calloc(1, sizeof *watchdog);
  struct watched *threads = calloc(count, sizeof *threads);
  if (!watchdog || !threads) {
    free(watchdog);
    free(threads);
    return NULL;
  }
  *watchdog = (struct watchdog){.magic = WATCHDOG_MAGIC,
      .threads = threads,
      .count = count,
      .every_ms = every_of(least_ms),
      .looked_ms = clock_now(clock),
      .clock = clock,
      .found = found,
      .ctx = ctx};
  for (size_t i = 0; i < count; i++) threads[i].subject = subjects[i];
  waiting_init(&watchdog->lock, &watchdog->cond);
  return watchdog;
}

void watchdog_destroy(struct watchdog *watchdog) {
  if (!watchdog) return;
  must_be(watchdog, WATCHDOG_MAGIC);
  watchdog_stop(watchdog);
  watchdog->magic = 0;
  pthread_cond_destroy(&watchdog->cond);
  pthread_mutex_destroy(&watchdog->lock);
  free(watchdog->threads);
  free(watchdog);
}

int64_t watchdog_every_ms(const struct watchdog *watchdog) { return watchdog->every_ms; }

/* --- looking --- */

/* INT64_MAX: it may stay there for ever. */
static int64_t deadline_of(const struct place_view *view) {
  return view->state == PLACE_CALLING ? view->limit_ms : LIMIT_TURN_MS;
}

static bool may_rest(const struct place_view *view, int64_t now_ms) {
  return view->state == PLACE_RESTING && now_ms < view->limit_ms;
}

static void judge(struct watchdog *watchdog, struct watched *thread, const struct place_view *view) {
  int64_t deadline_ms = deadline_of(view);
  if (deadline_ms == INT64_MAX || thread->late_ms < deadline_ms) return;
  bool over = thread->late_ms - deadline_ms >= deadline_ms;
  if (thread->told && !over) return;
  thread->told = true;
  const struct watchdog_find find = {(size_t)(thread - watchdog->threads), thread->subject.name, thread->subject.place,
      view, thread->since_ms, thread->late_ms, deadline_ms, over};
  watchdog->found(watchdog->ctx, &find);
}

static void look_at(struct watchdog *watchdog, struct watched *thread, int64_t now_ms, int64_t passed_ms) {
  struct place_view view;
  if (place_read(thread->subject.place, &view) && view.changes == thread->changes && !may_rest(&view, now_ms)) {
    thread->late_ms += passed_ms;
    judge(watchdog, thread, &view);
    return;
  }
  thread->changes = view.changes;
  thread->late_ms = 0;
  thread->since_ms = clock_wall(watchdog->clock);
  thread->told = false;
}

void watchdog_look(struct watchdog *watchdog) {
  must_be(watchdog, WATCHDOG_MAGIC);
  int64_t now_ms = clock_now(watchdog->clock), passed_ms = now_ms - watchdog->looked_ms;
  watchdog->looked_ms = now_ms;
  /* More than that: this thread did not run either, and nobody is to blame for it. */
  if (passed_ms > 2 * watchdog->every_ms) passed_ms = 2 * watchdog->every_ms;
  for (size_t i = 0; i < watchdog->count; i++) look_at(watchdog, &watchdog->threads[i], now_ms, passed_ms);
}

/* --- barking --- */

void watchdog_bark(void *ctx, const struct watchdog_find *find) {
  (void)ctx;
  char place[PLACE_TEXT_MAX] = "its own loop", late[TEXT_MAX], deadline[TEXT_MAX], since[TEXT_MAX];
  if (find->view->state == PLACE_CALLING) place_text(find->view, place);
  text_of_duration(late, find->late_ms);
  text_of_duration(deadline, find->deadline_ms);
  text_of_time(since, find->since_ms);
  const char *called = find->view->state == PLACE_CALLING ? "deadline" : "limit";
  if (!find->over) {
    log_line(WEIR_ERROR, "watchdog",
        "%s has been in %s since %s: %s, its %s is %s; at twice that the worker is aborted", find->name, place, since,
        late, called, deadline);
    return;
  }
  log_line(WEIR_ERROR, "watchdog",
      "%s has been in %s since %s: %s, twice its %s of %s; aborting, nothing of what it holds is committed", find->name,
      place, since, late, called, deadline);
  crash_accuse(find->place);
  abort();
}

/* --- the thread --- */

static void *run(void *ctx) {
  struct watchdog *watchdog = ctx;
  must_be(watchdog, WATCHDOG_MAGIC);
  pthread_mutex_lock(&watchdog->lock);
  while (!watchdog->stopping) {
    int64_t until_ms = clock_now(watchdog->clock) + watchdog->every_ms;
    if (!waiting_until(&watchdog->cond, &watchdog->lock, until_ms)) watchdog_look(watchdog);
  }
  pthread_mutex_unlock(&watchdog->lock);
  return NULL;
}

bool watchdog_start(struct watchdog *watchdog, struct error *err) {
  must_be(watchdog, WATCHDOG_MAGIC);
  must(!watchdog->started);
  int result = pthread_create(&watchdog->thread, NULL, run, watchdog);
  if (result != 0) {
    errno = result;
    return error_errno(err, "the system gives no thread for the watchdog");
  }
  pthread_setname_np(watchdog->thread, "watchdog");
  watchdog->started = true;
  return true;
}

void watchdog_stop(struct watchdog *watchdog) {
  if (!watchdog || !watchdog->started) return;
  pthread_mutex_lock(&watchdog->lock);
  watchdog->stopping = true;
  pthread_cond_signal(&watchdog->cond);
  pthread_mutex_unlock(&watchdog->lock);
  must(pthread_join(watchdog->thread, NULL) == 0);
  watchdog->started = false;
}
