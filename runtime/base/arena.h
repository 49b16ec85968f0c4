/* arena.h: memory of one task. Pieces are bumped out of chunks and all die at once with arena_reset(); nothing is freed alone.
 * Under AddressSanitizer each piece has a red zone and reset poisons; in debug builds reset fills with 0xA5. */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

/* One owner, one thread at a time. */
struct arena {
  struct arena_chunk *chunks; /* newest first */
  unsigned char *next, *end;  /* free part of the newest chunk */
  size_t bytes_used;          /* taken from the machine, chunks counted whole */
  size_t bytes_max;           /* budget; 0: none */
};

/* `bytes_max`: budget in bytes, 0: none. No memory is taken yet. */
void arena_init(struct arena *arena, size_t bytes_max);
void arena_fini(struct arena *arena);
/* Aligned to 16, not zeroed; size 0 gives a valid pointer. NULL: the budget is spent or the machine has no memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of `size` bytes with a NUL behind. NULL as above. */
void *arena_copy(struct arena *arena, const void *data, size_t size);
/* Everything given out is dead; the first chunk is kept, so a next round of the same size allocates nothing. */
void arena_reset(struct arena *arena);
/* True when the pointer lies in memory given out since the last reset: for checks, linear in chunks. */
bool arena_owns(const struct arena *arena, const void *pointer);

#endif
