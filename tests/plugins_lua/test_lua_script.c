/* test_lua_script.c: whole scripts through their life, and what an error in one does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lua_case.h"

#define BAD "reject lua_error case.lua:"

static struct fake_batch *batch_of(struct fake_host *fake, int count, const char *const *values) {
  struct fake_batch *batch = fake_batch_open(fake);
  for (int i = 0; i < count; i++) fake_batch_add(batch, "key", values[i]);
  return batch;
}

static const char *const letters[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

static void a_script_lives(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_script(
      "return {name = 'x', version = '1',\n"
      "create = function(stage) return {n = 0, from = stage.name .. stage.lane .. stage.lanes} end,\n"
      "process = function(self, batch)\n"
      "  for record in batch:records() do\n"
      "    self.n = self.n + 1\n"
      "    record.value = record.value .. self.n .. '/' .. #batch .. self.from .. batch.topic .. batch.partition\n"
      "  end\nend}",
      NULL);
  struct fake_batch *batch = batch_of(fake, 2, letters);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_string_equal(fake_batch_value(batch, 0), "a1/2stage01in0");
  assert_string_equal(fake_batch_value(batch, 1), "b2/2stage01in0");
  assert_string_equal(lua_case_outcome(fake, "z"), "z3/1stage01in0");
  lua_case_close(fake);
}

static void batches_have_places(void **state) {
  (void)state;
  struct fake_host *fake =
      lua_case_script("return {process = function(self, batch)\n"
                      "  batch[1].value = batch[3].value\n"
                      "  batch[2].value = tostring(batch[0]) .. tostring(batch[4]) .. tostring(batch[1.5])\n"
                      "  batch:emit(batch[3], {value = 'e'})\nend}",
          NULL);
  struct fake_batch *batch = batch_of(fake, 3, letters);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_string_equal(fake_batch_value(batch, 0), "c");
  assert_string_equal(fake_batch_value(batch, 1), "nilnilnil");
  assert_string_equal(lua_case_outcome_of(batch, 2, "c"), "same + e");
  lua_case_close(fake);
}

static void each_is_for_every_record(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_script("return {create = function() return {n = 0} end,\n"
                                           "each = function(self, record)\n"
                                           "  self.n = self.n + 1\n"
                                           "  if record.value == 'b' then error('no b') end\n"
                                           "  record.value = record.value .. self.n\nend}",
      NULL);
  struct fake_batch *batch = batch_of(fake, 3, letters);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_string_equal(fake_batch_value(batch, 0), "a1");
  assert_string_equal(lua_case_outcome_of(batch, 1, "b"), BAD "4: no b");
  assert_string_equal(fake_batch_value(batch, 2), "c3");
  lua_case_close(fake);
}

/* ---- Errors in process() ---- */

static void an_error_in_the_loop_rejects_that_record(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_script(
      "return {process = function(self, batch)\n"
      "  for record in batch:records() do\n"
      "    record:emit{value = 'e' .. record.value}\n"
      "    if record.value == 'c' or record.value == 'e' or record.value == 'h' then error('no ' .. record.value) end\n"
      "    record.value = record.value:upper()\n"
      "  end\nend}",
      NULL);
  struct fake_batch *batch = batch_of(fake, 8, letters);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  static const char *const outcomes[] = {
      "A + ea", "B + eb", BAD "4: no c", "D + ed", BAD "4: no e", "F + ef", "G + eg", BAD "4: no h"};
  for (uint32_t i = 0; i < 8; i++) assert_string_equal(lua_case_outcome_of(batch, i, letters[i]), outcomes[i]);
  lua_case_close(fake);
}

/* Two passes over the batch: what the first had only looked at when it failed must not pass. */
static void no_half_done_work_passes(void **state) {
  (void)state;
  struct fake_host *fake =
      lua_case_script("return {process = function(self, batch)\n"
                      "  local most = 0\n"
                      "  for record in batch:records() do\n"
                      "    if record.json.n > most then most = record.json.n end\n"
                      "  end\n"
                      "  for record in batch:records() do record.json.most = most + 0 * record.json.n end\n"
                      "end}",
          NULL);
  static const char *const values[] = {"{\"n\":5}", "{\"n\":2}", "bad", "{\"n\":3}", "{\"n\":7}"};
  static const char *const outcomes[] = {"{\"n\":5,\"most\":5}", "{\"n\":2,\"most\":5}",
      "reject not_json byte 0: expected a value, found 'b'", "{\"n\":3,\"most\":7}", "{\"n\":7,\"most\":7}"};
  struct fake_batch *batch = batch_of(fake, 5, values);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  for (uint32_t i = 0; i < 5; i++) assert_string_equal(lua_case_outcome_of(batch, i, values[i]), outcomes[i]);
  lua_case_close(fake);
}

