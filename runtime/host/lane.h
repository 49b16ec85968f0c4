/* lane.h: one processing thread: the runner with its stages, and the assigned partitions that it reads.
 *
 * It sleeps until a partition is ready, a shipment or an errand is posted, a stage calls, or a time has come. Whoever leaves a feed
 * without having seen it empty owes it a mark: `owes` keeps such a partition until the reason (no free batch, a hold, the duplicate bound) is over. */
#ifndef WEIR_HOST_LANE_H
#define WEIR_HOST_LANE_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/error.h"
#include "host/failures.h"
#include "kafka/feed.h"

struct assignment;
struct clock;
struct lane;
struct errand;
struct place;
struct plan;

/* Reading a feed, between so that tests need no Kafka. Constant. */
struct feed_ops {
  enum feed_result (*fill)(struct feed *feed, struct batch *batch, struct portion *portion,
      const struct batch_limit *limit, int64_t *offset, struct error *err);
  int64_t (*high)(const struct feed *feed);
  size_t (*waiting)(const struct feed *feed);
};
extern const struct feed_ops lane_feed_ops;

/* How a lane reaches the control thread. Called from the lane. */
struct lane_events {
  void *ctx;
  /* Something may be committed that could not before. urgent: do not wait for the next turn of the commit clock. */
  void (*committable)(void *ctx, bool urgent);
  /* An assignment is starved. */
  void (*starved)(void *ctx);
  /* An errand is done, a partition stopped or went. */
  void (*changed)(void *ctx);
};

/* Outlives the lane. */
struct lane_settings {
  uint32_t number;
  const struct plan *plan;
  const struct feed_ops *feeds;
  const struct clock *clock;
  struct lane_events events;
  uint32_t batch_records;
  int64_t batch_bytes, batch_wait_ms;
  int64_t work_max;        /* as for lane_limit(), at the start */
  int64_t uncommitted_max; /* the duplicate bound W, in offsets of one partition */
  int64_t commit_records;  /* so much settled since the last commit makes the next one urgent */
  bool at_most_once;
  uint32_t quarantine_after; /* deaths of a record */
  struct place *place;       /* where its thread says what it does; NULL: in the lane */
};

/* [main] NULL: no memory. */
struct lane *lane_create(const struct lane_settings *settings);
/* [main] must(the thread has ended or was never started). NULL is fine. */
void lane_destroy(struct lane *lane);

/* [main] Starts the thread and waits until every stage is created. False: err has what a plugin said; the thread has ended. */
bool lane_start(struct lane *lane, struct error *err);
/* [main] Asks the thread to destroy its stages and to end. Every partition has been given ERRAND_FORGET before. */
void lane_end(struct lane *lane);
/* [main] Waits for the end up to `timeout_ms`. False: the thread is stuck in a stage; the process has to exit without it. */
bool lane_join(struct lane *lane, int64_t timeout_ms);

/* [any] The lane looks around. */
void lane_wake(struct lane *lane);
/* [control] The errand is part of its assignment, which stays until `gone`; only assignment_ask() calls it. */
void lane_post(struct lane *lane, struct errand *errand);
/* [any] A ready partition; only assignment_mark() calls it. */
void lane_ready(struct lane *lane, struct assignment *assignment);

/* [control] Before any partition is assigned: a feed that gave so many bytes since it was last nearly empty may have been full; 0: that
 * is of no interest. */
void lane_watch_queues(struct lane *lane, int64_t queue_bytes);
/* [any] No further batch is taken while those in flight hold so many bytes. */
void lane_limit(struct lane *lane, int64_t work_max);
/* [any] What its thread is doing. Lives as long as the lane. */
struct place *lane_place(const struct lane *lane);
/* [any] Dead letters and discards by stage and code. */
struct failures *lane_failures(struct lane *lane);
/* [any] "lane 2". */
const char *lane_name(const struct lane *lane);
uint32_t lane_number(const struct lane *lane);
/* [control] Partitions dealt to it and not gone. */
uint32_t lane_load(const struct lane *lane);
void lane_load_add(struct lane *lane, int32_t more);

/* What the thread does, for tests that have no thread: [lane] */
bool lane_open(struct lane *lane, struct error *err);
/* One round: all that came in, then one ready partition. True: there is more to do at once. */
bool lane_turn(struct lane *lane);
/* When the next round is due without anything coming in, INT64_MAX: never. */
int64_t lane_due(const struct lane *lane);
void lane_shut(struct lane *lane);

#endif
