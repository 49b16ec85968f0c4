/* A dead letter as it is read back: the last weir.pipeline divides the record's own headers from weir's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/span.h"
#include "kafka/letter.h"

static weir_header header(const char *name, const char *value) { return (weir_header){span_of(name), span_of(value)}; }

static struct letter read_back(const weir_header *headers, uint32_t count) {
  struct letter letter = {0};
  letter_read(&letter, headers, count);
  return letter;
}

static void says_where_it_comes_from_and_why(void **state) {
  (void)state;
  const weir_header headers[] = {header("trace", "a"), header("weir.pipeline", "quakes"), header("weir.stage", "json"),
      header("weir.reason.code", "not_json"), header("weir.source.topic", "in"), header("weir.source.partition", "3"),
      header("weir.source.offset", "118"), header("weir.attempts", "5"), header("weir.hops", "1")};
  struct letter letter = read_back(headers, 9);
  assert_true(letter.known);
  assert_int_equal(letter.own_count, 1);
  assert_true(span_is(letter.stage, "json") && span_is(letter.code, "not_json") && span_is(letter.source_topic, "in"));
  assert_int_equal(letter.source_partition, 3);
  assert_int_equal(letter.source_offset, 118);
  assert_int_equal(letter.attempts, 5);
  assert_int_equal(letter.hops, 1);
  assert_int_equal(letter.child, -1);
  assert_int_equal(letter.failed_ms, -1);
  assert_false(letter.replaced);
}

static void what_redrive_added_is_not_the_records_own(void **state) {
  (void)state;
  const weir_header again[] = {
      header("a", "1"), header("weir.hops", "1"), header("weir.pipeline", "quakes"), header("weir.hops", "2")};
  struct letter letter = read_back(again, 4);
  assert_int_equal(letter.own_count, 1);
  assert_int_equal(letter.hops, 2);
  const weir_header first[] = {header("weir.hops", "odd"), header("weir.pipeline", "quakes"), header("weir.hops", "1")};
  assert_int_equal(read_back(first, 3).own_count, 1); /* somebody else's: it was never redriven */
}

static void a_dead_letter_of_a_dead_letter_keeps_the_first_ones_headers(void **state) {
  (void)state;
  const weir_header headers[] = {header("weir.pipeline", "first"), header("weir.stage", "a"),
      header("weir.pipeline", "second"), header("weir.reason", "b")};
  struct letter letter = read_back(headers, 4);
  assert_int_equal(letter.own_count, 2);
  assert_true(span_is(letter.pipeline, "second"));
  assert_null(letter.stage.data); /* the first one's stage does not count */
}

static void nonsense_is_not_believed(void **state) {
  (void)state;
  const weir_header headers[] = {header("weir.pipeline", "p"), header("weir.source.partition", "-7"),
      header("weir.source.offset", "99999999999999999999"), header("weir.hops", "x"), header("weir.value", "gone"),
      header("weir.value.bytes", "17"), {span_of("weir.attempts"), {NULL, 0}}};
  struct letter letter = read_back(headers, 7);
  assert_int_equal(letter.source_partition, -1);
  assert_int_equal(letter.source_offset, -1);
  assert_int_equal(letter.hops, -1);
  assert_int_equal(letter.attempts, -1);
  assert_false(letter.replaced);
  assert_int_equal(letter.value_bytes, -1);
}

static void a_strangers_record_is_its_own(void **state) {
  (void)state;
  const weir_header headers[] = {header("a", "1"), header("weir.stage", "x")};
  struct letter letter = read_back(headers, 2);
  assert_false(letter.known);
  assert_int_equal(letter.own_count, 2);
  assert_null(letter.stage.data);
  letter = read_back(NULL, 0);
  assert_false(letter.known);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_where_it_comes_from_and_why),
      cmocka_unit_test(what_redrive_added_is_not_the_records_own),
      cmocka_unit_test(a_dead_letter_of_a_dead_letter_keeps_the_first_ones_headers),
      cmocka_unit_test(nonsense_is_not_believed),
      cmocka_unit_test(a_strangers_record_is_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
