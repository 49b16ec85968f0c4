/* test_plugin_stdout.c: the stdout sink: its three formats, and an output that goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <support/fake_host.h>

static struct fake_host *started(const char *options) {
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "stdout");
  fake_host_options(fake, options);
  if (!fake_host_start(fake)) fail_msg("%s: %s", options, fake_host_failure(fake));
  return fake;
}

/* Runs the batch with standard output into a pipe; what came out. */
static char *output_of(struct fake_batch *batch) {
  int pipes[2], saved = dup(STDOUT_FILENO);
  fflush(stdout);
  assert_int_equal(pipe(pipes), 0);
  assert_true(dup2(pipes[1], STDOUT_FILENO) >= 0);
  weir_result result = fake_batch_run(batch);
  assert_true(dup2(saved, STDOUT_FILENO) >= 0);
  close(saved);
  close(pipes[1]);
  char *text = calloc(1, 4096);
  ssize_t size = read(pipes[0], text, 4095);
  close(pipes[0]);
  assert_int_equal(result, WEIR_DONE);
  assert_true(size >= 0);
  return text;
}

static void assert_output(const char *options, const char *expected) {
  struct fake_host *fake = started(options);
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k1", "{\"mag\":4.7}");
  fake_batch_timestamp(batch, 5);
  fake_batch_add(batch, NULL, "d\xC3\xBCne \\ \x1B[31m\ttab");
  fake_batch_timestamp(batch, 5);
  char *text = output_of(batch);
  assert_string_equal(text, expected);
  free(text);
  fake_batch_close(batch);
  fake_host_close(fake);
}

static void each_format_shows_the_records(void **state) {
  (void)state;
  assert_output("{}", "in/0@0 k1: {\"mag\":4.7}\nin/0@1: d\xC3\xBCne \\ \\x1B[31m\\x09tab\n");
  assert_output("format: value", "{\"mag\":4.7}\nd\xC3\xBCne \\ \x1B[31m\ttab\n");
  assert_output("format: jsonl",
      "{\"topic\":\"in\",\"partition\":0,\"offset\":0,\"timestamp\":5,\"key\":\"k1\",\"value\":\"{\\\"mag\\\":4.7}\",\"headers\":[]}\n"
      "{\"topic\":\"in\",\"partition\":0,\"offset\":1,\"timestamp\":5,\"key\":null,\"value\":\"d\xC3\xBCne \\\\ "
      "\\u001b[31m\\ttab\",\"headers\":[]}\n");
}

static void what_is_no_text_shows_as_bytes(void **state) {
  (void)state;
  struct fake_host *fake = started("{}");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add_bytes(batch, weir_bytes("\xFF\x00", 2),
      weir_bytes("a\nb\xC2\x9B"
                 "c",
          6));
  fake_batch_add(batch, "k", NULL);
  fake_batch_add(batch, "k", "\xC2\xA3");
  char *text = output_of(batch);
  assert_string_equal(text, "in/0@0 \\xFF\\x00: a\\nb\\xC2\\x9Bc\nin/0@1 k: (null)\nin/0@2 k: \xC2\xA3\n");
  free(text);
  fake_batch_close(batch);
  fake_host_close(fake);
}

static void a_value_that_is_no_line_is_rejected(void **state) {
  (void)state;
  struct fake_host *fake = started("format: value");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", "a\nb");
  fake_batch_add(batch, "k", "c");
  char *text = output_of(batch);
  assert_string_equal(text, "c\n");
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_REJECT);
  assert_int_equal(fake_batch_verdict(batch, 1), WEIR_PASS);
  free(text);
  fake_batch_close(batch);
  fake_host_close(fake);
}

/* Standard output is replaced by `output` while a batch runs. */
static weir_result run_into(struct fake_host *fake, int output) {
  int saved = dup(STDOUT_FILENO);
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", "a");
  fflush(stdout);
  assert_true(dup2(output, STDOUT_FILENO) >= 0);
  weir_result result = fake_batch_run(batch);
  assert_true(dup2(saved, STDOUT_FILENO) >= 0);
  close(saved);
  if (result == WEIR_BROKEN) assert_int_equal(fake_batch_verdict(batch, 0), WEIR_RETRY);
  fake_batch_close(batch);
  return result;
}

static void an_output_that_fails_is_broken_with_a_sentence(void **state) {
  (void)state;
  int pipes[2];
  struct fake_host *fake = started("format: value");
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(pipe(pipes), 0);
  close(pipes[0]);
  assert_int_equal(run_into(fake, pipes[1]), WEIR_BROKEN);
  assert_non_null(strstr(fake_host_failure(fake), "whatever read the standard output has gone away"));
  close(pipes[1]);
  int full = open("/dev/full", O_WRONLY);
  assert_int_equal(run_into(fake, full), WEIR_BROKEN);
  assert_non_null(strstr(fake_host_failure(fake), "cannot write to the standard output: No space left on device"));
  close(full);
  fake_host_close(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_format_shows_the_records),
      cmocka_unit_test(what_is_no_text_shows_as_bytes),
      cmocka_unit_test(a_value_that_is_no_line_is_rejected),
      cmocka_unit_test(an_output_that_fails_is_broken_with_a_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
