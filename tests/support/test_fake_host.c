/* test_fake_host.c: the fake host sees a broken promise, says which, and ends the test. Each breach runs in a process
 * of its own. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "support/fake_host.h"

static const char *const library = TEST_BINARY_DIR "/tests/plugins/misbehave.so";

static struct fake_host *started(const char *how, uint32_t role) {
  char options[64];
  struct fake_host *fake = fake_host_open(library, "misbehave");
  snprintf(options, sizeof options, "how: %s", how);
  fake_host_options(fake, options);
  fake_host_role(fake, role);
  if (!fake_host_start(fake)) exit(3);
  return fake;
}

static struct fake_batch *three_records(struct fake_host *fake) {
  struct fake_batch *batch = fake_batch_open(fake);
  for (int i = 0; i < 3; i++) fake_batch_add(batch, "key", "value");
  return batch;
}

static void misbehave(const char *how, uint32_t role) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  struct fake_host *fake = started(how, role);
  fake_batch_run(three_records(fake));
  fake_host_wake(fake);
  fake_host_close(fake);
}

/* What a child of ours says on stderr; *status: how it ended. */
static const char *said_by_child(const char *how, uint32_t role, int *status) {
  static char said[4096];
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);
    misbehave(how, role);
    _exit(0);
  }
  close(ends[1]);
  size_t size = 0;
  ssize_t got;
  while ((got = read(ends[0], said + size, sizeof said - 1 - size)) > 0) size += (size_t)got;
  said[size] = 0;
  close(ends[0]);
  assert_int_equal(waitpid(child, status, 0), child);
  return said;
}

static void breaches_are_seen(void **state) {
  (void)state;
  static const struct {
    const char *how, *sentence;
    uint32_t role;
  } breaches[] = {{"unsettled", "record 0 is left unsettled without defer()", WEIR_TRANSFORM},
      {"later", "LATER without defer()", WEIR_TRANSFORM}, {"result", "process() gave 7", WEIR_TRANSFORM},
      {"verdict", "settle() with verdict 9", WEIR_TRANSFORM}, {"range", "settle(1, 3) of 3 records", WEIR_TRANSFORM},
      {"change_beyond", "set_value() on record 3 of 3", WEIR_TRANSFORM},
      {"headers_beyond", "headers() on record 3 of 3", WEIR_TRANSFORM},
      {"thread", "settle() from a thread that is not the lane's", WEIR_TRANSFORM},
      {"struct", "a reason of 0 bytes", WEIR_TRANSFORM},
      {"closed", "settle() on a batch that is dead or no batch", WEIR_TRANSFORM},
      {"sink", "set_value() by a sink", WEIR_SINK}, {"twice", "defer() twice or outside of process()", WEIR_TRANSFORM},
      {"flags", "defer() with flags 4", WEIR_TRANSFORM}, {"done", "DONE after defer()", WEIR_TRANSFORM},
      {"no_verdict", "complete() with verdict 0", WEIR_TRANSFORM},
      {"prepare", "metric() in prepare()", WEIR_TRANSFORM}};
  for (size_t i = 0; i < sizeof breaches / sizeof *breaches; i++) {
    int status;
    const char *said = said_by_child(breaches[i].how, breaches[i].role, &status);
    if (!strstr(said, breaches[i].sentence)) fail_msg("%s: %s", breaches[i].how, said);
    assert_non_null(strstr(said, "plugin misbehaving: "));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  }
}

/* A span on the stack that was handed over to be kept: told at the end, or by the sanitizer that reads it. */
static void kept_spans_are_watched(void **state) {
  (void)state;
  int status;
  const char *said = said_by_child("stack", WEIR_TRANSFORM, &status);
  assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
  assert_true(strstr(said, "lies neither in alloc()'s memory") || strstr(said, "AddressSanitizer"));
}

/* What is late or double is no breach: the first call counts. */
static void late_calls_are_harmless(void **state) {
  (void)state;
  struct fake_host *fake = started("double", WEIR_TRANSFORM);
  struct fake_batch *batch = three_records(fake);
  assert_int_equal(fake_batch_run(batch), WEIR_LATER);
  assert_int_equal(fake_batch_waiting(batch), 3);
  assert_true(fake_host_wake(fake));
  assert_int_equal(fake_batch_waiting(batch), 0);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_PASS);
  assert_int_equal(fake_batch_verdict(batch, 1), WEIR_REJECT);
  assert_int_equal(fake_batch_verdict(batch, 2), WEIR_REJECT);
  fake_host_close(fake);
}

static void broken_takes_all_back(void **state) {
  (void)state;
  struct fake_host *fake = started("broken", WEIR_TRANSFORM);
  struct fake_batch *batch = three_records(fake);
  assert_int_equal(fake_batch_run(batch), WEIR_BROKEN);
  assert_string_equal(fake_host_failure(fake), "stage: changed its mind");
  for (uint32_t i = 0; i < 3; i++) assert_int_equal(fake_batch_verdict(batch, i), WEIR_RETRY);
  fake_host_close(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(breaches_are_seen), cmocka_unit_test(kept_spans_are_watched),
      cmocka_unit_test(late_calls_are_harmless), cmocka_unit_test(broken_takes_all_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
