/* library.c: from a name in the pipeline file to a checked descriptor. A library is loaded once, whatever names lead
 * to it, and stays: thread-local destructors and keys outlive the code that made them. See library.h. */
#include "plugin/library.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "plugin/descriptor.h"
#include "plugin/object_file.h"
#include "plugin/plugin_path.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef const weir_plugin *entry_function(uint32_t index);

struct library {
  struct library *next;
  dev_t device;
  ino_t inode;
  char *file;
  struct plugin plugins[LIMIT_LIBRARY_PLUGINS];
  uint32_t count;
};

/* All that were loaded and found in order. [main] */
static struct library *libraries;

/* ---- dlopen and its complaints ---- */

/* Splits "A<between>B", as in "FILE: undefined symbol: NAME". */
static const char *behind(const char *text, const char *between) {
  const char *at = strstr(text, between);
  return at ? at + strlen(between) : NULL;
}

static bool explain_dlerror(const char *file, const char *complaint, struct error *err) {
  const char *symbol = behind(complaint, "undefined symbol: ");
  if (symbol)
    return error_set(err,
        "%s needs \"%.*s\", which neither it nor a library that it is linked with has: link it with that library (a "
        "plugin gets nothing from weir but its host table)",
        file, (int)strcspn(symbol, ", "), symbol);
  if (strstr(complaint, "cannot open shared object file"))
    return error_set(err, "%s needs the library %.*s, which is not installed here (or not where the loader looks)",
        file, (int)strcspn(complaint, ":"), complaint);
  const char *version = behind(complaint, "version `");
  if (version)
    return error_set(err,
        "%s needs %.*s, which this machine's libraries do not have: build it on a machine as old as this one", file,
        (int)strcspn(version, "'"), version);
  return error_set(err, "%s cannot be loaded: %s", file, complaint);
}

static bool explain_no_entry(void *handle, const char *file, struct error *err) {
  for (int major = 0; major < 100; major++) {
    char name[32];
    snprintf(name, sizeof name, "weir_plugin_v%d", major);
    if (dlsym(handle, name))
      return error_set(err, "%s is built for version %d of the plugin interface, this worker speaks version %d: %s",
          file, major, WEIR_ABI_MAJOR,
          major > WEIR_ABI_MAJOR ? "use a newer weir, or build the plugin against this one's <weir/plugin.h>"
                                 : "build the plugin against this worker's <weir/plugin.h>");
  }
  return error_set(err,
      "%s has no function weir_plugin_v%d: it is no weir plugin, or its entry is not exported (WEIR_EXPORT, and extern "
      "\"C\" in C++)",
      file, WEIR_ABI_MAJOR);
}

static entry_function *load(const char *file, struct error *err) {
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *complaint = dlerror();
    explain_dlerror(file, complaint ? complaint : "the loader does not say why", err);
    return NULL;
  }
  entry_function *entry = NULL;
  void *symbol = dlsym(handle, "weir_plugin_v1");
  if (symbol)
    memcpy(&entry, &symbol, sizeof entry); /* POSIX's way around ISO C's missing conversion */
  else
    explain_no_entry(handle, file, err);
  return entry;
}

/* ---- One library ---- */

static bool add_descriptor(struct library *library, const weir_plugin *table, struct error *err) {
  if (!descriptor_check(library->file, table, err)) return false;
  for (uint32_t i = 0; i < library->count; i++)
    if (strcmp(library->plugins[i].table->name, table->name) == 0)
      return error_set(err, "%s offers two plugins named \"%s\"", library->file, table->name);
  library->plugins[library->count++] = (struct plugin){table, library->file};
  return true;
}

static bool read_descriptors(struct library *library, entry_function *entry, struct error *err) {
  for (uint32_t index = 0;; index++) {
    const weir_plugin *table = entry(index);
    if (!table) break;
    if (library->count == LIMIT_LIBRARY_PLUGINS)
      return error_set(err, "%s offers more than %d plugins: weir_plugin_v1() must return NULL behind the last one",
          library->file, LIMIT_LIBRARY_PLUGINS);
    if (!add_descriptor(library, table, err)) return false;
  }
  if (library->count > 0) return true;
  return error_set(err, "%s offers no plugin: weir_plugin_v1(0) returned NULL", library->file);
}

