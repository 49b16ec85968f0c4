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
  const char *topic; /* lives until revoked() has returned */
  int32_t partition;
  int64_t start;      /* next offset to deliver: the committed one, else by `source.start` (committed at once) */
  bool was_committed; /* the group had an offset there */
  int64_t end;        /* behind the last record that could be read when it was assigned, -1: not known */
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
  /* Something is wrong with the cluster or the group (err->code is librdkafka's), or right again (code 0); a sentence, already
   * rate-limited. fatal: the consumer is dead. */
  void (*trouble)(void *ctx, const struct error *err);
  /* Asked a few times a second while the starts of an assignment are being found, which may take LIMIT_RESOLVE_MS: true ends it, and the
   * assignment is refused. Asked, too, while the group is left: true cuts that short. NULL: never. */
  bool (*give_up)(void *ctx);
};

/* Makes the librdkafka handle with the file's properties and weir's own, and logs the user's choices that have a known defect. It
 * looks for brokers at once, but joins the group only in the first consumer_poll(). `file` and `clock` outlive it; events are copied.
 * NULL: a sentence. */
struct consumer *consumer_open(const struct pipeline_file *file, const struct clock *clock,
    const struct consumer_events *events, struct error *err);
/* Serves callbacks until `timeout_ms` is over or consumer_wake() is called; may return sooner. While brokers or topics are missing it may
 * take half a second longer, every 10 s, to look for them. */
void consumer_poll(struct consumer *consumer, int timeout_ms);
/* [any] Ends the running or the next consumer_poll(). Not async-signal-safe. */
void consumer_wake(struct consumer *consumer);
/* Leaves the group: the last revoke is served inside (as lost, when the cluster did not get that far by `timeout_ms`, or within a second
 * of give_up() turning true). Only consumer_close() may follow. It is apart from it because the lanes, which hold messages, are
 * ended between the two; when a lane is stuck the process exits without the second. False: the cluster did not confirm it; then
 * consumer_close() may take as long as the session, because librdkafka still waits for answers. */
bool consumer_leave(struct consumer *consumer, int timeout_ms);
/* Destroys; leaves before when that has not been done. must(no message, no feed is left). */
void consumer_close(struct consumer *consumer, int timeout_ms);

/* [any] Version of the librdkafka that runs, "2.0.2". */
const char *consumer_library_version(void);

/* The current assignment was lost (session or max.poll expired) although the callback has not come yet: do not commit. */
bool consumer_is_lost(const struct consumer *consumer);
/* "range", "cooperative-sticky", "consumer (KIP-848)": what was chosen, and why, for the first screen. */
const char *consumer_strategy(const struct consumer *consumer);
const char *consumer_strategy_reason(const struct consumer *consumer);
/* Member id in the group, "" before the first join. Valid until the next call. */
const char *consumer_member(struct consumer *consumer);

/* Topics of the subscription that exist, with their partition count, for the first screen; blocks up to `timeout_ms`. `each` may be
 * NULL. False: err says what is missing ("no broker answers at ...", "topic 'quake' does not exist; near: 'quakes'"). */
bool consumer_describe(struct consumer *consumer, int timeout_ms,
    void (*each)(void *ctx, const char *topic, int32_t partitions), void *ctx, struct error *err);
/* Bytes that the queues of so many assigned partitions may take at the most; more than half of `memory` is told once in the log. */
int64_t consumer_queue_bytes(const struct consumer *consumer, size_t partitions);

#endif
