/* emit.c: drafts of further records. They are noted on their parent and handed to the host when the parent's call has
 * succeeded. */
#include <lauxlib.h>
#include <string.h>
#include "handle.h"
#include "nearest.h"

/* ---- The fields of the draft, a table at `at` ---- */

static void check_names(lua_State *L, int at) {
  static const char *const known[] = {"value", "json", "key", "headers", "topic", "timestamp"};
  for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) stage_raise(L, "emit: a field is named by a %s", luaL_typename(L, -2));
    struct nearest nearest;
    char hint[64];
    size_t i = 0;
    nearest_init(&nearest, lua_tostring(L, -2));
    while (i < 6 && strcmp(known[i], lua_tostring(L, -2)) != 0) nearest_offer(&nearest, known[i++]);
    if (i < 6) continue;
    nearest_text(&nearest, hint, sizeof hint);
    stage_raise(L, "emit: a record has no '%s' to set%s", lua_tostring(L, -2), hint);
  }
}

/* Pushes the field; false: it is not given, nothing is pushed. */
static bool given(lua_State *L, int at, const char *name) {
  if (lua_getfield(L, at, name) != LUA_TNIL) return true;
  lua_pop(L, 1);
  return false;
}

static weir_span kept_bytes(lua_State *L, struct lua_stage *stage, const char *what) {
  weir_span bytes = record_bytes(L, lua_gettop(L), what);
  return bytes.data ? view_keep(L, stage, bytes) : bytes;
}

static void take_value(lua_State *L, struct lua_stage *stage, int at, weir_draft *draft) {
  bool has_json = given(L, at, "json");
  if (has_json) {
    buffer_clear(&stage->buffer);
    json_encode(L, stage, -1);
    draft->value = view_keep(L, stage, weir_bytes(stage->buffer.data, stage->buffer.size));
    lua_pop(L, 1);
  }
  if (!given(L, at, "value")) return;
  if (has_json) stage_raise(L, "emit: either value or json, not both");
  draft->value = kept_bytes(L, stage, "value");
  lua_pop(L, 1);
}

static void take_header(lua_State *L, struct lua_stage *stage, weir_header *header, int name_at, int value_at) {
  if (lua_type(L, name_at) != LUA_TSTRING) stage_raise(L, "emit: a header's name is a %s", luaL_typename(L, name_at));
  if (lua_isnil(L, value_at))
    stage_raise(L, "emit: header '%s' has no value; weir.null is a header without one", lua_tostring(L, name_at));
  weir_span value = record_bytes(L, value_at, "a header's value");
  header->name = view_keep(L, stage, record_bytes(L, name_at, "a header's name"));
  header->value = value.data ? view_keep(L, stage, value) : value;
}

static int compare_headers(const weir_header *a, const weir_header *b) {
  size_t size = a->name.size < b->name.size ? a->name.size : b->name.size;
  int order = memcmp(a->name.data, b->name.data, size);
  return order ? order : (a->name.size > b->name.size) - (a->name.size < b->name.size);
}

/* {name = value}: by name, so that the order is the same in every run. */
static uint32_t take_named(lua_State *L, struct lua_stage *stage, int at, weir_header *headers) {
  uint32_t count = 0;
  for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
    weir_header header;
    take_header(L, stage, &header, lua_gettop(L) - 1, lua_gettop(L));
    uint32_t place = count++;
    for (; place > 0 && compare_headers(&header, &headers[place - 1]) < 0; place--) headers[place] = headers[place - 1];
    headers[place] = header;
  }
  return count;
}

static uint32_t take_listed(lua_State *L, struct lua_stage *stage, int at, uint32_t count, weir_header *headers) {
  for (uint32_t i = 0; i < count; i++) {
    lua_rawgeti(L, at, i + 1);
    if (!lua_istable(L, -1))
      stage_raise(L, "emit: header %u is a %s, expected {name=, value=}", i + 1, luaL_typename(L, -1));
    int entry = lua_gettop(L);
    lua_getfield(L, entry, "name");
    lua_getfield(L, entry, "value");
    take_header(L, stage, &headers[i], entry + 1, entry + 2);
    lua_settop(L, entry - 1);
  }
  return count;
}

