/* tree.c: reading. A node is found again by text and token, so that two ways to one container meet, and a change
 * through either is seen by both. */
#include "tree_inside.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "common/must.h"

struct tree_child {
  uint32_t epoch, text, token, node; /* epoch: that of tree_reset(); an older one is an empty place */
};

bool tree_fail(struct json_error *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  err->fault = JSON_NOT_OBJECT;
  err->byte = 0;
  vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  return false;
}

bool tree_no_memory(struct json_error *err) {
  tree_fail(err, "no memory");
  err->fault = JSON_NO_MEMORY;
  return false;
}

/* ---- Life ---- */

bool tree_init(struct tree *tree, struct memory *memory) {
  *tree = (struct tree){.memory = memory, .child_epoch = 1};
  for (int i = 0; i < TREE_READERS; i++) {
    tree->readers[i] = (struct tree_reader){.json = json_reader_create(), .text = TREE_NO_NODE};
    if (!tree->readers[i].json) return tree_fini(tree), false;
  }
  return true;
}

/* What one large record took is not kept from the next ones. */
static void give_back(struct tree *tree) {
  memory_resize(tree->memory, tree->texts, tree->text_room * sizeof *tree->texts, 0);
  memory_resize(tree->memory, tree->nodes, tree->node_room * sizeof *tree->nodes, 0);
  memory_resize(tree->memory, tree->children, tree->child_room * sizeof *tree->children, 0);
  tree->texts = NULL;
  tree->nodes = NULL;
  tree->children = NULL;
  tree->text_room = tree->node_room = tree->child_room = 0;
}

void tree_fini(struct tree *tree) {
  for (int i = 0; i < TREE_READERS; i++) json_reader_destroy(tree->readers[i].json);
  if (!tree->memory) return;
  give_back(tree);
  *tree = (struct tree){0};
}

static void children_forget(struct tree *tree) {
  tree->child_count = 0;
  if (++tree->child_epoch != 0) return;
  memset(tree->children, 0, tree->child_room * sizeof *tree->children);
  tree->child_epoch = 1;
}

void tree_reset(struct tree *tree, const weir_host *host, const weir_batch *batch) {
  tree->host = host;
  tree->batch = batch;
  tree->text_count = tree->node_count = 0;
  if (tree->child_count > 0) children_forget(tree);
  if (tree->node_room > TREE_NODES_KEPT || tree->text_room > TREE_NODES_KEPT) give_back(tree);
  for (int i = 0; i < TREE_READERS; i++) tree->readers[i].text = TREE_NO_NODE;
}

void *tree_alloc(struct tree *tree, size_t size, struct json_error *err) {
  void *block = tree->host->alloc(tree->host, tree->batch, size);
  if (block) return block;
  tree->spent = true;
  tree_fail(err, "the memory of this batch is spent");
  err->fault = JSON_NO_MEMORY;
  return NULL;
}

weir_span tree_keep(struct tree *tree, weir_span bytes, struct json_error *err) {
  uint8_t *copy = tree_alloc(tree, bytes.size + 1, err);
  if (!copy) return (weir_span){0};
  if (bytes.size) memcpy(copy, bytes.data, bytes.size);
  return weir_bytes(copy, bytes.size);
}

/* ---- Texts and nodes ---- */

bool tree_add_text(struct tree *tree, weir_span text, uint32_t *out, struct json_error *err) {
  if (!memory_grow(tree->memory, (void **)&tree->texts, &tree->text_room, tree->text_count + 1, sizeof *tree->texts))
    return tree_no_memory(err);
  *out = tree->text_count++;
  tree->texts[*out] = text;
  return true;
}

struct json_reader *tree_reader(struct tree *tree, uint32_t text, struct json_error *err) {
  must(text < tree->text_count);
  for (int i = 0; i < TREE_READERS; i++)
    if (tree->readers[i].text == text) return tree->readers[i].json;
  struct tree_reader *reader = &tree->readers[tree->next_reader++ % TREE_READERS];
  reader->text = TREE_NO_NODE;
  if (!json_open(reader->json, tree->texts[text], err)) return NULL;
  reader->text = text;
  return reader->json;
}

