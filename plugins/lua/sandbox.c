/* sandbox.c: the globals. Code sees an empty table that reads through to the real one and refuses to be written, so
 * that a slip in a name is an error with a hint, never nil. */
#include "sandbox.h"
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>
#include "nearest.h"
#include "stage.h"

static const char globals_key = 0; /* its address is the registry's key of the real globals */

/* ---- Unknown and assigned names ---- */

/* What was left out on purpose, and what to use instead. */
static const struct {
  const char *name, *instead;
} absent[] = {
    {"io", "Lua in weir has no files; weir.load reads one of the pipeline's folder"},
    {"debug", "it would open the sandbox"},
    {"package", "require(name) runs name.lua of the pipeline's folder"},
    {"coroutine", "a stage is called for every batch and keeps what it needs in between"},
    {"load", "code stands in files; require runs one"},
    {"loadstring", "code stands in files; require runs one"},
    {"loadfile", "require(name) runs name.lua of the pipeline's folder"},
    {"dofile", "require(name) runs name.lua of the pipeline's folder"},
    {"xpcall", "pcall catches an error as well"},
    {"_G", "globals are not kept in a table here"},
};

static const char *absent_reason(const struct lua_stage *stage, const char *name) {
  for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
    if (strcmp(absent[i].name, name) == 0) return absent[i].instead;
  if (stage->plan->form != PLAN_SCRIPT) return NULL;
  if (strcmp(name, "state") == 0) return "a script keeps what it needs in self";
  if (strcmp(name, "options") == 0) return "a script gets them in create(stage), as stage.options";
  if (strcmp(name, "record") == 0) return "a script gets its records in each(self, record) or from batch:records()";
  return NULL;
}

/* (globals, name) */
static int unknown_global(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  if (lua_type(L, 2) != LUA_TSTRING) stage_raise(L, "globals are named by strings, not by a %s", luaL_typename(L, 2));
  const char *name = lua_tostring(L, 2), *instead = absent_reason(stage, name);
  if (instead) stage_raise(L, "there is no name '%s' here: %s", name, instead);
  struct nearest nearest;
  char hint[64];
  nearest_init(&nearest, name);
  if (stage->plan->form != PLAN_SCRIPT) nearest_offer(&nearest, "record");
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
    if (strncmp(lua_tostring(L, -2), "__", 2) != 0) nearest_offer(&nearest, lua_tostring(L, -2));
  nearest_text(&nearest, hint, sizeof hint);
  stage_raise(L, "there is no name '%s' here%s", name, hint);
}

/* (globals, name, value) */
static int assign_global(lua_State *L) {
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
  if (stage_of(L)->plan->form == PLAN_SCRIPT)
    stage_raise(L, "'%s' cannot be assigned: globals are read-only; write 'local %s'", name, name);
  stage_raise(L,
      "'%s' cannot be assigned: globals are read-only; write 'local %s', or 'state.%s' to keep it for later records",
      name, name, name);
}

/* ---- Frozen tables ---- */

static int frozen_write(lua_State *L) { stage_raise(L, "'%s' is read-only", lua_tostring(L, lua_upvalueindex(1))); }

/* (real table, name) */
static int frozen_unknown(lua_State *L) {
  const char *table = lua_tostring(L, lua_upvalueindex(1));
  if (lua_type(L, 2) != LUA_TSTRING) stage_raise(L, "'%s' has names only, no %s", table, luaL_typename(L, 2));
  struct nearest nearest;
  char hint[64];
  nearest_init(&nearest, lua_tostring(L, 2));
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) nearest_offer(&nearest, lua_tostring(L, -2));
  nearest_text(&nearest, hint, sizeof hint);
  stage_raise(L, "'%s' has no '%s'%s", table, lua_tostring(L, 2), hint);
}

static int frozen_next(lua_State *L) {
  lua_settop(L, 2);
  if (lua_next(L, lua_upvalueindex(1))) return 2;
  lua_pushnil(L);
  return 1;
}

static int frozen_pairs(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, frozen_next, 1);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static void lock_metatable(lua_State *L) {
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
}

