/* options.c: YAML as Lua values. A node tells how it is written, so "10" stays a string and 10 is a number. */
#include "options.h"
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "handle.h"

enum { OPTIONS_DEPTH_MAX = 64 };

/* ---- Any YAML ---- */

/* A scalar without quotes: a number or true or false where it is one, else the text. */
static void push_plain(lua_State *L, const char *text, size_t size) {
  char *end;
  if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
    lua_pushboolean(L, *text == 't');
    return;
  }
  bool numeric = size > 0 && strspn(text, "+-.0123456789eE") == size && strpbrk(text, "0123456789");
  errno = 0;
  long long integer = strtoll(text, &end, 10);
  if (numeric && !*end && !errno) {
    lua_pushinteger(L, integer);
    return;
  }
  double number = strtod(text, &end);
  if (numeric && !*end && isfinite(number))
    lua_pushnumber(L, number);
  else
    lua_pushlstring(L, text, size);
}

static void push_scalar(lua_State *L, const weir_host *host, const weir_config *node, bool plain) {
  weir_span text;
  if (host->config_text(host, node, &text) < 0) stage_raise(L, "an option cannot be read");
  lua_pushlstring(L, (const char *)text.data, text.size);
  if (!plain) return;
  size_t size;
  const char *copy = lua_tolstring(L, -1, &size);
  push_plain(L, copy, size);
  lua_remove(L, -2);
}

static void push_node(lua_State *L, const weir_host *host, const weir_config *node, int depth) {
  int32_t kind = host->config_kind(host, node);
  if (depth > OPTIONS_DEPTH_MAX) stage_raise(L, "options are nested deeper than %d levels", OPTIONS_DEPTH_MAX);
  luaL_checkstack(L, 8, "options");
  if (kind == WEIR_NODE_NULL) {
    lua_pushnil(L);
    return;
  }
  if (kind != WEIR_NODE_LIST && kind != WEIR_NODE_MAP) {
    push_scalar(L, host, node, kind == WEIR_NODE_PLAIN);
    return;
  }
  uint32_t count = host->config_count(host, node);
  lua_newtable(L);
  if (kind == WEIR_NODE_LIST) json_mark_array(L);
  for (uint32_t i = 0; i < count; i++) {
    weir_span key = {0};
    const weir_config *entry = host->config_at(host, node, i, &key);
    if (kind == WEIR_NODE_LIST)
      lua_pushinteger(L, (lua_Integer)i + 1);
    else
      lua_pushlstring(L, (const char *)key.data, key.size);
    push_node(L, host, entry, depth + 1);
    lua_rawset(L, -3);
  }
}

void options_push(lua_State *L, const weir_host *host, const weir_config *node) {
  if (node)
    push_node(L, host, node, 1);
  else
    lua_newtable(L);
}

/* ---- Names for the host ---- */

static bool is_option_name(weir_span name) {
  for (size_t i = 0; i < name.size; i++) {
    uint8_t c = name.data[i];
    if (!((c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9' && i > 0))) return false;
  }
  return name.size > 0 && name.size <= 64;
}

static weir_option *option_add(struct plan *plan) {
  weir_option *options = realloc(plan->options, (plan->option_count + 1) * sizeof *options);
  if (!options) return NULL;
  plan->options = options;
  options[plan->option_count] = (weir_option){0};
  return &options[plan->option_count++];
}

bool options_take_names(const weir_host *host, const weir_config *node, struct plan *plan) {
  uint32_t count = node ? host->config_count(host, node) : 0;
  if (node && host->config_kind(host, node) != WEIR_NODE_MAP)
    return host->fail(host, node, weir_text("options: expected a map of names and values")) == 0;
  for (uint32_t i = 0; i < count; i++) {
    weir_span key = {0};
    const weir_config *entry = host->config_at(host, node, i, &key);
    if (!is_option_name(key))
      return host->fail(host, entry, weir_text("options: a name is small letters, digits and _")) == 0;
    weir_option *option = option_add(plan);
    if (option) option->name = strndup((const char *)key.data, key.size);
    if (option) option->help = strdup("for the code"); /* a host wants one of every option */
    if (!option || !option->name || !option->help) return host->fail(host, node, weir_text("no memory")) == 0;
    option->type = WEIR_OPTION_TREE;
  }
  return true;
}

void options_free(struct plan *plan) {
  for (uint32_t i = 0; i < plan->option_count; i++) {
    free((char *)(uintptr_t)plan->options[i].name);
    free((char *)(uintptr_t)plan->options[i].fallback);
    free((char *)(uintptr_t)plan->options[i].choices);
    free((char *)(uintptr_t)plan->options[i].help);
  }
  free(plan->options);
  plan->options = NULL;
  plan->option_count = 0;
}

/* ---- What a script declares ---- */

static const struct {
  const char *name;
  int32_t type;
} types[] = {{"string", WEIR_OPTION_STRING}, {"int", WEIR_OPTION_INT}, {"number", WEIR_OPTION_NUMBER},
    {"bool", WEIR_OPTION_BOOL}, {"duration", WEIR_OPTION_DURATION}, {"size", WEIR_OPTION_SIZE},
    {"list", WEIR_OPTION_LIST}, {"map", WEIR_OPTION_MAP}, {"secret", WEIR_OPTION_SECRET}, {"enum", WEIR_OPTION_ENUM},
    {"tree", WEIR_OPTION_TREE}};

/* The type that the declaration at `at` names. */
static int32_t type_of(lua_State *L, int at, const char *name) {
  if (lua_getfield(L, at, "type") != LUA_TSTRING) stage_raise(L, "options.%s: type is missing", name);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, lua_tostring(L, -1)) == 0) return lua_pop(L, 1), types[i].type;
  stage_raise(L,
      "options.%s: there is no type '%s'; it is one of string, int, number, bool, duration, size, list, map, secret, "
      "enum and tree",
      name, lua_tostring(L, -1));
}

/* A copy of the string on top, which is popped; NULL for nil. */
static char *take_text(lua_State *L, const char *name, const char *field) {
  char *copy = NULL;
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TSTRING)
      stage_raise(L, "options.%s: %s is a %s, expected a string", name, field, luaL_typename(L, -1));
    copy = strdup(lua_tostring(L, -1));
    if (!copy) stage_raise(L, "options.%s: no memory", name);
  }
  lua_pop(L, 1);
  return copy;
}

