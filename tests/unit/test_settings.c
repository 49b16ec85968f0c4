/* Typed reads: the default stays on absence and on error, and each error says found and expected. */
#include "config/settings.h"
#include "unit/config_play.h"

static struct report report;
static struct settings settings;

/* Begins to read a map. */
static void begin(const char *text) {
  const char *said = NULL;
  report_fini(&report);
  settings_begin(&settings, play_yaml(text, &said), "batch", &report);
}

static void says(const char *expected) { assert_string_equal(play_said(&report), expected); }

static int close_all(void **state) {
  (void)state;
  report_fini(&report);
  return play_close(state);
}

static void values_are_read(void **state) {
  (void)state;
  const char *text = "default";
  int64_t number = 0, ms = 0, bytes = 0, from = 0, to = 0;
  uint32_t count = 0;
  bool yes = false;
  int choice = 0;
  static const char *const choices[] = {"earliest", "latest", NULL};
  begin(
      "text: x\nint: -5\ncount: 7\nbool: true\nduration: 2m\nsize: 64KiB\nchoice: latest\nrange: 100ms..30s\none: 5s\nlist: [a, 'b']\n");
  assert_true(settings_text(&settings, "text", &text));
  assert_string_equal(text, "x");
  assert_true(settings_int(&settings, "int", -10, 10, &number));
  assert_int_equal(number, -5);
  assert_true(settings_count(&settings, "count", 1, 10, &count));
  assert_int_equal(count, 7);
  assert_true(settings_bool(&settings, "bool", &yes) && yes);
  assert_true(settings_duration(&settings, "duration", 0, INT64_MAX, &ms));
  assert_int_equal(ms, 120000);
  assert_true(settings_size(&settings, "size", 0, INT64_MAX, &bytes));
  assert_int_equal(bytes, 65536);
  assert_true(settings_choice(&settings, "choice", choices, &choice));
  assert_int_equal(choice, 1);
  assert_true(settings_duration_range(&settings, "range", 1, 60000, &from, &to));
  assert_int_equal(from, 100);
  assert_int_equal(to, 30000);
  assert_true(settings_duration_range(&settings, "one", 1, 60000, &from, &to));
  assert_true(from == 5000 && to == 5000);
  const char *const *values = NULL;
  size_t value_count = 0;
  assert_true(settings_list(&settings, "list", 5, &play_arena, &values, &value_count));
  assert_int_equal(value_count, 2);
  assert_string_equal(values[1], "b");
  settings_end(&settings);
  says("");
}

static void absent_keys_leave_the_default(void **state) {
  (void)state;
  const char *text = "default";
  int64_t number = 42;
  begin("other: 1\n");
  assert_false(settings_text(&settings, "text", &text));
  assert_false(settings_int(&settings, "int", 0, 1, &number));
  assert_string_equal(text, "default");
  assert_int_equal(number, 42);
  settings_begin(&settings, NULL, "batch", &report);
  assert_false(settings_int(&settings, "int", 0, 1, &number));
  settings_end(&settings);
  says("");
}

/* Reads `k: VALUE` with one of the readers; all must leave the default and say the sentence. */
#define WRONG(value, read, expected)                                                                                   \
  do {                                                                                                                 \
    begin("k: " value "\n");                                                                                           \
    assert_false(read);                                                                                                \
    assert_int_equal(number, 42);                                                                                      \
    says("p.yaml:1:4: k: found " expected "\n");                                                                       \
  } while (0)

static void wrong_values_say_found_and_expected(void **state) {
  (void)state;
  int64_t number = 42, ignored = 42;
  bool yes = false;
  const char *text = NULL;
  WRONG("ten", settings_int(&settings, "k", 1, 5, &number), "\"ten\", expected a whole number from 1 to 5");
  WRONG("6", settings_int(&settings, "k", 1, 5, &number), "\"6\", expected a whole number from 1 to 5");
  WRONG("[6]", settings_int(&settings, "k", 1, 5, &number), "a list, expected a whole number from 1 to 5");
  WRONG("null", settings_int(&settings, "k", 1, 5, &number), "nothing, expected a whole number from 1 to 5");
  WRONG("1.5", settings_int(&settings, "k", INT64_MIN, INT64_MAX, &number), "\"1.5\", expected a whole number");
  WRONG("yes", settings_bool(&settings, "k", &yes), "\"yes\", expected true or false");
  WRONG("30", settings_duration(&settings, "k", 0, INT64_MAX, &number),
      "\"30\", expected a duration such as 250ms, 30s, 5m or 2h");
  WRONG("2h", settings_duration(&settings, "k", 100, 60000, &number),
      "\"2h\", expected a duration from 100ms to 1m, such as 250ms or 30s");
  WRONG("1mb", settings_size(&settings, "k", 0, INT64_MAX, &number),
      "\"1mb\", expected a size such as 512, 64KiB or 1MiB");
  WRONG("1KiB", settings_size(&settings, "k", 1 << 20, 1 << 30, &number),
      "\"1KiB\", expected a size from 1MiB to 1GiB, such as 64KiB or 1MiB");
  WRONG("30s..1s", settings_duration_range(&settings, "k", 1, 60000, &number, &ignored),
      "\"30s..1s\", expected a duration or a range such as 100ms..30s, the shorter one first, from 1ms to 1m");
  WRONG("{a: b}", settings_text(&settings, "k", &text), "a map, expected a text");
  WRONG("''", settings_text(&settings, "k", &text), "\"\", expected a text");
  WRONG("~", settings_text(&settings, "k", &text), "nothing, expected a text");
}

