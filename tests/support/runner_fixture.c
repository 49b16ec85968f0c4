/* runner_fixture.c: see runner_fixture.h. */
#include "support/runner_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/span.h"

/* --- stands in for plugin/setup.c and plugin/stage.c --- */

struct stage {
  struct setup *setup;
};

static const weir_plugin table = {.size = sizeof table, .name = "scripted", .version = "1.2.3"};
static const struct plugin plugin = {&table, NULL};

const struct plugin *setup_plugin(const struct setup *setup) {
  (void)setup;
  return &plugin;
}
uint32_t setup_traits(const struct setup *setup) { return setup->traits; }

struct stage *stage_create(struct setup *setup, const struct stage_lane *lane, struct error *err) {
  (void)lane;
  (void)err;
  struct stage *stage = calloc(1, sizeof *stage);
  stage->setup = setup;
  return stage;
}

void stage_destroy(struct stage *stage, void (*abandoned)(void *, struct portion *), void *ctx) {
  for (uint32_t i = 0; stage && i < stage->setup->deferred_count; i++) {
    stage->setup->deferred[i]->batch->holds--;
    abandoned(ctx, stage->setup->deferred[i]);
  }
  free(stage);
}

const char *stage_label(const struct stage *stage) { return stage->setup->name; }
bool stage_assigned(struct stage *stage, struct partition *partition, struct error *err) {
  (void)stage, (void)partition, (void)err;
  return true;
}
void stage_revoked(struct stage *stage, struct partition *partition, int32_t why) {
  (void)stage, (void)partition, (void)why;
}
void *stage_state(const struct stage *stage, const struct partition *partition) {
  (void)stage, (void)partition;
  return NULL;
}
const char *stage_failure(const struct stage *stage) {
  (void)stage;
  return "scripted failure";
}

enum stage_result stage_process(struct stage *stage, struct portion *portion) {
  assert_true(portion->view.record_count > 0);
  stage->setup->calls++;
  enum stage_result result = stage->setup->process(stage->setup, portion);
  if (result == STAGE_BROKEN) portion_settle(portion, 0, portion->view.record_count, WEIR_RETRY, NULL);
  if (result == STAGE_LATER) {
    portion->batch->holds++;
    stage->setup->deferred[stage->setup->deferred_count++] = portion;
  }
  return result;
}

void stage_collect(struct stage *stage, void (*each)(void *, struct portion *), void *ctx) {
  struct setup *setup = stage->setup;
  while (setup->completed_count) {
    struct portion *portion = setup->completed[0];
    memmove(setup->completed, setup->completed + 1, --setup->completed_count * sizeof setup->completed[0]);
    portion->batch->holds--;
    each(ctx, portion);
  }
}

void stage_fence(struct stage *stage, const struct partition *partition) { (void)stage, (void)partition; }
int64_t stage_wake_at(const struct stage *stage) {
  (void)stage;
  return INT64_MAX;
}
void stage_wake(struct stage *stage, int64_t now_ms) { (void)stage, (void)now_ms; }
void stage_flush(struct stage *stage, const struct partition *partition, int32_t why, int64_t deadline_ms) {
  (void)stage, (void)partition, (void)why, (void)deadline_ms;
}

void fixture_complete(struct setup *setup, uint32_t which, weir_verdict verdict) {
  assert_true(which < setup->deferred_count);
  struct portion *portion = setup->deferred[which];
  memmove(&setup->deferred[which], &setup->deferred[which + 1],
      (--setup->deferred_count - which) * sizeof setup->deferred[0]);
  for (uint32_t i = 0; i < portion->view.record_count; i++)
    if (portion->verdicts[i] == WEIR_UNSETTLED) portion_settle(portion, i, 1, verdict, NULL);
  setup->completed[setup->completed_count++] = portion;
}

/* --- the source: a message is its offset --- */

static bool source_headers(void *message, struct arena *arena, const weir_header **headers, uint32_t *count) {
  (void)message;
  weir_header *one = arena_alloc(arena, sizeof *one);
  *one = (weir_header){weir_text("trace"), weir_text("\x01\x00\xff")};
  one->value.size = 3;
  *headers = one;
  *count = 1;
  return true;
}

static void source_view(void *message, weir_record *view) {
  const char *text = message;
  *view = (weir_record){.key = weir_text("key"), .value = weir_text(text), .offset = strtoll(text, NULL, 10)};
}

static void source_release(void **messages, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) free(messages[i]);
}

static const struct batch_source source = {source_headers, source_view, source_release};

/* --- the writer --- */

