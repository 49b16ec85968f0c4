/* lines.h: records as lines of text, for sinks that write to a file or a terminal. */
#ifndef WEIR_PLUGINS_COMMON_LINES_H
#define WEIR_PLUGINS_COMMON_LINES_H
#include <stdbool.h>
#include <weir/plugin.h>

enum line_format {
  LINE_VALUE,  /* the value and a line end */
  LINE_JSONL,  /* one JSON object: topic, partition, offset, child, timestamp, key, value, headers */
  LINE_PRETTY, /* for people: topic/partition@offset key: value; what is no text shows as \xNN */
};

enum line_fault {
  LINE_FINE = 0,
  LINE_BREAK,     /* VALUE: the value has a line break, so it would become two */
  LINE_NO_VALUE,  /* VALUE: the value is null, for which there is no line */
  LINE_NO_MEMORY, /* the text is as it was */
};

enum { LINES_KEEP_BYTES = 4 << 20 }; /* a larger buffer is given back by lines_clear() */

/* Lines that gather in memory; zero at the start; one thread at a time. */
struct lines {
  uint8_t *data;
  size_t size, capacity;
};

void lines_fini(struct lines *lines);
void lines_clear(struct lines *lines);
/* [process] Appends the line of record `index`. On a fault nothing is appended. */
enum line_fault lines_add(
    struct lines *lines, enum line_format format, const weir_host *host, const weir_batch *batch, uint32_t index);
/* The reason to reject a record that LINE_VALUE cannot write: BREAK or NO_VALUE. */
weir_reason lines_reason(enum line_fault fault);
/* "value", "jsonl" or "pretty", which the host has checked. */
enum line_format lines_format(weir_span name);

#endif
