/* rewrite.h: the one change that weir makes to Lua code before it is compiled.
 *
 * `record.json.a.b = v` evaluates record.json.a first, and when that is absent Lua is left with a nil that knows
 * nothing of its place. So the prefix of an assignment's target, a.b in `a.b.c = v`, is written as __at(a,"b"): that
 * gives the missing member a handle, through which the assignment creates it. Lines stay what they were. Text that is
 * no Lua is left as it is, for the compiler to complain of. */
#ifndef WEIR_PLUGINS_LUA_REWRITE_H
#define WEIR_PLUGINS_LUA_REWRITE_H
#include <stddef.h>

/* malloc'ed and NUL-terminated; the caller's. NULL: no memory. */
char *rewrite(const char *code, size_t size, size_t *rewritten_size);

#endif
