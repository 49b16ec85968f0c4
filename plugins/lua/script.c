/* script.c: whole scripts.
 *
 * When process() fails at a record of its loop, all that it wanted of the batch is forgotten, that record is
 * rejected, and process() is called again for the records before it and then for those after it: so what process()
 * had begun and not ended never counts. */
#include "script.h"
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/must.h"
#include "handle.h"
#include "nearest.h"
#include "options.h"

enum { CHECK_STEPS = 1000000, CHECK_ROUNDS_MAX = 200 }; /* steps of the VM that the top level may take: their product */

/* ---- The table ---- */

static void check_field(lua_State *L) {
  static const char *const known[] = {
      "name", "version", "options", "create", "each", "process", "assigned", "revoked", "flush", "wake"};
  struct nearest nearest;
  char hint[64];
  if (lua_type(L, -2) != LUA_TSTRING)
    stage_raise(L, "the script's table has a field named by a %s", luaL_typename(L, -2));
  const char *name = lua_tostring(L, -2);
  nearest_init(&nearest, name);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    nearest_offer(&nearest, known[i]);
    if (strcmp(name, known[i]) != 0) continue;
    int wanted = i < 2 ? LUA_TSTRING : i == 2 ? LUA_TTABLE : LUA_TFUNCTION;
    if (lua_type(L, -1) == wanted) return;
    stage_raise(L, "the script's %s is a %s, expected a %s", name, luaL_typename(L, -1), lua_typename(L, wanted));
  }
  nearest_text(&nearest, hint, sizeof hint);
  stage_raise(L, "the script's table has no field '%s'%s", name, hint);
}

static bool has_function(lua_State *L, const char *name) {
  bool is_there = lua_getfield(L, -1, name) == LUA_TFUNCTION;
  lua_pop(L, 1);
  return is_there;
}

/* Runs the file; leaves its table, checked, on the stack. */
static void push_script(lua_State *L, const struct plan *plan) {
  char chunk[LUA_IDSIZE * 8];
  snprintf(chunk, sizeof chunk, "@%s", plan->file);
  if (luaL_loadbufferx(L, plan->code, plan->code_size, chunk, "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 1);
  if (!lua_istable(L, -1))
    stage_raise(
        L, "%s: the file returns a %s, expected a table with process or each", plan->file, luaL_typename(L, -1));
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) check_field(L);
  if (has_function(L, "process") == has_function(L, "each"))
    stage_raise(
        L, "%s: the script's table needs process(self, batch) or each(self, record), one of the two", plan->file);
}

/* ---- Checking ---- */

static void count_steps(lua_State *L, lua_Debug *where) {
  struct lua_stage *stage = stage_of(L);
  (void)where;
  if (++stage->checked < CHECK_ROUNDS_MAX) return;
  /* From now on at every step, so that a pcall() in the script does not go on. */
  lua_sethook(L, count_steps, LUA_MASKCOUNT, 1);
  stage_raise(L, "the script's top level does not end: it only defines things, create() does the work");
}

static int check(lua_State *L) {
  struct plan *plan = lua_touserdata(L, 1);
  push_script(L, plan);
  lua_getfield(L, -1, "options");
  options_declare(L, lua_gettop(L), plan);
  return 0;
}

bool script_check(struct lua_stage *stage, struct plan *plan, struct failure *failure) {
  lua_sethook(stage->L, count_steps, LUA_MASKCOUNT, CHECK_STEPS);
  return stage_run(stage, check, plan, failure);
}

/* ---- Creating ---- */

struct creating {
  struct lua_stage *stage;
  const weir_config *config;
  bool told; /* host->fail() was called */
};

static int reference(lua_State *L, int table, const char *name) {
  if (lua_getfield(L, table, name) == LUA_TFUNCTION) return luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
  return LUA_NOREF;
}

/* The argument of create(). Its options are below it on the stack. */
static void push_stage(lua_State *L, const struct lua_stage *stage) {
  const weir_host *host = stage->host;
  lua_createtable(L, 0, 6);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "options");
  lua_pushlstring(L, (const char *)host->name.data, host->name.size);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, host->lane);
  lua_setfield(L, -2, "lane");
  lua_pushinteger(L, host->lanes);
  lua_setfield(L, -2, "lanes");
  lua_pushglobaltable(L);
  lua_getfield(L, -1, "weir");
  lua_getfield(L, -1, "log");
  lua_setfield(L, -4, "log");
  lua_getfield(L, -1, "counter");
  lua_setfield(L, -4, "counter");
  lua_pop(L, 2);
}

