/* ${env:}, ${file:} and $${: after parsing, once, never as structure, secrets masked. */
#include "config/interpolation.h"
#include "unit/config_play.h"

static const char *variable(const char *name) {
  static const char *const pairs[][2] = {{"NAME", "value"}, {"EMPTY", ""}, {"TRAP", "a: b # c\n- ${env:NAME}"},
      {"DB_PASSWORD", "hunter2"}, {"api_token", "t0k"}, {"SPACED", " x "}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (strcmp(name, pairs[i][0]) == 0) return pairs[i][1];
  return NULL;
}

/* The tree of a text after interpolation; *said is what was reported. */
static const struct weir_config *interpolated(const char *text, const char **said) {
  struct report report;
  report_init(&report);
  arena_fini(&play_arena);
  arena_init(&play_arena, 0);
  struct weir_config *root = yaml_read("p.yaml", span_of(text), &play_arena, &report);
  assert_non_null(root);
  struct interpolation interpolation = {scratch_folder, variable, &play_arena, &report};
  interpolation_apply(&interpolation, root);
  *said = play_said(&report);
  report_fini(&report);
  return root;
}

/* What `a: TEXT` becomes. */
static const struct weir_config *becomes(const char *text, const char *expected) {
  const char *said = NULL;
  char yaml[512];
  snprintf(yaml, sizeof yaml, "a: '%s'\n", text);
  const struct weir_config *node = node_find(interpolated(yaml, &said), "a");
  assert_string_equal(said, "");
  assert_string_equal(node_text(node), expected);
  return node;
}

static void refused(const char *text, const char *expected) {
  const char *said = NULL;
  char yaml[512];
  snprintf(yaml, sizeof yaml, "a: '%s'\n", text);
  interpolated(yaml, &said);
  play_expect(said, expected);
}

static void variables_are_put_in(void **state) {
  (void)state;
  becomes("${env:NAME}", "value");
  becomes("<${env:NAME}${env:NAME}>", "<valuevalue>");
  becomes("${env:EMPTY}", "");
  becomes("${env:SPACED}", " x ");
  assert_string_equal((const char *)becomes("${env:NAME}", "value")->raw.data, "${env:NAME}");
}

static void a_default_stands_in_for_unset_and_empty(void **state) {
  (void)state;
  becomes("${env:NAME:-x}", "value");
  becomes("${env:NONE:-localhost:9092}", "localhost:9092");
  becomes("${env:EMPTY:-x}", "x");
  becomes("${env:NONE:-}", "");
}

static void dollars_alone_mean_nothing(void **state) {
  (void)state;
  becomes("$${env:NAME}", "${env:NAME}");
  becomes("a $ b $5 $$ $", "a $ b $5 $$ $");
  becomes("$$${env:NAME}", "$${env:NAME}"); /* the first is a dollar, the rest the literal */
  becomes("plain", "plain");
}

static void a_value_never_becomes_structure(void **state) {
  (void)state;
  const char *said = NULL;
  const struct weir_config *root = interpolated("a: ${env:TRAP}\nb: [ '${env:TRAP}' ]\n", &said);
  assert_string_equal(said, "");
  assert_int_equal(root->count, 2);
  assert_int_equal(node_find(root, "a")->kind, NODE_SCALAR);
  assert_string_equal(node_text(node_find(root, "a")), "a: b # c\n- ${env:NAME}"); /* nor is it looked at again */
  assert_int_equal(node_find(root, "b")->count, 1);
}

static void shared_nodes_are_done_once(void **state) {
  (void)state;
  const char *said = NULL;
  const struct weir_config *root =
      interpolated("a: &x {k: '$${env:NAME}'}\nb: *x\nc: &y '$${env:NAME}'\nd: *y\n", &said);
  assert_string_equal(node_text(node_find(node_find(root, "b"), "k")), "${env:NAME}");
  assert_string_equal(node_text(node_find(root, "c")), "${env:NAME}");
  assert_string_equal(node_text(node_find(root, "d")), "${env:NAME}");
}

static void a_file_gives_its_text_without_its_line_end(void **state) {
  (void)state;
  scratch_write("secret", "hunter2\n");
  const struct weir_config *node = becomes("${file:secret}", "hunter2");
  assert_true(node->masked);
  scratch_write("windows", "hunter2\r\n");
  becomes("x${file:windows}", "xhunter2");
  scratch_write("two", "a\n\n");
  becomes("${file:two}", "a\n");
  scratch_write("none", "");
  becomes("${file:none}", "");
  char absolute[256];
  snprintf(absolute, sizeof absolute, "${file:%s/secret}", scratch_folder);
  becomes(absolute, "hunter2");
}

static void secrets_are_known_by_their_variables_name(void **state) {
  (void)state;
  assert_true(becomes("${env:DB_PASSWORD}", "hunter2")->masked);
  assert_true(becomes("${env:api_token}", "t0k")->masked);
  assert_false(becomes("${env:NAME}", "value")->masked);
  assert_false(becomes("${env:NO_PASSWORD:-x}", "x")->masked); /* the default stands in the file for all to see */
}

static void each_mistake_has_its_sentence(void **state) {
  (void)state;
  refused(
      "${env:NONE}", "p.yaml:1:4: the environment variable NONE is not set; set it, or write ${env:NONE:-default}\n");
  refused("${env:}",
      "p.yaml:1:4: ${env:}: a variable's name is letters, digits and _; write ${env:NAME} or ${env:NAME:-default}\n");
  refused("${env:A-B}", "${env:A-B}: a variable's name is letters, digits and _");
  refused("${NAME}", "p.yaml:1:4: ${NAME} is unknown; did you mean ${env:NAME}?\n");
  refused("${vault:x}",
      "${vault:x} is unknown; there are ${env:NAME}, ${env:NAME:-default} and ${file:path}, and $${ for ${ itself\n");
  refused("${}", "${} is unknown; there are");
  refused("${env:NAME", "p.yaml:1:4: ${ has no } behind it; write $${ for ${ itself\n");
  refused("${file:}", "${file:} names no file; write ${file:path}\n");
  refused("${file:missing}", "p.yaml:1:4: ${file:missing}: there is no such file\n");
  scratch_write("large", "");
  assert_int_equal(truncate(scratch_path("large"), LIMIT_INCLUDED_BYTES + 1), 0);
  refused("${file:large}", "${file:large}: it is larger than 64 KiB\n");
  assert_int_equal(truncate(scratch_path("large"), 5), 0);
  refused("${file:large}", "${file:large}: it has a NUL byte in it\n");
}

static void a_value_has_a_limit(void **state) {
  (void)state;
  const char *said = NULL;
  char yaml[512] = "a: '";
  FILE *file = fopen(scratch_path("chunk"), "w");
  assert_non_null(file);
  for (int i = 0; i < LIMIT_INCLUDED_BYTES; i++) fputc('x', file);
  fclose(file);
  for (int i = 0; i < 17; i++) strcat(yaml, "${file:chunk}");
  strcat(yaml, "'\n");
  interpolated(yaml, &said);
  play_expect(said, "p.yaml:1:4: the value becomes larger than 1048576 bytes\n");
}

static void without_memory_it_is_said(void **state) {
  (void)state;
  struct report report;
  struct arena arena;
  report_init(&report);
  arena_init(&arena, 0);
  struct weir_config *root = yaml_read("p.yaml", weir_text("${env:NAME}\n"), &arena, &report);
  arena.bytes_max = 1; /* from now on */
  while (arena_alloc(&arena, 16)) continue;
  interpolation_apply(&(struct interpolation){scratch_folder, variable, &arena, &report}, root);
  play_expect(play_said(&report), "p.yaml:1:1: no memory for this value\n");
  arena_fini(&arena);
  report_fini(&report);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(variables_are_put_in),
      cmocka_unit_test(a_default_stands_in_for_unset_and_empty),
      cmocka_unit_test(dollars_alone_mean_nothing),
      cmocka_unit_test(a_value_never_becomes_structure),
      cmocka_unit_test(shared_nodes_are_done_once),
      cmocka_unit_test(a_file_gives_its_text_without_its_line_end),
      cmocka_unit_test(secrets_are_known_by_their_variables_name),
      cmocka_unit_test(each_mistake_has_its_sentence),
      cmocka_unit_test(a_value_has_a_limit),
      cmocka_unit_test(without_memory_it_is_said),
  };
  int failed = cmocka_run_group_tests(tests, scratch_open, scratch_close);
  play_close(NULL);
  return failed;
}
