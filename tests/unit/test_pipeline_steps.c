/* Stages and sinks: the forms, what the Lua plugin gets, labels, failures. */
#include "base/limits.h"
#include "unit/config_play.h"

#define STAGES PLAY_FINE "stages:\n" /* the entries start in line 6 */
#define SINKS PLAY_HEAD "sinks:\n"   /* in line 5 */

static struct pipeline_file *good(const char *text) {
  struct pipeline_file *file = play_open(text, NULL);
  assert_non_null(file);
  return file;
}

static void a_step_has_defaults(void **state) {
  (void)state;
  struct pipeline_file *file = good(STAGES "  - plugin: json\n");
  const struct pipeline_step *step = &file->stages[0];
  assert_int_equal(step->form, FORM_PLUGIN);
  assert_string_equal(step->plugin, "json");
  assert_string_equal(step->label, "json");
  assert_null(step->options);
  assert_null(step->when);
  assert_null(step->kafka);
  assert_int_equal(step->attempts, 1);
  assert_int_equal(step->backoff_ms, 100);
  assert_int_equal(step->backoff_max_ms, 30000);
  assert_int_equal(step->on_failure, ON_FAILURE_STOP);
  assert_int_equal(step->deadline_ms, 30000);
  assert_int_equal(step->node->line, 6);
  pipeline_file_close(file);
}

static void a_step_may_say_everything(void **state) {
  (void)state;
  struct pipeline_file *file =
      good(STAGES "  - plugin: ./my_stage.so\n    name: mine\n    options: {a: 1}\n    when: record.x\n"
                  "    retry: {attempts: 5, backoff: 1s..2s}\n    on_failure: discard\n    deadline: 5s\n");
  const struct pipeline_step *step = &file->stages[0];
  assert_string_equal(step->label, "mine");
  assert_string_equal(step->plugin, "./my_stage.so");
  assert_string_equal(node_text(node_find(step->options, "a")), "1");
  assert_string_equal(node_text(node_find(step->when, "when")), "record.x");
  assert_string_equal(node_text(node_find(node_find(step->when, "options"), "a")), "1");
  assert_int_equal(step->attempts, 5);
  assert_int_equal(step->backoff_ms, 1000);
  assert_int_equal(step->backoff_max_ms, 2000);
  assert_int_equal(step->on_failure, ON_FAILURE_DISCARD);
  assert_int_equal(step->deadline_ms, 5000);
  pipeline_file_close(file);
}

static void the_lua_forms_are_the_plugin_lua(void **state) {
  (void)state;
  struct pipeline_file *file = good(STAGES "  - lua: lua/describe.lua\n    options: {unit: km}\n"
                                           "  - keep: record.x > 1\n"
                                           "  - each: |\n      a = 1\n    options: {b: 2}\n");
  const struct pipeline_step *steps = file->stages;
  assert_int_equal(steps[0].form, FORM_LUA);
  assert_int_equal(steps[1].form, FORM_KEEP);
  assert_int_equal(steps[2].form, FORM_EACH);
  for (int i = 0; i < 3; i++) assert_string_equal(steps[i].plugin, "lua");
  assert_string_equal(node_text(node_find(steps[0].options, "script")), "lua/describe.lua");
  assert_string_equal(node_text(node_find(node_find(steps[0].options, "options"), "unit")), "km");
  assert_string_equal(node_text(node_find(steps[1].options, "keep")), "record.x > 1");
  assert_int_equal(steps[1].options->count, 1);
  const struct weir_config *code = node_find(steps[2].options, "each");
  assert_string_equal(node_text(code), "a = 1\n");
  assert_int_equal(code->line, 9);
  assert_int_equal(node_text_line(code), 10);
  assert_int_equal(steps[2].options->line, 9); /* of the entry */
  pipeline_file_close(file);
}

static void the_lua_forms_have_settings_of_their_own(void **state) {
  (void)state;
  struct pipeline_file *file =
      good(STAGES "  - keep: record.x\n    validate: full\n    memory: 1MiB\n    when: record.y\n");
  const struct pipeline_step *step = &file->stages[0];
  assert_string_equal(node_text(node_find(step->options, "validate")), "full");
  assert_string_equal(node_text(node_find(step->options, "memory")), "1MiB");
  assert_int_equal(step->options->count, 3);
  assert_int_equal(step->when->count, 1);
  pipeline_file_close(file);
  play_refused(STAGES "  - plugin: json\n    validate: full\n", "p.yaml:7:5: unknown key \"validate\"");
}

