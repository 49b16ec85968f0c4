/* record.c: the fields and methods of a record. */
#include <lauxlib.h>
#include <string.h>
#include "handle.h"
#include "nearest.h"

enum field {
  FIELD_METHOD, /* none of the fields */
  FIELD_JSON,
  FIELD_VALUE,
  FIELD_KEY,
  FIELD_TIMESTAMP,
  FIELD_TOPIC,
  FIELD_PARTITION,
  FIELD_OFFSET,
  FIELD_ATTEMPT,
  FIELD_COUNT
};

_Static_assert((int)FIELD_COUNT == (int)STAGE_FIELDS, "a stage knows the names of all fields");

static const char *const names[FIELD_COUNT] = {
    "", "json", "value", "key", "timestamp", "topic", "partition", "offset", "attempt"};

/* Its address is the registry's key of the table from name to field number or method. */
static const char fields_key = 0;

/* ---- Arguments ---- */

uint32_t record_argument(lua_State *L) {
  const void *handle = lua_touserdata(L, 1);
  if (lua_type(L, 1) != LUA_TLIGHTUSERDATA || handle_kind(handle) != HANDLE_RECORD)
    stage_raise(L, "a record is missing: call it with a colon, as in record:drop()");
  return view_record(L, stage_of(L), handle);
}

weir_span record_bytes(lua_State *L, int at, const char *what) {
  size_t size;
  if (lua_isnil(L, at) || lua_touserdata(L, at) == HANDLE_NULL) return (weir_span){0};
  if (lua_type(L, at) != LUA_TSTRING) stage_raise(L, "%s is a %s, expected a string", what, luaL_typename(L, at));
  const char *text = lua_tolstring(L, at, &size);
  return weir_bytes(text, size);
}

static void push_span(lua_State *L, weir_span span) {
  if (span.data)
    lua_pushlstring(L, (const char *)span.data, span.size);
  else
    lua_pushnil(L);
}

/* ---- Reading ---- */

static void push_timestamp(lua_State *L, struct lua_stage *stage, uint32_t index) {
  const struct change *change = view_known_change(stage, index);
  int64_t ms = change && change->changed & CHANGED_TIME ? change->timestamp_ms
                                                        : weir_record_at(stage->batch, index)->timestamp_ms;
  if (ms < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, ms);
}

static void push_field(lua_State *L, struct lua_stage *stage, uint32_t index, enum field field) {
  const weir_record *record = weir_record_at(stage->batch, index);
  switch (field) {
  case FIELD_JSON: record_push_json(L, stage, index); return;
  case FIELD_VALUE: record_settle_json(L, stage, index), push_span(L, view_value(stage, index)); return;
  case FIELD_KEY: push_span(L, view_key(stage, index)); return;
  case FIELD_TIMESTAMP: push_timestamp(L, stage, index); return;
  case FIELD_TOPIC: push_span(L, stage->batch->from->topic); return;
  case FIELD_PARTITION: lua_pushinteger(L, stage->batch->from->partition); return;
  case FIELD_OFFSET: lua_pushinteger(L, record->offset); return;
  case FIELD_ATTEMPT: lua_pushinteger(L, record->attempt); return;
  default: break;
  }
  stage_raise(L, "a field that cannot be read");
}

static _Noreturn void raise_unknown(lua_State *L, const char *verb) {
  char hint[64];
  if (lua_type(L, 2) != LUA_TSTRING) stage_raise(L, "a record has names only, no %s", luaL_typename(L, 2));
  struct nearest nearest;
  nearest_init(&nearest, lua_tostring(L, 2));
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fields_key);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) nearest_offer(&nearest, lua_tostring(L, -2));
  nearest_text(&nearest, hint, sizeof hint);
  stage_raise(L, "a record has no '%s' to %s%s", lua_tostring(L, 2), verb, hint);
}

/* Of a field the number, of a method FIELD_METHOD with the method on the stack. A short string is one object in a
 * state, so a name is known by its address. */
static enum field field_of(lua_State *L, struct lua_stage *stage, const char *verb) {
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
  for (int field = FIELD_JSON; name && field < FIELD_COUNT; field++)
    if (stage->fields[field] == name) return (enum field)field;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fields_key);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) == LUA_TNIL) raise_unknown(L, verb);
  return FIELD_METHOD;
}

int record_index(lua_State *L, struct lua_stage *stage, const void *handle) {
  uint32_t index = view_record(L, stage, handle);
  enum field field = field_of(L, stage, "read");
  if (field != FIELD_METHOD) push_field(L, stage, index, field);
  return 1;
}

/* ---- Writing ---- */

