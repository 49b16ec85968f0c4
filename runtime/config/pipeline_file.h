/* pipeline_file.h: a pipeline file, read and checked: what the rest of the runtime needs to know of it, every default filled
 * in. What only a plugin (its options) or librdkafka (its properties) can judge is left to them, with the nodes to say where.
 *
 * The forms `lua: FILE`, `keep: CODE`, `each: CODE` and `when: CODE` are all the plugin "lua". It gets a map of options that the file
 * does not have in this shape, with these keys, whose nodes keep their place in the file:
 *   lua: FILE  -> {script: FILE, options: {...}}    keep: CODE -> {keep: CODE, options: {...}}
 *   each: CODE -> {each: CODE, options: {...}}      when: CODE -> {when: CODE, options: {...}}
 * `options` is the user's own map, a TREE; it is missing when the user gave none. Beside lua, keep and each an entry may have `validate` and
 * `memory`: they come as they are, as further keys of that map, and the plugin checks them. CODE is taken as written: it is never interpolated.
 * `plugin: NAME` gets the user's options as they are. Relative paths start at `directory`. */
#ifndef WEIR_CONFIG_PIPELINE_FILE_H
#define WEIR_CONFIG_PIPELINE_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "config/kafka_settings.h"

struct report;
struct weir_config;

enum pipeline_delivery { AT_MOST_ONCE, AT_LEAST_ONCE, EXACTLY_ONCE };
enum pipeline_order { ORDER_PARTITION, ORDER_KEY, ORDER_NONE };
enum pipeline_start { START_EARLIEST, START_LATEST, START_ERROR };
enum pipeline_on_failure { ON_FAILURE_DEAD_LETTER, ON_FAILURE_STOP, ON_FAILURE_DISCARD };
enum pipeline_form { FORM_PLUGIN, FORM_LUA, FORM_KEEP, FORM_EACH };

/* An entry of `stages` or `sinks`. */
struct pipeline_step {
  const char *label; /* unique among stages and sinks; at most LIMIT_LABEL bytes of letters, digits, '.', '_', '-' */
  enum pipeline_form form;
  const char *plugin;                     /* name, or file with a slash in it; "lua" for lua, keep and each */
  const struct weir_config *options;      /* map for the plugin, NULL: none */
  const struct weir_config *when;         /* map for the plugin "lua", NULL: always */
  const struct kafka_sink_options *kafka; /* of the sink `plugin: kafka`, which is the runtime's own; else NULL */
  uint32_t attempts;                      /* at least 1; 1: no retry */
  int64_t backoff_ms, backoff_max_ms;
  enum pipeline_on_failure on_failure;
  int64_t deadline_ms;            /* of one batch */
  const struct weir_config *node; /* the entry, for messages */
};

/* Read-only after pipeline_file_open(); every string and node lives until pipeline_file_close(). */
struct pipeline_file {
  const char *path;      /* as given */
  const char *directory; /* absolute, of the file, without a slash at the end unless it is the root */
  const char *pipeline;  /* its name */
  struct kafka_settings kafka;
  const char *const *topics; /* names, or expressions that start with ^ */
  size_t topic_count;
  const char *group;
  enum pipeline_start start;
  const char *instance; /* group.instance.id: the override, else source.instance; NULL: a dynamic member */
  enum pipeline_delivery delivery;
  enum pipeline_order order;
  uint32_t lanes;   /* at least 1 */
  bool lanes_given; /* else it is what the machine grants */
  uint32_t batch_records;
  int64_t batch_bytes, batch_wait_ms;
  int64_t commit_every_ms;
  uint32_t commit_records, commit_uncommitted;
  int64_t drain_ms, shutdown_ms;
  int64_t memory_bytes;
  struct pipeline_step *stages, *sinks;
  uint32_t stage_count, sink_count;
  const char *dead_letter;                 /* topic, NULL: none */
  uint32_t quarantine_after;               /* deaths of a record alone in its batch, 0: no quarantine */
  const char *quarantine_folder;           /* as written, NULL: the environment says */
  const char *const *exactly_once_refused; /* sentences why this pipeline cannot have it */
  size_t exactly_once_refused_count;
  const struct weir_config *root; /* the whole tree */
  struct pipeline_memory *memory; /* what all of this lies in */
};

/* Whether a stage or sink can have its plugin; what is wrong goes to the report. */
typedef void pipeline_judge(
    void *ctx, const struct pipeline_file *file, const struct pipeline_step *step, bool sink, struct report *report);

/* What the command line says; it wins over the file. Strings are copied. */
struct pipeline_overrides {
  const char *instance;  /* --instance, NULL: not given */
  size_t tree_bytes_max; /* budget for what is read, 0: LIMIT_TREE_BYTES; tests make it small */
  /* Asked about each plugin of a file that is wrong, so that one report also has the plugins that do not exist; NULL: nobody is. */
  pipeline_judge *judge;
  void *judge_ctx;
};

/* [main] Reads and checks. `overrides` may be NULL. NULL: it is not usable, and `report` says why. */
struct pipeline_file *pipeline_file_open(
    const char *path, const struct pipeline_overrides *overrides, struct report *report);
void pipeline_file_close(struct pipeline_file *file); /* NULL is fine */

/* The options that a step really has, fallbacks filled in, secrets masked. NULL: none. */
typedef const struct weir_config *pipeline_options(void *ctx, const struct pipeline_step *step);
/* The pipeline as YAML with every default written out, and secrets as "***". `options` NULL: as the file has them. */
void pipeline_file_print(const struct pipeline_file *file, FILE *out, pipeline_options *options, void *ctx);

/* A path of the file made absolute, in a new string to free(). NULL: no memory. */
char *pipeline_file_path(const struct pipeline_file *file, const char *path);

const char *pipeline_delivery_name(enum pipeline_delivery delivery);
const char *pipeline_order_name(enum pipeline_order order);
const char *pipeline_start_name(enum pipeline_start start);
const char *pipeline_on_failure_name(enum pipeline_on_failure on_failure);

#endif
