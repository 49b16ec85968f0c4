/* test_lua_code.c: inline code: its forms, its lines in the pipeline file, its options, and what is refused before a
 * record comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lua_case.h"

static void forms(void **state) {
  (void)state;
  static const char *const values[] = {"true", "false", "nil", "0", "''", "1 == 2", "record.offset >= 0", "({}).x"};
  static const char *const outcomes[] = {"same", "drop", "drop absent", "same", "same", "drop", "same", "drop absent"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    lua_case_expect("keep", values[i], "{}", outcomes[i]);
    lua_case_expect("when", values[i], "{}", outcomes[i]);
  }
  lua_case_expect("keep", "record.json.a -- with a comment", "{\"a\":1}", "same");
  lua_case_expect("keep", "record.json.a\n  and record.json.b\n  -- all of it", "{\"a\":1,\"b\":2}", "same");
  lua_case_expect("keep", "(function() return true end)()", "{}", "same");
  lua_case_expect("keep", "#record.json.a > 1", "{\"a\":[1,2]}", "same");
}

static void a_batch_is_told_in_runs(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("keep", "record.json.a > 1");
  static const char *const values[] = {
      "{\"a\":1}", "{\"a\":0}", "{}", "{}", "bad", "{\"a\":2}", "{}", "{\"a\":1}", "bad", "{\"a\":3}"};
  static const char *const outcomes[] = {
      "drop", "drop", "drop absent", "drop absent", "reject", "same", "drop absent", "drop", "reject", "same"};
  struct fake_batch *batch = fake_batch_open(fake);
  for (int i = 0; i < 10; i++) fake_batch_add(batch, "key", values[i]);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  for (uint32_t i = 0; i < 10; i++) {
    const char *outcome = lua_case_outcome_of(batch, i, values[i]);
    assert_memory_equal(outcome, outcomes[i], strlen(outcomes[i]));
    assert_true(outcomes[i][0] == 'r' || strlen(outcome) == strlen(outcomes[i]));
  }
  lua_case_close(fake);
}

static const char *outcome_of_yaml(const char *yaml) {
  static char text[512];
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "lua");
  fake_host_options(fake, yaml);
  fake_host_place(fake, "quakes.yaml", 40);
  if (fake_host_start(fake))
    snprintf(text, sizeof text, "%s", lua_case_outcome(fake, "{}"));
  else
    snprintf(text, sizeof text, "%s", fake_host_failure(fake));
  fake_host_close(fake);
  return text;
}

/* The line of the code in the file, however it is written there. */
static void lines_are_those_of_the_file(void **state) {
  (void)state;
  assert_string_equal(outcome_of_yaml("keep: error('x')"), "reject lua_error quakes.yaml:40: x");
  assert_string_equal(outcome_of_yaml("\n\nkeep: error('x')"), "reject lua_error quakes.yaml:42: x");
  assert_string_equal(outcome_of_yaml("keep: \"error('x')\""), "reject lua_error quakes.yaml:40: x");
  assert_string_equal(outcome_of_yaml("keep:\n  error('x')"), "reject lua_error quakes.yaml:41: x");
  assert_string_equal(
      outcome_of_yaml("each: |\n  local a\n\n  -- c\n  error('x')\n"), "reject lua_error quakes.yaml:44: x");
  assert_string_equal(outcome_of_yaml("each: |-\n  local a\n  error('x')"), "reject lua_error quakes.yaml:42: x");
  assert_string_equal(outcome_of_yaml("keep: |-\n  error('x')"), "reject lua_error quakes.yaml:41: x");
  assert_string_equal(outcome_of_yaml("each: |+\n  error('x')\n\n\n"), "reject lua_error quakes.yaml:41: x");
  assert_string_equal(outcome_of_yaml("each: |\n  local a\n  x = = 1\n"),
      "quakes.yaml:40:7: quakes.yaml:42: unexpected symbol near '='");
}

