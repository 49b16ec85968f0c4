/* YAML into a tree: styles, aliases, limits, and each refusal with its sentence. */
#include "base/limits.h"
#include "unit/config_play.h"

static const struct weir_config *good(const char *text) {
  const char *said = NULL;
  const struct weir_config *root = play_yaml(text, &said);
  assert_string_equal(said, "");
  assert_non_null(root);
  return root;
}

static void bad(const char *text, const char *expected) {
  const char *said = NULL;
  play_yaml(text, &said);
  play_expect(said, expected);
}

static void scalars_keep_how_they_were_written(void **state) {
  (void)state;
  const struct weir_config *root =
      good("a: plain\nb: 'single'\nc: \"dou\\tble\"\nd: |\n  lit\n   eral\ne: >-\n  fol\n  ded\n");
  assert_int_equal(node_find(root, "a")->style, STYLE_PLAIN);
  assert_int_equal(node_find(root, "b")->style, STYLE_QUOTED);
  assert_string_equal(node_text(node_find(root, "c")), "dou\tble");
  assert_int_equal(node_find(root, "d")->style, STYLE_LITERAL);
  assert_string_equal(node_text(node_find(root, "d")), "lit\n eral\n");
  assert_int_equal(node_find(root, "e")->style, STYLE_FOLDED);
  assert_string_equal(node_text(node_find(root, "e")), "fol ded");
}

static void every_node_knows_its_place_and_its_keys(void **state) {
  (void)state;
  const struct weir_config *root = good("source:\n  topics: [a, b]\n");
  const struct weir_config *topics = node_find(node_find(root, "source"), "topics");
  assert_int_equal(topics->line, 2);
  assert_int_equal(topics->column, 11);
  assert_int_equal(topics->key_line, 2);
  assert_int_equal(topics->key_column, 3);
  assert_int_equal(topics->children[1]->column, 15);
  assert_string_equal(topics->file, "p.yaml");
}

static void an_alias_shares_what_it_stands_for(void **state) {
  (void)state;
  const struct weir_config *root = good("a: &x {b: [c]}\nd: *x\ne: &s text\nf: *s\n");
  assert_ptr_equal(node_find(node_find(root, "a"), "b"), node_find(node_find(root, "d"), "b"));
  assert_string_equal(node_text(node_find(root, "f")), "text");
  assert_true(span_is(node_find(root, "d")->key, "d"));
  assert_int_equal(root->weight, 9);
  root = good("a: &x 1\nb: &x 2\nc: *x\n");
  assert_string_equal(node_text(node_find(root, "c")), "2"); /* the nearest before it */
}

static void a_byte_order_mark_is_no_content(void **state) {
  (void)state;
  const struct weir_config *root = good("\xEF\xBB\xBF"
                                        "a: b\n");
  assert_string_equal(node_text(node_find(root, "a")), "b");
  assert_int_equal(node_find(root, "a")->key_column, 1);
}

static void what_a_tree_cannot_hold_is_refused(void **state) {
  (void)state;
  bad("a: 1\nb: 2\na: 3\n", "p.yaml:3:1: the key \"a\" stands twice in this map, the first time in line 1\n");
  bad("x: {c: 1, c: 2, c: 3}\n", "p.yaml:1:17: the key \"c\" stands twice in this map, the first time in line 1\n");
  bad("a: &x {b: 1}\nc: {<<: *x}\n",
      "p.yaml:2:5: merge keys (`<<`) are not taken: write the keys out, so that a reader sees them\n");
  bad("a: 1\n---\nb: 2\n", "p.yaml:2:1: a second document starts here; a pipeline file has one\n");
  bad("a: !!int 5\n", "p.yaml:1:4: tags (`!name`) are not taken: every value is text until its key says what it is\n");
  bad("a: !x [5]\n", "p.yaml:1:4: tags (`!name`) are not taken: remove it\n");
  bad("a: !x {b: 5}\n", "p.yaml:1:4: tags (`!name`) are not taken: remove it\n");
  bad("? [a]\n: b\n", "p.yaml:1:3: a key must be text, not a list or a map\n");
  bad("a: &x 1\n*x : 2\n", "p.yaml:2:1: a key must be text, not an alias\n");
  bad("&x a: 1\n", "p.yaml:1:1: a key cannot have an anchor\n");
  bad("'': a\n", "p.yaml:1:1: a key is missing before the colon\n");
  bad("a: *x\n", "p.yaml:1:4: this alias has no anchor before it; a text that starts with * stands in quotes\n");
  bad("a: &x [*x]\n", "p.yaml:1:8: the alias stands inside of what it is an alias for\n");
  bad("a: \"x\\0y\"\n", "p.yaml:1:4: the text has a NUL byte in it\n");
  bad("", "p.yaml: the file is empty\n");
  bad("# nothing\n", "p.yaml: the file is empty\n");
  bad("a: \xFF\n", "p.yaml:1:4: the file is not UTF-8: byte 0xff\n");
  bad("a: b\n\x01", "p.yaml:2:1: control character 0x01; write it as an escape\n");
  bad("a: \x7F\n", "p.yaml:1:4: control character 0x7f; write it as an escape\n");
}