static void take_headers(lua_State *L, struct lua_stage *stage, int at, weir_draft *draft) {
  if (!given(L, at, "headers")) return;
  int list = lua_gettop(L);
  if (!lua_istable(L, list)) stage_raise(L, "emit: headers is a %s, expected a table", luaL_typename(L, list));
  uint32_t entries = 0, listed = (uint32_t)lua_rawlen(L, list);
  for (lua_pushnil(L); lua_next(L, list); lua_pop(L, 1)) entries++;
  weir_header *headers = view_alloc(L, stage, (entries + 1) * sizeof *headers);
  draft->header_count =
      listed && listed == entries ? take_listed(L, stage, list, listed, headers) : take_named(L, stage, list, headers);
  draft->headers = headers;
  draft->flags &= ~(uint32_t)WEIR_KEEP_HEADERS;
  lua_pop(L, 1);
}

static void take_timestamp(lua_State *L, int at, weir_draft *draft) {
  if (!given(L, at, "timestamp")) return;
  int is_whole;
  draft->timestamp_ms = lua_tointegerx(L, -1, &is_whole);
  if (lua_type(L, -1) != LUA_TNUMBER || !is_whole || draft->timestamp_ms < 0)
    stage_raise(L, "emit: timestamp is %s, expected whole milliseconds since 1970", luaL_tolstring(L, -1, NULL));
  lua_pop(L, 1);
}

/* ---- Emitting ---- */

/* What the draft has when nothing is given: the record as it is now. */
static weir_draft draft_of(lua_State *L, struct lua_stage *stage, uint32_t index) {
  record_settle_json(L, stage, index);
  weir_draft draft = weir_draft_from(weir_record_at(stage->batch, index), view_value(stage, index));
  const struct change *change = view_known_change(stage, index);
  draft.key = view_key(stage, index);
  if (!change) return draft;
  if (change->changed & CHANGED_TOPIC) draft.topic = change->topic;
  if (change->changed & CHANGED_TIME) draft.timestamp_ms = change->timestamp_ms;
  if (change->changed & CHANGED_HEADERS) {
    draft.headers = change->headers;
    draft.header_count = change->header_count;
    draft.flags &= ~(uint32_t)WEIR_KEEP_HEADERS;
  }
  return draft;
}

static int emit(lua_State *L, struct lua_stage *stage, uint32_t index, int at) {
  if (!lua_istable(L, at)) stage_raise(L, "emit: expected a table like {value = ...}, got %s", luaL_typename(L, at));
  check_names(L, at);
  weir_draft draft = draft_of(L, stage, index);
  take_value(L, stage, at, &draft);
  if (given(L, at, "key")) draft.key = kept_bytes(L, stage, "key"), lua_pop(L, 1);
  if (given(L, at, "topic")) draft.topic = kept_bytes(L, stage, "topic"), lua_pop(L, 1);
  take_headers(L, stage, at, &draft);
  take_timestamp(L, at, &draft);
  struct emission *emission = view_alloc(L, stage, sizeof *emission);
  *emission = (struct emission){.draft = draft};
  struct change *change = view_change(L, stage, index);
  if (change->last)
    change->last->next = emission;
  else
    change->first = emission;
  change->last = emission;
  return 0;
}

int record_emit(lua_State *L) {
  uint32_t index = record_argument(L);
  lua_settop(L, 2);
  return emit(L, stage_of(L), index, 2);
}

int batch_emit(lua_State *L) {
  lua_settop(L, 3);
  lua_remove(L, 1);
  uint32_t index = record_argument(L);
  return emit(L, stage_of(L), index, 2);
}
