/* keys.c: a list in the order of coming, and a table of open addresses into it, never more than half full. */
#include "sandbox/keys.h"
#include <stdlib.h>
#include "base/arena.h"
#include "base/check.h"
#include "base/span.h"

struct key {
  weir_span text;
  uint64_t hash, count;
};

struct keys {
  struct arena arena;
  struct key *list;
  size_t count, capacity;
  uint32_t *table; /* index into the list plus 1, 0: free */
  size_t slots;    /* a power of two */
};

static uint64_t hash_of(weir_span text) { /* FNV-1a */
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < text.size; i++) hash = (hash ^ text.data[i]) * 0x100000001b3;
  return hash ^ hash >> 32;
}

struct keys *keys_create(void) {
  struct keys *keys = calloc(1, sizeof *keys);
  must(keys);
  arena_init(&keys->arena, 0);
  return keys;
}

void keys_destroy(struct keys *keys) {
  if (!keys) return;
  arena_fini(&keys->arena);
  free(keys->list);
  free(keys->table);
  free(keys);
}

/* The slot of the key, or the free one where it belongs. */
static uint32_t *slot_of(const struct keys *keys, weir_span text, uint64_t hash) {
  size_t mask = keys->slots - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    uint32_t *slot = &keys->table[at];
    if (*slot == 0) return slot;
    const struct key *key = &keys->list[*slot - 1];
    if (key->hash == hash && span_equal(key->text, text)) return slot;
  }
}

static void grow(struct keys *keys) {
  keys->capacity = keys->capacity ? 2 * keys->capacity : 1024;
  keys->slots = 2 * keys->capacity;
  keys->list = realloc(keys->list, keys->capacity * sizeof *keys->list);
  free(keys->table);
  keys->table = calloc(keys->slots, sizeof *keys->table);
  must(keys->list && keys->table);
  for (size_t i = 0; i < keys->count; i++) *slot_of(keys, keys->list[i].text, keys->list[i].hash) = (uint32_t)i + 1;
}

uint64_t *keys_find(struct keys *keys, weir_span key) {
  if (!keys->count) return NULL;
  uint32_t slot = *slot_of(keys, key, hash_of(key));
  return slot ? &keys->list[slot - 1].count : NULL;
}

uint64_t *keys_at(struct keys *keys, weir_span key) {
  uint64_t *found = keys_find(keys, key);
  if (found) return found;
  if (keys->count == keys->capacity) grow(keys);
  const uint8_t *copy = arena_copy(&keys->arena, key.data ? key.data : (const uint8_t *)"", key.size);
  must(copy);
  struct key *entry = &keys->list[keys->count++];
  *entry = (struct key){.text = weir_bytes(key.data ? copy : NULL, key.size), .hash = hash_of(key)};
  *slot_of(keys, key, entry->hash) = (uint32_t)keys->count;
  return &entry->count;
}

size_t keys_count(const struct keys *keys) { return keys->count; }

void keys_visit(const struct keys *keys, void (*visit)(void *ctx, weir_span key, uint64_t count), void *ctx) {
  for (size_t i = 0; i < keys->count; i++) visit(ctx, keys->list[i].text, keys->list[i].count);
}
