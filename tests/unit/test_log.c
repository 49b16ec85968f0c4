/* The log: one write a line, never a wait, nothing that a terminal would obey. Stderr is a pipe or a terminal of ours here. */
#include "base/log.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "unit/cmocka_all.h"

/* Stderr stands aside while a test listens. */
static struct { int real, read, write; } ear;

static int listen_at(int read_end, int write_end) {
  ear.read = read_end;
  ear.write = write_end;
  ear.real = dup(STDERR_FILENO);
  return dup2(ear.write, STDERR_FILENO) == STDERR_FILENO ? 0 : -1;
}

static int open_pipe(void **state) {
  (void)state;
  int ends[2];
  return pipe(ends) == 0 ? listen_at(ends[0], ends[1]) : -1;
}

static int open_terminal(void **state) {
  (void)state;
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return -1;
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  struct winsize window = {.ws_row = 24, .ws_col = 20};
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  return slave >= 0 && ioctl(slave, TIOCSWINSZ, &window) == 0 ? listen_at(master, slave) : -1;
}

static int close_ear(void **state) {
  (void)state;
  log_status(NULL);
  dup2(ear.real, STDERR_FILENO);
  close(ear.real);
  close(ear.write);
  close(ear.read);
  log_init(WEIR_INFO, false);
  return 0;
}

/* Everything that was said so far. */
static const char *heard(void) {
  static char text[1 << 17];
  size_t size = 0;
  struct pollfd descriptor = {.fd = ear.read, .events = POLLIN};
  while (size < sizeof text - 1 && poll(&descriptor, 1, 0) == 1 && (descriptor.revents & POLLIN)) {
    ssize_t got = read(ear.read, text + size, sizeof text - 1 - size);
    if (got <= 0) break;
    size += (size_t)got;
  }
  text[size] = 0;
  return text;
}

static void a_line_has_time_level_and_component(void **state) {
  (void)state;
  log_init(WEIR_INFO, false);
  log_line(WEIR_WARN, "lane 0", "%d records", 7);
  const char *line = heard();
  assert_int_equal(line[4], '-');
  assert_int_equal(line[10], 'T');
  assert_int_equal(line[19], '.');
  assert_string_equal(line + 23, "Z WARN  lane 0: 7 records\n");
}

static void what_is_below_the_level_is_not_written(void **state) {
  (void)state;
  log_init(WEIR_WARN, false);
  log_line(WEIR_INFO, "worker", "quiet");
  assert_string_equal(heard(), "");
  log_line(WEIR_ERROR, "worker", "loud");
  assert_non_null(strstr(heard(), "ERROR worker: loud\n"));
}

static void control_characters_are_shown_not_obeyed(void **state) {
  (void)state;
  log_init(WEIR_INFO, false);
  log_line(WEIR_INFO, "a\nb", "x\x1b[2Jy\nz");
  assert_non_null(strstr(heard(), "INFO  a\\x0ab: x\\x1b[2Jy\\x0az\n"));
}

static void json_is_one_object_a_line(void **state) {
  (void)state;
  log_init(WEIR_INFO, true);
  log_line(WEIR_INFO, "worker", "say \"hi\" to c:\\x\n");
  assert_non_null(strstr(
      heard(), "Z\",\"level\":\"info\",\"component\":\"worker\",\"text\":\"say \\\"hi\\\" to c:\\\\x\\\\x0a\"}\n"));
}

static void a_long_line_is_cut_and_still_one_write(void **state) {
  (void)state;
  char text[8000];
  memset(text, '\x01', sizeof text - 1);
  text[sizeof text - 1] = 0;
  for (int json = 0; json < 2; json++) {
    log_init(WEIR_INFO, json);
    log_line(WEIR_INFO, text, "%s", text);
    const char *line = heard();
    size_t size = strlen(line);
    assert_true(size > 1000 && size <= PIPE_BUF);
    assert_ptr_equal(strchr(line, '\n'), line + size - 1);
    if (json) assert_string_equal(line + size - 3, "\"}\n");
  }
}

