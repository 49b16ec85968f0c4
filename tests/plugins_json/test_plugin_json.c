/* test_plugin_json.c: the json stage: conditions, edits, what it rejects, and what it says of wrong options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <regex.h>
#include <cmocka.h>
#include <support/fake_host.h>

static struct fake_host *started(const char *options) {
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "json");
  fake_host_options(fake, options);
  if (!fake_host_start(fake)) fail_msg("%s: %s", options, fake_host_failure(fake));
  return fake;
}

/* The verdict on one value. */
static weir_verdict verdict_on(struct fake_host *fake, const char *value) {
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", value);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  weir_verdict verdict = fake_batch_verdict(batch, 0);
  fake_batch_close(batch);
  return verdict;
}

/* ---- Conditions ---- */

struct where {
  const char *condition, *value;
  weir_verdict verdict;
};

static const struct where wheres[] = {
    {"{field: type, equals: earthquake}", "{\"type\":\"earthquake\"}", WEIR_PASS},
    {"{field: type, equals: earthquake}", "{\"type\":\"quarry blast\"}", WEIR_DROP},
    {"{field: type, equals: earthquake}", "{\"typ\":1}", WEIR_DROP},
    {"{field: type, equals: earthquake}", "{\"type\":\"earth\\u0071uake\"}", WEIR_PASS},
    {"{field: n, equals: 10}", "{\"n\":10}", WEIR_PASS},
    {"{field: n, equals: 10}", "{\"n\":\"10\"}", WEIR_DROP},
    {"{field: n, equals: '10'}", "{\"n\":\"10\"}", WEIR_PASS},
    {"{field: n, equals: '10'}", "{\"n\":10}", WEIR_DROP},
    {"{field: n, equals: 10}", "{\"n\":1.0e1}", WEIR_PASS},
    {"{field: n, equals: 9007199254740993}", "{\"n\":9007199254740993}", WEIR_PASS},
    {"{field: n, equals: 9007199254740993}", "{\"n\":9007199254740992}", WEIR_DROP},
    {"{field: n, equals: 9007199254740993}", "{\"n\":9007199254740992.0}", WEIR_DROP},
    {"{field: n, equals: 18446744073709551616}", "{\"n\":18446744073709551616}", WEIR_PASS},
    {"{field: n, equals: 18446744073709551616}", "{\"n\":18446744073709551617}", WEIR_DROP},
    {"{field: n, above: 18446744073709551615}", "{\"n\":18446744073709551616}", WEIR_PASS},
    {"{field: n, above: 18446744073709551616}", "{\"n\":18446744073709551615}", WEIR_DROP},
    {"{field: n, below: -9223372036854775808}", "{\"n\":-9223372036854775809}", WEIR_PASS},
    {"{field: n, at_least: -9223372036854775808}", "{\"n\":-9223372036854775809}", WEIR_DROP},
    {"{field: n, below: -18446744073709551616}", "{\"n\":-18446744073709551617}", WEIR_PASS},
    {"{field: n, below: -18446744073709551617}", "{\"n\":-18446744073709551616}", WEIR_DROP},
    {"{field: n, above: 1e308}", "{\"n\":1e999}", WEIR_PASS},
    {"{field: ok, equals: true}", "{\"ok\":true}", WEIR_PASS},
    {"{field: ok, equals: true}", "{\"ok\":\"true\"}", WEIR_DROP},
    {"{field: ok, equals: 'true'}", "{\"ok\":true}", WEIR_DROP},
    {"{field: n, equals: null}", "{\"n\":null}", WEIR_PASS},
    {"{field: n, equals: null}", "{}", WEIR_DROP},
    {"{field: n, not_equals: 5}", "{\"n\":6}", WEIR_PASS},
    {"{field: n, not_equals: 5}", "{\"n\":\"5\"}", WEIR_PASS},
    {"{field: n, not_equals: 5}", "{\"n\":5.0}", WEIR_DROP},
    {"{field: n, not_equals: 5}", "{}", WEIR_DROP},
    {"{field: n, not_equals: 5}", "{\"n\":null}", WEIR_DROP},
    {"{field: n, not_equals: 5}", "{\"n\":[]}", WEIR_PASS},
    {"{field: n, at_least: 4.5}", "{\"n\":4.5}", WEIR_PASS},
    {"{field: n, at_least: 4.5}", "{\"n\":4}", WEIR_DROP},
    {"{field: n, at_least: 4.5}", "{\"n\":\"5\"}", WEIR_DROP},
    {"{field: n, at_least: 4.5}", "{}", WEIR_DROP},
    {"{field: n, at_least: 4.5}", "{\"n\":null}", WEIR_DROP},
    {"{field: n, at_most: 4}", "{\"n\":4}", WEIR_PASS},
    {"{field: n, at_most: 4}", "{\"n\":5}", WEIR_DROP},
    {"{field: n, above: 4}", "{\"n\":4}", WEIR_DROP},
    {"{field: n, above: 4}", "{\"n\":4.1}", WEIR_PASS},
    {"{field: n, below: 0}", "{\"n\":-1}", WEIR_PASS},
    {"{field: n, below: 0}", "{\"n\":0}", WEIR_DROP},
    {"{field: t, at_least: '2026-01-01'}", "{\"t\":\"2026-01-01T00:00:00Z\"}", WEIR_PASS},
    {"{field: t, at_least: '2026-01-01'}", "{\"t\":\"2025-12-31\"}", WEIR_DROP},
    {"{field: t, below: b}", "{\"t\":\"\"}", WEIR_PASS},
    {"{field: t, in: [a, 2, null, true]}", "{\"t\":\"a\"}", WEIR_PASS},
    {"{field: t, in: [a, 2, null, true]}", "{\"t\":2}", WEIR_PASS},
    {"{field: t, in: [a, 2, null, true]}", "{\"t\":null}", WEIR_PASS},
    {"{field: t, in: [a, 2, null, true]}", "{\"t\":false}", WEIR_DROP},
    {"{field: t, in: [a, 2, null, true]}", "{}", WEIR_DROP},
    {"{field: t, exists: true}", "{\"t\":0}", WEIR_PASS},
    {"{field: t, exists: true}", "{\"t\":null}", WEIR_DROP},
    {"{field: t, exists: true}", "{}", WEIR_DROP},
    {"{field: t, exists: false}", "{}", WEIR_PASS},
    {"{field: t, exists: false}", "{\"t\":null}", WEIR_PASS},
    {"{field: t, exists: false}", "{\"t\":{}}", WEIR_DROP},
    {"{field: a.b.1.c, equals: x}", "{\"a\":{\"b\":[0,{\"c\":\"x\"}]}}", WEIR_PASS},
    {"{field: a.b.1.c, equals: x}", "{\"a\":{\"b\":{\"1\":{\"c\":\"x\"}}}}", WEIR_PASS},
    {"{field: a.b, equals: x}", "{\"a.b\":\"x\"}", WEIR_DROP},
    {"{field: '\"a.b\".c', equals: x}", "{\"a.b\":{\"c\":\"x\"}}", WEIR_PASS},
    {"{field: '\"a\\\"b\"', equals: x}", "{\"a\\\"b\":\"x\"}", WEIR_PASS},
    {"{field: a, equals: x}", "[1]", WEIR_DROP},
    {"{field: a, equals: x}", "5", WEIR_DROP},
    {"{field: a, exists: false}", "\"text\"", WEIR_PASS},
    {"{field: id, matches: '^us[0-9]{4}'}", "{\"id\":\"us7000abcd\"}", WEIR_PASS},
    {"{field: id, matches: '^us[0-9]{4}'}", "{\"id\":\"ci7000abcd\"}", WEIR_DROP},
    {"{field: id, matches: '^us[0-9]{4}'}", "{\"id\":7000}", WEIR_DROP},
    {"{field: id, matches: 'a.c$'}",
        "{\"id\":\"xa\xE2\x82\xAC"
        "c\"}",
        WEIR_PASS},
    {"{field: id, matches: '^.{3}$'}", "{\"id\":\"d\xC3\xBCn\"}", WEIR_PASS},
    {"{field: id, matches: '^[^a]$'}", "{\"id\":\"\xC3\xBC\"}", WEIR_PASS},
    {"{field: id, matches: '^\xC3\xBC+$'}", "{\"id\":\"\xC3\xBC\xC3\xBC\"}", WEIR_PASS},
    {"{field: id, matches: 'a'}", "{\"id\":\"\\u0000a\"}", WEIR_PASS},
};

