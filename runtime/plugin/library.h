/* library.h: finds and opens shared objects and reads their descriptors. Every refusal is a sentence: what, which file,
 * expected, found, what to do. Libraries are never unloaded. [main] only. */
#ifndef WEIR_PLUGIN_LIBRARY_H
#define WEIR_PLUGIN_LIBRARY_H
#include <stdbool.h>
#include <stddef.h>
#include <weir/plugin.h>
#include "base/error.h"

/* Folders searched for `plugin: NAME`, in order: those given, WEIR_PLUGIN_PATH (colons), "plugins" beside the binary,
 * "../lib/weir" from it. Owns its strings. */
struct plugin_path;
struct plugin_path *plugin_path_create(const char *const *folders, size_t count);
void plugin_path_destroy(struct plugin_path *path);
/* For messages: all folders, separated by ", ". */
const char *plugin_path_text(const struct plugin_path *path);

/* A plugin that may be used: its descriptor was read and checked. Lives for ever. */
struct plugin {
  const weir_plugin *table; /* read only through WEIR_HAS / WEIR_REACHES for what came after 1.0 */
  char *file;               /* where it was loaded from */
};

/* `name`: a bare name ("json": the plugin "json" of json.so on the path), or one with a slash: a file, relative to
 * `folder`, whose only plugin is meant. Of a library with several, "FILE:PLUGIN" or "NAME:PLUGIN" chooses. Loads the
 * library, checks permissions (it, its folder and those above are not world-writable; group-writable only for the
 * owner's own group, and not when we are root; owner root or us), entry symbol, major version, required callbacks,
 * names. `role`: WEIR_TRANSFORM or WEIR_SINK, which it must offer; 0: any. NULL: refused, err has the sentence. */
const struct plugin *plugin_open(
    const struct plugin_path *path, const char *folder, const char *name, uint32_t role, struct error *err);

/* Every plugin on the path, for `weir plugins`. What is refused is given with its sentence: then plugin->table is
 * NULL, and only plugin->file counts; it dies with the call. Loads all of them. */
void plugin_each(const struct plugin_path *path,
    void (*each)(void *ctx, const struct plugin *plugin, const char *refusal), void *ctx);

#endif
