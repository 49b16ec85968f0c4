/* test_lua_record.c: records, their headers, verdicts and emitted records, sentence by sentence of docs/LUA.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lua_case.h"

#define PLACE "reject lua_error pipeline.yaml:2: "

static void fields_are_read(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each",
      "record.value = table.concat({record.topic, record.partition, record.offset, record.timestamp, record.attempt, record.key, #record.value}, ' ')");
  assert_true(fake_host_assign(fake, "quakes", 3));
  lua_case_outcome(fake, "abc");
  assert_string_equal(lua_case_outcome(fake, "abc"), "quakes 3 1 1700000000000 1 key 3");
  lua_case_close(fake);
}

static void absent_key_and_time_are_nil(void **state) {
  (void)state;
  struct fake_host *fake =
      lua_case_code("keep", "record.key == nil and record.timestamp == nil and record.attempt == 4");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, NULL, "x");
  fake_batch_timestamp(batch, -1);
  fake_batch_attempt(batch, 4);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_PASS);
  lua_case_close(fake);
}

static void fields_are_written(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each",
      "record.key = record.key .. '2' record.timestamp = record.timestamp + 5 record.value = record.key .. record.timestamp");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", "x");
  fake_batch_run(batch);
  assert_string_equal(fake_batch_key(batch, 0), "key2");
  assert_int_equal(fake_batch_time(batch, 0), 1700000000005);
  assert_string_equal(fake_batch_value(batch, 0), "key21700000000005");
  lua_case_close(fake);
  fake = lua_case_code("each", "record.key = nil");
  batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", "x");
  fake_batch_run(batch);
  assert_null(fake_batch_key(batch, 0));
  lua_case_close(fake);
}

static void bytes_are_bytes(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each", "record.value = record.value .. record.key record.key = '\\0\\xff'");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add_bytes(batch, weir_bytes("a\0b", 3), weir_bytes("\0\xff", 2));
  fake_batch_run(batch);
  assert_memory_equal(fake_batch_value(batch, 0),
      "\0\xff"
      "a\0b",
      6);
  assert_memory_equal(fake_batch_key(batch, 0), "\0\xff", 3);
  lua_case_close(fake);
  lua_case_each("record.value = ''", "x", "");
}

static void wrong_fields(void **state) {
  (void)state;
  lua_case_each("record.topic = 'x'", "{}",
      PLACE "record.topic is where it was read from; record:route(topic) says where it goes");
  lua_case_each("record.offset = 1", "{}", PLACE "record.offset is read-only");
  lua_case_each("record.partition = 1", "{}", PLACE "record.partition is read-only");
  lua_case_each("record.attempt = 1", "{}", PLACE "record.attempt is read-only");
  lua_case_each("record.drop = 1", "{}", PLACE "record.drop is read-only");
  lua_case_each("record.jsom = 1", "{}", PLACE "a record has no 'jsom' to write; did you mean 'json'?");
  lua_case_each("local x = record.vaule", "{}", PLACE "a record has no 'vaule' to read; did you mean 'value'?");
  lua_case_each("local x = record[1]", "{}", PLACE "a record has names only, no number");
  lua_case_each("local x = #record", "{}", PLACE "a record has no length");
  lua_case_each("for k in pairs(record) do end", "{}",
      PLACE "pairs: only tables, and objects and arrays of record.json, can be gone through");
  lua_case_each("record.value = 5", "{}", PLACE "record.value is a number, expected a string");
  lua_case_each("record.value = {}", "{}", PLACE "record.value is a table, expected a string");
  lua_case_each("record.key = true", "{}", PLACE "record.key is a boolean, expected a string");
  lua_case_each("record.timestamp = 'x'", "{}", PLACE "record.timestamp is x, expected whole milliseconds since 1970");
  lua_case_each(
      "record.timestamp = 1.5", "{}", PLACE "record.timestamp is 1.5, expected whole milliseconds since 1970");
  lua_case_each("record.timestamp = -1", "{}", PLACE "record.timestamp is -1, expected whole milliseconds since 1970");
  lua_case_each("record.drop()", "{}", PLACE "a record is missing: call it with a colon, as in record:drop()");
  lua_case_each(
      "record.drop(record.json)", "{}", PLACE "a record is missing: call it with a colon, as in record:drop()");
  lua_case_each("record:route('')", "{}", PLACE "the topic is empty");
  lua_case_each("record:reject()", "{}", PLACE "reject: the code is missing: a short word to count by");
  lua_case_each("record:retry('x', -1)", "{}", PLACE "retry: after_ms is -1, expected 0 or more");
}

static void routes(void **state) {
  (void)state;
  lua_case_each("record:route('alarms')", "{}", "same to alarms");
  lua_case_each("record:route('a' .. 'b') record:route(nil)", "{}", "same");
}

static const char *headers_after(const char *code) {
  static char text[256];
  struct fake_host *fake = lua_case_code("each", code);
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", "{}");
  fake_batch_header(batch, "a", "1");
  fake_batch_header(batch, "b", NULL);
  fake_batch_header(batch, "a", "2");
  fake_batch_run(batch);
  if (fake_batch_verdict(batch, 0) == WEIR_PASS)
    snprintf(text, sizeof text, "%s | %s", fake_batch_headers(batch, 0), fake_batch_value(batch, 0));
  else
    snprintf(text, sizeof text, "%s", fake_batch_text(batch, 0));
  lua_case_close(fake);
  return text;
}

static void headers_are_read(void **state) {
  (void)state;
  assert_string_equal(
      headers_after(
          "record.value = record:header('a') .. tostring(record:header('b')) .. tostring(record:header('c'))"),
      "a=1 b a=2 | 2nilnil");
  assert_string_equal(headers_after("record.value = table.concat(record:headers('a'), ',') .. #record:headers('c')"),
      "a=1 b a=2 | 1,20");
  assert_string_equal(
      headers_after("record.value = tostring(record:headers('b')[1] == weir.null)"), "a=1 b a=2 | true");
  assert_string_equal(
      headers_after(
          "local all = record:headers() record.value = #all .. all[1].name .. all[1].value .. all[3].value .. "
          "tostring(all[2].value == weir.null)"),
      "a=1 b a=2 | 3a12true");
}

static void headers_are_written(void **state) {
  (void)state;
  assert_string_equal(headers_after("record:set_header('a', '9')"), "b a=9 | {}");
  assert_string_equal(headers_after("record:set_header('c', weir.null)"), "a=1 b a=2 c | {}");
  assert_string_equal(headers_after("record:set_header('a', nil)"), "b | {}");
  assert_string_equal(
      headers_after("record:add_header('a', '3') record:add_header('d', weir.null)"), "a=1 b a=2 a=3 d | {}");
  assert_string_equal(headers_after("record:remove_header('a')"), "b | {}");
  assert_string_equal(headers_after("record:remove_header('none')"), "a=1 b a=2 | {}");
  assert_string_equal(headers_after("record:remove_header('a') record:remove_header('b')"), " | {}");
  assert_string_equal(
      headers_after("record:set_header('c', '3') record.value = record:header('c')"), "a=1 b a=2 c=3 | 3");
  assert_string_equal(headers_after("record:add_header('a')"),
      "pipeline.yaml:2: add_header: the value is nil; weir.null adds a header without a value");
  assert_string_equal(
      headers_after("record:add_header(1, 'x')"), "pipeline.yaml:2: the header's name is a number, expected a string");
  assert_string_equal(
      headers_after("record:add_header('x', 5)"), "pipeline.yaml:2: the header's value is a number, expected a string");
}

static void verdicts(void **state) {
  (void)state;
  lua_case_each("record:drop()", "{}", "drop");
  lua_case_each("record:drop('test_data')", "{}", "drop test_data");
  lua_case_each("record:retry('busy')", "{}", "retry busy");
  lua_case_each("record:retry('busy', 250)", "{}", "retry busy after 250");
  lua_case_each("record:retry()", "{}", "retry");
  lua_case_each("record:reject('bad', 'field a is empty')", "{}", "reject bad field a is empty");
  lua_case_each("record:reject('bad')", "{}", "reject bad");
  lua_case_each("record:reject('bad') record:drop('x')", "{}", "drop x");
  lua_case_each("record:drop() record.json.a = 1 record:retry('r')", "{}", "retry r");
  lua_case_each("if record.json.a then return record:drop('a') end record:reject('no_a')", "{\"a\":1}", "drop a");
  lua_case_each("do return end record:drop()", "{}", "same");
}

static void retry_and_reject_take_back(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each",
      "record.json.a = 1 record.key = 'x' record:route('t') record:emit{value = 'e'} record:set_header('h', '1') record:reject('bad')");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", "{}");
  fake_batch_run(batch);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_REJECT);
  assert_string_equal(fake_batch_value(batch, 0), "{}");
  assert_string_equal(fake_batch_key(batch, 0), "key");
  assert_string_equal(fake_batch_headers(batch, 0), "");
  assert_null(fake_batch_topic(batch, 0));
  assert_int_equal(fake_batch_emitted_count(batch), 0);
  lua_case_close(fake);
}

/* An error after changes: nothing of them is seen, and the next record goes on. */
static void an_error_rejects_its_record_alone(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code(
      "each", "record.json.seen = true\nrecord:emit{value = 'e'}\nif record.json.bad then error('bad one') end");
  struct fake_batch *batch = fake_batch_open(fake);
  for (int i = 0; i < 7; i++) fake_batch_add(batch, "key", i % 3 == 1 ? "{\"bad\":1}" : "{}");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  for (uint32_t i = 0; i < 7; i++)
    assert_string_equal(lua_case_outcome_of(batch, i, "{}"),
        i % 3 == 1 ? "reject lua_error pipeline.yaml:4: bad one" : "{\"seen\":true} + e");
  lua_case_close(fake);
}