static void conditions_hold_or_not(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wheres / sizeof *wheres; i++) {
    char options[256];
    snprintf(options, sizeof options, "where: [%s]", wheres[i].condition);
    struct fake_host *fake = started(options);
    weir_verdict verdict = verdict_on(fake, wheres[i].value);
    if (verdict != wheres[i].verdict) fail_msg("%s of %s: %d", wheres[i].condition, wheres[i].value, verdict);
    fake_host_close(fake);
  }
}

static void all_conditions_must_hold(void **state) {
  (void)state;
  struct fake_host *fake = started("where:\n- {field: a, equals: 1}\n- {field: b, above: 2}\n");
  assert_int_equal(verdict_on(fake, "{\"a\":1,\"b\":3}"), WEIR_PASS);
  assert_int_equal(verdict_on(fake, "{\"a\":1,\"b\":2}"), WEIR_DROP);
  assert_int_equal(verdict_on(fake, "{\"a\":2,\"b\":3}"), WEIR_DROP);
  fake_host_close(fake);
}

static void verdicts_keep_to_their_records(void **state) {
  (void)state;
  static const char *const values[] = {
      "{\"a\":0}", "{\"a\":0}", "{\"a\":1}", "{a}", "{\"a\":0}", NULL, "{\"a\":1}", "{\"a\":0}"};
  static const weir_verdict verdicts[] = {
      WEIR_DROP, WEIR_DROP, WEIR_PASS, WEIR_REJECT, WEIR_DROP, WEIR_PASS, WEIR_PASS, WEIR_DROP};
  struct fake_host *fake = started("where: [{field: a, equals: 1}]");
  struct fake_batch *batch = fake_batch_open(fake);
  for (size_t i = 0; i < 8; i++) fake_batch_add(batch, "k", values[i]);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  for (uint32_t i = 0; i < 8; i++) assert_int_equal(fake_batch_verdict(batch, i), verdicts[i]);
  assert_string_equal(fake_batch_code(batch, 3), "not_json");
  assert_string_equal(fake_batch_text(batch, 3), "byte 1: expected a key in quotes, found 'a'");
  fake_batch_close(batch);
  fake_host_close(fake);
}

