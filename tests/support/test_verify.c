/* test_verify.c: the verifier must find each kind of fault, and only that one. One faulty history per name. */
#include "history.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { SOURCE_COUNT = 12, PARTITIONS = 2 };

/* Record `id` lies in partition id % 2 at offset id / 2 + 100. */
static struct sighting source_of(uint64_t id) {
  return (struct sighting){.partition = (int32_t)(id % PARTITIONS),
      .offset = 100 + (int64_t)(id / PARTITIONS),
      .known = true,
      .processed = true,
      .id = id,
      .inner = id + 1,
      .digest = 1000 + id};
}

static struct history *history_with_source(void) {
  struct history *history = history_create();
  for (uint64_t id = 0; id < SOURCE_COUNT; id++) {
    struct sighting sighting = source_of(id);
    history_add(history, HISTORY_SOURCE, &sighting);
  }
  return history;
}

/* The record comes out, all in output partition 0 at the next offset. */
static void put(struct history *history, enum history_place place, uint64_t id) {
  static int64_t next;
  struct sighting sighting = source_of(id);
  sighting.partition = 0;
  sighting.offset = next++;
  history_add(history, place, &sighting);
}

static void put_all_but(struct history *history, uint64_t missing) {
  for (uint64_t id = 0; id < SOURCE_COUNT; id++)
    if (id != missing) put(history, HISTORY_OUTPUT, id);
}

/* What the judge said: its findings and its report. */
struct said {
  struct findings findings;
  char report[4096];
};

static struct said judged(struct history *history, uint64_t filtered_every) {
  struct said said = {0};
  FILE *report = fmemopen(said.report, sizeof said.report - 1, "w");
  const struct expectation expectation = {.filtered_every = filtered_every};
  assert_true(history_judge(history, &expectation, report, &said.findings));
  fclose(report);
  history_destroy(history);
  return said;
}

static void expect(const struct said *said, const struct findings *expected) {
  assert_int_equal(said->findings.lost, expected->lost);
  assert_int_equal(said->findings.phantom, expected->phantom);
  assert_int_equal(said->findings.corrupt, expected->corrupt);
  assert_int_equal(said->findings.reordered, expected->reordered);
  assert_int_equal(said->findings.repeated, expected->repeated);
  assert_int_equal(findings_faults(&said->findings), findings_faults(expected));
}

static void test_faultless(void **state) {
  (void)state;
  struct history *history = history_with_source();
  put_all_but(history, 7);
  put(history, HISTORY_DEAD, 7);
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){0});
  assert_int_equal(said.findings.source, SOURCE_COUNT);
  assert_int_equal(said.findings.output, SOURCE_COUNT - 1);
  assert_int_equal(said.findings.dead, 1);
  assert_string_equal(said.report, "");
}

static void test_lost(void **state) {
  (void)state;
  struct history *history = history_with_source();
  put_all_but(history, 7);
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){.lost = 1});
  assert_string_equal(said.report, "LOST: id 7, source 1@103 came out nowhere\n");
}

static void test_everything_lost(void **state) {
  (void)state;
  struct said said = judged(history_with_source(), 0);
  expect(&said, &(struct findings){.lost = SOURCE_COUNT});
}

static void test_repeated(void **state) {
  (void)state;
  struct history *history = history_with_source();
  put_all_but(history, SOURCE_COUNT);
  put_all_but(history, 0); /* all but one again, in order, as after a crash */
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){.repeated = SOURCE_COUNT - 1});
}

static void test_output_and_dead(void **state) {
  (void)state;
  struct history *history = history_with_source();
  put_all_but(history, SOURCE_COUNT);
  put(history, HISTORY_DEAD, 3);
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){.repeated = 1});
}

static void test_reordered(void **state) {
  (void)state;
  struct history *history = history_with_source();
  for (uint64_t id = 0; id < SOURCE_COUNT; id++) put(history, HISTORY_OUTPUT, id == 4 ? 6 : id == 6 ? 4 : id);
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){.reordered = 1});
  assert_non_null(strstr(said.report, "REORDERED: id 4, output 0@"));
  assert_non_null(strstr(said.report, "is source 0@102 and stands behind source 0@103\n"));
}

