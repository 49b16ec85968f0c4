/* headers.c: headers of a record. The host's array is read; the first change makes one of our own. */
#include <lauxlib.h>
#include <string.h>
#include "handle.h"

static weir_span name_argument(lua_State *L) {
  size_t size;
  if (lua_type(L, 2) != LUA_TSTRING)
    stage_raise(L, "the header's name is a %s, expected a string", luaL_typename(L, 2));
  const char *name = lua_tolstring(L, 2, &size);
  return weir_bytes(name, size);
}

static bool is_named(const weir_header *header, weir_span name) {
  return header->name.size == name.size && memcmp(header->name.data, name.data, name.size) == 0;
}

int record_header(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t count, index = record_argument(L);
  lua_settop(L, 2);
  weir_span name = name_argument(L);
  const weir_header *headers = view_headers(stage, index, &count);
  while (count > 0 && !is_named(&headers[count - 1], name)) count--;
  if (count == 0 || !headers[count - 1].value.data) return lua_pushnil(L), 1;
  lua_pushlstring(L, (const char *)headers[count - 1].value.data, headers[count - 1].value.size);
  return 1;
}

static void push_value(lua_State *L, weir_span value) {
  if (value.data)
    lua_pushlstring(L, (const char *)value.data, value.size);
  else
    lua_pushlightuserdata(L, HANDLE_NULL);
}

static void push_header(lua_State *L, const weir_header *header) {
  lua_createtable(L, 0, 2);
  lua_pushlstring(L, (const char *)header->name.data, header->name.size);
  lua_setfield(L, -2, "name");
  push_value(L, header->value);
  lua_setfield(L, -2, "value");
}

int record_headers(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t count, index = record_argument(L);
  lua_settop(L, 2);
  bool all = lua_isnil(L, 2);
  weir_span name = all ? (weir_span){0} : name_argument(L);
  const weir_header *headers = view_headers(stage, index, &count);
  lua_newtable(L);
  lua_Integer found = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (all)
      push_header(L, &headers[i]);
    else if (is_named(&headers[i], name))
      push_value(L, headers[i].value);
    else
      continue;
    lua_rawseti(L, -2, ++found);
  }
  return 1;
}

/* The headers without those of that name (no data: with all), in an array of ours with room for one more. */
static weir_header *copy_without(
    lua_State *L, struct lua_stage *stage, uint32_t index, weir_span name, uint32_t *kept, uint32_t *before) {
  const weir_header *headers = view_headers(stage, index, before);
  weir_header *copy = view_alloc(L, stage, (*before + 1) * sizeof *copy);
  *kept = 0;
  for (uint32_t i = 0; i < *before; i++)
    if (!name.data || !is_named(&headers[i], name)) copy[(*kept)++] = headers[i];
  return copy;
}

static int replace(lua_State *L, struct lua_stage *stage, uint32_t index, weir_header *headers, uint32_t count) {
  struct change *change = view_change(L, stage, index);
  change->headers = headers;
  change->header_count = count;
  change->changed |= CHANGED_HEADERS;
  return 0;
}

/* Adds the name and value that are arguments 2 and 3. */
static void add(lua_State *L, struct lua_stage *stage, weir_header *headers, uint32_t *count) {
  weir_span value = record_bytes(L, 3, "the header's value");
  headers[*count].name = view_keep(L, stage, name_argument(L));
  headers[*count].value = value.data ? view_keep(L, stage, value) : value;
  ++*count;
}

int record_set_header(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t kept, before, index = record_argument(L);
  lua_settop(L, 3);
  weir_header *headers = copy_without(L, stage, index, name_argument(L), &kept, &before);
  if (!lua_isnil(L, 3)) add(L, stage, headers, &kept);
  return replace(L, stage, index, headers, kept);
}

int record_add_header(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t kept, before, index = record_argument(L);
  lua_settop(L, 3);
  if (lua_isnil(L, 3)) stage_raise(L, "add_header: the value is nil; weir.null adds a header without a value");
  weir_header *headers = copy_without(L, stage, index, (weir_span){0}, &kept, &before);
  add(L, stage, headers, &kept);
  return replace(L, stage, index, headers, kept);
}

int record_remove_header(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t kept, before, index = record_argument(L);
  lua_settop(L, 2);
  weir_header *headers = copy_without(L, stage, index, name_argument(L), &kept, &before);
  return kept == before ? 0 : replace(L, stage, index, headers, kept);
}
