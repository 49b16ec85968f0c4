/* Time: the machine's never goes back, the hand clock stands until it is moved. */
#include "base/clock.h"
#include "unit/cmocka_all.h"

static void the_real_clock_never_goes_back(void **state) {
  (void)state;
  const struct clock *clock = clock_real();
  int64_t before = clock_now(clock);
  for (int i = 0; i < 1000; i++) {
    int64_t now = clock_now(clock);
    assert_true(now >= before);
    before = now;
  }
  assert_true(clock_wall(clock) > INT64_C(1700000000000)); /* after 2023 */
}

static void the_hand_clock_stands_until_moved(void **state) {
  (void)state;
  struct clock_hand hand;
  clock_hand_init(&hand, 1000, 5000);
  assert_int_equal(clock_now(&hand.clock), 1000);
  assert_int_equal(clock_now(&hand.clock), 1000);
  clock_hand_advance(&hand, 250);
  assert_int_equal(clock_now(&hand.clock), 1250);
  assert_int_equal(clock_wall(&hand.clock), 5250);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_real_clock_never_goes_back),
      cmocka_unit_test(the_hand_clock_stands_until_moved),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
