/* library.c: the table `weir`. */
#include <lauxlib.h>
#include <openssl/evp.h>
#include <string.h>
#include "files.h"
#include "handle.h"
#include "sandbox.h"

static const char counters_key = 0; /* its address is the registry's key of the counters by name */
static const char *const counter_type = "weir.counter";

/* ---- Log ---- */

static int weir_log(lua_State *L) {
  static const char *const names[] = {"debug", "info", "warn", "error", NULL};
  const struct lua_stage *stage = stage_of(L);
  weir_level level = (weir_level)luaL_checkoption(L, 1, NULL, names);
  size_t size;
  luaL_checkany(L, 2);
  const char *text = luaL_tolstring(L, 2, &size);
  stage->host->log(stage->host, level, weir_bytes(text, size));
  return 0;
}

/* ---- Counters ---- */

static int counter_add(lua_State *L) {
  struct counter **counter = luaL_checkudata(L, 1, counter_type);
  lua_Integer amount = luaL_optinteger(L, 2, 1);
  if (amount < 0) stage_raise(L, "a counter only goes up");
  (*counter)->pending += amount;
  return 0;
}

static bool is_metric_name(const char *name) {
  return *name && !strchr("0123456789", *name) && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static struct counter *counter_make(lua_State *L, struct lua_stage *stage, const char *name) {
  if (!is_metric_name(name)) stage_raise(L, "counter '%s': a name is small letters, digits and _", name);
  if (stage->counter_count == STAGE_COUNTERS_MAX)
    stage_raise(L, "more than %d counters in one stage", STAGE_COUNTERS_MAX);
  struct counter *counter = &stage->counters[stage->counter_count++];
  /* prepare() has no metrics: there a counter counts for nothing. */
  if (!stage->preparing)
    counter->metric = stage->host->metric(stage->host, WEIR_COUNTER, name, "counted by a Lua stage");
  return counter;
}

static int weir_counter(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &counters_key);
  if (lua_getfield(L, -1, name) != LUA_TNIL) return 1;
  struct counter **object = lua_newuserdatauv(L, sizeof *object, 0);
  *object = counter_make(L, stage_of(L), name);
  luaL_setmetatable(L, counter_type);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, name);
  return 1;
}

static void open_counters(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &counters_key);
  luaL_newmetatable(L, counter_type);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, counter_add);
  lua_setfield(L, -2, "add");
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

/* ---- Time ---- */

static int weir_now(lua_State *L) {
  const weir_host *host = stage_of(L)->host;
  lua_pushinteger(L, host->wall_ms(host));
  return 1;
}

static int weir_wake(lua_State *L) {
  const struct lua_stage *stage = stage_of(L);
  lua_Integer after_ms = luaL_checkinteger(L, 1);
  if (after_ms < 0) stage_raise(L, "wake: expected milliseconds from now, 0 or more");
  if (!stage->preparing) stage->host->wake(stage->host, stage->host->now_ms(stage->host) + after_ms);
  return 0;
}

/* ---- Values ---- */

static int weir_array(lua_State *L) {
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) lua_newtable(L), lua_replace(L, 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  if (lua_getmetatable(L, 1) && !json_is_marked_array(L, 1))
    stage_raise(L, "weir.array: this table has a metatable of its own");
  lua_settop(L, 1);
  json_mark_array(L);
  return 1;
}

static int weir_type(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  luaL_checkany(L, 1);
  const void *handle = lua_touserdata(L, 1);
  if (lua_type(L, 1) != LUA_TLIGHTUSERDATA)
    lua_pushstring(L, luaL_typename(L, 1));
  else if (handle_kind(handle) == HANDLE_JSON)
    lua_pushstring(L, tree_is_array(&stage->tree, json_node(L, stage, handle)) ? "array" : "object");
  else
    lua_pushstring(L, handle == HANDLE_NULL ? "null" : handle_kind(handle) == HANDLE_RECORD ? "record" : "batch");
  return 1;
}

static int weir_sha256(lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int hash_size;
  char text[2 * EVP_MAX_MD_SIZE];
  size_t size;
  if (lua_type(L, 1) != LUA_TSTRING) stage_raise(L, "sha256: expected a string, got %s", luaL_typename(L, 1));
  const char *bytes = lua_tolstring(L, 1, &size);
  if (EVP_Digest(bytes, size, hash, &hash_size, EVP_sha256(), NULL) != 1)
    stage_raise(L, "sha256 is not available here");
  for (unsigned int i = 0; i < hash_size; i++) {
    text[2 * i] = digits[hash[i] >> 4];
    text[2 * i + 1] = digits[hash[i] & 15];
  }
  lua_pushlstring(L, text, 2 * (size_t)hash_size);
  return 1;
}

void library_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"log", weir_log}, {"counter", weir_counter}, {"now", weir_now},
      {"wake", weir_wake}, {"array", weir_array}, {"type", weir_type}, {"sha256", weir_sha256}, {"load", files_load},
      {NULL, NULL}};
  open_counters(L);
  files_open(L);
  luaL_newlib(L, functions);
  lua_pushlightuserdata(L, HANDLE_NULL);
  lua_setfield(L, -2, "null");
}
