/* A whole pipeline file: every key, its default, and what is wrong with it, all in one report. */
#include "base/limits.h"
#include "base/machine.h"
#include "unit/config_play.h"

static struct pipeline_file *good(const char *text) {
  struct pipeline_file *file = play_open(text, NULL);
  assert_non_null(file);
  return file;
}

static void a_small_file_gets_every_default(void **state) {
  (void)state;
  struct pipeline_file *file = good(PLAY_FINE);
  assert_string_equal(file->pipeline, "p");
  assert_string_equal(file->kafka.brokers, "localhost:9092");
  assert_int_equal(file->topic_count, 1);
  assert_string_equal(file->topics[0], "t");
  assert_string_equal(file->group, "g");
  assert_int_equal(file->start, START_EARLIEST);
  assert_null(file->instance);
  assert_int_equal(file->delivery, AT_LEAST_ONCE);
  assert_int_equal(file->order, ORDER_PARTITION);
  assert_int_equal(file->lanes, machine_cpus() < LIMIT_LANES ? machine_cpus() : LIMIT_LANES);
  assert_false(file->lanes_given);
  assert_int_equal(file->batch_records, 1000);
  assert_int_equal(file->batch_bytes, 1 << 20);
  assert_int_equal(file->batch_wait_ms, 0);
  assert_int_equal(file->commit_every_ms, 200);
  assert_int_equal(file->commit_records, 5000);
  assert_int_equal(file->commit_uncommitted, 100000);
  assert_int_equal(file->drain_ms, 20000);
  assert_int_equal(file->shutdown_ms, 8000);
  assert_int_equal(file->memory_bytes, 256 << 20);
  assert_int_equal(file->stage_count, 0);
  assert_int_equal(file->sink_count, 1);
  assert_null(file->dead_letter);
  pipeline_file_close(file);
}

static void every_key_is_read(void **state) {
  (void)state;
  struct pipeline_file *file = good("pipeline: quakes-1\nkafka: {brokers: a}\n"
                                    "source: {topics: [a, ^b], group: g, start: latest, instance: w1}\n"
                                    "delivery: at_most_once\norder: partition\nlanes: 3\n"
                                    "batch: {records: 10, bytes: 64KiB, wait: 5ms}\n"
                                    "commit: {every: 1s, records: 7, uncommitted: 20}\n"
                                    "drain: 5s\nshutdown: 3s\nmemory: 100MiB\n"
                                    "stages: []\ndead_letter: {topic: dead}\n" PLAY_SINKS);
  assert_int_equal(file->topic_count, 2);
  assert_int_equal(file->start, START_LATEST);
  assert_string_equal(file->instance, "w1");
  assert_int_equal(file->delivery, AT_MOST_ONCE);
  assert_true(file->lanes == 3 && file->lanes_given);
  assert_int_equal(file->batch_records, 10);
  assert_int_equal(file->batch_bytes, 65536);
  assert_int_equal(file->batch_wait_ms, 5);
  assert_int_equal(file->commit_every_ms, 1000);
  assert_int_equal(file->commit_records, 7);
  assert_int_equal(file->commit_uncommitted, 20);
  assert_int_equal(file->drain_ms, 5000);
  assert_int_equal(file->shutdown_ms, 3000);
  assert_int_equal(file->memory_bytes, 100 << 20);
  assert_string_equal(file->dead_letter, "dead");
  assert_int_equal(file->sinks[0].on_failure, ON_FAILURE_DEAD_LETTER);
  pipeline_file_close(file);
}

static void the_folder_is_absolute_and_paths_start_there(void **state) {
  (void)state;
  struct pipeline_file *file = good(PLAY_FINE);
  char *folder = realpath(scratch_folder, NULL), *path = pipeline_file_path(file, "lua/x.lua"), expected[300];
  assert_string_equal(file->directory, folder);
  snprintf(expected, sizeof expected, "%s/lua/x.lua", folder);
  assert_string_equal(path, expected);
  free(path);
  free(folder);
  pipeline_file_close(file);
}

static void the_command_lines_instance_wins(void **state) {
  (void)state;
  const char *said = NULL;
  char instance[] = "worker-7";
  struct pipeline_overrides overrides = {.instance = instance};
  struct pipeline_file *file = play_open_with(
      "pipeline: p\nkafka: {brokers: a}\nsource: {topics: [t], group: g, instance: w1}\n" PLAY_SINKS, &overrides, NULL);
  assert_non_null(file);
  instance[0] = 'X'; /* it was copied */
  assert_string_equal(file->instance, "worker-7");
  pipeline_file_close(file);
  overrides.instance = "a b";
  assert_null(play_open_with(PLAY_FINE, &overrides, &said));
  play_expect(said, "--instance a b: Kafka does not take this name: it has other characters");
}

