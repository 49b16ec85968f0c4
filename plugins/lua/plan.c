/* plan.c: prepare(). All that can be known without a record is found out here, with its place in the file. */
#include "plan.h"
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/ext/worker.h>
#include "files.h"
#include "inline.h"
#include "options.h"
#include "rewrite.h"
#include "script.h"
#include "stage.h"

enum { PLAN_MAGIC = 0x706c616e };

static bool fail(const weir_host *host, const weir_config *node, const char *text) {
  host->fail(host, node, weir_text(text));
  return false;
}

/* ---- Options ---- */

static const struct {
  const char *name;
  enum plan_form form;
} forms[] = {{"keep", PLAN_KEEP}, {"each", PLAN_EACH}, {"when", PLAN_WHEN}, {"script", PLAN_SCRIPT}};

/* The one option that says what to run; *node: where it is. */
static bool read_form(const weir_host *host, const weir_config *config, struct plan *plan, const weir_config **node) {
  uint32_t found = 0;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const weir_config *given = host->config_get(host, config, forms[i].name);
    if (!given) continue;
    found++;
    *node = given;
    plan->form = forms[i].form;
  }
  return found == 1 || fail(host, config,
                           found ? "expected one of keep, each, when and script, found several"
                                 : "expected one of keep, each, when and script");
}

static bool read_memory(const weir_host *host, const weir_config *config, struct plan *plan) {
  int64_t bytes;
  const weir_config *node = host->config_get(host, config, "memory");
  if (host->config_int(host, node, WEIR_OPTION_SIZE, &bytes) < 0) return false;
  if (bytes < PLAN_MEMORY_MIN || bytes > PLAN_MEMORY_MAX) return fail(host, node, "memory: expected 64KiB to 64GiB");
  plan->memory_bytes = (size_t)bytes;
  return true;
}

static bool read_validate(const weir_host *host, const weir_config *config, struct plan *plan) {
  weir_span text;
  if (host->config_text(host, host->config_get(host, config, "validate"), &text) < 0) return false;
  plan->validate_full = text.size == 4 && memcmp(text.data, "full", 4) == 0;
  return true;
}

static char *copy_of(weir_span span) { return strndup((const char *)span.data, span.size); }

/* The pipeline's folder: as the worker says it, else that of the file. */
static char *read_directory(const weir_host *host, weir_span file) {
  const weir_worker *worker = host->extension(host, WEIR_EXT_WORKER);
  if (worker && worker->directory.size) return copy_of(worker->directory);
  while (file.size > 0 && file.data[file.size - 1] != '/') file.size--;
  return file.size > 1 ? copy_of(weir_bytes(file.data, file.size - 1)) : strdup(file.size ? "/" : ".");
}

/* ---- Inline code ---- */

static uint32_t first_line(const weir_host *host, const weir_config *node) {
  weir_span file;
  uint32_t line, column;
  host->config_where(host, node, &file, &line, &column);
  return line;
}

struct loading {
  const char *code, *file;
  size_t size;
};

static int load_only(lua_State *L) {
  const struct loading *loading = lua_touserdata(L, 1);
  char chunk[LUA_IDSIZE * 8];
  snprintf(chunk, sizeof chunk, "@%s", loading->file);
  return luaL_loadbufferx(L, loading->code, loading->size, chunk, "t") == LUA_OK ? 0 : lua_error(L);
}

static bool compiles(struct lua_stage *stage, const char *code, size_t size, struct failure *failure) {
  struct loading loading = {.code = code, .file = stage->plan->file, .size = size};
  return stage_run(stage, load_only, &loading, failure);
}

/* The code by itself, so that no bracket or `end` of it can meet one of the function around it. */
static bool check_bare(
    const weir_host *host, struct lua_stage *stage, const weir_config *node, weir_span code, uint32_t line) {
  struct failure failure;
  size_t size;
  enum plan_form form = stage->plan->form;
  char *bare = inline_wrap(form, (const char *)code.data, code.size, line, true, &size);
  if (!bare) return fail(host, node, "no memory");
  bool whole = compiles(stage, bare, size, &failure);
  free(bare);
  if (whole) return true;
  char text[STAGE_TEXT_MAX + 64];
  const char *hint = form != PLAN_EACH && strstr(failure.text, "near '='") ? " (to compare, write ==)" : "";
  snprintf(text, sizeof text, "%s%s", failure.text, hint);
  return fail(host, node, text);
}

