/* test_json.c: plugins/common/json.h: reading, errors and their bytes, writing. */
#include "json_play.h"
#include <sys/mman.h>
#include <unistd.h>

static void assert_raw(struct play *play, const char *path, const char *expected) {
  struct json_value value = found(play, path);
  weir_span raw;
  assert_true(json_raw(play->reader, &value, &raw, &play->err));
  assert_span(raw, expected);
}

static void assert_string(struct play *play, const char *path, const char *expected) {
  struct json_value value = found(play, path);
  assert_int_equal(value.type, JSON_STRING);
  weir_span text;
  assert_true(json_string(play->reader, &value, &text, &play->err));
  assert_span(text, expected);
  uint8_t buffer[256];
  size_t size;
  assert_true(json_string_into(play->reader, &value, buffer, &size, &play->err));
  assert_span(weir_bytes(buffer, size), expected);
}

/* ---- Reading ---- */

static void values_are_found_by_path(void **state) {
  struct play *play = *state;
  open_text(play, " {\"id\":\"us1\", \"mag\" : 4.75 "
                  ",\"geo\":{\"at\":[10,[20,\"x\"],null]},\"ok\":true,\"no\":"
                  "false,\"e\":{}} ");
  assert_string(play, "id", "us1");
  assert_true(found(play, "mag").as.number == 4.75);
  assert_raw(play, "mag", "4.75");
  assert_int_equal(found(play, "geo.at.0").as.integer, 10);
  assert_int_equal(found(play, "geo.at[1][0]").as.integer, 20);
  assert_string(play, "geo.at[1][1]", "x");
  assert_int_equal(found(play, "geo.at.2").type, JSON_NULL);
  assert_raw(play, "geo", "{\"at\":[10,[20,\"x\"],null]}");
  assert_raw(play, "geo.at.1", "[20,\"x\"]");
  assert_true(found(play, "ok").as.boolean);
  assert_false(found(play, "no").as.boolean);
  assert_int_equal(found(play, "e").type, JSON_OBJECT);
  assert_int_equal(found(play, "").type, JSON_OBJECT);
}

static void what_is_not_there_is_absent(void **state) {
  struct play *play = *state;
  struct json_value value;
  open_text(play, "{\"a\":{\"b\":1},\"list\":[1,2],\"n\":null,\"e\":{},\"ee\":[]}");
  static const char *const paths[] = {
      "x", "a.x", "a.b.c", "list.2", "list.x", "list['0']", "a[0]", "n.x", "e.x", "ee.0", "A", "aa", "a.bb"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) assert_int_equal(find(play, paths[i], &value), JSON_ABSENT);
}

static void of_duplicate_keys_the_first_is_read(void **state) {
  struct play *play = *state;
  open_text(play, "{\"a\":1,\"b\":2,\"a\":3}");
  assert_int_equal(found(play, "a").as.integer, 1);
}

static void values_can_be_asked_for_in_any_order(void **state) {
  struct play *play = *state;
  open_text(play, "{\"a\":{\"x\":1,\"y\":2},\"b\":3}");
  assert_int_equal(found(play, "b").as.integer, 3);
  assert_int_equal(found(play, "a.y").as.integer, 2);
  assert_int_equal(found(play, "a.x").as.integer, 1);
  assert_int_equal(found(play, "b").as.integer, 3);
}

static void escaped_keys_are_the_keys_they_mean(void **state) {
  struct play *play = *state;
  open_text(play, "{\"n\\u0061me\":1,\"a\\\"b\":2,\"back\\\\\":3,"
                  "\"\\ud83d\\ude00\":4,\"\":5}");
  assert_int_equal(found(play, "name").as.integer, 1);
  assert_int_equal(found(play, "a\"b").as.integer, 2);
  assert_int_equal(found(play, "back\\").as.integer, 3);
  assert_int_equal(found(play, "\xF0\x9F\x98\x80").as.integer, 4);
  assert_int_equal(found(play, "''").as.integer, 5);
}

/* A key that would match when only its own length was compared. */
static void a_key_with_quotes_does_not_match_across_members(void **state) {
  struct play *play = *state;
  struct json_value value;
  open_text(play, "{\"a\":1,\"b\":2}");
  assert_int_equal(find(play, "a\":1,\"b", &value), JSON_ABSENT);
  open_text(play, "{\"a\\\"x\":1}");
  assert_int_equal(find(play, "a\\", &value), JSON_ABSENT);
}

