/* tree_write.c: a node as text. A listed container is spliced: its own bytes, commas and white space included, around what
 * changed. */
#include "tree_inside.h"
#include <string.h>
#include "common/must.h"

static bool write_node(struct tree *tree, uint32_t id, struct buffer *out, struct json_error *err);

static void add_range(const struct tree *tree, uint32_t text, size_t start, size_t end, struct buffer *out) {
  must(start <= end && end <= tree->texts[text].size);
  buffer_add(out, tree->texts[text].data + start, end - start);
}

static bool add_string(weir_span text, struct buffer *out, struct json_error *err) {
  size_t size = json_string_size(text);
  if (size == 0) return tree_fail(err, "a string that is not UTF-8 cannot be written as JSON");
  uint8_t *to = buffer_reserve(out, size);
  if (to) out->size += json_write_string(to, text);
  return true;
}

static bool add_scalar(const struct tree_value *value, struct buffer *out, struct json_error *err) {
  uint8_t number[JSON_NUMBER_TEXT];
  switch (value->kind) {
  case TREE_NULL: return buffer_add_text(out, "null"), true;
  case TREE_BOOL: return buffer_add_text(out, value->as.boolean ? "true" : "false"), true;
  case TREE_INT: return buffer_add(out, number, json_write_int(number, value->as.integer)), true;
  case TREE_DOUBLE: return buffer_add(out, number, json_write_double(number, value->as.number)), true;
  case TREE_STRING: return add_string(value->as.text, out, err);
  default: must(!"a slot holds a scalar or a node"); return false;
  }
}

static bool add_slot(struct tree *tree, const struct tree_node *node, const struct tree_slot *slot, struct buffer *out,
    struct json_error *err) {
  if (slot->original) {
    add_range(tree, node->text, slot->start, slot->source.start, out);
  } else if (!node->is_array) {
    if (!add_string(slot->key, out, err)) return false;
    buffer_add_byte(out, ':');
  }
  if (slot->form == SLOT_NODE) return write_node(tree, slot->written.as.node, out, err);
  if (slot->form == SLOT_WRITTEN) return add_scalar(&slot->written, out, err);
  add_range(tree, node->text, slot->source.start, slot->source.end, out);
  return true;
}

/* What stands in the text before an original member; the comma only when it is not the first any more. */
static void add_gap(const struct tree *tree, const struct tree_node *node, uint32_t start, uint32_t end, bool first,
    struct buffer *out) {
  const uint8_t *text = tree->texts[node->text].data;
  const uint8_t *comma = memchr(text + start, ',', end - start);
  if (first && comma) start = (uint32_t)(comma - text) + 1;
  add_range(tree, node->text, start, end, out);
}

static bool write_listed(struct tree *tree, uint32_t id, struct buffer *out, struct json_error *err) {
  struct tree_node node = tree->nodes[id]; /* a copy: writing may read, and reading moves the array */
  uint32_t behind = node.value.start + 1;
  bool first = true;
  buffer_add_byte(out, node.is_array ? '[' : '{');
  for (uint32_t i = 0; i < node.slot_count; i++) {
    const struct tree_slot *slot = &node.slots[i];
    if (slot->form != SLOT_GONE) {
      if (slot->original)
        add_gap(tree, &node, behind, slot->start, first, out);
      else if (!first)
        buffer_add_byte(out, ',');
      if (!add_slot(tree, &node, slot, out, err)) return false;
      first = false;
    }
    if (slot->original) behind = slot->end;
  }
  if (node.text != TREE_NO_NODE) add_range(tree, node.text, node.tail, node.value.end - 1, out);
  buffer_add_byte(out, node.is_array ? ']' : '}');
  return true;
}

static bool write_source(struct tree *tree, uint32_t id, struct buffer *out, struct json_error *err) {
  struct tree_node *node = &tree->nodes[id];
  struct json_reader *reader = tree_reader(tree, node->text, err);
  if (!reader || !json_extent(reader, &node->value, err)) return false;
  add_range(tree, node->text, node->value.start, node->value.end, out);
  return true;
}

static bool write_node(struct tree *tree, uint32_t id, struct buffer *out, struct json_error *err) {
  id = tree_follow(tree, id);
  enum node_form form = tree->nodes[id].form;
  must(form == NODE_SOURCE || form == NODE_LISTED);
  return form == NODE_LISTED ? write_listed(tree, id, out, err) : write_source(tree, id, out, err);
}

bool tree_write(struct tree *tree, uint32_t node, bool is_root, struct buffer *out, struct json_error *err) {
  const struct tree_node *root = &tree->nodes[tree_follow(tree, node)];
  if (root->form == NODE_MISSING) return tree_fail(err, "there is nothing to write");
  bool framed = is_root && root->text != TREE_NO_NODE;
  if (framed) add_range(tree, root->text, 0, root->value.start, out);
  if (!write_node(tree, node, out, err)) return false;
  root = &tree->nodes[tree_follow(tree, node)];
  if (framed) add_range(tree, root->text, root->value.end, tree->texts[root->text].size, out);
  return !out->failed || tree_no_memory(err);
}
