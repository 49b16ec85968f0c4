/* test_lua_sandbox.c: what code cannot do: hostile snippets, the memory limit, and every allocation refused once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "lua_case.h"

#define PLACE "reject lua_error pipeline.yaml:2: "

/* Each must be refused, with a sentence that holds `message`. */
static const struct {
  const char *code, *message;
} hostile[] = {
    /* the world outside */
    {"io.open('/etc/passwd')",
        "there is no name 'io' here: Lua in weir has no files; weir.load reads one of the pipeline's folder"},
    {"os.execute('true')", "'os' has no 'execute'"},
    {"os.exit(1)", "'os' has no 'exit'"},
    {"os.getenv('HOME')", "'os' has no 'getenv'"},
    {"os.remove('x')", "'os' has no 'remove'"},
    {"os.rename('x', 'y')", "'os' has no 'rename'"},
    {"os.tmpname()", "'os' has no 'tmpname'"},
    {"package.loadlib('x', 'y')", "there is no name 'package' here"},
    {"require('io')", "require 'io': io.lua: No such file or directory"},
    {"require('../x')", "require '../x': a name is letters, digits, _ and -, with dots for folders"},
    {"require('..x')", "require '..x': a name is letters, digits, _ and -, with dots for folders"},
    {"require('/etc/passwd')", "a name is letters, digits, _ and -, with dots for folders"},
    {"weir.load('../x')", "weir.load: ../x: the path leads out of the pipeline's folder"},
    {"weir.load('a/../../x')", "the path leads out of the pipeline's folder"},
    {"weir.load('/etc/passwd')", "the path leads out of the pipeline's folder"},
    {"weir.load('x\\0y')", "weir.load: the path has a zero byte"},
    {"weir.load('sub')", "it is no regular file"},
    /* code from data */
    {"load('return 1')", "there is no name 'load' here"},
    {"loadstring('return 1')", "there is no name 'loadstring' here"},
    {"loadfile('x')", "there is no name 'loadfile' here"},
    {"dofile('x')", "there is no name 'dofile' here"},
    {"string.dump(print)", "attempt to call a nil value (field 'dump')"},
    {"('').dump(print)", "attempt to call a nil value (field 'dump')"},
    /* what all code shares */
    {"debug.getinfo(1)", "there is no name 'debug' here"},
    {"debug.sethook()", "there is no name 'debug' here"},
    {"coroutine.create(print)", "there is no name 'coroutine' here"},
    {"xpcall(print, print)", "there is no name 'xpcall' here"},
    {"getmetatable('').__index = nil", "attempt to index a boolean value"},
    {"setmetatable(getmetatable(record) or {}, {}) getmetatable(record).x = 1", "attempt to index a boolean value"},
    {"getmetatable(nil).__lt = nil", "attempt to index a boolean value"},
    {"setmetatable(string, {})", "cannot change a protected metatable"},
    {"string.upper = nil", "'string' is read-only"},
    {"table.insert = print", "'table' is read-only"},
    {"weir.null = 5", "'weir' is read-only"},
    {"math.pi = 3", "'math' is read-only"},
    {"print = nil", "'print' cannot be assigned: globals are read-only"},
    {"_ENV.x = 1", "'x' cannot be assigned: globals are read-only"},
    {"_G.x = 1", "there is no name '_G' here: globals are not kept in a table here"},
    {"setmetatable(_ENV, {})", "cannot change a protected metatable"},
    {"setmetatable({}, {__gc = print})", "setmetatable: __gc is not available"},
    {"setmetatable({}, {__mode = 'k'})", "setmetatable: __mode is not available"},
    {"setmetatable(record, {})", "bad argument #1 to 'setmetatable' (table expected, got light userdata)"},
    {"collectgarbage('stop')", "collectgarbage: only \"count\" is available"},
    {"collectgarbage()", "collectgarbage: only \"count\" is available"},
    /* what has no bound */
    {"local s = ('x'):rep(1e9)", "memory limit of 64MiB reached"},
    {"local s = ('x'):rep(1e6) local t = {} for i = 1, 1e6 do t[i] = s end s = table.concat(t)",
        "memory limit of 64MiB reached"},
    {"local s = 'x' while true do s = s .. s end", "memory limit of 64MiB reached"},
    {"local t = {} while true do t[#t + 1] = {} end", "memory limit of 64MiB reached"},
    {"state.s = ('x'):rep(1e7) string.format('%s%s%s%s%s%s%s%s', state.s, state.s, state.s, state.s, state.s, state.s, state.s, state.s)",
        "memory limit of 64MiB reached"},
    {"string.format('%9999999d', 1)", "invalid conversion"},
    {"local t = table.unpack({}, 1, 1e8)", "too many results to unpack"},
    {"local p = ('a'):rep(300000) p:find(('(a)'):rep(100))", "too many captures"},
    {"local t = setmetatable({}, {}) getmetatable(t).__index = t local x = t.x",
        "'__index' chain too long; possible loop"},
    {"error(record)", "the error is a userdata value, expected a text"},
    /* handles made or mixed up */
    {"local x = weir.null.a", "weir.null has no fields"},
    {"weir.null.a = 1", "weir.null has no fields"},
    {"local x = #weir.null", "weir.null has no length"},
    {"for k in pairs(weir.null) do end",
        "pairs: only tables, and objects and arrays of record.json, can be gone through"},
    {"local x = record + 1", "attempt to perform arithmetic on a userdata value (local 'record')"},
    {"local x = record < record", "attempt to compare two userdata values"},
    {"local x = record.json < 1", "attempt to compare userdata with number"},
    {"local x = record.json.a .. ''", "attempt to concatenate a userdata value (field 'a')"},
    {"record()", "attempt to call a userdata value (local 'record')"},
    {"weir.counter('x').add(5)", "weir.counter expected, got number"},
    {"weir.counter('Bad Name')", "counter 'Bad Name': a name is small letters, digits and _"},
    {"weir.counter('x'):add(-1)", "a counter only goes up"},
    {"for i = 1, 100 do weir.counter('c' .. i) end", "more than 64 counters in one stage"},
    {"__at(nil, nil).x = 1", "'x' cannot be assigned below nil"},
};

