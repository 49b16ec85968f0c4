/* json_encode.c: Lua values as JSON text. The same table gives the same text in every run: names are sorted. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "handle.h"

enum { ENCODE_DEPTH_MAX = 64 };

static const char array_key = 0; /* its address is the registry's key of the metatable of weir.array{} */

static void encode(lua_State *L, struct lua_stage *stage, int at, int depth);

/* ---- weir.array ---- */

void json_mark_array(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
  }
  lua_setmetatable(L, -2);
}

bool json_is_marked_array(lua_State *L, int at) {
  if (!lua_getmetatable(L, at)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
  bool marked = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return marked;
}

/* ---- Scalars ---- */

static void check_room(lua_State *L, struct lua_stage *stage) {
  if (!stage->buffer.failed) return;
  struct json_error err = {.fault = JSON_NO_MEMORY};
  stage->tree.spent = false;
  stage_raise_json(L, &err);
}

static void encode_string(lua_State *L, struct lua_stage *stage, weir_span text) {
  size_t size = json_string_size(text);
  if (size == 0) stage_raise(L, "a string that is not UTF-8 cannot be written as JSON");
  uint8_t *to = buffer_reserve(&stage->buffer, size);
  check_room(L, stage);
  stage->buffer.size += json_write_string(to, text);
}

static void encode_number(lua_State *L, struct lua_stage *stage, int at) {
  uint8_t text[JSON_NUMBER_TEXT];
  if (lua_isinteger(L, at)) {
    buffer_add(&stage->buffer, text, json_write_int(text, lua_tointeger(L, at)));
    return;
  }
  double number = lua_tonumber(L, at);
  if (isnan(number)) stage_raise(L, "NaN cannot be written: JSON has no such number");
  if (isinf(number)) stage_raise(L, "infinity cannot be written: JSON has no such number");
  buffer_add(&stage->buffer, text, json_write_double(text, number));
}

/* ---- Tables ---- */

static void encode_array(lua_State *L, struct lua_stage *stage, int at, lua_Integer count, int depth) {
  buffer_add_byte(&stage->buffer, '[');
  for (lua_Integer i = 1; i <= count; i++) {
    if (i > 1) buffer_add_byte(&stage->buffer, ',');
    if (lua_rawgeti(L, at, i) == LUA_TNIL)
      buffer_add_text(&stage->buffer, "null");
    else
      encode(L, stage, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
  }
  buffer_add_byte(&stage->buffer, ']');
}

static int compare_names(const void *a, const void *b) {
  const weir_span *left = a, *right = b;
  size_t size = left->size < right->size ? left->size : right->size;
  int order = memcmp(left->data, right->data, size);
  return order ? order : (left->size > right->size) - (left->size < right->size);
}

/* The names of the table at `at`, sorted, in a block that Lua frees (left on the stack); the texts live as long as
 * the table. */
static const weir_span *names_of(lua_State *L, int at, size_t count) {
  weir_span *names = lua_newuserdatauv(L, count * sizeof *names + 1, 0);
  size_t found = 0;
  for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
    size_t size;
    const char *text = lua_tolstring(L, -2, &size);
    names[found++] = weir_bytes(text, size);
  }
  if (count) qsort(names, count, sizeof *names, compare_names);
  return names;
}

static void encode_object(lua_State *L, struct lua_stage *stage, int at, size_t count, int depth) {
  const weir_span *names = names_of(L, at, count);
  buffer_add_byte(&stage->buffer, '{');
  for (size_t i = 0; i < count; i++) {
    if (i > 0) buffer_add_byte(&stage->buffer, ',');
    encode_string(L, stage, names[i]);
    buffer_add_byte(&stage->buffer, ':');
    lua_pushlstring(L, (const char *)names[i].data, names[i].size);
    lua_rawget(L, at);
    encode(L, stage, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
  }
  buffer_add_byte(&stage->buffer, '}');
  lua_pop(L, 1);
}

/* Numbers of entries that are named and that are elements 1 to rawlen. */
static void count_entries(lua_State *L, int at, lua_Integer length, size_t *named, lua_Integer *listed) {
  *named = 0;
  *listed = 0;
  for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      ++*named;
      continue;
    }
    lua_Integer index = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    if (index < 1 || index > length)
      stage_raise(L,
          "a table with the key %s cannot be written as JSON: names are strings, elements are numbered from 1 "
          "without a hole",
          luaL_tolstring(L, -2, NULL));
    ++*listed;
  }
}

static void encode_table(lua_State *L, struct lua_stage *stage, int at, int depth) {
  size_t named;
  lua_Integer listed, length = (lua_Integer)lua_rawlen(L, at);
  bool marked = json_is_marked_array(L, at);
  count_entries(L, at, length, &named, &listed);
  if (named && (listed || marked))
    stage_raise(L, "a table with names and elements cannot be written as JSON: it is neither object nor array");
  if (!marked && listed < length)
    stage_raise(L, "an array with a hole cannot be written as JSON: weir.null stands for null");
  if (marked || listed)
    encode_array(L, stage, at, length, depth);
  else
    encode_object(L, stage, at, named, depth);
}

static void encode_handle(lua_State *L, struct lua_stage *stage, const void *handle) {
  struct json_error err;
  if (handle_kind(handle) == HANDLE_RECORD) stage_raise(L, "a record cannot be written as JSON; record.json can");
  if (handle_kind(handle) == HANDLE_BATCH) stage_raise(L, "a batch cannot be written as JSON");
  if (handle == HANDLE_NULL) {
    buffer_add_text(&stage->buffer, "null");
    return;
  }
  if (!tree_write(&stage->tree, json_node(L, stage, handle), false, &stage->buffer, &err)) stage_raise_json(L, &err);
}

static void encode(lua_State *L, struct lua_stage *stage, int at, int depth) {
  if (depth > ENCODE_DEPTH_MAX)
    stage_raise(
        L, "a table deeper than %d levels cannot be written as JSON (does it contain itself?)", ENCODE_DEPTH_MAX);
  luaL_checkstack(L, 8, "a deep table");
  size_t size;
  const char *text;
  switch (lua_type(L, at)) {
  case LUA_TNIL: buffer_add_text(&stage->buffer, "null"); break;
  case LUA_TBOOLEAN: buffer_add_text(&stage->buffer, lua_toboolean(L, at) ? "true" : "false"); break;
  case LUA_TNUMBER: encode_number(L, stage, at); break;
  case LUA_TSTRING: text = lua_tolstring(L, at, &size), encode_string(L, stage, weir_bytes(text, size)); break;
  case LUA_TTABLE: encode_table(L, stage, at, depth); break;
  case LUA_TLIGHTUSERDATA: encode_handle(L, stage, lua_touserdata(L, at)); break;
  default: stage_raise(L, "a %s cannot be written as JSON", luaL_typename(L, at));
  }
  check_room(L, stage);
}

void json_encode(lua_State *L, struct lua_stage *stage, int at) { encode(L, stage, lua_absindex(L, at), 1); }
