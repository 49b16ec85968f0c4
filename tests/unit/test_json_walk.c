/* The JSON that the sandbox reads: members as raw text, strings without their quotes. */
#include "sandbox/json_walk.h"
#include "base/span.h"
#include "unit/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>

/* The walk as text, "name=value" or "value" each, "; " between, "!" and the flaw at the end. */
static const char *walked(const char *text) {
  static char shown[512];
  struct json_walk walk;
  weir_span name, value;
  size_t size = 0;
  shown[0] = 0;
  if (!json_walk_begin(&walk, span_of(text))) return "neither";
  while (json_walk_next(&walk, &name, &value))
    size += (size_t)snprintf(shown + size, sizeof shown - size, "%s%.*s%s%.*s", size ? "; " : "", SPAN_ARGS(name),
        name.data ? "=" : "", SPAN_ARGS(value));
  if (walk.flaw) snprintf(shown + size, sizeof shown - size, "!%zu %s", walk.at, walk.flaw);
  return shown;
}

static void members_come_as_raw_text(void **state) {
  (void)state;
  assert_string_equal(walked("{}"), "");
  assert_string_equal(walked(" [ ] "), "");
  assert_string_equal(walked("{\"a\":1, \"b\" : {\"c\":[1,{\"d\":2}]} ,\"e\":\"x\\\"y\"}"),
      "\"a\"=1; \"b\"={\"c\":[1,{\"d\":2}]}; \"e\"=\"x\\\"y\"");
  assert_string_equal(walked("[true,null,-1.5e3,\"]\",[\"}\"]]"), "true; null; -1.5e3; \"]\"; [\"}\"]");
  assert_string_equal(walked("12"), "neither");
  assert_string_equal(walked(""), "neither");
}

static void a_flaw_has_its_place(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"{\"a\":1", "\"a\"=1!6 expected ',' or a closing bracket"},
      {"{\"a\" 1}", "!5 expected ':'"},
      {"{a:1}", "!1 expected a name in quotes"},
      {"{\"a\":}", "!5 expected a value"},
      {"{\"a\":1,}", "\"a\"=1!7 expected a name in quotes"},
      {"{\"a\":\"x}", "!8 expected the end of a string"},
      {"{\"a\":[1,2", "!9 expected a closing bracket"},
      {"{\"a\":1} x", "\"a\"=1!8 expected nothing behind the closing bracket"},
      {"[1 2]", "1!3 expected ',' or a closing bracket"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_string_equal(walked(cases[i][0]), cases[i][1]);
}

/* Nothing is read behind the end: each prefix stands in memory of its own, which the sanitizer guards. */
static void no_prefix_is_taken_for_the_whole(void **state) {
  (void)state;
  const char whole[] = "{\"key\":\"a\\u00e9\",\"value\":{\"n\":[1,2,\"]\"]},\"headers\":[[\"x\",null]]}";
  for (size_t size = 1; size < sizeof whole - 1; size++) {
    uint8_t *prefix = malloc(size);
    memcpy(prefix, whole, size);
    struct json_walk walk;
    weir_span name, value;
    assert_true(json_walk_begin(&walk, weir_bytes(prefix, size)));
    while (json_walk_next(&walk, &name, &value)) continue;
    assert_non_null(walk.flaw);
    assert_true(walk.at <= size);
    free(prefix);
  }
}

static const char *unquoted(const char *raw) {
  static uint8_t into[256];
  size_t size;
  if (!json_unquote(span_of(raw), into, &size)) return "wrong";
  into[size] = 0;
  return (const char *)into;
}

static void strings_lose_their_quotes(void **state) {
  (void)state;
  assert_string_equal(unquoted("\"\""), "");
  assert_string_equal(unquoted("\"plain\""), "plain");
  assert_string_equal(unquoted("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\/\b\f\n\r\t");
  assert_string_equal(unquoted("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\""), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  static const char *const wrong[] = {"12", "\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u\x10\x10\x10\x10\"",
      "\"\\ud83d\"", "\"\\ud83d\\n\"", "\"\\ud83d\\u0041\"", "\"\\udc00\"", "\"\\"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_string_equal(unquoted(wrong[i]), "wrong");
}

static void a_string_may_be_unquoted_where_it_stands(void **state) {
  (void)state;
  uint8_t text[] = "\"\\u00e9\\n\\ud83d\\ude00z\"";
  size_t size;
  assert_true(json_unquote(weir_bytes(text, sizeof text - 1), text, &size));
  assert_memory_equal(text, "\xc3\xa9\n\xf0\x9f\x98\x80z", size);
  assert_int_equal(size, 8);
}

static void names_are_compared_with_their_quotes(void **state) {
  (void)state;
  assert_true(json_is(span_of("\"key\""), "key"));
  assert_false(json_is(span_of("\"keys\""), "key"));
  assert_false(json_is(span_of("\"ke\""), "key"));
  assert_false(json_is(weir_bytes(NULL, 0), "key"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_come_as_raw_text),
      cmocka_unit_test(a_flaw_has_its_place),
      cmocka_unit_test(no_prefix_is_taken_for_the_whole),
      cmocka_unit_test(strings_lose_their_quotes),
      cmocka_unit_test(a_string_may_be_unquoted_where_it_stands),
      cmocka_unit_test(names_are_compared_with_their_quotes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
