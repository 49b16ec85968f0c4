/* client.h: librdkafka as far as weir calls it, on top of the model broker. The functions have librdkafka's names and do what weir relies
 * on; everything else of weir is the real thing. Each client has a thread of its own, a fiber, in which answers arrive and callbacks
 * of queues run; those of rebalances and reports run in the thread that polls, as in librdkafka. */
#ifndef WEIR_SIMULATION_CLIENT_H
#define WEIR_SIMULATION_CLIENT_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include "cluster.h"

enum { PROPERTIES_SET_MAX = 48, PROPERTY_MAX = 64, CLIENTS_MAX = 64 };

struct process;

struct property_set {
  char name[PROPERTY_MAX], value[PROPERTY_MAX];
};

struct rd_kafka_conf_s {
  struct property_set set[PROPERTIES_SET_MAX];
  size_t count;
  void *opaque;
  void (*on_rebalance)(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *);
  void (*on_error)(rd_kafka_t *, int, const char *, void *);
  void (*on_delivery)(rd_kafka_t *, const rd_kafka_message_t *, void *);
};

struct rd_kafka_topic_s {
  rd_kafka_t *client;
  enum topic topic;
};

/* What stands in a queue. */
enum item_kind { ITEM_MESSAGE, ITEM_COMMIT, ITEM_REBALANCE };
struct item {
  rd_kafka_message_t message; /* first: rd_kafka_message_destroy() gets it */
  struct item *next;
  enum item_kind kind;
  uint64_t version; /* of its partition's reading */
  rd_kafka_resp_err_t code;
  rd_kafka_topic_partition_list_t *list;
};

struct rd_kafka_queue_s {
  rd_kafka_t *client;
  struct toppar *of; /* NULL: not of a partition */
  struct item *first, **end;
  size_t count;
  bool own; /* of a partition: taken out of the consumer's */
  bool yield, closed;
  void (*on_event)(rd_kafka_t *, void *);
  void *opaque;
};

/* A source partition as a consumer reads it. */
struct toppar {
  rd_kafka_t *client;
  int32_t partition;
  int64_t position, eof_told;
  uint64_t version;
  bool active, fetching;
  struct rd_kafka_queue_s queue;
};

/* Something for the client's thread. */
struct errand_of_client {
  struct errand_of_client *next;
  void (*run)(rd_kafka_t *client, struct errand_of_client *errand);
  uint64_t client; /* its number */
};

enum membership { MEMBER_OUT, MEMBER_JOINING, MEMBER_ASSIGNING, MEMBER_UP, MEMBER_REVOKING };
enum after_revoke { THEN_REJOIN, THEN_STAY_OUT, THEN_CLOSE };

struct consumer_part {
  struct rd_kafka_queue_s queue, *served; /* of rebalances and errors; `served` is the one that is polled */
  struct toppar toppars[PARTITIONS_MAX];
  enum membership membership;
  enum after_revoke then;
  uint64_t member, members; /* member's number; how many it had */
  int32_t generation;
  uint32_t share;
  bool lost, revoke_due, closed;
  int64_t heard_us, joined_us;
};

struct outgoing_message;
struct producer_part {
  struct rd_kafka_queue_s queue;
  struct outgoing_message *queued, **queued_end;   /* not sent */
  struct outgoing_message *reports, **reports_end; /* to be told */
  struct outgoing_message *flying;                 /* sent, not reported */
  int outstanding;
  bool sending, breaks, fatal, fatal_told;
  int64_t last_arrival_us;
  int queue_max;
};

struct rd_kafka_s {
  uint64_t number;
  rd_kafka_type_t type;
  struct process *process;
  struct rd_kafka_conf_s *conf;
  struct errand_of_client *errands, **errands_end;
  uint64_t thread;
  bool ending;
  int messages; /* given out and not destroyed */
  struct consumer_part consumer;
  struct producer_part producer;
};

/* NULL: it is gone. */
rd_kafka_t *client_of(uint64_t number);
/* All of a process are gone, without a word. */
void clients_vanish(const struct process *process);
void clients_reset(void);
void clients_each(void (*visit)(rd_kafka_t *client, void *ctx), void *ctx);
const char *client_property(const rd_kafka_t *client, const char *name);

/* [world] `errand` (from world_alloc()) is run by the client's thread, if the client still lives then. */
void client_tell(struct errand_of_client *errand);
/* The same at a later time. */
void client_tell_at(int64_t at_us, struct errand_of_client *errand);
/* A new errand of a type that starts with a struct errand_of_client. */
void *client_errand(const rd_kafka_t *client, size_t size, void (*run)(rd_kafka_t *, struct errand_of_client *));
/* [fiber] A question and its answer. False: none came within `timeout_ms`. */
bool client_ask(rd_kafka_t *client, int timeout_ms);

void queue_init(rd_kafka_queue_t *queue, rd_kafka_t *client);
void queue_push(rd_kafka_queue_t *queue, struct item *item);
struct item *queue_pop(rd_kafka_queue_t *queue);
/* Waits for an item or a yield. NULL: neither came, or a yield did. */
struct item *queue_await(rd_kafka_queue_t *queue, int64_t until_us);
void queue_clear(rd_kafka_queue_t *queue);
void item_free(struct item *item);
int64_t until_us_of(int timeout_ms);

/* client_group.c */
void membership_tick(rd_kafka_t *client);
/* [fiber] A rebalance's item: calls the callback. */
void membership_serve(rd_kafka_t *client, struct item *item);
/* client_fetch.c */
void toppar_start(struct toppar *toppar, int64_t offset);
void toppar_stop(struct toppar *toppar);
void toppar_fetch(struct toppar *toppar);
/* client_producer.c */
void producers_reset(void);
void producer_init(rd_kafka_t *client);
/* It is broken by the next request that arrives. */
void producer_break(rd_kafka_t *client);

#endif
