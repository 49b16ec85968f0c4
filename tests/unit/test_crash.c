/* test_crash.c: what a process says when it dies of its own fault, and that it dies of it as it would have. Each one is a child of the test. */
#include "base/crash.h"
#include "base/place.h"
#include "base/span.h"
#include "unit/cmocka_all.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct place *places; /* shared with the child */
static char said[2048];

static int start(void **state) {
  (void)state;
  places = mmap(NULL, 2 * sizeof *places, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return places == MAP_FAILED ? -1 : 0;
}

static int stop(void **state) {
  (void)state;
  return munmap(places, 2 * sizeof *places);
}

static void enter(struct place *place, int64_t first, int64_t last) {
  const struct place_entry entry = {.call = PLACE_PROCESS,
      .limit_ms = 30000,
      .label = span_of("stage price"),
      .plugin = span_of("price 1.4.0"),
      .topic = span_of("orders"),
      .partition = 3,
      .first = first,
      .last = last};
  place_use(place);
  place_enter(&entry);
}

/* Runs it in a child, as a thread "lane 0"; its standard error goes to `said`. Returns the signal that it died of. */
static int die(void *(*live)(void *ctx)) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}; /* cmocka has handlers of its own */
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    crash_install();
    pthread_t thread;
    if (pthread_create(&thread, NULL, live, NULL) != 0) _exit(94);
    pthread_setname_np(thread, "lane 0");
    pthread_join(thread, NULL);
    _exit(93);
  }
  close(ends[1]);
  size_t size = 0;
  for (ssize_t got; size < sizeof said - 1 && (got = read(ends[0], said + size, sizeof said - 1 - size)) > 0;)
    size += (size_t)got;
  said[size] = '\0';
  close(ends[0]);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void wait_for_name(void) {
  char name[16] = "";
  while (strcmp(name, "lane 0") != 0) pthread_getname_np(pthread_self(), name, sizeof name);
}

static void *abort_in_a_stage(void *ctx) {
  wait_for_name();
  enter(&places[0], 100, 199);
  abort();
  return ctx;
}

static void *divide_in_a_stage(void *ctx) {
  wait_for_name();
  enter(&places[0], 7, 7);
  raise(SIGFPE);
  return ctx;
}

static void *abort_outside(void *ctx) {
  wait_for_name();
  enter(&places[0], 7, 7);
  place_work();
  abort();
  return ctx;
}

static void *abort_nowhere(void *ctx) {
  wait_for_name();
  place_use(NULL);
  abort();
  return ctx;
}

static void *accuse(void *ctx) {
  wait_for_name();
  enter(&places[1], 500, 509);
  place_use(&places[0]);
  crash_accuse(&places[1]);
  abort();
  return ctx;
}

static void *be_killed(void *ctx) {
  wait_for_name();
  enter(&places[0], 100, 199);
  if (fork() == 0) {
    kill(getppid(), SIGILL);
    _exit(0);
  }
  for (;;) pause();
  return ctx;
}

/* Not with a sanitizer, which has a word of its own to say of it. */
static volatile uint64_t deepest = UINT64_MAX;

static uint64_t overflow(uint64_t depth) {
  volatile char room[4096];
  room[depth % sizeof room] = 1;
  return depth == deepest ? 0 : overflow(depth + 1) + (uint64_t)room[0];
}

static void *overflow_in_a_stage(void *ctx) {
  wait_for_name();
  void *stack = crash_stack();
  enter(&places[0], 100, 199);
  overflow(0);
  crash_stack_free(stack);
  return ctx;
}

static void the_line_names_lane_stage_records_and_plugin(void **state) {
  (void)state;
  assert_int_equal(die(abort_in_a_stage), SIGABRT);
  assert_string_equal(said,
      "weir: SIGABRT in thread \"lane 0\": stage price, process() of orders/3, offsets 100 to 199, plugin price 1.4.0\n");
  assert_int_equal(places[0].blame, SIGABRT);
  assert_int_equal(die(divide_in_a_stage), SIGFPE);
  assert_string_equal(
      said, "weir: SIGFPE in thread \"lane 0\": stage price, process() of orders/3, offset 7, plugin price 1.4.0\n");
}

static void outside_of_a_stage_it_says_so(void **state) {
  (void)state;
  assert_int_equal(die(abort_outside), SIGABRT);
  assert_string_equal(said, "weir: SIGABRT in thread \"lane 0\": outside of any stage\n");
  assert_int_equal(die(abort_nowhere), SIGABRT);
  assert_string_equal(said, "weir: SIGABRT in thread \"lane 0\": outside of any stage\n");
}

static void who_is_accused_is_blamed(void **state) {
  (void)state;
  assert_int_equal(die(accuse), SIGABRT);
  assert_non_null(strstr(said, "orders/3, offsets 500 to 509"));
  assert_int_equal(places[0].blame, 0);
  assert_int_equal(places[1].blame, SIGABRT);
}

static void another_process_is_nobodys_fault_here(void **state) {
  (void)state;
  assert_int_equal(die(be_killed), SIGILL);
  assert_non_null(strstr(said, "weir: SIGILL from process "));
  assert_int_equal(places[0].blame, 0);
}

static void a_stack_that_is_used_up_is_told_too(void **state) {
  (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  skip();
#endif
  assert_int_equal(die(overflow_in_a_stage), SIGSEGV);
  assert_non_null(strstr(said, "weir: SIGSEGV in thread \"lane 0\": stage price, process() of orders/3"));
}

#define crash_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      crash_test(the_line_names_lane_stage_records_and_plugin),
      crash_test(outside_of_a_stage_it_says_so),
      crash_test(who_is_accused_is_blamed),
      crash_test(another_process_is_nobodys_fault_here),
      crash_test(a_stack_that_is_used_up_is_told_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
