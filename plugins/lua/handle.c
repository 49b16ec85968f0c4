/* handle.c: the metatable of light userdata, which all handles share: it looks at the kind and passes on. */
#include "handle.h"
#include <lauxlib.h>
#include "sandbox.h"

static int handle_index(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  const void *handle = lua_touserdata(L, 1);
  switch (handle_kind(handle)) {
  case HANDLE_RECORD: return record_index(L, stage, handle);
  case HANDLE_JSON: return json_index(L, stage, handle);
  case HANDLE_BATCH: return batch_index(L, stage, handle);
  case HANDLE_CONSTANT: break;
  }
  stage_raise(L, "weir.null has no fields");
}

static int handle_assign(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  const void *handle = lua_touserdata(L, 1);
  switch (handle_kind(handle)) {
  case HANDLE_RECORD: return record_assign(L, stage, handle);
  case HANDLE_JSON: return json_assign(L, stage, handle);
  case HANDLE_BATCH: stage_raise(L, "a batch cannot be changed");
  case HANDLE_CONSTANT: break;
  }
  stage_raise(L, "weir.null has no fields");
}

static int handle_length(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  const void *handle = lua_touserdata(L, 1);
  if (handle_kind(handle) == HANDLE_JSON) return json_length(L, stage, handle);
  if (handle_kind(handle) == HANDLE_BATCH) return batch_length(L, stage, handle);
  stage_raise(L, "%s has no length", handle_kind(handle) == HANDLE_RECORD ? "a record" : "weir.null");
}

static int handle_pairs(lua_State *L) {
  const void *handle = lua_touserdata(L, 1);
  if (handle_kind(handle) == HANDLE_JSON) return json_pairs(L, stage_of(L), handle);
  stage_raise(L, "pairs: only tables, and objects and arrays of record.json, can be gone through");
}

static int handle_tostring(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  const void *handle = lua_touserdata(L, 1);
  switch (handle_kind(handle)) {
  case HANDLE_RECORD: lua_pushfstring(L, "record %d", (int)view_record(L, stage, handle) + 1); return 1;
  case HANDLE_JSON: return json_tostring(L, stage, handle);
  case HANDLE_BATCH: lua_pushliteral(L, "batch"); return 1;
  case HANDLE_CONSTANT: break;
  }
  lua_pushliteral(L, "null");
  return 1;
}

static int handle_close(lua_State *L) {
  const void *handle = lua_touserdata(L, 1);
  if (handle_kind(handle) == HANDLE_BATCH) return batch_close_loop(L, stage_of(L), handle);
  return 0;
}

static int table_step(lua_State *L) {
  lua_Integer index = luaL_checkinteger(L, 2) + 1;
  lua_pushinteger(L, index);
  return lua_geti(L, 1, index) == LUA_TNIL ? 1 : 2;
}

/* Lua's own would take nil, which can be indexed here, for an empty list. */
static int handle_ipairs(lua_State *L) {
  const void *handle = lua_touserdata(L, 1);
  if (lua_type(L, 1) == LUA_TLIGHTUSERDATA && handle_kind(handle) == HANDLE_JSON)
    return json_ipairs(L, stage_of(L), handle);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushcfunction(L, table_step);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

/* What an assignment a.b.c = v is compiled to call for `a.b` (see rewrite.h): like a.b, but what is missing in JSON
 * is made. */
static int handle_at(lua_State *L) {
  lua_settop(L, 2);
  const void *handle = lua_touserdata(L, 1);
  if (lua_type(L, 1) == LUA_TLIGHTUSERDATA && handle_kind(handle) == HANDLE_JSON)
    return json_at(L, stage_of(L), handle);
  lua_gettable(L, 1);
  return 1;
}

void handle_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"__index", handle_index}, {"__newindex", handle_assign},
      {"__len", handle_length}, {"__pairs", handle_pairs}, {"__tostring", handle_tostring}, {"__close", handle_close},
      {NULL, NULL}};
  record_open(L);
  batch_open(L);
  lua_pushlightuserdata(L, HANDLE_NULL);
  luaL_newlib(L, functions);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
  lua_pushcfunction(L, handle_ipairs);
  sandbox_set(L, "ipairs");
  lua_pushcfunction(L, handle_at);
  sandbox_set(L, "__at");
}