static void numbers_keep_their_kind_and_every_bit(void **state) {
  struct play *play = *state;
  open_text(play, "[0,-0,9223372036854775807,-9223372036854775808,"
                  "9223372036854775808,18446744073709551615,18446744073709551616,"
                  "-9223372036854775809,1.0,-0.0,1e2,123456789012345678901234567890,"
                  "1e400,-1e400,1e-400,0.1,5e-324,"
                  "1.7976931348623157e308,2.2250738585072011e-308,0e999999999,"
                  "100000000000000000000000000000000e-32]");
  assert_int_equal(found(play, "0").as.integer, 0);
  assert_int_equal(found(play, "1").type, JSON_INT);
  assert_true(found(play, "2").as.integer == INT64_MAX);
  assert_true(found(play, "3").as.integer == INT64_MIN);
  assert_int_equal(found(play, "4").type, JSON_UINT);
  assert_true(found(play, "4").as.natural == (uint64_t)INT64_MAX + 1);
  assert_true(found(play, "5").as.natural == UINT64_MAX);
  assert_int_equal(found(play, "6").type, JSON_HUGE);
  assert_true(found(play, "6").as.number == 18446744073709551616.0);
  assert_int_equal(found(play, "7").type, JSON_HUGE);
  assert_int_equal(found(play, "8").type, JSON_DOUBLE);
  assert_true(1 / found(play, "9").as.number < 0);
  assert_true(found(play, "10").as.number == 100.0);
  assert_raw(play, "11", "123456789012345678901234567890");
  assert_true(found(play, "11").as.number == 123456789012345678901234567890.0);
  assert_int_equal(found(play, "12").type, JSON_HUGE);
  assert_true(found(play, "13").as.number < -1.7e308);
  assert_true(found(play, "14").as.number == 0);
  assert_true(found(play, "15").as.number == 0.1);
  assert_true(found(play, "16").as.number == 5e-324);
  assert_true(found(play, "17").as.number == 1.7976931348623157e308);
  assert_true(found(play, "18").as.number == 2.2250738585072011e-308);
  assert_true(found(play, "19").as.number == 0);
  assert_true(found(play, "20").as.number == 1.0);
}

static void strings_are_unescaped(void **state) {
  struct play *play = *state;
  open_text(play, "{\"plain\":\"d\xC3\xBCne\",\"all\":\"\\\"\\\\\\/"
                  "\\b\\f\\n\\r\\t\",\"u\":\"\\u00fC\\u20ac\\ud834\\udd1e.\",\"e\":\"\"}");
  assert_string(play, "plain", "d\xC3\xBCne");
  assert_string(play, "all", "\"\\/\b\f\n\r\t");
  assert_string(play, "u", "\xC3\xBC\xE2\x82\xAC\xF0\x9D\x84\x9E.");
  assert_string(play, "e", "");
  open_text(play, "\"a\\u0000b\"");
  weir_span text;
  assert_true(json_string(play->reader, &play->root, &text, &play->err));
  assert_int_equal(text.size, 3);
  assert_memory_equal(text.data, "a\0b", 3);
}

static void members_come_in_order(void **state) {
  struct play *play = *state;
  struct json_cursor cursor, inner;
  struct json_member member, element;
  uint32_t count;
  open_text(play, "{ \"a\" : [1, [2], {\"x\":3}] , \"\\u0062\":{\"k\":1}, \"a\":null}");
  json_members(&play->root, &cursor);
  assert_int_equal(json_next(play->reader, &cursor, &member, &play->err), JSON_FOUND);
  assert_span(member.key, "a");
  assert_int_equal(member.index, 0);
  assert_int_equal(member.key_start, 2);
  assert_int_equal(member.key_end, 5);
  assert_true(json_count(play->reader, &member.value, &count, &play->err));
  assert_int_equal(count, 3);
  json_members(&member.value, &inner);
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(json_next(play->reader, &inner, &element, &play->err), JSON_FOUND);
    assert_int_equal(element.index, i);
    assert_null(element.key.data);
  }
  assert_int_equal(json_next(play->reader, &inner, &element, &play->err), JSON_ABSENT);
  assert_int_equal(json_next(play->reader, &inner, &element, &play->err), JSON_ABSENT);
  json_leave(&cursor, &inner);
  assert_int_equal(json_next(play->reader, &cursor, &member, &play->err), JSON_FOUND);
  assert_span(member.key, "b");
  assert_int_equal(member.value.type, JSON_OBJECT);
  assert_int_equal(json_next(play->reader, &cursor, &member, &play->err), JSON_FOUND);
  assert_span(member.key, "a");
  assert_int_equal(member.value.type, JSON_NULL);
  assert_int_equal(json_next(play->reader, &cursor, &member, &play->err), JSON_ABSENT);
  assert_true(json_count(play->reader, &play->root, &count, &play->err));
  assert_int_equal(count, 3);
  open_text(play, "[]");
  assert_true(json_count(play->reader, &play->root, &count, &play->err));
  assert_int_equal(count, 0);
}

