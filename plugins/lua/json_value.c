/* json_value.c: objects and arrays of record.json as code sees them. Names are Lua's, elements count from 1. */
#include "handle.h"
#include <lauxlib.h>
#include <math.h>
#include <string.h>

uint32_t json_node(lua_State *L, struct lua_stage *stage, const void *handle) {
  uint64_t node = handle_serial(handle) - stage->node_serial;
  if (node >= stage->tree.node_count) stage_raise(L, "record used after its batch ended");
  if (tree_is_dead(&stage->tree, (uint32_t)node))
    stage_raise(L, "this part of record.json was read before the value was replaced: read it again");
  return (uint32_t)node;
}

static _Noreturn void raise_large(lua_State *L, const struct tree_value *value) {
  enum { SHOWN = 60 };
  weir_span text = value->as.text;
  int size = text.size < SHOWN ? (int)text.size : SHOWN;
  bool integer =
      !memchr(text.data, '.', text.size) && !memchr(text.data, 'e', text.size) && !memchr(text.data, 'E', text.size);
  stage_raise(L, "byte %u: the number %.*s%s does not fit: %s", value->byte, size, (const char *)text.data,
      text.size > SHOWN ? "..." : "",
      integer ? "Lua's integers have 64 bits with a sign" : "Lua's numbers are doubles");
}

void json_push(lua_State *L, struct lua_stage *stage, const struct tree_value *value) {
  switch (value->kind) {
  case TREE_NONE:
  case TREE_NULL: lua_pushnil(L); return;
  case TREE_BOOL: lua_pushboolean(L, value->as.boolean); return;
  case TREE_INT: lua_pushinteger(L, value->as.integer); return;
  case TREE_DOUBLE: lua_pushnumber(L, value->as.number); return;
  case TREE_STRING: lua_pushlstring(L, (const char *)value->as.text.data, value->as.text.size); return;
  case TREE_NODE: lua_pushlightuserdata(L, handle_of(HANDLE_JSON, stage->node_serial + value->as.node)); return;
  case TREE_LARGE: raise_large(L, value);
  case TREE_TEXT: break;
  }
  stage_raise(L, "a value that cannot be read");
}

const char *json_kind_name(const struct tree_value *value) {
  switch (value->kind) {
  case TREE_BOOL: return "a boolean";
  case TREE_STRING: return "a string";
  case TREE_NODE: return "an object or array";
  case TREE_NONE:
  case TREE_NULL: return "null";
  default: return "a number";
  }
}

/* ---- Keys ---- */

/* The place of an element from the number at `at`; false: no whole number from 1 on. */
static bool element_of(lua_State *L, int at, uint32_t *index) {
  int is_whole;
  lua_Integer number = lua_tointegerx(L, at, &is_whole);
  if (!is_whole || number < 1 || number >= UINT32_MAX) return false;
  *index = (uint32_t)(number - 1);
  return true;
}

static weir_span key_of(lua_State *L, int at) {
  size_t size;
  const char *text = lua_tolstring(L, at, &size);
  return weir_bytes(text, size);
}

/* The member named by the key at 2; none for a key that cannot be one. */
static void get(lua_State *L, struct lua_stage *stage, uint32_t node, struct tree_value *value) {
  struct json_error err;
  uint32_t index;
  int type = lua_type(L, 2);
  value->kind = TREE_NONE;
  if (type == LUA_TSTRING) {
    if (!tree_get(&stage->tree, node, key_of(L, 2), value, &err)) stage_raise_json(L, &err);
  } else if (type == LUA_TNUMBER && element_of(L, 2, &index)) {
    if (!tree_at(&stage->tree, node, index, value, &err)) stage_raise_json(L, &err);
  }
}

int json_index(lua_State *L, struct lua_stage *stage, const void *handle) {
  struct tree_value value;
  get(L, stage, json_node(L, stage, handle), &value);
  json_push(L, stage, &value);
  return 1;
}

int json_at(lua_State *L, struct lua_stage *stage, const void *handle) {
  struct json_error err;
  struct tree_value value;
  uint32_t node = json_node(L, stage, handle), index = 0;
  get(L, stage, node, &value);
  if (value.kind != TREE_NONE && value.kind != TREE_NULL && value.kind != TREE_NODE)
    stage_raise(
        L, "nothing can be assigned below '%s', which is %s", luaL_tolstring(L, 2, NULL), json_kind_name(&value));
  bool named = lua_type(L, 2) == LUA_TSTRING;
  bool numbered = lua_type(L, 2) == LUA_TNUMBER && element_of(L, 2, &index);
  if (value.kind != TREE_NODE && (named || numbered)) {
    weir_span key = named ? key_of(L, 2) : (weir_span){0};
    value.kind = TREE_NODE;
    if (!tree_missing(&stage->tree, node, key, index, &value.as.node, &err)) stage_raise_json(L, &err);
  }
  json_push(L, stage, &value);
  return 1;
}

/* ---- Assigning ---- */

