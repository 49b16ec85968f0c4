/* options.h: `options:` of the pipeline file, in Lua. */
#ifndef WEIR_PLUGINS_LUA_OPTIONS_H
#define WEIR_PLUGINS_LUA_OPTIONS_H
#include <lua.h>
#include "plan.h"

/* Pushes a node as Lua would write it: a table for a list or map, numbers and booleans where they stand without
 * quotes. NULL: an empty table. Raises what Lua cannot hold. */
void options_push(lua_State *L, const weir_host *host, const weir_config *node);

/* What a script declares, the table at `at` (or nil), as the host wants to know it. Raises on a declaration that is
 * wrong; what was taken so far is in the plan and freed with it. */
void options_declare(lua_State *L, int at, struct plan *plan);
/* What the pipeline file gives, `node`, as a table by what the script's table at `at` declares, defaults filled in.
 * False: host->fail() was called. */
bool options_push_declared(lua_State *L, int at, const weir_host *host, const weir_config *node);
/* The names that are there become the options that may be there: inline code declares none. False: host->fail() was
 * called. */
bool options_take_names(const weir_host *host, const weir_config *node, struct plan *plan);
void options_free(struct plan *plan);

#endif
