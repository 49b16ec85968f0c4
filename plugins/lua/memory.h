/* memory.h: the budget of one Lua state and of what the plugin keeps beside it. One thread at a time. */
#ifndef WEIR_PLUGINS_LUA_MEMORY_H
#define WEIR_PLUGINS_LUA_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
  size_t used, limit; /* bytes */
};

/* Lua's allocator; `memory` is a struct memory. NULL beyond the limit. */
void *memory_for_lua(void *memory, void *block, size_t old_size, size_t size);
/* The same for our own arrays: size 0 frees and gives NULL; NULL with a size: no room, `block` is as it was. */
void *memory_resize(struct memory *memory, void *block, size_t old_size, size_t size);
/* Room for `wanted` entries of `entry_size` bytes in an array that grows by doubling; *room: entries that fit now. */
bool memory_grow(struct memory *memory, void **array, uint32_t *room, uint32_t wanted, size_t entry_size);

/* Bytes that grow; data is the buffer's own and moves. After a failure it stays failed until it is cleared. */
struct buffer {
  struct memory *memory;
  uint8_t *data;
  size_t size, room;
  bool failed;
};

void buffer_init(struct buffer *buffer, struct memory *memory);
void buffer_fini(struct buffer *buffer);
/* Empty again; a large block is given back. */
void buffer_clear(struct buffer *buffer);
/* Makes room for `size` more bytes and returns where they go; the caller adds what it wrote to buffer->size. NULL:
 * failed. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_add(struct buffer *buffer, const void *bytes, size_t size);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_byte(struct buffer *buffer, char byte);

#endif