/* ---- Patterns, against the C library's ---- */

static uint32_t dice;

static uint32_t roll(uint32_t below) {
  dice = dice * 1664525 + 1013904223;
  return (dice >> 8) % below;
}

static void make_pattern(char *out, int depth) {
  static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[b-c]", "[[:alpha:]]", "\\.", "[]a]"};
  static const char *const repetitions[] = {"", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}"};
  uint32_t pieces = 1 + roll(3);
  if (depth == 0 && roll(4) == 0) strcat(out, "^");
  for (uint32_t i = 0; i < pieces; i++) {
    if (depth < 3 && roll(4) == 0) {
      strcat(out, "(");
      make_pattern(out, depth + 1);
      strcat(out, ")");
    } else {
      strcat(out, atoms[roll(10)]);
    }
    strcat(out, repetitions[roll(10)]);
  }
  if (depth > 0 && roll(3) == 0) {
    strcat(out, "|");
    make_pattern(out, depth + 1);
  }
  if (depth == 0 && roll(4) == 0) strcat(out, "$");
}

static void compare_pattern(const char *pattern) {
  char options[1200], value[64], text[16];
  regex_t regex;
  if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) fail_msg("regcomp: %s", pattern);
  snprintf(options, sizeof options, "where: [{field: t, matches: '%s'}]", pattern);
  struct fake_host *fake = started(options);
  for (int i = 0; i < 12; i++) {
    uint32_t size = roll(10);
    for (uint32_t k = 0; k < size; k++) text[k] = "abc.]x"[roll(6)];
    text[size] = 0;
    snprintf(value, sizeof value, "{\"t\":\"%s\"}", text);
    weir_verdict expected = regexec(&regex, text, 0, NULL, 0) == 0 ? WEIR_PASS : WEIR_DROP;
    if (verdict_on(fake, value) != expected) fail_msg("%s on '%s': expected %d", pattern, text, expected);
  }
  fake_host_close(fake);
  regfree(&regex);
}

