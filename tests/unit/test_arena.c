/* Memory of one task: aligned, budgeted, dead at once. */
#include "base/arena.h"
#include "base/limits.h"
#include <string.h>
#include "unit/cmocka_all.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

static void pieces_are_aligned_and_apart(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  unsigned char *before = NULL;
  for (size_t size = 0; size < 100; size++) {
    unsigned char *piece = arena_alloc(&arena, size);
    assert_non_null(piece);
    assert_int_equal((uintptr_t)piece % 16, 0);
    memset(piece, (int)size, size);
    if (before) assert_true(piece >= before + size - 1);
    assert_ptr_not_equal(piece, before);
    before = piece;
  }
  arena_fini(&arena);
}

static void a_copy_ends_in_nul(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  const char *copy = arena_copy(&arena, "abcdef", 3);
  assert_string_equal(copy, "abc");
  assert_string_equal(arena_copy(&arena, NULL, 0), "");
  arena_fini(&arena);
}

static void the_budget_counts_whole_chunks(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 4096);
  assert_non_null(arena_alloc(&arena, 1000));
  assert_int_equal(arena.bytes_used, 4096);
  assert_null(arena_alloc(&arena, 4000));
  assert_non_null(arena_alloc(&arena, 1000));
  arena_fini(&arena);
  assert_int_equal(arena.bytes_used, 0);
}

static void a_piece_larger_than_a_chunk_leaves_the_chunk_in_use(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  char *small = arena_alloc(&arena, 10), *large = arena_alloc(&arena, 3 * LIMIT_ARENA_CHUNK_BYTES);
  char *next = arena_alloc(&arena, 10);
  assert_non_null(large);
  memset(large, 1, 3 * LIMIT_ARENA_CHUNK_BYTES);
  assert_true(next > small && next < small + 1000);
  arena_fini(&arena);
}

static void absurd_sizes_are_refused(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  assert_null(arena_alloc(&arena, SIZE_MAX));
  assert_null(arena_alloc(&arena, SIZE_MAX - 15));
  assert_null(arena_copy(&arena, "", SIZE_MAX));
  arena_fini(&arena);
}

static void reset_keeps_the_first_chunk_only(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  void *first = arena_alloc(&arena, 100);
  for (int i = 0; i < 100; i++) assert_non_null(arena_alloc(&arena, 60000));
  assert_true(arena.bytes_used > 20 * (size_t)LIMIT_ARENA_CHUNK_BYTES);
  arena_reset(&arena);
  assert_int_equal(arena.bytes_used, LIMIT_ARENA_CHUNK_BYTES);
  assert_ptr_equal(arena_alloc(&arena, 100), first);
  arena_reset(&arena);
  arena_fini(&arena);
  arena_reset(&arena);
}

static void what_was_given_out_is_owned(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  char *piece = arena_alloc(&arena, 64), *large = arena_alloc(&arena, LIMIT_ARENA_CHUNK_BYTES);
  char elsewhere = 0;
  assert_true(arena_owns(&arena, piece) && arena_owns(&arena, piece + 63) && arena_owns(&arena, large + 1000));
  for (int i = 0; i < 10; i++) arena_alloc(&arena, 60000);
  assert_true(arena_owns(&arena, piece));
  assert_false(arena_owns(&arena, &elsewhere));
  assert_false(arena_owns(&arena, NULL));
  arena_reset(&arena);
  assert_false(arena_owns(&arena, piece));
  arena_fini(&arena);
}

#ifndef NDEBUG
static void reset_makes_old_content_useless(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  unsigned char *piece = arena_alloc(&arena, 64);
  memset(piece, 1, 64);
  arena_reset(&arena);
  assert_ptr_equal(arena_alloc(&arena, 64), piece);
  for (size_t i = 0; i < 64; i++) assert_int_equal(piece[i], 0xA5);
  arena_fini(&arena);
}
#endif

#if defined(__SANITIZE_ADDRESS__)
static void an_overrun_is_seen(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  char *piece = arena_alloc(&arena, 20), *large = arena_alloc(&arena, LIMIT_ARENA_CHUNK_BYTES + 1);
  assert_false(__asan_address_is_poisoned(piece + 19));
  assert_true(__asan_address_is_poisoned(piece + 20));
  assert_false(__asan_address_is_poisoned(large + LIMIT_ARENA_CHUNK_BYTES));
  assert_true(__asan_address_is_poisoned(large + LIMIT_ARENA_CHUNK_BYTES + 1));
  arena_reset(&arena);
  assert_true(__asan_address_is_poisoned(piece));
  arena_fini(&arena);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(pieces_are_aligned_and_apart),
    cmocka_unit_test(a_copy_ends_in_nul),
    cmocka_unit_test(the_budget_counts_whole_chunks),
    cmocka_unit_test(a_piece_larger_than_a_chunk_leaves_the_chunk_in_use),
    cmocka_unit_test(absurd_sizes_are_refused),
    cmocka_unit_test(reset_keeps_the_first_chunk_only),
    cmocka_unit_test(what_was_given_out_is_owned),
#ifndef NDEBUG
    cmocka_unit_test(reset_makes_old_content_useless),
#endif
#if defined(__SANITIZE_ADDRESS__)
    cmocka_unit_test(an_overrun_is_seen),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
