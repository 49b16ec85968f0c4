/* load.c: weir.load(path): tables from files, read once per state. The path is the key, so whoever loads it again
 * gets the same table. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "files.h"
#include "handle.h"

enum { LOAD_DEPTH_MAX = 64 };

static const char loaded_key = 0; /* its address is the registry's key of the tables by path */
static const char *const text_type = "weir.text";

/* A file's text while it is read: Lua frees it when an error ends that. */
struct text {
  char *bytes;
  size_t size;
  struct json_reader *reader;
};

static int text_free(lua_State *L) {
  struct text *text = luaL_checkudata(L, 1, text_type);
  json_reader_destroy(text->reader);
  free(text->bytes);
  *text = (struct text){0};
  return 0;
}

static struct text *text_new(lua_State *L) {
  struct text *text = lua_newuserdatauv(L, sizeof *text, 0);
  *text = (struct text){0};
  luaL_setmetatable(L, text_type);
  return text;
}

static bool ends_with(const char *path, const char *end) {
  size_t size = strlen(path), end_size = strlen(end);
  return size >= end_size && strcmp(path + size - end_size, end) == 0;
}

/* ---- Lines ---- */

static void push_lines(lua_State *L, const struct text *text) {
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t at = 0; at < text->size;) {
    const char *line = text->bytes + at, *end = memchr(line, '\n', text->size - at);
    size_t size = end ? (size_t)(end - line) : text->size - at;
    at += size + 1;
    if (size && line[size - 1] == '\r') size--;
    lua_pushlstring(L, line, size);
    lua_rawseti(L, -2, ++count);
  }
}

/* ---- CSV ---- */

struct csv {
  const char *path, *at, *end;
  uint32_t line;
};

static void push_quoted(lua_State *L, struct csv *csv) {
  luaL_Buffer field;
  uint32_t line = csv->line;
  luaL_buffinit(L, &field);
  for (csv->at++; csv->at < csv->end; csv->at++) {
    if (*csv->at == '"' && (csv->at + 1 == csv->end || csv->at[1] != '"')) break;
    if (*csv->at == '"') csv->at++;
    csv->line += *csv->at == '\n';
    luaL_addchar(&field, *csv->at);
  }
  if (csv->at == csv->end) stage_raise(L, "%s:%u: a quoted field is not closed", csv->path, line);
  csv->at++;
  luaL_pushresult(&field);
  if (csv->at < csv->end && !strchr(",\r\n", *csv->at))
    stage_raise(L, "%s:%u: expected ',' or the line's end behind a quoted field", csv->path, csv->line);
}

