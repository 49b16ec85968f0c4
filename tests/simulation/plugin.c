/* plugin.c: the plugins of the simulated pipelines, behind the real stage.c: "script" does to each record what its fate says, "sink"
 * takes them. Both may answer late, from a thread of their own. */
#include <stdlib.h>
#include <string.h>
#include <weir/plugin.h>
#include "base/check.h"
#include "base/error.h"
#include "checks.h"
#include "fiber.h"
#include "plugin/library.h"
#include "process.h"
#include "world.h"

enum { LATER_MAX = 256, LATE_US = 20000, VERY_LATE_US = 2000000, SLOW_US = 400000, RETRY_TIMES = 2 };

struct later {
  weir_ticket ticket;
  uint32_t first, count;
  int64_t at_us;
};

struct instance {
  const weir_host *host;
  uint64_t thread;
  struct later later[LATER_MAX];
  uint32_t later_count;
  bool ending;
};

/* --- answers from another thread --- */

static void answer_one(struct instance *self, uint32_t index) {
  struct later later = self->later[index];
  self->later[index] = self->later[--self->later_count];
  world.events.deferred++;
  self->host->complete(self->host, later.ticket, later.first, later.count, WEIR_PASS, NULL);
}

static void *answer_late(void *arg) {
  struct instance *self = arg;
  while (!self->ending) {
    int64_t next_us = FOREVER_US;
    for (uint32_t i = 0; i < self->later_count; i++)
      if (self->later[i].at_us < next_us) next_us = self->later[i].at_us;
    if (next_us > world.now_us) fiber_wait(self, next_us);
    for (uint32_t i = 0; i < self->later_count && !self->ending;) {
      if (self->later[i].at_us <= world.now_us)
        answer_one(self, i);
      else
        i++;
    }
  }
  return NULL;
}

static void defer(struct instance *self, weir_ticket ticket, uint32_t index) {
  must(self->later_count < LATER_MAX);
  int64_t most_us = random_chance(&world.random, 20) ? VERY_LATE_US : LATE_US;
  self->later[self->later_count++] = (struct later){ticket, index, 1, world_in_us(0, most_us)};
  fiber_wake(self);
}

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **into) {
  (void)config, (void)shared;
  struct instance *self = calloc(1, sizeof *self);
  self->host = host;
  self->thread = fiber_start(fiber_process(), answer_late, self);
  *into = self;
  return 0;
}

static void destroy(void *ctx) {
  struct instance *self = ctx;
  self->ending = true;
  fiber_wake(self);
  fiber_join(self->thread);
  free(self);
}

/* --- the stage --- */

static const struct payload *payload_of(const weir_record *record) {
  must(record->value.size == sizeof(struct payload));
  return (const struct payload *)(const void *)record->value.data;
}

/* Two lives of a worker count from the same number. */
static uint32_t epoch_of(const weir_batch *batch) { return fiber_process()->life << 16 | (uint32_t)batch->from->epoch; }

static weir_span processed(
    const struct instance *self, const weir_batch *batch, const struct payload *from, uint32_t child) {
  struct payload *payload = self->host->alloc(self->host, batch, sizeof *payload);
  must(payload);
  *payload = *from;
  payload->processed = 1;
  payload->child = child;
  payload->epoch = epoch_of(batch);
  return weir_bytes(payload, sizeof *payload);
}

static void verdict(const struct instance *self, const weir_batch *batch, uint32_t index, weir_verdict verdict) {
  const weir_reason why = weir_because("simulated", weir_text("as its fate says"));
  self->host->settle(self->host, batch, index, 1, verdict, verdict >= WEIR_RETRY ? &why : NULL);
}

static void emit(const struct instance *self, const weir_batch *batch, uint32_t index, uint32_t child) {
  const weir_record *record = weir_record_at(batch, index);
  weir_draft draft = weir_draft_from(record, processed(self, batch, payload_of(record), child));
  must(self->host->emit(self->host, batch, index, &draft) == 0);
}

static void fail(const struct instance *self, const weir_batch *batch, uint32_t index, uint32_t attempts) {
  const weir_record *record = weir_record_at(batch, index);
  const struct payload *payload = payload_of(record);
  bool tires = checks_fate(payload->partition, payload->offset) == FATE_TIRES;
  if (!tires || record->attempt >= attempts) checks_rejected(payload);
  if (tires) world.events.retries++;
  verdict(self, batch, index, tires ? WEIR_RETRY : WEIR_REJECT);
}

enum { SCRIPT_ATTEMPTS = 4 };

