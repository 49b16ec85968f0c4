/* batch.c: the batch as a script sees it. A loop's handle carries the loop's number: Lua closes it however the loop
 * ends, and so tells whether an error came out of the loop, and at which record. */
#include <lauxlib.h>
#include <string.h>
#include "handle.h"
#include "script.h"

enum { LOOP_BITS = 8 };

static const char methods_key = 0;

void batch_push(lua_State *L, const struct lua_stage *stage) {
  lua_pushlightuserdata(L, handle_of(HANDLE_BATCH, stage->batch_serial << LOOP_BITS));
}

/* The loop's number, 0 for the batch itself. */
static uint32_t check(lua_State *L, const struct lua_stage *stage, const void *handle) {
  uint64_t serial = handle_serial(handle);
  if (!stage->batch || serial >> LOOP_BITS != stage->batch_serial) stage_raise(L, "batch used after it ended");
  return (uint32_t)(serial & ((1 << LOOP_BITS) - 1));
}

static struct lua_stage *batch_argument(lua_State *L, uint32_t *loop) {
  struct lua_stage *stage = stage_of(L);
  const void *handle = lua_touserdata(L, 1);
  if (lua_type(L, 1) != LUA_TLIGHTUSERDATA || handle_kind(handle) != HANDLE_BATCH)
    stage_raise(L, "the batch is missing: call it with a colon, as in batch:records()");
  *loop = check(L, stage, handle);
  return stage;
}

/* ---- The loop ---- */

/* (loop, record before or nil) */
static int next_record(lua_State *L) {
  uint32_t number;
  struct lua_stage *stage = batch_argument(L, &number);
  if (number == 0 || number > stage->loop_count)
    stage_raise(L, "batch:records() is for a loop: for record in batch:records() do");
  struct loop *loop = &stage->loops[number - 1];
  uint32_t index = lua_isnoneornil(L, 2) ? stage->first : view_record(L, stage, lua_touserdata(L, 2)) + 1;
  loop->at_record = index - stage->first < stage->count;
  if (!loop->at_record) return lua_pushnil(L), 1;
  loop->index = index;
  lua_pushlightuserdata(L, view_handle(stage, index));
  return 1;
}

static int batch_records(lua_State *L) {
  uint32_t number;
  struct lua_stage *stage = batch_argument(L, &number);
  if (stage->loop_count == STAGE_LOOPS_MAX)
    stage_raise(L, "more than %d loops over a batch inside each other", STAGE_LOOPS_MAX);
  stage->loops[stage->loop_count++] = (struct loop){0};
  void *loop = handle_of(HANDLE_BATCH, stage->batch_serial << LOOP_BITS | stage->loop_count);
  lua_pushcfunction(L, next_record);
  lua_pushlightuserdata(L, loop);
  lua_pushnil(L);
  lua_pushlightuserdata(L, loop);
  return 4;
}

/* (loop, error) */
int batch_close_loop(lua_State *L, struct lua_stage *stage, const void *handle) {
  uint32_t number = (uint32_t)(handle_serial(handle) & ((1 << LOOP_BITS) - 1));
  bool alive = stage->batch && handle_serial(handle) >> LOOP_BITS == stage->batch_serial;
  if (!alive || number == 0 || number > stage->loop_count) return 0;
  const struct loop *loop = &stage->loops[number - 1];
  bool failed = !lua_isnoneornil(L, 2) && loop->at_record;
  /* Running out of memory unwinds without the handler. */
  bool out_of_memory = failed && lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "not enough memory") == 0;
  if (failed && (stage->unwinding || out_of_memory) && !stage->failed_in_loop) {
    stage->failed_in_loop = true;
    stage->failed_index = loop->index;
  }
  stage->loop_count = number - 1;
  return 0;
}

/* ---- Fields ---- */

int batch_length(lua_State *L, struct lua_stage *stage, const void *handle) {
  check(L, stage, handle);
  lua_pushinteger(L, stage->count);
  return 1;
}

static int push_state(lua_State *L, struct lua_stage *stage) {
  if (stage->batch->state)
    lua_rawgetp(L, LUA_REGISTRYINDEX, stage->batch->state);
  else
    lua_pushnil(L);
  return 1;
}

int batch_index(lua_State *L, struct lua_stage *stage, const void *handle) {
  check(L, stage, handle);
  if (lua_type(L, 2) == LUA_TNUMBER) {
    int is_whole;
    lua_Integer number = lua_tointegerx(L, 2, &is_whole);
    if (!is_whole || number < 1 || number > stage->count) return lua_pushnil(L), 1;
    lua_pushlightuserdata(L, view_handle(stage, stage->first + (uint32_t)number - 1));
    return 1;
  }
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(name, "partition") == 0) return lua_pushinteger(L, stage->batch->from->partition), 1;
  if (strcmp(name, "state") == 0) return push_state(L, stage);
  if (strcmp(name, "topic") == 0) {
    lua_pushlstring(L, (const char *)stage->batch->from->topic.data, stage->batch->from->topic.size);
    return 1;
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) == LUA_TNIL) stage_raise(L, "a batch has no '%s'", luaL_tolstring(L, 2, NULL));
  return 1;
}

void batch_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"records", batch_records}, {"emit", batch_emit}, {NULL, NULL}};
  luaL_newlib(L, methods);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &methods_key);
}
