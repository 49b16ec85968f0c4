/* runner.h: the stages and sinks of one lane, and the way of a batch through them. [lane] for everything.
 *
 * Order: at each stage the portions of one partition wait in a line; one goes on only when all before it have (unless the
 * plugin is UNORDERED). A failing record never passes unprocessed: it is retried, then dead-lettered, discarded, or its partition
 * stops, as `on_failure` says. A source record is settled when its last descendant is. */
#ifndef WEIR_PIPELINE_RUNNER_H
#define WEIR_PIPELINE_RUNNER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/error.h"
#include "base/inbox.h"
#include "batch/batch.h"
#include "batch/writer.h"
#include "plugin/stage.h"

enum on_failure { FAIL_DEAD_LETTER, FAIL_STOP, FAIL_DISCARD };

/* How failures of one stage or sink are handled. */
struct retry_policy {
  uint32_t attempts;                  /* 1: no retry */
  int64_t backoff_ms, backoff_max_ms; /* doubled per attempt, with jitter of a fifth */
  enum on_failure on_failure;
};

/* A stage or sink as the pipeline file has it; the same plan serves every lane. Strings and setups outlive the runners. */
struct step {
  const char *label;
  struct setup *setup;         /* NULL: the runtime's own Kafka sink */
  struct setup *when;          /* guard: a Lua instance whose DROP means "not here"; NULL: always */
  const struct writer *writer; /* Kafka sink */
  bool keep_partition;         /* Kafka sink: `partition: source` */
  bool allow_routes;           /* Kafka sink: a topic set by a stage is used where a pattern of `routes` matches */
  const char *const *routes;   /* regular expressions ^...$, route_count of them */
  size_t route_count;
  struct retry_policy policy;
  int64_t deadline_ms;
};

struct plan {
  const char *pipeline, *group, *version; /* version: of weir */
  struct step *stages, *sinks;
  uint32_t stage_count, sink_count;
  const struct writer *dead_letter; /* NULL: none */
  int64_t
      dead_letter_bytes_max; /* what its topic takes at the most, uncompressed; 0: not known. Set before the first record */
  const struct clock *clock;
  const struct batch_source *source; /* of every batch: feed_source() */
  uint32_t batches;                  /* pool of each lane */
  uint32_t batch_records;
  size_t batch_bytes_max;
};

/* What the lane is told. */
struct runner_events {
  void *ctx;
  /* All source records of the batch have their outcome (batch->settled counts them): settle its range. It is given back to the pool later,
   * when nobody holds it. */
  void (*settled)(void *ctx, struct batch *batch);
  /* `on_failure: stop`: the partition is not read further; everything below `offset` goes on to be settled, `offset` never is.
   * The sentence is in err. */
  void (*stopped)(void *ctx, struct partition *partition, int64_t offset, const struct error *err);
  /* A batch went back to the pool: reading may go on. */
  void (*room)(void *ctx);
  /* A record was dead-lettered, discarded or rejected: for counters by stage and code. */
  void (*failed)(void *ctx, const char *label, weir_span code, enum outcome outcome);
};

struct runner;

/* Creates the instances of every stage and sink. `inbox`: of the lane; shipments are posted there and the lane hands them to runner_shipment(). */
struct runner *runner_create(const struct plan *plan, const struct stage_lane *lane, struct inbox *inbox,
    const struct runner_events *events, struct error *err);
/* must(runner_is_idle()) or everything was abandoned before. */
void runner_destroy(struct runner *runner);

bool runner_assigned(struct runner *runner, struct partition *partition, struct error *err);
/* After a drain or for good: fences what is left of the partition, abandons its batches (returns how many source records), calls revoked(). */
uint64_t runner_revoked(struct runner *runner, struct partition *partition, int32_t why);

/* An empty batch of the pool; NULL: none is free. */
struct batch *runner_take(struct runner *runner, struct partition *partition);
/* A batch that was taken and not begun (no record came, or the epoch is over). */
void runner_give(struct runner *runner, struct batch *batch);
/* Sends a filled batch on its way; its range is open in the ledger. must(it holds a record). */
void runner_begin(struct runner *runner, struct batch *batch, struct portion *portion);
/* A batch of one record, as for runner_begin(), that no stage may see: it failed for good at the step `label` (unknown: at the first), with the
 * code "quarantined" and `text`. A dead letter, where there is one and `on_failure` of the step is not `stop`; else its partition stops. */
void runner_quarantine(
    struct runner *runner, struct batch *batch, struct portion *portion, const char *label, const char *text);
/* May a new batch of this partition begin: it is not held by a retry, a stop or a full producer. */
bool runner_may_begin(const struct runner *runner, const struct partition *partition);

/* Serves completions, due retries and wake-ups. Call when notified and when runner_due() is reached. */
void runner_serve(struct runner *runner);
/* A shipment that was posted to the lane's inbox. */
void runner_shipment(struct runner *runner, struct shipment *shipment);
/* Earliest time at which runner_serve() has something to do, INT64_MAX: none. */
int64_t runner_due(const struct runner *runner);
/* Asks stages and sinks to finish what is deferred, gives up backoff. partition NULL: all. */
void runner_flush(struct runner *runner, const struct partition *partition, int32_t why, int64_t deadline_ms);
/* Every batch of the partition that was begun and is not settled, in no order: to see how far each has come. */
void runner_each(const struct runner *runner, const struct partition *partition,
    void (*each)(void *ctx, const struct batch *batch), void *ctx);
/* What still moves and may settle something, of one partition or (NULL) of all; 0: waiting settles nothing more. Batches may be left that a
 * stop or a given-up retry holds open: runner_each() shows them. */
uint32_t runner_in_flight(const struct runner *runner, const struct partition *partition);

#endif