static void errors_that_are_no_text(void **state) {
  (void)state;
  lua_case_each("error({})", "{}", PLACE "the error is a table value, expected a text");
  lua_case_each("error()", "{}", PLACE "the error is a nil value, expected a text");
  lua_case_each("error(setmetatable({}, {__tostring = function() while true do end end}))", "{}",
      PLACE "the error is a table value, expected a text");
  lua_case_each("error('plain', 0)", "{}", PLACE "plain");
  lua_case_each("error(5)", "{}", PLACE "the error is a number value, expected a text");
  lua_case_each("assert(false)", "{}", PLACE "assertion failed!");
  lua_case_each("assert(nil, 'because')", "{}", PLACE "because");
  lua_case_each("local function f() return f() + 1 end f()", "{}", PLACE "memory limit of 64MiB reached");
  struct fake_host *fake = lua_case_open("{each: 'local function f() return f() + 1 end f()', memory: 256MiB}");
  assert_string_equal(lua_case_outcome(fake, "{}"), "reject lua_error pipeline.yaml:1: stack overflow");
  lua_case_close(fake);
}

static void a_caught_error_is_no_error(void **state) {
  (void)state;
  lua_case_each("local ok, why = pcall(function() return record.json.a end) record.value = tostring(ok) .. ' ' .. why",
      "x", "false pipeline.yaml:2: byte 0: expected a value, found 'x'");
  lua_case_each("pcall(error, 'x') record.value = 'y'", "{}", "y");
  /* an error of its own after a caught one of another kind */
  lua_case_each("pcall(function() return record.json.a end) error('mine')", "x", PLACE "mine");
}

