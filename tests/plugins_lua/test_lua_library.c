/* test_lua_library.c: the table `weir`, files and modules, the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "lua_case.h"

#define PLACE "reject lua_error pipeline.yaml:2: "

static void log_lines(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each",
      "weir.log('debug', 'd') weir.log('info', 5) weir.log('warn', {}) weir.log('error', record.json) print('a', nil, 1.5, record)");
  assert_string_equal(lua_case_outcome(fake, "{\"x\":1}"), "same");
  assert_true(fake_host_logged(fake, WEIR_DEBUG, "d"));
  assert_true(fake_host_logged(fake, WEIR_INFO, "5"));
  assert_true(fake_host_logged(fake, WEIR_WARN, "table: "));
  assert_true(fake_host_logged(fake, WEIR_ERROR, "{\"x\":1}"));
  assert_true(fake_host_logged(fake, WEIR_INFO, "a\tnil\t1.5\trecord 1"));
  lua_case_close(fake);
  lua_case_each("weir.log('loud', 'x')", "{}", PLACE "bad argument #1 to 'log' (invalid option 'loud')");
  lua_case_each("weir.log('info')", "{}", PLACE "bad argument #2 to 'log' (value expected)");
}

static void counters_count(void **state) {
  (void)state;
  struct fake_host *fake =
      lua_case_code("each", "local c = weir.counter('seen') c:add() c:add(2) weir.counter('other'):add(0)");
  for (int i = 0; i < 4; i++) lua_case_outcome(fake, "{}");
  assert_int_equal(fake_host_metric(fake, "seen"), 12);
  assert_int_equal(fake_host_metric(fake, "other"), 0);
  lua_case_close(fake);
}

static void time_is_the_hosts(void **state) {
  (void)state;
  struct fake_host *fake = lua_case_code("each",
      "record.value = weir.now() .. ' ' .. os.time() .. ' ' .. os.clock() .. ' ' .. os.date('!%Y-%m-%d %H:%M') .. ' ' .. os.date('!%H', 3600) .. ' ' .. "
      "(os.time{year = 2000, month = 1, day = 2, hour = 0} - os.time{year = 2000, month = 1, day = 1, hour = 0})");
  assert_string_equal(lua_case_outcome(fake, "{}"), "1700000000000 1700000000 1000.0 2023-11-14 22:13 01 86400");
  fake_host_pass(fake, 60000);
  assert_string_equal(lua_case_outcome(fake, "{}"), "1700000060000 1700000060 1060.0 2023-11-14 22:14 01 86400");
  lua_case_close(fake);
}

static void hashes(void **state) {
  (void)state;
  lua_case_each("record.value = weir.sha256(record.value)", "abc",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  lua_case_each(
      "record.value = weir.sha256('')", "abc", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  lua_case_each("weir.sha256(5)", "abc", PLACE "sha256: expected a string, got number");
}

static void arrays_are_marked(void **state) {
  (void)state;
  lua_case_each("local a = weir.array{1} a[2] = 2 record.json = {a = a, n = #a, same = weir.array(a) == a}", "{}",
      "{\"a\":[1,2],\"n\":2,\"same\":true}");
  lua_case_each("weir.array(5)", "{}", PLACE "bad argument #1 to 'array' (table expected, got number)");
  lua_case_each("weir.array(setmetatable({}, {}))", "{}", PLACE "weir.array: this table has a metatable of its own");
  lua_case_each("record.json = weir.array{x = 1}", "{}",
      PLACE "a table with names and elements cannot be written as JSON: it is neither object nor array");
  lua_case_each("setmetatable(weir.array{}, {})", "{}", PLACE "cannot change a protected metatable");
}

/* ---- weir.load ---- */