static int create(lua_State *L) {
  struct creating *creating = lua_touserdata(L, 1);
  struct lua_stage *stage = creating->stage;
  const weir_host *host = stage->host;
  push_script(L, stage->plan);
  int script = lua_gettop(L);
  lua_getfield(L, script, "options");
  creating->told = !options_push_declared(L, script + 1, host, host->config_get(host, creating->config, "options"));
  if (creating->told) return 0;
  push_stage(L, stage);
  if (lua_getfield(L, script, "create") == LUA_TFUNCTION) {
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1))
      stage_raise(L, "%s: create() returned nothing; what it returns is self from then on", stage->plan->file);
  } else {
    lua_newtable(L);
  }
  stage->references.self = luaL_ref(L, LUA_REGISTRYINDEX);
  stage->has_each = lua_getfield(L, script, "each") == LUA_TFUNCTION;
  stage->references.code = reference(L, script, stage->has_each ? "each" : "process");
  stage->references.assigned = reference(L, script, "assigned");
  stage->references.revoked = reference(L, script, "revoked");
  stage->references.flush = reference(L, script, "flush");
  stage->references.wake = reference(L, script, "wake");
  return 0;
}

bool script_create(struct lua_stage *stage, const weir_config *config, struct failure *failure) {
  struct creating creating = {.stage = stage, .config = config};
  if (!stage_run(stage, create, &creating, failure)) return false;
  failure->text[0] = 0;
  return !creating.told;
}

/* ---- Batches ---- */

static void push_function(struct lua_stage *stage, int function) {
  lua_rawgeti(stage->L, LUA_REGISTRYINDEX, function);
  lua_rawgeti(stage->L, LUA_REGISTRYINDEX, stage->references.self);
}

/* Calls process() for a part of the batch. False: at record *failed, or outside of any record (UINT32_MAX). */
static bool process_part(
    struct lua_stage *stage, uint32_t first, uint32_t count, uint32_t *failed, struct failure *failure) {
  view_move(stage, first, count);
  stage->at = UINT32_MAX;
  push_function(stage, stage->references.code);
  batch_push(stage->L, stage);
  if (stage_call(stage, 2, 0, failure)) return true;
  *failed = stage->failed_in_loop ? stage->failed_index : UINT32_MAX;
  return false;
}

/* The records from `first` on that nothing took out of the batch. */
static uint32_t part_from(const struct lua_stage *stage, uint32_t first) {
  uint32_t end = first;
  while (end < stage->batch->record_count && !stage->rejected[end]) end++;
  return end - first;
}

/* validate: full. What is not JSON throughout is rejected before process() sees it. */
static void reject_malformed(struct lua_stage *stage) {
  struct json_error err;
  for (uint32_t i = 0; i < stage->batch->record_count; i++) {
    weir_span value = weir_record_at(stage->batch, i)->value;
    if (!value.data || tree_validate(&stage->tree, value, &err)) continue;
    struct failure failure = {.code = err.fault == JSON_MALFORMED ? "not_json" : "lua_error"};
    snprintf(failure.text, sizeof failure.text, "%s", err.text);
    commit_reject(stage, i, &failure);
    stage->rejected[i] = true;
  }
}

static bool process_parts(struct lua_stage *stage, struct failure *failure) {
  uint32_t first = 0, failed, count;
  while (first < stage->batch->record_count) {
    count = part_from(stage, first);
    if (count == 0) {
      first++;
    } else if (process_part(stage, first, count, &failed, failure)) {
      commit_records(stage, first, count);
      first += count;
    } else if (failed == UINT32_MAX) {
      return false;
    } else {
      must(failed - first < count);
      commit_reject(stage, failed, failure);
      stage->rejected[failed] = true;
    }
  }
  return true;
}

weir_result script_process(struct lua_stage *stage, const weir_batch *batch) {
  struct failure failure = {0};
  if (!view_open(stage, batch)) {
    stage_memory_text(stage, failure.text, sizeof failure.text);
    stage->host->fail(stage->host, NULL, weir_text(failure.text));
    return WEIR_BROKEN;
  }
  if (stage->plan->validate_full) reject_malformed(stage);
  bool done = process_parts(stage, &failure);
  view_close(stage);
  stage_count(stage);
  if (done) return WEIR_DONE;
  stage->host->fail(stage->host, NULL, weir_text(failure.text));
  return WEIR_BROKEN;
}

