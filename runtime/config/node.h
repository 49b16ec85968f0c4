/* node.h: one node of a pipeline file's tree. It is what a plugin sees as weir_config.
 *
 * A tree is built once, by one thread, in one arena, and is read-only from then on. An alias (`*name`) is a node of its own, with the place
 * of the anchor, that shares the anchor's children; so a tree is never cyclic, but a node may be reached on two ways. */
#ifndef WEIR_CONFIG_NODE_H
#define WEIR_CONFIG_NODE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>

struct arena;

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };
/* How a scalar was written. LITERAL: `|`, whose lines are lines of the file. */
enum node_style { STYLE_PLAIN, STYLE_QUOTED, STYLE_LITERAL, STYLE_FOLDED };

/* Owned by its arena. All texts have a NUL behind, and none inside. */
struct weir_config {
  enum node_kind kind;
  enum node_style style;
  bool masked;         /* the value is a secret: it is never shown (see node_shown()) */
  bool interpolated;   /* `text` is final */
  bool broken;         /* its text is not known, which is reported: nothing more is said of it */
  bool fallback;       /* not written in the file: a default */
  bool comment_behind; /* of the value of keep, each or when: `#` follows on its line */

  const char *file;              /* as it was given on the command line */
  uint32_t line, column;         /* of the value, from 1; columns count characters. 0: no place */
  uint32_t end_line, end_column; /* behind its last character */
  uint32_t key_line, key_column; /* of its key, in a map */
  uint32_t weight, height;       /* nodes and levels below it, itself counted, aliases as if written out */

  weir_span key;                 /* in a map; else absent */
  weir_span text, raw;           /* of a scalar; raw: before interpolation, for code */
  struct weir_config **children; /* of a list or map */
  uint32_t count;
};

/* The value of a key. NULL: absent, or `map` is NULL or no map. */
const struct weir_config *node_find(const struct weir_config *map, const char *key);
/* Entry by index, 0 to count - 1, with its key (absent in a list); `key` may be NULL. NULL: beyond the end, or a scalar. */
const struct weir_config *node_at(const struct weir_config *node, uint32_t index, weir_span *key);
/* Written as nothing at all, `~` or `null`. */
bool node_is_null(const struct weir_config *node);
/* The text of a scalar as a C string. must(scalar). */
const char *node_text(const struct weir_config *node);

/* "pipeline.yaml:14:18", "pipeline.yaml" where a node has no place. Cut to fit. */
enum { NODE_PLACE_MAX = 512 };
const char *node_place(char into[NODE_PLACE_MAX], const struct weir_config *node);
/* The line of the file on which the first line of the text stands: for literals the one below `|`. Line n of code written as a
 * literal is line node_text_line() + n - 1 of the file. */
uint32_t node_text_line(const struct weir_config *node);

/* What was found, for a message: `"4.5"`, `a list`, `a map`, `nothing`, `a secret (not shown)`. Long texts are cut, control
 * characters escaped. */
enum { NODE_SHOWN_MAX = 160 };
const char *node_shown(char into[NODE_SHOWN_MAX], const struct weir_config *node);

/* Nodes that stand nowhere in the file, such as an option's fallback. They take the place of `like`. Texts are copied.
 * NULL: no memory. */
struct weir_config *node_make_scalar(
    struct arena *arena, const struct weir_config *like, const char *key, weir_span text);
/* A list or map of these children, which keep their own keys; the array is copied. */
struct weir_config *node_make_list(struct arena *arena, const struct weir_config *like, const char *key,
    const struct weir_config *const *children, uint32_t count);
struct weir_config *node_make_map(struct arena *arena, const struct weir_config *like, const char *key,
    const struct weir_config *const *children, uint32_t count);
/* The same node under another key, or with another mask: a shallow copy. key NULL: its own. */
struct weir_config *node_make_copy(struct arena *arena, const struct weir_config *node, const char *key);

#endif