static void variables_and_files_reach_every_value_but_code(void **state) {
  (void)state;
  setenv("WEIR_TEST_GROUP", "from-env", 1);
  unsetenv("WEIR_TEST_NONE");
  scratch_write("brokers", "b1:9092\n");
  struct pipeline_file *file = good("pipeline: p\nkafka: {brokers: '${file:brokers}'}\n"
                                    "source: {topics: ['${env:WEIR_TEST_NONE:-t}'], group: '${env:WEIR_TEST_GROUP}'}\n"
                                    "stages:\n  - keep: |\n      record.key == \"${env:WEIR_TEST_NONE}\"\n"
                                    "    when: record.x == '${env:WEIR_TEST_NONE}'\n"
                                    "    options: {keep: '${env:WEIR_TEST_GROUP}'}\n" PLAY_SINKS);
  assert_string_equal(file->kafka.brokers, "b1:9092");
  assert_string_equal(file->topics[0], "t");
  assert_string_equal(file->group, "from-env");
  const struct pipeline_step *step = &file->stages[0];
  assert_string_equal(node_text(node_find(step->options, "keep")), "record.key == \"${env:WEIR_TEST_NONE}\"\n");
  assert_string_equal(node_text(node_find(step->when, "when")), "record.x == '${env:WEIR_TEST_NONE}'");
  assert_string_equal(node_text(node_find(node_find(step->options, "options"), "keep")), "from-env");
  pipeline_file_close(file);
}

static void code_shared_with_an_option_stays_code(void **state) {
  (void)state;
  setenv("WEIR_TEST_GROUP", "from-env", 1);
  struct pipeline_file *file = good(PLAY_HEAD "stages:\n  - &first\n    keep: '${env:WEIR_TEST_GROUP}'\n"
                                              "  - each: x = 1\n    options: *first\n" PLAY_SINKS);
  assert_string_equal(node_text(node_find(file->stages[0].options, "keep")), "${env:WEIR_TEST_GROUP}");
  pipeline_file_close(file);
}

static void all_errors_come_in_one_report_in_order(void **state) {
  (void)state;
  const char *said = NULL;
  assert_null(play_open("pipeline: a b\nkafka: {brokers: 'x:y', properties: {group.id: z}}\n"
                        "source: {topics: [t], grp: g, start: first}\nlanes: 0\ndelvery: x\nsinks: [{plugn: file}]\n"
                        "drain: ${env:WEIR_TEST_NONE}\n",
      &said));
  assert_string_equal(said,
      "p.yaml:1:11: pipeline: found \"a b\", expected 1 to 64 letters, digits, '.', '_' and '-'\n"
      "p.yaml:2:18: brokers: found \"x:y\", expected host:port, several separated by commas\n"
      "p.yaml:2:38: the property group.id cannot be set here: write it as source.group\n"
      "p.yaml:3:9: the key \"group\" is missing: the consumer group that shares the work and keeps the offsets\n"
      "p.yaml:3:23: unknown key \"grp\"; there are: topics, group, start, instance\n"
      "p.yaml:3:38: start: found \"first\", expected earliest, latest or error\n"
      "p.yaml:4:8: lanes: found \"0\", expected a whole number from 1 to 64\n"
      "p.yaml:5:1: unknown key \"delvery\"; did you mean \"delivery\"?\n"
      "p.yaml:6:9: a sink has one of the keys plugin and lua\n"
      "p.yaml:6:10: unknown key \"plugn\"; did you mean \"plugin\"?\n"
      "p.yaml:7:8: the environment variable WEIR_TEST_NONE is not set; set it, or write ${env:WEIR_TEST_NONE:-default}\n"); /* and nothing more of it */
}

static void what_is_missing_is_told(void **state) {
  (void)state;
  const char *said = NULL;
  assert_null(play_open("lanes: 1\n", &said));
  assert_string_equal(said,
      "p.yaml:1:1: the key \"pipeline\" is missing: the pipeline's name\n"
      "p.yaml:1:1: the key \"kafka\" is missing: where the brokers are, such as `kafka: {brokers: localhost:9092}`\n"
      "p.yaml:1:1: the key \"source\" is missing: what to read, such as `source: {topics: [quakes], group: quakes}`\n"
      "p.yaml:1:1: `sinks` has no entry: a record is settled when its sinks have acknowledged it, so there must be one (blackhole takes all)\n");
  play_refused("---\n", "p.yaml:2:1: the file is empty\n");
  play_refused("~\n", "p.yaml:1:1: the file is empty\n");
  play_refused("&a\n", "the file is empty\n");
  play_refused("- a\n", "p.yaml:1:1: a pipeline file is a map of keys, such as `key: value`, not a list\n");
  play_refused(
      "just text\n", "p.yaml:1:1: a pipeline file is a map of keys, such as `key: value`, not \"just text\"\n");
  play_refused("pipeline: p\nkafka: {brokers: a}\nsource: {group: g}\n" PLAY_SINKS,
      "p.yaml:3:9: the key \"topics\" is missing: a list of topics, or of expressions that start with ^\n");
  play_refused(PLAY_HEAD "sinks: []\n", "p.yaml:4:8: `sinks` has no entry: a record is settled");
  play_refused(PLAY_HEAD "sinks:\n", "p.yaml:4:7: `sinks` has no entry: a record is settled");
}

