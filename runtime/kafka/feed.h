/* feed.h: what one assigned partition delivers: its own librdkafka queue, not forwarded to the consumer's.
 *
 * Rule: whoever leaves the queue without having seen FEED_EMPTY owes it a mark as ready: the ready callback fires on empty to
 * non-empty only. The lane that reads a feed is the only one to seek it. */
#ifndef WEIR_KAFKA_FEED_H
#define WEIR_KAFKA_FEED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/error.h"
#include "batch/batch.h"

struct consumer;
struct feed;

enum feed_result {
  FEED_EMPTY,  /* nothing now; the ready callback will fire */
  FEED_RECORD, /* *message and *view are filled; the message is the caller's (feed_source()->release) */
  FEED_FULL,   /* the batch has enough */
  FEED_END,    /* end of the partition at *offset: everything below was delivered */
  FEED_ERROR, /* err has the sentence, with the watermarks where the offset is out of range. retriable: librdkafka keeps trying and goes
                  on by itself, read on; else the partition stands until it is assigned anew */
};

/* [control, in the assign callback, before rd_kafka_assign] `ready(ctx)` comes from any thread, under the queue's lock: it may only set
 * a flag and wake a lane. */
struct feed *feed_open(
    struct consumer *consumer, const char *topic, int32_t partition, void (*ready)(void *ctx), void *ctx);
/* [control, after unassign] Disables the callback, drains to NULL, frees. NULL is fine. */
void feed_close(struct feed *feed);
/* [lane] Adds records to a batch and its first portion until it has enough or nothing more comes. Never blocks, and never says RECORD. */
enum feed_result feed_fill(struct feed *feed, struct batch *batch, struct portion *portion,
    const struct batch_limit *limit, int64_t *offset, struct error *err);
/* [lane] One record, for those who have no batch. Never says FULL. */
enum feed_result feed_take(struct feed *feed, void **message, weir_record *view, int64_t *offset, struct error *err);
/* [lane] Reads go on at `offset`; what was queued is not delivered any more. Blocks up to 5 s, mostly under 1 ms. False: nothing was
 * changed; the partition is not being read (it was refused an offset, or goes). */
bool feed_seek(struct feed *feed, int64_t offset, struct error *err);
/* High watermark as of the last fetch, -1: not known yet. Any thread. */
int64_t feed_high(const struct feed *feed);

/* [any] How much waits in its queue, barriers and events counted. */
size_t feed_waiting(const struct feed *feed);

/* Headers and release of the messages that feeds deliver. */
const struct batch_source *feed_source(void);

#endif