/* ---- Errors ---- */

struct wrong {
  const char *text, *sentence;
  bool opens; /* found by json_validate(), not by json_open() */
};

static const struct wrong wrongs[] = {
    {"", "byte 0: expected a value, found the end", false},
    {"  ", "byte 2: expected a value, found the end", false},
    {"nope", "byte 1: expected null, found 'o'", true},
    {"nullx", "byte 4: expected the end of the word, found 'x'", true},
    {"hello world", "byte 0: expected a value, found 'h'", false},
    {"{\"a\":1", "byte 6: expected ',' or '}', found the end", false},
    {"[1,2", "byte 4: expected ',' or ']', found the end", false},
    {"{", "byte 1: expected a key in quotes, found the end", false},
    {"{\"a\" 1}", "byte 5: expected ':', found '1'", true},
    {"{\"a\":}", "byte 5: expected a value, found '}'", true},
    {"{a:1}", "byte 1: expected a key in quotes, found 'a'", true},
    {"{\"a\":1,}", "byte 7: expected a key in quotes, found '}'", true},
    {"{\"a\":1 \"b\":2}", "byte 7: expected ',' or '}', found '\"'", true},
    {"[1,]", "byte 3: expected a value, found ']'", true},
    {"[1 2]", "byte 3: expected ',' or ']', found '2'", true},
    {"[1}", "byte 2: expected ',' or ']', found '}'", false},
    {"[[1}]", "byte 3: expected ',' or ']', found '}'", true},
    {"{\"a\":1} x", "byte 8: expected nothing behind the value, found 'x'", false},
    {"{}{}", "byte 2: expected nothing behind the value, found '{'", true},
    {"01", "byte 0: a number does not start with a needless 0", true},
    {"-", "byte 1: expected a digit, found the end", true},
    {"[1.]", "byte 3: expected a digit behind the point, found ']'", true},
    {"[1e+]", "byte 4: expected a digit of the exponent, found ']'", true},
    {"[+1]", "byte 1: expected a value, found '+'", true},
    {"[.5]", "byte 1: expected a value, found '.'", true},
    {"[1a]", "byte 2: expected the end of the number, found 'a'", true},
    {"NaN", "byte 0: expected a value, found 'N'", true},
    {"\"abc", "byte 0: the string that starts here has no end", false},
    {"[\"a\nb\"]", "byte 3: a control character in a string must be escaped", false},
    {"[\"\\x\"]", "byte 2: a backslash is followed by one of \"\\/bfnrtu", true},
    {"[\"\\u12g4\"]", "byte 2: \\u needs four hexadecimal digits", true},
    {"[\"\\ud800\"]", "byte 2: half of a surrogate pair stands alone", true},
    {"[\"\\ud800\\u0041\"]", "byte 2: half of a surrogate pair stands alone", true},
    {"[\"\\udc00\\udc00\"]", "byte 2: half of a surrogate pair stands alone", true},
    {"[\"a\xFF\"]", "byte 3: not UTF-8", false},
    {"[\"\xC0\x80\"]", "byte 2: not UTF-8", false},
    {"[\"\xED\xA0\x80\"]", "byte 2: not UTF-8", false},
    {"[\"\xF4\x90\x80\x80\"]", "byte 2: not UTF-8", false},
    {"[\xC3\xBC]", "byte 1: expected a value, found the byte 0xC3", true},
    {"\xEF\xBB\xBF{}", "byte 0: a byte order mark, which JSON does not have", false},
    {"{'a':1}", "byte 1: expected a key in quotes, found '''", true},
    {"1 2", "byte 2: expected nothing behind the value, found '2'", false},
    {"1\"a\"", "byte 1: expected the end of the number, found '\"'", true},
};

static void an_error_names_its_byte(void **state) {
  struct play *play = *state;
  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
    const struct wrong *wrong = &wrongs[i];
    bool opens = json_open(play->reader, weir_text(wrong->text), &play->err);
    if (opens != wrong->opens) fail_msg("%s: opens %d", wrong->text, opens);
    if (opens) assert_false(json_validate(play->reader, &play->err));
    if (strcmp(play->err.text, wrong->sentence) != 0) fail_msg("%s: '%s'", wrong->text, play->err.text);
    assert_int_equal(play->err.fault, JSON_MALFORMED);
    assert_int_equal(play->err.byte, strtoul(wrong->sentence + 5, NULL, 10));
  }
}

