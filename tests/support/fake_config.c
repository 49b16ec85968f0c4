/* fake_config.c: options as a tree with places, read by libyaml. Errors of the test's author abort; errors that a
 * user could make are told as the real host tells them. */
#include "fake_internal.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static struct weir_config *node_from(
    yaml_document_t *document, const yaml_node_t *from, const char *file, uint32_t line);

static void node_append(struct weir_config *parent, struct weir_config *entry) {
  parent->entries = realloc(parent->entries, (parent->count + 1) * sizeof *parent->entries);
  parent->entries[parent->count++] = entry;
}

static struct weir_config *node_new(int kind, const char *file, uint32_t line, uint32_t column) {
  struct weir_config *node = calloc(1, sizeof *node);
  node->kind = kind;
  node->file = file;
  node->line = line;
  node->column = column;
  return node;
}

static struct weir_config *node_at(yaml_document_t *document, int item, const char *file, uint32_t line) {
  return node_from(document, yaml_document_get_node(document, item), file, line);
}

static struct weir_config *node_from(
    yaml_document_t *document, const yaml_node_t *from, const char *file, uint32_t line) {
  int kind = from->type == YAML_SCALAR_NODE ? NODE_SCALAR : from->type == YAML_SEQUENCE_NODE ? NODE_LIST : NODE_MAP;
  struct weir_config *node =
      node_new(kind, file, (uint32_t)from->start_mark.line + line, (uint32_t)from->start_mark.column + 1);
  if (kind == NODE_SCALAR) {
    node->text = strndup((const char *)from->data.scalar.value, from->data.scalar.length);
    node->is_plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->is_block =
        from->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || from->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
  } else if (kind == NODE_LIST) {
    for (yaml_node_item_t *item = from->data.sequence.items.start; item < from->data.sequence.items.top; item++)
      node_append(node, node_at(document, *item, file, line));
  } else {
    for (yaml_node_pair_t *pair = from->data.mapping.pairs.start; pair < from->data.mapping.pairs.top; pair++) {
      struct weir_config *entry = node_at(document, pair->value, file, line);
      entry->key = node_at(document, pair->key, file, line);
      node_append(node, entry);
    }
  }
  return node;
}

struct weir_config *fake_config_parse(const char *yaml, const char *file, uint32_t line) {
  if (!yaml || !*yaml) return node_new(NODE_MAP, file, line, 1);
  yaml_parser_t parser;
  yaml_document_t document;
  yaml_parser_initialize(&parser);
  yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, strlen(yaml));
  if (!yaml_parser_load(&parser, &document)) {
    fprintf(
        stderr, "fake host: the test's YAML: line %zu: %s\n%s\n", parser.problem_mark.line + 1, parser.problem, yaml);
    abort();
  }
  const yaml_node_t *root = yaml_document_get_root_node(&document);
  struct weir_config *node = root ? node_from(&document, root, file, line) : node_new(NODE_MAP, file, line, 1);
  yaml_document_delete(&document);
  yaml_parser_delete(&parser);
  return node;
}

void fake_config_free(struct weir_config *node) {
  if (!node) return;
  for (uint32_t i = 0; i < node->count; i++) fake_config_free(node->entries[i]);
  for (uint32_t i = 0; node->fallbacks && i < node->option_count; i++) fake_config_free(node->fallbacks[i]);
  fake_config_free(node->key);
  free(node->fallbacks);
  free(node->entries);
  free(node->text);
  free(node);
}

static const weir_option *option_at(const weir_option *options, uint32_t stride, uint32_t index) {
  return (const weir_option *)(const void *)((const uint8_t *)options + (size_t)index * stride);
}

