/* tree_write.c: a node as text. A listed container is spliced: its own bytes, commas and white space included, around
 * what changed. */
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

/* A listed container while it is written. Bytes of its text that follow each other are added at once. */
struct splice {
  struct tree *tree;
  struct tree_node node; /* a copy: writing may read, and reading moves the array of nodes */
  uint32_t start, end;   /* of its text, still to be added */
  struct buffer *out;
};

static void flush(struct splice *splice) {
  if (splice->end > splice->start) add_range(splice->tree, splice->node.text, splice->start, splice->end, splice->out);
  splice->start = splice->end;
}

static void copy_range(struct splice *splice, uint32_t start, uint32_t end) {
  if (start != splice->end) {
    flush(splice);
    splice->start = start;
  }
  splice->end = end;
}

static void add_byte(struct splice *splice, char byte) {
  flush(splice);
  buffer_add_byte(splice->out, byte);
}

static bool add_slot(struct splice *splice, const struct tree_slot *slot, struct json_error *err) {
  if (slot->form == SLOT_SOURCE) return copy_range(splice, slot->start, slot->end), true;
  if (slot->original) copy_range(splice, slot->start, slot->source.start);
  flush(splice);
  if (!slot->original && !splice->node.is_array) {
    if (!add_string(slot->key, splice->out, err)) return false;
    buffer_add_byte(splice->out, ':');
  }
  if (slot->form == SLOT_NODE) return write_node(splice->tree, slot->written.as.node, splice->out, err);
  return add_scalar(&slot->written, splice->out, err);
}

/* What stands in the text before an original member; its comma only when a member is before it. */
static void add_gap(struct splice *splice, uint32_t start, uint32_t end, bool first) {
  const uint8_t *text = splice->tree->texts[splice->node.text].data;
  const uint8_t *comma = first ? memchr(text + start, ',', end - start) : NULL;
  copy_range(splice, comma ? (uint32_t)(comma - text) + 1 : start, end);
}

static bool add_slots(struct splice *splice, struct json_error *err) {
  uint32_t behind = splice->node.text == TREE_NO_NODE ? 0 : splice->node.value.start + 1;
  bool first = true;
  for (uint32_t i = 0; i < splice->node.slot_count; i++) {
    const struct tree_slot *slot = &splice->node.slots[i];
    if (slot->form != SLOT_GONE) {
      if (slot->original)
        add_gap(splice, behind, slot->start, first);
      else if (!first)
        add_byte(splice, ',');
      if (!add_slot(splice, slot, err)) return false;
      first = false;
    }
    if (slot->original) behind = slot->end;
  }
  return true;
}

static bool write_listed(struct tree *tree, uint32_t id, struct buffer *out, struct json_error *err) {
  struct splice splice = {.tree = tree, .node = tree->nodes[id], .out = out};
  bool has_text = splice.node.text != TREE_NO_NODE;
  buffer_add_byte(out, splice.node.is_array ? '[' : '{');
  if (!add_slots(&splice, err)) return false;
  if (has_text) copy_range(&splice, splice.node.tail, splice.node.value.end - 1);
  add_byte(&splice, splice.node.is_array ? ']' : '}');
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
