/* progress.c: rates are differences of two sums over a few seconds, so nothing is counted for them on the lanes. */
#include "host/progress.h"
#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>

enum { TERMINAL_EVERY_MS = 300, LOG_EVERY_MS = 30000, ESTIMATE_AFTER_MS = 10000, RATE_OVER_MS = 5000 };

int64_t progress_every_ms(bool on_terminal) { return on_terminal ? TERMINAL_EVERY_MS : LOG_EVERY_MS; }

void progress_init(struct progress *progress, int64_t now_ms, bool until_end) {
  *progress = (struct progress){.started_ms = now_ms, .logged_ms = now_ms, .until_end = until_end};
}

static uint64_t settled(const struct tally *tally) { return tally->in - tally_in_flight(tally); }

static void sample(struct progress *progress, const struct control_view *view, int64_t now_ms) {
  progress->samples[progress->count++ % PROGRESS_SAMPLES] =
      (struct progress_sample){now_ms, settled(&view->tally), view->until_remaining};
}

static const struct progress_sample *newest(const struct progress *progress) {
  return &progress->samples[(progress->count - 1) % PROGRESS_SAMPLES];
}

/* The oldest of the last seconds, at least the one before the newest. */
static const struct progress_sample *oldest(const struct progress *progress) {
  const struct progress_sample *last = newest(progress), *found = last;
  for (size_t back = 2; back <= progress->count && back <= PROGRESS_SAMPLES; back++) {
    const struct progress_sample *before = &progress->samples[(progress->count - back) % PROGRESS_SAMPLES];
    if (back > 2 && last->at_ms - before->at_ms > RATE_OVER_MS) break;
    found = before;
  }
  return found;
}

int64_t progress_rate(const struct progress *progress) {
  if (progress->count < 2) return 0;
  int64_t took_ms = newest(progress)->at_ms - oldest(progress)->at_ms;
  if (took_ms <= 0) return 0;
  return (int64_t)(newest(progress)->settled - oldest(progress)->settled) * 1000 / took_ms;
}

/* Milliseconds until everything below the ends is committed, -1: it cannot be told. */
static int64_t estimate(const struct progress *progress, int64_t now_ms) {
  if (!progress->until_end || progress->count < 2 || now_ms - progress->started_ms < ESTIMATE_AFTER_MS) return -1;
  const struct progress_sample *from = oldest(progress), *to = newest(progress);
  if (from->remaining < 0 || to->remaining < 0 || from->remaining <= to->remaining) return -1;
  return to->remaining * (to->at_ms - from->at_ms) / (from->remaining - to->remaining);
}

static size_t add(char *into, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static size_t add(char *into, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int written = vsnprintf(into + size, PROGRESS_TEXT_MAX - size, format, args);
  va_end(args);
  must(written >= 0);
  size += (size_t)written;
  return size < PROGRESS_TEXT_MAX ? size : PROGRESS_TEXT_MAX - 1;
}

const char *progress_text(
    char into[PROGRESS_TEXT_MAX], const struct progress *progress, const struct control_view *view, int64_t now_ms) {
  char rate[TEXT_MAX], lag[TEXT_MAX], flight[TEXT_MAX], done[TEXT_MAX], left[TEXT_MAX];
  if (!view->joined) {
    add(into, 0, "joining the group (%s)", text_of_duration(left, now_ms - progress->started_ms));
    return into;
  }
  size_t size = add(into, 0, "%s records/s, lag %s, in flight %s, settled %s, %u partition%s",
      text_of_count(rate, progress_rate(progress)), text_of_count(lag, view->lag),
      text_of_count(flight, (int64_t)tally_in_flight(&view->tally)),
      text_of_count(done, (int64_t)settled(&view->tally)), view->assigned, view->assigned == 1 ? "" : "s");
  if (view->stopped) size = add(into, size, ", %u of them STOPPED", view->stopped);
  if (view->draining) size = add(into, size, ", draining");
  int64_t left_ms = estimate(progress, now_ms);
  if (left_ms >= 0) add(into, size, ", about %s left", text_of_duration(left, left_ms / 1000 * 1000));
  return into;
}

void progress_show(struct progress *progress, const struct control_view *view, int64_t now_ms) {
  char text[PROGRESS_TEXT_MAX];
  sample(progress, view, now_ms);
  progress_text(text, progress, view, now_ms);
  log_status(text);
  if (now_ms - progress->logged_ms < LOG_EVERY_MS) return;
  progress->logged_ms = now_ms;
  log_line(WEIR_INFO, "worker", "%s", text);
}

void progress_end(void) { log_status(NULL); }
