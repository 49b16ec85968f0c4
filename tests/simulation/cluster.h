/* cluster.h: the model broker: three topics, one consumer group, and the network in front of it. It knows nothing of weir.
 *
 * Source records are made by the play; what is written to the other two topics is told to the checks. A request that arrives is carried out;
 * whether its answer arrives is another matter. */
#ifndef WEIR_SIMULATION_CLUSTER_H
#define WEIR_SIMULATION_CLUSTER_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

enum { PARTITIONS_MAX = 4, MEMBERS_MAX = 12, METADATA_MAX = 48, LOG_MAX = 1024 };
enum topic { TOPIC_IN, TOPIC_OUT, TOPIC_DEAD, TOPICS };
extern const char *const topic_names[TOPICS];

/* What every record carries as its value, from the source to the outputs. */
struct payload {
  int32_t partition; /* of the source */
  uint32_t child;
  int64_t offset;
  uint32_t processed; /* a stage went over it */
  uint32_t epoch;     /* of the worker that processed it */
};

/* One offset of a source partition. */
struct source_record {
  bool is_record; /* else a hole: compacted away, or the marker of a transaction */
  struct payload payload;
};

struct source_log {
  struct source_record records[LOG_MAX];
  int64_t end;
};

struct committed {
  int64_t offset; /* -1: nothing */
  char metadata[METADATA_MAX];
};

/* How unreliable everything is now, each in thousandths. */
struct faults {
  uint32_t request_lost, answer_lost, commit_refused, delivery_lost;
  int64_t latency_us; /* at the most */
  bool cluster_away;
};

struct cluster {
  int32_t partitions;
  struct source_log logs[PARTITIONS_MAX];
  struct committed committed[PARTITIONS_MAX];
  int64_t session_us, rebalance_us;
  struct faults faults;
  int64_t written[TOPICS][PARTITIONS_MAX]; /* ends of the outputs */
};
extern struct cluster cluster;

void cluster_reset(int32_t partitions);
/* A record, or a hole, at the end of a source partition; those that read it hear of it. */
void cluster_append(int32_t partition, bool is_record);

/* --- the network --- */

struct rd_kafka_s;
/* When a request that this client sends now arrives. False: never. */
bool cluster_sends(const struct rd_kafka_s *client, int64_t *arrives_us);
/* When an answer that is sent now arrives. False: never. */
bool cluster_answers(uint64_t client, int64_t *arrives_us);

/* --- the group: all of it is carried out now --- */

/* `member` is the client's own choice, never used before. The answer comes when the others have joined, too. */
void group_join(uint64_t client, uint64_t member);
void group_leave(uint64_t member);
/* A coordinator that lost its memory of it. */
void group_forget(uint64_t member);
rd_kafka_resp_err_t group_heartbeat(uint64_t member, int32_t generation);

struct commit_line {
  int32_t partition;
  int64_t offset;
  rd_kafka_resp_err_t err;
  char metadata[METADATA_MAX];
};
/* Carries out an OffsetCommit: it checks member and generation, and nothing else. */
void group_commit(uint64_t member, int32_t generation, struct commit_line *lines, uint32_t count);
/* The partitions that a member has, as bits. */
uint32_t group_share(uint64_t member);
/* Nobody joins, and all members have been heard since their assignment. */
bool group_is_stable(void);

/* --- for the client: implemented by client_group.c --- */
void client_joined(uint64_t client, uint64_t member, int32_t generation, uint32_t share);
/* There is more in a source partition. */
void clients_fetch(int32_t partition);

#endif
