/* keys.h: how often each of many byte strings was seen. Pure; one thread at a time. */
#ifndef WEIR_SANDBOX_KEYS_H
#define WEIR_SANDBOX_KEYS_H
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>

struct keys;
struct keys *keys_create(void);
void keys_destroy(struct keys *keys); /* NULL is fine */

/* The counter of a key, made with 0 when it is new; alive until the next call with a new key. The key is copied. */
uint64_t *keys_at(struct keys *keys, weir_span key);
/* NULL: it is not there. */
uint64_t *keys_find(struct keys *keys, weir_span key);
size_t keys_count(const struct keys *keys);
/* Calls `visit` for each key, in the order of their coming. */
void keys_visit(const struct keys *keys, void (*visit)(void *ctx, weir_span key, uint64_t count), void *ctx);

#endif
