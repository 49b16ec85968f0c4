/* What YAML does with Lua code, tabs and colons, and the sentence that each mistake gets. */
#include "unit/config_play.h"

#define STAGES PLAY_FINE "stages:\n" /* the entries start in line 6 */
#define WRITE_KEEP "; write `keep: |` and the code on the next line, indented\n"
#define WRITE_EACH "; write `each: |` and the code on the next line, indented\n"

static void code_that_starts_with_a_quote(void **state) {
  (void)state;
  static const char flaw[] = "p.yaml:6:11: the code starts with a quote, so YAML ends it at the next one" WRITE_KEEP;
  play_refused(STAGES "  - keep: \"a\" == record.key\n", flaw);
  play_refused(STAGES "  - keep: 'a' == record.key\n", flaw);
  play_refused(STAGES "  - keep: \"a\n  - keep: b\n", flaw);
}

static void code_that_starts_like_a_map_or_a_list(void **state) {
  (void)state;
  play_refused(STAGES "  - keep: {1, 2}[1] == 2\n",
      "p.yaml:6:11: the code starts with {, which starts a map in YAML" WRITE_KEEP);
  play_refused(STAGES "  - keep: {a}\n",
      "p.yaml:6:11: the code starts with {, or has a colon with a space behind it, which makes it a map in YAML" WRITE_KEEP);
  play_refused(
      STAGES "  - keep: [[x]] == y\n", "p.yaml:6:11: the code starts with [, which starts a list in YAML" WRITE_KEEP);
  play_refused(STAGES "  - keep: [a]\n", "p.yaml:6:11: the code starts with [, which starts a list in YAML" WRITE_KEEP);
}

static void code_that_starts_with_a_sign_of_yaml(void **state) {
  (void)state;
  static const char sign[] = "p.yaml:6:11: the code starts with a character that has a meaning in YAML" WRITE_KEEP;
  play_refused(STAGES "  - keep: @x\n", sign);
  play_refused(STAGES "  - keep: `x`\n", sign);
  play_refused(STAGES "  - keep: %x\n", sign);
  play_refused(STAGES "  - keep: *x\n", sign);
  play_refused(STAGES "  - keep: > 5\n", sign);
  play_refused(STAGES "  - keep: !x\n",
      "p.yaml:6:11: the code starts with !, which starts a tag in YAML (Lua's negation is `not`)" WRITE_KEEP);
  play_refused(STAGES "  - keep: - x\n",
      "p.yaml:6:11: the code starts with -, which starts an entry of a list in YAML" WRITE_KEEP);
  play_refused(
      STAGES "  - keep: | record.x\n", "p.yaml:6:11: the code stands behind the | on the same line" WRITE_KEEP);
}

static void code_with_a_colon(void **state) {
  (void)state;
  play_refused(STAGES "  - keep: record.type == \"quake: big\"\n",
      "p.yaml:6:11: the code has a colon with a space behind it, which YAML takes for a key" WRITE_KEEP);
}

static void code_with_a_hash(void **state) {
  (void)state;
  static const char cut[] = "YAML cuts the code at # with a space before it, as a comment" WRITE_KEEP;
  play_refused(STAGES "  - keep: record.n > 1 # big\n", cut);
  play_refused(STAGES "  - keep: x > #record.value\n", cut);
  play_refused(STAGES "  - keep: #record.value > 0\n", cut);
  play_refused(STAGES "  - keep: '\xC3\xA9' .. x\n  - keep: \xC3\xA9 #x\n", "p.yaml:6:11: ");
  play_refused(STAGES "  - {plugin: x, options: {\xC3\xA9: \xC3\xA9}}\n  - keep: \xC3\xA9 #x\n",
      "p.yaml:7:11: YAML cuts the code");
  struct pipeline_file *file = play_open(STAGES "  - keep: record.value:sub(#record.value)\n", NULL);
  assert_non_null(file); /* no space before it: no comment */
  pipeline_file_close(file);
}

static void code_over_several_lines(void **state) {
  (void)state;
  static const char joined[] = "YAML joins these lines to one, so a Lua comment would swallow the rest" WRITE_EACH;
  play_refused(STAGES "  - each:\n      a = 1 -- one\n      b = 2\n", joined);
  play_refused(STAGES "  - each: \"a = 1\n      b = 2\"\n", joined);
  play_refused(STAGES "  - each: >\n      a = 1\n      b = 2\n", joined);
}

static void code_that_is_not_there(void **state) {
  (void)state;
  play_refused(STAGES "  - each:\n", "p.yaml:6:10: there is no code" WRITE_EACH);
  play_refused(PLAY_HEAD "sinks:\n  - plugin: blackhole\n    when:\n",
      "p.yaml:6:10: there is no code; write `when: |` and the code on the next line, indented\n");
}