static void number_from(lua_State *L, int at, struct tree_value *value) {
  if (lua_isinteger(L, at)) {
    value->kind = TREE_INT;
    value->as.integer = lua_tointeger(L, at);
    return;
  }
  value->kind = TREE_DOUBLE;
  value->as.number = lua_tonumber(L, at);
  if (isnan(value->as.number)) stage_raise(L, "NaN cannot be written: JSON has no such number");
  if (isinf(value->as.number)) stage_raise(L, "infinity cannot be written: JSON has no such number");
}

/* What is assigned, at 3, as a value of the tree. */
static void value_from(lua_State *L, struct lua_stage *stage, struct tree_value *value) {
  switch (lua_type(L, 3)) {
  case LUA_TNIL: value->kind = TREE_NONE; return;
  case LUA_TBOOLEAN: value->kind = TREE_BOOL, value->as.boolean = lua_toboolean(L, 3); return;
  case LUA_TNUMBER: number_from(L, 3, value); return;
  case LUA_TSTRING:
    value->kind = TREE_STRING;
    value->as.text = key_of(L, 3);
    if (!json_is_utf8(value->as.text)) stage_raise(L, "a string that is not UTF-8 cannot be written as JSON");
    return;
  default: break;
  }
  if (lua_touserdata(L, 3) == HANDLE_NULL) {
    value->kind = TREE_NULL;
    return;
  }
  buffer_clear(&stage->buffer);
  json_encode(L, stage, 3);
  value->kind = TREE_TEXT;
  value->as.text = view_keep(L, stage, weir_bytes(stage->buffer.data, stage->buffer.size));
}

int json_assign(lua_State *L, struct lua_stage *stage, const void *handle) {
  struct json_error err;
  struct tree_value value = {0};
  uint32_t node = json_node(L, stage, handle), record = tree_record(&stage->tree, node), index;
  value_from(L, stage, &value);
  /* table.remove() does this to an empty array. */
  if (value.kind == TREE_NONE && lua_isinteger(L, 2) && lua_tointeger(L, 2) == 0) return 0;
  view_change(L, stage, record); /* first, since a change must not be made and then not be noted */
  bool done = false;
  if (lua_type(L, 2) == LUA_TSTRING) {
    weir_span key = key_of(L, 2);
    if (!json_is_utf8(key)) stage_raise(L, "a name that is not UTF-8 cannot be written as JSON");
    done = tree_set(&stage->tree, node, key, &value, &err);
  } else if (lua_type(L, 2) == LUA_TNUMBER && element_of(L, 2, &index)) {
    done = tree_set_at(&stage->tree, node, index, &value, &err);
  } else {
    stage_raise(
        L, "a member is named by a string, an element by a whole number from 1, not by %s", luaL_tolstring(L, 2, NULL));
  }
  if (!done) stage_raise_json(L, &err);
  view_change(L, stage, record)->changed |= CHANGED_JSON;
  return 0;
}

/* ---- Length and loops ---- */

int json_length(lua_State *L, struct lua_stage *stage, const void *handle) {
  struct json_error err;
  uint32_t count;
  if (!tree_count(&stage->tree, json_node(L, stage, handle), &count, &err)) stage_raise_json(L, &err);
  lua_pushinteger(L, count);
  return 1;
}

/* (container); upvalue: the position. */
static int step_member(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  struct json_error err;
  struct tree_value value;
  weir_span key;
  uint32_t position = (uint32_t)lua_tointeger(L, lua_upvalueindex(1));
  uint32_t node = json_node(L, stage, lua_touserdata(L, 1));
  enum json_answer answer = tree_next(&stage->tree, node, &position, &key, &value, &err);
  if (answer == JSON_BAD) stage_raise_json(L, &err);
  if (answer == JSON_ABSENT) return lua_pushnil(L), 1;
  lua_pushinteger(L, position);
  lua_replace(L, lua_upvalueindex(1));
  if (tree_is_array(&stage->tree, node))
    lua_pushinteger(L, position);
  else
    lua_pushlstring(L, (const char *)key.data, key.size);
  json_push(L, stage, &value);
  return 2;
}

int json_pairs(lua_State *L, struct lua_stage *stage, const void *handle) {
  json_node(L, stage, handle);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, step_member, 1);
  lua_pushvalue(L, 1);
  return 2;
}

/* (array, number): nil for null, and no end there. */
static int step_element(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  struct json_error err;
  struct tree_value value;
  uint32_t node = json_node(L, stage, lua_touserdata(L, 1)), index = (uint32_t)lua_tointeger(L, 2);
  if (!tree_at(&stage->tree, node, index, &value, &err)) stage_raise_json(L, &err);
  if (value.kind == TREE_NONE) return lua_pushnil(L), 1;
  lua_pushinteger(L, (lua_Integer)index + 1);
  json_push(L, stage, &value);
  return 2;
}

int json_ipairs(lua_State *L, struct lua_stage *stage, const void *handle) {
  json_node(L, stage, handle);
  lua_pushcfunction(L, step_element);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

int json_tostring(lua_State *L, struct lua_stage *stage, const void *handle) {
  struct json_error err;
  buffer_clear(&stage->buffer);
  if (!tree_write(&stage->tree, json_node(L, stage, handle), false, &stage->buffer, &err)) stage_raise_json(L, &err);
  lua_pushlstring(L, (const char *)stage->buffer.data, stage->buffer.size);
  return 1;
}
