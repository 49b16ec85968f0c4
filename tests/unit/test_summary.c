/* test_summary.c: accounts, failures, and the summary made of them. */
#include "base/span.h"
#include "base/text.h"
#include "base/trouble.h"
#include "host/summary.h"
#include "unit/cmocka_all.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct accounts accounts;

static struct summary summary_of(void) {
  struct summary summary = {.pipeline = "quakes",
      .group = "the \"group\"",
      .end = "stopped by a signal",
      .exit_code = 1,
      .took_ms = 2000,
      .peak_bytes = 100 << 20,
      .accounts = &accounts};
  summary.tally.in = 1000;
  summary.tally.settled[OUTCOME_DELIVERED] = 900;
  summary.tally.settled[OUTCOME_FILTERED] = 60;
  summary.tally.settled[OUTCOME_DEAD_LETTERED] = 30;
  failures_init(&summary.failures);
  return summary;
}

static char *print(const struct summary *summary, void (*how)(const struct summary *summary, FILE *out)) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  how(summary, out);
  fclose(out);
  return text;
}

static void the_sum_is_shown_whole(void **state) {
  (void)state;
  struct summary summary = summary_of();
  char *text = print(&summary, summary_print);
  assert_non_null(strstr(text, "  records in       1,000\n    = delivered      900\n    + filtered       60\n"
                               "    + discarded      0\n    + dead-lettered  30\n    + abandoned      0\n"
                               "    + in flight      10\n"));
  assert_non_null(strstr(text, "2 s, 495 records/s"));
  free(text);
  failures_fini(&summary.failures);
}

static void trouble_is_shown_when_there_was_some(void **state) {
  (void)state;
  struct summary summary = summary_of();
  char *text = print(&summary, summary_print);
  assert_null(strstr(text, "trouble"));
  free(text);
  for (int i = 0; i < 1200; i++) trouble_count(TROUBLE_SENT_AGAIN);
  text = print(&summary, summary_print);
  assert_non_null(strstr(text, "  trouble outside, and how often\n    sent_again       1,200\n  "));
  free(text);
  text = print(&summary, summary_print_json);
  assert_non_null(strstr(text, "\"late\":0,"));
  assert_non_null(strstr(text, "\"sent_again\":1200,"));
  free(text);
  failures_fini(&summary.failures);
}

/* In a child: a sum that does not hold ends the process. */
static void a_sum_that_does_not_hold_ends_the_process(void **state) {
  (void)state;
  struct summary summary = summary_of();
  summary.tally.settled[OUTCOME_FILTERED] = 200;
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(95);
    signal(SIGABRT, SIG_DFL);
    free(print(&summary, summary_print));
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  failures_fini(&summary.failures);
}

static void failures_come_by_count_and_the_rest_in_one_line(void **state) {
  (void)state;
  struct summary summary = summary_of();
  for (int i = 0; i < 12; i++) {
    char code[16];
    snprintf(code, sizeof code, "code%02d", i);
    failures_add(&summary.failures, "parse", span_of(code), OUTCOME_DEAD_LETTERED, (uint64_t)i + 1);
  }
  failures_add(&summary.failures, "parse", span_of("code05"), OUTCOME_DEAD_LETTERED, 1000);
  failures_add(&summary.failures, "parse", span_of("code05"), OUTCOME_DISCARDED, 3);
  failures_sort(&summary.failures);
  char *text = print(&summary, summary_print);
  assert_non_null(strstr(text, "reason\n    parse code05: 1,006 dead-lettered\n    parse code11: 12 dead-lettered\n"));
  assert_non_null(strstr(text, "    and 6 of other kinds\n"));
  free(text);
  failures_fini(&summary.failures);
}

