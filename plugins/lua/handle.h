/* handle.h: what code does with light userdata, by kind. All are Lua functions' bodies: arguments on the stack,
 * results pushed, errors raised. Argument 1 is a handle of that kind unless said otherwise. */
#ifndef WEIR_PLUGINS_LUA_HANDLE_H
#define WEIR_PLUGINS_LUA_HANDLE_H
#include <lua.h>
#include "stage.h"

/* record.c: (record, name) and (record, name, value). */
int record_index(lua_State *L, struct lua_stage *stage, const void *handle);
int record_assign(lua_State *L, struct lua_stage *stage, const void *handle);
/* Registers the fields and methods of records. */
void record_open(lua_State *L);
/* The index of the record that is argument 1, for its methods. */
uint32_t record_argument(lua_State *L);
/* The string at that place of the stack (it stays Lua's); weir.null and nil give no data. Raises for anything else. */
weir_span record_bytes(lua_State *L, int at, const char *what);

/* record_json.c: record.json. */
void record_push_json(lua_State *L, struct lua_stage *stage, uint32_t index);
/* From the value at the top of the stack. */
void record_assign_json(lua_State *L, struct lua_stage *stage, uint32_t index);
/* Puts what was changed through JSON into the value. */
void record_settle_json(lua_State *L, struct lua_stage *stage, uint32_t index);
/* What was read from the old JSON is dead from now on. */
void record_forget_json(struct lua_stage *stage, uint32_t index);

/* headers.c, emit.c: methods of records. */
int record_header(lua_State *L);
int record_headers(lua_State *L);
int record_set_header(lua_State *L);
int record_add_header(lua_State *L);
int record_remove_header(lua_State *L);
int record_emit(lua_State *L);
/* (batch, record, draft) */
int batch_emit(lua_State *L);

/* batch.c */
int batch_index(lua_State *L, struct lua_stage *stage, const void *handle);
int batch_length(lua_State *L, struct lua_stage *stage, const void *handle);
/* (batch, error): the end of a loop. */
int batch_close_loop(lua_State *L, struct lua_stage *stage, const void *handle);
void batch_open(lua_State *L);
/* Pushes the handle of the batch at hand. */
void batch_push(lua_State *L, const struct lua_stage *stage);

/* json_value.c */
int json_index(lua_State *L, struct lua_stage *stage, const void *handle);
int json_assign(lua_State *L, struct lua_stage *stage, const void *handle);
int json_length(lua_State *L, struct lua_stage *stage, const void *handle);
int json_pairs(lua_State *L, struct lua_stage *stage, const void *handle);
int json_tostring(lua_State *L, struct lua_stage *stage, const void *handle);
/* Iterates an array, nulls included; an object has no elements. */
int json_ipairs(lua_State *L, struct lua_stage *stage, const void *handle);
/* The node of a handle; raises when it is stale. */
uint32_t json_node(lua_State *L, struct lua_stage *stage, const void *handle);
/* nil for none and null. */
void json_push(lua_State *L, struct lua_stage *stage, const struct tree_value *value);
/* The argument of an assignment that is about to be made below (container, key); the member is made when it is
 * missing. */
int json_at(lua_State *L, struct lua_stage *stage, const void *handle);
const char *json_kind_name(const struct tree_value *value);

/* json_encode.c: the value at that place of the stack as JSON text, appended to stage->buffer. Raises what JSON
 * cannot hold. */
void json_encode(lua_State *L, struct lua_stage *stage, int at);
/* Makes the table on top of the stack one that is written as an array. */
void json_mark_array(lua_State *L);
bool json_is_marked_array(lua_State *L, int at);

#endif
