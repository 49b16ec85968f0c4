/* test_crumbs.c: what a worker leaves that dies, and of what it has to die for that. Each worker is a child of the test. */
#include "base/crash.h"
#include "base/span.h"
#include "host/crumbs.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"
#include <signal.h>
#include <sys/wait.h>

enum { LANES = 3 };

static struct crumbs_death deaths[LANES];
static struct place_view views[LANES];
static char hows[LANES][16];
static int found;

static void each(void *ctx, const struct crumbs_death *death) {
  assert_ptr_equal(ctx, &found);
  assert_true(found < LANES);
  views[found] = *death->view;
  deaths[found] = *death;
  snprintf(hows[found++], sizeof hows[0], "%s", death->how);
}

static int judge(void) {
  found = 0;
  crumbs_judge(scratch_folder, "p", each, &found);
  return found;
}

static void memory_kills(int count) {
  char text[64];
  snprintf(text, sizeof text, "nr_free_pages 5\noom_kill %d\nlast 1\n", count);
  crumbs_ask_elsewhere(scratch_write("vmstat", text));
}

static int start(void **state) {
  int status = scratch_open(state);
  static char path[256];
  snprintf(path, sizeof path, "%s", scratch_write("vmstat", "nr_free_pages 5\noom_kill 4\n"));
  crumbs_ask_elsewhere(path);
  return status;
}

static int stop(void **state) {
  crumbs_ask_elsewhere(NULL);
  return scratch_close(state);
}

static void enter(struct crumbs *crumbs, uint32_t lane, enum place_call call, int64_t first, uint32_t batch_records) {
  const struct place_entry entry = {.call = call,
      .limit_ms = 1000,
      .label = span_of("stage price"),
      .plugin = span_of("price 1.0.0"),
      .topic = span_of("orders"),
      .partition = (int32_t)lane,
      .first = first,
      .last = first + batch_records - 1,
      .records = batch_records,
      .batch_records = batch_records};
  place_use(crumbs_place(crumbs, lane));
  place_enter(&entry);
}

enum end { END_SEGV, END_KILL, END_SEGV_FROM_OUTSIDE, END_ACCUSED, END_IN_ORDER };

