/* nil.c: nil can be indexed and compared, so that an absent field asks for no guard; and text is never taken for a
 * number. The metatables are those of the types, shared by all values, and locked. */
#include <lauxlib.h>
#include "sandbox.h"
#include "stage.h"

/* a < b or a <= b, one of which is nil. */
static int compare_absent(lua_State *L) {
  stage_of(L)->absent++;
  lua_pushboolean(L, 0);
  return 1;
}

static bool at_tombstone(struct lua_stage *stage) {
  uint32_t index = stage->at;
  if (stage->loop_count > 0) index = stage->loops[stage->loop_count - 1].index;
  bool reachable = stage->batch && index - stage->first < stage->count;
  return reachable && !view_value(stage, index).data;
}

/* (nil, key, value) */
static int assign_below_nil(lua_State *L) {
  if (at_tombstone(stage_of(L))) stage_raise(L, "this record is a tombstone: it has no JSON to write to");
  if (lua_type(L, 2) == LUA_TSTRING)
    stage_raise(L, "'%s' cannot be assigned below nil: write the whole path, as in record.json.a.%s = ...",
        lua_tostring(L, 2), lua_tostring(L, 2));
  stage_raise(L, "nothing can be assigned below nil");
}

static void open_nil(lua_State *L) {
  lua_pushnil(L);
  lua_createtable(L, 0, 5);
  lua_newtable(L);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, assign_below_nil);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, compare_absent);
  lua_setfield(L, -2, "__lt");
  lua_pushcfunction(L, compare_absent);
  lua_setfield(L, -2, "__le");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

/* The library's metatable would do arithmetic on text. */
static void open_strings(lua_State *L) {
  lua_pushliteral(L, "");
  lua_createtable(L, 0, 2);
  luaL_getmetafield(L, -2, "__index");
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

void nil_open(lua_State *L) {
  open_nil(L);
  open_strings(L);
}
