/* One report: sorted by place, each sentence once, capped and counted. */
#include "unit/config_play.h"

static void lines_stand_in_the_order_of_the_file(void **state) {
  (void)state;
  struct report report;
  report_init(&report);
  assert_true(report_is_empty(&report));
  assert_false(report_add_at(&report, "p.yaml", 9, 1, "third"));
  report_add_at(&report, "p.yaml", 2, 5, "second");
  report_add_at(&report, "p.yaml", 2, 1, "first %d", 1);
  report_add_at(&report, "p.yaml", 9, 1, "fourth");
  report_add_at(&report, "p.yaml", 0, 0, "about the file");
  report_add(&report, NULL, "about nothing");
  assert_false(report_is_empty(&report));
  assert_string_equal(play_said(&report), "about nothing\np.yaml: about the file\np.yaml:2:1: first 1\n"
                                          "p.yaml:2:5: second\np.yaml:9:1: third\np.yaml:9:1: fourth\n");
  report_fini(&report);
}

static void the_same_sentence_at_a_place_counts_once(void **state) {
  (void)state;
  struct report report;
  report_init(&report);
  for (int i = 0; i < 3; i++) report_add_at(&report, "p.yaml", 1, 1, "again");
  assert_int_equal(report.count, 1);
  report_add_at(&report, "p.yaml", 1, 2, "again");
  assert_int_equal(report.count, 2);
  report_fini(&report);
}

static void of_too_many_the_first_in_the_file_are_kept(void **state) {
  (void)state;
  struct report report;
  report_init(&report);
  for (uint32_t line = 120; line > 0; line--) report_add_at(&report, "p.yaml", line, 1, "wrong");
  const char *said = play_said(&report);
  assert_ptr_equal(strstr(said, "p.yaml:1:1: wrong\n"), said);
  assert_non_null(strstr(said, "p.yaml:50:1: wrong\nand 70 more\n"));
  report_fini(&report);
}

static void control_characters_reach_nobodys_terminal(void **state) {
  (void)state;
  struct report report;
  report_init(&report);
  report_add_at(&report, "p.yaml", 1, 1, "found \x1b[2J");
  assert_string_equal(play_said(&report), "p.yaml:1:1: found \\x1b[2J\n");
  report_fini(&report);
}

static void a_node_gives_its_place_and_its_key_its_own(void **state) {
  (void)state;
  const char *said = NULL;
  const struct weir_config *root = play_yaml("a: b\n", &said);
  struct report report;
  report_init(&report);
  report_add(&report, node_find(root, "a"), "value");
  report_add_key(&report, node_find(root, "a"), "key");
  report_add_key(&report, root, "no key");
  assert_string_equal(play_said(&report), "p.yaml:1:1: key\np.yaml:1:1: no key\np.yaml:1:4: value\n");
  report_fini(&report);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_stand_in_the_order_of_the_file),
      cmocka_unit_test(the_same_sentence_at_a_place_counts_once),
      cmocka_unit_test(of_too_many_the_first_in_the_file_are_kept),
      cmocka_unit_test(control_characters_reach_nobodys_terminal),
      cmocka_unit_test_teardown(a_node_gives_its_place_and_its_key_its_own, play_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
