/* What the machine lets us use: the quota of a container counts. */
#include "base/machine.h"
#include <sched.h>
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

static void a_quota_is_rounded_up(void **state) {
  (void)state;
  scratch_write("cpu.max", "150000 100000\n");
  assert_int_equal(machine_quota_cpus(scratch_folder), 2);
  scratch_write("cpu.max", "50000 100000\n");
  assert_int_equal(machine_quota_cpus(scratch_folder), 1);
  scratch_write("cpu.max", "400000 100000\n");
  assert_int_equal(machine_quota_cpus(scratch_folder), 4);
}

static void none_is_none(void **state) {
  (void)state;
  assert_int_equal(machine_quota_cpus(scratch_folder), 0);
  scratch_write("cpu.max", "max 100000\n");
  assert_int_equal(machine_quota_cpus(scratch_folder), 0);
  scratch_write("cpu.max", "rubbish");
  assert_int_equal(machine_quota_cpus(scratch_folder), 0);
}

static void the_first_cgroups_are_read_too(void **state) {
  (void)state;
  scratch_write("cpu.cfs_quota_us", "250000\n");
  scratch_write("cpu.cfs_period_us", "100000\n");
  assert_int_equal(machine_quota_cpus(scratch_folder), 3);
  scratch_write("cpu.cfs_quota_us", "-1\n");
  assert_int_equal(machine_quota_cpus(scratch_folder), 0);
}

static void the_affinity_is_the_most(void **state) {
  (void)state;
  cpu_set_t all, one;
  assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
  assert_in_range(machine_cpus(), 1, (unsigned)CPU_COUNT(&all));
  CPU_ZERO(&one);
  for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
    if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(machine_cpus(), 1);
  assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      HERE(a_quota_is_rounded_up),
      HERE(none_is_none),
      HERE(the_first_cgroups_are_read_too),
      cmocka_unit_test(the_affinity_is_the_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
