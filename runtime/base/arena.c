/* arena.c: chunks in a list, the newest first; pieces are cut from the newest. A piece too large for a chunk gets one of its
 * own, put behind the newest, so that the newest's rest stays in use.
 *
 * Every byte of a chunk that is not inside a piece is poisoned: the rest of the chunk, the padding behind a piece, its red
 * zone, and after a reset everything. */
#include "base/arena.h"
#include "base/check.h"
#include "base/limits.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
enum { RED_ZONE = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
enum { RED_ZONE = 0 };
#endif

enum { ALIGNMENT = 16 };

struct arena_chunk {
  struct arena_chunk *older;
  unsigned char *used_end; /* behind the last piece; the newest chunk's stands in arena.next */
  size_t size;             /* of bytes */
  _Alignas(ALIGNMENT) unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t bytes_max) { *arena = (struct arena){.bytes_max = bytes_max}; }

/* Old content is made useless: a stale pointer reads garbage in debug builds and is named by AddressSanitizer. */
static void chunk_wipe(struct arena_chunk *chunk) {
  ASAN_UNPOISON_MEMORY_REGION(chunk->bytes, chunk->size);
#ifndef NDEBUG
  memset(chunk->bytes, 0xA5, (size_t)(chunk->used_end - chunk->bytes));
#endif
  ASAN_POISON_MEMORY_REGION(chunk->bytes, chunk->size);
}

static void chunk_free(struct arena_chunk *chunk) {
  ASAN_UNPOISON_MEMORY_REGION(chunk->bytes, chunk->size);
  free(chunk);
}

void arena_fini(struct arena *arena) {
  while (arena->chunks) {
    struct arena_chunk *older = arena->chunks->older;
    chunk_free(arena->chunks);
    arena->chunks = older;
  }
  arena_init(arena, arena->bytes_max);
}

/* A chunk with room for `needed` bytes: as large as usual where the budget allows it. NULL: no budget, no memory. */
static struct arena_chunk *chunk_create(struct arena *arena, size_t needed) {
  size_t size = needed > LIMIT_ARENA_CHUNK_BYTES ? needed : LIMIT_ARENA_CHUNK_BYTES;
  if (arena->bytes_max) {
    size_t left = arena->bytes_max > arena->bytes_used ? arena->bytes_max - arena->bytes_used : 0;
    if (left < needed) return NULL;
    if (left < size) size = left;
  }
  struct arena_chunk *chunk = malloc(sizeof *chunk + size);
  if (!chunk) return NULL;
  chunk->older = NULL;
  chunk->used_end = chunk->bytes;
  chunk->size = size;
  arena->bytes_used += size;
  ASAN_POISON_MEMORY_REGION(chunk->bytes, size);
  return chunk;
}

static void *piece_give(unsigned char *piece, size_t size) {
  must((uintptr_t)piece % ALIGNMENT == 0);
  ASAN_UNPOISON_MEMORY_REGION(piece, size);
  return piece;
}

static void *alloc_own_chunk(struct arena *arena, size_t size, size_t whole) {
  struct arena_chunk *chunk = chunk_create(arena, whole);
  if (!chunk) return NULL;
  chunk->used_end = chunk->bytes + whole;
  chunk->older = arena->chunks->older;
  arena->chunks->older = chunk;
  return piece_give(chunk->bytes, size);
}

static bool take_new_chunk(struct arena *arena, size_t whole) {
  struct arena_chunk *chunk = chunk_create(arena, whole);
  if (!chunk) return false;
  if (arena->chunks) arena->chunks->used_end = arena->next;
  chunk->older = arena->chunks;
  arena->chunks = chunk;
  arena->next = chunk->bytes;
  arena->end = chunk->bytes + chunk->size;
  return true;
}

void *arena_alloc(struct arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  size_t whole = ((size ? size : 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + RED_ZONE;
  if ((size_t)(arena->end - arena->next) < whole) {
    if (arena->chunks && whole > LIMIT_ARENA_CHUNK_BYTES / 4) return alloc_own_chunk(arena, size, whole);
    if (!take_new_chunk(arena, whole)) return NULL;
  }
  unsigned char *piece = arena->next;
  arena->next += whole;
  must(arena->next <= arena->end);
  return piece_give(piece, size);
}

void *arena_copy(struct arena *arena, const void *data, size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  unsigned char *copy = arena_alloc(arena, size + 1);
  if (!copy) return NULL;
  if (size) memcpy(copy, data, size);
  copy[size] = 0;
  return copy;
}

void arena_reset(struct arena *arena) {
  if (!arena->chunks) return;
  arena->chunks->used_end = arena->next;
  while (arena->chunks->older) {
    struct arena_chunk *older = arena->chunks->older;
    arena->bytes_used -= arena->chunks->size;
    chunk_free(arena->chunks);
    arena->chunks = older;
  }
  struct arena_chunk *first = arena->chunks;
  chunk_wipe(first);
  first->used_end = arena->next = first->bytes;
  arena->end = first->bytes + first->size;
  must(arena->bytes_used == first->size);
}

bool arena_owns(const struct arena *arena, const void *pointer) {
  uintptr_t at = (uintptr_t)pointer;
  for (const struct arena_chunk *chunk = arena->chunks; chunk; chunk = chunk->older) {
    const unsigned char *used_end = chunk == arena->chunks ? arena->next : chunk->used_end;
    if (at >= (uintptr_t)chunk->bytes && at < (uintptr_t)used_end) return true;
  }
  return false;
}