static bool writer_begin(void *ctx) { return ctx != NULL; }

static void writer_end(void *ctx) { (void)ctx; }

static uint64_t writer_number(void *ctx) { return ((struct fixture *)ctx)->producer_number; }

static enum write_result writer_take(
    void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err) {
  struct fixture *fixture = ctx;
  if (fixture->room == 0) return WRITE_FULL;
  if (fixture->bytes_max && outgoing->value.size > fixture->bytes_max) {
    error_set(err, "too large");
    err->code = 10;
    return WRITE_REFUSED;
  }
  if (fixture->room != UINT32_MAX) fixture->room--;
  assert_true(fixture->sent_count < SENT_MAX);
  struct sent *sent = &fixture->sent[fixture->sent_count++];
  *sent = (struct sent){.outgoing = *outgoing, .delivery = delivery};
  snprintf(sent->value, sizeof sent->value, "%.*s", SPAN_ARGS(outgoing->value));
  return WRITE_ACCEPTED;
}

static void writer_when_room(void *ctx, uint32_t lane, void (*notify)(void *), void *notify_ctx) {
  struct fixture *fixture = ctx;
  (void)lane;
  fixture->wanted = notify;
  fixture->wanted_ctx = notify_ctx;
}

static const char *writer_code(int32_t code) { return code == 10 ? "message_too_large" : "other"; }

static bool writer_too_large(int32_t code) { return code == 10; }

/* --- events --- */

static void on_settled(void *ctx, struct batch *batch) {
  struct fixture *fixture = ctx;
  assert_true(batch_is_settled(batch));
  uint32_t sum = 0;
  for (int i = 0; i < OUTCOMES; i++) {
    fixture->settled[i] += batch->settled[i];
    sum += batch->settled[i];
  }
  assert_int_equal(sum, batch->count);
  fixture->settled_batches++;
}

static void on_stopped(void *ctx, struct partition *partition, int64_t offset, const struct error *err) {
  struct fixture *fixture = ctx;
  assert_ptr_equal(partition, fixture->partition);
  fixture->stopped++;
  fixture->stopped_at = offset;
  snprintf(fixture->stopped_text, sizeof fixture->stopped_text, "%s", err->text);
}

static void on_room(void *ctx) { (void)ctx; }
static void on_notify(void *ctx) { (void)ctx; }

static void on_failed(void *ctx, const char *label, weir_span code, enum outcome outcome) {
  struct fixture *fixture = ctx;
  (void)label, (void)outcome;
  fixture->failed++;
  snprintf(fixture->failed_code, sizeof fixture->failed_code, "%.*s", SPAN_ARGS(code));
}

/* --- life --- */

void fixture_init(struct fixture *fixture) {
  memset(fixture, 0, sizeof *fixture);
  clock_hand_init(&fixture->clock, 1000, 5000);
  fixture->room = UINT32_MAX;
  fixture->producer_number = 1;
  fixture->writer = (struct writer){fixture, "topic dead", writer_begin, writer_end, writer_number, writer_take,
      writer_when_room, writer_code, writer_code, writer_too_large};
  fixture->plan = (struct plan){.pipeline = "test",
      .group = "test",
      .version = "0.0.1",
      .stages = fixture->stages,
      .sinks = fixture->sinks,
      .dead_letter = &fixture->writer,
      .clock = &fixture->clock.clock,
      .source = &source,
      .batches = 32,
      .batch_records = 64,
      .batch_bytes_max = 1 << 20};
}

static struct setup *add_step(struct step *step, struct setup *setup, const char *name,
    enum stage_result (*process)(struct setup *, struct portion *)) {
  *setup = (struct setup){.name = name, .process = process, .guilty = -1};
  *step = (struct step){
      .label = name, .setup = setup, .policy = {.attempts = 1, .backoff_ms = 100, .backoff_max_ms = 1000}};
  return setup;
}

struct setup *fixture_stage(struct fixture *fixture, enum stage_result (*process)(struct setup *, struct portion *)) {
  uint32_t i = fixture->plan.stage_count++;
  return add_step(&fixture->stages[i], &fixture->stage_setups[i], "stage", process);
}

struct setup *fixture_sink(struct fixture *fixture, enum stage_result (*process)(struct setup *, struct portion *)) {
  uint32_t i = fixture->plan.sink_count++;
  return add_step(&fixture->sinks[i], &fixture->sink_setups[i], "sink", process);
}

void fixture_kafka_sink(struct fixture *fixture) {
  fixture->sinks[fixture->plan.sink_count++] =
      (struct step){.label = "kafka", .writer = &fixture->writer, .policy = {.attempts = 1}};
}

