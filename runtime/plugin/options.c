/* options.c: declared options against what the file gives. See options.h. */
#include "plugin/options.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "config/node.h"
#include "config/report.h"
#include "config/yaml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name, *expected;
} types[] = {
    [WEIR_OPTION_STRING] = {"string", "a text"},
    [WEIR_OPTION_INT] = {"int", "a whole number"},
    [WEIR_OPTION_NUMBER] = {"number", "a number"},
    [WEIR_OPTION_BOOL] = {"bool", "true or false"},
    [WEIR_OPTION_DURATION] = {"duration", "a duration such as 30s or 250ms"},
    [WEIR_OPTION_SIZE] = {"size", "a size such as 64KiB or 1MiB"},
    [WEIR_OPTION_LIST] = {"list", "a list of texts"},
    [WEIR_OPTION_MAP] = {"map", "a map of texts"},
    [WEIR_OPTION_SECRET] = {"secret", "a text"},
    [WEIR_OPTION_ENUM] = {"enum", "one of the choices"},
    [WEIR_OPTION_TREE] = {"tree", "YAML"},
};

static bool known_type(int32_t type) { return type >= WEIR_OPTION_STRING && type <= WEIR_OPTION_TREE; }

const char *option_type_name(int32_t type) { return known_type(type) ? types[type].name : NULL; }

const char *option_expected(int32_t type) {
  must(known_type(type));
  return types[type].expected;
}

const weir_option *option_find(const struct option_list *list, weir_span name) {
  for (uint32_t i = 0; i < list->count; i++)
    if (span_is(name, option_at(list, i)->name)) return option_at(list, i);
  return NULL;
}

/* ---- One value ---- */

bool option_read_int(int32_t type, const struct weir_config *node, int64_t *value) {
  if (node->kind != NODE_SCALAR) return false;
  bool truth = false;
  switch (type) {
  case WEIR_OPTION_INT: return text_int(node->text, value);
  case WEIR_OPTION_DURATION: return text_duration(node->text, value);
  case WEIR_OPTION_SIZE: return text_size(node->text, value);
  case WEIR_OPTION_BOOL:
    if (!text_bool(node->text, &truth)) return false;
    *value = truth;
    return true;
  default: return false;
  }
}

bool option_read_number(const struct weir_config *node, double *value) {
  return node->kind == NODE_SCALAR && text_number(node->text, value);
}

static bool is_text(const struct weir_config *node) { return node->kind == NODE_SCALAR && !node_is_null(node); }

/* The first entry that is no text, or the node itself where it is of another kind; NULL: all is well. */
static const struct weir_config *not_texts(const struct weir_config *node, enum node_kind kind) {
  if (node->kind != kind) return node;
  for (uint32_t i = 0; i < node->count; i++)
    if (!is_text(node->children[i])) return node->children[i];
  return NULL;
}

/* Does "a|b|c" have this choice. */
static bool has_choice(const char *choices, weir_span text) {
  for (const char *at = choices;;) {
    size_t size = strcspn(at, "|");
    if (text.size == size && memcmp(at, text.data, size) == 0) return true;
    if (!at[size]) return false;
    at += size + 1;
  }
}

/* The node at fault; NULL: it is a value of this option. */
static const struct weir_config *fault_of(const weir_option *option, const struct weir_config *node) {
  int64_t whole;
  double number;
  switch (option->type) {
  case WEIR_OPTION_STRING:
  case WEIR_OPTION_SECRET: return is_text(node) ? NULL : node;
  case WEIR_OPTION_NUMBER: return option_read_number(node, &number) ? NULL : node;
  case WEIR_OPTION_LIST: return not_texts(node, NODE_LIST);
  case WEIR_OPTION_MAP: return not_texts(node, NODE_MAP);
  case WEIR_OPTION_ENUM: return is_text(node) && has_choice(option->choices, node->text) ? NULL : node;
  case WEIR_OPTION_TREE: return NULL;
  default: return option_read_int(option->type, node, &whole) ? NULL : node;
  }
}

/* ---- The declaration ---- */

static bool valid_option_name(const char *name) {
  size_t size = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
  return size > 0 && size <= LIMIT_LABEL && name[size] == 0 && !(name[0] >= '0' && name[0] <= '9');
}

