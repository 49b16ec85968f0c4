/* host_config.c: config_*() of the host table: a plugin reads its options. What it finds was checked by options.c,
 * but for the inside of a TREE. See <weir/plugin.h>. */
#include "plugin/host.h"
#include "base/span.h"
#include "config/node.h"
#include "plugin/options.h"
#include <stdio.h>

static const weir_config *config_get(const weir_host *table, const weir_config *node, const char *name) {
  struct host *host = host_of(table);
  host_is_home(host, "config_get");
  if (!name) {
    host_misbehaves(host, RULE_ARGUMENT, "config_get");
    return NULL;
  }
  return node_find(node, name);
}

static uint32_t config_count(const weir_host *table, const weir_config *node) {
  host_is_home(host_of(table), "config_count");
  return node && node->kind != NODE_SCALAR ? node->count : 0;
}

static const weir_config *config_at(const weir_host *table, const weir_config *node, uint32_t index, weir_span *key) {
  host_is_home(host_of(table), "config_at");
  return node_at(node, index, key);
}

static int32_t config_kind(const weir_host *table, const weir_config *node) {
  host_is_home(host_of(table), "config_kind");
  if (!node || node_is_null(node)) return WEIR_NODE_NULL;
  if (node->kind == NODE_LIST) return WEIR_NODE_LIST;
  if (node->kind == NODE_MAP) return WEIR_NODE_MAP;
  /* A fallback is written as if without quotes. */
  return node->style == STYLE_PLAIN || node->fallback ? WEIR_NODE_PLAIN : WEIR_NODE_TEXT;
}

/* "expected ..., found ...", with the key where there is one. */
static int32_t not_such(const weir_host *table, const weir_config *node, const char *expected) {
  char text[LIMIT_FAILURE_TEXT], shown[NODE_SHOWN_MAX];
  int size = node && node->key.data ? snprintf(text, sizeof text, "\"%.*s\": expected %s, found %s",
                                          (int)(node->key.size < 64 ? node->key.size : 64),
                                          (const char *)node->key.data, expected, node_shown(shown, node))
                                    : snprintf(text, sizeof text, "expected %s, found %s", expected,
                                          node ? node_shown(shown, node) : "nothing");
  return table->fail(table, node, weir_bytes(text, size > 0 ? (size_t)size : 0));
}

static int32_t config_text(const weir_host *table, const weir_config *node, weir_span *text) {
  if (!host_is_home(host_of(table), "config_text")) return -1;
  if (!text) return host_refuses(host_of(table), RULE_ARGUMENT, "config_text");
  if (!node || node->kind != NODE_SCALAR || node_is_null(node)) return not_such(table, node, "a text");
  *text = node->text;
  return 0;
}

static int32_t config_int(const weir_host *table, const weir_config *node, int32_t type, int64_t *value) {
  if (!host_is_home(host_of(table), "config_int")) return -1;
  bool known =
      type == WEIR_OPTION_INT || type == WEIR_OPTION_BOOL || type == WEIR_OPTION_DURATION || type == WEIR_OPTION_SIZE;
  if (!known || !value) return host_refuses(host_of(table), RULE_ARGUMENT, "config_int");
  if (node && option_read_int(type, node, value)) return 0;
  return not_such(table, node, option_expected(type));
}

static int32_t config_number(const weir_host *table, const weir_config *node, double *value) {
  if (!host_is_home(host_of(table), "config_number")) return -1;
  if (!value) return host_refuses(host_of(table), RULE_ARGUMENT, "config_number");
  if (node && option_read_number(node, value)) return 0;
  return not_such(table, node, option_expected(WEIR_OPTION_NUMBER));
}

static void config_where(
    const weir_host *table, const weir_config *node, weir_span *file, uint32_t *line, uint32_t *column) {
  host_is_home(host_of(table), "config_where");
  if (file) *file = node && node->file ? weir_text(node->file) : (weir_span){NULL, 0};
  if (line) *line = node ? node_text_line(node) : 0;
  if (column) *column = node ? node->column : 0;
}

void host_config_functions(weir_host *table) {
  table->config_get = config_get;
  table->config_count = config_count;
  table->config_at = config_at;
  table->config_kind = config_kind;
  table->config_text = config_text;
  table->config_int = config_int;
  table->config_number = config_number;
  table->config_where = config_where;
}
