/* settings.c: each type is one sentence pattern: found, expected, and an example where the form is not obvious. */
#include "config/settings.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include "config/node.h"
#include "config/report.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void settings_begin(
    struct settings *settings, const struct weir_config *node, const char *name, struct report *report) {
  *settings = (struct settings){.report = report};
  if (!node || node_is_null(node)) return;
  char shown[NODE_SHOWN_MAX];
  if (node->kind == NODE_MAP)
    settings->map = node;
  else
    report_add(report, node, "%s is a map of keys, such as `key: value`, not %s", name, node_shown(shown, node));
}

void settings_unknown(
    struct report *report, const struct weir_config *node, const char *what, const char *const *known, size_t count) {
  const char *nearest = text_nearest(node->key, known, count);
  if (nearest) {
    report_add_key(report, node, "unknown %s \"%.*s\"; did you mean \"%s\"?", what, SPAN_ARGS(node->key), nearest);
    return;
  }
  char names[512] = "";
  size_t used = 0;
  for (size_t i = 0; i < count && used < sizeof names - 1; i++) {
    int size = snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", known[i]);
    used += size > 0 ? (size_t)size : 0;
  }
  report_add_key(report, node, "unknown %s \"%.*s\"; there %s: %s", what, SPAN_ARGS(node->key),
      count == 1 ? "is" : "are", count ? names : "none");
}

void settings_end(struct settings *settings) {
  for (uint32_t i = 0; settings->map && i < settings->map->count; i++) {
    const struct weir_config *node = settings->map->children[i];
    bool known = false;
    for (size_t k = 0; k < settings->key_count; k++) known |= span_is(node->key, settings->keys[k]);
    if (!known) settings_unknown(settings->report, node, "key", settings->keys, settings->key_count);
  }
}

const struct weir_config *settings_node(struct settings *settings, const char *key) {
  bool asked = false;
  for (size_t i = 0; i < settings->key_count; i++) asked |= strcmp(settings->keys[i], key) == 0;
  if (!asked) {
    must(settings->key_count < SETTINGS_KEYS);
    settings->keys[settings->key_count++] = key;
  }
  return node_find(settings->map, key);
}

bool settings_require(struct settings *settings, const struct weir_config *node, const char *key, const char *meaning) {
  if (settings_node(settings, key)) return true;
  return report_add(
      settings->report, settings->map ? settings->map : node, "the key \"%s\" is missing: %s", key, meaning);
}

static bool wrong(struct report *report, const struct weir_config *node, const char *expected) {
  char shown[NODE_SHOWN_MAX];
  weir_span name = node->key.data ? node->key : span_of("this entry");
  return report_add(report, node, "%.*s: found %s, expected %s", SPAN_ARGS(name), node_shown(shown, node), expected);
}

static bool is_written(const struct weir_config *node) { return node->kind == NODE_SCALAR && !node_is_null(node); }

bool settings_read_text(struct report *report, const struct weir_config *node, const char **value) {
  if (!is_written(node) || !node->text.size) return wrong(report, node, "a text");
  *value = node_text(node);
  return true;
}

bool settings_read_int(
    struct report *report, const struct weir_config *node, int64_t least, int64_t most, int64_t *value) {
  char expected[128];
  int64_t number = 0;
  if (is_written(node) && text_int(node->text, &number) && number >= least && number <= most) {
    *value = number;
    return true;
  }
  if (least == INT64_MIN && most == INT64_MAX) return wrong(report, node, "a whole number");
  snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, least, most);
  return wrong(report, node, expected);
}

bool settings_read_number(struct report *report, const struct weir_config *node, double *value) {
  if (is_written(node) && text_number(node->text, value)) return true;
  return wrong(report, node, "a number");
}

bool settings_read_bool(struct report *report, const struct weir_config *node, bool *value) {
  if (is_written(node) && text_bool(node->text, value)) return true;
  return wrong(report, node, "true or false");
}

bool settings_read_duration(
    struct report *report, const struct weir_config *node, int64_t least_ms, int64_t most_ms, int64_t *value_ms) {
  char expected[160], from[SETTINGS_TEXT_MAX], to[SETTINGS_TEXT_MAX];
  int64_t ms = 0;
  if (is_written(node) && text_duration(node->text, &ms) && ms >= least_ms && ms <= most_ms) {
    *value_ms = ms;
    return true;
  }
  if (least_ms == 0 && most_ms == INT64_MAX) return wrong(report, node, "a duration such as 250ms, 30s, 5m or 2h");
  snprintf(expected, sizeof expected, "a duration from %s to %s, such as 250ms or 30s",
      settings_of_duration(from, least_ms), settings_of_duration(to, most_ms));
  return wrong(report, node, expected);
}

bool settings_read_size(
    struct report *report, const struct weir_config *node, int64_t least, int64_t most, int64_t *value) {
  char expected[160], from[SETTINGS_TEXT_MAX], to[SETTINGS_TEXT_MAX];
  int64_t bytes = 0;
  if (is_written(node) && text_size(node->text, &bytes) && bytes >= least && bytes <= most) {
    *value = bytes;
    return true;
  }
  if (least == 0 && most == INT64_MAX) return wrong(report, node, "a size such as 512, 64KiB or 1MiB");
  snprintf(expected, sizeof expected, "a size from %s to %s, such as 64KiB or 1MiB", settings_of_size(from, least),
      settings_of_size(to, most));
  return wrong(report, node, expected);
}