static void emitted_records(void **state) {
  (void)state;
  lua_case_each("record:emit{value = 'a'} record:emit{json = {b = 1}} record:emit{}", "{\"c\":1}",
      "same + a + {\"b\":1} + {\"c\":1}");
  lua_case_each("record:emit{value = weir.null}", "{}", "same + tombstone");
  lua_case_each("record:emit{value = 'a', topic = 't'} record:route('u') record:emit{value = 'b'}", "{}",
      "same to u + a to t + b to u");
  lua_case_each("record.json.x = 1 record:emit{} record.json.x = 2", "{}", "{\"x\":2} + {\"x\":1}");
  lua_case_each(
      "record:emit{json = record.json.a} record:drop('split')", "{\"a\":{ \"b\":1}}", "drop split + { \"b\":1}");
  lua_case_each(
      "record:emit{json = weir.null} record:emit{json = 5} record:emit{json = false}", "{}", "same + null + 5 + false");
}

static const struct fake_emitted *emitted_by(struct fake_host *fake) {
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", "{}");
  fake_batch_header(batch, "a", "1");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_int_equal(fake_batch_emitted_count(batch), 1);
  return fake_batch_emitted(batch, 0);
}

static void what_an_emitted_record_inherits(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each", "record:emit{value = 'v'}");
  const struct fake_emitted *emitted = emitted_by(fake);
  assert_string_equal(emitted->key, "key");
  assert_string_equal(emitted->headers, "a=1");
  assert_int_equal(emitted->timestamp_ms, 1700000000000);
  lua_case_close(fake);
  fake = lua_case_code(
      "each", "record.key = 'k2' record.timestamp = 7 record:add_header('b', '2') record:emit{value = 'v'}");
  emitted = emitted_by(fake);
  assert_string_equal(emitted->key, "k2");
  assert_string_equal(emitted->headers, "a=1 b=2");
  assert_int_equal(emitted->timestamp_ms, 7);
  lua_case_close(fake);
}