static void wrong_values_are_told(void **state) {
  (void)state;
#define SOURCE(text) "pipeline: p\nkafka: {brokers: a}\nsource: " text "\n" PLAY_SINKS
  play_refused(SOURCE("{topics: t, group: g}"), "p.yaml:3:18: topics: found \"t\", expected a list such as [a, b]\n");
  play_refused(SOURCE("{topics: [t, t], group: g}"), "p.yaml:3:22: this topic stands twice in the list\n");
  play_refused(SOURCE("{topics: [a/b], group: g}"),
      "p.yaml:3:19: \"a/b\" cannot be a topic or a pattern of topics: it has other characters");
  play_refused(SOURCE("{topics: ['^('], group: g}"),
      "\"^(\" cannot be a topic or a pattern of topics: it is not a POSIX extended regular expression\n");
  play_refused(SOURCE("{topics: [t], group: g, instance: a/b}"),
      "p.yaml:3:43: instance: Kafka does not take this name: it has other characters");
  play_refused(SOURCE("[t]"), "p.yaml:3:9: source is a map of keys, such as `key: value`, not a list\n");
  char text[1024];
  memset(text, 'g', 300);
  text[300] = 0;
  char whole[2048];
  snprintf(whole, sizeof whole, SOURCE("{topics: [t], group: %s}"), text);
  play_refused(whole, "p.yaml:3:30: group: found a name of 300 bytes, expected at most 255\n");
#undef SOURCE
  play_refused(PLAY_FINE "batch: {records: 20000}\n",
      "p.yaml:5:18: records: found \"20000\", expected a whole number from 1 to 10000\n");
  play_refused(PLAY_FINE "batch: {bytes: 1GiB}\n",
      "bytes: found \"1GiB\", expected a size from 1KiB to 64MiB, such as 64KiB or 1MiB\n");
  play_refused(PLAY_FINE "batch: {size: 5}\n", "p.yaml:5:9: unknown key \"size\"; there are: records, bytes, wait\n");
  play_refused(PLAY_FINE "commit: {every: 1}\n",
      "every: found \"1\", expected a duration from 10ms to 5m, such as 250ms or 30s\n");
  play_refused(PLAY_FINE "memory: 1MiB\n",
      "memory: found \"1MiB\", expected a size from 64MiB to 1TiB, such as 64KiB or 1MiB\n");
  play_refused(PLAY_FINE "dead_letter: {}\n",
      "p.yaml:5:14: the key \"topic\" is missing: the topic that rejected records are written to\n");
  play_refused(PLAY_FINE "dead_letter: {topic: a b}\n", "p.yaml:5:22: \"a b\" cannot be a topic");
  play_refused(PLAY_FINE "dead_letter: dead\n",
      "p.yaml:5:14: dead_letter is a map of keys, such as `key: value`, not \"dead\"\n");
  play_refused(PLAY_FINE "stages: {plugin: x}\n",
      "p.yaml:5:9: stages: found a map, expected a list: each entry starts with `- `\n");
}

static void a_file_that_cannot_be_read_is_told(void **state) {
  (void)state;
  struct report report;
  report_init(&report);
  assert_null(pipeline_file_open("/nowhere/p.yaml", NULL, &report));
  assert_null(pipeline_file_open("/", NULL, &report));
  assert_string_equal(play_said(&report), "/: it is a folder, not a file\n/nowhere/p.yaml: there is no such file\n");
  report_fini(&report);
}

/* `text` with `value` in the place of its @. */
static const char *with_value(const char *text, const char *value) {
  static char whole[256];
  const char *at = strchr(text, '@');
  snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - text), text, value, at + 1);
  return whole;
}