static void follow(const struct instance *self, const weir_batch *batch, uint32_t index) {
  const weir_record *record = weir_record_at(batch, index);
  const struct payload payload = *payload_of(record);
  const weir_host *host = self->host;
  switch (checks_fate(payload.partition, payload.offset)) {
  case FATE_DROP:
    checks_dropped(&payload);
    verdict(self, batch, index, WEIR_DROP);
    return;
  case FATE_REJECT:
  case FATE_TIRES: fail(self, batch, index, SCRIPT_ATTEMPTS); return;
  case FATE_EMIT:
    emit(self, batch, index, 1);
    emit(self, batch, index, 2);
    verdict(self, batch, index, WEIR_DROP);
    return;
  case FATE_SPLIT: emit(self, batch, index, 1); break;
  case FATE_RETRY:
    if (record->attempt > RETRY_TIMES) break;
    world.events.retries++;
    host->set_value(host, batch, index, processed(self, batch, &payload, 0)); /* to be taken back */
    verdict(self, batch, index, WEIR_RETRY);
    return;
  default: break;
  }
  host->set_value(host, batch, index, processed(self, batch, &payload, 0));
}

static bool all_first_tries(const weir_batch *batch) {
  for (uint32_t i = 0; i < batch->record_count; i++)
    if (weir_record_at(batch, i)->attempt > 1) return false;
  return true;
}

static bool may_defer(const weir_batch *batch, uint32_t index) {
  const struct payload *payload = payload_of(weir_record_at(batch, index));
  enum fate fate = checks_fate(payload->partition, payload->offset);
  return fate == FATE_PASS || fate == FATE_REFUSED || fate == FATE_SPLIT;
}

/* Now and then a stage is slow, and the lane hears of everything later. */
static void take_time(void) {
  static const char nothing;
  if (random_chance(&world.random, 80))
    fiber_wait(&nothing, world_in_us(0, SLOW_US));
  else
    fiber_stumble();
}

static weir_result process(void *ctx, const weir_batch *batch) {
  struct instance *self = ctx;
  const weir_host *host = self->host;
  for (uint32_t i = 0; i < batch->record_count; i++)
    checks_seen(fiber_process()->slot, epoch_of(batch), payload_of(weir_record_at(batch, i)));
  take_time();
  if (!rules.quiet && all_first_tries(batch) && random_chance(&world.random, 20)) {
    world.events.broken++;
    host->fail(host, NULL, weir_text("simulated"));
    return WEIR_BROKEN;
  }
  bool defers = random_chance(&world.random, 150) && self->later_count + batch->record_count < LATER_MAX;
  weir_ticket ticket = defers ? host->defer(host, batch, 0) : 0;
  bool deferred = false;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    bool later = ticket && may_defer(batch, i) && random_chance(&world.random, 500);
    follow(self, batch, i);
    if (!later) continue;
    verdict(self, batch, i, WEIR_UNSETTLED);
    defer(self, ticket, i);
    deferred = true;
  }
  return deferred || ticket ? WEIR_LATER : WEIR_DONE;
}

/* --- the sink --- */

static weir_result sink(void *ctx, const weir_batch *batch) {
  struct instance *self = ctx;
  bool fails = !rules.quiet && random_chance(&world.random, 50);
  for (uint32_t i = 0; i < batch->record_count; i++) {
    const weir_record *record = weir_record_at(batch, i);
    if (fails && record->attempt <= RETRY_TIMES && random_chance(&world.random, 500)) {
      world.events.retries++;
      verdict(self, batch, i, WEIR_RETRY);
      continue;
    }
    checks_sunk(payload_of(record));
    verdict(self, batch, i, WEIR_PASS);
  }
  return WEIR_DONE;
}

/* --- in place of the library's loader --- */

static const weir_plugin script_table = {.size = sizeof script_table,
    .abi_major = WEIR_ABI_MAJOR,
    .name = "script",
    .version = "1.0",
    .summary = "does what a record's fate says",
    .roles = WEIR_TRANSFORM,
    .traits = WEIR_ASYNC,
    .option_stride = sizeof(weir_option),
    .create = create,
    .destroy = destroy,
    .process = process};
static const weir_plugin sink_table = {.size = sizeof sink_table,
    .abi_major = WEIR_ABI_MAJOR,
    .name = "sink",
    .version = "1.0",
    .summary = "takes records",
    .roles = WEIR_SINK,
    .option_stride = sizeof(weir_option),
    .create = create,
    .destroy = destroy,
    .process = sink};
static const struct plugin script = {&script_table, NULL}, taker = {&sink_table, NULL};

const struct plugin *__wrap_plugin_open(
    const struct plugin_path *path, const char *folder, const char *name, uint32_t role, struct error *err);
const struct plugin *__wrap_plugin_open(
    const struct plugin_path *path, const char *folder, const char *name, uint32_t role, struct error *err) {
  (void)path, (void)folder, (void)role, (void)err;
  return strcmp(name, "script") == 0 ? &script : &taker;
}
