/* pipeline_steps.c: the entries of `stages` and `sinks`. Four forms, one of which is the other three: lua, keep and each are
 * the plugin "lua" with the options that pipeline_file.h tells. */
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "config/node.h"
#include "config/pipeline_reading.h"
#include "config/report.h"
#include "config/settings.h"
#include "config/yaml_traps.h"
#include <string.h>

static const char *const on_failures[] = {"dead_letter", "stop", "discard", NULL};

const char *pipeline_on_failure_name(enum pipeline_on_failure on_failure) { return on_failures[on_failure]; }

/* An entry while it is read. */
struct entry {
  struct pipeline_reading *reading;
  struct settings settings;
  struct pipeline_step *step;
  bool sink;
};

/* A map for the plugin "lua" is filled one by one. */
struct lua_map {
  const struct weir_config *children[4];
  uint32_t count;
  bool whole; /* false: there was no memory for a child */
};

static void lua_map_add(struct lua_map *map, struct arena *arena, const struct weir_config *node, const char *key) {
  const struct weir_config *child = node ? node_make_copy(arena, node, key) : NULL;
  must(map->count < sizeof map->children / sizeof *map->children);
  if (child) map->children[map->count++] = child;
  if (node && !child) map->whole = false;
}

/* {KEY: VALUE, options: {...}} with the settings of the Lua forms that the entry has. NULL: reported. */
static const struct weir_config *lua_options(
    struct entry *entry, const struct weir_config *value, const char *key, const struct weir_config *options) {
  struct arena *arena = entry->reading->arena;
  struct lua_map map = {.whole = true};
  const struct weir_config *node = NULL;
  bool form = strcmp(key, "when") != 0;
  lua_map_add(&map, arena, value, key);
  lua_map_add(&map, arena, options, "options");
  if (form) lua_map_add(&map, arena, settings_node(&entry->settings, "validate"), "validate");
  if (form) lua_map_add(&map, arena, settings_node(&entry->settings, "memory"), "memory");
  if (map.whole) node = node_make_map(arena, entry->step->node, "options", map.children, map.count);
  if (!node) report_add(entry->reading->report, value, "no memory for this entry");
  return node;
}

/* Code as it was written: it may share its node with an option that is interpolated. */
static const struct weir_config *as_written(struct entry *entry, const struct weir_config *code) {
  struct weir_config *copy = node_make_copy(entry->reading->arena, code, NULL);
  if (!copy) {
    report_add(entry->reading->report, code, "no memory for this entry");
    return code;
  }
  copy->text = copy->raw;
  copy->masked = copy->broken = false;
  return copy;
}

/* The user's options, NULL: none. */
static const struct weir_config *read_options(struct entry *entry) {
  const struct weir_config *node = settings_node(&entry->settings, "options");
  char shown[NODE_SHOWN_MAX];
  if (!node || node_is_null(node)) return NULL;
  if (node->kind == NODE_MAP) return node;
  report_add(entry->reading->report, node, "options: found %s, expected a map", node_shown(shown, node));
  return NULL;
}

static void read_plugin(struct entry *entry, const struct weir_config *node, const struct weir_config *options) {
  struct pipeline_step *step = entry->step;
  struct report *report = entry->reading->report;
  if (!settings_read_text(report, node, &step->plugin)) return;
  size_t size = strlen(step->plugin);
  bool file = strchr(step->plugin, '/') != NULL;
  step->options = options;
  if (!file && size > 3 && strcmp(step->plugin + size - 3, ".so") == 0)
    report_add(
        report, node, "plugin: a file is written with its folder, such as ./my_stage.so; a bare name has no .so");
  else if (!file && !pipeline_is_label(step->plugin))
    report_add(
        report, node, "plugin: a name is letters, digits, '.', '_' and '-'; a file has a slash, such as ./my_stage.so");
  else if (strcmp(step->plugin, "kafka") == 0 && entry->sink)
    step->kafka = kafka_sink_read(step->node, options, entry->reading->arena, report);
  else if (strcmp(step->plugin, "kafka") == 0)
    report_add(report, node, "kafka is a sink; move it to `sinks`");
  else if (strcmp(step->plugin, "lua") == 0)
    report_add(report, node, "write `lua: FILE`, `keep: EXPRESSION` or `each: CODE` instead of `plugin: lua`");
}