static void hostile_code_is_refused(void **state) {
  (void)state;
  int wrong = 0;
  assert_true(sizeof hostile / sizeof *hostile >= 60);
  lua_case_file("sub/file", "");
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
    struct fake_host *fake = lua_case_code("each", hostile[i].code);
    const char *outcome = lua_case_outcome(fake, "{\"a\":{}}");
    if (strncmp(outcome, "reject lua_error ", 17) != 0 || !strstr(outcome, hostile[i].message))
      print_error("%s\n%s\n", hostile[i].code, outcome), wrong++;
    lua_case_close(fake);
  }
  assert_int_equal(wrong, 0);
}

static void a_state_survives_its_errors(void **state) {
  (void)state;
  lua_case_each("local function f(n) return {pcall(f, n + 1)} end f(1)", "{}", "same");
  struct fake_host *fake =
      lua_case_code("each", "if record.value == 'bomb' then local t = {} for i = 1, 1e9 do t[i] = {} end end\n"
                            "if record.value == 'deep' then local function f() return f() + 1 end f() end\n"
                            "state.n = (state.n or 0) + 1 record.value = tostring(state.n)");
  for (int i = 0; i < 3; i++) {
    assert_string_equal(
        lua_case_outcome(fake, "bomb"), "reject lua_error pipeline.yaml:2: memory limit of 64MiB reached");
    assert_string_equal(
        lua_case_outcome(fake, "deep"), "reject lua_error pipeline.yaml:3: memory limit of 64MiB reached");
  }
  assert_string_equal(lua_case_outcome(fake, "fine"), "1");
  assert_string_equal(lua_case_outcome(fake, "fine"), "2");
  lua_case_close(fake);
}

static void names_come_with_hints(void **state) {
  (void)state;
  lua_case_each("tabel.insert({}, 1)", "{}", PLACE "there is no name 'tabel' here; did you mean 'table'?");
  lua_case_each("recrod:drop()", "{}", PLACE "there is no name 'recrod' here; did you mean 'record'?");
  lua_case_each("stat.x = 1", "{}", PLACE "there is no name 'stat' here; did you mean 'state'?");
  lua_case_each("weir.sha265('x')", "{}", PLACE "'weir' has no 'sha265'; did you mean 'sha256'?");
  lua_case_each("zzz()", "{}", PLACE "there is no name 'zzz' here");
  lua_case_each("zzz = 1", "{}",
      PLACE
      "'zzz' cannot be assigned: globals are read-only; write 'local zzz', or 'state.zzz' to keep it for later records");
  static const struct {
    const char *body, *message;
  } in_script[] = {{"state.x = 1", "there is no name 'state' here: a script keeps what it needs in self"},
      {"local x = options.a", "there is no name 'options' here: a script gets them in create(stage), as stage.options"},
      {"record2()", "there is no name 'record2' here"},
      {"x = 1", "'x' cannot be assigned: globals are read-only; write 'local x'"}};
  for (size_t i = 0; i < 4; i++) {
    char script[128];
    snprintf(script, sizeof script, "return {each = function(self)\n%s end}", in_script[i].body);
    struct fake_host *fake = lua_case_script(script, NULL);
    const char *outcome = lua_case_outcome(fake, "{}");
    assert_memory_equal(outcome, "reject lua_error case.lua:2: ", 29);
    assert_string_equal(outcome + 29, in_script[i].message);
    lua_case_close(fake);
  }
}

/* The allow-list is what is there, and nothing else. */
static void the_globals_are_these(void **state) {
  (void)state;
  static const char *const there[] = {"assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print",
      "rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "_VERSION",
      "string", "table", "math", "utf8", "os", "collectgarbage", "require", "weir", "options", "state"};
  char code[2048] = "local x = {";
  for (size_t i = 0; i < sizeof there / sizeof *there; i++) strcat(strcat(code, there[i]), ", ");
  strcat(code, "} record.value = tostring(#x)");
  lua_case_each(code, "{}", "28");
  lua_case_each(
      "local t = {} for k in pairs(os) do t[#t + 1] = k end table.sort(t) record.value = table.concat(t, ' ')", "{}",
      "clock date time");
  lua_case_each(
      "local n = 0 for k, v in pairs(string) do n = n + 1 end record.value = tostring(n > 10 and string.rep ~= nil)",
      "{}", "true");
}

