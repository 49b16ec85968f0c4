/* tree_edit.c: changing. To change a container its members are listed once; its parents are listed before it, so that
 * writing the root finds every change. */
#include "tree_inside.h"
#include <stdlib.h>
#include <string.h>
#include "common/must.h"

/* ---- Slots ---- */

static bool slots_grow(struct tree *tree, struct tree_node *node, uint32_t wanted, struct json_error *err) {
  if (wanted <= node->slot_room) return true;
  uint32_t room = node->slot_room ? node->slot_room * 2 : 8;
  while (room < wanted) room *= 2;
  struct tree_slot *slots = tree_alloc(tree, room * sizeof *slots, err);
  if (!slots) return false;
  if (node->slot_count) memcpy(slots, node->slots, node->slot_count * sizeof *slots);
  node->slots = slots;
  node->slot_room = room;
  return true;
}

/* The key as it will be compared: where it stands in the text of the record, else (it has escapes) a copy. */
static weir_span key_kept(
    struct tree *tree, const struct tree_node *node, const struct json_member *member, struct json_error *err) {
  if (member->key.size + 2 != member->key_end - member->key_start) return tree_keep(tree, member->key, err);
  return weir_bytes(tree->texts[node->text].data + member->key_start + 1, member->key.size);
}

static bool slot_of_member(struct tree *tree, const struct tree_node *node, const struct json_member *member,
    struct tree_slot *slot, struct json_error *err) {
  *slot = (struct tree_slot){.form = SLOT_SOURCE, .original = true};
  if (!node->is_array) {
    slot->key = key_kept(tree, node, member, err);
    if (!slot->key.data) return false;
  }
  slot->source = member->value;
  slot->start = node->is_array ? member->value.start : member->key_start;
  slot->end = member->value.end;
  uint32_t child = tree_known_child(tree, node->text, member->value.token);
  if (child == TREE_NO_NODE) return true;
  slot->form = SLOT_NODE;
  slot->written = (struct tree_value){.kind = TREE_NODE, .as.node = child};
  return true;
}

static bool same_key(const struct tree_slot *a, const struct tree_slot *b) {
  if (a->key.size != b->key.size) return false;
  return a->key.size == 0 || (a->key.data[0] == b->key.data[0] && memcmp(a->key.data, b->key.data, a->key.size) == 0);
}

/* Links two members of one name; `earlier` is the last of them so far. */
static void link_twins(struct tree_slot *slots, uint32_t earlier, uint32_t later) {
  slots[earlier].twin = later + 1;
  slots[later].repeated = true;
}

static void find_among_few(struct tree_slot *slots, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    uint32_t earlier = i;
    while (earlier > 0 && !same_key(&slots[earlier - 1], &slots[i])) earlier--;
    if (earlier > 0) link_twins(slots, earlier - 1, i);
  }
}

/* By name, then by place. */
static int compare_slots(const void *a, const void *b, void *ctx) {
  const struct tree_slot *slots = ctx;
  uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
  weir_span left = slots[i].key, right = slots[j].key;
  if (left.size != right.size) return left.size < right.size ? -1 : 1;
  int order = memcmp(left.data, right.data, left.size);
  return order ? order : (i > j) - (i < j);
}

/* Sorted and not hashed: whoever sends the record chooses its names. */
static bool find_among_many(struct tree *tree, struct tree_slot *slots, uint32_t count, struct json_error *err) {
  uint32_t *places = memory_resize(tree->memory, NULL, 0, count * sizeof *places);
  if (!places) return tree_no_memory(err);
  for (uint32_t i = 0; i < count; i++) places[i] = i;
  qsort_r(places, count, sizeof *places, compare_slots, slots);
  for (uint32_t i = 1; i < count; i++)
    if (same_key(&slots[places[i - 1]], &slots[places[i]])) link_twins(slots, places[i - 1], places[i]);
  memory_resize(tree->memory, places, count * sizeof *places, 0);
  return true;
}

/* Of members with one name only the first is read. */
static bool find_repeated(struct tree *tree, struct tree_node *node, struct json_error *err) {
  enum { FEW = 16 };
  if (node->is_array) return true;
  if (node->slot_count > FEW) return find_among_many(tree, node->slots, node->slot_count, err);
  find_among_few(node->slots, node->slot_count);
  return true;
}

static bool slots_fill(struct tree *tree, struct tree_node *node, struct json_reader *reader, struct json_error *err) {
  struct json_cursor cursor;
  struct json_member member;
  enum json_answer answer;
  json_members(&node->value, &cursor);
  while ((answer = json_next_whole(reader, &cursor, &member, err)) == JSON_FOUND) {
    if (!slots_grow(tree, node, node->slot_count + 1, err)) return false;
    if (!slot_of_member(tree, node, &member, &node->slots[node->slot_count], err)) return false;
    node->tail = node->slots[node->slot_count++].end;
  }
  if (answer != JSON_ABSENT) return false;
  node->value.end = json_members_end(reader, &cursor);
  return find_repeated(tree, node, err);
}