static void labels_are_unique(void **state) {
  (void)state;
  struct pipeline_file *file =
      good(STAGES "  - lua: lua/describe.lua\n  - lua: describe.lua\n  - name: describe-3\n    keep: a\n"
                  "  - lua: x/describe.lua\n  - keep: a\n  - keep: b\n  - plugin: ./odd name!.so\n"
                  "  - plugin: lib/.so\n  - plugin: json.v2\n");
  static const char *const labels[] = {
      "describe", "describe-2", "describe-3", "describe-4", "keep", "keep-2", "odd_name_", ".so", "json.v2"};
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) assert_string_equal(file->stages[i].label, labels[i]);
  assert_string_equal(file->sinks[0].label, "blackhole");
  pipeline_file_close(file);
  file = good(PLAY_HEAD "stages: [{plugin: file}]\nsinks: [{plugin: file}]\n");
  assert_string_equal(file->stages[0].label, "file");
  assert_string_equal(file->sinks[0].label, "file-2");
  pipeline_file_close(file);
}

static void long_names_make_short_labels(void **state) {
  (void)state;
  char text[1024], name[201];
  memset(name, 'x', 200);
  name[200] = 0;
  snprintf(text, sizeof text, STAGES "  - lua: %s.lua\n  - lua: %s.lua\n", name, name);
  struct pipeline_file *file = good(text);
  assert_true(strlen(file->stages[1].label) <= LIMIT_LABEL);
  assert_string_not_equal(file->stages[0].label, file->stages[1].label);
  pipeline_file_close(file);
}

static void wrong_names_are_told(void **state) {
  (void)state;
  play_refused(STAGES "  - {name: a, keep: x}\n  - {name: a, keep: y}\n",
      "p.yaml:7:12: the name a is taken by the entry in line 6\n");
  play_refused(STAGES "  - {name: a b, keep: x}\n",
      "p.yaml:6:12: name: found \"a b\", expected 1 to 64 letters, digits, '.', '_' and '-'\n");
  play_refused(STAGES "  - plugin: my.so\n",
      "p.yaml:6:13: plugin: a file is written with its folder, such as ./my_stage.so; a bare name has no .so\n");
  play_refused(STAGES "  - plugin: a b\n",
      "p.yaml:6:13: plugin: a name is letters, digits, '.', '_' and '-'; a file has a slash, such as ./my_stage.so\n");
}

static void an_entry_is_one_thing(void **state) {
  (void)state;
  play_refused(STAGES "  - plugin: json\n    keep: x\n",
      "p.yaml:7:5: an entry is one thing: it has plugin and keep; make it two entries\n");
  play_refused(STAGES "  - name: x\n", "p.yaml:6:5: a stage has one of the keys plugin, lua, keep and each\n");
  play_refused(STAGES "  - json\n", "p.yaml:6:5: found \"json\", expected an entry such as `plugin: json`\n");
  play_refused(STAGES "  -\n", "p.yaml:6:4: found nothing, expected an entry such as `plugin: json`\n");
  play_refused(STAGES "  - [keep]\n", "p.yaml:6:5: found a list, expected an entry such as `plugin: json`\n");
  play_refused(STAGES "  - kep: x\n", "p.yaml:6:5: unknown key \"kep\"; did you mean \"keep\"?\n");
}

static void sinks_are_plugins_or_lua(void **state) {
  (void)state;
  struct pipeline_file *file =
      good(SINKS "  - lua: x.lua\n  - plugin: file\n    when: record.x\n    options: {path: p}\n");
  assert_string_equal(file->sinks[0].plugin, "lua");
  assert_non_null(file->sinks[1].when);
  pipeline_file_close(file);
  play_refused(
      SINKS "  - keep: x\n", "p.yaml:5:5: a sink is a plugin or a Lua file; keep belongs to `stages`, or use `when`\n");
  play_refused(
      SINKS "  - each: x\n", "p.yaml:5:5: a sink is a plugin or a Lua file; each belongs to `stages`, or use `when`\n");
  play_refused(SINKS "  - plugin: file\n    keep: x\n", "p.yaml:6:5: unknown key \"keep\"");
  play_refused(
      STAGES "  - plugin: kafka\n    options: {topic: x}\n", "p.yaml:6:13: kafka is a sink; move it to `sinks`\n");
  play_refused(STAGES "  - plugin: lua\n",
      "p.yaml:6:13: write `lua: FILE`, `keep: EXPRESSION` or `each: CODE` instead of `plugin: lua`\n");
}

