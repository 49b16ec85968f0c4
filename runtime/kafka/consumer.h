/* consumer.h: the worker as a member of its group. [control] for everything here but consumer_wake().
 *
 * Records never come through consumer_poll(): each assigned partition has its feed. The rebalance callback runs inside
 * consumer_poll() and calls the three functions of struct consumer_events. */
#ifndef WEIR_KAFKA_CONSUMER_H
#define WEIR_KAFKA_CONSUMER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct consumer;
struct pipeline_file;
struct clock;

/* One partition of an assignment, with what weir resolved for it. */
struct assignment_request {
  const char *topic;
  int32_t partition;
  int64_t start;      /* next offset to deliver: the committed one, else by `source.start` (committed at once) */
  bool was_committed; /* the group had an offset there */
  int64_t end;        /* high watermark when it was assigned, -1: not known */
};

struct consumer_events {
  void *ctx;
  /* Partitions come: open feeds and ledgers. Called before rd_kafka_assign; false refuses the whole assignment (it will be asked for again). */
  bool (*assign)(void *ctx, const struct assignment_request *requests, size_t count);
  /* The assign call is done: lanes may read. */
  void (*assigned)(void *ctx, const struct assignment_request *requests, size_t count);
  /* Partitions go. `lost`: no drain, no commit. Otherwise drain and commit, bounded, before returning. */
  void (*revoke)(void *ctx, const struct assignment_request *requests, size_t count, bool lost);
  /* The unassign call is done: close feeds, drop state. */
  void (*revoked)(void *ctx, const struct assignment_request *requests, size_t count);
  /* Something is wrong or right again with the cluster or the group; a sentence, already rate-limited. fatal: the consumer is dead. */
  void (*trouble)(void *ctx, const struct error *err);
};

/* Makes the librdkafka handle with the file's properties and weir's own (design section 6), logs the choices that depend on its version, and subscribes.
 * `instance`: group.instance.id, NULL: dynamic member. No broker is contacted before the first consumer_poll(). */
struct consumer *consumer_open(const struct pipeline_file *file, const struct clock *clock, const struct consumer_events *events,
    struct error *err);
/* Serves callbacks until `timeout_ms` is over or consumer_wake() is called. */
void consumer_poll(struct consumer *consumer, int timeout_ms);
/* [any] Ends the running or the next consumer_poll(). Not async-signal-safe. */
void consumer_wake(struct consumer *consumer);
/* Leaves the group: the last revoke is served inside; bounded by `timeout_ms`. Only consumer_close() may follow. It is apart from it because
 * the lanes, which hold messages, are ended between the two; when a lane is stuck the process exits without the second. */
void consumer_leave(struct consumer *consumer, int timeout_ms);
/* Destroys; leaves before when that has not been done. must(no message, no feed is left). */
void consumer_close(struct consumer *consumer, int timeout_ms);

/* The current assignment was lost (session or max.poll expired) although the callback has not come yet: do not commit. */
bool consumer_is_lost(const struct consumer *consumer);
/* "range", "cooperative-sticky", "consumer (KIP-848)": what was chosen, and why, for the first screen. */
const char *consumer_strategy(const struct consumer *consumer);
const char *consumer_strategy_reason(const struct consumer *consumer);
/* Member id in the group, "" before the first join. Valid until the next call. */
const char *consumer_member(const struct consumer *consumer);

/* Topics of the subscription that exist, with their partition count, for the first screen; blocks up to `timeout_ms`. False: err says
 * what is missing ("no broker answers at ...", "topic quake does not exist; near: quakes"). */
bool consumer_describe(struct consumer *consumer, int timeout_ms, void (*each)(void *ctx, const char *topic, int32_t partitions),
    void *ctx, struct error *err);

#endif
