/* test_failpoint.c: a point kills at its passing, not before; in an ordinary build it is not there at all. */
#include "base/failpoint.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PASSES = 5, STATUS_ALIVE = 7 };

static void pass_often(void) {
  for (int i = 0; i < PASSES; i++) {
    FAILPOINT(test_other);
    FAILPOINT(test_point);
  }
}

/* What became of a process that passes five times, with this wish. */
static int status_with(const char *wish, const char *log) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    setenv("WEIR_FAILPOINT", wish, 1);
    setenv("WEIR_FAILPOINT_LOG", log, 1);
    pass_often();
    _exit(STATUS_ALIVE);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void expect_alive(int status) {
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), STATUS_ALIVE);
}

static void test_ordinary(void **state) {
  (void)state;
  if (failpoint_is_built()) skip();
  expect_alive(status_with("test_point:1", "/nowhere"));
}

static void test_kills(void **state) {
  (void)state;
  if (!failpoint_is_built()) skip();
  const char *log = scratch_path("hits");
  char text[256] = "";
  int status = status_with("test_point:4", log);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGKILL);
  FILE *file = fopen(log, "r");
  assert_non_null(file);
  size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[size] = 0;
  assert_string_equal(text, "passed test_other\npassed test_point\nkilled test_point 4\n");
}

static void test_spares(void **state) {
  (void)state;
  if (!failpoint_is_built()) skip();
  const char *log = scratch_path("spared");
  expect_alive(status_with("test_point:6", log));
  expect_alive(status_with("test_poin:1", log));
  expect_alive(status_with("test_point_more:1", log));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ordinary),
      cmocka_unit_test(test_kills),
      cmocka_unit_test(test_spares),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