static void csv_files(void **state) {
  (void)state;
  lua_case_file("a.csv", "\xef\xbb\xbf"
                         "id,name,note\r\n1,\"a, b\",\"say \"\"hi\"\"\"\r\n\r\n2,,\"two\nlines\"\n");
  lua_case_each("record.json = weir.load('a.csv')", "{}",
      "[{\"id\":\"1\",\"name\":\"a, b\",\"note\":\"say \\\"hi\\\"\"},{\"id\":\"2\",\"name\":\"\",\"note\":\"two\\nlines\"}]");
  lua_case_file("b.csv", "a,b\n1,2\n\n3\n");
  lua_case_each("weir.load('b.csv')", "{}", PLACE "b.csv:4: a row with fewer fields than the 2 of the header");
  lua_case_file("c.csv", "a,b\n1,2,3\n");
  lua_case_each("weir.load('c.csv')", "{}", PLACE "c.csv:2: a row with more fields than the 2 of the header");
  lua_case_file("d.csv", "a,b\n1,\"2\n\n");
  lua_case_each("weir.load('d.csv')", "{}", PLACE "d.csv:2: a quoted field is not closed");
  lua_case_file("e.csv", "a,b\n1,\"2\"x\n");
  lua_case_each("weir.load('e.csv')", "{}", PLACE "e.csv:2: expected ',' or the line's end behind a quoted field");
  lua_case_file("f.csv", "");
  lua_case_each("record.json = weir.array(weir.load('f.csv'))", "{}", "[]");
  lua_case_file("g.csv", "a,b\n");
  lua_case_each("record.json = #weir.load('g.csv')", "{}", "0");
}

static void json_files(void **state) {
  (void)state;
  lua_case_file("a.json", "{\"list\": [1, null, 2.5, \"x\", {}, []], \"none\": null, \"yes\": true}\n");
  lua_case_each("record.json = weir.load('a.json')", "{}", "{\"list\":[1,null,2.5,\"x\",{},[]],\"yes\":true}");
  lua_case_each(
      "local a = weir.load('a.json') record.json = {a.list[2] == weir.null, a.none == nil, math.type(a.list[1])}", "{}",
      "[true,true,\"integer\"]");
  lua_case_file("b.json", "{\"a\": tru}");
  lua_case_each("weir.load('b.json')", "{}", PLACE "b.json: byte 9: expected true, found '}'");
  lua_case_file("c.json", "[123456789012345678901]");
  lua_case_each("weir.load('c.json')", "{}", PLACE "c.json: byte 1: the number does not fit");
  char deep[256] = "";
  memset(deep, '[', 100);
  memset(deep + 100, ']', 100);
  lua_case_file("d.json", deep);
  lua_case_each("weir.load('d.json')", "{}", PLACE "d.json: nested deeper than 64 levels");
}

static void files_of_lines(void **state) {
  (void)state;
  lua_case_file("words.txt", "one\r\ntwo\n\nfour");
  lua_case_each("record.json = weir.load('words.txt')", "{}", "[\"one\",\"two\",\"\",\"four\"]");
  lua_case_each("record.json = weir.load('./words.txt') == weir.load('./words.txt')", "{}", "true");
}

static void a_file_is_read_once(void **state) {
  (void)state;
  lua_case_file("once.txt", "first");
  struct fake_host *fake = lua_case_code("each", "record.value = weir.load('once.txt')[1]");
  assert_string_equal(lua_case_outcome(fake, "x"), "first");
  lua_case_file("once.txt", "second");
  assert_string_equal(lua_case_outcome(fake, "x"), "first");
  lua_case_close(fake);
}

static void files_stay_inside(void **state) {
  (void)state;
  char link[128], target[128];
  lua_case_file("inside/real.txt", "real");
  snprintf(link, sizeof link, "%s/out.txt", lua_case_folder());
  assert_int_equal(symlink("/etc/passwd", link), 0);
  snprintf(link, sizeof link, "%s/outside", lua_case_folder());
  assert_int_equal(symlink("/etc", link), 0);
  snprintf(link, sizeof link, "%s/in.txt", lua_case_folder());
  assert_int_equal(symlink("inside/real.txt", link), 0);
  snprintf(target, sizeof target, "%s/pipe.txt", lua_case_folder());
  assert_int_equal(mkfifo(target, 0600), 0);
  lua_case_each("weir.load('out.txt')", "{}", PLACE "weir.load: out.txt: a link leads out of the pipeline's folder");
  lua_case_each("weir.load('outside/passwd')", "{}",
      PLACE "weir.load: outside/passwd: a link leads out of the pipeline's folder");
  lua_case_each("record.value = weir.load('in.txt')[1]", "{}", "real");
  lua_case_each("weir.load('pipe.txt')", "{}", PLACE "weir.load: pipe.txt: it is no regular file");
  lua_case_each("weir.load('none.txt')", "{}", PLACE "weir.load: none.txt: No such file or directory");
  snprintf(target, sizeof target, "%s/large.txt", lua_case_folder());
  FILE *file = fopen(target, "w");
  assert_int_equal(ftruncate(fileno(file), (16 << 20) + 1), 0);
  fclose(file);
  lua_case_each(
      "weir.load('large.txt')", "{}", PLACE "weir.load: large.txt: it has 16777217 bytes, at most 16777216 are read");
}

