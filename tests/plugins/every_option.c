/* every_option: one option of each type, and a log line for each in create(), as it was read. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "fixture.h"

static char trace[4096];

static const char *trace_text(void) { return trace; }
static void trace_clear(void) { trace[0] = 0; }
static const fixture_trace trace_table = {sizeof trace_table, trace_text, trace_clear};

static void note(const char *name, const char *value) {
  size_t used = strlen(trace);
  snprintf(trace + used, sizeof trace - used, "%s%s=%s", used ? " " : "", name, value);
}

static int32_t note_text(const weir_host *host, const weir_config *config, const char *name) {
  const weir_config *node = host->config_get(host, config, name);
  weir_span text;
  char value[64];
  if (!node) return 0;
  if (host->config_text(host, node, &text) < 0) return -1;
  snprintf(value, sizeof value, "%.*s", (int)text.size, (const char *)text.data);
  note(name, value);
  return 0;
}

static int32_t note_int(const weir_host *host, const weir_config *config, const char *name, int32_t type) {
  int64_t number;
  char value[32];
  if (host->config_int(host, host->config_get(host, config, name), type, &number) < 0) return -1;
  snprintf(value, sizeof value, "%" PRId64, number);
  note(name, value);
  return 0;
}

static int32_t note_collection(const weir_host *host, const weir_config *config, const char *name) {
  const weir_config *node = host->config_get(host, config, name);
  char value[256] = "";
  for (uint32_t i = 0; i < host->config_count(host, node); i++) {
    weir_span key = {NULL, 0}, text = {NULL, 0};
    const weir_config *entry = host->config_at(host, node, i, &key);
    if (host->config_text(host, entry, &text) < 0) return -1;
    size_t used = strlen(value);
    snprintf(value + used, sizeof value - used, "%s%.*s%s%.*s", i ? "," : "", (int)key.size,
        key.data ? (const char *)key.data : "", key.data ? ":" : "", (int)text.size, (const char *)text.data);
  }
  note(name, value);
  return 0;
}

static int32_t note_tree(const weir_host *host, const weir_config *config) {
  static const char *const kinds[] = {"null", "plain", "text", "list", "map"};
  const weir_config *tree = host->config_get(host, config, "tree");
  for (uint32_t i = 0; i < host->config_count(host, tree); i++) {
    weir_span key, file;
    uint32_t line, column;
    char value[128];
    const weir_config *entry = host->config_at(host, tree, i, &key);
    host->config_where(host, entry, &file, &line, &column);
    snprintf(value, sizeof value, "%.*s:%s@%u:%u", (int)key.size, (const char *)key.data,
        kinds[host->config_kind(host, entry)], line, column);
    note("tree", value);
  }
  return 0;
}

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  double number;
  char value[32];
  (void)shared;
  *self = NULL;
  if (note_text(host, config, "string") < 0 || note_int(host, config, "int", WEIR_OPTION_INT) < 0 ||
      note_int(host, config, "bool", WEIR_OPTION_BOOL) < 0 ||
      note_int(host, config, "duration", WEIR_OPTION_DURATION) < 0 ||
      note_int(host, config, "size", WEIR_OPTION_SIZE) < 0 || note_collection(host, config, "list") < 0 ||
      note_collection(host, config, "map") < 0 || note_text(host, config, "secret") < 0 ||
      note_text(host, config, "enum") < 0)
    return -1;
  if (host->config_number(host, host->config_get(host, config, "number"), &number) < 0) return -1;
  snprintf(value, sizeof value, "%g", number);
  note("number", value);
  return note_tree(host, config);
}

static void destroy(void *self) { (void)self; }

static weir_result process(void *self, const weir_batch *batch) {
  (void)self;
  (void)batch;
  return WEIR_DONE;
}

static const void *extension(const char *id) { return strcmp(id, FIXTURE_TRACE) == 0 ? &trace_table : NULL; }

static const weir_option options[] = {
    {"string", WEIR_OPTION_STRING, 0, "'some text'", NULL, "a text"},
    {"int", WEIR_OPTION_INT, 0, "-3", NULL, "a whole number"},
    {"number", WEIR_OPTION_NUMBER, 0, "2.5", NULL, "a number"},
    {"bool", WEIR_OPTION_BOOL, 0, "true", NULL, "yes or no"},
    {"duration", WEIR_OPTION_DURATION, 0, "1m", NULL, "how long"},
    {"size", WEIR_OPTION_SIZE, 0, "64KiB", NULL, "how much"},
    {"list", WEIR_OPTION_LIST, 0, "[a, b]", NULL, "several texts"},
    {"map", WEIR_OPTION_MAP, 0, "{x: 1, y: two}", NULL, "texts by key"},
    {"secret", WEIR_OPTION_SECRET, 0, NULL, NULL, "a password"},
    {"enum", WEIR_OPTION_ENUM, 0, "second", "first|second|third", "one of three"},
    {"tree", WEIR_OPTION_TREE, 0, NULL, NULL, "anything"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "every_option",
    .version = "1.0.0",
    .summary = "Has an option of each type.",
    .roles = WEIR_SINK,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .process = process,
    .extension = extension,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
