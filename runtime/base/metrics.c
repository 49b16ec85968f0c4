/* metrics.c: metrics are appended under a lock and never moved or removed, so reading and measuring need none. Each value
 * is exact by itself; a histogram read while it is measured may be one observation apart from its own sum. */
#include "base/metrics.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * LIMIT_METRICS };

struct weir_metric {
  weir_metric_kind kind;
  const char *name, *help;
  const struct metrics_label *labels;
  size_t label_count;
  _Atomic int64_t value;     /* a histogram's sum */
  _Atomic int64_t buckets[]; /* METRICS_BUCKETS of a histogram, else none */
};

struct metrics {
  pthread_mutex_t lock;
  struct arena arena;    /* under the lock */
  uint16_t slots[SLOTS]; /* under the lock: hash to index + 1, 0: free */
  _Atomic uint32_t count;
  weir_metric *metrics[LIMIT_METRICS]; /* written before count covers it */
};

struct metrics *metrics_create(void) {
  struct metrics *metrics = calloc(1, sizeof *metrics);
  if (!metrics) return NULL;
  pthread_mutex_init(&metrics->lock, NULL);
  arena_init(&metrics->arena, 0);
  return metrics;
}

void metrics_destroy(struct metrics *metrics) {
  if (!metrics) return;
  arena_fini(&metrics->arena);
  pthread_mutex_destroy(&metrics->lock);
  free(metrics);
}

static bool valid_name(const char *name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
  size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789");
  return *name && strchr(letters, *name) && name[size] == 0 && size <= LIMIT_METRIC_NAME;
}

static uint32_t hash_add(uint32_t hash, weir_span text) {
  for (size_t i = 0; i < text.size; i++) hash = (hash ^ text.data[i]) * 16777619u;
  return hash * 16777619u;
}

static uint32_t hash_of(const char *name, const struct metrics_label *labels, size_t label_count) {
  uint32_t hash = hash_add(2166136261u, span_of(name));
  for (size_t i = 0; i < label_count; i++) {
    hash = hash_add(hash, span_of(labels[i].name));
    hash = hash_add(hash, labels[i].value);
  }
  return hash;
}

static bool is_it(const weir_metric *metric, const char *name, const struct metrics_label *labels, size_t label_count) {
  if (strcmp(metric->name, name) != 0 || metric->label_count != label_count) return false;
  for (size_t i = 0; i < label_count; i++) {
    if (strcmp(metric->labels[i].name, labels[i].name) != 0) return false;
    if (!span_equal(metric->labels[i].value, labels[i].value)) return false;
  }
  return true;
}

/* Under the lock: where it stands, or the free slot for it. */
static uint16_t *slot_of(
    struct metrics *metrics, const char *name, const struct metrics_label *labels, size_t label_count) {
  for (uint32_t at = hash_of(name, labels, label_count) % SLOTS;; at = (at + 1) % SLOTS) {
    uint16_t index = metrics->slots[at];
    if (!index || is_it(metrics->metrics[index - 1], name, labels, label_count)) return &metrics->slots[at];
  }
}

/* Under the lock: any metric of this name, whatever its labels; they share kind and help. */
static weir_metric *sibling_of(struct metrics *metrics, const char *name) {
  for (uint32_t i = 0; i < metrics->count; i++)
    if (strcmp(metrics->metrics[i]->name, name) == 0) return metrics->metrics[i];
  return NULL;
}

static bool copy_labels(struct arena *arena, weir_metric *metric, const struct metrics_label *labels) {
  struct metrics_label *copies = arena_alloc(arena, metric->label_count * sizeof *copies);
  if (!copies) return false;
  for (size_t i = 0; i < metric->label_count; i++) {
    copies[i].name = arena_copy(arena, labels[i].name, strlen(labels[i].name));
    copies[i].value = weir_bytes(arena_copy(arena, labels[i].value.data, labels[i].value.size), labels[i].value.size);
    if (!copies[i].name || !copies[i].value.data) return false;
  }
  metric->labels = copies;
  return true;
}