/* ---- require ---- */

static void modules_are_found(void **state) {
  (void)state;
  lua_case_file("lua/main.lua",
      "local geo, top = require('geo'), require('top')\n"
      "return {each = function(self, record) record.value = geo.name .. top .. require('sub.deep').n end}");
  lua_case_file("lua/geo.lua", "return {name = 'beside'}");
  lua_case_file("geo.lua", "return {name = 'in the folder'}");
  lua_case_file("top.lua", "return ' top '");
  lua_case_file("sub/deep.lua", "local n = (n or 0) return {n = ...}");
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "lua");
  fake_host_directory(fake, lua_case_folder());
  fake_host_options(fake, "script: lua/main.lua");
  assert_true(fake_host_start(fake));
  assert_string_equal(lua_case_outcome(fake, "x"), "reject lua_error sub/deep.lua:1: there is no name 'n' here");
  fake_host_close(fake);
  lua_case_file("sub/deep.lua", "return {n = ...}");
  lua_case_each("record.value = require('sub.deep').n .. require('geo').name", "{}", "sub.deepin the folder");
}

static void a_module_runs_once(void **state) {
  (void)state;
  lua_case_file("count.lua", "local t = {n = 0} return function() t.n = t.n + 1 return t.n end");
  lua_case_file("nothing.lua", "local x = 1");
  lua_case_file("no.lua", "return false");
  struct fake_host *fake = lua_case_code(
      "each", "record.value = require('count')() .. tostring(require('nothing')) .. tostring(require('no'))");
  assert_string_equal(lua_case_outcome(fake, "x"), "1truefalse");
  assert_string_equal(lua_case_outcome(fake, "x"), "2truefalse");
  lua_case_close(fake);
}

static void modules_that_do_not_load(void **state) {
  (void)state;
  lua_case_file("circle.lua", "return require('circle2')");
  lua_case_file("circle2.lua", "return require('circle')");
  lua_case_file("wrong.lua", "local x = = 1");
  lua_case_file("fails.lua", "\nerror('at load')");
  lua_case_file("binary.lua", "\x1bLua");
  lua_case_each("require('circle')", "{}", "reject lua_error circle2.lua:1: require 'circle': it requires itself");
  lua_case_each("require('wrong')", "{}", "reject lua_error wrong.lua:1: unexpected symbol near '='");
  lua_case_each("require('fails')", "{}", "reject lua_error fails.lua:2: at load");
  lua_case_each("pcall(require, 'fails') require('fails')", "{}", "reject lua_error fails.lua:2: at load");
  lua_case_each("require('binary')", "{}", PLACE "attempt to load a binary chunk (mode is 't')");
  lua_case_each("require('none')", "{}", PLACE "require 'none': none.lua: No such file or directory");
}

/* The change that is made to code before it is compiled is made to modules too. */
static void modules_write_below_missing_parents(void **state) {
  (void)state;
  lua_case_file("writer.lua", "return function(json) json.a.b.c = 1 end");
  lua_case_each("require('writer')(record.json)", "{}", "{\"a\":{\"b\":{\"c\":1}}}");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(log_lines), cmocka_unit_test(counters_count),
      cmocka_unit_test(time_is_the_hosts), cmocka_unit_test(hashes), cmocka_unit_test(arrays_are_marked),
      cmocka_unit_test(csv_files), cmocka_unit_test(json_files), cmocka_unit_test(files_of_lines),
      cmocka_unit_test(a_file_is_read_once), cmocka_unit_test(files_stay_inside), cmocka_unit_test(modules_are_found),
      cmocka_unit_test(a_module_runs_once), cmocka_unit_test(modules_that_do_not_load),
      cmocka_unit_test(modules_write_below_missing_parents)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
