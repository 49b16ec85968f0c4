/* log.c: a line is built on the stack of who speaks and leaves in one write() of at most PIPE_BUF bytes, which a pipe takes
 * whole or not at all. Before it the descriptor is asked whether it takes anything: where it does not, the line is dropped
 * and counted, so a stopped terminal or a stuck collector never stops the worker. */
#include "base/log.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/span.h"
#include "base/text.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = PIPE_BUF, TEXT_BYTES = 2048, STATUS_BYTES = 512 };

/* Set by log_init() before other threads exist, read-only then. */
static struct {
  weir_level least;
  bool json, terminal;
} settings = {WEIR_INFO, false, false};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under the lock. */
static char status[STATUS_BYTES];
static uint64_t dropped;

static const char *const level_names[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
static const char *const level_words[] = {"debug", "info", "warn", "error"};
static const char *const level_colours[] = {"\x1b[2m", "", "\x1b[33m", "\x1b[31m"};

struct line {
  size_t size;
  char bytes[LINE_MAX_BYTES];
};

void log_init(weir_level least, bool json) {
  must(least >= WEIR_DEBUG && least <= WEIR_ERROR);
  const char *terminal = getenv("TERM");
  settings.least = least;
  settings.json = json;
  settings.terminal = isatty(STDERR_FILENO) && !getenv("NO_COLOR") && terminal && strcmp(terminal, "dumb") != 0;
}

bool log_on_terminal(void) { return settings.terminal; }

static void line_add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line_add(struct line *line, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = sizeof line->bytes - line->size;
  int size = vsnprintf(line->bytes + line->size, room, format, args);
  va_end(args);
  if (size > 0) line->size += (size_t)size < room ? (size_t)size : room - 1;
}

/* The text as it may be shown, leaving `reserve` bytes of the line free. */
static void line_add_text(struct line *line, const char *text, size_t reserve) {
  size_t room = sizeof line->bytes - line->size;
  must(room > reserve);
  line->size += text_escape(line->bytes + line->size, room - reserve, span_of(text));
}

/* Inside a JSON string. Backslashes come doubled out of here, so \xNN from text_escape() stays readable. */
static void line_add_json(struct line *line, const char *text, size_t reserve) {
  char shown[TEXT_BYTES + 1];
  text_escape(shown, sizeof shown, span_of(text));
  for (const char *at = shown; *at && line->size + reserve + 3 < sizeof line->bytes; at++) {
    if (*at == '"' || *at == '\\') line->bytes[line->size++] = '\\';
    line->bytes[line->size++] = *at;
  }
}

static void line_add_time(struct line *line, bool with_date) {
  int64_t ms = clock_wall(clock_real());
  time_t seconds = (time_t)(ms / 1000);
  struct tm parts;
  if (with_date)
    gmtime_r(&seconds, &parts);
  else
    localtime_r(&seconds, &parts);
  if (with_date) line_add(line, "%04d-%02d-%02dT", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
  line_add(
      line, "%02d:%02d:%02d.%03d%s", parts.tm_hour, parts.tm_min, parts.tm_sec, (int)(ms % 1000), with_date ? "Z" : "");
}

static void line_build(struct line *line, weir_level level, const char *component, const char *text) {
  if (settings.json) {
    line_add(line, "{\"time\":\"");
    line_add_time(line, true);
    line_add(line, "\",\"level\":\"%s\",\"component\":\"", level_words[level]);
    line_add_json(line, component, TEXT_BYTES);
    line_add(line, "\",\"text\":\"");
    line_add_json(line, text, 4);
    line_add(line, "\"}\n");
  } else if (settings.terminal) {
    line_add(line, "\r\x1b[K");
    line_add_time(line, false);
    line_add(line, " %s%s", level_colours[level], level_names[level]);
    line_add(line, "%s ", level_colours[level][0] ? "\x1b[0m" : "");
    line_add_text(line, component, TEXT_BYTES);
    line_add(line, ": ");
    line_add_text(line, text, STATUS_BYTES + 2);
    line_add(line, "\n");
  } else {
    line_add_time(line, true);
    line_add(line, " %s ", level_names[level]);
    line_add_text(line, component, TEXT_BYTES);
    line_add(line, ": ");
    line_add_text(line, text, 2);
    line_add(line, "\n");
  }
}

static bool takes_a_write(void) {
  struct pollfd descriptor = {.fd = STDERR_FILENO, .events = POLLOUT};
  return poll(&descriptor, 1, 0) == 1 && (descriptor.revents & POLLOUT);
}

/* Under the lock. */
static bool put(const struct line *line) {
  return takes_a_write() && write(STDERR_FILENO, line->bytes, line->size) == (ssize_t)line->size;
}

/* Under the lock. Says first what was lost before. */
static void put_dropped(void) {
  if (!dropped) return;
  struct line line = {0};
  char text[96];
  snprintf(text, sizeof text, "%llu log lines were lost: stderr took nothing", (unsigned long long)dropped);
  line_build(&line, WEIR_WARN, "log", text);
  if (put(&line)) dropped = 0;
}

static void write_line(weir_level level, const char *component, const char *text) {
  struct line line = {0};
  line_build(&line, level, component, text);
  pthread_mutex_lock(&lock);
  put_dropped();
  if (settings.terminal) line_add(&line, "%s", status);
  if (!put(&line)) dropped++;
  pthread_mutex_unlock(&lock);
}

void log_line(weir_level level, const char *component, const char *format, ...) {
  must(level >= WEIR_DEBUG && level <= WEIR_ERROR);
  if (level < settings.least) return;
  char text[TEXT_BYTES];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  write_line(level, component, text);
}

/* True for the one caller that may speak now. */
static bool limit_pass(struct log_limit *limit, int64_t every_ms) {
  int64_t now_ms = clock_now(clock_real()), next_ms = limit->next_ms;
  if (now_ms >= next_ms && atomic_compare_exchange_strong(&limit->next_ms, &next_ms, now_ms + every_ms)) return true;
  limit->held++;
  return false;
}

bool log_limited(
    struct log_limit *limit, int64_t every_ms, weir_level level, const char *component, const char *format, ...) {
  must(level >= WEIR_DEBUG && level <= WEIR_ERROR && every_ms >= 0);
  if (level < settings.least || !limit_pass(limit, every_ms)) return false;
  char text[TEXT_BYTES];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(text, sizeof text - 64, format, args);
  va_end(args);
  uint32_t held = atomic_exchange(&limit->held, 0);
  if (size >= (int)sizeof text - 64) size = (int)sizeof text - 65;
  if (held && size >= 0) snprintf(text + size, 64, " (%u more like it were held back)", held);
  write_line(level, component, text);
  return true;
}

/* Bytes of the text that fit in one row of the terminal, so that a redraw finds its own line again. */
static size_t fitting(const char *text) {
  struct winsize window = {0};
  size_t columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col - 1u : 79;
  size_t at = 0;
  weir_span rest = span_of(text);
  while (columns-- && rest.size) {
    size_t size = text_utf8(rest);
    size = size ? size : 1;
    rest = (weir_span){rest.data + size, rest.size - size};
    at += size;
  }
  return at;
}

void log_status(const char *text) {
  if (!settings.terminal) return;
  struct line line = {0};
  line_add(&line, "\r\x1b[K");
  pthread_mutex_lock(&lock);
  size_t size = text ? fitting(text) : 0;
  text_escape(status, sizeof status, (weir_span){(const uint8_t *)text, size});
  line_add(&line, "%s", status);
  put(&line);
  pthread_mutex_unlock(&lock);
}