static char *take_choices(lua_State *L, int at, const char *name) {
  luaL_Buffer text;
  if (lua_getfield(L, at, "choices") != LUA_TTABLE)
    stage_raise(L, "options.%s: choices is missing: a list of strings", name);
  int list = lua_gettop(L);
  luaL_buffinit(L, &text);
  lua_Integer count = (lua_Integer)lua_rawlen(L, list);
  for (lua_Integer i = 1; i <= count; i++) {
    if (i > 1) luaL_addchar(&text, '|');
    if (lua_rawgeti(L, list, i) != LUA_TSTRING)
      stage_raise(L, "options.%s: a choice is a %s", name, luaL_typename(L, -1));
    luaL_addvalue(&text);
  }
  luaL_pushresult(&text);
  lua_remove(L, list);
  return take_text(L, name, "choices");
}

/* The default, on top of the stack, as YAML would write it; popped. NULL: it has none, or none that is one scalar. */
static char *take_fallback(lua_State *L, const char *name, int32_t type) {
  bool milliseconds = type == WEIR_OPTION_DURATION && lua_isinteger(L, -1);
  if (type == WEIR_OPTION_LIST || type == WEIR_OPTION_MAP || type == WEIR_OPTION_TREE || lua_isnil(L, -1))
    return lua_pop(L, 1), NULL;
  if (lua_isnumber(L, -1) || lua_isboolean(L, -1)) {
    luaL_tolstring(L, -1, NULL);
    if (milliseconds) lua_pushliteral(L, "ms"), lua_concat(L, 2);
    lua_remove(L, -2);
  } else if (lua_type(L, -1) == LUA_TSTRING && strchr("'\"", lua_tostring(L, -1)[0])) {
    const char *doubled = luaL_gsub(L, lua_tostring(L, -1), "'", "''");
    lua_pushfstring(L, "'%s'", doubled);
    lua_replace(L, -3);
    lua_pop(L, 1);
  }
  return take_text(L, name, "default");
}

static void check_fields(lua_State *L, int at, const char *name) {
  static const char *const known = " type required default help choices ";
  for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
    char field[32] = "?";
    if (lua_type(L, -2) == LUA_TSTRING) snprintf(field, sizeof field, " %s ", lua_tostring(L, -2));
    if (!strstr(known, field)) stage_raise(L, "options.%s: there is no field%s; known are%s", name, field, known);
  }
}

static void declare(lua_State *L, int at, const char *name, weir_option *option) {
  if (!lua_istable(L, at))
    stage_raise(
        L, "options.%s is a %s, expected a table like {type = \"int\", default = 1}", name, luaL_typename(L, at));
  check_fields(L, at, name);
  option->type = type_of(L, at, name);
  if (option->type == WEIR_OPTION_ENUM) option->choices = take_choices(L, at, name);
  lua_getfield(L, at, "help");
  option->help = take_text(L, name, "help");
  if (!option->help) option->help = strdup("for the script");
  bool has_default = lua_getfield(L, at, "default") != LUA_TNIL;
  option->fallback = take_fallback(L, name, option->type);
  lua_getfield(L, at, "required");
  bool required = lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (required && has_default) stage_raise(L, "options.%s: either required or a default, not both", name);
  if (required) option->flags |= WEIR_REQUIRED;
}

