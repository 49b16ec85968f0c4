/* test_explanation.c: what follows from the facts about a partition, and how it is said. */
#include "host/explanation.h"
#include "unit/cmocka_all.h"
#include <stdlib.h>
#include <string.h>

static char *text;

/* All of it is committed. */
static struct explanation clean(void) {
  return (struct explanation){.topic = "orders",
      .partition = 3,
      .committed = 500,
      .committable = 500,
      .delivered = 500,
      .end = 500,
      .uncommitted_max = 100000,
      .lane = 1,
      .answered = true,
      .holder = {.kind = HOLDER_NONE, .offset = -1}};
}

static struct explanation held(enum holder_kind kind) {
  struct explanation explanation = clean();
  explanation.committed = explanation.committable = 118;
  explanation.in_flight = 100;
  explanation.beyond = 200;
  explanation.holder = (struct holder){.kind = kind,
      .offset = 118,
      .timestamp_ms = 60000,
      .begun_ms = 1000,
      .has_key = true,
      .key_hash = 0xaf63dc4c8601ec8c,
      .label = "stage price",
      .attempt = 4,
      .attempts = 10,
      .retry_at_ms = 5200,
      .done = 30,
      .done_beyond = 25};
  return explanation;
}

static const char *print(const struct explanation *explanation) {
  size_t size = 0;
  free(text);
  FILE *out = open_memstream(&text, &size);
  explanation_print(explanation, "o.yaml", 2000, 120000, out);
  fclose(out);
  return text;
}

static const char *print_json(const struct explanation *explanation) {
  size_t size = 0;
  free(text);
  FILE *out = open_memstream(&text, &size);
  explanation_print_json(explanation, 2000, out);
  fclose(out);
  return text;
}

static void what_is_committed_is_up_to_date(void **state) {
  (void)state;
  struct explanation explanation = clean();
  assert_string_equal(print(&explanation), "orders/3: up to date: everything is committed\n"
                                           "  committed 500, done below 500, read below 500, end 500\n");
}

static void a_record_that_is_tried_again_is_told_in_full(void **state) {
  (void)state;
  struct explanation explanation = held(HOLDER_RETRY);
  explanation.hold = HOLD_RUNNER;
  assert_string_equal(print(&explanation),
      "orders/3: retrying the record at offset 118 in stage price: attempt 4 of 10 in 3.2 s\n"
      "  committed 118, done below 118, read below 500, end 500\n"
      "  70 records not done, 225 done beyond the first of them\n"
      "  held back by offset 118: key hash af63dc4c8601ec8c, written 1 min ago, in this worker for 1 s\n"
      "  nothing more of it is read meanwhile\n");
  assert_string_equal(print_json(&explanation),
      "{\"partition\":3,\"topic\":\"orders\",\"state\":\"retrying\",\"committed\":118,\"done_below\":118,"
      "\"read_below\":500,\"end\":500,\"lag\":382,\"not_done\":70,\"done_beyond\":225,\"lane\":1,"
      "\"held_by\":{\"offset\":118,\"key_hash\":\"af63dc4c8601ec8c\",\"at\":\"stage price\",\"timestamp_ms\":60000,"
      "\"age_ms\":1000,\"attempt\":4,\"attempts\":10,\"retry_in_ms\":3200}}");
}

static void a_stopped_partition_says_the_way_out(void **state) {
  (void)state;
  struct explanation explanation = held(HOLDER_CUT);
  explanation.stopped = true;
  explanation.stopped_at = 118;
  strcpy(explanation.stop, "price did not take \"it\"\n\x1b[31m");
  assert_int_equal(explanation_kind(&explanation), EXPLAIN_STOPPED);
  assert_non_null(strstr(print(&explanation),
      "orders/3: stands still: price did not take \"it\"\\x0a\\x1b[31m; to leave the record at offset 118 out: "
      "weir offsets o.yaml --skip orders/3@118 --yes\n"));
  assert_non_null(strstr(
      text, "  held back by offset 118: key hash af63dc4c8601ec8c, written 1 min ago, in this worker for 1 s\n"));
  assert_non_null(strstr(print_json(&explanation), "\"held_by\":{\"offset\":118,\"key_hash\":\"af63dc4c8601ec8c\""));
  assert_non_null(strstr(text, "\"reason\":\"price did not take \\\"it\\\"\\\\x0a"));
}

static void a_partition_whose_feed_failed_names_no_record(void **state) {
  (void)state;
  struct explanation explanation = clean();
  explanation.stopped = true;
  explanation.stopped_at = -1;
  strcpy(explanation.stop, "it cannot be read");
  assert_non_null(strstr(print(&explanation), "stands still: it cannot be read\n"));
}