static struct library *library_known(const struct stat *status) {
  for (struct library *library = libraries; library; library = library->next)
    if (library->device == status->st_dev && library->inode == status->st_ino) return library;
  return NULL;
}

static struct library *library_open(const char *file, struct error *err) {
  struct stat status;
  char real[PATH_MAX];
  if (!realpath(file, real) || stat(real, &status) != 0) {
    error_errno(err, "%s cannot be opened", file);
    return NULL;
  }
  if (!object_file_is_safe(file, err)) return NULL;
  struct library *library = library_known(&status);
  if (library) return library;
  if (!object_file_is_loadable(real, err)) return NULL;
  entry_function *entry = load(real, err);
  if (!entry) return NULL;
  library = calloc(1, sizeof *library);
  char *copy = strdup(real);
  if (!library || !copy) {
    error_set(err, "there is no memory to load %s", file);
    goto refused;
  }
  *library = (struct library){.next = libraries, .device = status.st_dev, .inode = status.st_ino, .file = copy};
  if (!read_descriptors(library, entry, err)) goto refused;
  libraries = library;
  return library;
refused:
  free(copy);
  free(library);
  return NULL;
}

/* ---- From name to file ---- */

/* "FILE:PLUGIN" in two. */
struct wanted {
  char file[PLUGIN_FILE_MAX]; /* as written, without the plugin */
  const char *plugin;         /* "": not said */
  bool is_path;
};

static bool split_name(const char *name, struct wanted *wanted, struct error *err) {
  if (!*name) return error_set(err, "the plugin's name is empty");
  size_t size = strlen(name);
  if (size >= sizeof wanted->file) return error_set(err, "the name is too long");
  memcpy(wanted->file, name, size + 1);
  wanted->plugin = "";
  char *slash = strrchr(wanted->file, '/'), *colon = strrchr(slash ? slash : wanted->file, ':');
  if (colon) {
    *colon = 0;
    wanted->plugin = colon + 1;
  }
  wanted->is_path = slash != NULL;
  return true;
}

static void say_not_found(const char *name, const char *places, const struct plugin_names *names, struct error *err) {
  const char *nearest =
      names->count ? text_nearest(span_of(name), (const char *const *)names->names, names->count) : NULL;
  error_set(err, "there is no %s.so in %s%s%s%s", name, places, nearest ? "; did you mean \"" : "",
      nearest ? nearest : "", nearest ? "\"?" : "");
}

static bool locate_on_path(
    const struct plugin_path *path, const struct wanted *wanted, char into[PLUGIN_FILE_MAX], struct error *err) {
  if (plugin_path_find(path, wanted->file, into)) return true;
  struct plugin_names names = {0};
  for (size_t i = 0; i < plugin_path_count(path); i++) plugin_path_names(plugin_path_folder(path, i), &names);
  size_t size = strlen(wanted->file);
  if (size > 3 && strcmp(wanted->file + size - 3, ".so") == 0)
    error_set(err, "a file is named with a slash (./%s), a plugin on the path without .so", wanted->file);
  else
    say_not_found(wanted->file, plugin_path_text(path), &names, err);
  plugin_names_free(&names);
  return false;
}

static bool locate_file(
    const char *folder, const struct wanted *wanted, char into[PLUGIN_FILE_MAX], struct error *err) {
  struct stat status;
  bool absolute = wanted->file[0] == '/';
  int size = snprintf(into, PLUGIN_FILE_MAX, "%s%s%s", absolute ? "" : folder, absolute ? "" : "/", wanted->file);
  if (size >= PLUGIN_FILE_MAX) return error_set(err, "the path is too long");
  if (stat(into, &status) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) return error_errno(err, "%s cannot be opened", into);
  struct plugin_names names = {0};
  char *slash = strrchr(into, '/');
  *slash = 0;
  plugin_path_names(*into ? into : "/", &names);
  weir_span name = span_of(slash + 1);
  if (name.size > 3) name.size -= 3;
  const char *nearest = names.count ? text_nearest(name, (const char *const *)names.names, names.count) : NULL;
  error_set(err, "there is no file %s/%s%s%s%s", into, slash + 1, nearest ? "; did you mean \"" : "",
      nearest ? nearest : "", nearest ? ".so\"?" : "");
  plugin_names_free(&names);
  return false;
}