/* What the failed call dropped and summed up in a local is summed up again, not lost. */
static void a_sum_over_the_batch_loses_nothing(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_script("return {process = function(self, batch)\n"
                                           "  local sum, last = 0, nil\n"
                                           "  for record in batch:records() do\n"
                                           "    sum, last = sum + record.json.n, record\n"
                                           "    record:drop('summed')\n"
                                           "  end\n"
                                           "  if last then last:emit{json = sum} end\n"
                                           "end}",
      NULL);
  static const char *const values[] = {"{\"n\":1}", "{\"n\":2}", "{}", "{\"n\":4}", "{}", "{\"n\":8}"};
  struct fake_batch *batch = batch_of(fake, 6, values);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  int sum = 0, rejected = 0;
  for (uint32_t i = 0; i < fake_batch_emitted_count(batch); i++) sum += atoi(fake_batch_emitted(batch, i)->value);
  for (uint32_t i = 0; i < 6; i++) rejected += fake_batch_verdict(batch, i) == WEIR_REJECT;
  assert_int_equal(sum, 15);
  assert_int_equal(rejected, 2);
  lua_case_close(fake);
}

static void full_validation_comes_first(void **state) {
  (void)state;
  lua_case_file("full.lua", "return {process = function(self, batch)\n"
                            "  for record in batch:records() do record.key = tostring(#batch) end\nend}");
  struct fake_host *fake = lua_case_open("{script: full.lua, validate: full}");
  static const char *const values[] = {"{}", "{\"a\":tru}", "[1]", "x"};
  struct fake_batch *batch = batch_of(fake, 4, values);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_string_equal(lua_case_outcome_of(batch, 0, "{}"), "same");
  assert_string_equal(lua_case_outcome_of(batch, 1, "x"), "reject not_json byte 8: expected true, found '}'");
  assert_string_equal(lua_case_outcome_of(batch, 2, "[1]"), "same");
  assert_string_equal(lua_case_outcome_of(batch, 3, "x"), "reject not_json byte 0: expected a value, found 'x'");
  assert_string_equal(fake_batch_key(batch, 0), "1");
  lua_case_close(fake);
}

static void an_error_outside_the_loop_breaks_the_batch(void **state) {
  (void)state;
  static const char *const bodies[] = {"error('before') for record in batch:records() do end",
      "for record in batch:records() do record.value = 'x' end error('behind')",
      "for record in batch:records() do record:drop() break end error('behind')",
      "for record in batch:records() do pcall(error, 'x') end error('behind')",
      "pcall(function() for record in batch:records() do error('inner') end end) error('behind')",
      "batch[1].value = 'x' error('beside')", "local n = batch.nonsense",
      "for r in batch:records() do for q in batch:records() do end end batch = nil + 1"};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    char script[256];
    snprintf(script, sizeof script, "return {process = function(self, batch)\n%s end}", bodies[i]);
    struct fake_host *fake = lua_case_script(script, NULL);
    struct fake_batch *batch = batch_of(fake, 3, letters);
    assert_int_equal(fake_batch_run(batch), WEIR_BROKEN);
    assert_non_null(strstr(fake_host_failure(fake), "case.lua:2: "));
    for (uint32_t j = 0; j < 3; j++) assert_string_equal(lua_case_outcome_of(batch, j, letters[j]), "retry");
    lua_case_close(fake);
  }
}

/* A loop that was left early, and one inside another: the error is the record's at which the loop that failed stood. */
static void the_right_record_is_found(void **state) {
  (void)state;
  struct fake_host *fake =
      lua_case_script("return {process = function(self, batch)\n"
                      "  for record in batch:records() do break end\n"
                      "  for outer in batch:records() do\n"
                      "    for inner in batch:records() do if inner.value == 'a' then break end end\n"
                      "    if outer.value == 'b' then error('b') end\n"
                      "    local ok = pcall(function() for inner in batch:records() do error('caught') end end)\n"
                      "    if outer.value == 'd' then error('d') end\n"
                      "  end\nend}",
          NULL);
  struct fake_batch *batch = batch_of(fake, 5, letters);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  static const char *const outcomes[] = {"same", BAD "5: b", "same", BAD "7: d", "same"};
  for (uint32_t i = 0; i < 5; i++) assert_string_equal(lua_case_outcome_of(batch, i, letters[i]), outcomes[i]);
  lua_case_close(fake);
}