struct tree_node *tree_add_node(
    struct tree *tree, uint32_t record, uint32_t parent, uint32_t *out, struct json_error *err) {
  uint32_t depth = parent == TREE_NO_NODE ? 1 : tree->nodes[parent].depth + 1;
  if (depth > TREE_DEPTH_MAX) return tree_fail(err, "nested deeper than %d levels", TREE_DEPTH_MAX), NULL;
  if (!memory_grow(tree->memory, (void **)&tree->nodes, &tree->node_room, tree->node_count + 1, sizeof *tree->nodes))
    return tree_no_memory(err), NULL;
  *out = tree->node_count++;
  struct tree_node *node = &tree->nodes[*out];
  node->form = NODE_SOURCE;
  node->is_array = node->has_cursor = node->has_last = false;
  node->record = record;
  node->parent = parent;
  node->depth = depth;
  node->text = TREE_NO_NODE;
  return node;
}

static uint32_t child_place(const struct tree *tree, uint32_t text, uint32_t token) {
  uint32_t mask = tree->child_room - 1, at = (token * 2654435761u ^ text * 40503u) & mask;
  for (;; at = (at + 1) & mask) {
    const struct tree_child *child = &tree->children[at];
    if (child->epoch != tree->child_epoch || (child->text == text && child->token == token)) return at;
  }
}

uint32_t tree_known_child(const struct tree *tree, uint32_t text, uint32_t token) {
  if (tree->child_count == 0) return TREE_NO_NODE;
  const struct tree_child *child = &tree->children[child_place(tree, text, token)];
  return child->epoch == tree->child_epoch ? child->node : TREE_NO_NODE;
}

static bool children_grow(struct tree *tree) {
  if (tree->child_count * 2 < tree->child_room) return true;
  struct tree larger = *tree;
  larger.child_room = tree->child_room ? tree->child_room * 2 : 16;
  larger.children = memory_resize(tree->memory, NULL, 0, larger.child_room * sizeof *larger.children);
  if (!larger.children) return false;
  memset(larger.children, 0, larger.child_room * sizeof *larger.children);
  for (uint32_t i = 0; i < tree->child_room; i++) {
    const struct tree_child *child = &tree->children[i];
    if (child->epoch == tree->child_epoch) larger.children[child_place(&larger, child->text, child->token)] = *child;
  }
  memory_resize(tree->memory, tree->children, tree->child_room * sizeof *tree->children, 0);
  tree->children = larger.children;
  tree->child_room = larger.child_room;
  return true;
}

bool tree_child(struct tree *tree, uint32_t parent, uint32_t text, const struct json_value *value, uint32_t *out,
    struct json_error *err) {
  *out = tree_known_child(tree, text, value->token);
  if (*out != TREE_NO_NODE) return true;
  if (!children_grow(tree)) return tree_no_memory(err);
  struct tree_node *node = tree_add_node(tree, tree->nodes[parent].record, parent, out, err);
  if (!node) return false;
  node->text = text;
  node->value = *value;
  node->is_array = value->type == JSON_ARRAY;
  tree->children[child_place(tree, text, value->token)] =
      (struct tree_child){.epoch = tree->child_epoch, .text = text, .token = value->token, .node = *out};
  tree->child_count++;
  return true;
}

/* ---- Values ---- */

static bool scalar_of(
    struct json_reader *reader, const struct json_value *value, struct tree_value *out, struct json_error *err) {
  switch (value->type) {
  case JSON_NULL: out->kind = TREE_NULL; return true;
  case JSON_BOOL: out->kind = TREE_BOOL, out->as.boolean = value->as.boolean; return true;
  case JSON_INT: out->kind = TREE_INT, out->as.integer = value->as.integer; return true;
  case JSON_DOUBLE: out->kind = TREE_DOUBLE, out->as.number = value->as.number; return true;
  case JSON_STRING: out->kind = TREE_STRING; return json_string(reader, value, &out->as.text, err);
  default: break;
  }
  must(value->type == JSON_UINT || value->type == JSON_HUGE);
  out->kind = TREE_LARGE;
  out->byte = value->start;
  struct json_value copy = *value;
  return json_raw(reader, &copy, &out->as.text, err);
}

