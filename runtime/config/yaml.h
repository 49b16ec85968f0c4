/* yaml.h: YAML text to a tree of nodes. Taken is what a pipeline file needs: one document of scalars, lists, maps, anchors and aliases.
 * Refused, each with its sentence: tags, merge keys, keys that are not text, keys that stand twice, a second document. */
#ifndef WEIR_CONFIG_YAML_H
#define WEIR_CONFIG_YAML_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>

struct arena;
struct report;
struct weir_config;

/* `file` names it in messages; it and `text` are copied into the arena. NULL: nothing usable was read, and the report says why. A tree
 * may come together with reported errors, so that more can be found. An empty text gives NULL and an error. */
struct weir_config *yaml_read(const char *file, weir_span text, struct arena *arena, struct report *report);
/* The same for a file on disk, of at most LIMIT_FILE_BYTES. */
struct weir_config *yaml_read_file(const char *path, struct arena *arena, struct report *report);

#endif
