/* test_lua_json.c: record.json read and written, sentence by sentence of docs/LUA.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lua_case.h"

#define PLACE "reject lua_error pipeline.yaml:2: "

static void absent_and_null_read_as_nil(void **state) {
  (void)state;
  lua_case_expect("keep", "record.json.a == nil", "{}", "same");
  lua_case_expect("keep", "record.json.a == nil", "{\"a\":null}", "same");
  lua_case_expect("keep", "record.json.a == nil", "{\"a\":0}", "drop");
  lua_case_expect("keep", "record.json.a == nil", "{\"a\":false}", "drop");
  lua_case_expect("keep", "record.json[1] == nil", "[null]", "same");
}

static void nil_is_indexed_to_nil(void **state) {
  (void)state;
  lua_case_expect("keep", "record.json.a.b.c.d == nil", "{}", "same");
  lua_case_expect("keep", "record.json.a.b.c.d == nil", "{\"a\":null}", "same");
  lua_case_expect("keep", "record.json.a[1].x == nil", "{\"a\":[]}", "same");
  lua_case_expect("keep", "record.json.a.b == nil", "{\"a\":[1]}", "same");
  lua_case_expect("keep", "record.json[1] == nil", "{\"1\":5}", "same");
  lua_case_expect(
      "keep", "record.json[{}] == nil and record.json[true] == nil and record.json[1.5] == nil", "{}", "same");
  lua_case_expect("keep", "record.json.a.b == nil", "{\"a\":5}", PLACE "attempt to index a number value (field 'a')");
  lua_case_expect(
      "keep", "record.json.a.b == nil", "{\"a\":true}", PLACE "attempt to index a boolean value (field 'a')");
}

static void comparisons_with_nil_are_false(void **state) {
  (void)state;
  static const char *const false_ones[] = {"record.json.a < 1", "record.json.a <= 1", "record.json.a > 1",
      "record.json.a >= 1", "1 < record.json.a", "1 <= record.json.a", "1 > record.json.a", "1 >= record.json.a",
      "record.json.a < 'x'", "'x' >= record.json.a", "record.json.a < record.json.b", "record.json.a <= record.json.a",
      "record.json.a", "record.json < record.json.a"};
  for (size_t i = 0; i < sizeof false_ones / sizeof *false_ones; i++)
    lua_case_expect("keep", false_ones[i], "{}", "drop absent");
  lua_case_expect("keep", "not (record.json.a < 1)", "{}", "same");
  lua_case_expect("keep", "record.json.a < 1 or record.json.b", "{\"b\":0}", "same");
  lua_case_expect("keep", "record.json.b == 2", "{\"b\":0}", "drop");
}

static void what_nil_cannot_do(void **state) {
  (void)state;
  lua_case_each("local x = record.json.a + 1", "{}", PLACE "attempt to perform arithmetic on a nil value (field 'a')");
  lua_case_each("local x = -record.json.a", "{}", PLACE "attempt to perform arithmetic on a nil value (field 'a')");
  lua_case_each("local x = record.json.a .. 'x'", "{}", PLACE "attempt to concatenate a nil value (field 'a')");
  lua_case_each("record.json.a()", "{}", PLACE "attempt to call a nil value (field 'a')");
  lua_case_each("local x = #record.json.a", "{}", PLACE "attempt to get length of a nil value (field 'a')");
  lua_case_each(
      "local x = record.json.a | 1", "{}", PLACE "attempt to perform bitwise operation on a nil value (field 'a')");
  lua_case_each("for k in pairs(record.json.a) do end", "{}",
      PLACE "bad argument #1 to 'for iterator' (table expected, got nil)");
}

static void absences_are_counted(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each", "local a, b = record.json.a < 1, record.json.b > 2");
  lua_case_outcome(fake, "{}");
  lua_case_outcome(fake, "{\"a\":1}");
  assert_int_equal(fake_host_metric(fake, "absent_comparisons"), 3);
  lua_case_close(fake);
}

static void text_is_no_number(void **state) {
  (void)state;
  lua_case_expect("keep", "record.json.a == 10", "{\"a\":\"10\"}", "drop");
  lua_case_expect("keep", "record.json.a < 11", "{\"a\":\"10\"}", PLACE "attempt to compare string with number");
  static const char *const arithmetic[] = {"+ 1", "- 1", "* 1", "/ 1", "% 1", "^ 1", "// 1"};
  for (size_t i = 0; i < sizeof arithmetic / sizeof *arithmetic; i++) {
    char code[64];
    snprintf(code, sizeof code, "local x = record.json.a %s", arithmetic[i]);
    lua_case_each(code, "{\"a\":\"10\"}", PLACE "attempt to perform arithmetic on a string value (field 'a')");
  }
  lua_case_each("local x = -record.json.a", "{\"a\":\"10\"}",
      PLACE "attempt to perform arithmetic on a string value (field 'a')");
  lua_case_each("local x = record.json.a | 1", "{\"a\":\"10\"}",
      PLACE "attempt to perform bitwise operation on a string value (field 'a')");
  lua_case_expect("keep", "tonumber(record.json.a) == 10", "{\"a\":\"10\"}", "same");
  lua_case_each("record.json.b = record.json.a .. 1", "{\"a\":\"10\"}", "{\"a\":\"10\",\"b\":\"101\"}");
}

static void integers_are_exact(void **state) {
  (void)state;
  static const char *const copy = "record.json.b = record.json.a";
  lua_case_each(copy, "{\"a\":9223372036854775807}", "{\"a\":9223372036854775807,\"b\":9223372036854775807}");
  lua_case_each(copy, "{\"a\":-9223372036854775808}", "{\"a\":-9223372036854775808,\"b\":-9223372036854775808}");
  lua_case_each(copy, "{\"a\":1e3}", "{\"a\":1e3,\"b\":1000.0}");
  lua_case_each(copy, "{\"a\":0.1}", "{\"a\":0.1,\"b\":0.1}");
  lua_case_each(copy, "{\"a\":-0.0}", "{\"a\":-0.0,\"b\":-0.0}");
  lua_case_expect("keep", "math.type(record.json.a) == 'integer'", "{\"a\":7}", "same");
  lua_case_expect("keep", "math.type(record.json.a) == 'float'", "{\"a\":7.0}", "same");
  lua_case_each(copy, "{\"a\":9223372036854775808}",
      PLACE "byte 5: the number 9223372036854775808 does not fit: Lua's integers have 64 bits with a sign");
  lua_case_each(copy, "{\"a\":-9223372036854775809}",
      PLACE "byte 5: the number -9223372036854775809 does not fit: Lua's integers have 64 bits with a sign");
  lua_case_each(copy, "{\"a\":1e999}", PLACE "byte 5: the number 1e999 does not fit: Lua's numbers are doubles");
  lua_case_each("record.json.c = 1", "{\"a\":1e999, \"b\":123456789012345678901234567890}",
      "{\"a\":1e999, \"b\":123456789012345678901234567890,\"c\":1}");
}

static void what_is_touched_is_checked(void **state) {
  (void)state;
  lua_case_expect("keep", "record.json.a == 1", "{\"a\":1, \"b\":nonsense}", "same");
  lua_case_expect(
      "keep", "record.json.b == 1", "{\"a\":1, \"b\":nonsense}", "reject not_json byte 13: expected null, found 'o'");
  lua_case_expect("keep", "record.json.a == 1", "", "reject not_json byte 0: expected a value, found the end");
  lua_case_expect(
      "keep", "record.json.a == 1", "{\"a\":1", "reject not_json byte 6: expected ',' or '}', found the end");
  lua_case_expect("keep", "record.offset == 0", "nonsense", "same");
  lua_case_each(
      "record.json.x = 1", "{\"a\":1} x", "reject not_json byte 8: expected nothing behind the value, found 'x'");
  lua_case_each("record.json.x = 1", "{\"a\":1} {\"b\":2}",
      "reject not_json byte 8: expected nothing behind the value, found '{'");
}

static void full_validation_reads_all(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_open("{keep: 'true', validate: full}");
  assert_string_equal(lua_case_outcome(fake, "{\"a\":1}"), "same");
  assert_string_equal(lua_case_outcome(fake, "tombstone"), "same");
  assert_string_equal(
      lua_case_outcome(fake, "{\"a\":1, \"b\":tru}"), "reject not_json byte 15: expected true, found '}'");
  lua_case_close(fake);
}

static void other_roots_than_objects(void **state) {
  (void)state;
  lua_case_expect("keep", "record.json == 42", "42", "same");
  lua_case_expect("keep", "record.json == 'a\\nb'", "\"a\\nb\"", "same");
  lua_case_expect("keep", "record.json == true", " true ", "same");
  lua_case_expect("keep", "record.json == nil", "null", "same");
  lua_case_expect("keep", "#record.json == 3 and record.json[2] == 5", "[4,5,6]", "same");
  lua_case_each("record.json[2] = 'x'", " [4, 5, 6]\n", " [4, \"x\", 6]\n");
}

static void loops_and_lengths(void **state) {
  (void)state;
  lua_case_each(
      "local t = {} for i, v in ipairs(record.json) do t[#t + 1] = i .. '=' .. tostring(v) end record.json = table.concat(t, ' ')",
      "[1,null,\"x\",null]", "\"1=1 2=nil 3=x 4=nil\"");
  lua_case_each(
      "local t = {} for k, v in pairs(record.json) do t[#t + 1] = k .. '=' .. tostring(v) end record.json = table.concat(t, ' ')",
      "{\"b\":1,\"a\":null,\"\\u0063\":\"\\u0064\"}", "\"b=1 a=nil c=d\"");
  lua_case_each(
      "local t = {} for k, v in pairs(record.json) do t[#t + 1] = k .. '=' .. tostring(v) end record.json = table.concat(t, ' ')",
      "[5,null]", "\"1=5 2=nil\"");
  lua_case_each("local n = 0 for _ in ipairs(record.json) do n = n + 1 end record.json = n", "{\"a\":1}", "0");
  lua_case_expect(
      "keep", "#record.json == 2 and #record.json.a == 3 and #record.json.b == 0", "{\"a\":[1,2,3],\"b\":{}}", "same");
  lua_case_expect("keep", "record.json.a == 1", "{\"a\":1,\"a\":2}", "same");
  lua_case_expect("keep", "record.json['a\\\"b'] == 1 and record.json[''] == 2", "{\"a\\\"b\":1,\"\":2}", "same");
  lua_case_each("record.json.n = select('#', table.unpack(record.json.a)) + math.max(table.unpack(record.json.a))",
      "{\"a\":[1,7,3]}", "{\"a\":[1,7,3],\"n\":10}");
}

/* Backwards, again, two loops in each other: reading in order is only a faster way. */
static void any_order_of_reading(void **state) {
  (void)state;
  lua_case_each(
      "local a, s = record.json.a, '' for i = #a, 1, -1 do s = s .. a[i].v end for i = 1, #a do s = s .. a[i].v end "
      "for _, x in ipairs(a) do for _, y in ipairs(a) do s = s .. x.v * y.v end end record.json = s",
      "{\"a\":[{\"v\":1},{\"v\":2},{\"v\":3}]}", "\"321123123246369\"");
}