static void push_field(lua_State *L, struct csv *csv) {
  if (csv->at < csv->end && *csv->at == '"') {
    push_quoted(L, csv);
    return;
  }
  const char *start = csv->at;
  while (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n' && *csv->at != '\r') csv->at++;
  lua_pushlstring(L, start, (size_t)(csv->at - start));
}

/* Steps over what follows a field. True: another field follows in this row. */
static bool next_field(struct csv *csv) {
  if (csv->at < csv->end && *csv->at == ',') return csv->at++, true;
  if (csv->at < csv->end && *csv->at == '\r') csv->at++;
  if (csv->at < csv->end && *csv->at == '\n') csv->at++, csv->line++;
  return false;
}

static lua_Integer push_header(lua_State *L, struct csv *csv) {
  lua_Integer count = 0;
  lua_newtable(L);
  do {
    push_field(L, csv);
    lua_rawseti(L, -2, ++count);
  } while (next_field(csv));
  return count;
}

/* A row as a table, by the names of the table below. */
static void push_row(lua_State *L, struct csv *csv, lua_Integer columns) {
  lua_Integer count = 0;
  uint32_t line = csv->line;
  lua_createtable(L, 0, (int)columns);
  do {
    if (++count > columns) break;
    lua_rawgeti(L, -3, count);
    push_field(L, csv);
    lua_rawset(L, -3);
  } while (next_field(csv));
  if (count != columns)
    stage_raise(L, "%s:%u: a row with %s fields than the %d of the header", csv->path, line,
        count > columns ? "more" : "fewer", (int)columns);
}

static bool skip_blank(struct csv *csv) {
  while (csv->at < csv->end && (*csv->at == '\n' || *csv->at == '\r')) csv->line += *csv->at++ == '\n';
  return csv->at < csv->end;
}

static void push_csv(lua_State *L, const struct text *text, const char *path) {
  struct csv csv = {.path = path, .at = text->bytes, .end = text->bytes + text->size, .line = 1};
  if (text->size >= 3 && memcmp(csv.at, "\xef\xbb\xbf", 3) == 0) csv.at += 3;
  lua_Integer rows = 0, columns = skip_blank(&csv) ? push_header(L, &csv) : (lua_newtable(L), 0);
  lua_newtable(L);
  while (skip_blank(&csv)) {
    push_row(L, &csv, columns);
    lua_rawseti(L, -2, ++rows);
  }
  lua_remove(L, -2);
}

/* ---- JSON ---- */

static void push_json(lua_State *L, const char *path, struct json_reader *reader, struct json_value *value, int depth);

static _Noreturn void raise_in(lua_State *L, const char *path, const struct json_error *err) {
  stage_raise(L, "%s: %s", path, err->text);
}

static void push_container(
    lua_State *L, const char *path, struct json_reader *reader, const struct json_value *value, int depth) {
  struct json_error err;
  struct json_cursor cursor;
  struct json_member member;
  enum json_answer answer;
  bool is_array = value->type == JSON_ARRAY;
  lua_newtable(L);
  if (is_array) json_mark_array(L);
  json_members(value, &cursor);
  while ((answer = json_next(reader, &cursor, &member, &err)) == JSON_FOUND) {
    if (!is_array && member.value.type == JSON_NULL) continue;
    if (is_array)
      lua_pushinteger(L, (lua_Integer)member.index + 1);
    else
      lua_pushlstring(L, (const char *)member.key.data, member.key.size);
    if (member.value.type == JSON_NULL)
      lua_pushlightuserdata(L, HANDLE_NULL);
    else
      push_json(L, path, reader, &member.value, depth + 1);
    lua_rawset(L, -3);
  }
  if (answer == JSON_BAD) raise_in(L, path, &err);
}

static void push_json(lua_State *L, const char *path, struct json_reader *reader, struct json_value *value, int depth) {
  struct json_error err;
  weir_span text;
  if (depth > LOAD_DEPTH_MAX) stage_raise(L, "%s: nested deeper than %d levels", path, LOAD_DEPTH_MAX);
  luaL_checkstack(L, 8, path);
  switch (value->type) {
  case JSON_NULL: lua_pushnil(L); return;
  case JSON_BOOL: lua_pushboolean(L, value->as.boolean); return;
  case JSON_INT: lua_pushinteger(L, value->as.integer); return;
  case JSON_DOUBLE: lua_pushnumber(L, value->as.number); return;
  case JSON_ARRAY:
  case JSON_OBJECT: push_container(L, path, reader, value, depth); return;
  case JSON_STRING:
    if (!json_string(reader, value, &text, &err)) raise_in(L, path, &err);
    lua_pushlstring(L, (const char *)text.data, text.size);
    return;
  default: stage_raise(L, "%s: byte %u: the number does not fit", path, value->start);
  }
}

static void push_json_file(lua_State *L, struct text *text, const char *path) {
  struct json_error err;
  struct json_value value;
  text->reader = json_reader_create();
  if (!text->reader) stage_raise(L, "%s: no memory", path);
  if (!json_open(text->reader, weir_bytes(text->bytes, text->size), &err) || !json_validate(text->reader, &err) ||
      !json_root(text->reader, &value, &err))
    raise_in(L, path, &err);
  push_json(L, path, text->reader, &value, 1);
}

/* ---- weir.load ---- */

static void push_file(lua_State *L, const char *path) {
  char reason[FILES_REASON_MAX];
  struct text *text = text_new(L);
  int at = lua_gettop(L);
  if (!files_read(stage_of(L)->plan->directory, path, false, FILES_LOAD_MAX, &text->bytes, &text->size, reason))
    stage_raise(L, "weir.load: %s: %s", path, reason);
  if (ends_with(path, ".csv"))
    push_csv(L, text, path);
  else if (ends_with(path, ".json"))
    push_json_file(L, text, path);
  else
    push_lines(L, text);
  lua_pushcfunction(L, text_free);
  lua_pushvalue(L, at);
  lua_call(L, 1, 0);
}

int files_load(lua_State *L) {
  size_t size;
  const char *path = luaL_checklstring(L, 1, &size);
  if (strlen(path) != size) stage_raise(L, "weir.load: the path has a zero byte");
  lua_settop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 2) != LUA_TNIL) return 1;
  lua_settop(L, 2);
  push_file(L, path);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, -2);
  lua_rawset(L, 2);
  return 1;
}

void files_open(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
  luaL_newmetatable(L, text_type);
  lua_pushcfunction(L, text_free);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