static void kinds_beyond_the_limit_are_counted_together(void **state) {
  (void)state;
  struct failures failures, sum;
  failures_init(&failures);
  failures_init(&sum);
  for (int i = 0; i < LIMIT_FAILURES + 5; i++) {
    char code[16];
    snprintf(code, sizeof code, "code%d", i);
    failures_add(&failures, "s", span_of(code), OUTCOME_DISCARDED, 2);
  }
  assert_int_equal(failures.count, LIMIT_FAILURES);
  assert_int_equal(failures.others, 10);
  failures_merge(&sum, &failures);
  failures_merge(&sum, &failures);
  assert_int_equal(sum.kinds[0].count, 4);
  assert_int_equal(sum.others, 20);
  failures_fini(&failures);
  failures_fini(&sum);
}

static void a_code_is_shown_harmlessly(void **state) {
  (void)state;
  struct failures failures;
  failures_init(&failures);
  failures_add(&failures, "s", span_of("a\x1b[31m"), OUTCOME_DISCARDED, 1);
  assert_string_equal(failures.kinds[0].code, "a\\x1b[31m");
  failures_fini(&failures);
}

static void accounts_are_found_again_and_sorted(void **state) {
  (void)state;
  struct accounts some = {0};
  static const int32_t numbers[] = {7, 0, 12, 3};
  for (int round = 0; round < 2; round++)
    for (size_t i = 0; i < 4; i++) {
      assert_non_null(accounts_at(&some, "quakes", numbers[i]));
      accounts_at(&some, "alpha", numbers[i])->committed = numbers[i];
    }
  assert_int_equal(some.count, 8);
  assert_string_equal(some.all[0].topic, "alpha");
  assert_int_equal(some.all[2].partition, 7);
  assert_int_equal(accounts_find(&some, "alpha", 12)->committed, 12);
  assert_int_equal(accounts_find(&some, "quakes", 12)->committed, -1);
  assert_null(accounts_find(&some, "quakes", 1));
  accounts_fini(&some);
}

static void lag_is_zero_where_it_is_not_known(void **state) {
  (void)state;
  struct account account = {.committed = 90, .high = 100};
  assert_int_equal(account_lag(&account), 10);
  account.high = -1;
  assert_int_equal(account_lag(&account), 0);
  account.high = 80; /* seen before the last commit */
  assert_int_equal(account_lag(&account), 0);
}

static void partitions_are_listed(void **state) {
  (void)state;
  struct summary summary = summary_of();
  *accounts_at(&accounts, "in", 0) = (struct account){accounts.all[0].topic, 0, 5, 1200, 1500, true, true};
  char *text = print(&summary, summary_print);
  assert_non_null(strstr(text, "    in/0  committed 1,200, lag 300, STOPPED\n"));
  free(text);
  text = print(&summary, summary_print_json);
  assert_non_null(strstr(text, "\"group\":\"the \\\"group\\\"\""));
  assert_non_null(
      strstr(text, "{\"topic\":\"in\",\"partition\":0,\"committed\":1200,\"end\":1500,\"lag\":300,\"stopped\":true}"));
  assert_non_null(strstr(text,
      "\"in\":1000,\"filtered\":60,\"delivered\":900,\"discarded\":0,\"dead_lettered\":30,\"abandoned\":0,\"in_flight\":10"));
  assert_int_equal(text[strlen(text) - 1], '\n');
  free(text);
  failures_fini(&summary.failures);
  accounts_fini(&accounts);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_sum_is_shown_whole),
      cmocka_unit_test(trouble_is_shown_when_there_was_some),
      cmocka_unit_test(a_sum_that_does_not_hold_ends_the_process),
      cmocka_unit_test(failures_come_by_count_and_the_rest_in_one_line),
      cmocka_unit_test(kinds_beyond_the_limit_are_counted_together),
      cmocka_unit_test(a_code_is_shown_harmlessly),
      cmocka_unit_test(accounts_are_found_again_and_sorted),
      cmocka_unit_test(lag_is_zero_where_it_is_not_known),
      cmocka_unit_test(partitions_are_listed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
