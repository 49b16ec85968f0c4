/* must(): a broken invariant ends the process and says where. */
#include "base/check.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/cmocka_all.h"

struct thing {
  uint32_t magic;
};

/* Runs `body` in a child; returns how it ended and what it said. */
static int run(void (*body)(void), char *said, size_t said_size) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    body();
    _exit(0);
  }
  close(ends[1]);
  ssize_t size = read(ends[0], said, said_size - 1);
  said[size > 0 ? size : 0] = 0;
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void break_it(void) { must(1 + 1 == 3); }
static void keep_it(void) { must(1 + 1 == 2); }
static void break_in_context(void) {
  check_context("lane 1, stage describe, quakes/3");
  must_not_reach();
}
static void use_a_stale_thing(void) {
  struct thing thing = {0}, *stale = &thing;
  must_be(stale, 0xC0FFEEu);
}

static void a_broken_invariant_aborts_with_its_place(void **state) {
  (void)state;
  char said[512];
  int status = run(break_it, said, sizeof said);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  assert_non_null(strstr(said, "test_check.c:"));
  assert_non_null(strstr(said, "break_it: 1 + 1 == 3 does not hold\n"));
}

static void one_that_holds_says_nothing(void **state) {
  (void)state;
  char said[512];
  int status = run(keep_it, said, sizeof said);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_string_equal(said, "");
}

static void the_context_is_told(void **state) {
  (void)state;
  char said[512];
  run(break_in_context, said, sizeof said);
  assert_non_null(strstr(said, ", while working on lane 1, stage describe, quakes/3\n"));
}

static void a_stale_object_is_caught(void **state) {
  (void)state;
  char said[512];
  int status = run(use_a_stale_thing, said, sizeof said);
  assert_true(WIFSIGNALED(status));
  assert_non_null(strstr(said, "magic"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_broken_invariant_aborts_with_its_place),
      cmocka_unit_test(one_that_holds_says_nothing),
      cmocka_unit_test(the_context_is_told),
      cmocka_unit_test(a_stale_object_is_caught),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