static void what_an_emitted_record_is_given(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code(
      "each", "record:emit{value = 'v', key = weir.null, timestamp = 9, headers = {z = '1', b = weir.null, c = 'x'}}");
  const struct fake_emitted *emitted = emitted_by(fake);
  assert_null(emitted->key);
  assert_string_equal(emitted->headers, "b c=x z=1");
  assert_int_equal(emitted->timestamp_ms, 9);
  lua_case_close(fake);
  fake = lua_case_code("each",
      "record:emit{key = 'k', headers = {{name = 'z', value = '1'}, {name = 'a', value = weir.null}, {name = 'z', value = '2'}}}");
  emitted = emitted_by(fake);
  assert_string_equal(emitted->key, "k");
  assert_string_equal(emitted->headers, "z=1 a z=2");
  lua_case_close(fake);
  fake = lua_case_code("each", "record:emit{headers = {}}");
  assert_string_equal(emitted_by(fake)->headers, "");
  lua_case_close(fake);
}

static void wrong_drafts(void **state) {
  (void)state;
  static const struct {
    const char *draft, *message;
  } cases[] = {{"", "emit: expected a table like {value = ...}, got nil"},
      {"'x'", "emit: expected a table like {value = ...}, got string"},
      {"{vaule = 'x'}", "emit: a record has no 'vaule' to set; did you mean 'value'?"},
      {"{'x'}", "emit: a field is named by a number"}, {"{value = 5}", "value is a number, expected a string"},
      {"{value = 'x', json = {}}", "emit: either value or json, not both"},
      {"{key = 5}", "key is a number, expected a string"}, {"{topic = {}}", "topic is a table, expected a string"},
      {"{timestamp = 'x'}", "emit: timestamp is x, expected whole milliseconds since 1970"},
      {"{headers = 5}", "emit: headers is a number, expected a table"},
      {"{headers = {a = 5}}", "a header's value is a number, expected a string"},
      {"{headers = {'a'}}", "emit: header 1 is a string, expected {name=, value=}"},
      {"{headers = {{name = 'a'}}}", "emit: header 'a' has no value; weir.null is a header without one"},
      {"{headers = {{value = 'a'}}}", "emit: a header's name is a nil"},
      {"{json = print}", "a function cannot be written as JSON"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char code[128], wanted[256];
    snprintf(code, sizeof code, "record:emit(%s)", cases[i].draft);
    snprintf(wanted, sizeof wanted, PLACE "%s", cases[i].message);
    lua_case_each(code, "{}", wanted);
  }
}

static void the_limit_of_emitted_records_rejects(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each", "for i = 1, 3 do record:emit{value = 'e' .. i} end record:drop()");
  fake_host_emit_limit(fake, 4);
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", "a");
  fake_batch_add(batch, "key", "b");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_string_equal(lua_case_outcome_of(batch, 0, "a"), "drop + e1 + e2 + e3");
  assert_string_equal(lua_case_outcome_of(batch, 1, "b"),
      "reject lua_error the host takes no more records from this batch: its limit of emitted records is reached");
  lua_case_close(fake);
}

/* A batch whose memory is spent: its last records are tried again in a smaller batch, one alone is rejected. */
static void a_batch_without_memory(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each", "record.value = ('x'):rep(400)");
  fake_host_budget(fake, 1000);
  struct fake_batch *batch = fake_batch_open(fake);
  for (int i = 0; i < 3; i++) fake_batch_add(batch, "key", "v");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_PASS);
  assert_int_equal(fake_batch_verdict(batch, 1), WEIR_PASS);
  assert_string_equal(lua_case_outcome_of(batch, 2, "v"), "retry batch_memory the memory of this batch is spent");
  fake_host_budget(fake, 100);
  assert_string_equal(lua_case_outcome(fake, "v"), "reject batch_memory the memory of this batch is spent");
  lua_case_close(fake);
}