/* A fallback, as it would stand in a file. NULL: it is not YAML, or there is no memory. */
static struct weir_config *fallback_node(
    const weir_option *option, const struct weir_config *like, struct arena *arena) {
  bool scalar = option->type != WEIR_OPTION_LIST && option->type != WEIR_OPTION_MAP && option->type != WEIR_OPTION_TREE;
  bool quoted = option->fallback[0] == '\'' || option->fallback[0] == '"';
  if (scalar && !quoted) return node_make_scalar(arena, like, option->name, span_of(option->fallback));
  struct report ignored;
  report_init(&ignored);
  struct weir_config *node = yaml_read("fallback", span_of(option->fallback), arena, &ignored);
  if (!report_is_empty(&ignored)) node = NULL;
  report_fini(&ignored);
  if (!node) return NULL;
  struct weir_config *named = node_make_copy(arena, node, option->name);
  if (!named) return NULL;
  named->fallback = true;
  if (!like) return named;
  named->file = like->file;
  named->line = named->key_line = like->line;
  named->column = named->key_column = like->column;
  return named;
}

static bool check_fallback(const weir_option *option, struct error *err) {
  if (!option->fallback) return true;
  if (option->flags & WEIR_REQUIRED)
    return error_set(err, "its option \"%s\" is required and has a fallback as well: it can be only one", option->name);
  struct arena arena;
  arena_init(&arena, 0);
  const struct weir_config *node = fallback_node(option, NULL, &arena);
  bool fine = node && !fault_of(option, node);
  arena_fini(&arena);
  if (fine) return true;
  return error_set(err, "its option \"%s\" has the fallback \"%s\", which is not %s", option->name, option->fallback,
      option_expected(option->type));
}

static bool check_option(const weir_option *option, struct error *err) {
  if (!valid_option_name(option->name))
    return error_set(err, "it declares an option named \"%s\": a name is small letters, digits and _, at most %d",
        option->name ? option->name : "(NULL)", LIMIT_LABEL);
  if (!known_type(option->type))
    return error_set(err,
        "its option \"%s\" is of type %d, which this worker does not know: it needs a newer weir, or the type is wrong",
        option->name, option->type);
  if (option->flags & ~(uint32_t)WEIR_REQUIRED)
    return error_set(
        err, "its option \"%s\" has the flags 0x%x, which this worker does not know", option->name, option->flags);
  if (option->type == WEIR_OPTION_ENUM && (!option->choices || !*option->choices))
    return error_set(err, "its option \"%s\" is an ENUM without choices", option->name);
  if (!option->help || !*option->help)
    return error_set(err, "its option \"%s\" has no help: one line that says what it does", option->name);
  return check_fallback(option, err);
}

bool option_list_check(const struct option_list *list, struct error *err) {
  const uint32_t least = offsetof(weir_option, help) + sizeof(char *);
  if (list->count == 0) return true;
  if (list->count > LIMIT_PLUGIN_OPTIONS)
    return error_set(err, "it declares %u options; there may be %d", list->count, LIMIT_PLUGIN_OPTIONS);
  if (!list->first) return error_set(err, "it says that it has %u options, and gives none", list->count);
  if (list->stride < least || list->stride % _Alignof(weir_option) != 0)
    return error_set(err,
        "its options lie %u bytes apart, at least %u are needed: set option_stride to sizeof(weir_option)",
        list->stride, least);
  for (uint32_t i = 0; i < list->count; i++) {
    const weir_option *option = option_at(list, i);
    if (!check_option(option, err)) return false;
    if (option_find(list, span_of(option->name)) != option)
      return error_set(err, "it declares the option \"%s\" twice", option->name);
  }
  return true;
}

/* ---- What the file gives ---- */

static void report_unknown(const struct option_list *list, const struct weir_config *node,
    const struct options_place *place, struct report *report) {
  const char *names[LIMIT_PLUGIN_OPTIONS];
  char known[400] = "", key[LIMIT_LABEL * 4 + 1];
  size_t used = 0;
  for (uint32_t i = 0; i < list->count; i++) {
    names[i] = option_at(list, i)->name;
    int size = snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    if (size > 0 && (size_t)size < sizeof known - used) used += (size_t)size;
  }
  text_escape(key, sizeof key, node->key);
  const char *nearest = text_nearest(node->key, names, list->count);
  if (nearest)
    report_add_key(report, node, "%s has no option \"%s\"; did you mean \"%s\"?", place->owner, key, nearest);
  else if (list->count)
    report_add_key(report, node, "%s has no option \"%s\"; it knows: %s", place->owner, key, known);
  else
    report_add_key(report, node, "%s has no option \"%s\", nor any other", place->owner, key);
}