/* Nothing but white space may stand around a root that is going to be written again. */
static bool alone_in_text(const struct tree *tree, const struct tree_node *node, struct json_error *err) {
  weir_span text = tree->texts[node->text];
  for (size_t i = node->value.end; i < text.size; i++) {
    if (strchr(" \t\r\n", text.data[i]) && text.data[i]) continue;
    tree_fail(err, "byte %zu: expected nothing behind the value, found '%c'", i, text.data[i]);
    err->fault = JSON_MALFORMED;
    return false;
  }
  return true;
}

static void list_empty(struct tree_node *node) {
  node->form = NODE_LISTED;
  node->slots = NULL;
  node->slot_count = node->slot_room = node->hint = 0;
}

static bool list_source(struct tree *tree, uint32_t id, struct json_error *err) {
  struct tree_node *node = &tree->nodes[id];
  struct json_reader *reader = tree_reader(tree, node->text, err);
  if (!reader) return false;
  list_empty(node);
  node->form = NODE_SOURCE;
  node->tail = node->value.start + 1;
  if (!slots_fill(tree, node, reader, err)) return false;
  if (node->parent == TREE_NO_NODE && !alone_in_text(tree, node, err)) return false;
  node->form = NODE_LISTED;
  return true;
}

/* ---- Missing nodes ---- */

bool tree_missing(
    struct tree *tree, uint32_t parent, weir_span key, uint32_t index, uint32_t *out, struct json_error *err) {
  weir_span name = key.data ? tree_keep(tree, key, err) : key;
  if (key.data && !name.data) return false;
  struct tree_node *node = tree_add_node(tree, tree->nodes[parent].record, parent, out, err);
  if (!node) return false;
  node->form = NODE_MISSING;
  node->key = name;
  node->index = index;
  return true;
}

static bool put(struct tree *tree, uint32_t id, weir_span key, uint32_t index, const struct tree_value *value,
    struct json_error *err);
static bool node_list(struct tree *tree, uint32_t *id, bool for_array, struct json_error *err);

/* What code has put there meanwhile, if it is a container. */
static bool taken_meanwhile(
    struct tree *tree, uint32_t parent, weir_span key, uint32_t index, uint32_t *out, struct json_error *err) {
  struct tree_value value;
  bool read = key.data ? tree_get(tree, parent, key, &value, err) : tree_at(tree, parent, index, &value, err);
  if (!read) return false;
  *out = value.kind == TREE_NODE ? value.as.node : TREE_NO_NODE;
  if (value.kind == TREE_NONE || value.kind == TREE_NULL || value.kind == TREE_NODE) return true;
  return tree_fail(err, "there is no room for a member: its parent has got a value meanwhile");
}

/* Creates what was missing, parents first, as an object or an array. */
static bool make(struct tree *tree, uint32_t *id, bool for_array, struct json_error *err) {
  uint32_t parent = tree->nodes[*id].parent, record = tree->nodes[*id].record, index = tree->nodes[*id].index, made;
  weir_span key = tree->nodes[*id].key;
  if (!node_list(tree, &parent, !key.data, err)) return false;
  if (!taken_meanwhile(tree, parent, key, index, &made, err)) return false;
  if (made == TREE_NO_NODE) {
    struct tree_node *node = tree_add_node(tree, record, parent, &made, err);
    if (!node) return false;
    node->is_array = for_array;
    list_empty(node);
    struct tree_value value = {.kind = TREE_NODE, .as.node = made};
    if (!put(tree, parent, key, index, &value, err)) return false;
  }
  tree->nodes[*id].form = NODE_MOVED;
  tree->nodes[*id].moved_to = made;
  *id = made;
  return true;
}

/* Makes *id a listed node; it may become another one, which was missing. */
static bool node_list(struct tree *tree, uint32_t *id, bool for_array, struct json_error *err) {
  *id = tree_follow(tree, *id);
  if (tree->nodes[*id].form == NODE_MISSING && !make(tree, id, for_array, err)) return false;
  struct tree_node *node = &tree->nodes[*id];
  must(node->form != NODE_DEAD);
  if (node->form == NODE_LISTED) return true;
  uint32_t parent = node->parent;
  if (parent != TREE_NO_NODE && !node_list(tree, &parent, false, err)) return false;
  return list_source(tree, *id, err);
}

/* ---- Setting ---- */

