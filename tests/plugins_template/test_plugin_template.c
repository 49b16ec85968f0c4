/* test_plugin_template.c: the stage to copy does what it says, and builds outside of the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <support/fake_host.h>

static void short_values_go_and_others_get_a_prefix(void **state) {
  (void)state;
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "template");
  fake_host_options(fake, "{least: 3B, prefix: '> '}");
  if (!fake_host_start(fake)) fail_msg("%s", fake_host_failure(fake));
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", "ab");
  fake_batch_add(batch, "k", "abc");
  fake_batch_add(batch, "k", NULL);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_DROP);
  assert_int_equal(fake_batch_verdict(batch, 1), WEIR_PASS);
  assert_string_equal(fake_batch_value(batch, 1), "> abc");
  assert_int_equal(fake_batch_verdict(batch, 2), WEIR_PASS);
  assert_null(fake_batch_value(batch, 2));
  fake_batch_close(batch);
  fake_host_close(fake);
}

static void spent_memory_rejects(void **state) {
  (void)state;
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "template");
  fake_host_options(fake, "{prefix: '> '}");
  fake_host_budget(fake, 4);
  assert_true(fake_host_start(fake));
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", "much too long");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_REJECT);
  assert_string_equal(fake_batch_code(batch, 0), "no_memory");
  fake_batch_close(batch);
  fake_host_close(fake);
}

/* The two commands of its README. */
static void it_builds_outside_of_the_tree(void **state) {
  (void)state;
  char folder[] = "/tmp/weir-template-XXXXXX", command[1024], library[64];
  assert_non_null(mkdtemp(folder));
  snprintf(command, sizeof command,
      "cp -r %s/plugins/template/. %s && cd %s && cmake -B build -DWEIR_INCLUDE=%s/include >log 2>&1 && "
      "cmake --build build >>log 2>&1 && "
      "cc -std=c11 -O2 -fPIC -shared -fvisibility=hidden -I%s/include template.c -o template.so",
      TEST_SOURCE_DIR, folder, folder, TEST_SOURCE_DIR, TEST_SOURCE_DIR);
  assert_int_equal(system(command), 0);
  static const char *const built[] = {"build/template.so", "template.so"};
  for (int i = 0; i < 2; i++) {
    snprintf(library, sizeof library, "%s/%s", folder, built[i]);
    struct fake_host *fake = fake_host_open(library, NULL);
    if (!fake_host_start(fake)) fail_msg("%s", fake_host_failure(fake));
    fake_host_close(fake);
  }
  snprintf(command, sizeof command, "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(short_values_go_and_others_get_a_prefix),
      cmocka_unit_test(spent_memory_rejects),
      cmocka_unit_test(it_builds_outside_of_the_tree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
