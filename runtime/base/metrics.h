/* metrics.h: named counters, gauges and histograms of one process. A metric lives as long as its registry, so a handle is
 * kept once and measured for ever; measuring is one or three atomic additions. */
#ifndef WEIR_BASE_METRICS_H
#define WEIR_BASE_METRICS_H
#include "base/error.h"
#include <stddef.h>
#include <weir/plugin.h>

/* A histogram's bucket n counts the values of n significant bits: 0 (and below), 1, 2-3, 4-7, ... */
enum { METRICS_BUCKETS = 64 };

struct metrics;

struct metrics_label {
  const char *name;
  weir_span value;
};

struct metrics *metrics_create(void); /* NULL: no memory */
void metrics_destroy(struct metrics *metrics);

/* Thread: any. `name` and label names: [a-z_][a-z0-9_]*. All texts are copied. The same name with the same labels, in the same
 * order, gives the same metric. NULL with a sentence: a bad name, another kind under this name, LIMIT_METRICS reached, no memory.
 * `help` NULL: that of the first one with this name. */
weir_metric *metrics_register(struct metrics *metrics, weir_metric_kind kind, const char *name, const char *help,
    const struct metrics_label *labels, size_t label_count, struct error *err);

/* Thread: any. Adds to a counter (negative values are ignored), sets a gauge, observes in a histogram. Nothing on NULL. */
void metrics_measure(weir_metric *metric, int64_t value);

/* What a metric says now. The texts live as long as the registry. */
struct metrics_view {
  weir_metric_kind kind;
  const char *name, *help; /* help: "" when none was given */
  const struct metrics_label *labels;
  size_t label_count;
  int64_t value;      /* of a counter or gauge */
  int64_t count, sum; /* of a histogram */
  int64_t buckets[METRICS_BUCKETS];
};

/* Thread: any, while others measure and register. Visits in order of registration. */
void metrics_each(const struct metrics *metrics, void (*visit)(void *ctx, const struct metrics_view *view), void *ctx);
void metrics_view(const weir_metric *metric, struct metrics_view *view);

#endif