/* ---- Partitions ---- */

/* What code left for a partition is kept in the registry under the address of this. */
struct partition_state {
  uint32_t unused;
};

struct assigning {
  struct lua_stage *stage;
  const weir_partition *partition;
  struct partition_state *state;
};

static void push_partition(lua_State *L, const weir_partition *partition) {
  lua_pushlstring(L, (const char *)partition->topic.data, partition->topic.size);
  lua_pushinteger(L, partition->partition);
}

static int assign(lua_State *L) {
  const struct assigning *assigning = lua_touserdata(L, 1);
  push_function(assigning->stage, assigning->stage->references.assigned);
  push_partition(L, assigning->partition);
  lua_call(L, 3, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, assigning->state);
  return 0;
}

int32_t script_assigned(struct lua_stage *stage, const weir_partition *partition, void **state) {
  struct assigning assigning = {.stage = stage, .partition = partition};
  struct failure failure;
  if (stage->references.assigned == LUA_NOREF) return 0;
  assigning.state = calloc(1, sizeof *assigning.state);
  if (!assigning.state) return stage->host->fail(stage->host, NULL, weir_text("no memory"));
  if (!stage_run(stage, assign, &assigning, &failure)) {
    free(assigning.state);
    return stage->host->fail(stage->host, NULL, weir_text(failure.text));
  }
  stage_count(stage);
  *state = assigning.state;
  return 0;
}

static void log_failure(struct lua_stage *stage, const char *function, const struct failure *failure) {
  char text[STAGE_TEXT_MAX + 32];
  snprintf(text, sizeof text, "%s: %s", function, failure->text);
  stage->host->log(stage->host, WEIR_ERROR, weir_text(text));
}

struct revoking {
  struct lua_stage *stage;
  const weir_partition *partition;
  struct partition_state *state;
  int32_t why;
};

static int revoke(lua_State *L) {
  const struct revoking *revoking = lua_touserdata(L, 1);
  push_function(revoking->stage, revoking->stage->references.revoked);
  push_partition(L, revoking->partition);
  lua_pushstring(L, revoking->why == WEIR_LOST ? "lost" : "revoked");
  if (revoking->state)
    lua_rawgetp(L, LUA_REGISTRYINDEX, revoking->state);
  else
    lua_pushnil(L);
  lua_call(L, 5, 0);
  return 0;
}

static int forget(lua_State *L) {
  const void *state = lua_touserdata(L, 1);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, state);
  return 0;
}

void script_revoked(struct lua_stage *stage, const weir_partition *partition, void *state, int32_t why) {
  struct revoking revoking = {.stage = stage, .partition = partition, .state = state, .why = why};
  struct failure failure;
  if (stage->references.revoked != LUA_NOREF && !stage_run(stage, revoke, &revoking, &failure))
    log_failure(stage, "revoked", &failure);
  if (state) stage_run(stage, forget, state, &failure);
  free(state);
  stage_count(stage);
}

/* ---- Timers and flushes ---- */

void script_wake(struct lua_stage *stage, int64_t now_ms) {
  struct failure failure;
  if (stage->references.wake == LUA_NOREF) return;
  push_function(stage, stage->references.wake);
  lua_pushinteger(stage->L, now_ms);
  if (!stage_call(stage, 2, 0, &failure)) log_failure(stage, "wake", &failure);
  stage_count(stage);
}

struct flushing {
  struct lua_stage *stage;
  int32_t why;
};

static int flush(lua_State *L) {
  static const char *const reasons[] = {"", "revoke", "stop", "full", "commit"};
  const struct flushing *flushing = lua_touserdata(L, 1);
  bool known = flushing->why >= WEIR_FLUSH_REVOKE && flushing->why <= WEIR_FLUSH_COMMIT;
  push_function(flushing->stage, flushing->stage->references.flush);
  lua_pushstring(L, known ? reasons[flushing->why] : "unknown");
  lua_call(L, 2, 0);
  return 0;
}

void script_flush(struct lua_stage *stage, int32_t why) {
  struct flushing flushing = {.stage = stage, .why = why};
  struct failure failure;
  if (stage->references.flush == LUA_NOREF) return;
  if (!stage_run(stage, flush, &flushing, &failure)) log_failure(stage, "flush", &failure);
  stage_count(stage);
}