void sandbox_freeze(lua_State *L, const char *name, bool strict) {
  if (strict) {
    lua_createtable(L, 0, 1);
    lua_pushstring(L, name);
    lua_pushcclosure(L, frozen_unknown, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
  }
  lua_newtable(L);
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_pushcclosure(L, frozen_write, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, frozen_pairs, 1);
  lua_setfield(L, -2, "__pairs");
  lock_metatable(L);
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

/* ---- Our own versions of base functions ---- */

static int sandbox_print(lua_State *L) {
  const struct lua_stage *stage = stage_of(L);
  luaL_Buffer line;
  int count = lua_gettop(L);
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; i++) {
    if (i > 1) luaL_addchar(&line, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&line);
  }
  luaL_pushresult(&line);
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  stage->host->log(stage->host, WEIR_INFO, weir_bytes(text, size));
  return 0;
}

/* Finalisers would run where no deadline reaches them. */
static int sandbox_setmetatable(lua_State *L) {
  static const char *const refused[] = {"__gc", "__mode"};
  luaL_checktype(L, 1, LUA_TTABLE);
  for (size_t i = 0; i < 2 && lua_istable(L, 2); i++) {
    lua_pushstring(L, refused[i]);
    if (lua_rawget(L, 2) != LUA_TNIL) stage_raise(L, "setmetatable: %s is not available", refused[i]);
    lua_pop(L, 1);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

static int sandbox_collectgarbage(lua_State *L) {
  if (strcmp(luaL_optstring(L, 1, "collect"), "count") != 0)
    stage_raise(L, "collectgarbage: only \"count\" is available");
  lua_pushnumber(L, (lua_Number)stage_of(L)->memory.used / 1024);
  return 1;
}

static int os_clock(lua_State *L) {
  const weir_host *host = stage_of(L)->host;
  lua_pushnumber(L, (lua_Number)host->now_ms(host) / 1000);
  return 1;
}

static void push_wall_seconds(lua_State *L) {
  const weir_host *host = stage_of(L)->host;
  lua_pushinteger(L, host->wall_ms(host) / 1000);
}

/* The original is the upvalue. */
static int os_time(lua_State *L) {
  if (lua_isnoneornil(L, 1)) return push_wall_seconds(L), 1;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int os_date(lua_State *L) {
  lua_settop(L, 2);
  if (lua_isnil(L, 1)) lua_pushliteral(L, "%c"), lua_replace(L, 1);
  if (lua_isnil(L, 2)) push_wall_seconds(L), lua_replace(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

/* ---- Filling ---- */

void sandbox_set(lua_State *L, const char *name) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &globals_key);
  lua_insert(L, -2);
  lua_pushstring(L, name);
  lua_insert(L, -2);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* luaopen_base() fills the globals of the new state, which code never sees; only these are taken over. */
static void open_base(lua_State *L) {
  static const char *const taken[] = {"assert", "error", "getmetatable", "next", "pairs", "pcall", "rawequal", "rawget",
      "rawlen", "rawset", "select", "tonumber", "tostring", "type", "_VERSION"};
  luaL_requiref(L, "_G", luaopen_base, 0);
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
    lua_getfield(L, -1, taken[i]);
    sandbox_set(L, taken[i]);
  }
  lua_getfield(L, -1, "setmetatable");
  lua_pushcclosure(L, sandbox_setmetatable, 1);
  sandbox_set(L, "setmetatable");
  lua_pop(L, 1);
  lua_pushcfunction(L, sandbox_print);
  sandbox_set(L, "print");
  lua_pushcfunction(L, sandbox_collectgarbage);
  sandbox_set(L, "collectgarbage");
}

static void open_library(lua_State *L, const char *name, lua_CFunction opener, const char *without) {
  luaL_requiref(L, name, opener, 0);
  if (without) {
    lua_pushnil(L);
    lua_setfield(L, -2, without);
  }
  sandbox_freeze(L, name, false);
  sandbox_set(L, name);
}

static void open_os(lua_State *L) {
  luaL_requiref(L, "os", luaopen_os, 0);
  lua_createtable(L, 0, 3);
  lua_getfield(L, -2, "time");
  lua_pushcclosure(L, os_time, 1);
  lua_setfield(L, -2, "time");
  lua_getfield(L, -2, "date");
  lua_pushcclosure(L, os_date, 1);
  lua_setfield(L, -2, "date");
  lua_pushcfunction(L, os_clock);
  lua_setfield(L, -2, "clock");
  sandbox_freeze(L, "os", true);
  sandbox_set(L, "os");
  lua_pop(L, 1);
}

/* The real globals and the table that code gets in their place. */
static void open_globals(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, unknown_global);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &globals_key);
  lua_newtable(L);
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, assign_global);
  lua_setfield(L, -2, "__newindex");
  lock_metatable(L);
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

void sandbox_open(lua_State *L) {
  open_globals(L);
  open_base(L);
  open_library(L, "string", luaopen_string, "dump");
  open_library(L, "table", luaopen_table, NULL);
  open_library(L, "math", luaopen_math, NULL);
  open_library(L, "utf8", luaopen_utf8, NULL);
  open_os(L);
  nil_open(L);
  handle_open(L);
  library_open(L);
  sandbox_freeze(L, "weir", true);
  sandbox_set(L, "weir");
  require_open(L);
  sandbox_set(L, "require");
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
