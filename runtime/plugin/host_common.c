/* host_common.c: what the host table offers beside configuration and batches: log, failure, metrics, clock, extensions.
 * See <weir/plugin.h>. */
#include "plugin/host.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/span.h"
#include <stdio.h>
#include <string.h>

enum { LOG_EVERY_MS = 5000, LOG_TEXT_MAX = 1800 };

/* Lines that differ only in their numbers are the same line; two lines seldom share a limit. */
static struct log_limit *limit_of(struct host *host, weir_level level, weir_span text) {
  uint32_t hash = 2166136261u + (uint32_t)level;
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] < '0' || text.data[i] > '9') hash = (hash ^ text.data[i]) * 16777619u;
  return &host->log_limits[(hash ^ hash >> 16) % HOST_LOG_LIMITS];
}

static void host_log(const weir_host *table, weir_level level, weir_span text) {
  struct host *host = host_of(table);
  if (level < WEIR_DEBUG || level > WEIR_ERROR) {
    host_misbehaves(host, RULE_ARGUMENT, "log");
    level = WEIR_ERROR;
  }
  if (!text.data) return;
  if (text.size > LOG_TEXT_MAX) text.size = LOG_TEXT_MAX;
  log_limited(limit_of(host, level, text), LOG_EVERY_MS, level, host->label, "%.*s", SPAN_ARGS(text));
}

static int32_t host_fail(const weir_host *table, const weir_config *node, weir_span text) {
  struct host *host = host_of(table);
  if (!host_is_home(host, "fail")) return -1;
  size_t size = !text.data ? 0 : text.size < LIMIT_FAILURE_TEXT ? text.size : LIMIT_FAILURE_TEXT;
  host->failure.said = true;
  host->failure.node = node;
  if (size) memcpy(host->failure.text, text.data, size);
  host->failure.text[size] = 0;
  return -1;
}

/* A plugin's names do not meet the runtime's nor another plugin's: plugin_NAME_metric. */
static bool full_name(const struct host *host, const char *name, char *into, size_t into_size) {
  int size = snprintf(into, into_size, "plugin_%s_%s", host->plugin, name);
  for (char *at = into; *at; at++)
    if (*at == '-') *at = '_';
  return size > 0 && (size_t)size < into_size;
}

static weir_metric *host_metric(const weir_host *table, weir_metric_kind kind, const char *name, const char *help) {
  struct host *host = host_of(table);
  char full[LIMIT_METRIC_NAME + 1], lane[12];
  struct error err = {0};
  if (!host_is_home(host, "metric")) return NULL;
  if (!host->stage || !name || kind < WEIR_COUNTER || kind > WEIR_HISTOGRAM) {
    host_misbehaves(host, host->stage ? RULE_ARGUMENT : RULE_MAIN, "metric");
    return NULL;
  }
  if (!host->facts->metrics) return NULL;
  if (!full_name(host, name, full, sizeof full)) {
    log_line(WEIR_WARN, host->label, "metric \"%.40s...\" is not kept: its name is too long", name);
    return NULL;
  }
  snprintf(lane, sizeof lane, "%u", table->lane);
  const struct metrics_label labels[] = {{"stage", table->name}, {"lane", span_of(lane)}};
  weir_metric *metric = metrics_register(host->facts->metrics, kind, full, help, labels, 2, &err);
  if (!metric) log_line(WEIR_WARN, host->label, "%s", err.text);
  return metric;
}

static void host_measure(const weir_host *table, weir_metric *metric, int64_t value) {
  (void)host_of(table);
  metrics_measure(metric, value);
}

static int64_t host_now_ms(const weir_host *table) { return clock_now(host_of(table)->facts->clock); }
static int64_t host_wall_ms(const weir_host *table) { return clock_wall(host_of(table)->facts->clock); }

static const void *host_extension(const weir_host *table, const char *id) {
  struct host *host = host_of(table);
  host_is_home(host, "extension");
  return id && strcmp(id, WEIR_EXT_WORKER) == 0 ? &host->worker : NULL;
}

void host_common_functions(weir_host *table) {
  table->log = host_log;
  table->fail = host_fail;
  table->metric = host_metric;
  table->measure = host_measure;
  table->now_ms = host_now_ms;
  table->wall_ms = host_wall_ms;
  table->extension = host_extension;
}
