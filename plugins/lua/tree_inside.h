/* tree_inside.h: what tree.c, tree_edit.c and tree_write.c share. */
#ifndef WEIR_PLUGINS_LUA_TREE_INSIDE_H
#define WEIR_PLUGINS_LUA_TREE_INSIDE_H
#include "tree.h"

enum node_form {
  NODE_SOURCE,  /* as in its text */
  NODE_LISTED,  /* its members are slots */
  NODE_MISSING, /* not there yet: named by parent and key */
  NODE_MOVED,   /* was missing, is now node `moved_to` */
  NODE_DEAD,
};

enum slot_form { SLOT_SOURCE, SLOT_NODE, SLOT_WRITTEN, SLOT_GONE };

/* A member of a listed container. */
struct tree_slot {
  enum slot_form form;
  bool repeated; /* an earlier member has its name */
  bool original; /* stands in the node's text, from `start` (its key, or its value in an array) */
  uint32_t twin; /* the next member of its name, one more than its place; 0: none */
  uint32_t start, end;
  weir_span key;             /* unescaped */
  struct json_value source;  /* original */
  struct tree_value written; /* SLOT_WRITTEN: a scalar; SLOT_NODE: as.node */
};

/* The first fields are always set, the others when their form or flag says so: a node is made for every record that
 * is looked at. */
struct tree_node {
  enum node_form form;
  bool is_array, has_cursor, has_last;
  uint32_t record, parent, depth;
  uint32_t text;           /* SOURCE and LISTED; TREE_NO_NODE: made by code, no text */
  struct json_value value; /* where it stands in its text */

  struct json_cursor cursor; /* has_cursor: reading on in order is cheap */
  uint32_t last_index;       /* has_last: the element before the cursor */
  struct json_value last;

  struct tree_slot *slots; /* LISTED */
  uint32_t slot_count, slot_room;
  uint32_t hint; /* where the last one was found */
  uint32_t tail; /* of its text: behind the last original member */

  weir_span key; /* MISSING: its name in the parent; data NULL: its index */
  uint32_t index;
  uint32_t moved_to; /* MOVED */
};

static inline uint32_t tree_follow(const struct tree *tree, uint32_t node) {
  while (tree->nodes[node].form == NODE_MOVED) node = tree->nodes[node].moved_to;
  return node;
}

bool tree_fail(struct json_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool tree_no_memory(struct json_error *err);
void *tree_alloc(struct tree *tree, size_t size, struct json_error *err);
/* The reader in which that text is open. NULL: err is filled. */
struct json_reader *tree_reader(struct tree *tree, uint32_t text, struct json_error *err);
bool tree_add_text(struct tree *tree, weir_span text, uint32_t *out, struct json_error *err);
/* A node with the fields that every node has, in source form; *out: its number. NULL: err is filled. Good until the
 * next node. */
struct tree_node *tree_add_node(
    struct tree *tree, uint32_t record, uint32_t parent, uint32_t *out, struct json_error *err);
/* The node of the container at `value` in that text, made when there is none. */
bool tree_child(struct tree *tree, uint32_t parent, uint32_t text, const struct json_value *value, uint32_t *out,
    struct json_error *err);
/* The same when there is one, else TREE_NO_NODE. */
uint32_t tree_known_child(const struct tree *tree, uint32_t text, uint32_t token);
/* What a value in the text of `node` is to the reader of the tree. */
bool tree_value_of(struct tree *tree, uint32_t node, struct json_reader *reader, const struct json_value *value,
    struct tree_value *out, struct json_error *err);
bool tree_slot_value(struct tree *tree, uint32_t node, uint32_t slot, struct tree_value *out, struct json_error *err);
/* TREE_NO_NODE: none of that name. */
uint32_t tree_find_slot(struct tree_node *node, weir_span key);

#endif
