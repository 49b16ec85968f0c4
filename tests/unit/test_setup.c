/* A stage's options against what its plugin declares: every fault at its place, fallbacks filled in, prepare() and
 * release() in pairs. */
#include "plugin/setup.h"
#include "base/metrics.h"
#include "plugin/stage.h"
#include "plugins/fixture.h"
#include "unit/config_play.h"

#define FIXTURES TEST_BINARY_DIR "/tests/plugins"

static struct plugin_path *fixtures;
static struct clock_hand hand;
static struct worker_facts facts;

static int open_path(void **state) {
  (void)state;
  static const char *const folders[] = {FIXTURES};
  fixtures = plugin_path_create(folders, 1);
  clock_hand_init(&hand, 1000, 1700000000000);
  facts = (struct worker_facts){.pipeline = "p",
      .group = "g",
      .instance = "i",
      .directory = "/nowhere",
      .clock = &hand.clock,
      .path = fixtures,
      .lanes = 2};
  return 0;
}

static int close_path(void **state) {
  plugin_path_destroy(fixtures);
  return play_close(state);
}

/* Opens a stage whose options are this YAML ("" for none); *said is the report. */
static struct setup *open_with(const char *plugin, uint32_t role, const char *yaml, const char **said) {
  const char *ignored;
  struct report report;
  const struct weir_config *options = *yaml ? play_yaml(yaml, &ignored) : NULL;
  const struct setup_request request = {plugin, "my-stage", role, options, options};
  report_init(&report);
  struct setup *setup = setup_open(&request, &facts, &report);
  assert_true((setup != NULL) == report_is_empty(&report));
  if (said)
    *said = play_said(&report);
  else if (!setup)
    print_error("%s", play_said(&report));
  report_fini(&report);
  return setup;
}

static void refused(const char *plugin, const char *yaml, const char *expected) {
  const char *said = NULL;
  assert_null(open_with(plugin, strcmp(plugin, "every_option") == 0 ? WEIR_SINK : WEIR_TRANSFORM, yaml, &said));
  play_expect(said, expected);
}

static const fixture_trace *trace_of(const char *name) {
  struct error err = {0};
  const struct plugin *plugin = plugin_open(fixtures, "/", name, 0, &err);
  assert_non_null(plugin);
  return plugin->table->extension(FIXTURE_TRACE);
}

static void notify(void *ctx) { (void)ctx; }
static const struct stage_lane lane = {.notify = notify};

/* ---- Options ---- */

static void an_unknown_option_gets_a_near_name(void **state) {
  (void)state;
  refused("drop_short", "bytes_mim: 3",
      "p.yaml:1:1: plugin \"drop_short\" has no option \"bytes_mim\"; did you mean \"bytes_min\"?");
  refused("drop_short", "bytes_min: 3\nwhatever: 1",
      "p.yaml:2:1: plugin \"drop_short\" has no option \"whatever\"; it knows: bytes_min");
  refused("pass", "anything: 1", "p.yaml:1:1: plugin \"pass\" has no option \"anything\", nor any other");
  refused("drop_short", "[a, b]", "p.yaml:1:1: options: expected a map, found a list");
}

static void a_missing_required_option_says_what_it_is_for(void **state) {
  (void)state;
  refused("drop_short", "{}",
      "plugin \"drop_short\" needs the option \"bytes_min\" (a whole number): keep records at least this long");
  refused("drop_short", "bytes_min:", "p.yaml:1:11: plugin \"drop_short\" needs the option \"bytes_min\"");
  refused("drop_short", "", "plugin \"drop_short\" needs the option \"bytes_min\"");
}

static void each_type_is_checked_with_its_place(void **state) {
  (void)state;
  refused("every_option", "string: [a]", "p.yaml:1:9: option \"string\": expected a text, found a list");
  refused("every_option", "int: 1.5", "p.yaml:1:6: option \"int\": expected a whole number, found \"1.5\"");
  refused("every_option", "number: many", "option \"number\": expected a number, found \"many\"");
  refused("every_option", "bool: yes", "option \"bool\": expected true or false, found \"yes\"");
  refused(
      "every_option", "duration: 10", "option \"duration\": expected a duration such as 30s or 250ms, found \"10\"");
  refused("every_option", "size: 1 MiB", "option \"size\": expected a size such as 64KiB or 1MiB, found \"1 MiB\"");
  refused("every_option", "list: a", "option \"list\": expected a list of texts, found \"a\"");
  refused("every_option", "list: [a, [b]]", "p.yaml:1:11: option \"list\": expected a list of texts, found a list");
  refused("every_option", "map: [a]", "option \"map\": expected a map of texts, found a list");
  refused("every_option", "map: {a: {b: c}}", "p.yaml:1:10: option \"map\": expected a map of texts, found a map");
  refused("every_option", "enum: secnd",
      "option \"enum\": expected one of first, second, third, found \"secnd\"; did you mean \"second\"?");
  refused("every_option", "enum: first|second", "expected one of first, second, third, found \"first|second\"");
  refused("every_option", "secret: [hunter2]", "option \"secret\": expected a text, found a list");
}

