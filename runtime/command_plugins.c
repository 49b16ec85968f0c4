/* command_plugins.c: `weir plugins`: what is on the plugin path, and what each plugin takes. Loads them, runs
 * nothing of them but what the loader runs. */
#include "arguments.h"
#include "base/error.h"
#include "base/text.h"
#include "command.h"
#include "plugin/descriptor.h"
#include "plugin/library.h"
#include <stdio.h>
#include <string.h>

static const char *roles_text(uint32_t roles) {
  bool stage = roles & WEIR_TRANSFORM, sink = roles & WEIR_SINK;
  return stage && sink ? "stage, sink" : stage ? "stage" : "sink";
}

/* What a pipeline file writes for it: its name, or where its library has another one both. Valid until the next
 * call. */
static const char *written_name(const struct plugin *plugin) {
  static char text[512];
  const char *slash = strrchr(plugin->file, '/'), *file = slash ? slash + 1 : plugin->file;
  int stem = (int)strlen(file);
  if (stem > 3 && strcmp(file + stem - 3, ".so") == 0) stem -= 3;
  bool same = strlen(plugin->table->name) == (size_t)stem && strncmp(file, plugin->table->name, (size_t)stem) == 0;
  snprintf(text, sizeof text, "%.*s%s%s", same ? 0 : stem, file, same ? "" : ":", plugin->table->name);
  return text;
}

/* ---- for people ---- */

static void print_options(const weir_plugin *table) {
  const struct option_list options = descriptor_options(table);
  puts(options.count ? "\nOptions:" : "\nIt has no options.");
  for (uint32_t i = 0; i < options.count; i++) {
    const weir_option *option = option_at(&options, i);
    printf("  %-16s %s", option->name,
        option->type == WEIR_OPTION_ENUM ? option->choices : option_type_name(option->type));
    if (option->flags & WEIR_REQUIRED) printf(", required");
    if (option->fallback) printf(", default: %s", *option->fallback ? option->fallback : "\"\"");
    printf("\n  %-16s %s\n", "", option->help);
  }
  if (table->more_options) puts("  A script may declare options of its own, given under \"options:\".");
}

static void print_one(const struct plugin *plugin) {
  const weir_plugin *table = plugin->table;
  printf("%s %s: %s\n\n", table->name, table->version, table->summary);
  printf("  use as   %s (plugin: %s)\n  file     %s\n", roles_text(table->roles), written_name(plugin), plugin->file);
  if (table->traits & WEIR_ASYNC)
    puts(table->traits & WEIR_UNORDERED ? "  waits    for answers without holding up the batch; does not keep the order"
                                        : "  waits    for answers without holding up the batch; keeps the order");
  if (table->traits & WEIR_STATEFUL) puts("  state    its output depends on earlier batches: not with exactly_once");
  print_options(table);
}

struct listing {
  uint32_t plugins, refused;
  size_t name_width, version_width;
  bool json;
};

static void measure_row(void *ctx, const struct plugin *plugin, const char *refusal) {
  struct listing *listing = ctx;
  if (refusal) return;
  size_t name = strlen(written_name(plugin)), version = strlen(plugin->table->version);
  if (name > listing->name_width) listing->name_width = name;
  if (version > listing->version_width) listing->version_width = version;
}

static void print_row(void *ctx, const struct plugin *plugin, const char *refusal) {
  struct listing *listing = ctx;
  if (refusal) {
    listing->refused++;
    return;
  }
  const weir_plugin *table = plugin->table;
  printf("%-*s  %-*s  %-11s  %s\n", (int)listing->name_width, written_name(plugin), (int)listing->version_width,
      table->version, roles_text(table->roles), table->summary);
  listing->plugins++;
}

static void print_refusal(void *ctx, const struct plugin *plugin, const char *refusal) {
  (void)ctx;
  (void)plugin;
  if (refusal) fprintf(stderr, "  %s\n", refusal);
}

static void print_list(const struct plugin_path *path) {
  struct listing listing = {.name_width = sizeof "kafka" - 1, .version_width = sizeof "built in" - 1};
  plugin_each(path, measure_row, &listing);
  plugin_each(path, print_row, &listing);
  printf("%-*s  %-*s  %-11s  %s\n", (int)listing.name_width, "kafka", (int)listing.version_width, "built in", "sink",
      "writes records to a topic, acknowledged when the broker has confirmed them");
  if (!listing.plugins) fprintf(stderr, "\nNo plugin is in %s\n", plugin_path_text(path));
  if (!listing.refused) return;
  fprintf(stderr, "\nNot usable:\n");
  plugin_each(path, print_refusal, NULL);
}

/* ---- for machines ---- */

static void print_string(const char *text) {
  putchar('"');
  for (weir_span rest = weir_text(text); rest.size;) {
    size_t size = text_utf8(rest);
    if (size == 1 && (*rest.data == '"' || *rest.data == '\\'))
      printf("\\%c", *rest.data);
    else if (size == 0 || *rest.data < 0x20)
      printf("\\u%04x", *rest.data);
    else
      fwrite(rest.data, 1, size, stdout);
    rest = weir_bytes(rest.data + (size ? size : 1), rest.size - (size ? size : 1));
  }
  putchar('"');
}