static void patterns_match_as_the_c_library_does(void **state) {
  (void)state;
  for (dice = 1; dice < 1500; dice++) {
    uint32_t seed = dice;
    char pattern[1000] = "";
    make_pattern(pattern, 0);
    if (strlen(pattern) < 60) compare_pattern(pattern);
    dice = seed;
  }
}

/* Patterns on which matchers that try and go back, or build every state, take for ever. */
static void hostile_texts_cost_no_more(void **state) {
  (void)state;
  static const char *const patterns[] = {"^(a|b)*a(a|b){60}c", "(.*a)*c", "(a*)*b", "(a|aa)+$", "((a?){20}){5}a{100}c"};
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    char options[256], *value = malloc(20000);
    snprintf(options, sizeof options, "where: [{field: t, matches: '%s'}]", patterns[i]);
    struct fake_host *fake = started(options);
    strcpy(value, "{\"t\":\"");
    for (int k = 6; k < 16000; k++) value[k] = "ab"[roll(2)];
    strcpy(value + 16000, "\"}");
    weir_verdict verdict = verdict_on(fake, value);
    assert_true(verdict == WEIR_DROP || verdict == WEIR_PASS);
    free(value);
    fake_host_close(fake);
  }
}

/* More states than the table holds: it is emptied again and again, and the answers stay right. */
static void a_full_table_of_states_is_begun_anew(void **state) {
  (void)state;
  struct fake_host *fake = started("where: [{field: t, matches: 'a[ab]{9}c'}]");
  for (int round = 0; round < 300; round++) {
    char text[201], value[240];
    bool expected = false;
    for (int i = 0; i < 200; i++) text[i] = roll(60) ? "ab"[roll(2)] : 'c';
    text[200] = 0;
    for (int i = 0; i + 10 < 200; i++)
      expected |= text[i] == 'a' && text[i + 10] == 'c' && strcspn(text + i, "c") == 10;
    snprintf(value, sizeof value, "{\"t\":\"%s\"}", text);
    if (verdict_on(fake, value) != (expected ? WEIR_PASS : WEIR_DROP)) fail_msg("%s: expected %d", text, expected);
  }
  fake_host_close(fake);
}

static void a_text_too_long_for_a_pattern_is_rejected(void **state) {
  (void)state;
  char *value = malloc(20000);
  struct fake_host *fake = started("where: [{field: t, matches: '^x'}]");
  memset(value, 'x', 20000);
  memcpy(value, "{\"t\":\"", 6);
  strcpy(value + 6 + 16385, "\"}");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", value);
  fake_batch_run(batch);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_REJECT);
  assert_string_equal(fake_batch_code(batch, 0), "too_long");
  assert_string_equal(fake_batch_text(batch, 0), "`matches` reads at most 16384 bytes, the field has 16385");
  fake_batch_close(batch);
  free(value);
  fake_host_close(fake);
}

/* ---- Edits ---- */

struct edited {
  const char *options, *value, *result;
};

