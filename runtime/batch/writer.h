/* writer.h: "write this record to Kafka and tell me", so that the pipeline knows no librdkafka. Implemented by kafka/producer.
 *
 * A shipment is what one portion sent to one writer: it counts the deliveries that are still open, and the report that closes the
 * last one posts it to its lane. The reporting thread never produces, blocks or waits for a pool. */
#ifndef WEIR_BATCH_WRITER_H
#define WEIR_BATCH_WRITER_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/error.h"
#include "base/inbox.h"

/* How one delivery ended. */
enum delivery_state {
  DELIVERY_OPEN = 0,
  DELIVERY_CONFIRMED, /* every in-sync replica has it */
  DELIVERY_REFUSED,   /* permanent: it would be refused again (too large, invalid, not authorized); `code` says why */
  DELIVERY_LOST,      /* transport, time-out, purge, producer gone: not the record's fault, send it again */
};

struct shipment;

/* One record on its way out; lives in the arena of its batch until the shipment is posted. */
struct delivery {
  struct shipment *shipment;
  int32_t state; /* enum delivery_state; written by the reporting thread before it counts down */
  int32_t code;  /* rd_kafka_resp_err_t */
  int32_t partition;
  int64_t offset; /* where it was written, -1: unknown */
};

/* Owned by the pipeline, in the arena of its batch. */
struct shipment {
  struct inbox_node node;
  struct inbox *inbox;       /* of the lane */
  void (*notify)(void *ctx); /* called when the inbox was empty; any thread */
  void *ctx;
  void (*reported)(struct shipment *shipment, void *ctx); /* what the lane calls when it takes it from its inbox */
  _Atomic uint32_t open; /* deliveries not reported, plus one while the lane is still adding */
};

/* Counts one delivery (or the lane's own one) down; the last posts the shipment. Any thread. */
static inline void shipment_close_one(struct shipment *shipment) {
  if (atomic_fetch_sub_explicit(&shipment->open, 1, memory_order_acq_rel) != 1) return;
  void (*notify)(void *) = shipment->notify;
  void *ctx = shipment->ctx;
  if (inbox_post(shipment->inbox, &shipment->node)) notify(ctx);
}

/* What to write. Spans must stay valid until the delivery is reported (large values are not copied). */
struct outgoing {
  weir_span key, value;
  weir_span topic; /* data NULL: the writer's own topic */
  const weir_header *headers;
  uint32_t header_count;
  int32_t partition;    /* -1: by the partitioner */
  int64_t timestamp_ms; /* -1: now */
};

enum write_result {
  WRITE_ACCEPTED, /* the delivery will be reported exactly once */
  WRITE_FULL,     /* the producer's queue is full: nothing was taken; writer->room tells when to try again */
  WRITE_REFUSED,  /* permanent, said at once; nothing will be reported; err has the sentence */
};

struct writer {
  void *ctx;
  const char *name; /* for messages: "topic strong-quakes" */
  /* Any lane thread. Between them the caller may write(); short, for the producer is not made anew meanwhile. False: as WRITE_FULL. */
  bool (*begin)(void *ctx);
  void (*end)(void *ctx);
  /* Between begin() and end(): the number of the producer, which rises when it is made anew. All that an earlier one took has been reported
   * by then, though perhaps not been seen by its lane. */
  uint64_t (*number)(void *ctx);
  /* Between begin() and end(). `delivery->shipment` is set by the caller, who has counted it as open; err is filled where it is REFUSED. */
  enum write_result (*write)(void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err);
  /* Ask to be called once (notify(ctx), any thread) when there is room again. The last call per lane counts. */
  void (*when_room)(void *ctx, uint32_t lane, void (*notify)(void *ctx), void *notify_ctx);
  /* A text for a code of a refused delivery, static. */
  const char *(*code_name)(int32_t code);
  const char *(*code_text)(int32_t code);
  /* The code of a refusal says that the record is too large. */
  bool (*is_too_large)(int32_t code);
};

/* For one record alone. */
static inline enum write_result writer_write(
    const struct writer *writer, const struct outgoing *outgoing, struct delivery *delivery, struct error *err) {
  if (!writer->begin(writer->ctx)) return WRITE_FULL;
  enum write_result result = writer->write(writer->ctx, outgoing, delivery, err);
  writer->end(writer->ctx);
  return result;
}

#endif
