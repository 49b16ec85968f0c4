/* test_verify_commits.c: the names that need more than the records: what was committed when, the bound on repetitions, several
 * outputs, transactions. One faulty history per name, which must bring up that name and no other. */
#include "history.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { SOURCE_COUNT = 20, PARTITIONS = 2, OUTPUTS = 2 };

/* A history under way: record `id` lies in source partition id % 2 at offset id / 2, and comes out in output partition 0. */
struct play {
  struct history *history;
  int64_t next[OUTPUTS], dead; /* where the next record of an output will lie */
  struct expectation expectation;
  struct findings findings;
  char report[4096];
};

static struct sighting source_of(uint64_t id) {
  return (struct sighting){.partition = (int32_t)(id % PARTITIONS),
      .offset = (int64_t)(id / PARTITIONS),
      .known = true,
      .processed = true,
      .id = id};
}

static void begin(struct play *play, const struct expectation *expectation) {
  *play = (struct play){.history = history_create(), .expectation = *expectation};
  for (uint64_t id = 0; id < SOURCE_COUNT; id++) {
    struct sighting sighting = source_of(id);
    history_add(play->history, HISTORY_SOURCE, &sighting);
  }
}

static void out_at(struct play *play, int32_t topic, uint64_t id) {
  struct sighting sighting = source_of(id);
  sighting.topic = topic;
  sighting.partition = 0;
  sighting.offset = play->next[topic]++;
  history_add(play->history, HISTORY_OUTPUT, &sighting);
}

static void out(struct play *play, uint64_t id) { out_at(play, 0, id); }

static void out_from(struct play *play, uint64_t first, uint64_t last) {
  for (uint64_t id = first; id <= last; id++) out(play, id);
}

static void dead(struct play *play, uint64_t id) {
  struct sighting sighting = source_of(id);
  sighting.partition = 0;
  sighting.offset = play->dead++;
  history_add(play->history, HISTORY_DEAD, &sighting);
}

/* A look at the system: what is out now, and these commits. */
static void look(struct play *play, int64_t at_ms, int64_t committed_0, int64_t committed_1) {
  history_end(play->history, HISTORY_SOURCE, 0, 0, SOURCE_COUNT / PARTITIONS);
  history_end(play->history, HISTORY_SOURCE, 0, 1, SOURCE_COUNT / PARTITIONS);
  for (int32_t i = 0; i < OUTPUTS; i++) history_end(play->history, HISTORY_OUTPUT, i, 0, play->next[i]);
  history_end(play->history, HISTORY_DEAD, 0, 0, play->dead);
  history_commit(play->history, at_ms, 0, committed_0);
  history_commit(play->history, at_ms, 1, committed_1);
}

static void last_look(struct play *play) { look(play, 999, SOURCE_COUNT / PARTITIONS, SOURCE_COUNT / PARTITIONS); }

/* Nothing is wrong but what `expected` counts. */
static void end(struct play *play, const struct findings *expected, const char *words) {
  FILE *report = fmemopen(play->report, sizeof play->report - 1, "w");
  assert_true(history_judge(play->history, &play->expectation, report, &play->findings));
  fclose(report);
  history_destroy(play->history);
  const struct findings *found = &play->findings;
  assert_int_equal(found->lost, expected->lost);
  assert_int_equal(found->duplicate, expected->duplicate);
  assert_int_equal(found->over_bound, expected->over_bound);
  assert_int_equal(found->torn, expected->torn);
  assert_int_equal(found->aborted_read, expected->aborted_read);
  assert_int_equal(found->commit_ahead, expected->commit_ahead);
  assert_int_equal(found->commit_regression, expected->commit_regression);
  assert_int_equal(found->stall, expected->stall);
  assert_int_equal(findings_faults(found), findings_faults(expected));
  if (words)
    assert_non_null(strstr(play->report, words));
  else
    assert_string_equal(play->report, "");
}

static const struct expectation plain = {0}, once = {.exactly_once = true};

static void test_faultless(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.exactly_once = true, .uncommitted = 4, .incidents = 1});
  look(&play, 0, -1, -1);
  out_from(&play, 0, 6);
  look(&play, 1, 4, 3);
  dead(&play, 7);
  out_from(&play, 8, SOURCE_COUNT - 1);
  last_look(&play);
  end(&play, &(struct findings){0}, NULL);
}