/* What a walk meets is checked, what it does not meet is not. */
static void only_what_is_touched_is_checked(void **state) {
  struct play *play = *state;
  struct json_value value;
  open_text(play, "{\"a\":1,\"b\":nope,\"c\":2 \"d\":3}");
  assert_int_equal(find(play, "a", &value), JSON_FOUND);
  assert_int_equal(find(play, "c", &value), JSON_FOUND);
  assert_int_equal(find(play, "b", &value), JSON_BAD);
  assert_string_equal(play->err.text, "byte 12: expected null, found 'o'");
  assert_int_equal(find(play, "b.x", &value), JSON_BAD);
  assert_int_equal(find(play, "d", &value), JSON_BAD);
  assert_string_equal(play->err.text, "byte 12: expected null, found 'o'");
  open_text(play, "{\"a\":[1,{\"b\":2},\"z\":1}");
  assert_int_equal(find(play, "z", &value), JSON_BAD);
  assert_string_equal(play->err.text, "byte 19: expected ',' or ']', found ':'");
  open_text(play, "{\"\\q\":1,\"a\":2}");
  assert_int_equal(find(play, "a", &value), JSON_BAD);
  open_text(play, "{\"a\":}");
  assert_int_equal(find(play, "b", &value), JSON_BAD);
  open_text(play, "[1,,2]");
  assert_int_equal(find(play, "2", &value), JSON_BAD);
  struct json_cursor cursor;
  struct json_member member;
  json_members(&play->root, &cursor);
  assert_int_equal(json_next(play->reader, &cursor, &member, &play->err), JSON_FOUND);
  assert_int_equal(json_next(play->reader, &cursor, &member, &play->err), JSON_BAD);
  uint32_t count;
  assert_false(json_count(play->reader, &play->root, &count, &play->err));
}

static char *nested(uint32_t depth) {
  char *text = malloc(2 * depth + 1);
  memset(text, '[', depth);
  memset(text + depth, ']', depth);
  text[2 * depth] = 0;
  return text;
}

static void depth_has_a_limit(void **state) {
  struct play *play = *state;
  char *text = nested(JSON_DEPTH_MAX);
  open_text(play, text);
  assert_true(json_validate(play->reader, &play->err));
  free(text);
  text = nested(JSON_DEPTH_MAX + 1);
  open_text(play, text);
  assert_false(json_validate(play->reader, &play->err));
  assert_string_equal(play->err.text, "byte 512: deeper than 512 levels");
  free(text);
  text = nested(100000);
  open_text(play, text);
  uint32_t count;
  assert_true(json_count(play->reader, &play->root, &count, &play->err));
  assert_int_equal(count, 1);
  free(text);
}

static void valid_texts_are_valid(void **state) {
  struct play *play = *state;
  static const char *const texts[] = {"{}", "[]", "\"\"", "0", "-0", "-1.5E-3", "true", " null\n", "[[],{},[{}]]",
      "{\"a\":{\"b\":[]}}", "[1,2.5,\"x\\u0041\",true,false,null]", "{\"\":0}", "\"\\ud83d\\ude00\"",
      "\t[ 1 ,\r\n 2 ] "};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    open_text(play, texts[i]);
    if (!json_validate(play->reader, &play->err)) fail_msg("%s: %s", texts[i], play->err.text);
  }
}

/* The text ends where a page ends and the next one cannot be read. */
static void nothing_behind_a_span_is_read(void **state) {
  struct play *play = *state;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(pages, MAP_FAILED);
  assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
  const char text[] = "{\"key\":\"a string of some length\",\"n\":12345.678}";
  for (size_t size = 0; size < sizeof text; size++) {
    uint8_t *at = pages + page - size;
    memcpy(at, text, size);
    bool opened = json_open(play->reader, weir_bytes(at, size), &play->err);
    assert_int_equal(opened, size == sizeof text - 1);
  }
  munmap(pages, 2 * page);
}

static void large_texts_come_and_go(void **state) {
  struct play *play = *state;
  size_t size = 3 << 20;
  char *text = malloc(size + 1);
  memset(text, 'x', size);
  memcpy(text, "{\"a\":1,\"b\":\"\\n", 14);
  memcpy(text + size - 8, "\",\"z\":9}", 9);
  open_text(play, text);
  assert_int_equal(found(play, "z").as.integer, 9);
  struct json_value value = found(play, "b");
  weir_span string;
  assert_true(json_string(play->reader, &value, &string, &play->err));
  assert_int_equal(string.size, size - 8 - 13);
  open_text(play, "{\"a\":2}");
  assert_int_equal(found(play, "a").as.integer, 2);
  open_text(play, text);
  assert_int_equal(found(play, "a").as.integer, 1);
  free(text);
}