static bool is_to_be_judged(const struct pipeline_step *step) {
  if (step->form != FORM_PLUGIN || !step->plugin || step->kafka) return false;
  if (strcmp(step->plugin, "kafka") == 0 || strcmp(step->plugin, "lua") == 0) return false;
  size_t size = strlen(step->plugin);
  return strchr(step->plugin, '/') ||
         (pipeline_is_label(step->plugin) && (size <= 3 || strcmp(step->plugin + size - 3, ".so") != 0));
}

void pipeline_steps_judge(struct pipeline_reading *reading, const struct pipeline_overrides *overrides) {
  const struct pipeline_file *file = reading->file;
  must(overrides->judge);
  for (uint32_t i = 0; i < file->stage_count; i++)
    if (is_to_be_judged(&file->stages[i]))
      overrides->judge(overrides->judge_ctx, file, &file->stages[i], false, reading->report);
  for (uint32_t i = 0; i < file->sink_count; i++)
    if (is_to_be_judged(&file->sinks[i]))
      overrides->judge(overrides->judge_ctx, file, &file->sinks[i], true, reading->report);
}

static void read_code(
    struct entry *entry, const struct weir_config *node, const char *key, const struct weir_config *options) {
  entry->step->plugin = "lua";
  if (yaml_traps_code_is_whole(entry->reading->report, node, key))
    entry->step->options = lua_options(entry, as_written(entry, node), key, options);
}

static void read_script(struct entry *entry, const struct weir_config *node, const struct weir_config *options) {
  const char *script = NULL;
  entry->step->plugin = "lua";
  if (settings_read_text(entry->reading->report, node, &script))
    entry->step->options = lua_options(entry, node, "script", options);
}

/* The node of the one form that the entry has; NULL: reported. */
static const struct weir_config *find_form(struct entry *entry) {
  static const char *const names[] = {
      [FORM_PLUGIN] = "plugin", [FORM_LUA] = "lua", [FORM_KEEP] = "keep", [FORM_EACH] = "each"};
  const struct weir_config *found = NULL;
  struct report *report = entry->reading->report;
  for (int form = FORM_PLUGIN; form <= (entry->sink ? FORM_LUA : FORM_EACH); form++) {
    const struct weir_config *node = settings_node(&entry->settings, names[form]);
    if (node && found) {
      report_add_key(report, node, "an entry is one thing: it has %s and %s; make it two entries",
          names[entry->step->form], names[form]);
      return NULL;
    }
    if (!node) continue;
    found = node;
    entry->step->form = (enum pipeline_form)form;
  }
  if (found || !entry->settings.map) return found;
  for (int form = FORM_KEEP; entry->sink && form <= FORM_EACH; form++) {
    const struct weir_config *node = node_find(entry->settings.map, names[form]);
    settings_node(&entry->settings, names[form]);
    if (!node) continue;
    report_add_key(
        report, node, "a sink is a plugin or a Lua file; %s belongs to `stages`, or use `when`", names[form]);
    return NULL;
  }
  report_add(report, entry->step->node,
      entry->sink ? "a sink has one of the keys plugin and lua"
                  : "a stage has one of the keys plugin, lua, keep and each");
  return NULL;
}

static void read_form(struct entry *entry, const struct weir_config *options) {
  const struct weir_config *node = find_form(entry);
  if (!node) return;
  switch (entry->step->form) {
  case FORM_PLUGIN: read_plugin(entry, node, options); break;
  case FORM_LUA: read_script(entry, node, options); break;
  case FORM_KEEP: read_code(entry, node, "keep", options); break;
  case FORM_EACH: read_code(entry, node, "each", options); break;
  }
}

static void read_when(struct entry *entry, const struct weir_config *options) {
  const struct weir_config *node = settings_node(&entry->settings, "when");
  if (node && yaml_traps_code_is_whole(entry->reading->report, node, "when"))
    entry->step->when = lua_options(entry, as_written(entry, node), "when", options);
}

static void read_name(struct entry *entry) {
  char shown[NODE_SHOWN_MAX];
  if (!settings_text(&entry->settings, "name", &entry->step->label) || pipeline_is_label(entry->step->label)) return;
  const struct weir_config *node = settings_node(&entry->settings, "name");
  report_add(entry->reading->report, node, "name: found %s, expected 1 to %d letters, digits, '.', '_' and '-'",
      node_shown(shown, node), LIMIT_LABEL);
}

