/* json_edit.c: the list of edits. What goes into one phase touches places that do not depend on each other. */
#include "json_edit.h"
#include "must.h"
#include <string.h>

struct json_edits *json_edits_create(void) {
  return calloc(1, sizeof(struct json_edits));
}

void json_edits_destroy(struct json_edits *edits) {
  if (!edits) return;
  json_reader_destroy(edits->between);
  free(edits->nodes);
  free(edits->phases);
  free(edits->keys);
  free(edits->pieces);
  free(edits->result);
  free(edits);
}

void json_edits_clear(struct json_edits *edits) {
  edits->node_count = edits->phase_count = edits->piece_count = 0;
  edits->keys_size = 0;
  edits->sealed = false;
}

void *edit_grow(void *array, size_t item, size_t need, size_t *capacity) {
  if (need <= *capacity) return array;
  if (need > UINT32_MAX / 2) return NULL;
  size_t more = need < 16 ? 16 : need * 2;
  void *bigger = realloc(array, more * item);
  if (bigger) *capacity = more;
  return bigger;
}

/* A new node without a parent; NO_NODE: no memory. */
static uint32_t add_node(struct json_edits *edits) {
  struct edit_node *nodes = edit_grow(edits->nodes, sizeof *nodes, edits->node_count + 2, &edits->node_capacity);
  if (!nodes) return NO_NODE;
  edits->nodes = nodes;
  uint32_t number = (uint32_t)++edits->node_count;
  nodes[number] = (struct edit_node){.step = {.index = JSON_NO_INDEX}};
  return number;
}

static bool add_phase(struct json_edits *edits) {
  uint32_t *phases = edit_grow(edits->phases, sizeof *phases, edits->phase_count + 1, &edits->phase_capacity);
  if (!phases) return false;
  edits->phases = phases;
  uint32_t root = add_node(edits);
  if (root == NO_NODE) return false;
  phases[edits->phase_count++] = root;
  edits->sealed = false;
  return true;
}

static bool same_key(const struct json_step *a, const struct json_step *b) {
  if (!a->key.data || !b->key.data) return false;
  return a->key.size == b->key.size && memcmp(a->key.data, b->key.data, a->key.size) == 0;
}

static bool same_index(const struct json_step *a, const struct json_step *b) {
  return a->index == b->index && a->index != JSON_NO_INDEX;
}

/* They name the same member of whatever they meet. */
static bool same_step(const struct json_step *a, const struct json_step *b) {
  bool keys = same_key(a, b) || (!a->key.data && !b->key.data);
  return keys && a->index == b->index;
}

static uint32_t find_child(const struct json_edits *edits, uint32_t parent, const struct json_step *step) {
  uint32_t child = edits->nodes[parent].child;
  while (child != NO_NODE && !same_step(&edits->nodes[child].step, step)) child = edits->nodes[child].sibling;
  return child;
}

/* There is a child that names the same member of some values and not of others. */
static bool is_ambiguous(const struct json_edits *edits, uint32_t parent, const struct json_step *step) {
  for (uint32_t child = edits->nodes[parent].child; child != NO_NODE; child = edits->nodes[child].sibling) {
    const struct json_step *other = &edits->nodes[child].step;
    if ((same_key(other, step) || same_index(other, step)) && !same_step(other, step)) return true;
  }
  return false;
}

/* Whether this edit can be made in the last phase, together with all that is in it. */
static bool fits(
    const struct json_edits *edits, const struct json_step *path, uint32_t count, enum edit_operation operation) {
  if (edits->phase_count == 0 || edits->sealed) return false;
  uint32_t node = edits->phases[edits->phase_count - 1];
  for (uint32_t i = 0; i < count; i++) {
    if (edits->nodes[node].operation != EDIT_GO || is_ambiguous(edits, node, &path[i])) return false;
    node = find_child(edits, node, &path[i]);
    if (node == NO_NODE) return true;
  }
  const struct edit_node *target = &edits->nodes[node];
  if (target->child != NO_NODE) return false;
  return target->operation == EDIT_GO || target->operation == operation;
}

/* The key as JSON text, so that applying needs no work on it. */
static bool keep_key(struct json_edits *edits, struct edit_node *node) {
  if (!node->step.key.data) return true;
  size_t size = json_string_size(node->step.key);
  if (size == 0) return false;
  uint8_t *keys = edit_grow(edits->keys, 1, edits->keys_size + size, &edits->keys_capacity);
  if (!keys) return false;
  edits->keys = keys;
  node->key_start = edits->keys_size;
  node->key_size = json_write_string(keys + edits->keys_size, node->step.key);
  must(node->key_size == size);
  edits->keys_size += size;
  return true;
}

static void append_child(struct json_edits *edits, uint32_t parent, uint32_t number) {
  struct edit_node *above = &edits->nodes[parent];
  edits->nodes[number].sibling = NO_NODE;
  if (above->child == NO_NODE) {
    above->child = number;
  } else {
    edits->nodes[above->last_child].sibling = number;
  }
  above->last_child = number;
}

static uint32_t add_child(struct json_edits *edits, uint32_t parent, const struct json_step *step) {
  uint32_t number = add_node(edits);
  if (number == NO_NODE) return NO_NODE;
  struct edit_node *node = &edits->nodes[number];
  node->step = *step;
  if (!keep_key(edits, node)) return NO_NODE;
  append_child(edits, parent, number);
  return number;
}

/* New members stand in the order in which they were first set: a node that was there for removals only goes behind
 * them. */
static void mark_creates(struct json_edits *edits, uint32_t parent, uint32_t number) {
  struct edit_node *above = &edits->nodes[parent], *node = &edits->nodes[number];
  if (node->creates) return;
  node->creates = true;
  if (above->last_child == number) return;
  if (above->child == number) {
    above->child = node->sibling;
  } else {
    uint32_t before = above->child;
    while (edits->nodes[before].sibling != number) before = edits->nodes[before].sibling;
    edits->nodes[before].sibling = node->sibling;
  }
  append_child(edits, parent, number);
}

static bool add(struct json_edits *edits, const struct json_step *path, uint32_t count, enum edit_operation operation,
    weir_span raw) {
  if (count > JSON_STEPS_MAX) return false;
  if (!fits(edits, path, count, operation) && !add_phase(edits)) return false;
  uint32_t node = edits->phases[edits->phase_count - 1];
  bool creates = operation == EDIT_SET;
  edits->nodes[node].creates |= creates;
  for (uint32_t i = 0; i < count; i++) {
    must(path[i].key.data || path[i].index != JSON_NO_INDEX);
    uint32_t child = find_child(edits, node, &path[i]);
    if (child == NO_NODE) child = add_child(edits, node, &path[i]);
    if (child == NO_NODE) return false;
    if (creates) mark_creates(edits, node, child);
    node = child;
  }
  edits->nodes[node].operation = operation;
  edits->nodes[node].raw = raw;
  if (operation == EDIT_REMOVE && path[count - 1].index != JSON_NO_INDEX) edits->sealed = true;
  return true;
}

bool json_edits_set(struct json_edits *edits, const struct json_step *path, uint32_t count, weir_span raw) {
  must(raw.data && raw.size > 0);
  return add(edits, path, count, EDIT_SET, raw);
}

bool json_edits_remove(struct json_edits *edits, const struct json_step *path, uint32_t count) {
  must(count > 0);
  return add(edits, path, count, EDIT_REMOVE, weir_bytes(NULL, 0));
}