static const struct edited editeds[] = {
    {"remove: [detail]", "{\"a\": 1, \"detail\": {\"x\": [1]} , \"b\":2}", "{\"a\": 1, \"b\":2}"},
    {"set: {unit: km}", "{\"a\":1}", "{\"a\":1,\"unit\":\"km\"}"},
    {"set: {a: 1, b: -2.5e3, c: true, d: null, e: '1', f: a b, g: ~}", "{}",
        "{\"a\":1,\"b\":-2.5e3,\"c\":true,\"d\":null,\"e\":\"1\",\"f\":\"a b\",\"g\":null}"},
    {"set: {a: [1, x, {y: false}], b: {}, c: []}", "{\"b\" : 7}",
        "{\"b\" : {},\"a\":[1,\"x\",{\"y\":false}],\"c\":[]}"},
    {"set: {a: 'say \"hi\"\\'}", "{}", "{\"a\":\"say \\\"hi\\\"\\\\\"}"},
    {"set: {a: yes, b: 2026-01-01, c: 1.2.3}", "{}", "{\"a\":\"yes\",\"b\":\"2026-01-01\",\"c\":\"1.2.3\"}"},
    {"set: {a.b.c: 1}\nremove: [a.x, list.0]", "{\"a\":{\"x\":0},\"list\":[1,2]}",
        "{\"a\":{\"b\":{\"c\":1}},\"list\":[2]}"},
    {"set: {'\"a.b\"': 1}", "{\"a.b\":0}", "{\"a.b\":1}"},
    {"set: {n: 18446744073709551616}", "{}", "{\"n\":18446744073709551616}"},
    {"where: [{field: a, equals: 1}]\nset: {a: 2}", "{\"a\":1}", "{\"a\":2}"},
    {"remove: [zzz]", "{\"n\":1.000,\"u\":\"\\u00fc\"}", "{\"n\":1.000,\"u\":\"\\u00fc\"}"},
    {"set: {x: 1}", "{\"n\":1.000 ,\"u\":\"\\u00fc\"}", "{\"n\":1.000 ,\"u\":\"\\u00fc\",\"x\":1}"},
};

static void fields_are_set_and_removed(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof editeds / sizeof *editeds; i++) {
    struct fake_host *fake = started(editeds[i].options);
    struct fake_batch *batch = fake_batch_open(fake);
    fake_batch_add(batch, "k", editeds[i].value);
    fake_batch_add(batch, "k", editeds[i].value);
    assert_int_equal(fake_batch_run(batch), WEIR_DONE);
    for (uint32_t k = 0; k < 2; k++) {
      assert_int_equal(fake_batch_verdict(batch, k), WEIR_PASS);
      assert_string_equal(fake_batch_value(batch, k), editeds[i].result);
      assert_string_equal(fake_batch_key(batch, k), "k");
    }
    fake_batch_close(batch);
    fake_host_close(fake);
  }
}

static void a_tombstone_passes(void **state) {
  (void)state;
  struct fake_host *fake = started("where: [{field: a, equals: 1}]\nset: {b: 2}\nvalidate: full");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", NULL);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_PASS);
  assert_null(fake_batch_value(batch, 0));
  fake_batch_close(batch);
  fake_host_close(fake);
}

struct refused {
  const char *options, *value, *code, *text;
};

static const struct refused refuseds[] = {
    {"set: {b: 2}", "", "not_json", "byte 0: expected a value, found the end"},
    {"set: {b: 2}", "hello", "not_json", "byte 0: expected a value, found 'h'"},
    {"set: {b: 2}", "{\"a\":1", "not_json", "byte 6: expected ',' or '}', found the end"},
    {"set: {b: 2}", "{\"a\" 1}", "not_json", "byte 5: expected ':', found '1'"},
    {"set: {b: 2}", "[1]", "not_object", "byte 0: the value is an array, not an object"},
    {"set: {a.b: 2}", "{\"a\":\"text\"}", "not_object", "byte 5: 'a' is a string, not an object"},
    {"where: [{field: a, equals: 1}]", "{\"a\":1x}", "not_json", "byte 6: expected the end of the number, found 'x'"},
    {"where: [{field: a, equals: x}]", "{\"a\":\"\\q\"}", "not_json",
        "byte 6: a backslash is followed by one of \"\\/bfnrtu"},
    {"validate: full", "{\"a\":tru}", "not_json", "byte 8: expected true, found '}'"},
    {"validate: full", "{\"a\":1}{}", "not_json", "byte 7: expected nothing behind the value, found '{'"},
};

