/* options.h: the options that a plugin or a script declares, and what a pipeline file gives for them. [main]
 *
 * What options_fill() returns holds only declared options, each of its type, every fallback filled in, none null. */
#ifndef WEIR_PLUGIN_OPTIONS_H
#define WEIR_PLUGIN_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/error.h"

struct arena;
struct report;
struct weir_config;

/* A plugin's array, which may have longer elements than ours. By value. */
struct option_list {
  const weir_option *first;
  uint32_t count, stride;
};

static inline const weir_option *option_at(const struct option_list *list, uint32_t index) {
  return (const weir_option *)(const void *)((const char *)list->first + (size_t)index * list->stride);
}

/* NULL: not declared. */
const weir_option *option_find(const struct option_list *list, weir_span name);
/* "string", "duration" ...; NULL: no type of ours. */
const char *option_type_name(int32_t type);

/* Is the declaration itself in order: names, types, fallbacks. The sentence is for the plugin's author. */
bool option_list_check(const struct option_list *list, struct error *err);

/* Whose options, and where to point when there is no node for it. */
struct options_place {
  const char *owner;              /* "plugin \"json\"", "this script" */
  const struct weir_config *node; /* of the stage's entry; may be NULL */
};

/* `given`: map, NULL: none. All errors go to `report`. NULL: something was reported. What it makes lies in `arena`. */
const struct weir_config *options_fill(const struct option_list *list, const struct weir_config *given,
    const struct options_place *place, struct arena *arena, struct report *report);
/* The same map with SECRET options masked, for showing. NULL: no memory. */
const struct weir_config *options_mask(
    const struct option_list *list, const struct weir_config *filled, struct arena *arena);
/* The map with the child `key` replaced or added. NULL: no memory. */
const struct weir_config *options_with(
    const struct weir_config *map, const char *key, const struct weir_config *child, struct arena *arena);

/* Reads a scalar as INT, BOOL, DURATION, SIZE. False: it is none; option_expected() says what was. */
bool option_read_int(int32_t type, const struct weir_config *node, int64_t *value);
bool option_read_number(const struct weir_config *node, double *value);
/* "a whole number", "a duration such as 30s or 250ms" ... */
const char *option_expected(int32_t type);

#endif