/* Loops that ended do not count, however they ended; inside each other they have a limit. */
static void loops_end(void **state) {
  (void)state;
  struct fake_host *fake =
      lua_case_script("return {process = function(self, batch)\n"
                      "  for i = 1, 20 do for record in batch:records() do break end end\n"
                      "  for i = 1, 20 do for record in batch:records() do record.key = 'k' .. i end end\n"
                      "  for i = 1, 20 do pcall(function() for record in batch:records() do error('x') end end) end\n"
                      "  local function deep(n) for record in batch:records() do deep(n + 1) end end\n"
                      "  if self.deep then deep(1) end self.deep = true\nend}",
          NULL);
  assert_string_equal(lua_case_outcome(fake, "a"), "same");
  assert_string_equal(lua_case_outcome(fake, "a"), BAD "5: more than 8 loops over a batch inside each other");
  lua_case_close(fake);
}

static void the_memory_limit_rejects_the_record_in_the_loop(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_open("script: case.lua");
  lua_case_close(fake);
  lua_case_file("bomb.lua", "return {process = function(self, batch)\n"
                            "  for record in batch:records() do\n"
                            "    if record.value == 'b' then local t = {} for i = 1, 1e9 do t[i] = i end end\n"
                            "  end\nend}");
  fake = lua_case_open("{script: bomb.lua, memory: 1MiB}");
  struct fake_batch *batch = batch_of(fake, 3, letters);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  static const char *const outcomes[] = {"same", "reject lua_error bomb.lua:3: memory limit of 1MiB reached", "same"};
  for (uint32_t i = 0; i < 3; i++) assert_string_equal(lua_case_outcome_of(batch, i, letters[i]), outcomes[i]);
  lua_case_close(fake);
}

static void records_do_not_outlive_their_batch(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_script("return {process = function(self, batch)\n"
                                           "  for record in batch:records() do\n"
                                           "    if self.record then record.key = self.record.value end\n"
                                           "    record.value = batch[1].value\n"
                                           "  end\n"
                                           "  self.record = batch[1]\nend}",
      NULL);
  assert_string_equal(lua_case_outcome(fake, "a"), "same");
  for (int i = 0; i < 4; i++)
    assert_string_equal(lua_case_outcome(fake, "a"), BAD "3: record used after its batch ended");
  lua_case_close(fake);
  fake = lua_case_script("return {process = function(self, batch)\n"
                         "  if self.batch then for record in self.batch:records() do end end\n"
                         "  self.batch = batch\nend}",
      NULL);
  assert_string_equal(lua_case_outcome(fake, "a"), "same");
  assert_string_equal(lua_case_outcome(fake, "a"), "broken stage: case.lua:2: batch used after it ended");
  lua_case_close(fake);
}

/* ---- Partitions, timers ---- */

static void partitions_come_and_go(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_script(
      "return {\n"
      "assigned = function(self, topic, partition) return {name = topic .. partition, n = 0} end,\n"
      "process = function(self, batch)\n"
      "  local own = batch.state\n"
      "  for record in batch:records() do own.n = own.n + 1 record.value = own.name .. '/' .. own.n end\nend,\n"
      "revoked = function(self, topic, partition, why, state)\n"
      "  weir.log('warn', topic .. partition .. why .. state.n) end}",
      NULL);
  assert_true(fake_host_assign(fake, "q", 1));
  assert_string_equal(lua_case_outcome(fake, "a"), "q1/1");
  assert_string_equal(lua_case_outcome(fake, "a"), "q1/2");
  assert_true(fake_host_assign(fake, "q", 2));
  assert_string_equal(lua_case_outcome(fake, "a"), "q2/1");
  assert_true(fake_host_assign(fake, "q", 1));
  assert_string_equal(lua_case_outcome(fake, "a"), "q1/3");
  fake_host_revoke(fake, WEIR_LOST);
  assert_true(fake_host_logged(fake, WEIR_WARN, "q1lost3"));
  assert_true(fake_host_assign(fake, "q", 1));
  assert_string_equal(lua_case_outcome(fake, "a"), "q1/1");
  fake_host_revoke(fake, WEIR_REVOKED);
  assert_true(fake_host_logged(fake, WEIR_WARN, "q1revoked1"));
  lua_case_close(fake);
}

static void a_partition_can_be_refused(void **state) {
  (void)state;
  struct fake_host *fake =
      lua_case_script("return {assigned = function(self, topic) if topic == 'bad' then error('not this one') end end,\n"
                      "revoked = function() error('late') end, each = function() end}",
          NULL);
  assert_false(fake_host_assign(fake, "bad", 0));
  assert_string_equal(fake_host_failure(fake), "stage: case.lua:1: not this one");
  assert_true(fake_host_assign(fake, "in", 0));
  fake_host_revoke(fake, WEIR_REVOKED);
  assert_true(fake_host_logged(fake, WEIR_ERROR, "revoked: case.lua:2: late"));
  lua_case_close(fake);
}