static void a_lane_that_does_not_answer_is_where_its_place_says(void **state) {
  (void)state;
  struct explanation explanation = clean();
  explanation.answered = false;
  assert_int_equal(explanation_kind(&explanation), EXPLAIN_BUSY);
  explanation.in_flight = 100;
  assert_non_null(strstr(print(&explanation), "lane 1 does not answer: it is in its own loop\n"));
  assert_non_null(strstr(text, "  100 records not done, 0 done beyond the first of them\n"));
  explanation.busy = true;
  explanation.place = (struct place_view){.state = PLACE_CALLING,
      .call = PLACE_PROCESS,
      .label = "stage price",
      .topic = "orders",
      .partition = 3,
      .first = 100,
      .last = 199};
  assert_non_null(strstr(print(&explanation),
      "lane 1 does not answer: it is in stage price, process() of orders/3, offsets 100 to 199\n"));
  assert_non_null(strstr(print_json(&explanation), "\"busy_in\":\"stage price, process()"));
}

static void each_kind_follows_from_its_facts(void **state) {
  (void)state;
  static const struct {
    enum holder_kind holder;
    enum hold hold;
    enum explanation_kind kind;
    const char *says;
  } cases[] = {
      {HOLDER_DEFERRED, HOLD_NONE, EXPLAIN_DEFERRED, "stage price has taken the record at offset 118 along"},
      {HOLDER_UNCONFIRMED, HOLD_NONE, EXPLAIN_UNCONFIRMED, "the brokers have not confirmed it"},
      {HOLDER_NO_ROOM, HOLD_RUNNER, EXPLAIN_PRODUCER_FULL, "the producer has no room for the record at offset 118"},
      {HOLDER_DEAD_LETTER, HOLD_NONE, EXPLAIN_DEAD_LETTER, "the dead letter of the record at offset 118"},
      {HOLDER_TURN, HOLD_NONE, EXPLAIN_WAITING, "waits for its turn at stage price"},
      {HOLDER_CUT, HOLD_NONE, EXPLAIN_DRAINING, "draining"},
      {HOLDER_UNCONFIRMED, HOLD_BOUND, EXPLAIN_UNCOMMITTED, "`commit.uncommitted` is 100,000"},
      {HOLDER_UNCONFIRMED, HOLD_RANGES, EXPLAIN_UNCOMMITTED, "as many batches as the ledger holds"},
      {HOLDER_UNCONFIRMED, HOLD_POOL, EXPLAIN_NO_ROOM, "every batch of its lane is in flight"},
      {HOLDER_UNCONFIRMED, HOLD_MEMORY, EXPLAIN_NO_ROOM, "share of `memory`"},
      {HOLDER_RETRY, HOLD_BOUND, EXPLAIN_RETRYING, "nothing more of it is read: `commit.uncommitted` is 100,000"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct explanation explanation = held(cases[i].holder);
    explanation.hold = cases[i].hold;
    assert_int_equal(explanation_kind(&explanation), cases[i].kind);
    assert_non_null(strstr(print(&explanation), cases[i].says));
  }
}

static void what_only_waits_for_its_commit_says_so(void **state) {
  (void)state;
  struct explanation explanation = clean();
  explanation.committed = 400;
  assert_int_equal(explanation_kind(&explanation), EXPLAIN_COMMITTING);
  explanation.hold = HOLD_COMMIT;
  explanation.committed = 500;
  assert_non_null(strstr(print(&explanation), "(at_most_once)"));
}

static void what_is_behind_and_not_held_is_at_work(void **state) {
  (void)state;
  struct explanation explanation = clean();
  explanation.end = 900;
  assert_int_equal(explanation_kind(&explanation), EXPLAIN_READING);
  assert_int_equal(explanation_lag(&explanation), 400);
  explanation.draining = true;
  assert_int_equal(explanation_kind(&explanation), EXPLAIN_DRAINING);
  explanation.draining = false;
  explanation.end = -1;
  assert_int_equal(explanation_kind(&explanation), EXPLAIN_UP_TO_DATE);
  assert_non_null(strstr(print(&explanation), "end not known"));
}

static int forget(void **state) {
  (void)state;
  free(text);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_committed_is_up_to_date),
      cmocka_unit_test(a_record_that_is_tried_again_is_told_in_full),
      cmocka_unit_test(a_stopped_partition_says_the_way_out),
      cmocka_unit_test(a_partition_whose_feed_failed_names_no_record),
      cmocka_unit_test(a_lane_that_does_not_answer_is_where_its_place_says),
      cmocka_unit_test(each_kind_follows_from_its_facts),
      cmocka_unit_test(what_only_waits_for_its_commit_says_so),
      cmocka_unit_test(what_is_behind_and_not_held_is_at_work),
  };
  return cmocka_run_group_tests(tests, NULL, forget);
}
