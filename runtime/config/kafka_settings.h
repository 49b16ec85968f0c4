/* kafka_settings.h: brokers, librdkafka properties and the options of the runtime's own sink, as a pipeline file has them.
 * Whether librdkafka knows a property is asked in kafka/, which links it; what weir must own is refused here. */
#ifndef WEIR_CONFIG_KAFKA_SETTINGS_H
#define WEIR_CONFIG_KAFKA_SETTINGS_H
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct report;
struct settings;
struct weir_config;

/* One librdkafka property. */
struct kafka_property {
  const char *name, *value;
  bool masked;                    /* never shown: its name says that it is a secret, or its value came from a file */
  const struct weir_config *node; /* for messages */
};

/* All strings live as long as the pipeline file. */
struct kafka_settings {
  const char *brokers; /* "host:port,host:port"; of a sink NULL: the pipeline's */
  const struct kafka_property *properties;
  size_t property_count; /* of a sink with brokers of its own: only its own; without: to be set after the pipeline's */
};

/* `plugin: kafka` among the sinks. */
struct kafka_sink_options {
  const char *topic;         /* where records go that name no other */
  const char *partitioner;   /* librdkafka's name for it */
  bool keep_partition;       /* `partition: source`: the number of the source's partition */
  const char *const *routes; /* POSIX extended expressions, each starting with ^: topics that a stage may set */
  size_t route_count;        /* 0: any topic that a stage sets is REJECT */
  struct kafka_settings kafka;
  const struct weir_config *node; /* the options' map */
};

/* Reads `brokers` and `properties` out of a map that has them. Errors go to the report of `settings`. */
void kafka_settings_read(struct settings *settings, struct arena *arena, struct kafka_settings *kafka);
/* Reads a sink's options; `entry` is the sink's node, for messages when there are none. NULL: no memory (reported). */
const struct kafka_sink_options *kafka_sink_read(
    const struct weir_config *entry, const struct weir_config *options, struct arena *arena, struct report *report);
/* The value of a property that is set, NULL: it is not. */
const char *kafka_property_value(const struct kafka_settings *kafka, const char *name);

/* What is wrong with a topic's name, NULL: nothing. 1 to 249 letters, digits, '.', '_' and '-', not "." or "..". */
const char *kafka_topic_flaw(const char *topic);
/* The same for a name or an expression that starts with ^. Expressions that take long to compile or to match are refused. */
const char *kafka_pattern_flaw(const char *pattern);
/* A pattern that starts with ^ is an expression, anything else the name itself. */
bool kafka_pattern_matches(const char *pattern, const char *topic);
/* The name in a node, reported when it can be none. */
bool kafka_read_topic(struct report *report, const struct weir_config *node, const char **topic);
/* A list of names and expressions under a key, each checked; as settings_list(). */
bool kafka_read_patterns(
    struct settings *settings, const char *key, struct arena *arena, const char *const **patterns, size_t *count);

#endif
