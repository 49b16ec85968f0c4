/* The commit rule: I1 (never beyond the lowest unsettled record), I2 (epochs), I3 (never back), I4 (the duplicate bound). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "batch/ledger.h"

static struct ledger *fresh(int64_t start) {
  static struct ledger ledger;
  memset(&ledger, 0, sizeof ledger);
  ledger_begin(&ledger, 1, start);
  return &ledger;
}

static void nothing_delivered_commits_the_start(void **state) {
  (void)state;
  struct ledger *ledger = fresh(40);
  assert_int_equal(ledger->committable, 40);
  assert_int_equal(ledger_in_flight(ledger), 0);
}

static void the_lowest_unsettled_record_holds_the_commit(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  uint64_t first = ledger_open(ledger, 1, 0, 10, 10);
  uint64_t second = ledger_open(ledger, 1, 10, 20, 10);
  assert_true(ledger_settle(ledger, 1, second));
  assert_int_equal(ledger->committable, 0);
  assert_int_equal(ledger_beyond(ledger), 10);
  assert_true(ledger_settle(ledger, 1, first));
  assert_int_equal(ledger->committable, 20);
  assert_int_equal(ledger_beyond(ledger), 0);
}

static void a_gap_in_the_offsets_does_not_hold_it(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  uint64_t first = ledger_open(ledger, 1, 0, 3, 3);
  uint64_t behind_markers = ledger_open(ledger, 1, 7, 9, 2);
  ledger_settle(ledger, 1, first);
  assert_int_equal(ledger->committable, 7);
  ledger_settle(ledger, 1, behind_markers);
  assert_int_equal(ledger->committable, 9);
}

static void an_end_of_partition_event_is_a_range_of_no_records(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  ledger_settle(ledger, 1, ledger_open(ledger, 1, 0, 21, 21));
  ledger_settle(ledger, 1, ledger_open(ledger, 1, 21, 55, 0));
  assert_int_equal(ledger->committable, 55);
  assert_int_equal(ledger_in_flight(ledger), 0);
}

static void progress_moves_within_a_range(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  uint64_t range = ledger_open(ledger, 1, 0, 10, 10);
  assert_true(ledger_progress(ledger, 1, range, 4));
  assert_int_equal(ledger->committable, 4);
  assert_int_equal(ledger_in_flight(ledger), 10);
}

static void progress_of_a_later_range_waits_for_the_head(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  uint64_t first = ledger_open(ledger, 1, 0, 10, 10);
  uint64_t second = ledger_open(ledger, 1, 10, 20, 10);
  ledger_progress(ledger, 1, second, 15);
  assert_int_equal(ledger->committable, 0);
  ledger_settle(ledger, 1, first);
  assert_int_equal(ledger->committable, 15);
}

static void an_old_epoch_changes_nothing(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  uint64_t old = ledger_open(ledger, 1, 0, 10, 10);
  ledger_begin(ledger, 2, 0);
  uint64_t current = ledger_open(ledger, 2, 0, 5, 5);
  assert_true(current > old);
  assert_false(ledger_settle(ledger, 1, old));
  assert_false(ledger_progress(ledger, 1, old, 3));
  assert_false(ledger_confirm(ledger, 1, 10));
  assert_int_equal(ledger_open(ledger, 1, 5, 6, 1), 0);
  assert_int_equal(ledger->committable, 0);
  assert_int_equal(ledger->confirmed, 0);
}

static void after_the_end_nothing_opens(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  uint64_t range = ledger_open(ledger, 1, 0, 10, 10);
  ledger_end(ledger);
  assert_false(ledger_may_open(ledger, 1, 1000));
  assert_int_equal(ledger_open(ledger, 1, 10, 11, 1), 0);
  assert_false(ledger_settle(ledger, 1, range));
}

static void the_duplicate_bound_counts_from_the_confirmed_commit(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  assert_true(ledger_may_open(ledger, 1, 100));
  uint64_t range = ledger_open(ledger, 1, 0, 100, 100);
  assert_false(ledger_may_open(ledger, 1, 100));
  ledger_settle(ledger, 1, range);
  assert_false(ledger_may_open(ledger, 1, 100)); /* settled is not confirmed */
  ledger_confirm(ledger, 1, 100);
  assert_true(ledger_may_open(ledger, 1, 100));
}

