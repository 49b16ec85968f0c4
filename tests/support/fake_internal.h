/* fake_internal.h: what the files of the fake host share. */
#ifndef WEIR_TESTS_FAKE_INTERNAL_H
#define WEIR_TESTS_FAKE_INTERNAL_H
#include <pthread.h>
#include <stdio.h>
#include <weir/ext/worker.h>
#include "fake_host.h"

_Noreturn void fake_misbehaving(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define fake_rule(holds, ...) ((holds) ? (void)0 : fake_misbehaving(__VA_ARGS__))

/* ---- fake_config.c: the options as a tree ---- */
enum { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct weir_config {
  int kind;
  char *text;    /* scalars */
  bool is_plain; /* without quotes, no block */
  bool is_block;
  struct weir_config *key; /* of an entry of a map */
  struct weir_config **entries;
  uint32_t count, line, column;
  const char *file;
  const weir_option *options; /* of the root: fallbacks come from here */
  uint32_t option_count, option_stride;
  struct weir_config **fallbacks; /* of the root, by option, made when asked for */
};

/* NULL text: an empty map. Aborts on what is not YAML. `file` is kept. */
struct weir_config *fake_config_parse(const char *yaml, const char *file, uint32_t line);
void fake_config_free(struct weir_config *node);
const struct weir_config *fake_config_find(const struct weir_config *node, const char *name);
/* NULL: all is as declared; else a sentence in `text`, and the node it is about. */
const struct weir_config *fake_config_check(const struct weir_config *map, const weir_option *options, uint32_t count,
    uint32_t stride, char *text, size_t text_size);
void fake_config_functions(weir_host *table);

/* ---- The host ---- */
struct weir_metric {
  struct weir_metric *next;
  weir_metric_kind kind;
  char *name;
  int64_t value;
};

struct fake_line {
  struct fake_line *next;
  weir_level level;
  char *text;
};

struct fake_partition {
  struct fake_partition *next;
  weir_partition public;
  char *topic;
  void *state;
  int64_t next_offset;
  bool assigned;
};

/* A span that was handed over to be kept and lies outside of the batch: it must live, unchanged, until release(). */
struct fake_kept {
  struct fake_kept *next;
  weir_span span;
  uint8_t *copy;
};

struct fake_host {
  weir_host table; /* first: the plugin hands it back */
  weir_worker worker;
  const weir_plugin *plugin;
  char *directory, *instance, *options, *file;
  uint32_t line;
  struct weir_config *config;
  void *shared, *self;
  bool prepared, created;
  pthread_t lane;
  pthread_mutex_t lock; /* guards what [any] functions touch: metrics, log, tickets, wake_at, completions */
  pthread_cond_t changed;
  int64_t now_ms, wall_ms, wake_at;
  bool wake_asked;
  char failure[2048];
  struct weir_metric *metrics;
  struct fake_line *lines;
  struct fake_partition *partitions, *current;
  struct fake_batch *batches;
  uint64_t next_ticket, next_epoch;
  size_t budget;
  uint32_t emit_limit;
  struct fake_kept *kept;
};

/* Programmer errors of the plugin: not on the lane's thread. */
void fake_on_lane(const weir_host *host, const char *function);

/* ---- fake_batch.c, fake_services.c ---- */
struct fake_block {
  struct fake_block *next;
  size_t size;
  uint8_t bytes[] __attribute__((aligned(16)));
};

struct fake_fields { /* what a stage may change */
  weir_span key, value, topic;
  int64_t timestamp_ms;
  weir_header *headers; /* a block of the batch's */
  uint32_t header_count;
};

struct fake_shown { /* copies for the test, NUL-terminated */
  char *key, *value, *topic, *headers;
};

struct fake_child {
  uint32_t parent;
  struct fake_fields fields;
};

struct fake_record {
  struct fake_fields original, now;
  int64_t offset;
  uint32_t attempt;
  weir_verdict verdict;
  bool deferred, completed;
  char code[65], text[1025];
  int64_t retry_after_ms;
  struct fake_shown shown;
};

struct fake_batch {
  weir_batch *public; /* on its own, freed when the plugin may not read it any more: then NULL */
  struct fake_host *fake;
  struct fake_batch *next;
  struct fake_record *records;
  const weir_partition *from;
  void *state;
  uint32_t record_count, record_room;
  int64_t opened_wall_ms;
  struct fake_block *blocks;
  size_t allocated;
  struct fake_child *children;
  uint32_t child_count;
  struct fake_emitted *emitted;
  uint32_t emitted_count;
  weir_ticket ticket;
  bool open, running, ran;
};

/* A copy in a block of the batch's own memory, of exactly its size. */
weir_span fake_batch_copy(struct fake_batch *batch, weir_span span);
void *fake_batch_block(struct fake_batch *batch, size_t size);
/* What the plugin may keep in a record: of this batch, else watched until release(). */
void fake_batch_keep(struct fake_batch *batch, weir_span span, const char *function);
/* Shows the plugin a record as it is now. */
void fake_batch_publish(struct fake_batch *batch, uint32_t index);
/* With the lock held. */
void fake_batch_settle(struct fake_batch *batch, uint32_t index, weir_verdict verdict, const weir_reason *why);
uint32_t fake_batch_left(const struct fake_batch *batch);
/* When nothing is deferred any more: keeps the outcomes, frees all that the plugin could reach. With the lock held. */
void fake_batch_seal(struct fake_batch *batch);
void fake_batch_free(struct fake_batch *batch);
void fake_service_functions(weir_host *table);
/* After destroy(): what was kept from outside of batches is still there and the same. */
void fake_kept_check(struct fake_host *fake);

#endif
