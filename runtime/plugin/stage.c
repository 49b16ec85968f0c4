/* stage.c: the life of an instance and its callbacks. Each callback runs in a phase, which says what the host table
 * offers meanwhile; when it returns, what it resumed is closed. See stage.h. */
#include "plugin/stage.h"
#include "base/check.h"
#include "base/place.h"
#include "base/span.h"
#include "plugin/setup_inside.h"
#include "plugin/stage_inside.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAGE_MAGIC = 0x57a9e001 };

/* ---- Callbacks ---- */

static void enter(struct stage *stage, enum stage_phase phase) {
  must_be(stage, STAGE_MAGIC);
  must(host_on_home_thread(&stage->host));
  must(stage->phase == PHASE_NONE);
  host_forget_failure(&stage->host);
  stage->phase = phase;
}

/* What the watchdog and a crash report name. */
static void say_place(
    const struct stage *stage, enum place_call call, const struct partition *partition, const struct portion *portion) {
  struct place_entry entry = {.call = call,
      .limit_ms = stage->lane.deadline_ms ? stage->lane.deadline_ms : INT64_MAX,
      .label = span_of(stage->lane.step ? stage->lane.step : stage->host.label),
      .plugin = span_of(stage->version),
      .last = -1};
  if (partition) {
    entry.topic = partition->view.topic;
    entry.partition = partition->view.partition;
  }
  if (portion) {
    entry.records = portion->view.record_count;
    entry.batch_records = portion->batch->count;
    entry.first = portion->records[0].view.offset;
    entry.last = portion->records[entry.records - 1].view.offset;
  }
  place_enter(&entry);
}

static void leave(struct stage *stage) {
  place_work();
  tickets_close_all(&stage->tickets);
  stage->phase = PHASE_NONE;
}

/* Keeps the sentence for stage_failure(). */
static const char *say_failure(struct stage *stage, const char *callback) {
  return host_failure(&stage->host, stage->failure, callback);
}

const char *stage_failure(const struct stage *stage) { return stage->failure; }

/* ---- Create and destroy ---- */

/* Where this thread's stack lies: a span in it must not be kept. Unknown: nothing is found to lie there. */
static void find_stack(struct stage *stage) {
  pthread_attr_t attributes;
  void *low = NULL;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
    stage->stack_low = low;
    stage->stack_high = stage->stack_low + size;
  }
  pthread_attr_destroy(&attributes);
}

static void stage_free(struct stage *stage) {
  tickets_fini(&stage->tickets);
  free(stage->partitions);
  stage->magic = 0;
  free(stage);
}

static bool call_create(struct stage *stage, struct error *err) {
  enter(stage, PHASE_OTHER);
  say_place(stage, PLACE_CREATE, NULL, NULL);
  int32_t result =
      stage->plugin->create(&stage->host.table, setup_config(stage->setup), setup_shared(stage->setup), &stage->self);
  leave(stage);
  return result >= 0 || error_set(err, "%s", say_failure(stage, "create"));
}

struct stage *stage_create(struct setup *setup, const struct stage_lane *lane, struct error *err) {
  must(lane->notify && lane->lane < setup_facts(setup)->lanes);
  struct stage *stage = calloc(1, sizeof *stage);
  if (!stage || !tickets_init(&stage->tickets)) {
    free(stage);
    error_set(err, "there is no memory for stage \"%s\"", setup_request_of(setup)->label);
    return NULL;
  }
  stage->magic = STAGE_MAGIC;
  stage->setup = setup;
  stage->plugin = setup_plugin(setup)->table;
  stage->lane = *lane;
  snprintf(stage->version, sizeof stage->version, "%s %s", stage->plugin->name, stage->plugin->version);
  atomic_init(&stage->wake_at_ms, INT64_MAX);
  host_init(&stage->host, setup_request_of(setup), setup_facts(setup), stage->plugin->name, stage, lane->lane);
  find_stack(stage);
  if (!call_create(stage, err)) {
    stage_free(stage);
    return NULL;
  }
  setup_hold(setup);
  return stage;
}

void stage_destroy(struct stage *stage, void (*abandoned)(void *ctx, struct portion *portion), void *ctx) {
  if (!stage) return;
  enter(stage, PHASE_OTHER);
  must(stage->partition_count == 0);
  say_place(stage, PLACE_DESTROY, NULL, NULL);
  stage->plugin->destroy(stage->self);
  leave(stage);
  for (struct portion *portion; (portion = tickets_abandon(&stage->tickets));)
    if (abandoned) abandoned(ctx, portion);
  setup_let_go(stage->setup);
  stage_free(stage);
}

