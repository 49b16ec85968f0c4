/* yaml_traps.h: what YAML does with Lua code, tabs and colons surprises people. These sentences say what happened and what
 * to write instead. */
#ifndef WEIR_CONFIG_YAML_TRAPS_H
#define WEIR_CONFIG_YAML_TRAPS_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>

struct report;
struct weir_config;

/* What the parser stumbled over. Lines and columns from 1; context_line 0: none. */
struct yaml_stumble {
  const char *problem, *context;
  uint32_t line, column, context_line;
};

/* Reports a syntax error with the trap behind it, where it is a known one. */
void yaml_traps_explain(struct report *report, const char *file, weir_span text, const struct yaml_stumble *stumble);

/* When line `number` is `keep: CODE` or such, and YAML does not take that code as it stands: reports why. False: it is not. */
bool yaml_traps_explain_code(struct report *report, const char *file, weir_span text, uint32_t number);

/* The value of keep, each or when: true when YAML has left the code as it was written, else the trap is reported. `key` is
 * how it is called. */
bool yaml_traps_code_is_whole(struct report *report, const struct weir_config *node, const char *key);
/* The keys whose values are code. */
bool yaml_traps_is_code_key(weir_span key);

#endif
