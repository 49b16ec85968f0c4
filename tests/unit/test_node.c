/* Reading a tree, showing it, and nodes that the file does not have. */
#include "unit/config_play.h"

static const struct weir_config *read_yaml(const char *text) {
  const char *said = NULL;
  const struct weir_config *root = play_yaml(text, &said);
  if (!root) print_error("%s", said);
  assert_non_null(root);
  return root;
}

static void entries_are_found_by_key_and_by_index(void **state) {
  (void)state;
  const struct weir_config *root = read_yaml("a: 1\nlist: [x, y]\n");
  weir_span key;
  assert_string_equal(node_text(node_find(root, "a")), "1");
  assert_null(node_find(root, "b"));
  assert_null(node_find(NULL, "a"));
  assert_null(node_find(node_find(root, "a"), "a"));
  const struct weir_config *list = node_at(root, 1, &key);
  assert_true(span_is(key, "list"));
  assert_string_equal(node_text(node_at(list, 1, &key)), "y");
  assert_null(key.data);
  assert_null(node_at(list, 2, NULL));
  assert_null(node_at(node_at(list, 0, NULL), 0, NULL));
  assert_null(node_at(NULL, 0, NULL));
}

static void nothing_is_written_in_three_ways(void **state) {
  (void)state;
  const struct weir_config *root = read_yaml("a:\nb: ~\nc: null\nd: ''\ne: \"null\"\nf: [ ]\n");
  for (uint32_t i = 0; i < 3; i++) assert_true(node_is_null(root->children[i]));
  for (uint32_t i = 3; i < 6; i++) assert_false(node_is_null(root->children[i]));
}

static void places_count_from_one(void **state) {
  (void)state;
  char place[NODE_PLACE_MAX];
  const struct weir_config *root = read_yaml("a:\n  b: c\n  \"\xC3\xA9\": d\n");
  const struct weir_config *inner = node_find(root, "a");
  assert_string_equal(node_place(place, node_find(inner, "b")), "p.yaml:2:6");
  assert_string_equal(node_place(place, inner->children[1]), "p.yaml:3:8"); /* characters, not bytes */
}

static void the_lines_of_a_literal_are_lines_of_the_file(void **state) {
  (void)state;
  const struct weir_config *root = read_yaml("a: |\n  x\n  y\nb: z\nc: |2-\n    w\n");
  assert_int_equal(node_text_line(node_find(root, "a")), 2);
  assert_int_equal(node_text_line(node_find(root, "b")), 4);
  assert_int_equal(node_text_line(node_find(root, "c")), 6);
}

static void what_was_found_is_shown_short_and_safe(void **state) {
  (void)state;
  char shown[NODE_SHOWN_MAX];
  const struct weir_config *root = read_yaml("a: x\nb: [1]\nc: {d: e}\nf:\ng: \"\\e[2J\"\n");
  assert_string_equal(node_shown(shown, node_find(root, "a")), "\"x\"");
  assert_string_equal(node_shown(shown, node_find(root, "b")), "a list");
  assert_string_equal(node_shown(shown, node_find(root, "c")), "a map");
  assert_string_equal(node_shown(shown, node_find(root, "f")), "nothing");
  assert_string_equal(node_shown(shown, node_find(root, "g")), "\"\\x1b[2J\"");
  char text[300];
  memset(text, 'x', sizeof text);
  struct weir_config *node = node_make_scalar(&play_arena, NULL, NULL, weir_bytes(text, sizeof text));
  assert_true(strlen(node_shown(shown, node)) < 80);
  node->masked = true;
  assert_string_equal(node_shown(shown, node), "a secret (not shown)");
}

static void made_nodes_take_the_place_of_another(void **state) {
  (void)state;
  char place[NODE_PLACE_MAX];
  const struct weir_config *root = read_yaml("a:\n  b: c\n");
  const struct weir_config *like = node_find(node_find(root, "a"), "b");
  struct weir_config *scalar = node_make_scalar(&play_arena, like, "n", weir_text("5"));
  assert_string_equal(node_place(place, scalar), "p.yaml:2:6");
  assert_true(scalar->fallback && scalar->interpolated);
  assert_false(node_is_null(node_make_scalar(&play_arena, like, "n", weir_text("null"))));
  const struct weir_config *children[] = {scalar, node_make_copy(&play_arena, like, "other")};
  const struct weir_config *map = node_make_map(&play_arena, like, NULL, children, 2);
  assert_string_equal(node_text(node_find(map, "n")), "5");
  assert_string_equal(node_text(node_find(map, "other")), "c");
  assert_int_equal(map->weight, 3);
  assert_int_equal(map->height, 2);
  assert_true(span_is(like->key, "b")); /* the copy's key is its own */
  const struct weir_config *list = node_make_list(&play_arena, like, "l", &map, 1);
  assert_int_equal(list->height, 3);
  assert_ptr_equal(node_at(list, 0, NULL), map);
  assert_string_equal(node_place(place, node_make_scalar(&play_arena, NULL, NULL, weir_text(""))), "");
}

static void without_memory_nothing_is_made(void **state) {
  (void)state;
  struct arena arena;
  for (size_t bytes = 16; bytes < 700; bytes += 16) {
    arena_init(&arena, bytes);
    struct weir_config *scalar = node_make_scalar(&arena, NULL, "key", weir_text("text"));
    const struct weir_config *children[] = {scalar};
    if (scalar) {
      struct weir_config *map = node_make_map(&arena, NULL, "map", children, 1);
      if (map) assert_int_equal(map->count, 1);
      struct weir_config *copy = node_make_copy(&arena, scalar, "copy");
      if (copy) assert_true(span_is(copy->key, "copy"));
    }
    arena_fini(&arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_are_found_by_key_and_by_index),
      cmocka_unit_test(nothing_is_written_in_three_ways),
      cmocka_unit_test(places_count_from_one),
      cmocka_unit_test(the_lines_of_a_literal_are_lines_of_the_file),
      cmocka_unit_test(what_was_found_is_shown_short_and_safe),
      cmocka_unit_test(made_nodes_take_the_place_of_another),
      cmocka_unit_test(without_memory_nothing_is_made),
  };
  return cmocka_run_group_tests(tests, NULL, play_close);
}
