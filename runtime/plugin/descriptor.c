/* descriptor.c: each thing that a plugin's author can get wrong in the table has its own sentence. See descriptor.h. */
#include "plugin/descriptor.h"
#include "base/check.h"
#include "base/limits.h"
#include <string.h>

/* The table of 1.0 ends here; a longer one is of a newer plugin, whose rest is not read. */
#define TABLE_SIZE_1_0 (offsetof(weir_plugin, extension) + sizeof(void *))

enum { ROLES_KNOWN = WEIR_TRANSFORM | WEIR_SINK, TRAITS_KNOWN = WEIR_ASYNC | WEIR_UNORDERED | WEIR_STATEFUL };
/* Traits below this bit must be understood to run the plugin as it wants. */
enum { TRAITS_BINDING = 0xFFFF };

struct option_list descriptor_options(const weir_plugin *table) {
  return (struct option_list){table->options, table->option_count, table->option_stride};
}

static bool valid_name(const char *name) {
  size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
  return size > 0 && size <= LIMIT_PLUGIN_NAME && name[size] == 0 && name[0] >= 'a' && name[0] <= 'z';
}

static bool check_version(const char *file, const weir_plugin *table, struct error *err) {
  /* The two major numbers stand where they always will; more of a short or foreign table is not read. */
  if (table->size < offsetof(weir_plugin, name))
    return error_set(
        err, "%s: a plugin's table says that it has %u bytes: set .size = sizeof(weir_plugin)", file, table->size);
  if (table->abi_major != WEIR_ABI_MAJOR)
    return error_set(err,
        "%s: its entry is weir_plugin_v%d, but its table says ABI %u: set .abi_major = WEIR_ABI_MAJOR", file,
        WEIR_ABI_MAJOR, table->abi_major);
  if (table->size < TABLE_SIZE_1_0)
    return error_set(err,
        "%s: a plugin's table has %u bytes, %zu are needed: it was built against a <weir/plugin.h> from before 1.0; "
        "build it again",
        file, table->size, TABLE_SIZE_1_0);
  return true;
}

static bool check_texts(const char *file, const weir_plugin *table, struct error *err) {
  if (!table->name) return error_set(err, "%s: a plugin has no name", file);
  if (!valid_name(table->name))
    return error_set(err,
        "%s: a plugin's name is small letters, digits, _ and -, beginning with a letter, at most %d bytes, not "
        "\"%.80s\"",
        file, LIMIT_PLUGIN_NAME, table->name);
  if (!table->version || !*table->version) return error_set(err, "%s: plugin \"%s\" has no version", file, table->name);
  if (!table->summary || !*table->summary)
    return error_set(err, "%s: plugin \"%s\" has no summary: one line that says what it does", file, table->name);
  return true;
}

static bool check_kinds(const char *file, const weir_plugin *table, struct error *err) {
  uint32_t strange = table->traits & TRAITS_BINDING & ~(uint32_t)TRAITS_KNOWN;
  if (!(table->roles & ROLES_KNOWN))
    return error_set(err, "%s: plugin \"%s\" has the roles 0x%x: it must be WEIR_TRANSFORM, WEIR_SINK or both", file,
        table->name, table->roles);
  if (strange)
    return error_set(err,
        "%s: plugin \"%s\" has the trait 0x%x, which this worker does not know and so cannot honour: it needs a "
        "newer weir",
        file, table->name, strange);
  return true;
}

static bool check_callbacks(const char *file, const weir_plugin *table, struct error *err) {
  const char *missing = !table->create ? "create" : !table->process ? "process" : !table->destroy ? "destroy" : NULL;
  if (missing)
    return error_set(
        err, "%s: plugin \"%s\" has no %s(): create, process and destroy are required", file, table->name, missing);
  if (table->more_options && !table->prepare)
    return error_set(
        err, "%s: plugin \"%s\" has more_options() without prepare(), which it is called after", file, table->name);
  return true;
}

bool descriptor_check(const char *file, const weir_plugin *table, struct error *err) {
  must(table != NULL);
  if (!check_version(file, table, err) || !check_texts(file, table, err)) return false;
  if (!check_kinds(file, table, err) || !check_callbacks(file, table, err)) return false;
  struct option_list options = descriptor_options(table);
  if (!option_list_check(&options, err)) return error_wrap(err, "%s: plugin \"%s\"", file, table->name);
  if (table->more_options && table->option_stride < offsetof(weir_option, help) + sizeof(char *))
    return error_set(err, "%s: plugin \"%s\" has more_options() and no option_stride: set it to sizeof(weir_option)",
        file, table->name);
  return true;
}
