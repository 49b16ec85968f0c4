/* reader.h: a plain consumer of what the pipeline wrote: prints it, counts it, compares it with what was expected. What it says does not
 * depend on the workers. [main] */
#ifndef WEIR_SANDBOX_READER_H
#define WEIR_SANDBOX_READER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/error.h"

enum { READER_TOPICS_MAX = 32, READER_LAST_MAX = 20, READER_REASONS_MAX = 64, READER_TEXT_MAX = 300 };

struct keys;
struct reader;

/* One record, for printing; alive during the call. */
struct reader_record {
  const char *topic;
  int32_t partition;
  int64_t offset;
  weir_span key, value;
  const weir_header *headers;
  size_t header_count;
};

/* A topic that is read. */
struct reader_topic {
  const char *name;      /* the caller's */
  bool print;            /* give each record to the settings' `print` as it comes */
  size_t last;           /* keep so many of the newest for the end */
  bool dead_letters;     /* read the provenance */
  struct keys *expected; /* keys that must come, with how often they came; the reader's; NULL: nothing is expected */
  int64_t records;       /* read so far */
  int64_t overwritten;   /* gone from the broker before they could be read */
  uint64_t unexpected;   /* with a key that nobody expects */
};

/* Dead letters of one kind. */
struct reader_reason {
  char stage[READER_TEXT_MAX], code[READER_TEXT_MAX];
  char text[READER_TEXT_MAX], source[READER_TEXT_MAX]; /* of the first one: its reason, and "topic/partition@offset" */
  int64_t count;
};

struct reader_settings {
  int32_t partitions; /* of each topic */
  void (*print)(void *ctx, const struct reader_record *record);
  void *ctx;
};

struct reader *reader_create(const struct reader_settings *settings);
void reader_destroy(struct reader *reader); /* NULL is fine */
/* The entry of a topic, made when it is new; to be filled before reader_start(). NULL: too many. */
struct reader_topic *reader_topic(struct reader *reader, const char *name);
/* Reads the keys that must come in this topic from a file, one a line. */
bool reader_expect(struct reader_topic *topic, const char *path, struct error *err);

/* Starts reading every topic from its first record. */
bool reader_start(struct reader *reader, const char *address, struct error *err);
/* Handles what is there, waiting for it up to `timeout_ms`. */
void reader_step(struct reader *reader, int timeout_ms);
/* Every topic was read to what is its end now; asks the broker. */
bool reader_at_end(struct reader *reader);

size_t reader_topic_count(const struct reader *reader);
const struct reader_topic *reader_topic_at(const struct reader *reader, size_t index);
/* Calls `print` for the kept records of a topic, the oldest first. */
void reader_print_last(
    const struct reader_topic *topic, void (*print)(void *ctx, const struct reader_record *record), void *ctx);

/* Of the expected keys: how many never came, and how many records came beyond the first of their key. */
uint64_t reader_lost(const struct reader_topic *topic);
uint64_t reader_repeated(const struct reader_topic *topic);
/* Up to `most` of the keys that never came. Returns how many. */
size_t reader_lost_keys(const struct reader_topic *topic, weir_span *into, size_t most);

/* Dead letters: source records, the further times that one of them came, and the kinds. */
int64_t reader_dead(const struct reader *reader);
int64_t reader_dead_repeated(const struct reader *reader);
size_t reader_reasons(const struct reader *reader, const struct reader_reason **reasons);

#endif
