/* What `weir check` prints reads back as the same pipeline, and shows no secret (I14). */
#include "unit/config_play.h"

static char printed[1 << 16];

static const char *print(const struct pipeline_file *file, pipeline_options *options) {
  FILE *out = fmemopen(printed, sizeof printed, "w");
  assert_non_null(out);
  pipeline_file_print(file, out, options, (void *)(uintptr_t)7);
  fclose(out);
  return printed;
}

/* Prints, reads that, prints again: both must be the same. */
static void goes_round(const char *text) {
  static char first[sizeof printed];
  struct pipeline_file *file = play_open(text, NULL);
  assert_non_null(file);
  strcpy(first, print(file, NULL));
  pipeline_file_close(file);
  file = play_open(first, NULL);
  if (!file) print_error("%s", first);
  assert_non_null(file);
  assert_string_equal(print(file, NULL), first);
  pipeline_file_close(file);
}

static const char whole[] =
    "pipeline: p\nkafka: {brokers: 'a:1,b:2', properties: {linger.ms: 5}}\n"
    "source: {topics: [t, '^a.*b$'], group: 'g: #1', start: latest, instance: w}\n"
    "stages:\n"
    "  - plugin: json\n    options: {where: [{field: a.b, in: [1, 'x y', \"\", ~, '~', 'null', \"a\\tb\", '${env:NONE:-$${x}']}], set: {}, list: [], nested: [[a], [b: [c]]], hash: 'a #b', space: 'a ', colon: 'a:'}\n"
    "  - keep: |\n      \"a: #\" == {record.key}[1] -- ${not}\n"
    "  - each: |+\n      if a then\n\n        b = \"\xC3\xA9\"\n      end\n\n"
    "  - each: \"  x = 1\\n\\ty = 2\"\n"
    "  - each: |-\n      x = 1\n"
    "  - keep: '-x'\n    validate: full\n    memory: 5MiB\n"
    "  - lua: 'lua dir/x.lua'\n    options: {a: true}\n    when: record.x > 1\n    retry: {attempts: 3, backoff: 1500ms..1m}\n    on_failure: discard\n    deadline: 90s\n"
    "sinks:\n"
    "  - plugin: kafka\n    options: {topic: out, routes: [a.b, ^c], brokers: [x, y], properties: {client.id: z}}\n"
    "  - plugin: kafka\n    options: {topic: out2, partition: source}\n"
    "  - plugin: file\n    options: {path: 'major-{instance}.jsonl'}\n"
    "dead_letter: {topic: dead}\nbatch: {wait: 5ms, bytes: 1500kB}\nmemory: 100MB\nlanes: 2\n";

static void everything_reads_back(void **state) {
  (void)state;
  goes_round(whole);
  goes_round(PLAY_FINE);
}

static void values_survive(void **state) {
  (void)state;
  struct pipeline_file *file = play_open(whole, NULL);
  assert_non_null(file);
  static char first[sizeof printed];
  strcpy(first, print(file, NULL));
  struct pipeline_file *again = play_open(first, NULL);
  assert_non_null(again);
  assert_string_equal(again->group, "g: #1");
  for (uint32_t i = 1; i <= 5; i++) {
    const struct weir_config *before = node_at(file->stages[i].options, 0, NULL),
                             *after = node_at(again->stages[i].options, 0, NULL);
    assert_string_equal(node_text(after), node_text(before));
  }
  const struct weir_config *in = node_find(node_at(node_find(again->stages[0].options, "where"), 0, NULL), "in");
  static const char *const texts[] = {"1", "x y", "", "", "~", "null", "a\tb", "$${x"};
  for (uint32_t i = 0; i < 8; i++) {
    if (i == 3)
      assert_true(node_is_null(node_at(in, i, NULL)));
    else if (i < 7)
      assert_string_equal(node_text(node_at(in, i, NULL)), texts[i]);
    if (i == 2 || i == 4 || i == 5) assert_false(node_is_null(node_at(in, i, NULL)));
  }
  static const char *const pairs[][2] = {{"hash", "a #b"}, {"space", "a "}, {"colon", "a:"}};
  for (size_t i = 0; i < 3; i++)
    assert_string_equal(node_text(node_find(again->stages[0].options, pairs[i][0])), pairs[i][1]);
  assert_int_equal(again->stages[6].backoff_ms, 1500);
  assert_int_equal(again->batch_bytes, 1500000);
  pipeline_file_close(file);
  pipeline_file_close(again);
}