static void test_duplicate(void **state) {
  (void)state;
  struct play play;
  begin(&play, &once);
  out_from(&play, 0, SOURCE_COUNT - 1);
  out(&play, 5);
  last_look(&play);
  end(&play, &(struct findings){.duplicate = 1}, "DUPLICATE: id 5, output 0@20 is there already");
}

/* A crash repeats three records of each partition, and the bound is four: all is well. */
static void test_within_bound(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.uncommitted = 4, .incidents = 1});
  out_from(&play, 0, 9);
  out_from(&play, 4, SOURCE_COUNT - 1);
  last_look(&play);
  end(&play, &(struct findings){0}, NULL);
  assert_int_equal(play.findings.repeated, 6);
}

static void test_over_bound_in_sum(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.uncommitted = 2, .incidents = 2});
  out_from(&play, 0, 10);
  for (uint64_t id = 0; id < 10; id += 4) out(&play, id); /* 0, 4, 8 of partition 0 ... */
  out(&play, 2);
  out(&play, 6); /* ... and no three in a row of it */
  out_from(&play, 11, SOURCE_COUNT - 1);
  last_look(&play);
  /* 0, 4, 8 rise: one too many in a row; five of partition 0 are one too many in all. */
  end(&play, &(struct findings){.over_bound = 2}, "5 records of source partition 0 are repeated, at most 4 may be");
}

static void test_over_bound_in_a_row(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.uncommitted = 4, .incidents = 9});
  out_from(&play, 0, 9);
  out_from(&play, 0, SOURCE_COUNT - 1); /* five of each partition, where an incident may repeat four */
  last_look(&play);
  end(&play, &(struct findings){.over_bound = 2}, "DUPLICATE-OVER-BOUND: id 8, output 0@18 is one more than");
}

/* What a worker that lost its partitions still writes, and where the next one begins, may make one row of two incidents. */
static void test_overlapping_rows(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.uncommitted = 4, .incidents = 2, .overlapping = true});
  out_from(&play, 0, 9);
  out_from(&play, 0, SOURCE_COUNT - 1);
  last_look(&play);
  end(&play, &(struct findings){0}, NULL);
  assert_int_equal(play.findings.repeated, 10);
}

static void test_over_bound_in_copies(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.uncommitted = 9, .incidents = 1});
  out_from(&play, 0, SOURCE_COUNT - 1);
  out(&play, 3);
  out(&play, 3);
  last_look(&play);
  end(&play, &(struct findings){.over_bound = 1}, "id 3, output 0@21 came more often than there were incidents");
}

/* Each incident by itself is within the bound, and so is their sum. */
static void test_incidents_add_up(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.uncommitted = 3, .incidents = 3});
  for (uint64_t from = 0; from < 12; from += 4) out_from(&play, from, from + 9);
  out_from(&play, 18, SOURCE_COUNT - 1);
  last_look(&play);
  end(&play, &(struct findings){0}, NULL);
  assert_int_equal(play.findings.repeated, 12);
}

static void test_torn(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.outputs = 2});
  out_from(&play, 0, SOURCE_COUNT - 1);
  for (uint64_t id = 0; id < SOURCE_COUNT; id++)
    if (id != 6 && id != 8) out_at(&play, 1, id);
  dead(&play, 8); /* its second sink did not take it: a dead letter is an outcome */
  last_look(&play);
  end(&play, &(struct findings){.torn = 1}, "TORN: id 6, source 0@3 came out in some of the outputs, not in all");
}

static void test_aborted_read(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.exactly_once = true, .standing = 1});
  for (uint64_t id = 0; id < SOURCE_COUNT; id++)
    if (id % 2 || id <= 6) out(&play, id);
  look(&play, 1, 3, 10); /* record 6 is at 0@3 */
  end(&play, &(struct findings){.aborted_read = 1}, "ABORTED-READ: id 6, output 0@");
  assert_int_equal(play.findings.waiting, 6);
}

static void test_commit_ahead(void **state) {
  (void)state;
  struct play play;
  begin(&play, &plain);
  out_from(&play, 0, 6);
  look(&play, 7, 4, 4); /* record 7, at 1@3, is under way */
  out_from(&play, 7, SOURCE_COUNT - 1);
  last_look(&play);
  end(&play, &(struct findings){.commit_ahead = 1},
      "COMMIT-AHEAD: id 7, source 1@3 had not come out when offset 4 was committed, at 7 ms");
}