/* Partitions may overtake each other, and so may records that go to different output partitions. */
static void test_order_is_per_partition(void **state) {
  (void)state;
  struct history *history = history_with_source();
  for (uint64_t id = 1; id < SOURCE_COUNT; id += 2) put(history, HISTORY_OUTPUT, id);
  for (uint64_t id = 0; id < SOURCE_COUNT; id += 2) {
    struct sighting sighting = source_of(SOURCE_COUNT - 2 - id);
    sighting.partition = (int32_t)(id % 4 / 2 + 1);
    sighting.offset = (int64_t)(SOURCE_COUNT - id);
    if (id >= 4) sighting.partition = (int32_t)id; /* a partition each */
    history_add(history, HISTORY_OUTPUT, &sighting);
  }
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){0});
}

static void test_phantom(void **state) {
  (void)state;
  struct history *history = history_with_source();
  put_all_but(history, SOURCE_COUNT);
  put(history, HISTORY_OUTPUT, SOURCE_COUNT + 5);
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){.phantom = 1});
  assert_non_null(strstr(said.report, "PHANTOM: id 17, output 0@"));
}

static void test_filtered(void **state) {
  (void)state;
  struct history *history = history_with_source();
  for (uint64_t id = 0; id < SOURCE_COUNT; id++)
    if (id % 4 != 0 || id == 8) put(history, HISTORY_OUTPUT, id);
  struct said said = judged(history, 4);
  expect(&said, &(struct findings){.phantom = 1});
  assert_int_equal(said.findings.filtered, 2);
  assert_non_null(strstr(said.report, "was to be filtered"));
}

/* One record came out wrong in the way that `spoil` makes it. */
static void expect_corrupt(void (*spoil)(struct sighting *sighting), uint64_t lost, const char *words) {
  struct history *history = history_with_source();
  put_all_but(history, 5);
  struct sighting sighting = source_of(5);
  sighting.partition = 3;
  spoil(&sighting);
  history_add(history, HISTORY_OUTPUT, &sighting);
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){.corrupt = 1, .lost = lost});
  assert_non_null(strstr(said.report, words));
}

static void spoil_digest(struct sighting *sighting) { sighting->digest++; }
static void spoil_inner(struct sighting *sighting) { sighting->inner = 3; }
static void spoil_id(struct sighting *sighting) { sighting->known = false; }
static void spoil_processed(struct sighting *sighting) { sighting->processed = false; }

static void test_corrupt(void **state) {
  (void)state;
  expect_corrupt(spoil_digest, 0, "CORRUPT: id 5, output 3@102 differs from its source\n");
  expect_corrupt(spoil_inner, 0, "CORRUPT: id 5, output 3@102 has the value of another record\n");
  expect_corrupt(spoil_processed, 0, "CORRUPT: id 5, output 3@102 was not processed\n");
  expect_corrupt(spoil_id, 1, "CORRUPT: output 3@102 carries no id\n");
}

static void test_not_compared(void **state) {
  (void)state;
  struct history *history = history_with_source();
  put_all_but(history, 5);
  struct sighting sighting = source_of(5);
  sighting.digest = sighting.inner = 0;
  sighting.partition = 3;
  history_add(history, HISTORY_DEAD, &sighting);
  struct said said = judged(history, 0);
  expect(&said, &(struct findings){0});
}

static void expect_unsound(const struct sighting *extra, const char *words) {
  struct history *history = history_with_source();
  history_add(history, HISTORY_SOURCE, extra);
  char text[256] = "";
  FILE *report = fmemopen(text, sizeof text - 1, "w");
  struct findings findings;
  assert_false(history_judge(history, &(struct expectation){0}, report, &findings));
  fclose(report);
  history_destroy(history);
  assert_string_equal(text, words);
}

static void test_unsound_source(void **state) {
  (void)state;
  struct sighting extra = source_of(4);
  extra.offset = 999;
  expect_unsound(&extra, "the source itself: id 4 is there twice\n");
  extra.known = false;
  expect_unsound(&extra, "the source itself: 0@999 carries no id\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_faultless),
      cmocka_unit_test(test_lost),
      cmocka_unit_test(test_everything_lost),
      cmocka_unit_test(test_repeated),
      cmocka_unit_test(test_output_and_dead),
      cmocka_unit_test(test_reordered),
      cmocka_unit_test(test_order_is_per_partition),
      cmocka_unit_test(test_phantom),
      cmocka_unit_test(test_filtered),
      cmocka_unit_test(test_corrupt),
      cmocka_unit_test(test_not_compared),
      cmocka_unit_test(test_unsound_source),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