static void a_limit_lets_one_through_and_counts_the_others(void **state) {
  (void)state;
  struct log_limit limit = {0};
  log_init(WEIR_INFO, false);
  assert_true(log_limited(&limit, 60000, WEIR_INFO, "kafka", "away"));
  assert_false(log_limited(&limit, 60000, WEIR_INFO, "kafka", "away"));
  assert_false(log_limited(&limit, 60000, WEIR_INFO, "kafka", "away"));
  limit.next_ms = 0; /* the time is over */
  assert_true(log_limited(&limit, 60000, WEIR_INFO, "kafka", "still away"));
  const char *lines = heard();
  assert_non_null(strstr(lines, "kafka: away\n"));
  assert_non_null(strstr(lines, "kafka: still away (2 more like it were held back)\n"));
  assert_int_equal(limit.held, 0);
}

static void a_full_pipe_costs_lines_and_never_time(void **state) {
  (void)state;
  log_init(WEIR_INFO, false);
  for (int i = 0; i < 20000; i++)
    log_line(WEIR_INFO, "worker", "line %d is here to fill the pipe that nobody reads", i);
  const char *lines = heard();
  assert_non_null(strstr(lines, "line 0 is"));
  assert_null(strstr(lines, "line 19999 is"));
  log_line(WEIR_INFO, "worker", "again");
  lines = heard();
  assert_non_null(strstr(lines, "log lines were lost: stderr took nothing\n"));
  assert_non_null(strstr(lines, "worker: again\n"));
  log_line(WEIR_INFO, "worker", "once more");
  assert_null(strstr(heard(), "were lost"));
}

static void *speak(void *ctx) {
  for (int i = 0; i < 20; i++) log_line(WEIR_INFO, ctx, "%0100d", i);
  return NULL;
}

static void threads_do_not_mix_their_lines(void **state) {
  (void)state;
  pthread_t threads[4];
  static char names[4][8] = {"lane 0", "lane 1", "lane 2", "lane 3"};
  log_init(WEIR_INFO, false);
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, speak, names[i]), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  const char *at = heard();
  int lines = 0;
  for (const char *end; (end = strchr(at, '\n')); at = end + 1, lines++) assert_int_equal(end - at, 24 + 7 + 8 + 100);
  assert_int_equal(lines, 80);
}

static void a_pipe_has_no_status_line(void **state) {
  (void)state;
  log_init(WEIR_INFO, false);
  assert_false(log_on_terminal());
  log_status("working");
  assert_string_equal(heard(), "");
}

static void the_status_line_stays_at_the_bottom(void **state) {
  (void)state;
  log_init(WEIR_INFO, false);
  assert_true(log_on_terminal());
  log_status("1,000 records/s");
  assert_string_equal(heard(), "\r\x1b[K1,000 records/s");
  log_line(WEIR_INFO, "worker", "joined");
  const char *line = heard();
  assert_memory_equal(line, "\r\x1b[K", 4);
  assert_non_null(strstr(line, "worker: joined\r\n1,000 records/s"));
  log_status(NULL);
  assert_string_equal(heard(), "\r\x1b[K");
  log_line(WEIR_INFO, "worker", "gone");
  assert_null(strstr(heard(), "records/s"));
}

static void a_status_is_cut_to_the_width(void **state) {
  (void)state;
  log_init(WEIR_INFO, false);
  log_status("123456789 123456789 123456789");
  assert_string_equal(heard(), "\r\x1b[K123456789 123456789");
}

static void no_color_and_dumb_terminals_get_plain_lines(void **state) {
  (void)state;
  setenv("NO_COLOR", "1", 1);
  log_init(WEIR_INFO, false);
  assert_false(log_on_terminal());
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  log_init(WEIR_INFO, false);
  assert_false(log_on_terminal());
}

#define ON(kind, test) cmocka_unit_test_setup_teardown(test, open_##kind, close_ear)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON(pipe, a_line_has_time_level_and_component),
      ON(pipe, what_is_below_the_level_is_not_written),
      ON(pipe, control_characters_are_shown_not_obeyed),
      ON(pipe, json_is_one_object_a_line),
      ON(pipe, a_long_line_is_cut_and_still_one_write),
      ON(pipe, a_limit_lets_one_through_and_counts_the_others),
      ON(pipe, a_full_pipe_costs_lines_and_never_time),
      ON(pipe, threads_do_not_mix_their_lines),
      ON(pipe, a_pipe_has_no_status_line),
      ON(terminal, the_status_line_stays_at_the_bottom),
      ON(terminal, a_status_is_cut_to_the_width),
      ON(terminal, no_color_and_dumb_terminals_get_plain_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