/* A worker whose lanes 0 and 1 are in calls of these sizes (0: it is not); the thread that ends it is at lane 0. */
static void live_and_die(enum place_call call, uint32_t batch_0, uint32_t batch_1, bool asked, enum end end) {
  pid_t child = fork();
  if (child == 0) {
    struct error err;
    if (!freopen("/dev/null", "w", stderr)) _exit(95);
    signal(SIGSEGV, SIG_DFL); /* from cmocka's own */
    signal(SIGABRT, SIG_DFL);
    struct crumbs *crumbs = crumbs_open(scratch_folder, "p", LANES, &err);
    if (!crumbs) _exit(94);
    crash_install();
    if (batch_1) enter(crumbs, 1, call, 500, batch_1);
    place_use(crumbs_place(crumbs, 0));
    place_work();
    if (batch_0) enter(crumbs, 0, call, 100, batch_0);
    if (asked) crumbs_asked(crumbs);
    switch (end) {
    case END_SEGV: raise(SIGSEGV); break;
    case END_KILL: raise(SIGKILL); break;
    case END_SEGV_FROM_OUTSIDE:
      if (fork() == 0) {
        kill(getppid(), SIGSEGV);
        _exit(0);
      }
      for (;;) pause();
    case END_ACCUSED: crash_accuse(crumbs_place(crumbs, 1)); abort();
    case END_IN_ORDER: crumbs_close(crumbs, false); _exit(0);
    }
    _exit(93);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(end == END_IN_ORDER ? WIFEXITED(status) && WEXITSTATUS(status) == 0 : WIFSIGNALED(status));
}

static void the_lane_that_crashed_is_found_with_its_records(void **state) {
  (void)state;
  live_and_die(PLACE_PROCESS, 100, 1, false, END_SEGV);
  assert_int_equal(judge(), 1);
  assert_string_equal(views[0].label, "stage price");
  assert_string_equal(views[0].topic, "orders");
  assert_int_equal(views[0].partition, 0);
  assert_int_equal(views[0].first, 100);
  assert_int_equal(views[0].last, 199);
  assert_string_equal(hows[0], "SIGSEGV");
  assert_false(deaths[0].alone);
  assert_int_equal(judge(), 0); /* told once */
}

static void a_record_alone_in_its_batch_is_told_so(void **state) {
  (void)state;
  live_and_die(PLACE_PROCESS, 1, 1, true, END_SEGV);
  assert_int_equal(judge(), 1);
  assert_true(deaths[0].alone);
}

static void the_watchdog_accuses_another_lane(void **state) {
  (void)state;
  live_and_die(PLACE_PROCESS, 1, 1, false, END_ACCUSED);
  assert_int_equal(judge(), 1);
  assert_int_equal(views[0].partition, 1);
  assert_string_equal(hows[0], "SIGABRT");
}

static void a_kill_from_outside_suspects_nobody(void **state) {
  (void)state;
  live_and_die(PLACE_PROCESS, 1, 1, false, END_KILL);
  assert_int_equal(judge(), 0);
  live_and_die(PLACE_PROCESS, 1, 1, false, END_SEGV_FROM_OUTSIDE);
  assert_int_equal(judge(), 0);
}

static void only_records_in_process_are_suspect(void **state) {
  (void)state;
  live_and_die(PLACE_FLUSH, 1, 0, false, END_SEGV);
  assert_int_equal(judge(), 0);
  live_and_die(PLACE_PROCESS, 0, 1, false, END_SEGV);
  assert_int_equal(judge(), 0);
}

static void who_ends_in_order_leaves_nothing(void **state) {
  (void)state;
  live_and_die(PLACE_PROCESS, 1, 1, false, END_IN_ORDER);
  assert_int_equal(judge(), 0);
  assert_int_not_equal(access(scratch_path("p.0.crumbs"), F_OK), 0);
}

static void the_kernels_kill_for_lack_of_memory_counts_where_one_lane_was_in_a_stage(void **state) {
  (void)state;
  live_and_die(PLACE_PROCESS, 1, 0, false, END_KILL);
  memory_kills(5);
  assert_int_equal(judge(), 1);
  assert_string_equal(hows[0], "memory");
  assert_true(deaths[0].alone);
  live_and_die(PLACE_PROCESS, 1, 1, false, END_KILL);
  memory_kills(6);
  assert_int_equal(judge(), 2);
  assert_false(deaths[0].alone || deaths[1].alone);
}

static void it_does_not_count_behind_a_request_to_stop(void **state) {
  (void)state;
  live_and_die(PLACE_PROCESS, 1, 0, true, END_KILL);
  memory_kills(5);
  assert_int_equal(judge(), 0);
}

static void a_kernel_that_does_not_say_suspects_nobody(void **state) {
  (void)state;
  crumbs_ask_elsewhere(scratch_write("vmstat", "nr_free_pages 5\n"));
  assert_int_equal(crumbs_memory_kills(), -1);
  live_and_die(PLACE_PROCESS, 1, 0, false, END_KILL);
  memory_kills(9);
  assert_int_equal(judge(), 0);
}

static void who_lives_is_not_judged(void **state) {
  (void)state;
  struct error err;
  struct crumbs *first = crumbs_open(scratch_folder, "p", LANES, &err), *second;
  assert_non_null(first);
  enter(first, 0, PLACE_PROCESS, 100, 1);
  place_blame(crumbs_place(first, 0), SIGSEGV);
  assert_int_equal(judge(), 0);
  second = crumbs_open(scratch_folder, "p", LANES, &err);
  assert_non_null(second);
  assert_int_equal(access(scratch_path("p.1.crumbs"), F_OK), 0);
  place_use(NULL);
  crumbs_close(first, false);
  crumbs_close(second, false);
}

static void what_is_no_such_file_is_taken_away_unread(void **state) {
  (void)state;
  scratch_write("p.0.crumbs", "not of this kind");
  char *large = calloc(1, 1 << 20);
  memset(large, 'x', (1 << 20) - 1);
  scratch_write("p.1.crumbs", large);
  free(large);
  assert_int_equal(judge(), 0);
  assert_int_not_equal(access(scratch_path("p.1.crumbs"), F_OK), 0);
}

static void a_folder_that_is_not_there_is_an_error(void **state) {
  (void)state;
  struct error err;
  assert_null(crumbs_open("/nowhere/at/all", "p", LANES, &err));
  assert_non_null(strstr(err.text, "/nowhere/at/all/p.0.crumbs"));
}

#define crumbs_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      crumbs_test(the_lane_that_crashed_is_found_with_its_records),
      crumbs_test(a_record_alone_in_its_batch_is_told_so),
      crumbs_test(the_watchdog_accuses_another_lane),
      crumbs_test(a_kill_from_outside_suspects_nobody),
      crumbs_test(only_records_in_process_are_suspect),
      crumbs_test(who_ends_in_order_leaves_nothing),
      crumbs_test(the_kernels_kill_for_lack_of_memory_counts_where_one_lane_was_in_a_stage),
      crumbs_test(it_does_not_count_behind_a_request_to_stop),
      crumbs_test(a_kernel_that_does_not_say_suspects_nobody),
      crumbs_test(who_lives_is_not_judged),
      crumbs_test(what_is_no_such_file_is_taken_away_unread),
      crumbs_test(a_folder_that_is_not_there_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
