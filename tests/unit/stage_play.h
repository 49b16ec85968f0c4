/* stage_play.h: little plays with one stage: a plugin from tests/plugins, options as YAML, batches of texts, a hand
 * clock.
 *
 * The lane is the test's thread. `notified` counts how often the stage asked for it. */
#ifndef TESTS_UNIT_STAGE_PLAY_H
#define TESTS_UNIT_STAGE_PLAY_H
#include <pthread.h>
#include "base/metrics.h"
#include "plugin/stage.h"
#include "plugins/fixture.h"
#include "unit/config_play.h"

#define FIXTURES TEST_BINARY_DIR "/tests/plugins"

enum { PLAY_RECORDS = 64, PLAY_BATCHES = 16 };

struct play {
  struct plugin_path *path;
  struct metrics *metrics;
  struct clock_hand hand;
  struct worker_facts facts;
  struct setup *setup;
  struct stage *stage;
  struct stage_lane lane;
  struct batch_pool pool;
  struct partition *partition, *other;
  int64_t next_offset;
  uint32_t role, collected;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  uint32_t notified; /* under the lock */
};

static struct play play;

/* A message is its value; every one has the headers h=1, h=2. */
static inline bool play_headers(void *message, struct arena *arena, const weir_header **headers, uint32_t *count) {
  (void)message;
  weir_header *made = arena_alloc(arena, 2 * sizeof *made);
  if (!made) return false;
  made[0] = (weir_header){weir_text("h"), weir_text("1")};
  made[1] = (weir_header){weir_text("h"), weir_text("2")};
  *headers = made;
  *count = 2;
  return true;
}

static inline void play_view(void *message, weir_record *view) {
  *view = (weir_record){.value = weir_text(message), .timestamp_ms = -1};
}

static inline void play_release(void **messages, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) free(messages[i]);
}

static const struct batch_source play_source = {play_headers, play_view, play_release};

static inline void play_notify(void *ctx) {
  (void)ctx;
  pthread_mutex_lock(&play.lock);
  play.notified++;
  pthread_cond_signal(&play.changed);
  pthread_mutex_unlock(&play.lock);
}

/* Waits until the lane was notified since the last time. */
static inline void play_wait_notified(void) {
  pthread_mutex_lock(&play.lock);
  while (play.notified == 0) pthread_cond_wait(&play.changed, &play.lock);
  play.notified = 0;
  pthread_mutex_unlock(&play.lock);
}

/* cmocka setup, without a stage yet. */
static inline int play_open_stage(void **state) {
  static const char *const folders[] = {FIXTURES};
  (void)state;
  memset(&play, 0, sizeof play);
  pthread_mutex_init(&play.lock, NULL);
  pthread_cond_init(&play.changed, NULL);
  play.path = plugin_path_create(folders, 1);
  play.metrics = metrics_create();
  clock_hand_init(&play.hand, 1000, 1700000000000);
  play.facts = (struct worker_facts){.pipeline = "p",
      .group = "g",
      .instance = "i",
      .directory = "/nowhere",
      .clock = &play.hand.clock,
      .path = play.path,
      .metrics = play.metrics,
      .lanes = 1};
  play.lane = (struct stage_lane){.notify = play_notify};
  play.partition = partition_create("in", 3, 7, 0);
  play.other = partition_create("in", 4, 8, 0);
  return batch_pool_init(&play.pool, PLAY_BATCHES, PLAY_RECORDS, 1 << 20) ? 0 : -1;
}

/* A stage with these options, and partition 3 assigned. */
static inline void play_start(const char *plugin, uint32_t role, const char *yaml) {
  const char *ignored;
  struct report report;
  struct error err = {0};
  const struct weir_config *options = *yaml ? play_yaml(yaml, &ignored) : NULL;
  const struct setup_request request = {plugin, "my-stage", role, options, options};
  report_init(&report);
  play.role = role;
  play.setup = setup_open(&request, &play.facts, &report);
  if (!play.setup) print_error("%s", play_said(&report));
  assert_non_null(play.setup);
  report_fini(&report);
  play.stage = stage_create(play.setup, &play.lane, &err);
  if (!play.stage) print_error("%s\n", err.text);
  assert_non_null(play.stage);
  assert_true(stage_assigned(play.stage, play.partition, &err));
}

static inline void play_abandoned(void *ctx, struct portion *portion) {
  (void)ctx;
  batch_abandon(portion->batch);
  if (batch_is_done(portion->batch)) batch_pool_give(&play.pool, portion->batch);
}

