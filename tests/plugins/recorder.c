/* recorder: writes down which callbacks ran, and fails where it is told to. */
#include "fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char trace[4096];

static const char *trace_text(void) { return trace; }
static void trace_clear(void) { trace[0] = 0; }
static const fixture_trace trace_table = {sizeof trace_table, trace_text, trace_clear};

static void note(const char *word) {
  size_t used = strlen(trace);
  snprintf(trace + used, sizeof trace - used, "%s%s", used ? " " : "", word);
}

struct recorder {
  const weir_host *host;
  weir_span fail_at;
  int64_t silent;
  int state;
};

/* Notes the callback; fails where the option says so. */
static int32_t step(const weir_host *host, const weir_config *config, const char *word) {
  const weir_config *node = host->config_get(host, config, "fail_at");
  weir_span text = weir_text("");
  int64_t silent = 0;
  note(word);
  if (node && host->config_text(host, node, &text) < 0) return -1;
  if (host->config_int(host, host->config_get(host, config, "silent"), WEIR_OPTION_BOOL, &silent) < 0) return -1;
  if (text.size != strlen(word) || memcmp(text.data, word, text.size) != 0) return 0;
  return silent ? -1 : host->fail(host, node, weir_text("it was told to fail here"));
}

static int32_t prepare(const weir_host *host, const weir_config *config, void **shared) {
  *shared = trace;
  return step(host, config, "prepare");
}

static void release(void *shared) { note(shared == trace ? "release" : "release-of-something-else"); }

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct recorder *recorder = calloc(1, sizeof *recorder);
  if (!recorder || shared != trace) return -1;
  recorder->host = host;
  int32_t result = step(host, config, "create");
  const weir_config *node = host->config_get(host, config, "fail_at");
  if (result == 0 && node) result = host->config_text(host, node, &recorder->fail_at);
  if (result == 0)
    result = host->config_int(host, host->config_get(host, config, "silent"), WEIR_OPTION_BOOL, &recorder->silent);
  if (result == 0)
    *self = recorder;
  else
    free(recorder);
  return result;
}

static void destroy(void *self) {
  note("destroy");
  free(self);
}

static int fails_at(const struct recorder *recorder, const char *word) {
  return recorder->fail_at.size == strlen(word) && memcmp(recorder->fail_at.data, word, recorder->fail_at.size) == 0;
}

static int32_t assigned(void *self, const weir_partition *partition, void **state) {
  struct recorder *recorder = self;
  char word[64];
  snprintf(word, sizeof word, "assigned:%.*s/%d", (int)partition->topic.size, (const char *)partition->topic.data,
      partition->partition);
  note(word);
  if (*state != NULL) note("state-was-set");
  *state = &recorder->state;
  if (!fails_at(recorder, "assigned")) return 0;
  return recorder->silent ? -1 : recorder->host->fail(recorder->host, NULL, weir_text("this partition is not wanted"));
}

static void revoked(void *self, const weir_partition *partition, void *state, int32_t why) {
  struct recorder *recorder = self;
  (void)partition;
  note(why == WEIR_REVOKED ? "revoked" : "lost");
  if (state != &recorder->state) note("state-is-wrong");
}

static weir_result process(void *self, const weir_batch *batch) {
  struct recorder *recorder = self;
  char word[32];
  snprintf(word, sizeof word, "process:%u", batch->record_count);
  note(word);
  if (batch->state != &recorder->state) note("state-is-wrong");
  recorder->host->settle(recorder->host, batch, 0, UINT32_MAX, WEIR_PASS, NULL);
  if (!fails_at(recorder, "process")) return WEIR_DONE;
  if (!recorder->silent) recorder->host->fail(recorder->host, NULL, weir_text("the store is away"));
  return WEIR_BROKEN;
}

static void flush(void *self, const weir_partition *partition, int32_t why, int64_t deadline_ms) {
  char word[48];
  (void)self;
  snprintf(word, sizeof word, "flush:%s:%d:%lld", partition ? "one" : "all", why, (long long)deadline_ms);
  note(word);
}

static const void *extension(const char *id) { return strcmp(id, FIXTURE_TRACE) == 0 ? &trace_table : NULL; }

static const weir_option options[] = {
    {"fail_at", WEIR_OPTION_ENUM, 0, NULL, "prepare|create|assigned|process", "the callback that fails"},
    {"silent", WEIR_OPTION_BOOL, 0, "false", NULL, "do not say why"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "recorder",
    .version = "1.0.0",
    .summary = "Writes down which callbacks ran.",
    .roles = WEIR_TRANSFORM | WEIR_SINK,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .prepare = prepare,
    .release = release,
    .create = create,
    .destroy = destroy,
    .assigned = assigned,
    .revoked = revoked,
    .process = process,
    .flush = flush,
    .extension = extension,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