static void what_is_not_json_is_rejected_with_its_byte(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refuseds / sizeof *refuseds; i++) {
    struct fake_host *fake = started(refuseds[i].options);
    struct fake_batch *batch = fake_batch_open(fake);
    fake_batch_add(batch, "k", refuseds[i].value);
    assert_int_equal(fake_batch_run(batch), WEIR_DONE);
    assert_int_equal(fake_batch_verdict(batch, 0), WEIR_REJECT);
    assert_string_equal(fake_batch_code(batch, 0), refuseds[i].code);
    assert_string_equal(fake_batch_text(batch, 0), refuseds[i].text);
    assert_string_equal(fake_batch_value(batch, 0), refuseds[i].value);
    fake_batch_close(batch);
    fake_host_close(fake);
  }
}

static void what_is_not_touched_is_not_checked(void **state) {
  (void)state;
  struct fake_host *fake = started("where: [{field: a, equals: 1}]");
  assert_int_equal(verdict_on(fake, "{\"a\":1,\"b\":nope}"), WEIR_PASS);
  fake_host_close(fake);
  fake = started("where: [{field: a, equals: 1}]\nvalidate: full");
  assert_int_equal(verdict_on(fake, "{\"a\":1,\"b\":nope}"), WEIR_REJECT);
  fake_host_close(fake);
}

/* A batch whose memory is spent: the rest comes again; a record too large for a whole batch does not. */
static void spent_memory_is_a_retry_but_for_the_first(void **state) {
  (void)state;
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "json");
  fake_host_options(fake, "set: {b: 2}");
  fake_host_budget(fake, 40);
  assert_true(fake_host_start(fake));
  struct fake_batch *batch = fake_batch_open(fake);
  for (int i = 0; i < 4; i++) fake_batch_add(batch, "k", "{\"a\":1}");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_PASS);
  assert_int_equal(fake_batch_verdict(batch, 3), WEIR_RETRY);
  assert_string_equal(fake_batch_code(batch, 3), "too_large");
  fake_batch_close(batch);
  batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", "{\"a\":\"123456789012345678901234567890123456789012345678901234567890\"}");
  fake_batch_run(batch);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_REJECT);
  fake_batch_close(batch);
  fake_host_close(fake);
}

/* ---- Options ---- */

struct wrong {
  const char *options, *sentence;
};