static void failures_have_a_policy(void **state) {
  (void)state;
  struct pipeline_file *file = good(STAGES
      "  - plugin: a\n    on_failure: stop\n  - plugin: b\n    retry: {attempts: 3, backoff: 2s}\ndead_letter: {topic: d}\n");
  assert_int_equal(file->stages[0].on_failure, ON_FAILURE_STOP);
  assert_int_equal(file->stages[1].on_failure, ON_FAILURE_DEAD_LETTER);
  assert_int_equal(file->stages[1].attempts, 3);
  assert_true(file->stages[1].backoff_ms == 2000 && file->stages[1].backoff_max_ms == 2000);
  pipeline_file_close(file);
  play_refused(STAGES "  - {plugin: a, on_failure: dead_letter}\n",
      "p.yaml:6:29: on_failure: dead_letter needs a topic: write `dead_letter: {topic: NAME}` at the top level\n");
  play_refused(STAGES "  - {plugin: a, on_failure: deadletter}\n",
      "on_failure: found \"deadletter\", expected dead_letter, stop or discard; did you mean dead_letter?\n");
  play_refused(STAGES "  - {plugin: a, retry: {backoff: 1s}}\n",
      "p.yaml:6:24: the key \"attempts\" is missing: how often a record is tried before on_failure decides, the first time counted\n");
  play_refused(STAGES "  - {plugin: a, retry: {attempts: 0}}\n",
      "attempts: found \"0\", expected a whole number from 1 to 1000000\n");
  play_refused(
      STAGES "  - {plugin: a, retry: 5}\n", "p.yaml:6:24: retry is a map of keys, such as `key: value`, not \"5\"\n");
  play_refused(
      STAGES "  - {plugin: a, deadline: 1ms}\n", "deadline: found \"1ms\", expected a duration from 100ms to 1h");
}

static void options_are_a_map(void **state) {
  (void)state;
  struct pipeline_file *file = good(STAGES "  - plugin: a\n    options:\n");
  assert_null(file->stages[0].options);
  pipeline_file_close(file);
  play_refused(STAGES "  - plugin: a\n    options: [x]\n", "p.yaml:7:14: options: found a list, expected a map\n");
  play_refused(STAGES "  - lua: [x]\n", "p.yaml:6:10: lua: found a list, expected a text\n");
  play_refused(STAGES "  - plugin:\n", "p.yaml:6:12: plugin: found nothing, expected a text\n");
}

static void there_is_a_most(void **state) {
  (void)state;
  char text[8192] = STAGES;
  for (int i = 0; i <= LIMIT_STAGES; i++) strcat(text, "  - keep: x\n");
  play_refused(text, "p.yaml:6:3: stages has 65 entries; 64 is the most\n");
  strcpy(text, SINKS);
  for (int i = 0; i <= LIMIT_SINKS; i++) strcat(text, "  - plugin: x\n");
  play_refused(text, "p.yaml:5:3: sinks has 33 entries; 32 is the most\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_has_defaults),
      cmocka_unit_test(a_step_may_say_everything),
      cmocka_unit_test(the_lua_forms_are_the_plugin_lua),
      cmocka_unit_test(the_lua_forms_have_settings_of_their_own),
      cmocka_unit_test(labels_are_unique),
      cmocka_unit_test(long_names_make_short_labels),
      cmocka_unit_test(wrong_names_are_told),
      cmocka_unit_test(an_entry_is_one_thing),
      cmocka_unit_test(sinks_are_plugins_or_lua),
      cmocka_unit_test(failures_have_a_policy),
      cmocka_unit_test(options_are_a_map),
      cmocka_unit_test(there_is_a_most),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