static void print_member(const char *before, const char *name, const char *text) {
  printf("%s\"%s\":", before, name);
  print_string(text);
}

/* The names of the bits that are set. */
static void print_bits(const char *name, uint32_t bits, const char *const *names, size_t count) {
  const char *before = "";
  printf(",\"%s\":[", name);
  for (size_t i = 0; i < count; i++) {
    if (!(bits & 1u << i)) continue;
    printf("%s\"%s\"", before, names[i]);
    before = ",";
  }
  putchar(']');
}

static void print_json_choices(const char *choices) {
  char copy[1024];
  const char *before = "";
  snprintf(copy, sizeof copy, "%s", choices);
  printf(",\"choices\":[");
  for (char *rest = copy, *choice; (choice = strsep(&rest, "|")); before = ",") {
    printf("%s", before);
    print_string(choice);
  }
  putchar(']');
}

static void print_json_option(const weir_option *option) {
  print_member("{", "name", option->name);
  print_member(",", "type", option_type_name(option->type));
  printf(",\"required\":%s", option->flags & WEIR_REQUIRED ? "true" : "false");
  if (option->fallback) print_member(",", "default", option->fallback);
  if (option->type == WEIR_OPTION_ENUM) print_json_choices(option->choices);
  print_member(",", "help", option->help);
  putchar('}');
}

static void print_json_one(const struct plugin *plugin) {
  static const char *const roles[] = {"stage", "sink"}, *const traits[] = {"async", "unordered", "stateful"};
  const weir_plugin *table = plugin->table;
  const struct option_list options = descriptor_options(table);
  print_member("{", "name", table->name);
  print_member(",", "plugin", written_name(plugin));
  print_member(",", "version", table->version);
  print_member(",", "summary", table->summary);
  print_member(",", "file", plugin->file);
  print_bits("roles", table->roles, roles, 2);
  print_bits("traits", table->traits, traits, 3);
  printf(",\"more_options\":%s,\"options\":[", table->more_options ? "true" : "false");
  for (uint32_t i = 0; i < options.count; i++) {
    if (i) putchar(',');
    print_json_option(option_at(&options, i));
  }
  printf("]}");
}

static void print_json_plugin(void *ctx, const struct plugin *plugin, const char *refusal) {
  struct listing *listing = ctx;
  if (refusal) return;
  if (listing->plugins++) putchar(',');
  print_json_one(plugin);
}

static void print_json_refusal(void *ctx, const struct plugin *plugin, const char *refusal) {
  struct listing *listing = ctx;
  if (!refusal) return;
  if (listing->refused++) putchar(',');
  print_member("{", "file", plugin->file);
  print_member(",", "refusal", refusal);
  putchar('}');
}

static void print_json_list(const struct plugin_path *path) {
  struct listing listing = {0};
  printf("{\"plugins\":[");
  plugin_each(path, print_json_plugin, &listing);
  printf("],\"refused\":[");
  plugin_each(path, print_json_refusal, &listing);
  printf("]}\n");
}

/* ---- the verb ---- */

static int show(const struct plugin_path *path, const char *name, bool json) {
  if (!name) {
    json ? print_json_list(path) : print_list(path);
    return EXIT_CLEAN;
  }
  struct error err = {0};
  const struct plugin *plugin = plugin_open(path, ".", name, 0, &err);
  if (!plugin) {
    bool built_in = strcmp(name, "kafka") == 0;
    fprintf(stderr, "weir: %s\n", built_in ? "the sink \"kafka\" is built in, not a plugin" : err.text);
    return EXIT_CONFIGURATION;
  }
  if (json) {
    print_json_one(plugin);
    putchar('\n');
  } else {
    print_one(plugin);
  }
  return EXIT_CLEAN;
}

static int open_path(const struct argument_texts *folders, const char *name, bool json) {
  struct plugin_path *path = plugin_path_create(folders->texts, folders->count);
  if (!path) {
    fprintf(stderr, "weir: the machine has no memory for the plugins\n");
    return EXIT_RUN_FAILED;
  }
  int code = show(path, name, json);
  plugin_path_destroy(path);
  return code;
}

int command_plugins(int argc, char **argv) {
  struct argument_texts folders = {.count = 0};
  bool json = false;
  const struct argument table[] = {
      {"plugin-path", ARGUMENT_TEXTS, &folders, "DIR", "a folder with plugins; may be given several times"},
      {"json", ARGUMENT_FLAG, &json, NULL, "one JSON object: plugins with their options, refusals with their reasons"},
  };
  static const char *const operands[] = {"PLUGIN"};
  const struct arguments wanted = {.usage = "weir plugins [PLUGIN] [options]",
      .summary = "Lists the plugins on the path, or says what one of them does and takes.",
      .examples = "  weir plugins\n  weir plugins json\n  weir plugins ./my_stage.so\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operands,
      .operands_min = 0,
      .operands_max = 1};
  const char *name = NULL;
  switch (arguments_read(&wanted, argc, argv, &name)) {
  case ARGUMENTS_READ: return open_path(&folders, name, json);
  case ARGUMENTS_HELP: return EXIT_CLEAN;
  case ARGUMENTS_WRONG: break;
  }
  return EXIT_CONFIGURATION;
}
