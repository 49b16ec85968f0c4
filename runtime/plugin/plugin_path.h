/* plugin_path.h: how library.c looks into the folders of a struct plugin_path. Nobody else includes it. [main] */
#ifndef WEIR_PLUGIN_PLUGIN_PATH_H
#define WEIR_PLUGIN_PLUGIN_PATH_H
#include <stdbool.h>
#include <stddef.h>

struct plugin_path;

enum { PLUGIN_FILE_MAX = 4096 };

/* File names without ".so". Zero at the start; owns its strings. */
struct plugin_names {
  char **names;
  size_t count;
};
void plugin_names_free(struct plugin_names *names);

size_t plugin_path_count(const struct plugin_path *path);
const char *plugin_path_folder(const struct plugin_path *path, size_t index);
/* Adds the shared objects of a folder, sorted; none where it cannot be read. False: no memory. */
bool plugin_path_names(const char *folder, struct plugin_names *names);
/* FOLDER/NAME.so of the first folder that has it. */
bool plugin_path_find(const struct plugin_path *path, const char *name, char into[PLUGIN_FILE_MAX]);

#endif