/* ---- From library to plugin ---- */

static const struct plugin *choose(const struct library *library, const struct wanted *wanted, struct error *err) {
  const char *name = *wanted->plugin ? wanted->plugin : wanted->is_path ? NULL : wanted->file;
  if (!name && library->count == 1) return &library->plugins[0];
  char offered[256] = "";
  for (uint32_t i = 0, used = 0; i < library->count; i++) {
    const char *other = library->plugins[i].table->name;
    if (name && strcmp(other, name) == 0) return &library->plugins[i];
    if (used < sizeof offered)
      used += (uint32_t)snprintf(offered + used, sizeof offered - used, "%s%s", i ? ", " : "", other);
  }
  if (name)
    error_set(err, "%s offers no plugin \"%s\", but: %s (chosen as \"%s:PLUGIN\")", library->file, name, offered,
        wanted->file);
  else
    error_set(
        err, "%s offers several plugins: choose one as \"%s:PLUGIN\", of: %s", library->file, wanted->file, offered);
  return NULL;
}

static bool check_role(const struct plugin *plugin, uint32_t role, struct error *err) {
  if (!role || (plugin->table->roles & role)) return true;
  return error_set(err, role == WEIR_SINK ? "it is a stage and cannot be a sink: put it under stages"
                                          : "it is a sink and cannot be a stage: put it under sinks");
}

const struct plugin *plugin_open(
    const struct plugin_path *path, const char *folder, const char *name, uint32_t role, struct error *err) {
  struct wanted wanted;
  char file[PLUGIN_FILE_MAX];
  const struct plugin *plugin = NULL;
  must(path && folder && name);
  must((role & ~(uint32_t)(WEIR_TRANSFORM | WEIR_SINK)) == 0);
  bool found = split_name(name, &wanted, err) &&
               (wanted.is_path ? locate_file(folder, &wanted, file, err) : locate_on_path(path, &wanted, file, err));
  if (found) {
    struct library *library = library_open(file, err);
    plugin = library ? choose(library, &wanted, err) : NULL;
  }
  if (plugin && check_role(plugin, role, err)) return plugin;
  error_wrap(err, "plugin \"%s\"", name);
  return NULL;
}

/* ---- All of them ---- */

static void each_of_file(
    char *file, void (*each)(void *ctx, const struct plugin *plugin, const char *refusal), void *ctx) {
  struct error err = {0};
  const struct library *library = library_open(file, &err);
  if (!library) {
    struct plugin refused = {NULL, file};
    each(ctx, &refused, err.text);
    return;
  }
  for (uint32_t i = 0; i < library->count; i++) each(ctx, &library->plugins[i], NULL);
}

void plugin_each(const struct plugin_path *path,
    void (*each)(void *ctx, const struct plugin *plugin, const char *refusal), void *ctx) {
  for (size_t i = 0; i < plugin_path_count(path); i++) {
    const char *folder = plugin_path_folder(path, i);
    struct plugin_names names = {0};
    plugin_path_names(folder, &names);
    for (size_t j = 0; j < names.count; j++) {
      char file[PLUGIN_FILE_MAX], first[PLUGIN_FILE_MAX], refusal[2 * PLUGIN_FILE_MAX + 64];
      if (snprintf(file, sizeof file, "%s/%s.so", folder, names.names[j]) >= (int)sizeof file) continue;
      if (plugin_path_find(path, names.names[j], first) && strcmp(first, file) != 0) {
        snprintf(refusal, sizeof refusal, "%s is hidden by %s, which comes first", file, first);
        each(ctx, &(struct plugin){NULL, file}, refusal);
        continue;
      }
      each_of_file(file, each, ctx);
    }
    plugin_names_free(&names);
  }
}
