/* The account of a batch: I5 (every source record gets exactly one outcome), I6 (RETRY and REJECT undo the stage's work). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/span.h"
#include "batch/batch.h"

enum { RECORDS = 4 };

static const int64_t offsets[RECORDS] = {10, 11, 15, 16};
static uint32_t released;

static bool source_headers(void *message, struct arena *arena, const weir_header **headers, uint32_t *count) {
  (void)message;
  weir_header *one = arena_alloc(arena, sizeof *one);
  *one = (weir_header){weir_text("from"), weir_text("source")};
  *headers = one;
  *count = 1;
  return true;
}

static void source_view(void *message, weir_record *view) {
  *view = (weir_record){.key = weir_text("key"), .value = weir_text("value"), .offset = *(const int64_t *)message};
}

static void source_release(void **messages, uint32_t count) {
  (void)messages;
  released += count;
}

static const struct batch_source source = {source_headers, source_view, source_release};

struct fixture {
  struct partition *partition;
  struct batch_pool pool;
  struct batch *batch;
  struct portion *portion;
};

static int setup(void **state) {
  static struct fixture fixture;
  fixture.partition = partition_create("quakes", 3, 1, 0);
  assert_true(batch_pool_init(&fixture.pool, 2, RECORDS, 1 << 20));
  fixture.batch = batch_pool_take(&fixture.pool, fixture.partition, 1, &source);
  fixture.portion = portion_create(fixture.batch, RECORDS);
  for (int i = 0; i < RECORDS; i++) {
    source_view((void *)(uintptr_t)&offsets[i], batch_next(fixture.batch, fixture.portion));
    batch_add(fixture.batch, fixture.portion, (void *)(uintptr_t)&offsets[i]);
  }
  released = 0;
  *state = &fixture;
  return 0;
}

static int teardown(void **state) {
  struct fixture *fixture = *state;
  if (!batch_is_settled(fixture->batch)) batch_abandon(fixture->batch);
  fixture->batch->holds = 0;
  batch_pool_give(&fixture->pool, fixture->batch);
  assert_int_equal(released, RECORDS);
  batch_pool_fini(&fixture->pool);
  partition_destroy(fixture->partition);
  return 0;
}

static void it_is_settled_with_its_last_record(void **state) {
  struct fixture *fixture = *state;
  struct batch *batch = fixture->batch;
  assert_int_equal(batch->first, 10);
  assert_int_equal(batch->next, 17);
  assert_int_equal(batch_lowest_open(batch), 10);
  batch_ended(batch, 0, OUTCOME_DELIVERED);
  batch_ended(batch, 1, OUTCOME_FILTERED);
  assert_int_equal(batch_lowest_open(batch), 15);
  batch_ended(batch, 3, OUTCOME_DEAD_LETTERED);
  assert_false(batch_is_settled(batch));
  batch_ended(batch, 2, OUTCOME_DISCARDED);
  assert_true(batch_is_settled(batch));
  assert_int_equal(batch_lowest_open(batch), 17);
  assert_int_equal(batch->settled[OUTCOME_DELIVERED], 1);
  assert_int_equal(batch->settled[OUTCOME_FILTERED], 1);
  assert_int_equal(batch->settled[OUTCOME_DISCARDED], 1);
  assert_int_equal(batch->settled[OUTCOME_DEAD_LETTERED], 1);
}

static void a_parent_is_settled_when_all_children_are_and_takes_the_heaviest_outcome(void **state) {
  struct fixture *fixture = *state;
  struct batch *batch = fixture->batch;
  batch_born(batch, 0, 2);
  batch_ended(batch, 0, OUTCOME_FILTERED);
  batch_ended(batch, 0, OUTCOME_DEAD_LETTERED);
  assert_int_equal(batch->open, RECORDS);
  batch_ended(batch, 0, OUTCOME_DELIVERED);
  assert_int_equal(batch->open, RECORDS - 1);
  assert_int_equal(batch->settled[OUTCOME_DEAD_LETTERED], 1);
}

static void a_held_batch_is_not_done(void **state) {
  struct fixture *fixture = *state;
  fixture->batch->holds = 1;
  batch_abandon(fixture->batch);
  assert_true(batch_is_settled(fixture->batch));
  assert_false(batch_is_done(fixture->batch));
  assert_int_equal(fixture->batch->settled[OUTCOME_ABANDONED], RECORDS);
}

static void retry_and_reject_take_back_edits_and_emissions(void **state) {
  struct fixture *fixture = *state;
  struct portion *portion = fixture->portion;
  portion_enter(portion, 0, false, NULL);
  for (uint32_t i = 0; i < 2; i++) {
    struct record *record = portion_edit(portion, i);
    record->view.value = weir_text("changed");
    weir_draft draft = weir_draft_from(&record->view, weir_text("child"));
    assert_true(portion_emit(portion, i, &draft));
  }
  assert_int_equal(portion->emitted_count, 2);
  weir_reason why = weir_because("not_json", weir_text("byte 17"));
  assert_true(portion_settle(portion, 1, 1, WEIR_REJECT, &why));
  assert_true(span_is(portion->records[0].view.value, "changed"));
  assert_true(span_is(portion->records[1].view.value, "value"));
  assert_int_equal(portion->emitted_count, 1);
  assert_int_equal(portion->records[1].children, 0);
  assert_false(portion->all_pass);
  assert_true(span_is(portion_reason(portion, 1)->code, "not_json"));
  assert_null(portion_reason(portion, 0));
}

static void a_child_keeps_its_parents_headers_and_adds_its_own(void **state) {
  struct fixture *fixture = *state;
  struct portion *portion = fixture->portion;
  portion_enter(portion, 0, false, NULL);
  weir_header extra = {weir_text("more"), weir_text("x")};
  weir_draft draft = weir_draft_from(&portion->records[2].view, weir_text("child"));
  draft.headers = &extra;
  draft.header_count = 1;
  assert_true(portion_emit(portion, 2, &draft));
  const struct record *child = &portion->emitted->record;
  assert_int_equal(child->header_count, 2);
  assert_true(span_is(child->headers[0].name, "from"));
  assert_true(span_is(child->headers[1].name, "more"));
  assert_int_equal(child->view.child, 1);
  assert_int_equal(child->view.offset, 15);
  assert_int_equal(child->origin, 2);
}

static void a_verdict_outside_the_portion_is_refused(void **state) {
  struct fixture *fixture = *state;
  portion_enter(fixture->portion, 0, false, NULL);
  assert_false(portion_settle(fixture->portion, 3, 2, WEIR_DROP, NULL));
  assert_false(portion_settle(fixture->portion, UINT32_MAX, 2, WEIR_DROP, NULL));
  assert_true(fixture->portion->all_pass);
}

static void a_sinks_portion_has_verdicts_of_its_own(void **state) {
  struct fixture *fixture = *state;
  struct portion *twin = portion_share(fixture->portion);
  portion_enter(fixture->portion, 0, true, NULL);
  portion_enter(twin, 1, true, NULL);
  portion_settle(twin, 0, RECORDS, WEIR_PASS, NULL);
  assert_true(twin->all_pass);
  assert_int_equal(fixture->portion->verdicts[0], WEIR_UNSETTLED);
}

static void an_empty_pool_gives_none(void **state) {
  struct fixture *fixture = *state;
  struct batch *second = batch_pool_take(&fixture->pool, fixture->partition, 1, &source);
  assert_non_null(second);
  assert_null(batch_pool_take(&fixture->pool, fixture->partition, 1, &source));
  batch_pool_give(&fixture->pool, second);
}

int main(void) {
#define play(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
  const struct CMUnitTest tests[] = {
      play(it_is_settled_with_its_last_record),
      play(a_parent_is_settled_when_all_children_are_and_takes_the_heaviest_outcome),
      play(a_held_batch_is_not_done),
      play(retry_and_reject_take_back_edits_and_emissions),
      play(a_child_keeps_its_parents_headers_and_adds_its_own),
      play(a_verdict_outside_the_portion_is_refused),
      play(a_sinks_portion_has_verdicts_of_its_own),
      play(an_empty_pool_gives_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