static void all_faults_are_told_at_once(void **state) {
  (void)state;
  const char *said = NULL;
  assert_null(open_with("every_option", WEIR_SINK, "int: x\nsiez: 1\nbool: 1\n", &said));
  play_expect(said, "p.yaml:1:6: option \"int\"");
  play_expect(said, "p.yaml:2:1: plugin \"every_option\" has no option \"siez\"; did you mean \"size\"?");
  play_expect(said, "p.yaml:3:7: option \"bool\"");
}

static void values_and_fallbacks_reach_the_plugin(void **state) {
  (void)state;
  const fixture_trace *trace = trace_of("every_option");
  struct error err = {0};
  struct setup *setup = open_with("every_option", WEIR_SINK, "", NULL);
  trace->clear();
  struct stage *stage = stage_create(setup, &lane, &err);
  assert_non_null(stage);
  assert_string_equal(trace->text(), "string=some text int=-3 bool=1 duration=60000 size=65536 list=a,b map=x:1,y:two "
                                     "enum=second number=2.5");
  stage_destroy(stage, NULL, NULL);
  setup_close(setup);

  setup = open_with("every_option", WEIR_SINK,
      "string: ''\nint: 7\nnumber: 1e3\nbool: false\nduration: 2s\nsize: 1MiB\nlist: []\nmap: {k: v}\nsecret: hunter2\n"
      "enum: third\ntree:\n  a: 10\n  b: \"10\"\n  c: ~\n  d: []\n  e: {}\n  f: |\n    code\n",
      NULL);
  trace->clear();
  stage = stage_create(setup, &lane, &err);
  assert_non_null(stage);
  assert_string_equal(trace->text(),
      "string= int=7 bool=0 duration=2000 size=1048576 list= map=k:v secret=hunter2 enum=third number=1000 "
      "tree=a:plain@12:6 tree=b:text@13:6 tree=c:null@14:6 tree=d:list@15:6 tree=e:map@16:6 tree=f:text@18:6");
  stage_destroy(stage, NULL, NULL);
  setup_close(setup);
}

static void null_is_absent(void **state) {
  (void)state;
  const fixture_trace *trace = trace_of("every_option");
  struct error err = {0};
  struct setup *setup = open_with("every_option", WEIR_SINK, "int: ~\nenum:\nsecret: null", NULL);
  trace->clear();
  struct stage *stage = stage_create(setup, &lane, &err);
  assert_non_null(stage);
  assert_non_null(strstr(trace->text(), "int=-3"));
  assert_non_null(strstr(trace->text(), "enum=second"));
  assert_null(strstr(trace->text(), "secret="));
  stage_destroy(stage, NULL, NULL);
  setup_close(setup);
}

static void the_shown_options_are_complete_and_hide_secrets(void **state) {
  (void)state;
  char shown[NODE_SHOWN_MAX];
  struct setup *setup = open_with("every_option", WEIR_SINK, "secret: hunter2\nint: 5", NULL);
  const struct weir_config *options = setup_options(setup);
  assert_string_equal(node_shown(shown, node_find(options, "secret")), "a secret (not shown)");
  assert_string_equal(node_shown(shown, node_find(options, "int")), "\"5\"");
  assert_string_equal(node_shown(shown, node_find(options, "size")), "\"64KiB\"");
  assert_true(node_find(options, "size")->fallback);
  assert_int_equal(node_find(options, "list")->count, 2);
  assert_null(node_find(options, "tree"));
  setup_close(setup);
}

static void a_secret_is_not_told_in_an_error(void **state) {
  (void)state;
  const char *said = NULL;
  assert_null(open_with("scripted", WEIR_TRANSFORM, "declares: ['*password']\noptions: {password: [hunter2]}", &said));
  play_expect(said, "p.yaml:2:21: option \"password\": expected a text, found a list");
  assert_null(strstr(said, "hunter2"));
}

/* ---- Options of a script ---- */