static void a_nul_byte_in_the_file_is_no_end(void **state) {
  (void)state;
  struct report report;
  struct arena arena;
  report_init(&report);
  arena_init(&arena, 0);
  assert_null(yaml_read("p.yaml", weir_bytes("a: b\n\0: c\n", 10), &arena, &report));
  play_expect(play_said(&report), "p.yaml:2:1: control character 0x00; write it as an escape\n");
  arena_fini(&arena);
  report_fini(&report);
}

/* `count` copies of a text between two others. */
static char *repeated(const char *before, const char *text, size_t count, const char *after) {
  size_t size = strlen(text);
  char *whole = malloc(strlen(before) + count * size + strlen(after) + 1), *at = whole;
  assert_non_null(whole);
  at = stpcpy(at, before);
  while (count--) at = stpcpy(at, text);
  strcpy(at, after);
  return whole;
}

static void depth_is_limited(void **state) {
  (void)state;
  char *fine = repeated("a: ", "[", LIMIT_YAML_DEPTH - 2, "x"),
       *whole = repeated(fine, "]", LIMIT_YAML_DEPTH - 2, "\n");
  good(whole);
  free(fine);
  free(whole);
  whole = repeated("", "[", 50000, "");
  bad(whole, "p.yaml:1:65: lists and maps stand more than 64 deep in each other\n");
  free(whole);
}

static void aliases_do_not_get_around_the_depth(void **state) {
  (void)state;
  char text[4096] = "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n";
  for (int i = 1; i < 8; i++) {
    char line[64];
    snprintf(line, sizeof line, "a%d: &a%d [[[[[[[[[[*a%d]]]]]]]]]]\n", i, i, i - 1);
    strcat(text, line);
  }
  bad(text, "p.yaml:7:19: lists and maps stand more than 64 deep in each other\n");
}

static void values_are_counted_also_behind_aliases(void **state) {
  (void)state;
  char *whole = repeated("a: [", "b,", 100001, "]\n");
  bad(whole, "the file has more than 100000 values, those behind aliases counted each time\n");
  free(whole);
  bad("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
      "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
      "p.yaml:5:26: the file has more than 100000 values, those behind aliases counted each time\n");
}

static void anchors_and_bytes_are_limited(void **state) {
  (void)state;
  char *whole = repeated("[", "&a x, ", LIMIT_YAML_ANCHORS, "]\n");
  good(whole);
  free(whole);
  whole = repeated("[", "&a x, ", LIMIT_YAML_ANCHORS + 1, "]\n");
  bad(whole, "the file has more than 1000 anchors\n");
  free(whole);
  whole = repeated("# ", "x", LIMIT_FILE_BYTES, "\n");
  bad(whole, "p.yaml: the file is larger than 1048576 bytes\n");
  free(whole);
}

static void files_are_read_from_disk(void **state) {
  (void)state;
  struct report report;
  report_init(&report);
  arena_fini(&play_arena);
  arena_init(&play_arena, 0);
  const struct weir_config *root = yaml_read_file(scratch_write("a.yaml", "a: b\n"), &play_arena, &report);
  assert_string_equal(node_text(node_find(root, "a")), "b");
  assert_null(yaml_read_file("/nowhere/x.yaml", &play_arena, &report));
  assert_string_equal(play_said(&report), "/nowhere/x.yaml: there is no such file\n");
  report_fini(&report);
}

static void without_memory_it_is_said(void **state) {
  (void)state;
  struct report report;
  struct arena arena;
  bool read = false;
  for (size_t bytes = 16; !read; bytes += 64) {
    assert_true(bytes < 20000);
    report_init(&report);
    arena_init(&arena, bytes);
    read = yaml_read("p.yaml", weir_text("a: &x {b: [c, d]}\ne: *x\nf: 'g'\n"), &arena, &report) != NULL;
    if (!read)
      play_expect(play_said(&report), "no memory to read the file\n");
    else
      assert_true(report_is_empty(&report));
    arena_fini(&arena);
    report_fini(&report);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scalars_keep_how_they_were_written),
      cmocka_unit_test(every_node_knows_its_place_and_its_keys),
      cmocka_unit_test(an_alias_shares_what_it_stands_for),
      cmocka_unit_test(a_byte_order_mark_is_no_content),
      cmocka_unit_test(what_a_tree_cannot_hold_is_refused),
      cmocka_unit_test(a_nul_byte_in_the_file_is_no_end),
      cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(aliases_do_not_get_around_the_depth),
      cmocka_unit_test(values_are_counted_also_behind_aliases),
      cmocka_unit_test(anchors_and_bytes_are_limited),
      cmocka_unit_test_setup_teardown(files_are_read_from_disk, scratch_open, scratch_close),
      cmocka_unit_test(without_memory_it_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, play_close);
}