static void timers_and_flushes(void **state) {
  (void)state;
  struct fake_host *fake =
      lua_case_script("return {create = function(stage) weir.wake(100) return {} end,\n"
                      "each = function() end,\n"
                      "wake = function(self, now) weir.log('info', 'awake ' .. now) weir.wake(50) end,\n"
                      "flush = function(self, why) weir.log('info', 'flush ' .. why) error('in flush') end}",
          NULL);
  assert_false(fake_host_wake(fake));
  fake_host_pass(fake, 100);
  assert_true(fake_host_wake(fake));
  assert_true(fake_host_logged(fake, WEIR_INFO, "awake 1000100"));
  assert_false(fake_host_wake(fake));
  fake_host_pass(fake, 50);
  assert_true(fake_host_wake(fake));
  fake_host_flush(fake, WEIR_FLUSH_STOP);
  assert_true(fake_host_logged(fake, WEIR_INFO, "flush stop"));
  assert_true(fake_host_logged(fake, WEIR_ERROR, "flush: case.lua:4: in flush"));
  lua_case_close(fake);
}

/* ---- Options ---- */

static void declared_options(void **state) {
  (void)state;
  static const char *const script =
      "return {options = {s = {type = 'string', default = \"'x\"}, i = {type = 'int', required = true}, n = {type = 'number', default = 1.5},\n"
      "b = {type = 'bool', default = false}, d = {type = 'duration', default = '5s'}, z = {type = 'size', default = '1KiB'}, l = {type = 'list'},\n"
      "m = {type = 'map'}, e = {type = 'enum', choices = {'km', 'mi'}, default = 'km', help = 'unit'}, t = {type = 'tree'}, q = {type = 'secret'}},\n"
      "create = function(stage) return stage.options end,\n"
      "each = function(o, record) record.json = {o.s, o.i, o.n, o.b, o.d, o.z, o.e, o.l or 0, o.m or 0, o.t or 0, o.q or 0} end}";
  struct fake_host *fake = lua_case_script(script, "{i: 7}");
  assert_string_equal(lua_case_outcome(fake, "{}"), "[\"'x\",7,1.5,false,5000,1024,\"km\",0,0,0,0]");
  lua_case_close(fake);
  fake = lua_case_script(script,
      "{i: -1, s: 10, n: 3, b: true, d: 2m, z: 1MiB, e: mi, l: [1, a], m: {k: 5}, t: {deep: [1, '1', 1.5, true, x, null, {}]}, q: top}");
  assert_string_equal(lua_case_outcome(fake, "{}"),
      "[\"10\",-1,3.0,true,120000,1048576,\"mi\",[\"1\",\"a\"],{\"k\":\"5\"},{\"deep\":[1,\"1\",1.5,true,\"x\",null,{}]},\"top\"]");
  lua_case_close(fake);
}

static void options_that_do_not_fit(void **state) {
  (void)state;
  static const char *const script = "return {options = {i = {type = 'int', required = true}}, each = function() end}";
  assert_string_equal(
      lua_case_script_refusal(script, "{i: many}"), "pipeline.yaml:2:14: option 'i': found many, expected an integer");
  assert_string_equal(lua_case_script_refusal(script, "{j: 1, i: 1}"), "pipeline.yaml:2:11: unknown option 'j'");
  assert_non_null(strstr(lua_case_script_refusal(script, NULL), "option 'i' is missing"));
  assert_string_equal(
      lua_case_script_refusal("return {each = function() end}", "{j: 1}"), "pipeline.yaml:2:11: unknown option 'j'");
}