static weir_metric *metric_create(struct arena *arena, weir_metric_kind kind, const char *name, const char *help,
    const struct metrics_label *labels, size_t label_count) {
  size_t buckets = kind == WEIR_HISTOGRAM ? METRICS_BUCKETS : 0;
  weir_metric *metric = arena_alloc(arena, sizeof *metric + buckets * sizeof *metric->buckets);
  if (!metric) return NULL;
  memset(metric, 0, sizeof *metric + buckets * sizeof *metric->buckets);
  metric->kind = kind;
  metric->label_count = label_count;
  metric->name = arena_copy(arena, name, strlen(name));
  metric->help = help ? arena_copy(arena, help, strlen(help)) : "";
  return metric->name && metric->help && copy_labels(arena, metric, labels) ? metric : NULL;
}

/* Under the lock. */
static weir_metric *append(struct metrics *metrics, weir_metric_kind kind, const char *name, const char *help,
    const struct metrics_label *labels, size_t label_count, struct error *err) {
  weir_metric *metric = NULL;
  if (metrics->count == LIMIT_METRICS) {
    error_set(
        err, "metric \"%s\" is not kept: this process has %d metrics, the most there may be", name, LIMIT_METRICS);
    return NULL;
  }
  metric = metric_create(&metrics->arena, kind, name, help, labels, label_count);
  if (!metric) {
    error_set(err, "metric \"%s\" is not kept: no memory", name);
    return NULL;
  }
  *slot_of(metrics, name, labels, label_count) = (uint16_t)(metrics->count + 1);
  metrics->metrics[metrics->count] = metric;
  metrics->count++;
  return metric;
}

weir_metric *metrics_register(struct metrics *metrics, weir_metric_kind kind, const char *name, const char *help,
    const struct metrics_label *labels, size_t label_count, struct error *err) {
  must(kind >= WEIR_COUNTER && kind <= WEIR_HISTOGRAM);
  if (!valid_name(name)) {
    error_set(err, "a metric's name is small letters, digits and _, at most %d of them, not \"%.*s\"",
        LIMIT_METRIC_NAME, 2 * LIMIT_METRIC_NAME, name);
    return NULL;
  }
  pthread_mutex_lock(&metrics->lock);
  weir_metric *metric = NULL, *sibling = sibling_of(metrics, name);
  uint16_t index = *slot_of(metrics, name, labels, label_count);
  if (sibling && sibling->kind != kind)
    error_set(err, "metric \"%s\" is already registered as another kind", name);
  else if (index)
    metric = metrics->metrics[index - 1];
  else
    metric = append(metrics, kind, name, help ? help : sibling ? sibling->help : NULL, labels, label_count, err);
  pthread_mutex_unlock(&metrics->lock);
  return metric;
}

static unsigned bucket_of(int64_t value) { return value <= 0 ? 0 : 64u - (unsigned)__builtin_clzll((uint64_t)value); }

void metrics_measure(weir_metric *metric, int64_t value) {
  if (!metric) return;
  switch (metric->kind) {
  case WEIR_COUNTER:
    if (value > 0) atomic_fetch_add_explicit(&metric->value, value, memory_order_relaxed);
    break;
  case WEIR_GAUGE: atomic_store_explicit(&metric->value, value, memory_order_relaxed); break;
  case WEIR_HISTOGRAM:
    atomic_fetch_add_explicit(&metric->buckets[bucket_of(value)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, value, memory_order_relaxed);
    break;
  default: must_not_reach();
  }
}

void metrics_view(const weir_metric *metric, struct metrics_view *view) {
  *view = (struct metrics_view){.kind = metric->kind,
      .name = metric->name,
      .help = metric->help,
      .labels = metric->labels,
      .label_count = metric->label_count};
  int64_t value = atomic_load_explicit(&metric->value, memory_order_relaxed);
  if (metric->kind != WEIR_HISTOGRAM) {
    view->value = value;
    return;
  }
  view->sum = value;
  for (size_t i = 0; i < METRICS_BUCKETS; i++) {
    view->buckets[i] = atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
    view->count += view->buckets[i];
  }
}

void metrics_each(const struct metrics *metrics, void (*visit)(void *ctx, const struct metrics_view *view), void *ctx) {
  uint32_t count = metrics->count;
  for (uint32_t i = 0; i < count; i++) {
    struct metrics_view view;
    metrics_view(metrics->metrics[i], &view);
    visit(ctx, &view);
  }
}
