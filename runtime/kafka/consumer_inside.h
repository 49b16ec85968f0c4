/* consumer_inside.h: the consumer as its own files see it: consumer.c (life), rebalance.c (partitions come and go),
 * start_offsets.c (where they start), watch.c (what is wrong outside), committer.c and feed.c (read the table of what is owned).
 *
 * All of it belongs to the control thread, but for `handle` and `queue`, which librdkafka guards, and what has a lock. */
#ifndef WEIR_KAFKA_CONSUMER_INSIDE_H
#define WEIR_KAFKA_CONSUMER_INSIDE_H
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include "kafka/budget.h"
#include "kafka/client.h"
#include "kafka/consumer.h"
#include "kafka/strategy.h"

enum { CONSUMER_MAGIC = 0x5e1c0f27, CONSUMER_MEMBER_MAX = 256, CONSUMER_TROUBLES = 16, REPORTED_WORDS_MAX = 512 };

/* A partition of the current assignment. */
struct owned {
  char *topic;
  int32_t partition;
  int64_t start;     /* of this assignment */
  int64_t confirmed; /* newest offset that the broker confirmed in it; no commit goes below */
  int64_t low, end;  /* what the partition held when it was assigned, -1: not known */
  bool was_committed;
  bool without_leader; /* when it was last looked at */
};

/* A topic of which a partition is or was owned. */
struct known_topic {
  char *name;
  int32_t partitions;
  /* All partitions below this one have a commit of the group, so one at or above it without a commit is new. 0: not known. It is
   * the number in the metadata of each commit. */
  int32_t started;
};

/* One kind of trouble that was told. */
struct trouble {
  int32_t code;
  int64_t next_ms;
};

/* One error as librdkafka said it, on whichever thread. */
struct reported {
  int code;
  char words[REPORTED_WORDS_MAX];
};

struct consumer {
  struct client client;
  uint32_t magic;
  rd_kafka_t *handle;
  rd_kafka_queue_t *queue; /* what consumer_poll() serves; for consumer_wake() */
  const struct pipeline_file *file;
  const struct clock *clock;
  struct consumer_events events;
  struct strategy strategy;
  struct kafka_budget budget;
  int64_t resolve_ms; /* bound for starts_resolve() */
  rd_kafka_topic_partition_list_t *subscription;
  bool joined; /* subscribed */
  bool left, leave_confirmed;
  char member[CONSUMER_MEMBER_MAX];

  struct owned *owned;
  size_t owned_count;
  struct known_topic *topics;
  size_t topic_count;
  struct retired *retired; /* queues of partitions that are owned no more, each partition once */
  int64_t leave_at_ms;     /* an assignment was not taken: leave the group then. 0: nothing to do */
  int64_t rejoin_at_ms;    /* left: join again then. 0: nothing to do */
  /* Assigned and left out, because nobody could say where it starts; looked at now and then. NULL: none. */
  char *left_out;
  int32_t left_out_partition;
  int64_t left_out_look_ms;
  int64_t recount_at_ms;
  bool over_budget_told;

  pthread_mutex_t reported_lock;
  struct reported reported[CONSUMER_TROUBLES]; /* under it: what watch_serve() has not taken, each code once */
  size_t reported_count;                       /* under it */
  struct trouble troubles[CONSUMER_TROUBLES];
  bool suspect;      /* brokers or topics may be missing: look */
  bool missing_told; /* and that was told */
  int64_t look_at_ms;
};

/* The entry of a partition, NULL: not owned. */
struct owned *consumer_owned(const struct consumer *consumer, const char *topic, int32_t partition);
/* The topic's entry, made when it is new. */
struct known_topic *consumer_topic(struct consumer *consumer, const char *name);
/* Metadata of a commit in this topic, in a new string for librdkafka to free(). */
char *consumer_commit_metadata(struct consumer *consumer, const char *topic);

/* --- rebalance.c --- */
void rebalance_callback(
    rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque);
/* Everything owned goes, as lost: the cluster did not get to say so. */
void rebalance_drop_all(struct consumer *consumer);
/* Carries out what a refused assignment left to do. */
void rebalance_tick(struct consumer *consumer, int64_t now_ms);

void rebalance_forget(struct consumer *consumer, const char *topic, int32_t partition);

/* --- leaderless.c --- */
/* Takes the partitions from `first` on that have no leader, and so no start, out of the assignment. True: there were some. */
bool leaderless_leave_out(struct consumer *consumer, size_t first);
/* The partition that was left out goes, or all do (`topic` NULL). */
void leaderless_forget(struct consumer *consumer, const char *topic, int32_t partition);
/* Looks whether the partition that was left out has a leader: then the group is joined again. */
void leaderless_tick(struct consumer *consumer, int64_t now_ms);

/* --- retired.c --- */
/* Takes over queue and topic of a partition that is unassigned, and empties the queue. */
void retired_add(struct consumer *consumer, rd_kafka_queue_t *queue, char *topic, int32_t partition);
/* Before the partition is read again: what is in its old queue is stale. */
void retired_end(struct consumer *consumer, const char *topic, int32_t partition);
/* Behind the last poll. */
void retired_end_all(struct consumer *consumer);

/* --- start_offsets.c --- */
/* Finds and commits the starts of the owned partitions from `first` on; blocks up to consumer->resolve_ms. False: err. */
bool starts_resolve(struct consumer *consumer, size_t first, struct error *err);
/* The group has gone on meanwhile: it divides its partitions anew, or has. */
bool starts_is_outdated(const struct error *err);
/* Counts again, now and then, how many partitions of each topic the group has started. */
void starts_tick(struct consumer *consumer, int64_t now_ms);

/* --- watch.c --- */
/* Any thread that serves a queue of this consumer. */
void watch_error_callback(rd_kafka_t *handle, int code, const char *reason, void *opaque);
/* Takes what the callback was told. */
void watch_serve(struct consumer *consumer);
/* An error that came through consumer_poll(). */
void watch_message(struct consumer *consumer, const rd_kafka_message_t *message);
/* Looks for what is missing, when that is due. */
void watch_tick(struct consumer *consumer, int64_t now_ms);
/* Tells the host, at most every LIMIT_TROUBLE_MS for one code. */
void watch_tell(struct consumer *consumer, const struct error *err);

#endif