static void the_print_is_as_a_person_writes(void **state) {
  (void)state;
  struct pipeline_file *file = play_open(PLAY_FINE "stages:\n  - keep: record.json.mag >= 4.5\nlanes: 1\n", NULL);
  assert_non_null(file);
  assert_string_equal(print(file, NULL),
      "pipeline: p\nkafka:\n  brokers: localhost:9092\n  properties: {}\nsource:\n  topics:\n    - t\n  group: g\n  start: earliest\n"
      "delivery: at_least_once\norder: partition\nlanes: 1\nbatch:\n  records: 1000\n  bytes: 1MiB\n  wait: 0ms\n"
      "commit:\n  every: 200ms\n  records: 5000\n  uncommitted: 100000\ndrain: 20s\nshutdown: 8s\nmemory: 256MiB\n"
      "stages:\n  - name: keep\n    keep: record.json.mag >= 4.5\n    retry: {attempts: 1, backoff: 100ms..30s}\n    on_failure: stop\n    deadline: 30s\n"
      "sinks:\n  - name: blackhole\n    plugin: blackhole\n    retry: {attempts: 1, backoff: 100ms..30s}\n    on_failure: stop\n    deadline: 30s\n"
      "quarantine:\n  after: 3\n");
  pipeline_file_close(file);
}

static void no_secret_is_shown(void **state) {
  (void)state;
  scratch_write("secret", "hunter2\n");
  setenv("WEIR_TEST_TOKEN", "hunter2", 1);
  struct pipeline_file *file = play_open(
      "pipeline: '${file:secret}'\nkafka: {brokers: ['${file:secret}'], properties: {sasl.password: hunter2, client.id: '${file:secret}'}}\n"
      "source: {topics: ['${file:secret}', '${env:WEIR_TEST_TOKEN}2'], group: '${file:secret}', instance: '${file:secret}'}\n"
      "stages:\n  - plugin: '${file:secret}'\n    name: a\n    options: {x: ['${env:WEIR_TEST_TOKEN}', '${file:secret}'], '${file:y}': z}\n"
      "  - lua: '${file:secret}'\n    name: b\n    options: {x: '${file:secret}'}\n"
      "sinks:\n  - plugin: kafka\n    options: {topic: 'x${file:secret}', routes: ['${file:secret}'], brokers: '${file:secret}', properties: {sasl.password: hunter2}}\n"
      "dead_letter: {topic: 'y${file:secret}'}\n",
      NULL);
  assert_non_null(file);
  print(file, NULL);
  if (strstr(printed, "hunter2")) print_error("%s", printed);
  assert_null(strstr(printed, "hunter2"));
  assert_non_null(strstr(printed, "sasl.password: \"***\"\n"));
  pipeline_file_close(file);
}

static const struct weir_config *filled_in(void *ctx, const struct pipeline_step *step) {
  static const char *said;
  assert_int_equal((uintptr_t)ctx, 7);
  if (step->form == FORM_LUA) return play_yaml("script: ignored\noptions: {unit: km}\n", &said);
  return step->form == FORM_PLUGIN ? play_yaml("path: x\nsync: true\n", &said) : step->options;
}

static void a_plugins_own_defaults_may_be_filled_in(void **state) {
  (void)state;
  struct pipeline_file *file = play_open(PLAY_FINE "stages:\n  - lua: x.lua\n", NULL);
  assert_non_null(file);
  print(file, filled_in);
  assert_non_null(strstr(printed, "    lua: x.lua\n    options:\n      unit: km\n"));
  assert_non_null(strstr(printed, "    plugin: blackhole\n    options:\n      path: x\n      sync: true\n"));
  pipeline_file_close(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_reads_back),
      cmocka_unit_test(values_survive),
      cmocka_unit_test(the_print_is_as_a_person_writes),
      cmocka_unit_test(no_secret_is_shown),
      cmocka_unit_test(a_plugins_own_defaults_may_be_filled_in),
  };
  int failed = cmocka_run_group_tests(tests, scratch_open, scratch_close);
  play_close(NULL);
  return failed;
}