static void types_and_texts(void **state) {
  (void)state;
  lua_case_each(
      "local j = record.json record.json.t = {weir.type(j), weir.type(j.a), weir.type(weir.null), weir.type(j.none), "
      "weir.type(1), weir.type('x'), weir.type({}), weir.type(true), weir.type(record)}",
      "{\"a\":[]}",
      "{\"a\":[],\"t\":[\"object\",\"array\",\"null\",\"nil\",\"number\",\"string\",\"table\",\"boolean\",\"record\"]}");
  lua_case_each("record.json.t = tostring(record.json.a)", "{\"a\":[1, {\"b\" : 2}]}",
      "{\"a\":[1, {\"b\" : 2}],\"t\":\"[1, {\\\"b\\\" : 2}]\"}");
  lua_case_each("record.json.a.b = 3 record.json.t = tostring(record.json.a)", "{\"a\":{}}",
      "{\"a\":{\"b\":3},\"t\":\"{\\\"b\\\":3}\"}");
}

static void the_rest_stays_byte_for_byte(void **state) {
  (void)state;
  static const char *const value =
      " { \"a\" : 1.50 ,\t\"b\":{ \"x\" : [ 1 , 2 ] , \"y\":\"\\u0041\" } ,\n\"c\" : null }\r\n";
  lua_case_each("record.json.a = 2", value,
      " { \"a\" : 2 ,\t\"b\":{ \"x\" : [ 1 , 2 ] , \"y\":\"\\u0041\" } ,\n\"c\" : null }\r\n");
  lua_case_each("record.json.b.x[2] = 'two'", value,
      " { \"a\" : 1.50 ,\t\"b\":{ \"x\" : [ 1 , \"two\" ] , \"y\":\"\\u0041\" } ,\n\"c\" : null }\r\n");
  lua_case_each(
      "record.json.a = nil", value, " {\t\"b\":{ \"x\" : [ 1 , 2 ] , \"y\":\"\\u0041\" } ,\n\"c\" : null }\r\n");
  lua_case_each("record.json.b = nil", value, " { \"a\" : 1.50 ,\n\"c\" : null }\r\n");
  lua_case_each(
      "record.json.c = nil", value, " { \"a\" : 1.50 ,\t\"b\":{ \"x\" : [ 1 , 2 ] , \"y\":\"\\u0041\" } }\r\n");
  lua_case_each("record.json.d = 1", value,
      " { \"a\" : 1.50 ,\t\"b\":{ \"x\" : [ 1 , 2 ] , \"y\":\"\\u0041\" } ,\n\"c\" : null,\"d\":1 }\r\n");
  lua_case_each("local j = record.json j.a = nil j.b = nil j.c = nil", value, " { }\r\n");
  lua_case_each("local j = record.json j.a = nil j.b = nil j.c = nil j.z = 1", value, " {\"z\":1 }\r\n");
  lua_case_each("local x = record.json.b.x", value, "same");
}