struct setup *fixture_guard(
    struct fixture *fixture, bool of_sink, enum stage_result (*process)(struct setup *, struct portion *)) {
  struct step *step =
      of_sink ? &fixture->sinks[fixture->plan.sink_count - 1] : &fixture->stages[fixture->plan.stage_count - 1];
  struct setup *setup = &fixture->guard_setups[of_sink ? 2 + fixture->plan.sink_count - 1 : 0];
  *setup = (struct setup){.name = "when", .process = process, .guilty = -1};
  step->when = setup;
  return setup;
}

void fixture_start(struct fixture *fixture) {
  struct runner_events events = {fixture, on_settled, on_stopped, on_room, on_failed};
  struct stage_lane lane = {.notify = on_notify};
  struct error err;
  fixture->runner = runner_create(&fixture->plan, &lane, &fixture->inbox, &events, &err);
  assert_non_null(fixture->runner);
  fixture->partition = partition_create("in", 0, 1, 0);
  assert_true(runner_assigned(fixture->runner, fixture->partition, &err));
}

void fixture_stop(struct fixture *fixture) {
  if (fixture->partition) runner_revoked(fixture->runner, fixture->partition, WEIR_LOST);
  for (uint32_t i = 0; i < fixture->sent_count; i++)
    if (fixture->sent[i].delivery && fixture->sent[i].delivery->state == DELIVERY_OPEN)
      fixture_report(fixture, i, 1, DELIVERY_CONFIRMED, 0);
  fixture_serve(fixture);
  runner_destroy(fixture->runner);
  partition_destroy(fixture->partition);
}

static struct portion *fill(struct fixture *fixture, int64_t first, uint32_t count) {
  struct batch *batch = runner_take(fixture->runner, fixture->partition);
  assert_non_null(batch);
  struct portion *portion = portion_create(batch, count);
  for (uint32_t i = 0; i < count; i++) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)(first + i));
    char *message = strdup(text);
    source_view(message, batch_next(batch, portion));
    batch_add(batch, portion, message);
  }
  struct ledger *ledger = &fixture->partition->ledger;
  batch->range = ledger_open(ledger, 1, first, first + count, count);
  return portion;
}

struct batch *fixture_feed(struct fixture *fixture, int64_t first, uint32_t count) {
  struct portion *portion = fill(fixture, first, count);
  struct batch *batch = portion->batch;
  runner_begin(fixture->runner, batch, portion);
  return batch;
}

void fixture_quarantine(struct fixture *fixture, int64_t offset, const char *label) {
  struct portion *portion = fill(fixture, offset, 1);
  runner_quarantine(fixture->runner, portion->batch, portion, label, "it ended the worker");
}

void fixture_serve(struct fixture *fixture) {
  for (struct inbox_node *node = inbox_take(&fixture->inbox), *next; node; node = next) {
    next = node->next;
    runner_shipment(fixture->runner, inbox_message(node, struct shipment, node));
  }
  runner_serve(fixture->runner);
}

void fixture_report(struct fixture *fixture, uint32_t from, uint32_t count, enum delivery_state state, int32_t code) {
  for (uint32_t i = from; i < from + count; i++) {
    struct delivery *delivery = fixture->sent[i].delivery;
    fixture->sent[i].delivery = NULL;
    delivery->state = state;
    delivery->code = code;
    shipment_close_one(delivery->shipment);
  }
  fixture_serve(fixture);
}

/* --- scripts --- */

void script_see(struct setup *setup, struct portion *portion) {
  for (uint32_t i = 0; i < portion->view.record_count && setup->seen_count < SEEN_MAX; i++) {
    setup->seen[setup->seen_count].offset = portion->records[i].view.offset;
    setup->seen[setup->seen_count].child = portion->records[i].view.child;
    setup->seen[setup->seen_count++].attempt = portion->records[i].view.attempt;
  }
}

enum stage_result script_pass(struct setup *setup, struct portion *portion) {
  script_see(setup, portion);
  portion_settle(portion, 0, portion->view.record_count, WEIR_PASS, NULL);
  return STAGE_DONE;
}

enum stage_result script_later(struct setup *setup, struct portion *portion) {
  assert_true(setup->traits & WEIR_ASYNC);
  assert_non_null(portion);
  return STAGE_LATER;
}

enum stage_result script_defer(struct setup *setup, struct portion *portion) {
  script_see(setup, portion);
  portion_settle(portion, 0, portion->view.record_count, WEIR_UNSETTLED, NULL);
  return STAGE_LATER;
}