const char *stage_label(const struct stage *stage) { return stage->host.label; }
const struct setup *stage_setup(const struct stage *stage) { return stage->setup; }

/* ---- Partitions ---- */

/* Where it stands, or would stand. */
static uint32_t partition_index(const struct stage *stage, const struct partition *partition) {
  uint32_t low = 0, high = stage->partition_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if ((uintptr_t)stage->partitions[middle].partition < (uintptr_t)partition)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct stage_partition *partition_entry(const struct stage *stage, const struct partition *partition) {
  uint32_t index = partition_index(stage, partition);
  bool here = index < stage->partition_count && stage->partitions[index].partition == partition;
  return here ? &stage->partitions[index] : NULL;
}

static bool make_room(struct stage *stage) {
  if (stage->partition_count < stage->partition_room) return true;
  uint32_t room = stage->partition_room ? 2 * stage->partition_room : 8;
  struct stage_partition *partitions = realloc(stage->partitions, room * sizeof *partitions);
  if (!partitions) return false;
  stage->partitions = partitions;
  stage->partition_room = room;
  return true;
}

bool stage_assigned(struct stage *stage, struct partition *partition, struct error *err) {
  void *state = NULL;
  int32_t result = 0;
  must(!partition_entry(stage, partition));
  if (!make_room(stage)) return error_set(err, "there is no memory for another partition");
  enter(stage, PHASE_OTHER);
  say_place(stage, PLACE_ASSIGNED, partition, NULL);
  if (stage->plugin->assigned) result = stage->plugin->assigned(stage->self, &partition->view, &state);
  leave(stage);
  if (result < 0) return error_set(err, "%s", say_failure(stage, "assigned"));
  uint32_t index = partition_index(stage, partition);
  struct stage_partition *entry = &stage->partitions[index];
  memmove(entry + 1, entry, (stage->partition_count - index) * sizeof *entry);
  *entry = (struct stage_partition){partition, state};
  stage->partition_count++;
  return true;
}

void stage_revoked(struct stage *stage, struct partition *partition, int32_t why) {
  struct stage_partition *entry = partition_entry(stage, partition);
  must(entry != NULL);
  must(why == WEIR_REVOKED || why == WEIR_LOST);
  tickets_fence(&stage->tickets, partition);
  enter(stage, PHASE_OTHER);
  say_place(stage, PLACE_REVOKED, partition, NULL);
  if (stage->plugin->revoked) stage->plugin->revoked(stage->self, &partition->view, entry->state, why);
  leave(stage);
  size_t behind = stage->partition_count - (size_t)(entry - stage->partitions) - 1;
  memmove(entry, entry + 1, behind * sizeof *entry);
  stage->partition_count--;
}

void *stage_state(const struct stage *stage, const struct partition *partition) {
  const struct stage_partition *entry = partition_entry(stage, partition);
  must(entry != NULL);
  return entry->state;
}

/* ---- process() ---- */

/* All records are RETRY, with the failure as their reason. */
static enum stage_result broken(struct stage *stage, struct portion *portion) {
  weir_reason why = weir_because("stage_broken", weir_text(stage->failure));
  if (stage->ticket) tickets_withdraw(&stage->tickets, stage->ticket);
  stage->ticket = NULL;
  must(portion_settle(portion, 0, portion->view.record_count, WEIR_RETRY, &why));
  return STAGE_BROKEN;
}

static enum stage_result broken_by_host(struct stage *stage, struct portion *portion, const char *what) {
  struct error err = {0};
  error_set(&err, "%s", what);
  memcpy(stage->failure, err.text, strlen(err.text) + 1);
  return broken(stage, portion);
}

static enum stage_result deferred(struct stage *stage, weir_result result) {
  bool overruled = false;
  uint32_t waiting = tickets_process_returned(&stage->tickets, stage->ticket, &overruled);
  stage->ticket = NULL;
  if (overruled) host_misbehaves(&stage->host, RULE_OVERRULED, "complete");
  if (waiting && result == WEIR_DONE) host_misbehaves(&stage->host, RULE_DONE, "process");
  return waiting ? STAGE_LATER : STAGE_DONE;
}

/* Records at UNSETTLED that nobody will complete would wait for ever. */
static void retry_unsettled(struct stage *stage, struct portion *portion) {
  uint32_t count = portion->view.record_count;
  if (portion->all_pass) return;
  const uint8_t *at = memchr(portion->verdicts, WEIR_UNSETTLED, count);
  if (!at) return;
  host_misbehaves(&stage->host, RULE_UNSETTLED, "process");
  weir_reason why = weir_because("unsettled", weir_text("the plugin gave no verdict"));
  for (uint32_t i = (uint32_t)(at - portion->verdicts); i < count; i++)
    if (portion->verdicts[i] == WEIR_UNSETTLED) must(portion_settle(portion, i, 1, WEIR_RETRY, &why));
}

static enum stage_result judge(struct stage *stage, struct portion *portion, weir_result result) {
  if (result < WEIR_DONE || result > WEIR_BROKEN) {
    host_misbehaves(&stage->host, RULE_RESULT, "process");
    result = WEIR_BROKEN;
  }
  if (result == WEIR_BROKEN) {
    say_failure(stage, "process");
    return broken(stage, portion);
  }
  if (stage->spent) return broken_by_host(stage, portion, "the memory of the batch is spent");
  if (stage->refused)
    return broken_by_host(stage, portion, "a call of the plugin was refused (see \"plugin misbehaving\")");
  if (stage->ticket) return deferred(stage, result);
  if (result == WEIR_LATER) host_misbehaves(&stage->host, RULE_LATER, "process");
  retry_unsettled(stage, portion);
  return STAGE_DONE;
}

enum stage_result stage_process(struct stage *stage, struct portion *portion) {
  uint32_t count = portion->view.record_count;
  enter(stage, PHASE_PROCESS);
  must(count > 0 && !portion->open && portion->waiting == 0);
  must(partition_entry(stage, portion->batch->partition));
  enum stage_result result;
  if ((stage->plugin->traits & WEIR_ASYNC) && !tickets_reserve(&stage->tickets, count)) {
    result = broken_by_host(stage, portion, "there is no memory for a ticket");
  } else {
    stage->current = portion;
    stage->spent = false;
    atomic_store(&stage->refused, false);
    portion->open = true;
    say_place(stage, PLACE_PROCESS, portion->batch->partition, portion);
    weir_result said = stage->plugin->process(stage->self, &portion->view);
    portion->open = false;
    stage->current = NULL;
    result = judge(stage, portion, said);
  }
  leave(stage);
  return result;
}

/* ---- Tickets, time ---- */

void stage_collect(struct stage *stage, void (*each)(void *ctx, struct portion *portion), void *ctx) {
  must(stage->phase == PHASE_NONE && host_on_home_thread(&stage->host));
  for (struct portion *portion; (portion = tickets_collect(&stage->tickets));) each(ctx, portion);
}

void stage_fence(struct stage *stage, const struct partition *partition) {
  must(partition != NULL);
  tickets_fence(&stage->tickets, partition);
}

uint32_t stage_deferred(const struct stage *stage, const struct partition *partition) {
  return tickets_waiting(&stage->tickets, partition);
}

int64_t stage_wake_at(const struct stage *stage) { return atomic_load(&stage->wake_at_ms); }

void stage_wake(struct stage *stage, int64_t now_ms) {
  int64_t due = atomic_load(&stage->wake_at_ms);
  if (due > now_ms) return;
  /* Requests that come from now on are for the next time. */
  atomic_store(&stage->wake_at_ms, INT64_MAX);
  enter(stage, PHASE_WAKE);
  say_place(stage, PLACE_WAKE, NULL, NULL);
  stage->plugin->wake(stage->self, now_ms);
  leave(stage);
}

void stage_flush(struct stage *stage, const struct partition *partition, int32_t why, int64_t deadline_ms) {
  must(why >= WEIR_FLUSH_REVOKE && why <= WEIR_FLUSH_COMMIT);
  must(!partition || partition_entry(stage, partition));
  if (!stage->plugin->flush) return;
  enter(stage, PHASE_FLUSH);
  say_place(stage, PLACE_FLUSH, partition, NULL);
  stage->plugin->flush(stage->self, partition ? &partition->view : NULL, why, deadline_ms);
  leave(stage);
}
