/* log.h: lines to stderr, for people. A line is "2026-11-23T17:20:01.123Z INFO  lane 0: text"; on a terminal short and coloured.
 * One writer lock, no allocation; a blocked stderr drops lines and counts them rather than stop the worker. Any thread. */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>

/* Levels are the public ones: WEIR_DEBUG, WEIR_INFO, WEIR_WARN, WEIR_ERROR. */

/* [main] Before any other thread. `least`: what is below is not written. `json`: one object a line (time, level, component, text). */
void log_init(weir_level least, bool json);

/* `component`: who speaks ("worker", "lane 0", "kafka", a stage's label). Control characters in the text are shown as \xNN. */
void log_line(weir_level level, const char *component, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* At most one line per `every_ms` for one `struct log_limit`; what was held back is counted and told with the next line.
 * The limit is the caller's, static or in its object, zero at the start. Returns true when the line was written. */
struct log_limit {
  _Atomic int64_t next_ms;
  _Atomic uint32_t held;
};
bool log_limited(struct log_limit *limit, int64_t every_ms, weir_level level, const char *component, const char *format,
    ...) __attribute__((format(printf, 5, 6)));

/* A line at the bottom of a terminal that is redrawn (the progress of `weir run`); log lines are written above it. NULL takes it
 * away. Nothing happens when stderr is no terminal. */
void log_status(const char *text);
/* stderr is a terminal, NO_COLOR is not set and TERM is not dumb. */
bool log_on_terminal(void);

#endif