static void a_script_has_options_of_its_own(void **state) {
  (void)state;
  struct error err = {0};
  char shown[NODE_SHOWN_MAX];
  refused("scripted", "declares: [unit, rate]\noptions: {unti: km}",
      "p.yaml:2:11: stage \"my-stage\" has no option \"unti\"; did you mean \"unit\"?");
  refused("scripted", "declares: ['!unit']\noptions: {}",
      "stage \"my-stage\" needs the option \"unit\" (a text): of the script");
  refused("scripted", "declares: ['!unit']", "stage \"my-stage\" needs the option \"unit\"");
  refused("scripted", "options: {unit: km}", "stage \"my-stage\" has no option \"unit\", nor any other");
  refused("scripted", "declares: [unit, unit]", "it declares the option \"unit\" twice");
  refused("scripted", "declares: [Unit]", "declares an option named \"Unit\"");

  struct setup *setup =
      open_with("scripted", WEIR_TRANSFORM, "declares: [unit=km, rate, '*key']\noptions: {key: hunter2}", NULL);
  const struct weir_config *options = node_find(setup_options(setup), "options");
  assert_string_equal(node_shown(shown, node_find(options, "unit")), "\"km\"");
  assert_string_equal(node_shown(shown, node_find(options, "key")), "a secret (not shown)");
  assert_null(node_find(options, "rate"));
  struct stage *stage = stage_create(setup, &lane, &err);
  assert_non_null(stage);
  stage_destroy(stage, NULL, NULL);
  setup_close(setup);

  setup = open_with("scripted", WEIR_TRANSFORM, "declares: [unit=km]", NULL);
  assert_non_null(node_find(node_find(setup_options(setup), "options"), "unit"));
  setup_close(setup);
  setup = open_with("scripted", WEIR_TRANSFORM, "{}", NULL);
  setup_close(setup);
}

/* ---- prepare() and create() ---- */

static void a_missing_plugin_is_reported_at_its_name(void **state) {
  (void)state;
  struct report report;
  const char *ignored;
  const struct weir_config *entry = play_yaml("name: x\nplugin: drop_shrt\n", &ignored);
  const struct setup_request request = {"drop_shrt", "x", WEIR_TRANSFORM, NULL, entry};
  report_init(&report);
  assert_null(setup_open(&request, &facts, &report));
  play_expect(play_said(&report), "p.yaml:2:9: plugin \"drop_shrt\": there is no drop_shrt.so in");
  report_fini(&report);
}

static void what_prepare_says_is_shown_with_its_place(void **state) {
  (void)state;
  const fixture_trace *trace = trace_of("recorder");
  trace->clear();
  refused("recorder", "silent: false\nfail_at: prepare", "p.yaml:2:10: it was told to fail here");
  refused("recorder", "silent: true\nfail_at: prepare", "plugin \"recorder\" failed in prepare() and did not say why");
  /* A failure gets no release(). */
  assert_string_equal(trace->text(), "prepare prepare");
  refused("drop_short", "bytes_min: 0", "p.yaml:1:12: bytes_min must be at least 1");
}

static void prepare_and_release_are_a_pair(void **state) {
  (void)state;
  const fixture_trace *trace = trace_of("recorder");
  trace->clear();
  setup_close(open_with("recorder", WEIR_TRANSFORM, "{}", NULL));
  assert_string_equal(trace->text(), "prepare release");
  setup_close(NULL);
}

static void what_create_says_is_shown_with_its_place(void **state) {
  (void)state;
  const fixture_trace *trace = trace_of("recorder");
  struct error err = {0};
  struct setup *setup = open_with("recorder", WEIR_TRANSFORM, "fail_at: create", NULL);
  trace->clear();
  assert_null(stage_create(setup, &lane, &err));
  assert_string_equal(err.text, "p.yaml:1:10: it was told to fail here");
  setup_close(setup);
  /* A failed create() gets no destroy(). */
  assert_string_equal(trace->text(), "create release");
  setup = open_with("recorder", WEIR_TRANSFORM, "{fail_at: create, silent: true}", NULL);
  assert_null(stage_create(setup, &lane, &err));
  assert_string_equal(err.text, "plugin \"recorder\" failed in create() and did not say why");
  setup_close(setup);
}

static void prepare_is_offered_no_batches(void **state) {
  (void)state;
  struct setup *setup = open_with("misbehave", WEIR_TRANSFORM, "how: prepare", NULL);
  assert_non_null(setup);
  setup_close(setup);
  assert_null(open_with("misbehave:nothing", WEIR_TRANSFORM, "how: prepare", &(const char *){NULL}));
}

int main(void) {
#define PLAY(test) cmocka_unit_test_setup_teardown(test, open_path, close_path)
  const struct CMUnitTest tests[] = {
      PLAY(an_unknown_option_gets_a_near_name),
      PLAY(a_missing_required_option_says_what_it_is_for),
      PLAY(each_type_is_checked_with_its_place),
      PLAY(all_faults_are_told_at_once),
      PLAY(values_and_fallbacks_reach_the_plugin),
      PLAY(null_is_absent),
      PLAY(the_shown_options_are_complete_and_hide_secrets),
      PLAY(a_secret_is_not_told_in_an_error),
      PLAY(a_script_has_options_of_its_own),
      PLAY(a_missing_plugin_is_reported_at_its_name),
      PLAY(what_prepare_says_is_shown_with_its_place),
      PLAY(prepare_and_release_are_a_pair),
      PLAY(what_create_says_is_shown_with_its_place),
      PLAY(prepare_is_offered_no_batches),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
