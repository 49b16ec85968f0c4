/* files.h: files of the pipeline's folder, read-only. Nothing outside of it is opened, also not through links. */
#ifndef WEIR_PLUGINS_LUA_FILES_H
#define WEIR_PLUGINS_LUA_FILES_H
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

enum { FILES_LOAD_MAX = 16 << 20, FILES_REASON_MAX = 256 };

/* Reads a file whole; *out is malloc'ed, NUL-terminated, the caller's. `path` is relative to `directory`, or
 * (`anywhere`) absolute or leading out of it. False: `reason` says why, without the path. */
bool files_read(const char *directory, const char *path, bool anywhere, size_t size_max, char **out, size_t *size,
    char reason[FILES_REASON_MAX]);
/* Whether a file is there, so that a search goes on to the next place. */
bool files_exists(const char *directory, const char *path);

/* weir.load(path) */
int files_load(lua_State *L);
void files_open(lua_State *L);

#endif
