/* settings.h: typed reads of one map of a pipeline file. Every read names its key; settings_end() then knows all keys there
 * are and refuses the others with the nearest known one, so no list of keys stands anywhere else.
 *
 * A read leaves the value alone when the key is absent (so it holds the default) or wrong (which is reported with place, found and
 * expected). It returns true when the value was set. */
#ifndef WEIR_CONFIG_SETTINGS_H
#define WEIR_CONFIG_SETTINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct report;
struct weir_config;

enum { SETTINGS_KEYS = 32 };

/* On the reader's stack. */
struct settings {
  const struct weir_config *map; /* NULL: no key is there */
  struct report *report;
  const char *keys[SETTINGS_KEYS]; /* that were asked for */
  size_t key_count;
};

/* `node` is the map, NULL or nothing written: all keys are absent. Another kind is reported, with `name` for what it is. */
void settings_begin(struct settings *settings, const struct weir_config *node, const char *name, struct report *report);
/* Reports the keys that nobody asked for. */
void settings_end(struct settings *settings);

/* The node of a key, NULL: absent. Its kind is the caller's to check. */
const struct weir_config *settings_node(struct settings *settings, const char *key);
/* Reports the absence of a key; `node` is where the map should have it. True: it is there. */
bool settings_require(struct settings *settings, const struct weir_config *node, const char *key, const char *meaning);

/* A text of at least one byte. It lives as long as the tree. */
bool settings_text(struct settings *settings, const char *key, const char **value);
bool settings_int(struct settings *settings, const char *key, int64_t least, int64_t most, int64_t *value);
bool settings_count(struct settings *settings, const char *key, uint32_t least, uint32_t most, uint32_t *value);
bool settings_bool(struct settings *settings, const char *key, bool *value);
bool settings_duration(
    struct settings *settings, const char *key, int64_t least_ms, int64_t most_ms, int64_t *value_ms);
/* `100ms..30s`, or one duration for both. */
bool settings_duration_range(
    struct settings *settings, const char *key, int64_t least_ms, int64_t most_ms, int64_t *from_ms, int64_t *to_ms);
bool settings_size(struct settings *settings, const char *key, int64_t least, int64_t most, int64_t *value);
/* One of `choices`, ended by NULL; *value is its index. */
bool settings_choice(struct settings *settings, const char *key, const char *const *choices, int *value);
/* A list of 1 to `most` texts, in an array of the arena. */
bool settings_list(struct settings *settings, const char *key, size_t most, struct arena *arena,
    const char *const **values, size_t *count);

/* The same checks for one node that stands elsewhere; `name` is how it is called in the message. For options of plugins too. */
bool settings_read_int(
    struct report *report, const struct weir_config *node, int64_t least, int64_t most, int64_t *value);
bool settings_read_number(struct report *report, const struct weir_config *node, double *value);
bool settings_read_bool(struct report *report, const struct weir_config *node, bool *value);
bool settings_read_duration(
    struct report *report, const struct weir_config *node, int64_t least_ms, int64_t most_ms, int64_t *value_ms);
bool settings_read_size(
    struct report *report, const struct weir_config *node, int64_t least, int64_t most, int64_t *value);
bool settings_read_choice(
    struct report *report, const struct weir_config *node, const char *const *choices, size_t count, size_t *value);
/* A scalar that is not nothing. */
bool settings_read_text(struct report *report, const struct weir_config *node, const char **value);

/* "unknown key "tpoics"; did you mean "topics"?", else the known ones. `what`: "key", "option". */
void settings_unknown(
    struct report *report, const struct weir_config *node, const char *what, const char *const *known, size_t count);

/* A duration or size as it is written in a file, exactly: "1500ms", "30s"; "1536KiB", "1MiB". Returns `into`. */
enum { SETTINGS_TEXT_MAX = 32 };
const char *settings_of_duration(char into[SETTINGS_TEXT_MAX], int64_t ms);
const char *settings_of_size(char into[SETTINGS_TEXT_MAX], int64_t bytes);

#endif
