/* control_events.c: how other threads reach the control thread. It waits at two places: in consumer_poll(), ended by
 * consumer_wake(), and while it drains on a condition. Each event serves both; only the first one since the last look wakes. */
#include "base/check.h"
#include "base/clock.h"
#include "host/control_inside.h"

static void announce(struct control *control) {
  pthread_mutex_lock(&control->lock);
  control->changes++;
  pthread_cond_signal(&control->cond);
  pthread_mutex_unlock(&control->lock);
  if (control->consumer) consumer_wake(control->consumer);
}

void event_committable(void *ctx, bool urgent) {
  struct control *control = ctx;
  bool first = !atomic_exchange(&control->moved, true);
  if (urgent && !atomic_exchange(&control->urgent, true)) first = true;
  if (first) announce(control);
}

void event_changed(void *ctx) {
  struct control *control = ctx;
  atomic_store(&control->changed, true);
  announce(control);
}

void event_starved(void *ctx) {
  struct control *control = ctx;
  if (!atomic_exchange(&control->starved, true)) announce(control);
}

void control_interrupt(struct control *control) {
  atomic_fetch_add(&control->interrupts, 1);
  announce(control);
}

uint32_t control_interrupts(const struct control *control) { return atomic_load(&control->interrupts); }

uint64_t event_count(struct control *control) {
  pthread_mutex_lock(&control->lock);
  uint64_t changes = control->changes;
  pthread_mutex_unlock(&control->lock);
  return changes;
}

void event_wait(struct control *control, uint64_t changes, int64_t until_ms) {
  must(until_ms < INT64_MAX);
  const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = (until_ms % 1000) * 1000000};
  pthread_mutex_lock(&control->lock);
  while (control->changes == changes && pthread_cond_timedwait(&control->cond, &control->lock, &until) == 0) {
  }
  pthread_mutex_unlock(&control->lock);
}

void control_wait(struct control *control, int64_t wait_ms) {
  uint64_t changes = event_count(control);
  if (!control_interrupts(control)) event_wait(control, changes, control_now(control) + wait_ms);
}

void control_tick(struct control *control) {
  const struct control_settings *settings = &control->settings;
  if (!settings->tick || control_now(control) < control->next_tick_ms) return;
  control->next_tick_ms = control_now(control) + settings->tick_ms;
  settings->tick(settings->tick_ctx, control);
}