static void nil_deletes_and_null_is_written(void **state) {
  (void)state;
  lua_case_each("record.json.a = nil record.json.b = weir.null record.json.none = nil record.json.x.y = nil",
      "{\"a\":1,\"b\":2}", "{\"b\":null}");
  lua_case_each("record.json.a = nil record.json.a = 3", "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":3}");
  lua_case_each("for k in pairs(record.json) do record.json[k] = nil end", "{\"a\":1,\"b\":2,\"c\":3}", "{}");
  lua_case_each("record.json.a = 5", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":5,\"b\":2}");
  lua_case_each("record.json.a = nil", "{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2}");
  lua_case_each(
      "local j = record.json j.b = 0 j.c = j.a", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":1,\"b\":0,\"a\":3,\"c\":1}");
}

static void missing_parents_are_created(void **state) {
  (void)state;
  lua_case_each("record.json.a.b.c = 1", "{}", "{\"a\":{\"b\":{\"c\":1}}}");
  lua_case_each("record.json.a.b = 1", "{\"a\":null}", "{\"a\":{\"b\":1}}");
  lua_case_each("record.json.a.b, record.json.c.d = 1, 2", "{}", "{\"c\":{\"d\":2},\"a\":{\"b\":1}}");
  lua_case_each("record.json.a.b = record.json.x or 0", "{}", "{\"a\":{\"b\":0}}");
  lua_case_each("record.json.a.b = record.json.c.d", "{}", "same");
  lua_case_each("record.json.a['b c'].d = 1", "{}", "{\"a\":{\"b c\":{\"d\":1}}}");
  lua_case_each("record.json.a[1] = 'x'", "{}", "{\"a\":[\"x\"]}");
  lua_case_each("record.json.a[1].b = 'x'", "{}", "{\"a\":[{\"b\":\"x\"}]}");
  lua_case_each("record.json.a[2] = 'x'", "{}", PLACE "element 2 of an array of 0: the next one is 1");
  lua_case_each("local j = record.json j.a.b = 1", "{}", "{\"a\":{\"b\":1}}");
  lua_case_each("local k = 'dyn' record.json[k][k .. 2].b = 1", "{}", "{\"dyn\":{\"dyn2\":{\"b\":1}}}");
  lua_case_each("(record).json.a.b = 1", "{}", "{\"a\":{\"b\":1}}");
  lua_case_each("local f = function() return record.json end f().a.b = 1 f ().a.c = 2 f{}.a.d = 3 f'x'.a.e = 4", "{}",
      "{\"a\":{\"b\":1,\"c\":2,\"d\":3,\"e\":4}}");
  lua_case_each(
      "record.json.a.b = (function() record.json.a = {z = 0} return 1 end)()", "{}", "{\"a\":{\"z\":0,\"b\":1}}");
  lua_case_each("record.json.a.b = (function() record.json.a = 5 return 1 end)()", "{}",
      PLACE "there is no room for a member: its parent has got a value meanwhile");
  lua_case_each("record.json.a.b = 1", "{\"a\":5}", PLACE "nothing can be assigned below 'a', which is a number");
  lua_case_each(
      "record.json.a.b = 1", "{\"a\":\"text\"}", PLACE "nothing can be assigned below 'a', which is a string");
  lua_case_each("local t = {record.json.a.b, d = 1}", "{\"a\":5}", PLACE "attempt to index a number value (field 'a')");
  lua_case_each("local a = record.json.a a.b = 1", "{}",
      PLACE "'b' cannot be assigned below nil: write the whole path, as in record.json.a.b = ...");
  lua_case_each("local t = {} t.x.y = 1", "{}",
      PLACE "'y' cannot be assigned below nil: write the whole path, as in record.json.a.y = ...");
}

