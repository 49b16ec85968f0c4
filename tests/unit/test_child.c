/* Child processes of the sandbox, and text that comes in pieces and leaves in lines. */
#include "sandbox/child.h"
#include "unit/cmocka_all.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char heard[LINE_BYTES * 2];

static void hear(void *ctx, const char *text) {
  (void)ctx;
  size_t size = strlen(heard);
  snprintf(heard + size, sizeof heard - size, "%s|", text);
}

static const char *listen_to_the_end(int *descriptor) {
  struct child_lines lines = {.size = 0};
  heard[0] = 0;
  do {
    struct pollfd wait = {.fd = *descriptor, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 10000), 1);
  } while (child_read_lines(descriptor, &lines, hear, NULL));
  assert_int_equal(*descriptor, -1);
  return heard;
}

static int speak(void *ctx) {
  printf("%s\nsecond\nno end", (const char *)ctx);
  fprintf(stderr, "on stderr\n");
  return 7;
}

static void a_copy_speaks_and_ends(void **state) {
  (void)state;
  struct child child;
  struct error err;
  assert_true(child_fork(&child, speak, (void *)(uintptr_t) "first", &err));
  assert_string_equal(listen_to_the_end(&child.out), "first|second|no end|");
  assert_string_equal(listen_to_the_end(&child.err), "on stderr|");
  assert_int_equal(waitpid(child.pid, &child.status, 0), child.pid);
  assert_int_equal(WEXITSTATUS(child.status), 7);
  child.pid = 0;
  child_end(&child);
}

static int wait_for_ever(void *ctx) {
  (void)ctx;
  puts("here");
  fflush(stdout);
  while (pause() < 0) continue;
  return 0;
}

static void one_that_does_not_end_is_ended(void **state) {
  (void)state;
  struct child child;
  struct error err;
  assert_true(child_fork(&child, wait_for_ever, NULL, &err));
  pid_t pid = child.pid;
  assert_false(child_ended(&child));
  assert_int_equal(getpgid(pid), pid);
  child_end(&child);
  assert_int_equal(child.pid, 0);
  assert_true(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGKILL);
  assert_int_equal(kill(pid, 0), -1);
  assert_true(child_ended(&child));
}

/* The child of a child dies with it, however that ends: here its parent is killed before it could do anything for it. */
static int have_a_child(void *ctx) {
  struct child child;
  struct error err;
  (void)ctx;
  if (!child_fork(&child, wait_for_ever, NULL, &err)) return 1;
  printf("%d\n", (int)child.pid);
  fflush(stdout);
  while (pause() < 0) continue;
  return 0;
}

static void children_die_with_their_parent(void **state) {
  (void)state;
  struct child parent;
  struct error err;
  struct child_lines lines = {.size = 0};
  assert_true(child_fork(&parent, have_a_child, NULL, &err));
  heard[0] = 0;
  while (!heard[0]) {
    struct pollfd wait = {.fd = parent.out, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 10000), 1);
    child_read_lines(&parent.out, &lines, hear, NULL);
  }
  pid_t grandchild = (pid_t)strtol(heard, NULL, 10);
  assert_int_equal(kill(grandchild, 0), 0);
  child_signal(&parent, SIGKILL);
  /* Its stderr is shared with nobody else: the pipe of the grandchild ends when it is dead. The parent held the other end. */
  child_end(&parent);
  for (int tries = 0; kill(grandchild, 0) == 0; tries++) {
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)grandchild);
    FILE *file = fopen(path, "r");
    if (file && !fgets(text, sizeof text, file)) text[0] = 0;
    if (file) fclose(file);
    if (strstr(text, ") Z ")) break; /* dead, and its new parent has not looked yet */
    assert_true(tries < 1000);
    poll(NULL, 0, 5);
  }
}

static void the_program_itself_runs_with_its_environment(void **state) {
  (void)state;
  struct child child;
  struct error err;
  const char *const argv[] = {"test_child", "tell", NULL}, *const environment[] = {"TOLD=by the parent", NULL};
  assert_true(child_run(&child, argv, environment, &err));
  assert_string_equal(listen_to_the_end(&child.out), "by the parent|");
  child_end(&child);
}

static void lines_that_are_too_long_are_cut(void **state) {
  (void)state;
  struct child_lines lines = {.size = 0};
  FILE *file = tmpfile(); /* a pipe takes less than a line */
  assert_non_null(file);
  for (int i = 0; i < LINE_BYTES + 9; i++) fputc('x', file);
  fputc('\n', file);
  assert_int_equal(fflush(file), 0);
  int descriptor = dup(fileno(file));
  assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
  fclose(file);
  heard[0] = 0;
  assert_false(child_read_lines(&descriptor, &lines, hear, NULL));
  assert_int_equal(strlen(heard), LINE_BYTES + 9 + 2);
  assert_int_equal(heard[LINE_BYTES - 1], '|');
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "tell") == 0) return puts(getenv("TOLD")) < 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_copy_speaks_and_ends),
      cmocka_unit_test(one_that_does_not_end_is_ended),
      cmocka_unit_test(children_die_with_their_parent),
      cmocka_unit_test(the_program_itself_runs_with_its_environment),
      cmocka_unit_test(lines_that_are_too_long_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