bool tree_value_of(struct tree *tree, uint32_t node, struct json_reader *reader, const struct json_value *value,
    struct tree_value *out, struct json_error *err) {
  if (value->type != JSON_OBJECT && value->type != JSON_ARRAY) return scalar_of(reader, value, out, err);
  out->kind = TREE_NODE;
  return tree_child(tree, node, tree->nodes[node].text, value, &out->as.node, err);
}

bool tree_open(struct tree *tree, weir_span text, uint32_t record, struct tree_value *out, struct json_error *err) {
  uint32_t number;
  struct json_value value;
  if (!tree_add_text(tree, text, &number, err)) return false;
  struct json_reader *reader = tree_reader(tree, number, err);
  if (!reader || !json_root(reader, &value, err)) return false;
  if (value.type != JSON_OBJECT && value.type != JSON_ARRAY) return scalar_of(reader, &value, out, err);
  out->kind = TREE_NODE;
  struct tree_node *node = tree_add_node(tree, record, TREE_NO_NODE, &out->as.node, err);
  if (!node) return false;
  node->text = number;
  node->value = value;
  node->is_array = value.type == JSON_ARRAY;
  return true;
}

bool tree_validate(struct tree *tree, weir_span text, struct json_error *err) {
  struct tree_reader *reader = &tree->readers[tree->next_reader++ % TREE_READERS];
  reader->text = TREE_NO_NODE;
  return json_open(reader->json, text, err) && json_validate(reader->json, err);
}

/* ---- Members ---- */

uint32_t tree_record(const struct tree *tree, uint32_t node) { return tree->nodes[node].record; }
bool tree_is_array(const struct tree *tree, uint32_t node) { return tree->nodes[tree_follow(tree, node)].is_array; }
bool tree_is_dead(const struct tree *tree, uint32_t node) {
  return tree->nodes[tree_follow(tree, node)].form == NODE_DEAD;
}

static bool slot_is(const struct tree_slot *slot, weir_span key) {
  return slot->form != SLOT_GONE && !slot->repeated && slot->key.size == key.size &&
         memcmp(slot->key.data, key.data, key.size) == 0;
}

uint32_t tree_find_slot(struct tree_node *node, weir_span key) {
  for (uint32_t i = node->hint; i < node->slot_count; i++)
    if (slot_is(&node->slots[i], key)) return node->hint = i;
  for (uint32_t i = 0; i < node->hint && i < node->slot_count; i++)
    if (slot_is(&node->slots[i], key)) return node->hint = i;
  return TREE_NO_NODE;
}

bool tree_slot_value(struct tree *tree, uint32_t node, uint32_t slot, struct tree_value *out, struct json_error *err) {
  const struct tree_slot *found = &tree->nodes[node].slots[slot];
  must(found->form != SLOT_GONE);
  *out = found->written;
  if (found->form != SLOT_SOURCE) return true;
  struct json_value source = found->source;
  struct json_reader *reader = tree_reader(tree, tree->nodes[node].text, err);
  if (!reader || !tree_value_of(tree, node, reader, &source, out, err)) return false;
  if (out->kind != TREE_NODE) return true;
  struct tree_slot *again = &tree->nodes[node].slots[slot];
  again->form = SLOT_NODE;
  again->written = *out;
  return true;
}

bool tree_get(struct tree *tree, uint32_t node, weir_span key, struct tree_value *out, struct json_error *err) {
  node = tree_follow(tree, node);
  struct tree_node *from = &tree->nodes[node];
  out->kind = TREE_NONE;
  if (from->is_array || from->form == NODE_MISSING) return true;
  if (from->form == NODE_LISTED) {
    uint32_t slot = tree_find_slot(from, key);
    return slot == TREE_NO_NODE || tree_slot_value(tree, node, slot, out, err);
  }
  must(from->form == NODE_SOURCE);
  struct json_value value;
  struct json_reader *reader = tree_reader(tree, from->text, err);
  if (!reader) return false;
  enum json_answer answer = json_get(reader, &from->value, key, &value, err);
  if (answer != JSON_FOUND) return answer == JSON_ABSENT;
  return tree_value_of(tree, node, reader, &value, out, err);
}

