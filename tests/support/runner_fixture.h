/* runner_fixture.h: a lane's runner with scripted stages and a scripted writer, no library, no Kafka, no thread. It stands in for
 * plugin/stage.c: a test says what each stage does with a portion. */
#ifndef WEIR_TESTS_RUNNER_FIXTURE_H
#define WEIR_TESTS_RUNNER_FIXTURE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "pipeline/runner.h"

enum { STEPS_MAX = 4, SENT_MAX = 4096, SEEN_MAX = 4096 };

/* A scripted plugin. */
struct setup {
  const char *name;
  uint32_t traits;
  enum stage_result (*process)(struct setup *setup, struct portion *portion);
  /* What it has seen: offsets (and child numbers), in order. */
  struct {
    int64_t offset;
    uint32_t child, attempt;
  } seen[SEEN_MAX];
  uint32_t seen_count;
  uint32_t calls;
  int64_t guilty;      /* an offset that the script treats specially */
  uint32_t fail_until; /* attempts below fail */
  struct portion *deferred[64];
  uint32_t deferred_count;
  struct portion *completed[64];
  uint32_t completed_count;
};

/* What the writer took. */
struct sent {
  struct outgoing outgoing;
  struct delivery *delivery;
  char value[32];
};

struct fixture {
  struct clock_hand clock;
  struct step stages[STEPS_MAX], sinks[STEPS_MAX];
  struct setup stage_setups[STEPS_MAX], sink_setups[STEPS_MAX], guard_setups[STEPS_MAX];
  struct plan plan;
  struct inbox inbox;
  struct runner *runner;
  struct partition *partition;
  struct sent sent[SENT_MAX];
  uint32_t sent_count;
  uint32_t room;            /* the writer is full after so many more; UINT32_MAX: never */
  uint64_t producer_number; /* rises when it is made anew */
  size_t bytes_max;         /* the writer refuses larger values at once, as too large; 0: none */
  void (*wanted)(void *);   /* when_room */
  void *wanted_ctx;
  uint32_t settled_batches;
  uint64_t settled[OUTCOMES];
  uint32_t stopped;
  int64_t stopped_at;
  char stopped_text[ERROR_TEXT_MAX];
  uint32_t failed;
  char failed_code[64];
  struct writer writer;
};

/* Starts with no stage and no sink; set up plan.stages/sinks through these, then fixture_start(). */
void fixture_init(struct fixture *fixture);
struct setup *fixture_stage(struct fixture *fixture, enum stage_result (*process)(struct setup *, struct portion *));
struct setup *fixture_sink(struct fixture *fixture, enum stage_result (*process)(struct setup *, struct portion *));
void fixture_kafka_sink(struct fixture *fixture);
/* The guard of the last stage or sink that was added. */
struct setup *fixture_guard(
    struct fixture *fixture, bool of_sink, enum stage_result (*process)(struct setup *, struct portion *));
void fixture_start(struct fixture *fixture);
void fixture_stop(struct fixture *fixture);

/* A batch of `count` records from offset `first` goes on its way; values are "first", "first+1", ... */
struct batch *fixture_feed(struct fixture *fixture, int64_t first, uint32_t count);
/* A record that no stage may see. */
void fixture_quarantine(struct fixture *fixture, int64_t offset, const char *label);
/* Reports deliveries from `from` on, `count` of them, then serves. */
void fixture_report(struct fixture *fixture, uint32_t from, uint32_t count, enum delivery_state state, int32_t code);
void fixture_serve(struct fixture *fixture);
/* Completes a deferred portion of a stage with one verdict for all its unsettled records; it comes in with the next serve. */
void fixture_complete(struct setup *setup, uint32_t which, weir_verdict verdict);

/* Scripts. */
enum stage_result script_pass(struct setup *setup, struct portion *portion);
enum stage_result script_defer(struct setup *setup, struct portion *portion);
/* What stands at UNSETTLED is deferred. */
enum stage_result script_later(struct setup *setup, struct portion *portion);
void script_see(struct setup *setup, struct portion *portion);

#endif
