/* test_place.c: what a thread says of itself, and what others read. */
#include "base/place.h"
#include "base/span.h"
#include "unit/cmocka_all.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static struct place place;

static int begin(void **state) {
  (void)state;
  memset(&place, 0, sizeof place);
  place_use(&place);
  return 0;
}

static int end(void **state) {
  (void)state;
  place_use(NULL);
  return 0;
}

static void enter(const char *label, const char *topic, int64_t first, int64_t last) {
  const struct place_entry entry = {.call = PLACE_PROCESS,
      .limit_ms = 30000,
      .label = span_of(label),
      .topic = span_of(topic),
      .partition = 3,
      .first = first,
      .last = last,
      .records = (uint32_t)(last - first + 1),
      .batch_records = 1000};
  place_enter(&entry);
}

static void a_call_is_read_as_it_was_said(void **state) {
  (void)state;
  struct place_view view;
  enter("stage describe", "orders", 100, 199);
  assert_true(place_read(&place, &view));
  assert_int_equal(view.state, PLACE_CALLING);
  assert_int_equal(view.call, PLACE_PROCESS);
  assert_int_equal(view.limit_ms, 30000);
  assert_string_equal(view.label, "stage describe");
  assert_string_equal(view.topic, "orders");
  assert_int_equal(view.partition, 3);
  assert_int_equal(view.first, 100);
  assert_int_equal(view.last, 199);
  assert_int_equal(view.records, 100);
  assert_int_equal(view.batch_records, 1000);
}

static void the_text_names_stage_partition_and_offsets(void **state) {
  (void)state;
  struct place_view view;
  char text[PLACE_TEXT_MAX];
  enter("stage describe", "orders", 100, 199);
  assert_true(place_read(&place, &view));
  place_text(&view, text);
  assert_string_equal(text, "stage describe, process() of orders/3, offsets 100 to 199");
  enter("sink out", "orders", 7, 7);
  assert_true(place_read(&place, &view));
  place_text(&view, text);
  assert_string_equal(text, "sink out, process() of orders/3, offset 7");
}

static void a_shorter_name_leaves_nothing_of_a_longer_one(void **state) {
  (void)state;
  struct place_view view;
  enter("stage a-rather-long-label", "a-topic-with-a-long-name", 1, 1);
  enter("stage b", "t", 1, 1);
  assert_true(place_read(&place, &view));
  assert_string_equal(view.label, "stage b");
  assert_string_equal(view.topic, "t");
}

static void names_that_are_too_long_are_cut(void **state) {
  (void)state;
  static char topic[400];
  memset(topic, 't', sizeof topic - 1);
  struct place_view view;
  enter("stage a", topic, 1, 1);
  assert_true(place_read(&place, &view));
  assert_int_equal(strlen(view.topic), PLACE_TOPIC_WORDS * 8);
}

static void each_word_of_a_thread_is_a_change(void **state) {
  (void)state;
  struct place_view before, after;
  place_work();
  assert_true(place_read(&place, &before));
  place_work();
  assert_true(place_read(&place, &after));
  assert_int_not_equal(before.changes, after.changes);
  place_rest(77);
  assert_true(place_read(&place, &before));
  assert_int_not_equal(before.changes, after.changes);
  assert_int_equal(before.state, PLACE_RESTING);
  assert_int_equal(before.limit_ms, 77);
}

static void what_is_being_written_is_not_read(void **state) {
  (void)state;
  struct place_view view;
  atomic_fetch_or(&place.changes, 1);
  assert_false(place_read(&place, &view));
}

static void garbage_is_not_read(void **state) {
  (void)state;
  struct place_view view;
  enter("stage a", "t", 1, 1);
  atomic_store(&place.topic_size, 1 << 20);
  assert_false(place_read(&place, &view));
  enter("stage a", "t", 1, 1);
  atomic_store(&place.call, 77);
  assert_false(place_read(&place, &view));
}

static void nobody_has_to_watch(void **state) {
  (void)state;
  place_use(NULL);
  enter("stage a", "t", 1, 1);
  place_work();
  assert_int_equal(atomic_load(&place.changes), 0);
}

/* Both names of a view are of the same call, whatever the writer is doing. */
static _Atomic bool over;

static void *write_on(void *ctx) {
  (void)ctx;
  place_use(&place);
  for (int64_t call = 0; !atomic_load(&over); call++) {
    if (call & 1)
      enter("stage one", "topic-of-one", 1, 1);
    else
      enter("stage another", "topic-of-another", 2, 2);
    for (volatile int work = 0; work < 300;) work = work + 1; /* what it does there */
  }
  return NULL;
}

static void a_reader_never_sees_two_calls_mixed(void **state) {
  (void)state;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, write_on, NULL), 0);
  for (int read = 0; read < 20000;) {
    struct place_view view;
    if (!place_read(&place, &view) || view.state != PLACE_CALLING) continue;
    read++;
    assert_string_equal(view.topic, view.first == 1 ? "topic-of-one" : "topic-of-another");
    assert_string_equal(view.label, view.first == 1 ? "stage one" : "stage another");
    assert_int_equal(view.first, view.last);
  }
  atomic_store(&over, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

#define place_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      place_test(a_call_is_read_as_it_was_said),
      place_test(the_text_names_stage_partition_and_offsets),
      place_test(a_shorter_name_leaves_nothing_of_a_longer_one),
      place_test(names_that_are_too_long_are_cut),
      place_test(each_word_of_a_thread_is_a_change),
      place_test(what_is_being_written_is_not_read),
      place_test(garbage_is_not_read),
      place_test(nobody_has_to_watch),
      place_test(a_reader_never_sees_two_calls_mixed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
