/* test_plugin_blackhole.c: the blackhole sink: at once, and held for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <support/fake_host.h>

static struct fake_host *started(const char *options) {
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "blackhole");
  fake_host_options(fake, options);
  if (!fake_host_start(fake)) fail_msg("%s: %s", options, fake_host_failure(fake));
  return fake;
}

static struct fake_batch *batch_of(struct fake_host *fake, weir_result expected) {
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "key", "value");
  fake_batch_add(batch, NULL, NULL);
  assert_int_equal(fake_batch_run(batch), expected);
  return batch;
}

static void everything_is_acknowledged_and_counted(void **state) {
  (void)state;
  struct fake_host *fake = started("{}");
  struct fake_batch *batch = batch_of(fake, WEIR_DONE);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_PASS);
  assert_int_equal(fake_batch_verdict(batch, 1), WEIR_PASS);
  fake_batch_close(batch);
  assert_int_equal(fake_host_metric(fake, "swallowed_records"), 2);
  assert_int_equal(fake_host_metric(fake, "swallowed_bytes"), 8);
  fake_host_close(fake);
}

static void a_held_batch_waits_for_its_time(void **state) {
  (void)state;
  struct fake_host *fake = started("hold: 10ms");
  struct fake_batch *first = batch_of(fake, WEIR_LATER);
  fake_host_pass(fake, 6);
  struct fake_batch *second = batch_of(fake, WEIR_LATER);
  fake_host_wake(fake);
  assert_int_equal(fake_batch_waiting(first), 2);
  fake_host_pass(fake, 4);
  assert_true(fake_host_wake(fake));
  assert_int_equal(fake_batch_waiting(first), 0);
  assert_int_equal(fake_batch_verdict(first, 1), WEIR_PASS);
  assert_int_equal(fake_batch_waiting(second), 2);
  fake_host_pass(fake, 6);
  assert_true(fake_host_wake(fake));
  assert_int_equal(fake_batch_verdict(second, 0), WEIR_PASS);
  fake_batch_close(first);
  fake_batch_close(second);
  fake_host_close(fake);
}

static void a_flush_answers_at_once(void **state) {
  (void)state;
  struct fake_host *fake = started("hold: 1h");
  struct fake_batch *first = batch_of(fake, WEIR_LATER), *second = batch_of(fake, WEIR_LATER);
  fake_host_flush(fake, WEIR_FLUSH_STOP);
  assert_int_equal(fake_batch_verdict(first, 0), WEIR_PASS);
  assert_int_equal(fake_batch_verdict(second, 1), WEIR_PASS);
  struct fake_batch *third = batch_of(fake, WEIR_LATER);
  fake_host_pass(fake, 3600000);
  assert_true(fake_host_wake(fake));
  assert_int_equal(fake_batch_verdict(third, 0), WEIR_PASS);
  fake_batch_close(first);
  fake_batch_close(second);
  fake_batch_close(third);
  fake_host_close(fake);
}

/* Only the lost partition's batches are given up; the other's still wait. */
static void a_lost_partition_is_given_up_alone(void **state) {
  (void)state;
  struct fake_host *fake = started("hold: 10ms");
  struct fake_batch *kept = batch_of(fake, WEIR_LATER);
  assert_true(fake_host_assign(fake, "in", 1));
  struct fake_batch *lost = batch_of(fake, WEIR_LATER);
  fake_host_revoke(fake, WEIR_LOST);
  assert_int_equal(fake_batch_waiting(lost), 0);
  assert_int_equal(fake_batch_waiting(kept), 2);
  fake_host_pass(fake, 10);
  assert_true(fake_host_wake(fake));
  assert_int_equal(fake_batch_verdict(kept, 0), WEIR_PASS);
  fake_batch_close(kept);
  fake_batch_close(lost);
  fake_host_close(fake);
}

static void wrong_options_are_refused(void **state) {
  (void)state;
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "blackhole");
  fake_host_options(fake, "hold: soon");
  assert_false(fake_host_start(fake));
  assert_non_null(strstr(fake_host_failure(fake), "soon"));
  fake_host_close(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_is_acknowledged_and_counted),
      cmocka_unit_test(a_held_batch_waits_for_its_time),
      cmocka_unit_test(a_flush_answers_at_once),
      cmocka_unit_test(a_lost_partition_is_given_up_alone),
      cmocka_unit_test(wrong_options_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