/* The code as it will be loaded: rewritten, unless the compiler does not like that better than what was written. */
static bool take_code(const weir_host *host, struct lua_stage *stage, struct plan *plan, const weir_config *node,
    weir_span code, uint32_t line) {
  struct failure failure;
  size_t size;
  char *rewritten = rewrite((const char *)code.data, code.size, &size);
  if (!rewritten) return fail(host, node, "no memory");
  plan->code = inline_wrap(plan->form, rewritten, size, line, false, &plan->code_size);
  free(rewritten);
  if (!plan->code) return fail(host, node, "no memory");
  return compiles(stage, plan->code, plan->code_size, &failure) || fail(host, node, failure.text);
}

static bool read_inline(const weir_host *host, const weir_config *config, const weir_config *node, struct plan *plan) {
  weir_span code;
  if (host->config_text(host, node, &code) < 0) return false;
  if (code.size > PLAN_CODE_MAX) return fail(host, node, "the code has more than 1 MiB");
  if (memchr(code.data, 0, code.size)) return fail(host, node, "the code has a zero byte");
  if (!options_take_names(host, host->config_get(host, config, "options"), plan)) return false;
  uint32_t line = first_line(host, node);
  struct lua_stage *stage = stage_create(host, plan, true);
  if (!stage) return fail(host, node, "no memory to load Lua in; raise the option memory");
  bool read = check_bare(host, stage, node, code, line) && take_code(host, stage, plan, node, code, line);
  stage_destroy(stage);
  return read;
}

/* ---- Scripts ---- */

static bool load_file(const weir_host *host, const weir_config *node, struct plan *plan) {
  char reason[FILES_REASON_MAX], text[FILES_REASON_MAX + 512];
  char *code;
  size_t size;
  if (!files_read(plan->directory, plan->file, true, PLAN_CODE_MAX, &code, &size, reason)) {
    snprintf(text, sizeof text, "the script %s: %s", plan->file, reason);
    return fail(host, node, text);
  }
  plan->code = rewrite(code, size, &plan->code_size);
  free(code);
  return plan->code || fail(host, node, "no memory");
}

static bool read_script(const weir_host *host, const weir_config *node, struct plan *plan) {
  weir_span path;
  struct failure failure;
  if (host->config_text(host, node, &path) < 0) return false;
  if (path.size == 0) return fail(host, node, "script: expected the path of a Lua file");
  free(plan->file);
  plan->file = copy_of(path);
  if (!plan->file || !load_file(host, node, plan)) return plan->file ? false : fail(host, node, "no memory");
  struct lua_stage *stage = stage_create(host, plan, true);
  if (!stage) return fail(host, node, "no memory to load Lua in; raise the option memory");
  bool sound = script_check(stage, plan, &failure);
  stage_destroy(stage);
  return sound || fail(host, node, failure.text);
}

/* ---- Life ---- */

bool plan_create(const weir_host *host, const weir_config *config, struct plan **out) {
  struct plan *plan = calloc(1, sizeof *plan);
  const weir_config *node = NULL;
  weir_span file;
  uint32_t line, column;
  bool read = false;
  if (!plan) return fail(host, config, "no memory");
  plan->magic = PLAN_MAGIC;
  if (!read_form(host, config, plan, &node) || !read_memory(host, config, plan) || !read_validate(host, config, plan))
    goto out;
  host->config_where(host, node, &file, &line, &column);
  plan->file = copy_of(file);
  plan->directory = read_directory(host, file);
  if (!plan->file || !plan->directory) {
    fail(host, node, "no memory");
    goto out;
  }
  read = plan->form == PLAN_SCRIPT ? read_script(host, node, plan) : read_inline(host, config, node, plan);
out:
  if (read)
    *out = plan;
  else
    plan_destroy(plan);
  return read;
}

void plan_destroy(struct plan *plan) {
  if (!plan) return;
  options_free(plan);
  free(plan->directory);
  free(plan->file);
  free(plan->code);
  plan->magic = 0;
  free(plan);
}
