/* plugin_path.c: the folders in which plugins are looked for, in order. The first that has NAME.so wins, also when
 * that one is then refused: a fallback to another folder would run other code than was meant. See library.h. */
#include "plugin/library.h"
#include "plugin/plugin_path.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDERS_MAX = 64 };

struct plugin_path {
  char *folders[FOLDERS_MAX];
  size_t count;
  char *text;
};

static bool add_folder(struct plugin_path *path, const char *folder, size_t size) {
  while (size > 1 && folder[size - 1] == '/') size--;
  if (size == 0) return true;
  for (size_t i = 0; i < path->count; i++)
    if (strlen(path->folders[i]) == size && memcmp(path->folders[i], folder, size) == 0) return true;
  if (path->count == FOLDERS_MAX) return true;
  path->folders[path->count] = strndup(folder, size);
  return path->folders[path->count++] != NULL;
}

static bool add_list(struct plugin_path *path, const char *list) {
  bool added = true;
  for (const char *at = list; at && added;) {
    size_t size = strcspn(at, ":");
    added = add_folder(path, at, size);
    at = at[size] ? at + size + 1 : NULL;
  }
  return added;
}

static bool add_beside_binary(struct plugin_path *path) {
  char binary[PATH_MAX], folder[PATH_MAX + 16];
  ssize_t size = readlink("/proc/self/exe", binary, sizeof binary - 1);
  if (size <= 0) return true;
  binary[size] = 0;
  char *slash = strrchr(binary, '/');
  must(slash != NULL);
  *slash = 0;
  snprintf(folder, sizeof folder, "%s/plugins", binary);
  if (!add_folder(path, folder, strlen(folder))) return false;
  slash = strrchr(binary, '/');
  if (!slash) return true;
  *slash = 0;
  snprintf(folder, sizeof folder, "%s/lib/weir", binary);
  return add_folder(path, folder, strlen(folder));
}

static bool make_text(struct plugin_path *path) {
  size_t size = 0;
  FILE *text = open_memstream(&path->text, &size);
  if (!text) return false;
  for (size_t i = 0; i < path->count; i++) {
    struct stat status;
    bool missing = stat(path->folders[i], &status) != 0 && errno == ENOENT;
    fprintf(text, "%s%s%s", i ? ", " : "", path->folders[i], missing ? " (no such folder)" : "");
  }
  return fclose(text) == 0;
}

struct plugin_path *plugin_path_create(const char *const *folders, size_t count) {
  struct plugin_path *path = calloc(1, sizeof *path);
  if (!path) return NULL;
  bool added = true;
  for (size_t i = 0; i < count && added; i++) added = add_folder(path, folders[i], strlen(folders[i]));
  added = added && add_list(path, getenv("WEIR_PLUGIN_PATH")) && add_beside_binary(path) && make_text(path);
  if (added) return path;
  plugin_path_destroy(path);
  return NULL;
}

void plugin_path_destroy(struct plugin_path *path) {
  if (!path) return;
  for (size_t i = 0; i < path->count; i++) free(path->folders[i]);
  free(path->text);
  free(path);
}

const char *plugin_path_text(const struct plugin_path *path) { return path->text; }

/* ---- What is in the folders ---- */

static int ends_in_so(const struct dirent *entry) {
  size_t size = strlen(entry->d_name);
  return size > 3 && strcmp(entry->d_name + size - 3, ".so") == 0;
}

bool plugin_path_names(const char *folder, struct plugin_names *names) {
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, ends_in_so, alphasort);
  bool added = true;
  for (int i = 0; i < count; i++) {
    char *name = added ? strdup(entries[i]->d_name) : NULL;
    char **grown = name ? realloc(names->names, (names->count + 1) * sizeof *grown) : NULL;
    added = grown != NULL;
    if (grown) {
      name[strlen(name) - 3] = 0;
      names->names = grown;
      names->names[names->count++] = name;
    } else {
      free(name);
    }
    free(entries[i]);
  }
  free(entries);
  return added;
}

void plugin_names_free(struct plugin_names *names) {
  for (size_t i = 0; i < names->count; i++) free(names->names[i]);
  free(names->names);
  *names = (struct plugin_names){0};
}

size_t plugin_path_count(const struct plugin_path *path) { return path->count; }

const char *plugin_path_folder(const struct plugin_path *path, size_t index) {
  must(index < path->count);
  return path->folders[index];
}

bool plugin_path_find(const struct plugin_path *path, const char *name, char into[PLUGIN_FILE_MAX]) {
  for (size_t i = 0; i < path->count; i++) {
    struct stat status;
    int size = snprintf(into, PLUGIN_FILE_MAX, "%s/%s.so", path->folders[i], name);
    if (size < PLUGIN_FILE_MAX && stat(into, &status) == 0) return true;
  }
  return false;
}