static void a_full_ring_stops_reading(void **state) {
  (void)state;
  struct ledger *ledger = fresh(0);
  for (int64_t i = 0; i < LIMIT_LEDGER_RANGES; i++) {
    assert_true(ledger_may_open(ledger, 1, INT64_MAX));
    ledger_open(ledger, 1, i, i + 1, 1);
  }
  assert_false(ledger_may_open(ledger, 1, INT64_MAX));
}

/* Against a model that keeps every record: random deliveries with gaps, settled in random order, with rewinds. */
static void it_agrees_with_a_model_of_single_records(void **state) {
  (void)state;
  enum { OFFSETS = 4000, SEEDS = 300 };
  for (unsigned seed = 1; seed <= SEEDS; seed++) {
    static struct ledger ledger;
    static struct {
      uint64_t id;
      int64_t first, next;
    } open[LIMIT_LEDGER_RANGES];
    static char unsettled[OFFSETS];
    memset(&ledger, 0, sizeof ledger);
    memset(unsettled, 0, sizeof unsettled);
    uint64_t epoch = 1;
    size_t count = 0;
    int64_t delivered = 0, last = 0;
    ledger_begin(&ledger, epoch, 0);
    srand(seed);
    while (delivered < OFFSETS - 20) {
      int dice = rand() % 100;
      if (dice < 50 && ledger_may_open(&ledger, epoch, INT64_MAX)) {
        int64_t first = delivered + (rand() % 4 == 0 ? rand() % 5 : 0), next = first + rand() % 10;
        open[count].id = ledger_open(&ledger, epoch, first, next, (uint32_t)(next - first));
        open[count].first = first;
        open[count++].next = next;
        memset(unsettled + first, 1, (size_t)(next - first));
        delivered = next;
      } else if (dice < 98 && count) {
        size_t which = (size_t)rand() % count;
        assert_true(ledger_settle(&ledger, epoch, open[which].id));
        memset(unsettled + open[which].first, 0, (size_t)(open[which].next - open[which].first));
        open[which] = open[--count];
      } else if (dice == 99) {
        delivered = last = ledger.committable;
        memset(unsettled, 0, sizeof unsettled);
        count = 0;
        ledger_begin(&ledger, ++epoch, delivered);
      }
      const char *lowest = memchr(unsettled, 1, OFFSETS);
      if (lowest) assert_true(ledger.committable <= lowest - unsettled);
      for (int64_t offset = last; offset < ledger.committable; offset++) assert_int_equal(unsettled[offset], 0);
      assert_true(ledger.committable >= last);
      if (!count) assert_int_equal(ledger.committable, delivered);
      last = ledger.committable;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_delivered_commits_the_start),
      cmocka_unit_test(the_lowest_unsettled_record_holds_the_commit),
      cmocka_unit_test(a_gap_in_the_offsets_does_not_hold_it),
      cmocka_unit_test(an_end_of_partition_event_is_a_range_of_no_records),
      cmocka_unit_test(progress_moves_within_a_range),
      cmocka_unit_test(progress_of_a_later_range_waits_for_the_head),
      cmocka_unit_test(an_old_epoch_changes_nothing),
      cmocka_unit_test(after_the_end_nothing_opens),
      cmocka_unit_test(the_duplicate_bound_counts_from_the_confirmed_commit),
      cmocka_unit_test(a_full_ring_stops_reading),
      cmocka_unit_test(it_agrees_with_a_model_of_single_records),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