static void records_do_not_outlive_their_code(void **state) {
  (void)state;
  static const char *const sentence = PLACE "record used after its batch ended";
  struct fake_host *fake =
      lua_case_code("each", "if state.kept then record.value = state.kept.value end state.kept = record");
  struct fake_batch *batch = fake_batch_open(fake);
  for (int i = 0; i < 3; i++) fake_batch_add(batch, "key", "v");
  fake_batch_run(batch);
  assert_string_equal(lua_case_outcome_of(batch, 0, "v"), "same");
  assert_string_equal(lua_case_outcome_of(batch, 1, "v"), sentence);
  assert_string_equal(lua_case_outcome_of(batch, 2, "v"), sentence);
  fake_batch_close(batch);
  for (int i = 0; i < 5; i++) assert_string_equal(lua_case_outcome(fake, "v"), sentence);
  lua_case_close(fake);
  fake = lua_case_code("each", "local a = record.json.a if state.kept then local x = state.kept.b end state.kept = a");
  assert_string_equal(lua_case_outcome(fake, "{\"a\":{}}"), "same");
  for (int i = 0; i < 5; i++) assert_string_equal(lua_case_outcome(fake, "{\"a\":{}}"), sentence);
  lua_case_close(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(fields_are_read), cmocka_unit_test(absent_key_and_time_are_nil),
      cmocka_unit_test(fields_are_written), cmocka_unit_test(bytes_are_bytes), cmocka_unit_test(wrong_fields),
      cmocka_unit_test(routes), cmocka_unit_test(headers_are_read), cmocka_unit_test(headers_are_written),
      cmocka_unit_test(verdicts), cmocka_unit_test(retry_and_reject_take_back),
      cmocka_unit_test(an_error_rejects_its_record_alone), cmocka_unit_test(errors_that_are_no_text),
      cmocka_unit_test(a_caught_error_is_no_error), cmocka_unit_test(emitted_records),
      cmocka_unit_test(what_an_emitted_record_inherits), cmocka_unit_test(what_an_emitted_record_is_given),
      cmocka_unit_test(wrong_drafts), cmocka_unit_test(the_limit_of_emitted_records_rejects),
      cmocka_unit_test(a_batch_without_memory), cmocka_unit_test(records_do_not_outlive_their_code)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
