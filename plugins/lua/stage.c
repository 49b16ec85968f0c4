/* stage.c: the life of a Lua state, and the only door into it: everything that runs Lua goes through stage_call(), so
 * no error of Lua leaves the plugin. Stack index 1 holds the message handler as long as the state lives. */
#include "stage.h"
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/must.h"
#include "sandbox.h"

enum { HANDLER = 1 };

/* ---- Places ---- */

/* "file:line: " of the innermost Lua code that runs; "" outside of any. */
static void place_of(lua_State *L, char *text, size_t text_size) {
  lua_Debug where;
  text[0] = 0;
  for (int level = 0; lua_getstack(L, level, &where); level++) {
    lua_getinfo(L, "Sl", &where);
    if (where.currentline <= 0) continue;
    snprintf(text, text_size, "%s:%d: ", where.short_src, where.currentline);
    return;
  }
}

/* Lua's allocator. A refusal ends in an error that no handler sees, so where it was is noted here; reading the stack
 * allocates nothing. */
static void *stage_allocate(void *ctx, void *block, size_t old_size, size_t size) {
  struct lua_stage *stage = ctx;
  void *moved = memory_for_lua(&stage->memory, block, old_size, size);
  if (!moved && size > 0 && stage->L) place_of(stage->L, stage->refused_at, sizeof stage->refused_at);
  return moved;
}

/* Whether the text begins with "name:number: ". */
static bool has_place(const char *text) {
  const char *colon = strchr(text, ':');
  size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
  return digits > 0 && colon[1 + digits] == ':';
}

/* Runs where the error is, before anything is unwound; calls nothing of the script's. */
static int handler(lua_State *L) {
  struct lua_stage *stage = stage_of(L);
  char place[STAGE_PLACE_MAX];
  stage->unwinding = true;
  place_of(L, place, sizeof place);
  if (lua_type(L, 1) != LUA_TSTRING)
    lua_pushfstring(L, "%sthe error is a %s value, expected a text", place, luaL_typename(L, 1));
  else if (!has_place(lua_tostring(L, 1)))
    lua_pushfstring(L, "%s%s", place, lua_tostring(L, 1));
  else
    lua_settop(L, 1);
  return 1;
}

static _Noreturn void raise(lua_State *L, const char *code, const char *text) {
  struct lua_stage *stage = stage_of(L);
  char message[STAGE_TEXT_MAX], place[STAGE_PLACE_MAX];
  place_of(L, place, sizeof place);
  snprintf(message, sizeof message, "%s%s", place, text);
  stage->coded = code;
  if (code) {
    memcpy(stage->coded_message, message, sizeof message);
    stage->coded_text = strlen(place);
  }
  lua_pushstring(L, message);
  lua_error(L);
  abort();
}