static void choices_are_listed_and_guessed(void **state) {
  (void)state;
  int number = 42;
  static const char *const choices[] = {"dead_letter", "stop", "discard", NULL};
  WRONG("dead-letter", settings_choice(&settings, "k", choices, &number),
      "\"dead-letter\", expected dead_letter, stop or discard; did you mean dead_letter?");
  WRONG("retry", settings_choice(&settings, "k", choices, &number), "\"retry\", expected dead_letter, stop or discard");
}

static void lists_name_the_wrong_entry(void **state) {
  (void)state;
  const char *const *values = NULL;
  size_t count = 0;
  begin("k: [a, , b]\n");
  begin("k:\n  - a\n  -\n  - [b]\n");
  assert_false(settings_list(&settings, "k", 5, &play_arena, &values, &count));
  says(
      "p.yaml:3:4: this entry: found nothing, expected a text\np.yaml:4:5: this entry: found a list, expected a text\n");
  begin("k: a\n");
  assert_false(settings_list(&settings, "k", 5, &play_arena, &values, &count));
  says("p.yaml:1:4: k: found \"a\", expected a list such as [a, b]\n");
  begin("k: []\n");
  assert_false(settings_list(&settings, "k", 5, &play_arena, &values, &count));
  says("p.yaml:1:4: k: found a list, expected a list such as [a, b]\n");
  begin("k: [a, b, c]\n");
  assert_false(settings_list(&settings, "k", 2, &play_arena, &values, &count));
  says("p.yaml:1:4: k has 3 entries; 2 is the most\n");
  assert_null(values);
}

static void unknown_keys_are_refused_with_the_nearest(void **state) {
  (void)state;
  uint32_t count = 0;
  begin("recods: 5\nsomething: 1\n");
  settings_count(&settings, "records", 1, 10, &count);
  settings_node(&settings, "wait");
  settings_node(&settings, "wait"); /* asked twice, listed once */
  settings_end(&settings);
  says("p.yaml:1:1: unknown key \"recods\"; did you mean \"records\"?\n"
       "p.yaml:2:1: unknown key \"something\"; there are: records, wait\n");
}

static void a_map_may_be_missing_or_something_else(void **state) {
  (void)state;
  const char *said = NULL;
  const struct weir_config *root = play_yaml("a:\nb: [1]\n", &said);
  report_fini(&report);
  settings_begin(&settings, node_find(root, "a"), "batch", &report);
  assert_null(settings.map);
  says("");
  settings_begin(&settings, node_find(root, "b"), "batch", &report);
  settings_end(&settings);
  says("p.yaml:2:4: batch is a map of keys, such as `key: value`, not a list\n");
}

static void required_keys_say_what_they_mean(void **state) {
  (void)state;
  begin("a: 1\n");
  assert_true(settings_require(&settings, settings.map, "a", "x"));
  assert_false(settings_require(&settings, settings.map, "topic", "the topic to write to"));
  says("p.yaml:1:1: the key \"topic\" is missing: the topic to write to\n");
}

static void a_secret_is_not_quoted(void **state) {
  (void)state;
  int64_t number = 0;
  begin("k: hunter2\n");
  settings.map->children[0]->masked = true;
  assert_false(settings_int(&settings, "k", 0, 5, &number));
  says("p.yaml:1:4: k: found a secret (not shown), expected a whole number from 0 to 5\n");
  static const char *const choices[] = {"hunter", NULL};
  int choice = 0;
  begin("k: hunter2\n");
  settings.map->children[0]->masked = true;
  assert_false(settings_choice(&settings, "k", choices, &choice));
  says("p.yaml:1:4: k: found a secret (not shown), expected hunter\n"); /* what it is near to would tell it */
}

static void numbers_stand_alone_too(void **state) {
  (void)state;
  double number = 0;
  begin("k: 4.5\nl: x\n");
  assert_true(settings_read_number(&report, node_find(settings.map, "k"), &number));
  assert_true(number > 4.4 && number < 4.6);
  assert_false(settings_read_number(&report, node_find(settings.map, "l"), &number));
  says("p.yaml:2:4: l: found \"x\", expected a number\n");
}

static void exact_texts_read_back(void **state) {
  (void)state;
  char text[SETTINGS_TEXT_MAX];
  assert_string_equal(settings_of_duration(text, 0), "0ms");
  assert_string_equal(settings_of_duration(text, 1500), "1500ms");
  assert_string_equal(settings_of_duration(text, 30000), "30s");
  assert_string_equal(settings_of_duration(text, 5400000), "90m");
  assert_string_equal(settings_of_duration(text, 172800000), "2d");
  assert_string_equal(settings_of_size(text, 0), "0B");
  assert_string_equal(settings_of_size(text, 1536), "1536B");
  assert_string_equal(settings_of_size(text, 65536), "64KiB");
  assert_string_equal(settings_of_size(text, 256 << 20), "256MiB");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_read),
      cmocka_unit_test(absent_keys_leave_the_default),
      cmocka_unit_test(wrong_values_say_found_and_expected),
      cmocka_unit_test(choices_are_listed_and_guessed),
      cmocka_unit_test(lists_name_the_wrong_entry),
      cmocka_unit_test(unknown_keys_are_refused_with_the_nearest),
      cmocka_unit_test(a_map_may_be_missing_or_something_else),
      cmocka_unit_test(required_keys_say_what_they_mean),
      cmocka_unit_test(a_secret_is_not_quoted),
      cmocka_unit_test(numbers_stand_alone_too),
      cmocka_unit_test(exact_texts_read_back),
  };
  return cmocka_run_group_tests(tests, NULL, close_all);
}
