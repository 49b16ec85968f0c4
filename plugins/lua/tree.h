/* tree.h: the JSON of the records at hand as values that can be read and changed. Knows nothing of Lua.
 *
 * A container (object or array) that code has touched is a node with a number; all else is read from its text when it
 * is asked for. The first change to a container lists its members, and those of its parents up to the root: so a node
 * that is not listed, and all below it, is its text, byte for byte. Numbers are good until tree_reset().
 * Memory: lists and new texts live in the batch (host->alloc), the array of nodes in the instance's budget. */
#ifndef WEIR_PLUGINS_LUA_TREE_H
#define WEIR_PLUGINS_LUA_TREE_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "common/json.h"
#include "memory.h"

enum {
  TREE_READERS = 2,
  TREE_DEPTH_MAX = JSON_DEPTH_MAX,
  TREE_NODES_KEPT = 4096, /* room for more nodes, or texts, is given back after the record */
};
#define TREE_NO_NODE UINT32_MAX

enum tree_kind {
  TREE_NONE, /* absent; to write: delete */
  TREE_NULL,
  TREE_BOOL,
  TREE_INT,
  TREE_DOUBLE,
  TREE_STRING, /* text; read: alive until the next call */
  TREE_TEXT,   /* only to write: JSON text in the batch's memory */
  TREE_LARGE,  /* only read: a number that neither int64 nor double holds; text is how it is written, `byte` where */
  TREE_NODE,
};

struct tree_value {
  enum tree_kind kind;
  uint32_t byte;
  union {
    bool boolean;
    int64_t integer;
    double number;
    weir_span text;
    uint32_t node;
  } as;
};

struct tree_slot;
struct tree_node;
struct tree_child;

struct tree_reader {
  struct json_reader *json;
  uint32_t text; /* which is open in it, TREE_NO_NODE: none */
};

struct tree {
  struct memory *memory;
  const weir_host *host;
  const weir_batch *batch;
  bool spent; /* host->alloc() had no more */
  struct tree_reader readers[TREE_READERS];
  uint32_t next_reader;
  weir_span *texts;
  uint32_t text_count, text_room;
  struct tree_node *nodes;
  uint32_t node_count, node_room;
  struct tree_child *children; /* table of the nodes of texts, by text and token */
  uint32_t child_count, child_room, child_epoch;
};

/* False: no memory. */
bool tree_init(struct tree *tree, struct memory *memory);
void tree_fini(struct tree *tree);
/* Forgets all nodes and texts; later ones are of this batch. */
void tree_reset(struct tree *tree, const weir_host *host, const weir_batch *batch);

/* The functions below fail with err: JSON_MALFORMED when a text is not JSON, JSON_NO_MEMORY, JSON_NOT_OBJECT with a
 * sentence for what cannot be done. */

/* The value of a text that lives as long as the batch. `record`: whose it is, given back by tree_record(). */
bool tree_open(struct tree *tree, weir_span text, uint32_t record, struct tree_value *out, struct json_error *err);
/* Checks every byte of a text. */
bool tree_validate(struct tree *tree, weir_span text, struct json_error *err);
uint32_t tree_record(const struct tree *tree, uint32_t node);
bool tree_is_array(const struct tree *tree, uint32_t node);
/* TREE_NONE where there is no such member; index from 0. */
bool tree_get(struct tree *tree, uint32_t node, weir_span key, struct tree_value *out, struct json_error *err);
bool tree_at(struct tree *tree, uint32_t node, uint32_t index, struct tree_value *out, struct json_error *err);
bool tree_count(struct tree *tree, uint32_t node, uint32_t *count, struct json_error *err);
/* The next member from *position (0: the first) on, and moves *position behind it. ABSENT: no more. `key`: of an
 * object; lives until the next call. */
enum json_answer tree_next(struct tree *tree, uint32_t node, uint32_t *position, weir_span *key, struct tree_value *out,
    struct json_error *err);

/* A node for a member that is not there, or null: the first change through it creates it. `key` is copied; data NULL:
 * element `index`. */
bool tree_missing(
    struct tree *tree, uint32_t parent, weir_span key, uint32_t index, uint32_t *out, struct json_error *err);
bool tree_set(struct tree *tree, uint32_t node, weir_span key, const struct tree_value *value, struct json_error *err);
/* Index: an element, or one behind the last to add; deleting only the last. */
bool tree_set_at(
    struct tree *tree, uint32_t node, uint32_t index, const struct tree_value *value, struct json_error *err);
/* All nodes of a record whose text was replaced; using one is then an error, see tree_is_dead(). */
void tree_kill(struct tree *tree, uint32_t record);
bool tree_is_dead(const struct tree *tree, uint32_t node);

/* Appends a node's JSON text; of a root with what stands around it. */
bool tree_write(struct tree *tree, uint32_t node, bool is_root, struct buffer *out, struct json_error *err);
/* A copy in the batch's memory; NULL data: its budget is spent, err is filled. */
weir_span tree_keep(struct tree *tree, weir_span bytes, struct json_error *err);

#endif