static void wrong_declarations(void **state) {
  (void)state;
  static const struct {
    const char *options, *message;
  } cases[] = {{"5", "the script's options is a number, expected a table"},
      {"{a = 5}", "options.a is a number, expected a table like {type = \"int\", default = 1}"},
      {"{a = {}}", "options.a: type is missing"},
      {"{a = {type = 'integer'}}",
          "options.a: there is no type 'integer'; it is one of string, int, number, bool, duration, size, list, map, secret, enum and tree"},
      {"{a = {type = 'enum'}}", "options.a: choices is missing: a list of strings"},
      {"{A = {type = 'int'}}", "options: 'A' is no name: small letters, digits and _"},
      {"{a = {type = 'int', required = true, default = 1}}", "options.a: either required or a default, not both"},
      {"{a = {type = 'int', hlep = 'x'}}",
          "options.a: there is no field hlep ; known are type required default help choices "},
      {"{a = {type = 'int', help = 5}}", "options.a: help is a number, expected a string"},
      {"{[1] = {type = 'int'}}", "an option's name is a number, expected a string"},
      {"{a = {type = 'string', default = {}}}", "options.a: default is a table, expected a string"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char script[256];
    snprintf(script, sizeof script, "return {options = %s, each = function() end}", cases[i].options);
    const char *refusal = lua_case_script_refusal(script, NULL);
    if (!strstr(refusal, cases[i].message)) fail_msg("%s: %s", cases[i].options, refusal);
  }
}

/* ---- Scripts that do not start ---- */

static void scripts_that_do_not_start(void **state) {
  (void)state;
  static const struct {
    const char *script, *message;
  } cases[] = {{"return {each = function( end}", "pipeline.yaml:1:9: case.lua:1: <name> or '...' expected near 'end'"},
      {"\n\nlocal x = nonsense", "pipeline.yaml:1:9: case.lua:3: there is no name 'nonsense' here"},
      {"", "case.lua: the file returns a nil, expected a table with process or each"},
      {"return 5", "case.lua: the file returns a number, expected a table with process or each"},
      {"return {}", "case.lua: the script's table needs process(self, batch) or each(self, record), one of the two"},
      {"return {each = print, process = print}",
          "case.lua: the script's table needs process(self, batch) or each(self, record), one of the two"},
      {"return {proces = print}", "the script's table has no field 'proces'; did you mean 'process'?"},
      {"return {process = 5}", "the script's process is a number, expected a function"},
      {"return {each = print, [1] = 2}", "the script's table has a field named by a number"},
      {"while true do end",
          "case.lua:1: the script's top level does not end: it only defines things, create() does the work"},
      {"while true do pcall(function() while true do end end) end", "the script's top level does not end"},
      {"error('at the top')", "case.lua:1: at the top"},
      {"return {create = function() end, each = print}",
          "stage: case.lua: create() returned nothing; what it returns is self from then on"},
      {"return {create = function() error('in create') end, each = print}", "stage: case.lua:1: in create"},
      {"local t = {} for i = 1, 1e9 do t[i] = i end", "case.lua:1: memory limit of 64MiB reached"},
      {"\x1bLua", "attempt to load a binary chunk"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *refusal = lua_case_script_refusal(cases[i].script, NULL);
    if (!strstr(refusal, cases[i].message)) fail_msg("%s: %s", cases[i].script, refusal);
  }
  assert_string_equal(
      lua_case_refusal("script: none.lua"), "pipeline.yaml:1:9: the script none.lua: No such file or directory");
}

/* prepare() alone runs no create(), counts nothing, and leaves nothing behind. */
static void checking_only_reads(void **state) {
  (void)state;
  lua_case_file("case.lua", "weir.log('info', 'read') local n = weir.counter('c') n:add(1) weir.wake(5)\n"
                            "return {create = function() weir.log('info', 'created') return {} end, each = print}");
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "lua");
  fake_host_directory(fake, lua_case_folder());
  fake_host_options(fake, "script: case.lua");
  assert_true(fake_host_prepare(fake));
  assert_true(fake_host_logged(fake, WEIR_INFO, "read"));
  assert_false(fake_host_logged(fake, WEIR_INFO, "created"));
  assert_false(fake_host_wake(fake));
  fake_host_close(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_script_lives), cmocka_unit_test(batches_have_places),
      cmocka_unit_test(each_is_for_every_record), cmocka_unit_test(an_error_in_the_loop_rejects_that_record),
      cmocka_unit_test(no_half_done_work_passes), cmocka_unit_test(a_sum_over_the_batch_loses_nothing),
      cmocka_unit_test(an_error_outside_the_loop_breaks_the_batch), cmocka_unit_test(the_right_record_is_found),
      cmocka_unit_test(loops_end), cmocka_unit_test(full_validation_comes_first),
      cmocka_unit_test(the_memory_limit_rejects_the_record_in_the_loop),
      cmocka_unit_test(records_do_not_outlive_their_batch), cmocka_unit_test(partitions_come_and_go),
      cmocka_unit_test(a_partition_can_be_refused), cmocka_unit_test(timers_and_flushes),
      cmocka_unit_test(declared_options), cmocka_unit_test(options_that_do_not_fit),
      cmocka_unit_test(wrong_declarations), cmocka_unit_test(scripts_that_do_not_start),
      cmocka_unit_test(checking_only_reads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
