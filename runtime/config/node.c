/* node.c: reading a tree, showing it in messages, and making nodes that the file does not have. */
#include "config/node.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

const struct weir_config *node_find(const struct weir_config *map, const char *key) {
  if (!map || map->kind != NODE_MAP) return NULL;
  for (uint32_t i = 0; i < map->count; i++)
    if (span_is(map->children[i]->key, key)) return map->children[i];
  return NULL;
}

const struct weir_config *node_at(const struct weir_config *node, uint32_t index, weir_span *key) {
  if (!node || node->kind == NODE_SCALAR || index >= node->count) return NULL;
  const struct weir_config *child = node->children[index];
  if (key) *key = node->kind == NODE_MAP ? child->key : (weir_span){NULL, 0};
  return child;
}

bool node_is_null(const struct weir_config *node) {
  if (node->kind != NODE_SCALAR || node->style != STYLE_PLAIN) return false;
  return node->raw.size == 0 || span_is(node->raw, "~") || span_is(node->raw, "null");
}

const char *node_text(const struct weir_config *node) {
  must(node->kind == NODE_SCALAR && node->text.data[node->text.size] == 0);
  return (const char *)node->text.data;
}

const char *node_place(char into[NODE_PLACE_MAX], const struct weir_config *node) {
  if (!node->line)
    snprintf(into, NODE_PLACE_MAX, "%s", node->file ? node->file : "");
  else
    snprintf(into, NODE_PLACE_MAX, "%s:%u:%u", node->file, node->line, node->column);
  return into;
}

uint32_t node_text_line(const struct weir_config *node) {
  bool below = node->style == STYLE_LITERAL || node->style == STYLE_FOLDED;
  return node->line + (below && !node->fallback);
}

const char *node_shown(char into[NODE_SHOWN_MAX], const struct weir_config *node) {
  enum { PART = 64 };
  char text[PART + 1];
  if (node->kind != NODE_SCALAR)
    snprintf(into, NODE_SHOWN_MAX, node->kind == NODE_LIST ? "a list" : "a map");
  else if (node->masked)
    snprintf(into, NODE_SHOWN_MAX, "a secret (not shown)");
  else if (node_is_null(node))
    snprintf(into, NODE_SHOWN_MAX, "nothing");
  else {
    text_escape(text, sizeof text, node->text);
    snprintf(into, NODE_SHOWN_MAX, "\"%s\"%s", text, node->text.size > PART ? "..." : "");
  }
  return into;
}

/* A node with the place of another, and a copy of the key. */
static struct weir_config *make(struct arena *arena, const struct weir_config *like, const char *key) {
  struct weir_config *node = arena_alloc(arena, sizeof *node);
  if (!node) return NULL;
  *node = (struct weir_config){.fallback = true, .interpolated = true, .weight = 1, .height = 1};
  if (like) {
    node->file = like->file;
    node->line = like->line;
    node->column = like->column;
    node->key_line = like->key_line;
    node->key_column = like->key_column;
  }
  if (!key) return node;
  node->key = weir_bytes(arena_copy(arena, key, strlen(key)), strlen(key));
  return node->key.data ? node : NULL;
}

struct weir_config *node_make_scalar(
    struct arena *arena, const struct weir_config *like, const char *key, weir_span text) {
  must(text.data != NULL || text.size == 0);
  struct weir_config *node = make(arena, like, key);
  if (!node) return NULL;
  node->kind = NODE_SCALAR;
  node->style = STYLE_QUOTED;
  node->text = weir_bytes(arena_copy(arena, text.data, text.size), text.size);
  node->raw = node->text;
  return node->text.data ? node : NULL;
}

static struct weir_config *make_collection(struct arena *arena, const struct weir_config *like, const char *key,
    enum node_kind kind, const struct weir_config *const *children, uint32_t count) {
  struct weir_config *node = make(arena, like, key);
  if (!node) return NULL;
  node->kind = kind;
  node->children = arena_copy(arena, children, count * sizeof *children);
  node->count = count;
  for (uint32_t i = 0; i < count; i++) {
    must(children[i] != NULL && (kind == NODE_LIST || children[i]->key.data));
    node->weight += children[i]->weight;
    if (node->height <= children[i]->height) node->height = children[i]->height + 1;
  }
  return node->children ? node : NULL;
}

struct weir_config *node_make_list(struct arena *arena, const struct weir_config *like, const char *key,
    const struct weir_config *const *children, uint32_t count) {
  return make_collection(arena, like, key, NODE_LIST, children, count);
}

struct weir_config *node_make_map(struct arena *arena, const struct weir_config *like, const char *key,
    const struct weir_config *const *children, uint32_t count) {
  return make_collection(arena, like, key, NODE_MAP, children, count);
}

struct weir_config *node_make_copy(struct arena *arena, const struct weir_config *node, const char *key) {
  struct weir_config *copy = arena_alloc(arena, sizeof *copy);
  if (!copy) return NULL;
  *copy = *node;
  if (!key) return copy;
  copy->key = weir_bytes(arena_copy(arena, key, strlen(key)), strlen(key));
  return copy->key.data ? copy : NULL;
}