static const struct wrong wrongs[] = {
    {"{}", "nothing to do; give at least one of where, set, remove, validate: full"},
    {"where: {field: a}", "1:8: expected a list of conditions: [{field: NAME, equals: VALUE}]"},
    {"where: [a]", "1:9: expected a condition: {field: NAME, equals: VALUE}"},
    {"where: [{equals: 1}]", "1:9: the condition has no `field`"},
    {"where: [{field: a}]", "1:9: the condition has no comparison; expected one of equals, not_equals, at_least"},
    {"where: [{field: a, equal: 1}]",
        "unknown key 'equal' in a condition; expected field and one of equals, not_equals"},
    {"where: [{field: a, equals: 1, above: 2}]", "a second comparison; write it as a condition of its own"},
    {"where: [{field: a, equals: [1]}]", "expected a single value to compare with"},
    {"where: [{field: a, above: true}]", "expected a number, or a text, which is compared byte by byte"},
    {"where: [{field: a, in: 5}]", "expected a list of values: in: [a, b]"},
    {"where: [{field: a, in: []}]", "expected a list of values: in: [a, b]"},
    {"where: [{field: a, exists: maybe}]", "maybe"},
    {"where: [{field: a..b, exists: true}]",
        "a step of the field's name is empty; a key with dots goes in double quotes"},
    {"where: [{field: '', exists: true}]", "a step of the field's name is empty"},
    {"where: [{field: '\"a', exists: true}]", "a double quote in the field's name has no end"},
    {"where: [{field: '\"a\"b', exists: true}]", "expected a dot behind the quotes"},
    {"where: [{field: '\"\\q\"', exists: true}]", "what stands in double quotes in the field's name is no JSON string"},
    {"where: [{field: a, matches: '('}]", "character 2 of the pattern: expected a pattern here"},
    {"where: [{field: a, matches: '(a'}]", "character 1 of the pattern: the parenthesis has no end"},
    {"where: [{field: a, matches: '[a'}]", "character 1 of the pattern: the bracket has no end"},
    {"where: [{field: a, matches: '*a'}]", "character 1 of the pattern: a repetition with nothing before it"},
    {"where: [{field: a, matches: 'a||b'}]", "character 3 of the pattern: expected a pattern here"},
    {"where: [{field: a, matches: '\\d+'}]", "\\d is of another dialect; write [0-9]"},
    {"where: [{field: a, matches: '(a)\\1'}]", "back-references are not supported"},
    {"where: [{field: a, matches: 'a+?'}]", "two repetitions in a row"},
    {"where: [{field: a, matches: '(?:a)'}]", "(? is of another dialect"},
    {"where: [{field: a, matches: 'a{2,1}'}]", "the repetition ends before it starts"},
    {"where: [{field: a, matches: 'a{x}'}]", "expected a number as in {2,5}"},
    {"where: [{field: a, matches: '((a{255}){255}){255}'}]", "with all repetitions written out it is too long"},
    {"where: [{field: a, matches: '[[:foo:]]'}]", "there is no such class"},
    {"where: [{field: a, matches: 5}]", "expected a pattern; put it in quotes"},
    {"set: [a]", "expected fields with their values: {NAME: VALUE}"},
    {"set: {a: .5}", "'.5' is a number in YAML but not in JSON"},
    {"set: {a: 0x1F}", "'0x1F' is a number in YAML but not in JSON"},
    {"set: {a: +5}", "'+5' is a number in YAML but not in JSON"},
    {"set: {a: 007}", "'007' is a number in YAML but not in JSON"},
    {"set: {a: .inf}", "'.inf' is a number in YAML but not in JSON"},
    {"set: {a: True}", "'True' is no JSON; write true or false in small letters"},
    {"set: {a: 1, a.b: 2}", "this field is set or removed twice"},
    {"set: {a: 1}\nremove: [a]", "2:10: this field is set or removed twice"},
    {"remove: [a, a]", "this field is set or removed twice"},
    {"validate: maybe", "maybe"},
};

static void wrong_options_are_told_at_their_place(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
    struct fake_host *fake = fake_host_open(TEST_PLUGIN, "json");
    fake_host_options(fake, wrongs[i].options);
    if (fake_host_prepare(fake)) fail_msg("%s: was taken", wrongs[i].options);
    if (!strstr(fake_host_failure(fake), wrongs[i].sentence)) {
      fail_msg("%s: %s", wrongs[i].options, fake_host_failure(fake));
    }
    fake_host_close(fake);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(conditions_hold_or_not),
      cmocka_unit_test(all_conditions_must_hold),
      cmocka_unit_test(verdicts_keep_to_their_records),
      cmocka_unit_test(patterns_match_as_the_c_library_does),
      cmocka_unit_test(hostile_texts_cost_no_more),
      cmocka_unit_test(a_full_table_of_states_is_begun_anew),
      cmocka_unit_test(a_text_too_long_for_a_pattern_is_rejected),
      cmocka_unit_test(fields_are_set_and_removed),
      cmocka_unit_test(a_tombstone_passes),
      cmocka_unit_test(what_is_not_json_is_rejected_with_its_byte),
      cmocka_unit_test(what_is_not_touched_is_not_checked),
      cmocka_unit_test(spent_memory_is_a_retry_but_for_the_first),
      cmocka_unit_test(wrong_options_are_told_at_their_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