int stage_raise(lua_State *L, const char *format, ...) {
  char text[STAGE_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  raise(L, NULL, text);
}

int stage_raise_json(lua_State *L, const struct json_error *err) {
  struct lua_stage *stage = stage_of(L);
  char text[STAGE_TEXT_MAX];
  if (err->fault == JSON_MALFORMED) raise(L, "not_json", err->text);
  if (err->fault != JSON_NO_MEMORY) raise(L, NULL, err->text);
  if (stage->tree.spent) raise(L, "batch_memory", "the memory of this batch is spent");
  stage_memory_text(stage, text, sizeof text);
  raise(L, NULL, text);
}

void stage_memory_text(const struct lua_stage *stage, char *text, size_t text_size) {
  size_t bytes = stage->memory.limit;
  if (bytes % (1 << 20) == 0)
    snprintf(text, text_size, "memory limit of %zuMiB reached", bytes >> 20);
  else if (bytes % (1 << 10) == 0)
    snprintf(text, text_size, "memory limit of %zuKiB reached", bytes >> 10);
  else
    snprintf(text, text_size, "memory limit of %zu bytes reached", bytes);
}

/* ---- Calls ---- */

static void failure_fill(struct lua_stage *stage, int status, struct failure *failure) {
  *failure = (struct failure){.code = "lua_error"};
  if (status == LUA_ERRMEM) {
    char text[64];
    stage_memory_text(stage, text, sizeof text);
    snprintf(failure->text, sizeof failure->text, "%s%s", stage->refused_at, text);
    return;
  }
  const char *message = lua_type(stage->L, -1) == LUA_TSTRING ? lua_tostring(stage->L, -1) : "an error without a text";
  if (stage->coded && strcmp(message, stage->coded_message) == 0) {
    failure->code = stage->coded;
    failure->memory_spent = strcmp(stage->coded, "batch_memory") == 0;
    message += stage->coded_text;
  }
  snprintf(failure->text, sizeof failure->text, "%s", message);
}

bool stage_call(struct lua_stage *stage, int arguments, int results, struct failure *failure) {
  lua_State *L = stage->L;
  must(stage->magic == STAGE_MAGIC && lua_gettop(L) > HANDLER + arguments);
  stage->unwinding = false;
  stage->coded = NULL;
  stage->refused_at[0] = 0;
  stage->tree.spent = false;
  int status = lua_pcall(L, arguments, results, HANDLER);
  if (status == LUA_OK) return true;
  failure_fill(stage, status, failure);
  lua_pop(L, 1);
  return false;
}

bool stage_run(struct lua_stage *stage, lua_CFunction function, void *argument, struct failure *failure) {
  lua_State *L = stage->L;
  lua_pushcfunction(L, function); /* a light C function: pushing it allocates nothing */
  lua_pushlightuserdata(L, argument);
  return stage_call(stage, 1, 0, failure);
}

/* ---- Life ---- */

/* Only a call outside of stage_call() can come here, which is a defect. */
static int panic(lua_State *L) {
  fprintf(stderr, "lua: error outside of a protected call: %s\n", lua_tostring(L, -1));
  abort();
}

static int open_sandbox(lua_State *L) {
  sandbox_open(L);
  return 0;
}

struct lua_stage *stage_create(const weir_host *host, const struct plan *plan, bool preparing) {
  struct lua_stage *stage = calloc(1, sizeof *stage);
  struct failure failure;
  if (!stage) return NULL;
  *stage = (struct lua_stage){.magic = STAGE_MAGIC,
      .host = host,
      .plan = plan,
      .preparing = preparing,
      .memory = {.limit = plan->memory_bytes},
      .references = {LUA_NOREF, LUA_NOREF, LUA_NOREF, LUA_NOREF, LUA_NOREF, LUA_NOREF},
      .serial = 1,
      .node_serial = 1,
      .batch_serial = 1};
  buffer_init(&stage->buffer, &stage->memory);
  stage->L = lua_newstate(stage_allocate, stage);
  if (!stage->L || !tree_init(&stage->tree, &stage->memory)) return stage_destroy(stage), NULL;
  *(struct lua_stage **)lua_getextraspace(stage->L) = stage;
  lua_atpanic(stage->L, panic);
  lua_pushcfunction(stage->L, handler);
  if (!stage_run(stage, open_sandbox, NULL, &failure)) return stage_destroy(stage), NULL;
  if (!preparing)
    stage->absent_counter.metric =
        host->metric(host, WEIR_COUNTER, "absent_comparisons", "comparisons with an absent field, which are false");
  return stage;
}

void stage_destroy(struct lua_stage *stage) {
  if (!stage) return;
  must(stage->magic == STAGE_MAGIC);
  if (stage->L) lua_close(stage->L);
  tree_fini(&stage->tree);
  buffer_fini(&stage->buffer);
  memory_resize(&stage->memory, stage->entries, stage->entry_room * sizeof *stage->entries, 0);
  memory_resize(&stage->memory, stage->rejected, stage->rejected_room * sizeof *stage->rejected, 0);
  memory_resize(&stage->memory, stage->changes, stage->change_room * sizeof *stage->changes, 0);
  must(stage->memory.used == 0);
  stage->magic = 0;
  free(stage);
}

/* ---- Metrics ---- */

static void counter_send(const weir_host *host, struct counter *counter) {
  if (counter->pending) host->measure(host, counter->metric, counter->pending);
  counter->pending = 0;
}

void stage_count(struct lua_stage *stage) {
  stage->absent_counter.pending = (int64_t)(stage->absent - stage->absent_sent);
  stage->absent_sent = stage->absent;
  counter_send(stage->host, &stage->absent_counter);
  for (uint32_t i = 0; i < stage->counter_count; i++) counter_send(stage->host, &stage->counters[i]);
}