static void report_choice(const weir_option *option, const struct weir_config *node, struct report *report) {
  char shown[NODE_SHOWN_MAX], choices[400];
  const char *names[LIMIT_PLUGIN_OPTIONS];
  size_t count = 0;
  snprintf(choices, sizeof choices, "%s", option->choices);
  for (char *rest = choices, *name; count < LIMIT_PLUGIN_OPTIONS && (name = strsep(&rest, "|"));) names[count++] = name;
  const char *nearest = node->kind == NODE_SCALAR && !node->masked ? text_nearest(node->text, names, count) : NULL;
  char list[400] = "";
  for (size_t i = 0, used = 0; i < count && used < sizeof list; i++)
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
  report_add(report, node, "option \"%s\": expected one of %s, found %s%s%s%s", option->name, list,
      node_shown(shown, node), nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static void report_fault(const weir_option *option, const struct weir_config *fault, struct report *report) {
  char shown[NODE_SHOWN_MAX];
  if (option->type == WEIR_OPTION_ENUM) {
    report_choice(option, fault, report);
    return;
  }
  report_add(report, fault, "option \"%s\": expected %s, found %s", option->name, option_expected(option->type),
      node_shown(shown, fault)); /* of a SECRET it is a list, a map or nothing: no secret is shown */
}

/* What the option is in the end: given, its fallback, or (NULL) absent. Reports what is wrong. */
static const struct weir_config *value_of(const weir_option *option, const struct weir_config *given,
    const struct options_place *place, struct arena *arena, struct report *report) {
  const struct weir_config *node = node_find(given, option->name);
  if (node && !node_is_null(node)) {
    const struct weir_config *fault = fault_of(option, node);
    if (!fault) return node;
    report_fault(option, fault, report);
    return NULL;
  }
  if (option->fallback) {
    struct weir_config *made = fallback_node(option, given ? given : place->node, arena);
    if (!made) report_add(report, place->node, "there is no memory for the options of %s", place->owner);
    return made;
  }
  if (!(option->flags & WEIR_REQUIRED)) return NULL;
  const struct weir_config *at = node ? node : given ? given : place->node;
  report_add(report, at, "%s needs the option \"%s\" (%s): %s", place->owner, option->name,
      option_expected(option->type), option->help);
  return NULL;
}

const struct weir_config *options_fill(const struct option_list *list, const struct weir_config *given,
    const struct options_place *place, struct arena *arena, struct report *report) {
  const struct weir_config *children[LIMIT_PLUGIN_OPTIONS];
  char shown[NODE_SHOWN_MAX];
  uint32_t count = 0;
  size_t before = report->count;
  must(list->count <= LIMIT_PLUGIN_OPTIONS);
  if (given && node_is_null(given)) given = NULL;
  if (given && given->kind != NODE_MAP) {
    report_add(report, given, "options: expected a map, found %s", node_shown(shown, given));
    return NULL;
  }
  for (uint32_t i = 0; given && i < given->count; i++)
    if (!option_find(list, given->children[i]->key)) report_unknown(list, given->children[i], place, report);
  for (uint32_t i = 0; i < list->count; i++) {
    const struct weir_config *value = value_of(option_at(list, i), given, place, arena, report);
    if (value) children[count++] = value;
  }
  if (report->count != before) return NULL;
  const struct weir_config *map = node_make_map(arena, given ? given : place->node, NULL, children, count);
  if (!map) report_add(report, place->node, "there is no memory for the options of %s", place->owner);
  return map;
}

const struct weir_config *options_mask(
    const struct option_list *list, const struct weir_config *filled, struct arena *arena) {
  struct weir_config *map = node_make_copy(arena, filled, NULL);
  if (!map) return NULL;
  map->children = arena_copy(arena, filled->children, filled->count * sizeof *filled->children);
  if (!map->children) return NULL;
  for (uint32_t i = 0; i < map->count; i++) {
    const weir_option *option = option_find(list, map->children[i]->key);
    if (!option || option->type != WEIR_OPTION_SECRET) continue;
    map->children[i] = node_make_copy(arena, map->children[i], NULL);
    if (!map->children[i]) return NULL;
    map->children[i]->masked = true;
  }
  return map;
}

const struct weir_config *options_with(
    const struct weir_config *map, const char *key, const struct weir_config *child, struct arena *arena) {
  const struct weir_config *children[LIMIT_PLUGIN_OPTIONS + 1];
  const struct weir_config *named = node_make_copy(arena, child, key);
  uint32_t count = 0;
  bool placed = false;
  must(map->count <= LIMIT_PLUGIN_OPTIONS);
  for (uint32_t i = 0; i < map->count; i++) {
    bool here = span_is(map->children[i]->key, key);
    children[count++] = here ? named : map->children[i];
    placed = placed || here;
  }
  if (!placed) children[count++] = named;
  return named ? node_make_map(arena, map, NULL, children, count) : NULL;
}