/* The record came out somewhere, but it has two outputs. */
static void test_commit_ahead_of_one_output(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.outputs = 2});
  out_from(&play, 0, 6);
  for (uint64_t id = 0; id < 6; id++) out_at(&play, 1, id);
  look(&play, 7, 4, 3);
  out_at(&play, 1, 6);
  for (uint64_t id = 7; id < SOURCE_COUNT; id++)
    for (int32_t topic = 0; topic < 2; topic++) out_at(&play, topic, id);
  last_look(&play);
  end(&play, &(struct findings){.commit_ahead = 1}, "COMMIT-AHEAD: id 6, source 0@3 had not come out");
}

static void test_commit_beyond_the_end(void **state) {
  (void)state;
  struct play play;
  begin(&play, &plain);
  out_from(&play, 0, SOURCE_COUNT - 1);
  look(&play, 3, 10, 11);
  end(&play, &(struct findings){.commit_ahead = 1},
      "COMMIT-AHEAD: source 1@11 was committed at 3 ms, beyond the end 10");
}

static void test_commit_regression(void **state) {
  (void)state;
  struct play play;
  begin(&play, &plain);
  out_from(&play, 0, 9);
  look(&play, 1, 5, 5);
  look(&play, 2, 5, 2);
  out_from(&play, 10, SOURCE_COUNT - 1);
  last_look(&play);
  end(&play, &(struct findings){.commit_regression = 1},
      "COMMIT-REGRESSION: source 1@2 was committed at 2 ms, behind 5");
}

/* What is not committed is not lost: it would be read again. Here nobody reads it. */
static void test_stall(void **state) {
  (void)state;
  struct play play;
  begin(&play, &plain);
  for (uint64_t id = 0; id < SOURCE_COUNT; id++)
    if (id % 2 == 0 || id < 9) out(&play, id);
  look(&play, 1, 10, 4);
  end(&play, &(struct findings){.stall = 1},
      "STALL: source partition 1 ends at 10 and is committed up to 4; 6 of its records have not come out\n");
  assert_int_equal(play.findings.waiting, 6);
}

static void test_stall_of_the_commit_alone(void **state) {
  (void)state;
  struct play play;
  begin(&play, &plain);
  out_from(&play, 0, SOURCE_COUNT - 1);
  look(&play, 1, 10, 9);
  end(&play, &(struct findings){.stall = 1}, "committed up to 9; 0 of its records have not come out\n");
}

/* A partition that stopped by its policy may keep the rest; below its commit nothing may be missing. */
static void test_standing(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.standing = 2});
  for (uint64_t id = 0; id < SOURCE_COUNT; id++)
    if (id % 2 == 0 || (id < 9 && id != 3)) out(&play, id);
  look(&play, 1, 10, 4);
  end(&play, &(struct findings){.lost = 1}, "LOST: id 3, source 1@1 came out nowhere\n");
}

/* Records that were to be filtered hold no commit back. */
static void test_filtered_may_be_committed(void **state) {
  (void)state;
  struct play play;
  begin(&play, &(struct expectation){.filtered_every = 5});
  for (uint64_t id = 0; id < SOURCE_COUNT; id++)
    if (id % 5) out(&play, id);
  last_look(&play);
  end(&play, &(struct findings){0}, NULL);
  assert_int_equal(play.findings.filtered, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_faultless),
      cmocka_unit_test(test_duplicate),
      cmocka_unit_test(test_within_bound),
      cmocka_unit_test(test_over_bound_in_sum),
      cmocka_unit_test(test_over_bound_in_a_row),
      cmocka_unit_test(test_overlapping_rows),
      cmocka_unit_test(test_over_bound_in_copies),
      cmocka_unit_test(test_incidents_add_up),
      cmocka_unit_test(test_torn),
      cmocka_unit_test(test_aborted_read),
      cmocka_unit_test(test_commit_ahead),
      cmocka_unit_test(test_commit_ahead_of_one_output),
      cmocka_unit_test(test_commit_beyond_the_end),
      cmocka_unit_test(test_commit_regression),
      cmocka_unit_test(test_stall),
      cmocka_unit_test(test_stall_of_the_commit_alone),
      cmocka_unit_test(test_standing),
      cmocka_unit_test(test_filtered_may_be_committed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
