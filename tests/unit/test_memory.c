/* test_memory.c: the parts of `memory` add up to it (I11). */
#include "base/limits.h"
#include "host/memory.h"
#include "kafka/budget.h"
#include "unit/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static const int64_t mebibyte = 1 << 20;

static struct memory_wish wish(int64_t memory_bytes, uint32_t lanes, uint32_t records) {
  return (struct memory_wish){
      .memory_bytes = memory_bytes, .batch_bytes = mebibyte, .lanes = lanes, .batch_records = records};
}

static void check_share(const struct memory_wish *asked, const struct memory_share *share) {
  assert_true(share->lanes >= 1 && share->lanes <= asked->lanes);
  assert_true(share->batches >= LIMIT_BATCHES_LEAST && share->batches <= LIMIT_BATCHES_MOST);
  assert_true(share->batch_payload > 0 && share->batch_payload <= asked->batch_bytes);
  assert_true(share->partitions >= LIMIT_EXPECTED_PARTITIONS);
  for (int64_t partitions = 0; partitions <= share->partitions; partitions++)
    assert_true(memory_sum(share, (size_t)partitions) <= share->memory);
  assert_true(memory_sum(share, (size_t)share->partitions + 1) > share->memory);
  /* Every lane can work, whatever is assigned, and more partitions never leave it more. */
  for (size_t partitions = 0; partitions < 1000; partitions++) {
    assert_true(memory_work(share, partitions) >= share->work_least);
    assert_true(memory_work(share, partitions) >= memory_work(share, partitions + 1));
  }
}

static void the_sum_fits_whatever_is_asked(void **state) {
  (void)state;
  static const uint32_t records[] = {1, 100, 1000, 10000};
  struct memory_share share;
  struct error err;
  int divided = 0;
  for (int64_t memory = 16 * mebibyte; memory <= 4096 * mebibyte; memory = memory * 5 / 4)
    for (uint32_t lanes = 1; lanes <= LIMIT_LANES; lanes++)
      for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        struct memory_wish asked = wish(memory, lanes, records[i]);
        if (!memory_divide(&asked, &share, &err)) continue;
        check_share(&asked, &share);
        divided++;
      }
  assert_true(divided > 1000);
}

static void the_default_serves_every_machine(void **state) {
  (void)state;
  struct memory_share share;
  struct error err;
  for (uint32_t cpus = 1; cpus <= LIMIT_LANES; cpus++) {
    struct memory_wish asked = wish(256 * mebibyte, cpus, 1000);
    assert_true(memory_divide(&asked, &share, &err));
    if (cpus <= 8) assert_int_equal(share.lanes, cpus);
  }
}

static void lanes_that_were_asked_for_are_not_taken_away(void **state) {
  (void)state;
  struct memory_share share;
  struct error err;
  struct memory_wish asked = wish(128 * mebibyte, 16, 1000);
  assert_true(memory_divide(&asked, &share, &err));
  assert_true(share.lanes < 16);
  asked.lanes_given = true;
  assert_false(memory_divide(&asked, &share, &err));
  assert_non_null(strstr(err.text, "128 MiB is not enough for 16 lanes"));
}

/* The sentence names an amount: that one has to do. */
static void the_amount_that_is_named_is_enough(void **state) {
  (void)state;
  struct memory_share share;
  struct error err;
  for (uint32_t lanes = 1; lanes <= 16; lanes *= 2) {
    struct memory_wish asked = wish(16 * mebibyte, lanes, 1000);
    asked.lanes_given = true;
    double named = 0;
    char unit[8] = "";
    assert_false(memory_divide(&asked, &share, &err));
    const char *take = strstr(err.text, "take ");
    assert_non_null(take);
    assert_int_equal(sscanf(take, "take %lf %7[A-Za-z]", &named, unit), 2);
    assert_true(strcmp(unit, "MiB") == 0 || strcmp(unit, "GiB") == 0);
    asked.memory_bytes = (int64_t)((named + 0.1) * (double)(unit[0] == 'G' ? 1024 : 1) * (double)mebibyte);
    assert_true(memory_divide(&asked, &share, &err));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_sum_fits_whatever_is_asked),
      cmocka_unit_test(the_default_serves_every_machine),
      cmocka_unit_test(lanes_that_were_asked_for_are_not_taken_away),
      cmocka_unit_test(the_amount_that_is_named_is_enough),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