static bool is_null(const struct weir_config *node) {
  return node->is_plain && (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

/* The root has options: there null is as good as absent. */
const struct weir_config *fake_config_find(const struct weir_config *node, const char *name) {
  if (!node || node->kind != NODE_MAP) return NULL;
  for (uint32_t i = 0; i < node->count; i++)
    if (strcmp(node->entries[i]->key->text, name) == 0 && !(node->options && is_null(node->entries[i])))
      return node->entries[i];
  for (uint32_t i = 0; i < node->option_count; i++) {
    const weir_option *option = option_at(node->options, node->option_stride, i);
    if (strcmp(option->name, name) != 0 || !option->fallback) continue;
    if (!node->fallbacks[i]) {
      node->fallbacks[i] = fake_config_parse(option->fallback, node->file, node->line);
      node->fallbacks[i]->line = node->line;
      node->fallbacks[i]->column = node->column;
    }
    return node->fallbacks[i];
  }
  return NULL;
}

/* ---- Scalars ---- */

static bool scaled(const char *text, const char *const *units, const int64_t *factors, size_t count, int64_t *out) {
  char *end;
  errno = 0;
  int64_t number = strtoll(text, &end, 10);
  if (end == text || errno || number < 0) return false;
  for (size_t i = 0; i < count; i++)
    if (strcmp(end, units[i]) == 0) {
      *out = number * factors[i];
      return true;
    }
  return false;
}

static bool read_duration(const char *text, int64_t *ms) {
  static const char *const units[] = {"ms", "s", "m", "h", "d"};
  static const int64_t factors[] = {1, 1000, 60000, 3600000, 86400000};
  if (strcmp(text, "0") == 0) return *ms = 0, true;
  return scaled(text, units, factors, 5, ms);
}

static bool read_size(const char *text, int64_t *bytes) {
  static const char *const units[] = {"", "B", "KiB", "MiB", "GiB", "kB", "MB", "GB"};
  static const int64_t factors[] = {1, 1, 1 << 10, 1 << 20, 1 << 30, 1000, 1000000, 1000000000};
  return scaled(text, units, factors, 8, bytes);
}

static bool read_int(const char *text, int64_t *value) {
  char *end;
  errno = 0;
  *value = strtoll(text, &end, 10);
  return end != text && !*end && !errno && !isspace((unsigned char)*text);
}

static bool read_number(const char *text, double *value) {
  char *end;
  *value = strtod(text, &end);
  return end != text && !*end && isfinite(*value);
}

static bool read_as(const char *text, int32_t type, int64_t *value) {
  if (type == WEIR_OPTION_DURATION) return read_duration(text, value);
  if (type == WEIR_OPTION_SIZE) return read_size(text, value);
  if (type == WEIR_OPTION_BOOL) return *value = strcmp(text, "true") == 0, *value || strcmp(text, "false") == 0;
  return read_int(text, value);
}

static const char *type_name(int32_t type) {
  static const char *const names[] = {"", "a string", "an integer", "a number", "true or false", "a duration", "a size",
      "a list", "a map", "a secret", "a choice", "any YAML"};
  return type >= WEIR_OPTION_STRING && type <= WEIR_OPTION_TREE ? names[type] : "?";
}

/* ---- Checking against the declared options ---- */

static bool choice_is_offered(const char *choices, const char *text) {
  size_t size = strlen(text);
  for (const char *at = choices; at && *at;) {
    size_t length = strcspn(at, "|");
    if (length == size && memcmp(at, text, size) == 0) return true;
    at += length + (at[length] == '|');
  }
  return false;
}

static bool scalars_only(const struct weir_config *node) {
  for (uint32_t i = 0; i < node->count; i++)
    if (node->entries[i]->kind != NODE_SCALAR) return false;
  return true;
}

static bool value_fits(const struct weir_config *node, const weir_option *option) {
  int64_t integer;
  double number;
  if (is_null(node)) return !(option->flags & WEIR_REQUIRED);
  if (option->type == WEIR_OPTION_TREE) return true;
  if (option->type == WEIR_OPTION_LIST) return node->kind == NODE_LIST && scalars_only(node);
  if (option->type == WEIR_OPTION_MAP) return node->kind == NODE_MAP && scalars_only(node);
  if (node->kind != NODE_SCALAR) return false;
  if (option->type == WEIR_OPTION_ENUM) return choice_is_offered(option->choices, node->text);
  if (option->type == WEIR_OPTION_STRING || option->type == WEIR_OPTION_SECRET) return true;
  if (option->type == WEIR_OPTION_NUMBER) return read_number(node->text, &number);
  return read_as(node->text, option->type, &integer);
}

static const weir_option *option_named(const weir_option *options, uint32_t count, uint32_t stride, const char *name) {
  for (uint32_t i = 0; i < count; i++)
    if (strcmp(option_at(options, stride, i)->name, name) == 0) return option_at(options, stride, i);
  return NULL;
}

const struct weir_config *fake_config_check(const struct weir_config *map, const weir_option *options, uint32_t count,
    uint32_t stride, char *text, size_t text_size) {
  for (uint32_t i = 0; i < map->count; i++) {
    const struct weir_config *entry = map->entries[i];
    const weir_option *option = option_named(options, count, stride, entry->key->text);
    if (!option) return snprintf(text, text_size, "unknown option '%s'", entry->key->text), entry->key;
    if (value_fits(entry, option)) continue;
    snprintf(text, text_size, "option '%s': found %s, expected %s%s%s", option->name,
        entry->kind == NODE_SCALAR ? entry->text
        : entry->kind == NODE_LIST ? "a list"
                                   : "a map",
        type_name(option->type), option->choices ? " of " : "", option->choices ? option->choices : "");
    return entry;
  }
  for (uint32_t i = 0; i < count; i++) {
    const weir_option *option = option_at(options, stride, i);
    if (!(option->flags & WEIR_REQUIRED) || fake_config_find(map, option->name)) continue;
    return snprintf(text, text_size, "option '%s' is missing", option->name), map;
  }
  return NULL;
}

/* ---- The host's functions ---- */

static const struct weir_config *node_of(const weir_host *host, const weir_config *node) {
  return node ? node : ((struct fake_host *)host->ctx)->config;
}

static const weir_config *host_config_get(const weir_host *host, const weir_config *node, const char *name) {
  fake_on_lane(host, "config_get");
  return fake_config_find(node_of(host, node), name);
}

static uint32_t host_config_count(const weir_host *host, const weir_config *node) {
  fake_on_lane(host, "config_count");
  return node_of(host, node)->count;
}

static const weir_config *host_config_at(
    const weir_host *host, const weir_config *node, uint32_t index, weir_span *key) {
  fake_on_lane(host, "config_at");
  if (index >= node_of(host, node)->count) return NULL;
  const struct weir_config *entry = node_of(host, node)->entries[index];
  if (key) *key = entry->key ? weir_text(entry->key->text) : (weir_span){0};
  return entry;
}

static int32_t host_config_kind(const weir_host *host, const weir_config *node) {
  fake_on_lane(host, "config_kind");
  node = node_of(host, node);
  if (node->kind != NODE_SCALAR) return node->kind == NODE_LIST ? WEIR_NODE_LIST : WEIR_NODE_MAP;
  return is_null(node) ? WEIR_NODE_NULL : node->is_plain ? WEIR_NODE_PLAIN : WEIR_NODE_TEXT;
}

static int32_t host_config_text(const weir_host *host, const weir_config *node, weir_span *text) {
  fake_on_lane(host, "config_text");
  if (node_of(host, node)->kind != NODE_SCALAR) return host->fail(host, node, weir_text("expected a single value"));
  *text = weir_text(node->text);
  return 0;
}

static int32_t fail_scalar(const weir_host *host, const weir_config *node, int32_t type) {
  char text[256];
  snprintf(text, sizeof text, "found %s, expected %s", node->text ? node->text : "a list or map", type_name(type));
  return host->fail(host, node, weir_text(text));
}

static int32_t host_config_int(const weir_host *host, const weir_config *node, int32_t type, int64_t *value) {
  fake_on_lane(host, "config_int");
  fake_rule(node, "config_int() of no node");
  fake_rule(
      type == WEIR_OPTION_INT || type == WEIR_OPTION_BOOL || type == WEIR_OPTION_DURATION || type == WEIR_OPTION_SIZE,
      "config_int() with option type %d", type);
  if (node->kind != NODE_SCALAR || !read_as(node->text, type, value)) return fail_scalar(host, node, type);
  return 0;
}

static int32_t host_config_number(const weir_host *host, const weir_config *node, double *value) {
  fake_on_lane(host, "config_number");
  fake_rule(node, "config_number() of no node");
  if (node->kind != NODE_SCALAR || !read_number(node->text, value)) return fail_scalar(host, node, WEIR_OPTION_NUMBER);
  return 0;
}

static void host_config_where(
    const weir_host *host, const weir_config *node, weir_span *file, uint32_t *line, uint32_t *column) {
  fake_on_lane(host, "config_where");
  node = node_of(host, node);
  *file = weir_text(node->file);
  *line = node->line + node->is_block; /* the text of a block begins in the line below its mark */
  *column = node->column;
}

void fake_config_functions(weir_host *table) {
  table->config_get = host_config_get;
  table->config_count = host_config_count;
  table->config_at = host_config_at;
  table->config_kind = host_config_kind;
  table->config_text = host_config_text;
  table->config_int = host_config_int;
  table->config_number = host_config_number;
  table->config_where = host_config_where;
}