static void code_inside_of_braces(void **state) {
  (void)state;
  play_refused(STAGES "  - {plugin: json, when: record.a and x ? y: z}\n",
      "p.yaml:6:44: inside of {} a comma, a colon or a bracket ends the code; write each key on a line of its own, and `when: |`\n");
}

static void code_as_it_should_be(void **state) {
  (void)state;
  struct pipeline_file *file =
      play_open(STAGES "  - keep: record.json.mag >= 4.5\n"
                       "  - keep: |\n      \"a: #\" == {record.key}[1] -- {\n"
                       "  - each: |\n      for k, v in pairs(x) do\n        y[k] = v # 1\n      end\n"
                       "  - keep: \"record.key == 'a'\"\n",
          NULL);
  assert_non_null(file);
  assert_string_equal(node_text(node_find(file->stages[0].options, "keep")), "record.json.mag >= 4.5");
  assert_string_equal(node_text(node_find(file->stages[1].options, "keep")), "\"a: #\" == {record.key}[1] -- {\n");
  pipeline_file_close(file);
}

static void tabs(void **state) {
  (void)state;
  static const char tab[] = "p.yaml:2:1: the line is indented with a tab; YAML takes only spaces, so use those\n";
  play_refused("a:\n\tb: c\n", tab);
  play_refused("a:\n  \tb: c\n", tab);
  play_refused("a: b\n\tc: d\n", tab);
}

static void a_missing_space(void **state) {
  (void)state;
  play_refused("pipeline: p\nsource:\n  topics:[a]\n  group: g\n", "p.yaml:3:9: a space is missing behind the colon\n");
  play_refused("pipeline:p\nkafka: x\n", "p.yaml:1:9: a space is missing behind the colon\n");
  play_refused(STAGES "  - keep:record.x\n",
      "p.yaml:6:5: found \"keep:record.x\", expected an entry such as `plugin: json`; a space is missing behind the colon\n");
}

static void mistakes_of_yaml_alone(void **state) {
  (void)state;
  play_refused("a: b\n c: d\n",
      "p.yaml:2:3: a key cannot stand here: check the indentation, and put a text with a colon in it in quotes\n");
  play_refused(
      "a: [b, c\nd: e\n", "p.yaml:2:2: the list that [ starts in line 1 is not closed with ], or a comma is missing\n");
  play_refused("a: \"b\" c\n",
      "p.yaml:1:8: a key was expected here, in the map that starts in line 1: check the indentation, and quotes that end too early\n");
  play_refused("a: {b: [c}\n", "the list that [ starts in line 1 is not closed with ], or a comma is missing\n");
  play_refused("a: {b: c]\n", "the map that { starts in line 1 is not closed with }, or a comma is missing\n");
  play_refused("a: 'b\nc: d\n", "the quote in line 1 is not closed\n");
  play_refused("a: \"\\d\"\n",
      "p.yaml:1:5: in double quotes a backslash starts an escape that YAML must know; write the text in single quotes\n");
  play_refused("a: @b\n", "p.yaml:1:4: a text cannot start with this character; put it in quotes\n");
  play_refused("a:\n  - b\n  c\n", "p.yaml:4:1: ");
  play_refused("a:\n- b\n-c: d\n", "p.yaml:3:1: ");
  play_refused("a: {b: c:9092:}\n", "p.yaml:1:14: put a text that has a colon in it in quotes, inside of [] and {}\n");
  play_refused("a: - b\n", "p.yaml:1:4: an entry of a list cannot stand here: it starts on a line of its own\n");
  play_refused("a: b\nc\nd: e\n", "the key in line 2 has no colon behind it\n");
  play_refused("%YAML 9.9\n---\na: b\n", "p.yaml:1:1: this is not YAML: found incompatible YAML document\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(code_that_starts_with_a_quote),
      cmocka_unit_test(code_that_starts_like_a_map_or_a_list),
      cmocka_unit_test(code_that_starts_with_a_sign_of_yaml),
      cmocka_unit_test(code_with_a_colon),
      cmocka_unit_test(code_with_a_hash),
      cmocka_unit_test(code_over_several_lines),
      cmocka_unit_test(code_that_is_not_there),
      cmocka_unit_test(code_inside_of_braces),
      cmocka_unit_test(code_as_it_should_be),
      cmocka_unit_test(tabs),
      cmocka_unit_test(a_missing_space),
      cmocka_unit_test(mistakes_of_yaml_alone),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
