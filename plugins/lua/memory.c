/* memory.c: every byte that Lua or this plugin's arrays hold is counted; beyond the limit there is no more. */
#include "memory.h"
#include <stdlib.h>
#include <string.h>
#include "common/must.h"

enum { BUFFER_FIRST = 256, BUFFER_KEEP = 1 << 20 };

void *memory_resize(struct memory *memory, void *block, size_t old_size, size_t size) {
  must(memory->used >= old_size);
  if (size == 0) {
    free(block);
    memory->used -= old_size;
    return NULL;
  }
  if (size > old_size && size - old_size > memory->limit - memory->used) return NULL;
  void *moved = realloc(block, size);
  /* Lua relies on it that a block can always be made smaller. */
  if (!moved && size <= old_size) return block;
  if (moved) memory->used += size - old_size;
  return moved;
}

void *memory_for_lua(void *memory, void *block, size_t old_size, size_t size) {
  /* Of a new block Lua says its type where the size stands. */
  return memory_resize(memory, block, block ? old_size : 0, size);
}

bool memory_grow(struct memory *memory, void **array, uint32_t *room, uint32_t wanted, size_t entry_size) {
  if (wanted <= *room) return true;
  uint32_t more = *room < 8 ? 8 : *room;
  while (more < wanted && more <= UINT32_MAX / 2) more *= 2;
  if (more < wanted) return false;
  void *moved = memory_resize(memory, *array, *room * entry_size, more * entry_size);
  if (!moved) return false;
  *array = moved;
  *room = more;
  return true;
}

void buffer_init(struct buffer *buffer, struct memory *memory) { *buffer = (struct buffer){.memory = memory}; }

void buffer_fini(struct buffer *buffer) {
  memory_resize(buffer->memory, buffer->data, buffer->room, 0);
  buffer_init(buffer, buffer->memory);
}

void buffer_clear(struct buffer *buffer) {
  if (buffer->room > BUFFER_KEEP) buffer_fini(buffer);
  buffer->size = 0;
  buffer->failed = false;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t size) {
  if (buffer->failed) return NULL;
  if (buffer->data && size <= buffer->room - buffer->size) return buffer->data + buffer->size;
  size_t room = buffer->room ? buffer->room : BUFFER_FIRST;
  while (room - buffer->size < size && room <= SIZE_MAX / 2) room *= 2;
  uint8_t *data = room - buffer->size < size ? NULL : memory_resize(buffer->memory, buffer->data, buffer->room, room);
  buffer->failed = !data;
  if (!data) return NULL;
  buffer->data = data;
  buffer->room = room;
  return data + buffer->size;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t size) {
  uint8_t *to = buffer_reserve(buffer, size);
  if (!to) return;
  if (size) memcpy(to, bytes, size);
  buffer->size += size;
}

void buffer_add_text(struct buffer *buffer, const char *text) { buffer_add(buffer, text, strlen(text)); }
void buffer_add_byte(struct buffer *buffer, char byte) { buffer_add(buffer, &byte, 1); }
