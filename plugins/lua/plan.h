/* plan.h: what the options of a stage say, read and checked once in prepare(); all lanes read it. */
#ifndef WEIR_PLUGINS_LUA_PLAN_H
#define WEIR_PLUGINS_LUA_PLAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>

enum {
  PLAN_CODE_MAX = 1 << 20, /* bytes of one piece of Lua */
  PLAN_OPTIONS_MAX = 256,
  PLAN_MEMORY_MIN = 64 << 10, /* bytes of one state; Lua with its libraries takes about 40 KiB */
};

#define PLAN_MEMORY_MAX ((int64_t)64 << 30)

enum plan_form { PLAN_KEEP, PLAN_EACH, PLAN_WHEN, PLAN_SCRIPT };

struct plan {
  uint32_t magic;
  enum plan_form form;
  size_t memory_bytes;
  bool validate_full;
  char *directory; /* of the pipeline file */
  char *file;      /* as messages name it: the pipeline file, or the script's path as written */
  char *code;      /* ready to load: rewritten, and of inline code a function of the record */
  size_t code_size;
  weir_option *options; /* what `options:` may hold */
  uint32_t option_count;
};

/* False: host->fail() was called. Main thread. */
bool plan_create(const weir_host *host, const weir_config *config, struct plan **out);
/* NULL is accepted. */
void plan_destroy(struct plan *plan);

#endif