/* ---- Writing ---- */

static void assert_written(weir_span text, const char *expected) {
  uint8_t out[256];
  assert_int_equal(json_string_size(text), strlen(expected));
  assert_int_equal(json_write_string(out, text), strlen(expected));
  assert_memory_equal(out, expected, strlen(expected));
}

static void strings_are_escaped(void **state) {
  (void)state;
  assert_written(weir_text(""), "\"\"");
  assert_written(weir_text("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
  assert_written(weir_text("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  assert_written(weir_bytes("a\0b", 3), "\"a\\u0000b\"");
  assert_written(weir_text("\xE2\x82\xAC"), "\"\xE2\x82\xAC\"");
  assert_int_equal(json_string_size(weir_text("\xE2\x82")), 0);
}

static void assert_number(size_t size, const uint8_t *out, const char *expected) {
  assert_span(weir_bytes(out, size), expected);
}

static void numbers_are_written_as_they_read(void **state) {
  (void)state;
  uint8_t out[JSON_NUMBER_TEXT];
  assert_number(json_write_int(out, INT64_MIN), out, "-9223372036854775808");
  assert_number(json_write_int(out, 0), out, "0");
  assert_number(json_write_uint(out, UINT64_MAX), out, "18446744073709551615");
  assert_number(json_write_double(out, 0.1), out, "0.1");
  assert_number(json_write_double(out, 1), out, "1.0");
  assert_number(json_write_double(out, -0.0), out, "-0.0");
  assert_number(json_write_double(out, 1e300), out, "1e+300");
  assert_number(json_write_double(out, 5e-324), out, "5e-324");
  assert_number(json_write_double(out, 2.2250738585072014e-308), out, "2.2250738585072014e-308");
  double zero = 0;
  assert_int_equal(json_write_double(out, zero / zero), 0);
  assert_int_equal(json_write_double(out, 1 / zero), 0);
}

static void doubles_survive_the_round_trip(void **state) {
  struct play *play = *state;
  uint64_t bits = 88172645463325252u;
  for (int i = 0; i < 20000; i++) {
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    double number;
    uint8_t out[JSON_NUMBER_TEXT];
    memcpy(&number, &bits, sizeof number);
    if (i % 2) number = (double)(int64_t)(bits >> 40) / 100;
    size_t size = json_write_double(out, number);
    if (size == 0) continue;
    assert_true(json_open(play->reader, weir_bytes(out, size), &play->err));
    assert_true(json_root(play->reader, &play->root, &play->err));
    assert_int_equal(play->root.type, JSON_DOUBLE);
    assert_memory_equal(&play->root.as.number, &number, sizeof number);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(values_are_found_by_path, begin, end),
      cmocka_unit_test_setup_teardown(what_is_not_there_is_absent, begin, end),
      cmocka_unit_test_setup_teardown(of_duplicate_keys_the_first_is_read, begin, end),
      cmocka_unit_test_setup_teardown(values_can_be_asked_for_in_any_order, begin, end),
      cmocka_unit_test_setup_teardown(escaped_keys_are_the_keys_they_mean, begin, end),
      cmocka_unit_test_setup_teardown(a_key_with_quotes_does_not_match_across_members, begin, end),
      cmocka_unit_test_setup_teardown(numbers_keep_their_kind_and_every_bit, begin, end),
      cmocka_unit_test_setup_teardown(strings_are_unescaped, begin, end),
      cmocka_unit_test_setup_teardown(members_come_in_order, begin, end),
      cmocka_unit_test_setup_teardown(an_error_names_its_byte, begin, end),
      cmocka_unit_test_setup_teardown(only_what_is_touched_is_checked, begin, end),
      cmocka_unit_test_setup_teardown(depth_has_a_limit, begin, end),
      cmocka_unit_test_setup_teardown(valid_texts_are_valid, begin, end),
      cmocka_unit_test_setup_teardown(nothing_behind_a_span_is_read, begin, end),
      cmocka_unit_test_setup_teardown(large_texts_come_and_go, begin, end),
      cmocka_unit_test_setup_teardown(strings_are_escaped, begin, end),
      cmocka_unit_test_setup_teardown(numbers_are_written_as_they_read, begin, end),
      cmocka_unit_test_setup_teardown(doubles_survive_the_round_trip, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
