/* inline.c: code that is run for each record by itself, so an error is an error of that record and of no other. One
 * protected call covers as many records as go well. */
#include "inline.h"
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/must.h"
#include "handle.h"
#include "options.h"
#include "sandbox.h"

/* ---- Loading ---- */

char *inline_wrap(enum plan_form form, const char *code, size_t size, uint32_t line, bool bare, size_t *wrapped_size) {
  const char *returning = form == PLAN_EACH ? "" : "return ";
  const char *opening = bare ? "" : "return function(record) ", *closing = bare ? "" : "\nend";
  must(line > 0);
  size_t room = line + strlen(opening) + strlen(returning) + size + strlen(closing) + 1;
  char *text = malloc(room);
  if (!text) return NULL;
  memset(text, '\n', line - 1);
  int head = snprintf(text + line - 1, room - line + 1, "%s%s", opening, returning);
  char *end = text + line - 1 + head;
  memcpy(end, code, size);
  memcpy(end + size, closing, strlen(closing) + 1);
  *wrapped_size = (size_t)(end - text) + size + strlen(closing);
  return text;
}

struct loading {
  struct lua_stage *stage;
  const weir_config *config;
};

static int load(lua_State *L) {
  const struct loading *loading = lua_touserdata(L, 1);
  struct lua_stage *stage = loading->stage;
  const weir_host *host = stage->host;
  lua_newtable(L);
  sandbox_set(L, "state");
  options_push(L, host, host->config_get(host, loading->config, "options"));
  sandbox_set(L, "options");
  char chunk[LUA_IDSIZE * 8];
  snprintf(chunk, sizeof chunk, "@%s", stage->plan->file);
  if (luaL_loadbufferx(L, stage->plan->code, stage->plan->code_size, chunk, "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 1);
  stage->references.code = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

bool inline_create(struct lua_stage *stage, const weir_config *config, struct failure *failure) {
  struct loading loading = {.stage = stage, .config = config};
  return stage_run(stage, load, &loading, failure);
}

/* ---- Running ---- */

/* Where a batch stands. Drops that follow each other are told in one call. */
struct run {
  struct lua_stage *stage;
  uint32_t next, drop_first, drop_count;
  bool drop_absent;
};

static void tell_drops(struct run *run) {
  const weir_host *host = run->stage->host;
  weir_reason absent = weir_because("absent", (weir_span){0});
  if (run->drop_count)
    host->settle(
        host, run->stage->batch, run->drop_first, run->drop_count, WEIR_DROP, run->drop_absent ? &absent : NULL);
  run->drop_count = 0;
}

static void drop(struct run *run, bool absent) {
  bool follows = run->drop_count && run->drop_absent == absent && run->drop_first + run->drop_count == run->next;
  if (!follows) {
    tell_drops(run);
    run->drop_first = run->next;
    run->drop_absent = absent;
  }
  run->drop_count++;
}

static void check_value(lua_State *L, struct lua_stage *stage, uint32_t index) {
  struct json_error err;
  weir_span value = weir_record_at(stage->batch, index)->value;
  if (value.data && !tree_validate(&stage->tree, value, &err)) stage_raise_json(L, &err);
}

/* The function is at 2, self, if there is one, at 3. */
static void run_one(lua_State *L, struct run *run, bool has_self, bool decides) {
  struct lua_stage *stage = run->stage;
  uint64_t absent = stage->absent;
  view_move(stage, run->next, 1);
  if (stage->plan->validate_full) check_value(L, stage, run->next);
  lua_pushvalue(L, 2);
  if (has_self) lua_pushvalue(L, 3);
  lua_pushlightuserdata(L, view_handle(stage, run->next));
  lua_call(L, 1 + has_self, decides);
  if (decides && !lua_toboolean(L, -1)) {
    drop(run, stage->absent != absent || lua_isnil(L, -1));
  } else if (stage->change_count) {
    commit_record(L, stage, run->next);
  }
  lua_pop(L, decides);
}

static int run_records(lua_State *L) {
  struct run *run = lua_touserdata(L, 1);
  struct lua_stage *stage = run->stage;
  bool has_self = stage->has_each, decides = stage->plan->form == PLAN_KEEP || stage->plan->form == PLAN_WHEN;
  lua_rawgeti(L, LUA_REGISTRYINDEX, stage->references.code);
  if (has_self) lua_rawgeti(L, LUA_REGISTRYINDEX, stage->references.self);
  for (; run->next < stage->batch->record_count; run->next++) run_one(L, run, has_self, decides);
  return 0;
}

weir_result inline_process(struct lua_stage *stage, const weir_batch *batch) {
  struct run run = {.stage = stage};
  struct failure failure;
  if (!view_open(stage, batch)) {
    char text[STAGE_TEXT_MAX];
    stage_memory_text(stage, text, sizeof text);
    stage->host->fail(stage->host, NULL, weir_text(text));
    return WEIR_BROKEN;
  }
  while (!stage_run(stage, run_records, &run, &failure)) commit_reject(stage, run.next++, &failure);
  tell_drops(&run);
  view_close(stage);
  stage_count(stage);
  return WEIR_DONE;
}
