/* test_signals.c: signals come as calls; the third ends the process. Each play is a child, since it signals itself. */
#include "base/log.h"
#include "host/signals.h"
#include "unit/cmocka_all.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int door[2];

static void count(void *ctx) {
  (void)ctx;
  if (write(door[1], "x", 1) != 1) _exit(99);
}

/* Waits for one call. */
static void called(void) {
  char byte;
  if (read(door[0], &byte, 1) != 1) _exit(98);
}

static int in_a_child(void (*play)(struct signals *signals)) {
  pid_t child = fork();
  if (child == 0) {
    struct error err;
    if (!freopen("/dev/null", "w", stderr)) _exit(95);
    if (pipe(door) != 0) _exit(97);
    signals_block();
    struct signals *signals = signals_open(count, NULL, &err);
    if (!signals) _exit(96);
    play(signals);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void play_two(struct signals *signals) {
  kill(getpid(), SIGTERM);
  called();
  kill(getpid(), SIGINT);
  called();
  signals_close(signals);
}

static void play_three(struct signals *signals) {
  (void)signals;
  for (int i = 0; i < 3; i++) {
    kill(getpid(), SIGTERM);
    if (i < 2) called();
  }
  while (true) pause();
}

static void play_none(struct signals *signals) { signals_close(signals); }

static void each_of_the_first_two_is_a_call(void **state) {
  (void)state;
  assert_int_equal(in_a_child(play_two), 0);
}

static void the_third_ends_the_process(void **state) {
  (void)state;
  assert_int_equal(in_a_child(play_three), EXIT_ABANDONED);
}

static void it_closes_without_a_signal(void **state) {
  (void)state;
  assert_int_equal(in_a_child(play_none), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_of_the_first_two_is_a_call),
      cmocka_unit_test(the_third_ends_the_process),
      cmocka_unit_test(it_closes_without_a_signal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