static void syntax_is_read_at_once(void **state) {
  (void)state;
  static const struct {
    const char *yaml, *refusal;
  } cases[] = {
      {"keep: record.json.a = 1", "quakes.yaml:40:7: quakes.yaml:40: <eof> expected near '=' (to compare, write ==)"},
      {"keep: return 1", "quakes.yaml:40: unexpected symbol near 'return'"},
      {"keep: 'a b'", "quakes.yaml:40: <eof> expected near 'b'"},
      {"each: if x then", "quakes.yaml:40: 'end' expected near <eof>"},
      {"each: end", "quakes.yaml:40: <eof> expected near 'end'"},
      {"each: end, function()", "quakes.yaml:40: <eof> expected near 'end'"},
      {"each: 'goto nowhere'", "quakes.yaml:40: no visible label 'nowhere' for <goto> at line 40"},
      {"each: break", "quakes.yaml:40: break outside loop at line 40"},
      {"each: local x <const> = 1 x = 2", "quakes.yaml:40: attempt to assign to const variable 'x'"},
      {"each: \"local a = 'x\"", "quakes.yaml:40: unfinished string near <eof>"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *outcome = outcome_of_yaml(cases[i].yaml);
    if (!strstr(outcome, cases[i].refusal)) print_error("%s: %s\n", cases[i].yaml, outcome);
    assert_non_null(strstr(outcome, cases[i].refusal));
  }
}

static void one_form_only(void **state) {
  (void)state;
  assert_string_equal(lua_case_refusal("{}"), "pipeline.yaml:1:1: expected one of keep, each, when and script");
  assert_string_equal(lua_case_refusal("{keep: 'true', each: 'x()'}"),
      "pipeline.yaml:1:1: expected one of keep, each, when and script, found several");
  assert_string_equal(lua_case_refusal("{kepe: 'true'}"), "pipeline.yaml:1:2: unknown option 'kepe'");
}

static void options_are_values(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_open(
      "each: record.json = options\n"
      "options: {a: 10, b: '10', c: 1.5, d: true, e: 'true', f: null, g: [1, x, [2]], h: {i: j}, k: 1e3, l: -7, m: km/h, n: '', o: [],\n"
      "  p: 99999999999999999999, q: 0x10, r: 1.2.3, s: infinity, t: +5}");
  assert_string_equal(lua_case_outcome(fake, "{}"),
      "{\"a\":10,\"b\":\"10\",\"c\":1.5,\"d\":true,\"e\":\"true\",\"g\":[1,\"x\",[2]],\"h\":{\"i\":\"j\"},\"k\":1000.0,\"l\":-7,\"m\":\"km/h\",\"n\":\"\",\"o\":[],"
      "\"p\":1e+20,\"q\":\"0x10\",\"r\":\"1.2.3\",\"s\":\"infinity\",\"t\":5}");
  lua_case_close(fake);
  fake = lua_case_open("keep: next(options) == nil");
  assert_string_equal(lua_case_outcome(fake, "{}"), "same");
  lua_case_close(fake);
  assert_string_equal(lua_case_refusal("{keep: 'true', options: [1]}"),
      "pipeline.yaml:1:25: options: expected a map of names and values");
  assert_string_equal(lua_case_refusal("{keep: 'true', options: {Unit: 1}}"),
      "pipeline.yaml:1:32: options: a name is small letters, digits and _");
}

static void state_stays_in_its_stage(void **state) {
  (void)state;
  struct fake_host *one = lua_case_code("each", "state.n = (state.n or 0) + 1 record.value = tostring(state.n)");
  struct fake_host *two = lua_case_code("each", "state.n = (state.n or 0) + 1 record.value = tostring(state.n)");
  assert_string_equal(lua_case_outcome(one, "x"), "1");
  assert_string_equal(lua_case_outcome(one, "x"), "2");
  assert_string_equal(lua_case_outcome(two, "x"), "1");
  lua_case_close(one);
  lua_case_close(two);
}

/* What stands left of an '=' in every way that Lua allows, with and without JSON. */
static void assignments_mean_what_they_say(void **state) {
  (void)state;
  lua_case_each(
      "local t = {a = {b = {}}, f = function(self) return self end, [1] = {x = {y = 0}}}\n"
      "t.a.b.c = 1 t[\"a\"]['b'].d = 2 t:f().a.b.e = 3 t.f(t).a.b.f = 4 t[1].x.y, t.a.b.g = 5, 6\n"
      "t.a [ [[b]] ] .h = 7 ; (t).a.b.i = 8\n"
      "local u = {t.a.b, k = t.a.b, [t.a.b.c] = t.a.b} u.k.j = 9\n"
      "t[(function() local z = {q = {}} z.q.r = 1 return 'a' end)()].b.k = 10\n"
      "for i = 1, 2 do t.a.b[i] = i end\n"
      "local function g(...) local v = {...} v[1].w = 1 return v[1] end g({}).w = 2\n"
      "if t.a.b.c == 1 then t.a.b.l = 11 else t.a.b.l = 12 end\n"
      "repeat t.a.b.m = 13 until t.a.b.m == 13\n"
      "-- t.a.b.z = 1\n--[==[ t.a.b.z = 1 ]==] local s = 't.a.b.z = 1'\n"
      "::again:: t.a.b.n = t.a.b.c <= 1 and t.a.b.c ~= 2 and t.a.b.c == 1\n"
      "local n <const>, o <close> = 14, nil t.a.b.o = n\n"
      "record.json.r = t.a.b.c .. t.a.b.d .. t.a.b.e .. t.a.b.f .. t.a.b.g .. t.a.b.h .. t.a.b.i .. t.a.b.j .. t.a.b.k .. t.a.b.l .. t.a.b.m .. t.a.b.o .. t[1].x.y .. #t.a.b\n"
      "record.json.n = t.a.b.n",
      "{}", "{\"r\":\"123467891011131452\",\"n\":true}");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(a_batch_is_told_in_runs),
      cmocka_unit_test(lines_are_those_of_the_file), cmocka_unit_test(syntax_is_read_at_once),
      cmocka_unit_test(one_form_only), cmocka_unit_test(options_are_values), cmocka_unit_test(state_stays_in_its_stage),
      cmocka_unit_test(assignments_mean_what_they_say)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