static void rawset_reaches_nothing_shared(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each", "rawset(string, 'upper', 5) rawset(_ENV, 'tostring', nil)\n"
                                                 "record.value = ('x'):upper() .. tostring(math.floor(1.5))");
  assert_string_equal(lua_case_outcome(fake, "{}"), "X1");
  lua_case_close(fake);
}

/* ---- Memory ---- */

static void small_limits_are_told(void **state) {
  (void)state;
  assert_string_equal(
      lua_case_refusal("{keep: 'true', memory: 1KiB}"), "pipeline.yaml:1:24: memory: expected 64KiB to 64GiB");
  struct fake_host *fake = lua_case_open("{each: 'state[#state + 1] = record.value:rep(100)', memory: 128KiB}");
  const char *outcome = "";
  for (int i = 0; i < 200 && strncmp(outcome, "reject", 6) != 0; i++) outcome = lua_case_outcome(fake, "0123456789");
  assert_string_equal(outcome, "reject lua_error pipeline.yaml:1: memory limit of 128KiB reached");
  lua_case_close(fake);
}

/* What one large record takes of the budget is there again for the next one of the batch. */
static void a_large_record_starves_no_other(void **state) {
  (void)state;
  char *wide = NULL;
  size_t size;
  FILE *out = open_memstream(&wide, &size);
  fputc('[', out);
  for (int i = 0; i < 40000; i++) fprintf(out, "%s{\"v\":1}", i ? "," : "");
  fputc(']', out);
  fclose(out);
  struct fake_host *fake = lua_case_open(
      "each: if record.value == 'x' then state.s = ('x'):rep(1 << 23) else for i, v in ipairs(record.json) do v = v.v end end\n"
      "memory: 20MiB");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", wide);
  fake_batch_add(batch, "key", "x");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_string_equal(lua_case_outcome_of(batch, 0, wide), "same");
  assert_string_equal(lua_case_outcome_of(batch, 1, "x"), "same");
  free(wide);
  lua_case_close(fake);
}

/* Every size of the budget from too small to enough: what fails does so with a sentence, and nothing is lost or read
 * after its end (the sanitizer and the fake host see to that). */
static void any_allocation_may_be_refused(void **state) {
  (void)state;
  int started = 0, refused = 0, passed = 0, rejected = 0;
  char value[16384] = "{\"list\":[1,{\"a\":2},[3]],\"text\":\"\\u0041\"";
  for (int i = 0; i < 500; i++)
    snprintf(value + strlen(value), sizeof value - strlen(value), ",\"member%d\":{\"v\":%d}", i, i);
  strcat(value, "}");
  lua_case_file("data.csv", "a,b\n1,2\n3,4\n");
  lua_case_file("sweep.lua",
      "local weird = {}\n"
      "return {options = {a = {type = 'int', default = 1}}, assigned = function() return {} end,\n"
      "create = function(stage) return {rows = weir.load('data.csv'), n = weir.counter('n')} end,\n"
      "process = function(self, batch)\n"
      "  for record in batch:records() do\n"
      "    record.json.a.b = self.rows[1]\n"
      "    record:emit{json = {x = record.json.list, y = {1, 2, 3}}, headers = {h = '1'}}\n"
      "    record:set_header('k', ('v'):rep(50))\n"
      "    local all = {} for k, v in pairs(record.json) do all[#all + 1] = k .. tostring(v) end\n"
      "  end\nend}");
  for (int size = 64; size < 400; size += 4) {
    char yaml[64];
    snprintf(yaml, sizeof yaml, "{script: sweep.lua, memory: %d}", size * 1000 + 1000);
    struct fake_host *fake = fake_host_open(TEST_PLUGIN, "lua");
    fake_host_directory(fake, lua_case_folder());
    fake_host_options(fake, yaml);
    if (!fake_host_start(fake)) {
      refused++;
      assert_true(strstr(fake_host_failure(fake), "memory") != NULL);
    } else {
      started++;
      for (int i = 0; i < 3; i++) {
        const char *outcome = lua_case_outcome(fake, value);
        if (strncmp(outcome, "{\"list\"", 7) == 0)
          passed++;
        else if (strstr(outcome, "memory limit of "))
          rejected++;
        else
          fail_msg("%s", outcome);
      }
    }
    fake_host_close(fake);
  }
  assert_true(started > 0 && refused > 0 && passed > 0);
  assert_true(rejected > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(hostile_code_is_refused),
      cmocka_unit_test(a_state_survives_its_errors), cmocka_unit_test(names_come_with_hints),
      cmocka_unit_test(the_globals_are_these), cmocka_unit_test(rawset_reaches_nothing_shared),
      cmocka_unit_test(small_limits_are_told), cmocka_unit_test(a_large_record_starves_no_other),
      cmocka_unit_test(any_allocation_may_be_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