static void secrets_stay_out_of_the_report(void **state) {
  (void)state;
  const char *said = NULL;
  scratch_write("secret", "hunter2 hunter2\n");
  setenv("WEIR_TEST_PASSWORD", "hunter2 hunter2", 1);
  static const char *const places[] = {"pipeline: @\n", "lanes: @\n", "delivery: @\n", "drain: @\n", "memory: @\n",
      "kafka: {brokers: @}\n", "kafka: {brokers: [@]}\n", "source: {topics: [@], group: g}\n",
      "source: {instance: @}\n", "source: {start: @}\n", "dead_letter: {topic: @}\n", "dead_letter: @\n", "batch: @\n",
      "stages: @\n", "stages: [@]\n", "stages: [{plugin: @}]\n", "stages: [{name: @}]\n", "stages: [{options: @}]\n",
      "stages: [{retry: {backoff: @}}]\n", "sinks: [{plugin: kafka, options: {topic: @}}]\n",
      "sinks: [{plugin: kafka, options: {routes: [@]}}]\n", "sinks: [{plugin: kafka, options: {partitioner: @}}]\n",
      "kafka: {brokers: a, properties: @}\n", "kafka: {brokers: a, properties: {acks: @}}\n"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    for (int from_file = 0; from_file < 2; from_file++) {
      const char *text = with_value(places[i], from_file ? "'${file:secret}'" : "'${env:WEIR_TEST_PASSWORD}'");
      assert_null(play_open(text, &said));
      if (strstr(said, "hunter2")) print_error("%s -> %s", text, said);
      assert_null(strstr(said, "hunter2"));
    }
  }
}

/* Every allocation of the tree fails once: no crash, no leak, and a sentence each time. */
static void without_memory_it_is_said(void **state) {
  (void)state;
  static const char text[] = PLAY_FINE
      "stages:\n  - keep: a\n    when: b\n    options: {x: ['${env:HOME}']}\n    retry: {attempts: 2}\n  - lua: x.lua\n"
      "dead_letter: {topic: d}\n";
  bool opened = false;
  for (size_t bytes = 64; !opened; bytes += 160) {
    const char *said = NULL;
    struct pipeline_overrides overrides = {.instance = "w", .tree_bytes_max = bytes};
    struct pipeline_file *file = play_open_with(text, &overrides, &said);
    opened = file != NULL;
    if (!opened)
      play_expect(said, "no memory");
    else
      assert_string_equal(said, "");
    pipeline_file_close(file);
    assert_true(bytes < 1 << 20);
  }
}

/* Names that are none, weir's own sink and code are told of by the file itself. */
static void judge(
    void *ctx, const struct pipeline_file *file, const struct pipeline_step *step, bool sink, struct report *report) {
  (void)file;
  ++*(int *)ctx;
  report_add(report, node_find(step->node, "plugin"), "%s %s is judged", sink ? "sink" : "stage", step->plugin);
}

static void a_wrong_file_has_its_plugins_judged(void **state) {
  (void)state;
  int judged = 0;
  const char *said = "";
  const struct pipeline_overrides overrides = {.judge = judge, .judge_ctx = &judged};
  struct pipeline_file *file = play_open_with(PLAY_FINE, &overrides, &said);
  assert_non_null(file);
  pipeline_file_close(file);
  assert_int_equal(judged, 0);
  assert_null(play_open_with("pipeline: p\nkafka: {brokers: a}\nsource: {topics: [t], group: g}\nstages:\n"
                             "  - {plugin: jsn, retryy: 3}\n  - {keep: \"true\"}\n  - {plugin: x.so}\n"
                             "sinks:\n  - {plugin: ./mine.so}\n  - {plugin: kafka, options: {topic: o}}\n",
      &overrides, &said));
  assert_int_equal(judged, 2);
  play_expect(said, "p.yaml:5:14: stage jsn is judged");
  play_expect(said, "unknown key \"retryy\"");
  play_expect(said, "p.yaml:9:14: sink ./mine.so is judged");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_small_file_gets_every_default),
      cmocka_unit_test(every_key_is_read),
      cmocka_unit_test(the_folder_is_absolute_and_paths_start_there),
      cmocka_unit_test(the_command_lines_instance_wins),
      cmocka_unit_test(variables_and_files_reach_every_value_but_code),
      cmocka_unit_test(code_shared_with_an_option_stays_code),
      cmocka_unit_test(all_errors_come_in_one_report_in_order),
      cmocka_unit_test(what_is_missing_is_told),
      cmocka_unit_test(wrong_values_are_told),
      cmocka_unit_test(a_file_that_cannot_be_read_is_told),
      cmocka_unit_test(a_wrong_file_has_its_plugins_judged),
      cmocka_unit_test(secrets_stay_out_of_the_report),
      cmocka_unit_test(without_memory_it_is_said),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
