/* probe.h: the client that the tests trust. weir-probe shares no code with weir: what it counts is what a stranger would
 * count who reads the topics.
 *
 * A generated record carries its identity twice, so that a mix-up between records shows:
 *   header "probe-id"   its id in decimal: unique within the topic, from --first-id upwards
 *   header "probe-seq"  its place among the records generated for its partition, from 0, in decimal
 *   value               {"id":ID,"partition":P,"seq":SEQ,"pad":"xx.."} of --size bytes, or --template with {id}, {seq}
 *                       and {partition} replaced, or the next line of --file
 *   key                 none; with --keys K "k<id mod K>", and the partition is the one that Java's partitioner gives it
 * --bare leaves the headers out: then the number behind the first "id": of the value is the identity.
 * --odd makes records that test byte for byte copies: null, empty and binary keys and values, repeated headers, a header
 * without a value, old timestamps; their identity is in the header alone. */
#ifndef PROBE_H
#define PROBE_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "history.h"

enum { EXIT_FINE = 0, EXIT_WRONG = 1, EXIT_USAGE = 2 };
enum { ARGUMENT_MAX = 64, PATIENCE_MS = 60000, CONNECT_MS = 20000 };

/* A command's arguments; points into argv. */
struct arguments {
  const char *command;
  const char *words[4]; /* what is no option */
  int word_count;
  struct {
    const char *name, *value;
  } options[ARGUMENT_MAX];
  int option_count;
};

/* Say it on stderr and end the process with this status. */
_Noreturn void probe_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* probe_arguments.c. `spec`: option names that the command takes, a '=' at the end where a value follows; NULL ends.
 * Anything else is refused with the list. */
void arguments_parse(struct arguments *arguments, int argc, char **argv, const char *const *spec);
/* The option's value ("" for a flag), NULL: not given. A repeated option: `nth` counts from 0. */
const char *arguments_nth(const struct arguments *arguments, const char *name, int nth);
const char *arguments_text(const struct arguments *arguments, const char *name, const char *fallback);
int64_t arguments_int(const struct arguments *arguments, const char *name, int64_t fallback);
/* "50ms", "3s", "2m" as milliseconds. */
int64_t arguments_time(const struct arguments *arguments, const char *name, int64_t fallback_ms);
/* The word at `index`, or a usage error that asks for `what`. */
const char *arguments_word(const struct arguments *arguments, int index, const char *what);

/* probe_client.c */
int64_t now_us(void); /* of a clock that never goes back */
void sleep_until_us(int64_t at_us);
/* A handle on the brokers of --brokers, else WEIR_BROKERS, else localhost:9092; every -X name=value is set last. `set`: name,
 * value, name, value, NULL. The conf's opaque and callbacks are the caller's to set: pass a conf made by client_conf(). */
rd_kafka_conf_t *client_conf(const struct arguments *arguments, const char *const *set);
rd_kafka_t *client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* How many partitions the topic has; 0: there is no such topic. Fails the process when no broker answers. */
int client_partitions(rd_kafka_t *client, const char *topic);
/* As above, and a topic that is not there fails the process with the names that are. */
int client_partitions_of(rd_kafka_t *client, const char *topic);
/* What a partition holds. A broker that has just come back does not lead it yet and is asked again; fails the process when it never does. */
void client_range(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *first, int64_t *end);
/* Whether the broker has the administration calls: librdkafka's mock broker has not. */
bool client_administrable(rd_kafka_t *client);
/* A handle that asks about the group without being in it, which disturbs nobody. */
rd_kafka_t *client_outsider(const struct arguments *arguments, const char *group);
/* Committed offsets of the list's partitions into it, RD_KAFKA_OFFSET_INVALID where there is none. False: not known now; a
 * time-out says "none" per partition, so only the overall and each element's success together are an answer. */
bool client_committed(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list);
/* Their ends, what open transactions wrote included. False: not known now. */
bool client_ends(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list);
/* All partitions of a topic that must be there; to be destroyed. */
rd_kafka_topic_partition_list_t *client_all_partitions(rd_kafka_t *client, const char *topic);

/* probe_look.c: what a group has committed and, behind that, how far the topics reach. */
struct look_events {
  void *ctx;
  void (*end)(void *ctx, enum history_place place, int32_t topic, int32_t partition, int64_t offset);
  void (*commit)(void *ctx, int32_t partition, int64_t offset); /* offset -1: the group has none */
};
struct looker; /* owned by its creator; one thread */
/* Of the options --output (several) and --dead, and of these two. */
struct looker *looker_open(const struct arguments *arguments, const char *group, const char *source);
void looker_close(struct looker *looker);
/* Tells what is committed anew since the last look, `all`: everything; behind all ends. False: the broker did not answer. */
bool looker_look(struct looker *looker, bool all, const struct look_events *events);

/* probe_read.c: a whole topic through a plain consumer that is member of no group. */
struct reading {
  bool committed_only; /* isolation.level=read_committed */
  bool until_end;      /* stop where the ends were at the start */
  int64_t count_max;   /* stop after so many, 0: no limit */
  int64_t for_ms;      /* stop after so long, 0: no limit */
  int partition;       /* -1: all */
};
/* Calls `each` for every record, in offset order within a partition. Returns how many. */
int64_t read_topic(const struct arguments *arguments, const char *topic, const struct reading *reading,
    void (*each)(void *ctx, const rd_kafka_message_t *message), void *ctx);

/* probe_watch.c: what `watch --out` wrote, into the history. */
void watch_read(const char *path, struct history *history);

/* The commands, one file each; they return the exit status. */
int command_topic(int argc, char **argv);
int command_produce(int argc, char **argv);
int command_consume(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_offsets(int argc, char **argv);
int command_watch(int argc, char **argv);
int command_members(int argc, char **argv);

#endif
