/* rules.h: the options of a json stage, read and checked once; then read-only and shared by all lanes. */
#ifndef WEIR_PLUGINS_JSON_RULES_H
#define WEIR_PLUGINS_JSON_RULES_H
#include <common/json.h>
#include <stdbool.h>
#include <weir/plugin.h>

enum {
  RULES_CONDITIONS_MAX = 256,
  RULES_EDITS_MAX = 1024, /* of set and remove together */
};

enum comparison {
  COMPARE_EQUALS,
  COMPARE_NOT_EQUALS,
  COMPARE_AT_LEAST,
  COMPARE_AT_MOST,
  COMPARE_ABOVE,
  COMPARE_BELOW,
  COMPARE_IN,
  COMPARE_EXISTS,
  COMPARE_MATCHES,
  COMPARE_COUNT
};

struct path {
  struct json_step *steps;
  uint32_t count;
};

/* A value that is compared: out of the options, or of a record. */
struct operand {
  struct json_value value;
  weir_span raw;  /* JSON text */
  weir_span text; /* of a string, unescaped */
};

struct condition {
  struct path field;
  enum comparison comparison;
  const weir_config *node;  /* lives as long as prepare()'s host table */
  struct operand *operands; /* one, of `in` as many as there are */
  uint32_t operand_count;
  bool expected; /* of `exists` */
};

struct rule_edit {
  struct path field;
  weir_span raw; /* JSON text; without data: remove */
};

struct rules {
  struct condition *conditions;
  uint32_t condition_count;
  struct rule_edit *edits;
  uint32_t edit_count;
  bool validate_all;
  struct rules_block *blocks; /* all the memory above */
};

/* [main] Reads the options. NULL: fail() has been called. */
struct rules *rules_create(const weir_host *host, const weir_config *options);
/* NULL is accepted. */
void rules_destroy(struct rules *rules);
/* Memory that lives as long as the rules, zeroed; NULL: no memory. */
void *rules_alloc(struct rules *rules, size_t size);

/* "a.b.0", "a.\"key.with.dots\"" (a step in double quotes is a JSON string). False: `error` says why, 160 bytes with
 * the NUL. */
bool path_parse(struct rules *rules, weir_span text, struct path *path, char error[160]);

/* A node as JSON text: a plain scalar that is a JSON number, true, false or null is that; anything else is a string.
 * 0, or -1 after fail(). The text is the rules'. */
int32_t node_to_json(const weir_host *host, const weir_config *node, struct rules *rules, weir_span *out);

#endif
