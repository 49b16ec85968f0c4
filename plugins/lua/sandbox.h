/* sandbox.h: the names that Lua code finds. An allow-list: what is not put there is not there. */
#ifndef WEIR_PLUGINS_LUA_SANDBOX_H
#define WEIR_PLUGINS_LUA_SANDBOX_H
#include <stdbool.h>
#include <lua.h>

/* Fills a new state; raises without memory. */
void sandbox_open(lua_State *L);
/* Takes the value from the top of the stack and makes it a global of that name. */
void sandbox_set(lua_State *L, const char *name);
/* Replaces the table on top of the stack by one that reads through to it and refuses to be written; with `strict` a
 * name that it does not have is an error. `name` is kept. */
void sandbox_freeze(lua_State *L, const char *name, bool strict);

/* nil.c: what nil and strings can do. */
void nil_open(lua_State *L);
/* handle.c: what records, batches and JSON values can do. */
void handle_open(lua_State *L);
/* library.c: the table `weir`, left on the stack. */
void library_open(lua_State *L);
/* require.c: the function `require`, left on the stack. */
void require_open(lua_State *L);

#endif
