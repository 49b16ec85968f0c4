/* require.c: modules of the pipeline's folder, beside the script first; pure Lua text, run once per state. */
#include <lauxlib.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "files.h"
#include "rewrite.h"
#include "sandbox.h"
#include "stage.h"

static const char modules_key = 0; /* its address is the registry's key of the modules by name */
static const char *const code_type = "weir.code";

/* Stands for a module that is being run. */
#define UNFINISHED handle_of(HANDLE_CONSTANT, 2)

/* Code while it is loaded: Lua frees it when an error ends that. */
struct code {
  char *text, *rewritten;
};

static int code_free(lua_State *L) {
  struct code *code = luaL_checkudata(L, 1, code_type);
  free(code->text);
  free(code->rewritten);
  *code = (struct code){0};
  return 0;
}

static bool is_module_name(const char *name) {
  for (const char *at = name; *at; at++) {
    bool letter =
        (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') || strchr("_-.", *at);
    if (!letter || (*at == '.' && (at == name || at[1] == '.' || !at[1]))) return false;
  }
  return *name != 0;
}

/* The module's file: beside the script, else in the folder. */
static void path_of(lua_State *L, const char *name, char path[PATH_MAX]) {
  const struct plan *plan = stage_of(L)->plan;
  char tail[PATH_MAX], folder[PATH_MAX];
  if (strlen(name) > 200) stage_raise(L, "require: the name is too long");
  snprintf(tail, sizeof tail, "%s.lua", name);
  for (size_t i = 0; name[i]; i++)
    if (name[i] == '.') tail[i] = '/';
  if (plan->form == PLAN_SCRIPT && plan->file[0] != '/') {
    snprintf(folder, sizeof folder, "%s", plan->file);
    int size = snprintf(path, PATH_MAX, "%s/%s", dirname(folder), tail);
    if (strncmp(path, "./", 2) == 0) memmove(path, path + 2, strlen(path) - 1);
    if (size < PATH_MAX && files_exists(plan->directory, path)) return;
  }
  memcpy(path, tail, strlen(tail) + 1);
}

static void load_module(lua_State *L, const char *name) {
  char path[PATH_MAX], reason[FILES_REASON_MAX], chunk[PATH_MAX + 1];
  size_t size, rewritten_size;
  path_of(L, name, path);
  struct code *code = lua_newuserdatauv(L, sizeof *code, 0);
  *code = (struct code){0};
  luaL_setmetatable(L, code_type);
  if (!files_read(stage_of(L)->plan->directory, path, false, PLAN_CODE_MAX, &code->text, &size, reason))
    stage_raise(L, "require '%s': %s: %s", name, path, reason);
  snprintf(chunk, sizeof chunk, "@%s", path);
  code->rewritten = rewrite(code->text, size, &rewritten_size);
  if (!code->rewritten) stage_raise(L, "require '%s': no memory", name);
  if (luaL_loadbufferx(L, code->rewritten, rewritten_size, chunk, "t") != LUA_OK) lua_error(L);
}

static int sandbox_require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
  int type = lua_getfield(L, 2, name);
  if (lua_touserdata(L, -1) == UNFINISHED) stage_raise(L, "require '%s': it requires itself", name);
  if (type != LUA_TNIL) return 1;
  if (!is_module_name(name))
    stage_raise(L, "require '%s': a name is letters, digits, _ and -, with dots for folders", name);
  load_module(L, name);
  lua_pushlightuserdata(L, UNFINISHED);
  lua_setfield(L, 2, name);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lua_pushnil(L);
    lua_setfield(L, 2, name);
    lua_error(L);
  }
  if (lua_isnil(L, -1)) lua_pushboolean(L, 1), lua_replace(L, -2);
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
  return 1;
}

void require_open(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &modules_key);
  luaL_newmetatable(L, code_type);
  lua_pushcfunction(L, code_free);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_pushcfunction(L, sandbox_require);
}
