/* json_edit.h: the list of edits as json_edit.c builds it and json_splice.c applies it.
 *
 * The list is a tree of steps, so that all edits of one phase are made in one pass over the levels they touch. An
 * edit that depends on what another one did to the same place opens a new phase, which works on the result of the
 * one before: so the outcome is always that of the edits one after the other. */
#ifndef WEIR_PLUGINS_COMMON_JSON_EDIT_H
#define WEIR_PLUGINS_COMMON_JSON_EDIT_H
#include "json_inside.h"

enum edit_operation { EDIT_GO = 0, EDIT_SET, EDIT_REMOVE }; /* GO: only what is below is edited */
enum { NO_NODE = 0 };                                       /* node 0 is never in use */

struct edit_node {
  struct json_step step;
  weir_span raw;              /* of SET */
  size_t key_start, key_size; /* the key as JSON text in edits->keys; 0 bytes: the step has none */
  uint32_t child, last_child, sibling;
  enum edit_operation operation;
  bool creates;  /* it or one below is or was a SET: a missing value comes into being */
  uint64_t seen; /* the last visit in which the text had it */
};

/* A stretch of the result; points into a reader's text, edits->keys, a caller's raw text or a constant. */
struct edit_piece {
  const uint8_t *data;
  size_t size;
};

struct json_edits {
  struct edit_node *nodes;
  size_t node_count, node_capacity;
  uint32_t *phases; /* the root node of each */
  size_t phase_count, phase_capacity;
  bool sealed; /* the last phase moves elements of an array: nothing more goes into it */
  uint8_t *keys;
  size_t keys_size, keys_capacity;
  struct edit_piece *pieces; /* of the last json_edits_apply() */
  size_t piece_count, piece_capacity;
  uint64_t visits;             /* of containers of texts, counted: each has its own number */
  struct json_reader *between; /* reads the result of a phase for the next one; NULL until needed */
  uint8_t *result;             /* that result */
  size_t result_capacity;
};

/* `array` of `capacity` items of `item` bytes, made larger where fewer than `need` fit. NULL: no memory, the array
 * stands. */
void *edit_grow(void *array, size_t item, size_t need, size_t *capacity);

#endif