static void tables_become_json(void **state) {
  (void)state;
  static const struct {
    const char *lua, *json;
  } cases[] = {{"{}", "{}"}, {"weir.array{}", "[]"}, {"weir.array()", "[]"}, {"{1, 2, {}}", "[1,2,{}]"},
      {"{b = 1, a = {true}}", "{\"a\":[true],\"b\":1}"}, {"{1, weir.null, 3}", "[1,null,3]"},
      {"{x = weir.null}", "{\"x\":null}"}, {"weir.array{weir.array{}}", "[[]]"},
      {"'\\u{e9}\\n\\0\"'", "\"é\\n\\u0000\\\"\""}, {"2^53", "9007199254740992.0"}, {"1e300", "1e+300"}, {"-7", "-7"},
      {"false", "false"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char code[128], wanted[128];
    snprintf(code, sizeof code, "record.json.v = %s", cases[i].lua);
    snprintf(wanted, sizeof wanted, "{\"v\":%s}", cases[i].json);
    lua_case_each(code, "{}", wanted);
    snprintf(code, sizeof code, "record.json = %s", cases[i].lua);
    lua_case_each(code, "{}", strcmp(cases[i].json, "{}") == 0 ? "same" : cases[i].json);
  }
}

static void what_is_no_json(void **state) {
  (void)state;
  static const struct {
    const char *lua, *message;
  } cases[] = {{"0/0", "NaN cannot be written: JSON has no such number"},
      {"1/0", "infinity cannot be written: JSON has no such number"},
      {"-1/0", "infinity cannot be written: JSON has no such number"},
      {"{0/0}", "NaN cannot be written: JSON has no such number"},
      {"{1/0}", "infinity cannot be written: JSON has no such number"},
      {"print", "a function cannot be written as JSON"}, {"{print}", "a function cannot be written as JSON"},
      {"record", "a record cannot be written as JSON; record.json can"},
      {"'\\xff'", "a string that is not UTF-8 cannot be written as JSON"},
      {"{'\\xff'}", "a string that is not UTF-8 cannot be written as JSON"},
      {"{['\\xff'] = 1}", "a string that is not UTF-8 cannot be written as JSON"},
      {"{1, x = 2}", "a table with names and elements cannot be written as JSON: it is neither object nor array"},
      {"{[2] = 1}",
          "a table with the key 2 cannot be written as JSON: names are strings, elements are numbered from 1 without a hole"},
      {"{[1.5] = 1}",
          "a table with the key 1.5 cannot be written as JSON: names are strings, elements are numbered from 1 without a hole"},
      {"{[true] = 1}",
          "a table with the key true cannot be written as JSON: names are strings, elements are numbered from 1 without a hole"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char code[128], wanted[256];
    snprintf(code, sizeof code, "record.json.v = %s", cases[i].lua);
    snprintf(wanted, sizeof wanted, PLACE "%s", cases[i].message);
    lua_case_each(code, "{}", wanted);
  }
  lua_case_each("local t = {} t.t = t record.json.v = t", "{}",
      PLACE "a table deeper than 64 levels cannot be written as JSON (does it contain itself?)");
  lua_case_each("record.json['\\xff'] = 1", "{}", PLACE "a name that is not UTF-8 cannot be written as JSON");
  lua_case_each("record.json[1] = 1", "{}", PLACE "an object has no element 1: its names are strings");
  lua_case_each("record.json.a = 1", "[]", PLACE "an array has no member 'a'");
  lua_case_each("record.json[true] = 1", "{}",
      PLACE "a member is named by a string, an element by a whole number from 1, not by true");
  lua_case_each("record.json[0] = 1", "[1]",
      PLACE "a member is named by a string, an element by a whole number from 1, not by 0");
}

static void arrays_have_no_holes(void **state) {
  (void)state;
  lua_case_each("record.json[#record.json + 1] = 4", "[1, 2, 3]", "[1, 2, 3,4]");
  lua_case_each("record.json[#record.json] = nil", "[1, 2, 3]", "[1, 2]");
  lua_case_each("record.json[1] = nil", "[1, 2, 3]",
      PLACE
      "only the last element of an array can be deleted, which is 3; table.remove moves the others up, weir.null leaves a null");
  lua_case_each(
      "record.json[9] = nil", "[1, 2, 3]", PLACE "nil cannot be element 9 of an array of 3; weir.null is a null");
  lua_case_each(
      "record.json[4] = nil", "[1, 2, 3]", PLACE "nil cannot be element 4 of an array of 3; weir.null is a null");
  lua_case_each("table.insert(record.json, 1, 0)", "[1,null]",
      PLACE "nil cannot be element 3 of an array of 2; weir.null is a null");
  lua_case_each("table.insert(record.json, 1, 0)", "[null,1]",
      PLACE
      "only the last element of an array can be deleted, which is 3; table.remove moves the others up, weir.null leaves a null");
  lua_case_each("record.value = tostring(table.remove(record.json))", "[]", "nil");
  lua_case_each("record.json[5] = 1", "[1, 2, 3]", PLACE "element 5 of an array of 3: the next one is 4");
  lua_case_each("table.insert(record.json, 1, 0) table.insert(record.json, 9)", "[1, 2, 3]", "[0, 1, 2,3,9]");
  lua_case_each("local gone = table.remove(record.json, 1) record.json[1] = gone * 10", "[1, 2, 3]", "[10, 3]");
  lua_case_each("table.sort(record.json, function(a, b) return a > b end)", "[1,3,2]", "[3,2,1]");
  lua_case_each("record.json.a[#record.json.a] = nil record.json.a[1] = 2", "{\"a\":[1]}", "{\"a\":[2]}");
  lua_case_each("record.json = table.concat(record.json, '-')", "[1,\"x\"]", "\"1-x\"");
}

static void parts_are_copied(void **state) {
  (void)state;
  lua_case_each("record.json.b = record.json.a record.json.b.x = 2", "{\"a\":{ \"x\": 1}}",
      "{\"a\":{ \"x\": 1},\"b\":{ \"x\": 2}}");
  lua_case_each("record.json.a.x = 5 record.json.b = record.json.a record.json.a.x = 6", "{\"a\":{\"x\":1}}",
      "{\"a\":{\"x\":6},\"b\":{\"x\":5}}");
  lua_case_each("record.json.a.self = record.json", "{\"a\":{}}", "{\"a\":{\"self\":{\"a\":{}}}}");
  lua_case_each("record.json.a = record.json.b record.json.b = record.json.c", "{\"b\":1,\"c\":[2]}",
      "{\"b\":[2],\"c\":[2],\"a\":1}");
  lua_case_each("record.json = record.json.a", "{\"a\":{ \"x\": 1}}", "{ \"x\": 1}");
  lua_case_each("record.json.list = {record.json.a, {deep = record.json.a}}", "{\"a\":[1]}",
      "{\"a\":[1],\"list\":[[1],{\"deep\":[1]}]}");
  lua_case_each("local a = record.json.a local b = record.json.a record.json.same = a == b a.x = 1 b.y = 2",
      "{\"a\":{}}", "{\"a\":{\"x\":1,\"y\":2},\"same\":true}");
}

static void value_and_json_are_one(void **state) {
  (void)state;
  lua_case_each("record.json.a = 2 record.json.b = record.value", "{\"a\":1}", "{\"a\":2,\"b\":\"{\\\"a\\\":2}\"}");
  lua_case_each("record.value = '{\"z\":1}' record.json.y = record.json.z + 1", "{\"a\":1}", "{\"z\":1,\"y\":2}");
  lua_case_each("record.json.a = 2 record.value = '{\"z\":1}'", "{\"a\":1}", "{\"z\":1}");
  lua_case_each("record.json.a = 2 local v = record.value record.json.a = 3 record.json.v = v", "{\"a\":1}",
      "{\"a\":3,\"v\":\"{\\\"a\\\":2}\"}");
  lua_case_each("record.json = {x = 1} record.json.y = 2", "{\"a\":1}", "{\"x\":1,\"y\":2}");
  lua_case_each("record.value = 'plain'", "{\"a\":1}", "plain");
  lua_case_each("record.value = 'plain' local x = record.json.a", "{\"a\":1}",
      "reject not_json byte 0: expected a value, found 'p'");
  lua_case_each("local j = record.json record.value = '{}' local x = j.a", "{\"a\":1}",
      PLACE "this part of record.json was read before the value was replaced: read it again");
  lua_case_each("local j = record.json.a record.json = {a = {}} j.b = 1", "{\"a\":{}}",
      PLACE "this part of record.json was read before the value was replaced: read it again");
}

static void tombstones(void **state) {
  (void)state;
  static const char *const sentence = PLACE "this record is a tombstone: it has no JSON to write to";
  lua_case_expect("keep", "record.json == nil and record.value == nil", "tombstone", "same");
  lua_case_expect("keep", "record.json.a.b == nil", "tombstone", "same");
  lua_case_expect("keep", "record.json.a > 1", "tombstone", "drop absent");
  lua_case_each("record.json.a = 1", "tombstone", sentence);
  lua_case_each("record.json.a.b = 1", "tombstone", sentence);
  lua_case_each("record.json = {}", "tombstone", sentence);
  lua_case_each("record.value = nil", "{\"a\":1}", "tombstone");
  lua_case_each("record.value = '{}' record.json.a = 1", "tombstone", "{\"a\":1}");
  lua_case_each("record.json = nil", "{\"a\":1}",
      PLACE "record.json cannot be nil: record.value = nil makes a tombstone, weir.null writes null");
  lua_case_each("record.json = weir.null", "{\"a\":1}", "null");
}

/* No recursion without a bound. */
static void nesting_ends_with_a_sentence(void **state) {
  (void)state;
  char *deep = malloc(2002);
  memset(deep, '[', 1000);
  memset(deep + 1000, ']', 1000);
  deep[2000] = 0;
  lua_case_each("local v = record.json while v do v = v[1] end", deep, PLACE "nested deeper than 512 levels");
  free(deep);
  lua_case_each(
      "local v = record.json for i = 1, 1000 do v.a = {} v = v.a end", "{}", PLACE "nested deeper than 512 levels");
  lua_case_each("local v = record.json for i = 1, 400 do v.a = {} v = v.a end record.value = tostring(#record.value)",
      "{}", "2402");
}

static void wide_objects_are_walked_in_line(void **state) {
  (void)state;
  char *wide = NULL;
  size_t size;
  FILE *out = open_memstream(&wide, &size);
  for (int i = 0; i < 20000; i++) fprintf(out, "%c\"k%d\":{\"v\":%d}", i ? ',' : '{', i, i);
  fprintf(out, "}");
  fclose(out);
  lua_case_each(
      "local sum = 0 for k, v in pairs(record.json) do sum = sum + v.v record.json[k] = nil end record.value = tostring(sum)",
      wide, "199990000");
  free(wide);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(absent_and_null_read_as_nil),
      cmocka_unit_test(nil_is_indexed_to_nil), cmocka_unit_test(comparisons_with_nil_are_false),
      cmocka_unit_test(what_nil_cannot_do), cmocka_unit_test(absences_are_counted), cmocka_unit_test(text_is_no_number),
      cmocka_unit_test(integers_are_exact), cmocka_unit_test(what_is_touched_is_checked),
      cmocka_unit_test(full_validation_reads_all), cmocka_unit_test(other_roots_than_objects),
      cmocka_unit_test(loops_and_lengths), cmocka_unit_test(any_order_of_reading), cmocka_unit_test(types_and_texts),
      cmocka_unit_test(the_rest_stays_byte_for_byte), cmocka_unit_test(nil_deletes_and_null_is_written),
      cmocka_unit_test(missing_parents_are_created), cmocka_unit_test(tables_become_json),
      cmocka_unit_test(what_is_no_json), cmocka_unit_test(arrays_have_no_holes), cmocka_unit_test(parts_are_copied),
      cmocka_unit_test(value_and_json_are_one), cmocka_unit_test(tombstones),
      cmocka_unit_test(nesting_ends_with_a_sentence), cmocka_unit_test(wide_objects_are_walked_in_line)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