/* Moves the cursor of a source node so that its next member is number `position`. */
static enum json_answer cursor_to(
    struct tree_node *node, struct json_reader *reader, uint32_t position, struct json_error *err) {
  if (!node->has_cursor || node->cursor.index > position) {
    json_members(&node->value, &node->cursor);
    node->has_cursor = true;
    node->has_last = false;
  }
  struct json_member member;
  enum json_answer answer = JSON_FOUND;
  while (answer == JSON_FOUND && node->cursor.index < position) answer = json_next(reader, &node->cursor, &member, err);
  return answer;
}

static enum json_answer source_next(struct tree *tree, uint32_t node, uint32_t position, weir_span *key,
    struct tree_value *out, struct json_error *err) {
  struct tree_node *from = &tree->nodes[node];
  struct json_reader *reader = tree_reader(tree, from->text, err);
  if (!reader) return JSON_BAD;
  struct json_member member;
  enum json_answer answer = cursor_to(from, reader, position, err);
  if (answer == JSON_FOUND) answer = json_next(reader, &from->cursor, &member, err);
  if (answer != JSON_FOUND) {
    from->has_cursor = false;
    return answer;
  }
  from->last = member.value;
  from->last_index = position;
  from->has_last = true;
  *key = member.key;
  /* A key with escapes stands where the next string will be unescaped. */
  if (member.key.data && member.key.size + 2 != member.key_end - member.key_start) {
    *key = tree_keep(tree, member.key, err);
    if (!key->data) return JSON_BAD;
  }
  return tree_value_of(tree, node, reader, &member.value, out, err) ? JSON_FOUND : JSON_BAD;
}

enum json_answer tree_next(struct tree *tree, uint32_t node, uint32_t *position, weir_span *key, struct tree_value *out,
    struct json_error *err) {
  node = tree_follow(tree, node);
  const struct tree_node *from = &tree->nodes[node];
  must(from->form == NODE_SOURCE || from->form == NODE_LISTED);
  if (from->form == NODE_SOURCE) return source_next(tree, node, (*position)++, key, out, err);
  while (*position < from->slot_count && from->slots[*position].form == SLOT_GONE) ++*position;
  if (*position >= from->slot_count) return JSON_ABSENT;
  *key = from->slots[*position].key;
  return tree_slot_value(tree, node, (*position)++, out, err) ? JSON_FOUND : JSON_BAD;
}

bool tree_at(struct tree *tree, uint32_t node, uint32_t index, struct tree_value *out, struct json_error *err) {
  node = tree_follow(tree, node);
  struct tree_node *from = &tree->nodes[node];
  out->kind = TREE_NONE;
  if (!from->is_array || from->form == NODE_MISSING) return true;
  if (from->form == NODE_LISTED) return index >= from->slot_count || tree_slot_value(tree, node, index, out, err);
  must(from->form == NODE_SOURCE);
  if (from->has_last && from->last_index == index) {
    struct json_value last = from->last;
    struct json_reader *reader = tree_reader(tree, from->text, err);
    return reader && tree_value_of(tree, node, reader, &last, out, err);
  }
  weir_span key;
  enum json_answer answer = source_next(tree, node, index, &key, out, err);
  if (answer == JSON_ABSENT) out->kind = TREE_NONE;
  return answer != JSON_BAD;
}

static uint32_t slots_alive(const struct tree_node *node) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < node->slot_count; i++) count += node->slots[i].form != SLOT_GONE;
  return count;
}

bool tree_count(struct tree *tree, uint32_t node, uint32_t *count, struct json_error *err) {
  node = tree_follow(tree, node);
  const struct tree_node *from = &tree->nodes[node];
  *count = 0;
  if (from->form == NODE_MISSING) return true;
  if (from->form == NODE_LISTED) {
    *count = from->is_array ? from->slot_count : slots_alive(from);
    return true;
  }
  must(from->form == NODE_SOURCE);
  struct json_reader *reader = tree_reader(tree, from->text, err);
  return reader && json_count(reader, &from->value, count, err);
}