bool settings_read_choice(
    struct report *report, const struct weir_config *node, const char *const *choices, size_t count, size_t *value) {
  char expected[256] = "", hint[96] = "";
  size_t used = 0;
  for (size_t i = 0; is_written(node) && i < count; i++) {
    if (!span_is(node->text, choices[i])) continue;
    *value = i;
    return true;
  }
  for (size_t i = 0; i < count && used < sizeof expected - 1; i++) {
    int size = snprintf(expected + used, sizeof expected - used, "%s%s",
        !i              ? ""
        : i + 1 < count ? ", "
                        : " or ",
        choices[i]);
    used += size > 0 ? (size_t)size : 0;
  }
  const char *nearest = is_written(node) && !node->masked ? text_nearest(node->text, choices, count) : NULL;
  if (nearest) snprintf(hint, sizeof hint, "; did you mean %s?", nearest);
  char whole[360];
  snprintf(whole, sizeof whole, "%s%s", expected, hint);
  return wrong(report, node, whole);
}

bool settings_text(struct settings *settings, const char *key, const char **value) {
  const struct weir_config *node = settings_node(settings, key);
  return node && settings_read_text(settings->report, node, value);
}

bool settings_int(struct settings *settings, const char *key, int64_t least, int64_t most, int64_t *value) {
  const struct weir_config *node = settings_node(settings, key);
  return node && settings_read_int(settings->report, node, least, most, value);
}

bool settings_count(struct settings *settings, const char *key, uint32_t least, uint32_t most, uint32_t *value) {
  int64_t number = 0;
  if (!settings_int(settings, key, least, most, &number)) return false;
  *value = (uint32_t)number;
  return true;
}

bool settings_bool(struct settings *settings, const char *key, bool *value) {
  const struct weir_config *node = settings_node(settings, key);
  return node && settings_read_bool(settings->report, node, value);
}

bool settings_duration(
    struct settings *settings, const char *key, int64_t least_ms, int64_t most_ms, int64_t *value_ms) {
  const struct weir_config *node = settings_node(settings, key);
  return node && settings_read_duration(settings->report, node, least_ms, most_ms, value_ms);
}

bool settings_size(struct settings *settings, const char *key, int64_t least, int64_t most, int64_t *value) {
  const struct weir_config *node = settings_node(settings, key);
  return node && settings_read_size(settings->report, node, least, most, value);
}

bool settings_choice(struct settings *settings, const char *key, const char *const *choices, int *value) {
  const struct weir_config *node = settings_node(settings, key);
  size_t count = 0, index = 0;
  while (choices[count]) count++;
  if (!node || !settings_read_choice(settings->report, node, choices, count, &index)) return false;
  *value = (int)index;
  return true;
}

/* Both ends out of "FROM..TO" or "BOTH". */
static bool split_range(weir_span text, int64_t *from_ms, int64_t *to_ms) {
  const uint8_t *dots = memmem(text.data, text.size, "..", 2);
  weir_span first = weir_bytes(text.data, dots ? (size_t)(dots - text.data) : text.size);
  weir_span second = dots ? weir_bytes(dots + 2, text.size - first.size - 2) : first;
  return text_duration(first, from_ms) && text_duration(second, to_ms);
}

bool settings_duration_range(
    struct settings *settings, const char *key, int64_t least_ms, int64_t most_ms, int64_t *from_ms, int64_t *to_ms) {
  const struct weir_config *node = settings_node(settings, key);
  if (!node) return false;
  int64_t first = 0, second = 0;
  bool fits = is_written(node) && split_range(node->text, &first, &second);
  if (fits && first >= least_ms && first <= second && second <= most_ms) {
    *from_ms = first;
    *to_ms = second;
    return true;
  }
  char expected[200], from[SETTINGS_TEXT_MAX], to[SETTINGS_TEXT_MAX];
  snprintf(expected, sizeof expected, "a duration or a range such as 100ms..30s, the shorter one first, from %s to %s",
      settings_of_duration(from, least_ms), settings_of_duration(to, most_ms));
  return wrong(settings->report, node, expected);
}

bool settings_list(struct settings *settings, const char *key, size_t most, struct arena *arena,
    const char *const **values, size_t *count) {
  const struct weir_config *node = settings_node(settings, key);
  if (!node) return false;
  if (node->kind != NODE_LIST || !node->count) return wrong(settings->report, node, "a list such as [a, b]");
  if (node->count > most)
    return report_add(settings->report, node, "%s has %u entries; %zu is the most", key, node->count, most);
  const char **texts = arena_alloc(arena, node->count * sizeof *texts);
  if (!texts) return report_add(settings->report, node, "no memory for %s", key);
  bool ok = true;
  for (uint32_t i = 0; i < node->count; i++) ok &= settings_read_text(settings->report, node->children[i], &texts[i]);
  if (!ok) return false;
  *values = texts;
  *count = node->count;
  return true;
}

struct unit {
  int64_t factor;
  const char *name;
};

/* In the largest unit that divides it. */
static const char *exact(char into[SETTINGS_TEXT_MAX], int64_t value, const struct unit *units) {
  while (units->factor > 1 && (value < units->factor || value % units->factor)) units++;
  snprintf(into, SETTINGS_TEXT_MAX, "%" PRId64 "%s", value / units->factor, units->name);
  return into;
}

const char *settings_of_duration(char into[SETTINGS_TEXT_MAX], int64_t ms) {
  static const struct unit units[] = {
      {24 * 60 * 60 * 1000, "d"}, {60 * 60 * 1000, "h"}, {60 * 1000, "m"}, {1000, "s"}, {1, "ms"}};
  must(ms >= 0);
  return exact(into, ms, units);
}

const char *settings_of_size(char into[SETTINGS_TEXT_MAX], int64_t bytes) {
  static const struct unit units[] = {
      {(int64_t)1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}};
  must(bytes >= 0);
  return exact(into, bytes, units);
}