/* JSON text as a slot: a scalar as it is, a container as a node over its text. */
static bool slot_from_text(
    struct tree *tree, uint32_t id, const struct tree_value *value, struct tree_slot *slot, struct json_error *err) {
  struct tree_value read;
  if (!tree_open(tree, value->as.text, tree->nodes[id].record, &read, err)) return false;
  must(read.kind == TREE_NODE);
  tree->nodes[read.as.node].parent = id;
  tree->nodes[read.as.node].depth = tree->nodes[id].depth + 1;
  slot->form = SLOT_NODE;
  slot->written = read;
  return tree->nodes[id].depth < TREE_DEPTH_MAX || tree_fail(err, "nested deeper than %d levels", TREE_DEPTH_MAX);
}

static bool slot_from(
    struct tree *tree, uint32_t id, const struct tree_value *value, struct tree_slot *slot, struct json_error *err) {
  if (value->kind == TREE_TEXT) return slot_from_text(tree, id, value, slot, err);
  must(value->kind != TREE_LARGE);
  slot->form = value->kind == TREE_NODE ? SLOT_NODE : value->kind == TREE_NONE ? SLOT_GONE : SLOT_WRITTEN;
  slot->written = *value;
  if (value->kind != TREE_STRING) return true;
  slot->written.as.text = tree_keep(tree, value->as.text, err);
  return slot->written.as.text.data != NULL;
}

/* Every other member of that name goes, so that no reader of the result sees an old value. */
static void drop_twins(struct tree_slot *slots, uint32_t kept) {
  for (uint32_t twin = slots[kept].twin; twin; twin = slots[twin - 1].twin) slots[twin - 1].form = SLOT_GONE;
}

static bool put_key(
    struct tree *tree, uint32_t id, weir_span key, const struct tree_value *value, struct json_error *err) {
  struct tree_slot made = {0};
  if (!slot_from(tree, id, value, &made, err)) return false;
  struct tree_node *node = &tree->nodes[id];
  uint32_t found = tree_find_slot(node, key);
  if (found != TREE_NO_NODE) {
    drop_twins(node->slots, found);
    node->slots[found].form = made.form;
    node->slots[found].written = made.written;
    return true;
  }
  if (value->kind == TREE_NONE) return true;
  made.key = tree_keep(tree, key, err);
  if (!made.key.data || !slots_grow(tree, node, node->slot_count + 1, err)) return false;
  node->slots[node->slot_count++] = made;
  return true;
}

static bool put_index(
    struct tree *tree, uint32_t id, uint32_t index, const struct tree_value *value, struct json_error *err) {
  uint32_t count = tree->nodes[id].slot_count;
  if (value->kind == TREE_NONE) {
    if (index >= count)
      return tree_fail(err, "nil cannot be element %u of an array of %u; weir.null is a null", index + 1, count);
    if (index + 1 < count)
      return tree_fail(err,
          "only the last element of an array can be deleted, which is %u; table.remove moves the others up, "
          "weir.null leaves a null",
          count);
    tree->nodes[id].slot_count--;
    return true;
  }
  if (index > count)
    return tree_fail(err, "element %u of an array of %u: the next one is %u", index + 1, count, count + 1);
  struct tree_slot made = {0};
  if (!slot_from(tree, id, value, &made, err)) return false;
  struct tree_node *node = &tree->nodes[id];
  if (!slots_grow(tree, node, index + 1, err)) return false;
  if (index == count) {
    node->slots[node->slot_count++] = made;
  } else {
    node->slots[index].form = made.form;
    node->slots[index].written = made.written;
  }
  return true;
}

static bool put(struct tree *tree, uint32_t id, weir_span key, uint32_t index, const struct tree_value *value,
    struct json_error *err) {
  if (tree->nodes[id].is_array == !key.data)
    return key.data ? put_key(tree, id, key, value, err) : put_index(tree, id, index, value, err);
  return key.data ? tree_fail(err, "an array has no member '%.*s'", (int)(key.size < 60 ? key.size : 60), key.data)
                  : tree_fail(err, "an object has no element %u: its names are strings", index + 1);
}

bool tree_set(struct tree *tree, uint32_t node, weir_span key, const struct tree_value *value, struct json_error *err) {
  must(key.data);
  if (value->kind == TREE_NONE && tree->nodes[tree_follow(tree, node)].form == NODE_MISSING) return true;
  return node_list(tree, &node, false, err) && put(tree, node, key, 0, value, err);
}

bool tree_set_at(
    struct tree *tree, uint32_t node, uint32_t index, const struct tree_value *value, struct json_error *err) {
  if (value->kind == TREE_NONE && tree->nodes[tree_follow(tree, node)].form == NODE_MISSING) return true;
  return node_list(tree, &node, true, err) && put(tree, node, (weir_span){0}, index, value, err);
}

void tree_kill(struct tree *tree, uint32_t record) {
  for (uint32_t i = 0; i < tree->node_count; i++)
    if (tree->nodes[i].record == record) tree->nodes[i].form = NODE_DEAD;
}