static void assign_value(lua_State *L, struct lua_stage *stage, uint32_t index) {
  weir_span value = record_bytes(L, 3, "record.value");
  if (value.data) value = view_keep(L, stage, value);
  struct change *change = view_change(L, stage, index);
  change->value = value;
  change->changed = (change->changed | CHANGED_VALUE) & ~(uint32_t)CHANGED_JSON;
  record_forget_json(stage, index);
}

static void assign_key(lua_State *L, struct lua_stage *stage, uint32_t index) {
  weir_span key = record_bytes(L, 3, "record.key");
  if (key.data) key = view_keep(L, stage, key);
  struct change *change = view_change(L, stage, index);
  change->key = key;
  change->changed |= CHANGED_KEY;
}

static void assign_timestamp(lua_State *L, struct lua_stage *stage, uint32_t index) {
  int is_whole;
  lua_Integer ms = lua_tointegerx(L, 3, &is_whole);
  if (lua_type(L, 3) != LUA_TNUMBER || !is_whole || ms < 0)
    stage_raise(L, "record.timestamp is %s, expected whole milliseconds since 1970", luaL_tolstring(L, 3, NULL));
  struct change *change = view_change(L, stage, index);
  change->timestamp_ms = ms;
  change->changed |= CHANGED_TIME;
}

int record_assign(lua_State *L, struct lua_stage *stage, const void *handle) {
  uint32_t index = view_record(L, stage, handle);
  enum field field = field_of(L, stage, "write");
  lua_settop(L, 3);
  switch (field) {
  case FIELD_JSON: record_assign_json(L, stage, index); return 0;
  case FIELD_VALUE: assign_value(L, stage, index); return 0;
  case FIELD_KEY: assign_key(L, stage, index); return 0;
  case FIELD_TIMESTAMP: assign_timestamp(L, stage, index); return 0;
  case FIELD_TOPIC: stage_raise(L, "record.topic is where it was read from; record:route(topic) says where it goes");
  default: stage_raise(L, "record.%s is read-only", lua_tostring(L, 2));
  }
}

/* ---- Methods ---- */

static int record_route(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t index = record_argument(L);
  lua_settop(L, 2);
  weir_span topic = record_bytes(L, 2, "the topic");
  if (topic.data && topic.size == 0) stage_raise(L, "the topic is empty");
  if (topic.data) topic = view_keep(L, stage, topic);
  struct change *change = view_change(L, stage, index);
  change->topic = topic;
  change->changed |= CHANGED_TOPIC;
  return 0;
}

static weir_span kept_text(lua_State *L, struct lua_stage *stage, int at, const char *what) {
  weir_span text = record_bytes(L, at, what);
  return text.data ? view_keep(L, stage, text) : text;
}

static int settle(
    lua_State *L, uint32_t index, weir_verdict verdict, weir_span code, weir_span text, int64_t after_ms) {
  struct change *change = view_change(L, stage_of(L), index);
  change->verdict = verdict;
  change->code = code;
  change->text = text;
  change->retry_after_ms = after_ms;
  return 0;
}

static int record_drop(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t index = record_argument(L);
  lua_settop(L, 2);
  return settle(L, index, WEIR_DROP, kept_text(L, stage, 2, "the reason"), (weir_span){0}, 0);
}

static int record_retry(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t index = record_argument(L);
  lua_settop(L, 3);
  lua_Integer after_ms = luaL_optinteger(L, 3, 0);
  if (after_ms < 0) stage_raise(L, "retry: after_ms is %d, expected 0 or more", (int)after_ms);
  return settle(L, index, WEIR_RETRY, kept_text(L, stage, 2, "the reason"), (weir_span){0}, after_ms);
}

static int record_reject(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  uint32_t index = record_argument(L);
  lua_settop(L, 3);
  weir_span code = kept_text(L, stage, 2, "the code");
  if (code.size == 0) stage_raise(L, "reject: the code is missing: a short word to count by");
  return settle(L, index, WEIR_REJECT, code, kept_text(L, stage, 3, "the text"), 0);
}

void record_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"route", record_route}, {"drop", record_drop}, {"retry", record_retry},
      {"reject", record_reject}, {"header", record_header}, {"headers", record_headers},
      {"set_header", record_set_header}, {"add_header", record_add_header}, {"remove_header", record_remove_header},
      {"emit", record_emit}, {NULL, NULL}};
  luaL_newlib(L, methods);
  for (int field = FIELD_JSON; field < FIELD_COUNT; field++) {
    lua_pushstring(L, names[field]);
    stage_of(L)->fields[field] = lua_tostring(L, -1); /* lives as long as the table, whose key it becomes */
    lua_pushinteger(L, field);
    lua_rawset(L, -3);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, &fields_key);
}
