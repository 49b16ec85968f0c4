/* test_quarantine.c: what the next worker knows of one that died, and when it forgets. The workers that die are children of the test. */
#include "host/quarantine.h"
#include "base/log.h"
#include "base/place.h"
#include "base/span.h"
#include "config/pipeline_file.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"
#include <signal.h>
#include <sys/wait.h>

static struct pipeline_file file;
static struct quarantine *quarantine;

static int start(void **state) {
  int status = scratch_open(state);
  file = (struct pipeline_file){
      .pipeline = "p", .group = "g", .directory = "/", .quarantine_after = 3, .quarantine_folder = scratch_folder};
  file.kafka.brokers = "localhost:9092";
  log_init(WEIR_ERROR, false);
  return status;
}

static int stop(void **state) {
  quarantine_close(quarantine, false);
  quarantine = NULL;
  return scratch_close(state);
}

static void open_anew(void) {
  struct error err;
  quarantine_close(quarantine, false);
  quarantine = quarantine_open(&file, 2, &err);
  assert_non_null(quarantine);
}

/* A worker dies by `signal` in a call with these records. */
static void die(int64_t first, int64_t last) {
  pid_t child = fork();
  if (child == 0) {
    struct error err;
    struct quarantine *mine = quarantine_open(&file, 2, &err);
    if (!mine) _exit(94);
    const struct place_entry entry = {.call = PLACE_PROCESS,
        .label = span_of("stage price"),
        .plugin = span_of("price 1.0.0"),
        .topic = span_of("orders"),
        .partition = 3,
        .first = first,
        .last = last,
        .records = (uint32_t)(last - first + 1),
        .batch_records = (uint32_t)(last - first + 1)};
    place_use(quarantine_place(mine, 1));
    place_enter(&entry);
    place_blame(quarantine_place(mine, 1), SIGSEGV);
    raise(SIGKILL);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
}

/* How many deaths of the record are known to whoever gets the partition; -1: it is not suspect by itself. */
static int deaths_of(int64_t offset, int64_t from) {
  const struct suspects_view view = quarantine_suspects(quarantine, "orders", 3, from);
  const struct suspect *suspect = suspects_at(view, offset);
  int deaths = suspect ? (int)suspect->deaths : -1;
  free((void *)(uintptr_t)view.list);
  return deaths;
}

static size_t suspects_from(int64_t from) {
  const struct suspects_view view = quarantine_suspects(quarantine, "orders", 3, from);
  free((void *)(uintptr_t)view.list);
  return view.count;
}

static void the_next_worker_knows_the_batch_then_the_record(void **state) {
  (void)state;
  die(100, 199);
  open_anew();
  assert_int_equal(suspects_from(0), 1);
  assert_int_equal(deaths_of(150, 0), -1);
  die(150, 150);
  open_anew();
  assert_int_equal(deaths_of(150, 0), 1);
  die(150, 150);
  die(150, 150);
  open_anew();
  assert_int_equal(deaths_of(150, 0), 3);
}

static void a_worker_that_runs_hears_of_its_neighbours_death(void **state) {
  (void)state;
  open_anew();
  assert_int_equal(suspects_from(0), 0);
  die(150, 150);
  assert_int_equal(deaths_of(150, 0), 1);
}

static void a_commit_clears_for_good(void **state) {
  (void)state;
  die(150, 150);
  open_anew();
  assert_int_equal(deaths_of(150, 100), 1);
  quarantine_confirmed(quarantine, "orders", 3, 150);
  assert_int_equal(deaths_of(150, 100), 1);
  quarantine_confirmed(quarantine, "orders", 2, 1000);
  assert_int_equal(deaths_of(150, 100), 1);
  quarantine_confirmed(quarantine, "orders", 3, 151);
  assert_int_equal(suspects_from(0), 0);
  open_anew();
  assert_int_equal(suspects_from(0), 0);
}

/* Another worker, on another host perhaps, went past it; or it was skipped. */
static void a_start_behind_clears_too(void **state) {
  (void)state;
  die(150, 150);
  open_anew();
  assert_int_equal(suspects_from(151), 0);
  assert_int_equal(suspects_from(0), 0);
}

static void other_partitions_have_nothing_to_do_with_it(void **state) {
  (void)state;
  die(150, 150);
  open_anew();
  struct suspects_view view = quarantine_suspects(quarantine, "orders", 4, 0);
  assert_int_equal(view.count, 0);
  free((void *)(uintptr_t)view.list);
  file.group = "another";
  open_anew();
  assert_int_equal(suspects_from(0), 0);
  file.group = "g";
  open_anew();
  assert_int_equal(suspects_from(0), 1);
}

static void systemd_says_where(void **state) {
  (void)state;
  char folders[300];
  snprintf(folders, sizeof folders, "%s:/nowhere", scratch_folder);
  setenv("STATE_DIRECTORY", folders, 1);
  file.quarantine_folder = NULL;
  die(150, 150);
  unsetenv("STATE_DIRECTORY");
  file.quarantine_folder = scratch_folder;
  open_anew();
  assert_int_equal(deaths_of(150, 0), 1);
}

static void a_folder_that_cannot_be_used_is_an_error(void **state) {
  (void)state;
  struct error err;
  file.quarantine_folder = "/nowhere/at/all";
  assert_null(quarantine_open(&file, 2, &err));
  assert_non_null(strstr(err.text, "/nowhere/at/all cannot be made"));
}

static void without_one_nothing_is_suspect(void **state) {
  (void)state;
  assert_null(quarantine_place(NULL, 0));
  quarantine_asked(NULL);
  quarantine_confirmed(NULL, "orders", 3, 7);
  assert_int_equal(quarantine_suspects(NULL, "orders", 3, 0).count, 0);
}

#define quarantine_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      quarantine_test(the_next_worker_knows_the_batch_then_the_record),
      quarantine_test(a_worker_that_runs_hears_of_its_neighbours_death),
      quarantine_test(a_commit_clears_for_good),
      quarantine_test(a_start_behind_clears_too),
      quarantine_test(other_partitions_have_nothing_to_do_with_it),
      quarantine_test(systemd_says_where),
      quarantine_test(a_folder_that_cannot_be_used_is_an_error),
      quarantine_test(without_one_nothing_is_suspect),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
