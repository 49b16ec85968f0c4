/* scripted: stands for an embedded language: `declares` lists the options of a script, as NAME or NAME=FALLBACK, a
 * text each; a name that starts with ! is required, with * a secret. more_options() gives them, and create() shows
 * that it gets them. */
#include <stdlib.h>
#include <string.h>
#include <weir/plugin.h>

struct script {
  uint32_t count;
  weir_option options[16];
};

static void release(void *shared) {
  struct script *script = shared;
  for (uint32_t i = 0; i < script->count; i++) free((void *)(uintptr_t)script->options[i].name);
  free(script);
}

static int declare(struct script *script, weir_span text) {
  char *copy = calloc(1, text.size + 1);
  if (!copy) return 0;
  memcpy(copy, text.data, text.size);
  weir_option *option = &script->options[script->count++];
  char *fallback = strchr(copy, '=');
  if (fallback) *fallback++ = 0;
  option->type = strchr(copy, '*') ? WEIR_OPTION_SECRET : WEIR_OPTION_STRING;
  option->flags = strchr(copy, '!') ? WEIR_REQUIRED : 0;
  option->fallback = fallback;
  option->help = "of the script";
  size_t marks = strspn(copy, "*!");
  memmove(copy, copy + marks, strlen(copy + marks) + 1);
  option->name = copy;
  return 1;
}

static int32_t prepare(const weir_host *host, const weir_config *config, void **shared) {
  const weir_config *list = host->config_get(host, config, "declares");
  struct script *script = calloc(1, sizeof *script);
  weir_span text;
  if (!script) return -1;
  for (uint32_t i = 0; i < host->config_count(host, list) && i < 16; i++) {
    if (host->config_text(host, host->config_at(host, list, i, NULL), &text) == 0 && declare(script, text)) continue;
    release(script);
    return -1;
  }
  *shared = script;
  return 0;
}

static const weir_option *more_options(void *shared, uint32_t *count) {
  struct script *script = shared;
  *count = script->count;
  return script->count ? script->options : NULL;
}

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  const weir_config *own = host->config_get(host, config, "options");
  struct script *script = shared;
  *self = script;
  for (uint32_t i = 0; i < script->count; i++) {
    const weir_config *node = host->config_get(host, own, script->options[i].name);
    weir_span text;
    if (node && host->config_text(host, node, &text) < 0) return -1;
    if (node) host->log(host, WEIR_INFO, weir_text("a script's option has a value"));
    if (!node && script->options[i].fallback) return host->fail(host, own, weir_text("a fallback is missing"));
  }
  return 0;
}

static void destroy(void *self) { (void)self; }

static weir_result process(void *self, const weir_batch *batch) {
  (void)self;
  (void)batch;
  return WEIR_DONE;
}

static const weir_option options[] = {
    {"declares", WEIR_OPTION_LIST, 0, "[]", NULL, "the script's options"},
    {"options", WEIR_OPTION_TREE, 0, NULL, NULL, "what the script is given"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "scripted",
    .version = "1.0.0",
    .summary = "Stands for an embedded language.",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = 2,
    .option_stride = sizeof *options,
    .prepare = prepare,
    .release = release,
    .more_options = more_options,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