/* Revokes, destroys, releases. What is still deferred is given back. */
static inline void play_stop(void) {
  if (!play.stage) return;
  stage_revoked(play.stage, play.partition, WEIR_REVOKED);
  stage_destroy(play.stage, play_abandoned, NULL);
  setup_close(play.setup);
  play.stage = NULL;
  play.setup = NULL;
}

/* cmocka teardown: every batch must be back. */
static inline int play_close_stage(void **state) {
  play_stop();
  batch_pool_fini(&play.pool);
  partition_destroy(play.partition);
  partition_destroy(play.other);
  metrics_destroy(play.metrics);
  plugin_path_destroy(play.path);
  pthread_cond_destroy(&play.changed);
  pthread_mutex_destroy(&play.lock);
  return play_close(state);
}

/* A portion of these values, separated by blanks ("-" is a tombstone), entered and ready for stage_process(). */
static inline struct portion *play_batch_of(struct partition *partition, const char *values) {
  struct batch *batch = batch_pool_take(&play.pool, partition, partition->view.epoch, &play_source);
  assert_non_null(batch);
  struct portion *portion = portion_create(batch, PLAY_RECORDS);
  assert_non_null(portion);
  char copy[4096], *rest = copy;
  snprintf(copy, sizeof copy, "%s", values);
  for (char *value; (value = strsep(&rest, " "));) {
    char *message = strdup(value);
    weir_record *view = batch_next(batch, portion);
    play_view(message, view);
    if (strcmp(value, "-") == 0) view->value = (weir_span){NULL, 0};
    view->key = weir_text("key");
    view->offset = play.next_offset++;
    batch_add(batch, portion, message);
  }
  portion_enter(portion, 0, play.role == WEIR_SINK, stage_state(play.stage, partition));
  return portion;
}

static inline struct portion *play_batch(const char *values) { return play_batch_of(play.partition, values); }

/* The pipeline is done with it. */
static inline void play_give(struct portion *portion) {
  batch_abandon(portion->batch);
  assert_true(batch_is_done(portion->batch));
  batch_pool_give(&play.pool, portion->batch);
}

static inline const char *play_values(const struct portion *portion) {
  static char text[4096];
  size_t used = 0;
  text[0] = 0;
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    weir_span value = weir_record_at(&portion->view, i)->value;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? " " : "", value.data ? (int)value.size : 1,
        value.data ? (const char *)value.data : "-");
  }
  return text;
}

/* Verdicts as letters: UNSETTLED "?", PASS "p", DROP "d", RETRY "t", REJECT "j". */
static inline const char *play_verdicts(const struct portion *portion) {
  static char text[PLAY_RECORDS + 1];
  uint32_t count = portion->view.record_count;
  for (uint32_t i = 0; i < count; i++) text[i] = "?pdtj"[portion->verdicts[i]];
  text[count] = 0;
  return text;
}

/* What the stage emitted and did not take back: "parent:value ...". */
static inline const char *play_emitted(const struct portion *portion) {
  static char text[4096];
  size_t used = 0;
  text[0] = 0;
  for (const struct emission *emission = portion->emitted; emission; emission = emission->next) {
    if (emission->withdrawn) continue;
    weir_span value = emission->record.view.value;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%u:%.*s", used ? " " : "", emission->parent,
        (int)value.size, (const char *)value.data);
  }
  return text;
}

static inline const char *play_code(const struct portion *portion, uint32_t index) {
  static char text[LIMIT_REASON_CODE + 1];
  const struct reason *reason = portion_reason(portion, index);
  snprintf(
      text, sizeof text, "%.*s", reason ? (int)reason->code.size : 0, reason ? (const char *)reason->code.data : "");
  return text;
}

static inline void play_count_collected(void *ctx, struct portion *portion) {
  (void)ctx;
  (void)portion;
  play.collected++;
}

/* Portions that changed. */
static inline uint32_t play_collect(void) {
  play.collected = 0;
  stage_collect(play.stage, play_count_collected, NULL);
  return play.collected;
}

struct play_metric {
  const char *name;
  int64_t value;
};

static inline void play_find_metric(void *ctx, const struct metrics_view *view) {
  struct play_metric *wanted = ctx;
  if (strcmp(view->name, wanted->name) == 0) wanted->value += view->value;
}

static inline int64_t play_metric(const char *name) {
  struct play_metric wanted = {name, 0};
  metrics_each(play.metrics, play_find_metric, &wanted);
  return wanted.value;
}

static inline const void *play_extension(const char *id) { return setup_plugin(play.setup)->table->extension(id); }

#endif