void options_declare(lua_State *L, int at, struct plan *plan) {
  if (lua_isnil(L, at)) return;
  if (!lua_istable(L, at)) stage_raise(L, "options is a %s, expected a table", luaL_typename(L, at));
  for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
    weir_span name = record_bytes(L, lua_gettop(L) - 1, "an option's name");
    if (!is_option_name(name))
      stage_raise(L, "options: '%s' is no name: small letters, digits and _", (const char *)name.data);
    if (plan->option_count == PLAN_OPTIONS_MAX) stage_raise(L, "more than %d options", PLAN_OPTIONS_MAX);
    weir_option *option = option_add(plan);
    if (option) option->name = strdup((const char *)name.data);
    if (!option || !option->name) stage_raise(L, "no memory");
    declare(L, lua_gettop(L), option->name, option);
  }
}

/* ---- What the file gives ---- */

static bool push_typed(lua_State *L, const weir_host *host, const weir_config *node, int32_t type) {
  int64_t integer;
  double number;
  switch (type) {
  case WEIR_OPTION_INT:
  case WEIR_OPTION_DURATION:
  case WEIR_OPTION_SIZE:
  case WEIR_OPTION_BOOL:
    if (host->config_int(host, node, type, &integer) < 0) return false;
    if (type == WEIR_OPTION_BOOL)
      lua_pushboolean(L, integer != 0);
    else
      lua_pushinteger(L, integer);
    return true;
  case WEIR_OPTION_NUMBER:
    if (host->config_number(host, node, &number) < 0) return false;
    lua_pushnumber(L, number);
    return true;
  case WEIR_OPTION_TREE: options_push(L, host, node); return true;
  case WEIR_OPTION_LIST:
  case WEIR_OPTION_MAP: break;
  default: push_scalar(L, host, node, false); return true;
  }
  /* Lists and maps are of strings, however they are written. */
  uint32_t count = host->config_count(host, node);
  lua_newtable(L);
  for (uint32_t i = 0; i < count; i++) {
    weir_span key = {0};
    const weir_config *entry = host->config_at(host, node, i, &key);
    push_scalar(L, host, entry, false);
    if (type == WEIR_OPTION_LIST) {
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    } else {
      lua_pushlstring(L, (const char *)key.data, key.size);
      lua_insert(L, -2);
      lua_rawset(L, -3);
    }
  }
  return true;
}

/* "5s" and "1MiB" as defaults; what is not of that form stays a string. */
static void scale_default(lua_State *L, int32_t type) {
  static const struct {
    const char *unit;
    int32_t type;
    lua_Integer factor;
  } units[] = {{"ms", WEIR_OPTION_DURATION, 1}, {"s", WEIR_OPTION_DURATION, 1000}, {"m", WEIR_OPTION_DURATION, 60000},
      {"h", WEIR_OPTION_DURATION, 3600000}, {"d", WEIR_OPTION_DURATION, 86400000}, {"", WEIR_OPTION_SIZE, 1},
      {"B", WEIR_OPTION_SIZE, 1}, {"KiB", WEIR_OPTION_SIZE, 1 << 10}, {"MiB", WEIR_OPTION_SIZE, 1 << 20},
      {"GiB", WEIR_OPTION_SIZE, 1 << 30}, {"kB", WEIR_OPTION_SIZE, 1000}, {"MB", WEIR_OPTION_SIZE, 1000000},
      {"GB", WEIR_OPTION_SIZE, 1000000000}};
  if (lua_type(L, -1) != LUA_TSTRING) return;
  char *end;
  long long number = strtoll(lua_tostring(L, -1), &end, 10);
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (units[i].type != type || strcmp(units[i].unit, end) != 0) continue;
    lua_pop(L, 1);
    lua_pushinteger(L, number * units[i].factor);
    return;
  }
}

bool options_push_declared(lua_State *L, int at, const weir_host *host, const weir_config *node) {
  lua_newtable(L);
  if (lua_isnil(L, at)) return true;
  int result = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, at); lua_settop(L, result + 1)) {
    const char *name = lua_tostring(L, result + 1);
    int32_t type = type_of(L, result + 2, name);
    const weir_config *given = node ? host->config_get(host, node, name) : NULL;
    lua_pushvalue(L, result + 1);
    if (given && host->config_kind(host, given) != WEIR_NODE_NULL) {
      if (!push_typed(L, host, given, type)) return false;
    } else {
      lua_getfield(L, result + 2, "default");
      scale_default(L, type);
    }
    lua_rawset(L, result);
  }
  return true;
}
