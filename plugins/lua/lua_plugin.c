/* lua_plugin.c: the plugin "lua": keep, each, when and whole scripts as stages. */
#include <weir/plugin.h>
#include "common/must.h"
#include "inline.h"
#include "plan.h"
#include "script.h"
#include "stage.h"

static int32_t lua_prepare(const weir_host *host, const weir_config *config, void **shared) {
  struct plan *plan;
  if (!plan_create(host, config, &plan)) return -1;
  *shared = plan;
  return 0;
}

static void lua_release(void *shared) { plan_destroy(shared); }

static const weir_option *lua_more_options(void *shared, uint32_t *count) {
  const struct plan *plan = shared;
  *count = plan->option_count;
  return plan->options;
}

static int32_t lua_create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  const struct plan *plan = shared;
  struct failure failure = {.text = "no memory to load Lua in; raise the option memory"};
  struct lua_stage *stage = stage_create(host, plan, false);
  bool created = stage && (plan->form == PLAN_SCRIPT ? script_create(stage, config, &failure)
                                                     : inline_create(stage, config, &failure));
  if (created) {
    stage_count(stage);
    *self = stage;
    return 0;
  }
  if (failure.text[0]) host->fail(host, NULL, weir_text(failure.text));
  stage_destroy(stage);
  return -1;
}

static void lua_destroy(void *self) { stage_destroy(self); }

static struct lua_stage *stage_from(void *self) {
  struct lua_stage *stage = self;
  must(stage && stage->magic == STAGE_MAGIC);
  return stage;
}

static weir_result lua_process(void *self, const weir_batch *batch) {
  struct lua_stage *stage = stage_from(self);
  bool per_record = stage->plan->form != PLAN_SCRIPT || stage->has_each;
  return per_record ? inline_process(stage, batch) : script_process(stage, batch);
}

static int32_t lua_assigned(void *self, const weir_partition *partition, void **state) {
  return script_assigned(stage_from(self), partition, state);
}

static void lua_revoked(void *self, const weir_partition *partition, void *state, int32_t why) {
  script_revoked(stage_from(self), partition, state, why);
}

static void lua_wake(void *self, int64_t now_ms) { script_wake(stage_from(self), now_ms); }

static void lua_flush(void *self, const weir_partition *partition, int32_t why, int64_t deadline_ms) {
  (void)partition;
  (void)deadline_ms;
  script_flush(stage_from(self), why);
}

static const weir_option options[] = {
    {.name = "keep", .type = WEIR_OPTION_STRING, .help = "an expression; a record for which it is false is dropped"},
    {.name = "each", .type = WEIR_OPTION_STRING, .help = "statements, run for every record"},
    {.name = "when",
        .type = WEIR_OPTION_STRING,
        .help = "an expression that decides whether a record visits a stage or sink"},
    {.name = "script", .type = WEIR_OPTION_STRING, .help = "a Lua file, relative to the pipeline's folder"},
    {.name = "options",
        .type = WEIR_OPTION_TREE,
        .help = "for the code: `options` in inline code, stage.options in a script"},
    {.name = "memory", .type = WEIR_OPTION_SIZE, .fallback = "64MiB", .help = "the most that one state may use"},
    {.name = "validate",
        .type = WEIR_OPTION_ENUM,
        .fallback = "none",
        .choices = "none|full",
        .help = "full: values that are not wholly JSON are rejected before the code sees them"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "lua",
    .version = "1.0.0",
    .summary = "Lua 5.4: expressions, statements and whole scripts",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .prepare = lua_prepare,
    .release = lua_release,
    .more_options = lua_more_options,
    .create = lua_create,
    .destroy = lua_destroy,
    .assigned = lua_assigned,
    .revoked = lua_revoked,
    .process = lua_process,
    .wake = lua_wake,
    .flush = lua_flush,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