static void read_retry(struct entry *entry) {
  struct settings retry;
  const struct weir_config *node = settings_node(&entry->settings, "retry");
  if (!node) return;
  settings_begin(&retry, node, "retry", entry->reading->report);
  settings_require(
      &retry, node, "attempts", "how often a record is tried before on_failure decides, the first time counted");
  settings_count(&retry, "attempts", 1, LIMIT_ATTEMPTS, &entry->step->attempts);
  settings_duration_range(&retry, "backoff", 1, 60 * 60 * 1000, &entry->step->backoff_ms, &entry->step->backoff_max_ms);
  settings_end(&retry);
}

static void read_on_failure(struct entry *entry) {
  const char *dead_letter = entry->reading->file->dead_letter;
  int on_failure = dead_letter ? ON_FAILURE_DEAD_LETTER : ON_FAILURE_STOP;
  bool given = settings_choice(&entry->settings, "on_failure", on_failures, &on_failure);
  entry->step->on_failure = (enum pipeline_on_failure)on_failure;
  if (given && on_failure == ON_FAILURE_DEAD_LETTER && !node_find(entry->reading->file->root, "dead_letter"))
    report_add(entry->reading->report, settings_node(&entry->settings, "on_failure"),
        "on_failure: dead_letter needs a topic: write `dead_letter: {topic: NAME}` at the top level");
}

/* An entry that is no map: most often a forgotten space. */
static bool is_map(struct entry *entry, const struct weir_config *node) {
  if (node->kind == NODE_MAP) return true;
  char shown[NODE_SHOWN_MAX];
  bool colon = node->kind == NODE_SCALAR && memchr(node->raw.data, ':', node->raw.size);
  return report_add(entry->reading->report, node, "found %s, expected an entry such as `%s`%s", node_shown(shown, node),
      entry->sink ? "plugin: kafka" : "plugin: json", colon ? "; a space is missing behind the colon" : "");
}

static void read_step(
    struct pipeline_reading *reading, const struct weir_config *node, struct pipeline_step *step, bool sink) {
  struct entry entry = {.reading = reading, .step = step, .sink = sink};
  *step = (struct pipeline_step){
      .attempts = 1, .backoff_ms = 100, .backoff_max_ms = 30 * 1000, .deadline_ms = 30 * 1000, .node = node};
  if (!is_map(&entry, node)) return;
  settings_begin(&entry.settings, node, sink ? "a sink" : "a stage", reading->report);
  const struct weir_config *options = read_options(&entry);
  read_form(&entry, options);
  read_name(&entry);
  read_when(&entry, options);
  read_retry(&entry);
  read_on_failure(&entry);
  settings_duration(&entry.settings, "deadline", 100, 60 * 60 * 1000, &step->deadline_ms);
  settings_end(&entry.settings);
}

/* The entries of a list in an array of the arena; *count is 0 where there are none or it is wrong. */
static struct pipeline_step *read_steps(struct pipeline_reading *reading, struct settings *top, const char *key,
    uint32_t most, bool sinks, uint32_t *count) {
  const struct weir_config *list = settings_node(top, key);
  char shown[NODE_SHOWN_MAX];
  if (!list || node_is_null(list)) return NULL;
  if (list->kind != NODE_LIST) {
    report_add(reading->report, list, "%s: found %s, expected a list: each entry starts with `- `", key,
        node_shown(shown, list));
    return NULL;
  }
  if (list->count > most) {
    report_add(reading->report, list, "%s has %u entries; %u is the most", key, list->count, most);
    return NULL;
  }
  struct pipeline_step *steps = arena_alloc(reading->arena, list->count * sizeof *steps);
  if (!steps) {
    report_add(reading->report, list, "no memory for %s", key);
    return NULL;
  }
  for (uint32_t i = 0; i < list->count; i++) read_step(reading, list->children[i], &steps[i], sinks);
  *count = list->count;
  return steps;
}

void pipeline_steps_read(struct pipeline_reading *reading, struct settings *top) {
  struct pipeline_file *file = reading->file;
  must(!file->stages && !file->sinks);
  file->stages = read_steps(reading, top, "stages", LIMIT_STAGES, false, &file->stage_count);
  file->sinks = read_steps(reading, top, "sinks", LIMIT_SINKS, true, &file->sink_count);
  const struct weir_config *sinks = node_find(file->root, "sinks");
  if (!sinks || (!file->sink_count && (sinks->kind == NODE_LIST || node_is_null(sinks))))
    report_add(reading->report, sinks ? sinks : file->root,
        "`sinks` has no entry: a record is settled when its sinks have acknowledged it, so there must be one (blackhole takes all)");
}
