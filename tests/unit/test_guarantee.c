/* test_guarantee.c: what `weir check` promises, and what it says that scripts may use. */
#include "unit/cmocka_all.h"
#include "unit/scratch.h"
#include "base/clock.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include "host/guarantee.h"
#include "host/memory.h"
#include "host/prepared.h"
#include "plugin/library.h"
#include <inttypes.h>

#define HEAD "pipeline: p\nkafka: {brokers: \"localhost:1\"}\nsource: {topics: [in], group: g}\nlanes: 3\n"

static struct play {
  struct report report;
  struct pipeline_file *file;
  struct plugin_path *path;
  struct memory_share share;
  char *text;
  size_t size;
} play;

static void open_file(const char *rest) {
  char whole[1024];
  snprintf(whole, sizeof whole, "%s%s", HEAD, rest);
  report_init(&play.report);
  play.file = pipeline_file_open(scratch_write("p.yaml", whole), NULL, &play.report);
  if (!play.file) report_print(&play.report, stderr);
  assert_non_null(play.file);
  const struct memory_wish wish = {256 << 20, 1 << 20, 3, 1000, true};
  assert_true(memory_divide(&wish, &play.share, NULL));
}

static void close_file(void) {
  free(play.text);
  play.text = NULL;
  pipeline_file_close(play.file);
  report_fini(&play.report);
}

static const char *promised(bool whole) {
  FILE *out = open_memstream(&play.text, &play.size);
  guarantee_print(play.file, &play.share, whole, out);
  fclose(out);
  return play.text;
}

static void keyless_records_have_no_order_over_a_restart(void **state) {
  (void)state;
  open_file("sinks:\n  - {name: free, plugin: kafka, options: {topic: a}}\n"
            "  - {name: kept, plugin: kafka, options: {topic: b, partition: source}}\n");
  assert_non_null(strstr(promised(true), "at sink free records without a key have no order"));
  assert_null(strstr(play.text, "at sink kept records"));
  free(play.text);
  assert_null(strstr(promised(false), "without a key"));
  close_file();
}

/* Two states with 64 MiB, as they have when nothing is said, one with 1 MiB; a stage in C has none. */
static void the_states_of_all_scripts_are_added_up(void **state) {
  (void)state;
  const char *const folders[] = {TEST_BINARY_DIR "/plugins"};
  open_file("stages:\n  - {keep: \"true\"}\n  - {each: \"\", memory: 1MiB}\n"
            "sinks:\n  - {plugin: kafka, when: \"true\", options: {topic: a}}\n");
  play.path = plugin_path_create(folders, 1);
  struct prepared *prepared = prepared_open(play.file, play.path, &play.share, clock_real(), NULL, &play.report);
  if (!prepared) report_print(&play.report, stderr);
  assert_non_null(prepared);
  uint32_t count = 0;
  int64_t bytes = prepared_granted(prepared, &count);
  assert_int_equal(count, 3);
  assert_int_equal(bytes, (64 + 1 + 64) << 20);
  FILE *out = open_memstream(&play.text, &play.size);
  guarantee_print_scripts(&play.share, bytes, count, out);
  guarantee_print_scripts(&play.share, 0, 0, out);
  fclose(out);
  assert_non_null(strstr(play.text, "scripts may use 387 MiB: 3 Lua states of a lane, 129 MiB in all, x 3 lanes\n"));
  prepared_close(prepared);
  plugin_path_destroy(play.path);
  close_file();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keyless_records_have_no_order_over_a_restart),
      cmocka_unit_test(the_states_of_all_scripts_are_added_up),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
