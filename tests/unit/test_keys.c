/* Counting keys, and adding up dead letters by stage and reason. */
#include "sandbox/keys.h"
#include "base/span.h"
#include "sandbox/dead_letters.h"
#include "unit/cmocka_all.h"
#include <stdio.h>

static void each_key_has_its_counter(void **state) {
  (void)state;
  enum { KEYS = 5000 };
  struct keys *keys = keys_create();
  char text[32];
  assert_null(keys_find(keys, span_of("0")));
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < KEYS; i += round + 1) {
      snprintf(text, sizeof text, "%d", i);
      ++*keys_at(keys, span_of(text));
    }
  assert_int_equal(keys_count(keys), KEYS);
  for (int i = 0; i < KEYS; i++) {
    snprintf(text, sizeof text, "%d", i);
    assert_int_equal(*keys_find(keys, span_of(text)), 1 + (i % 2 == 0) + (i % 3 == 0));
  }
  assert_null(keys_find(keys, span_of("-1")));
  keys_destroy(keys);
}

static void bytes_are_compared_not_text(void **state) {
  (void)state;
  struct keys *keys = keys_create();
  *keys_at(keys, weir_bytes("a\0b", 3)) = 1;
  *keys_at(keys, weir_bytes("a\0c", 3)) = 2;
  *keys_at(keys, weir_bytes("", 0)) = 3;
  *keys_at(keys, weir_bytes(NULL, 0)) = 4;
  assert_int_equal(keys_count(keys), 4);
  assert_int_equal(*keys_find(keys, weir_bytes("a\0b", 3)), 1);
  assert_int_equal(*keys_find(keys, weir_bytes("", 0)), 3);
  assert_int_equal(*keys_find(keys, weir_bytes(NULL, 0)), 4);
  keys_destroy(keys);
}

static void add_to_sum(void *ctx, weir_span key, uint64_t count) {
  char *text = ctx;
  snprintf(text + strlen(text), 64, "%.*s:%d ", SPAN_ARGS(key), (int)count);
}

static void keys_are_visited_in_the_order_of_their_coming(void **state) {
  (void)state;
  struct keys *keys = keys_create();
  char text[200] = "";
  ++*keys_at(keys, span_of("z"));
  ++*keys_at(keys, span_of("a"));
  ++*keys_at(keys, span_of("z"));
  keys_visit(keys, add_to_sum, text);
  assert_string_equal(text, "z:2 a:1 ");
  keys_destroy(keys);
}

/* --- dead letters --- */

static void die(struct dead_letters *dead, const char *stage, const char *code, const char *text, const char *offset) {
  const weir_header headers[] = {
      {span_of("weir.reason"), span_of("an older one")},
      {span_of("weir.stage"), span_of(stage)},
      {span_of("weir.reason.code"), span_of(code)},
      {span_of("weir.reason"), span_of(text)},
      {span_of("weir.source.topic"), span_of("quakes")},
      {span_of("weir.source.partition"), span_of("3")},
      {span_of("weir.source.offset"), span_of(offset)},
  };
  const struct reader_record record = {
      .topic = "dead", .headers = headers, .header_count = sizeof headers / sizeof *headers};
  dead_letters_take(dead, &record);
}

static void a_source_record_counts_once(void **state) {
  (void)state;
  struct dead_letters *dead = dead_letters_create();
  const struct reader_reason *reasons;
  die(dead, "json", "not_json", "byte 1", "10");
  die(dead, "json", "not_json", "byte 1", "10");
  die(dead, "json", "not_json", "byte 1", "11");
  assert_int_equal(dead_letters_count(dead), 2);
  assert_int_equal(dead_letters_repeated(dead), 1);
  assert_int_equal(dead_letters_reasons(dead, &reasons), 1);
  assert_int_equal(reasons[0].count, 2);
  assert_string_equal(reasons[0].source, "quakes/3@10");
  assert_string_equal(reasons[0].text, "byte 1");
  dead_letters_destroy(dead);
}

/* A hundred texts are not a hundred kinds; a few are. */
static void texts_are_kinds_while_they_are_few(void **state) {
  (void)state;
  struct dead_letters *dead = dead_letters_create();
  const struct reader_reason *reasons;
  char text[32], offset[32];
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "byte %d", i);
    snprintf(offset, sizeof offset, "%d", i);
    die(dead, "json", "not_json", text, offset);
  }
  die(dead, "keep", "lua_error", "line 3", "100");
  size_t kinds = dead_letters_reasons(dead, &reasons);
  int64_t sum = 0;
  for (size_t i = 0; i < kinds; i++) sum += reasons[i].count;
  assert_true(kinds > 2 && kinds < 20);
  assert_int_equal(sum, 101);
  assert_string_equal(reasons[kinds - 1].stage, "keep");
  dead_letters_destroy(dead);
}

static void kinds_beyond_the_table_are_counted_with_the_last(void **state) {
  (void)state;
  struct dead_letters *dead = dead_letters_create();
  const struct reader_reason *reasons;
  char code[32], offset[32];
  for (int i = 0; i < 2 * READER_REASONS_MAX; i++) {
    snprintf(code, sizeof code, "code_%d", i);
    snprintf(offset, sizeof offset, "%d", i);
    die(dead, "stage", code, "text", offset);
  }
  assert_int_equal(dead_letters_reasons(dead, &reasons), READER_REASONS_MAX);
  assert_int_equal(reasons[READER_REASONS_MAX - 1].count, READER_REASONS_MAX + 1);
  dead_letters_destroy(dead);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_key_has_its_counter),
      cmocka_unit_test(bytes_are_compared_not_text),
      cmocka_unit_test(keys_are_visited_in_the_order_of_their_coming),
      cmocka_unit_test(a_source_record_counts_once),
      cmocka_unit_test(texts_are_kinds_while_they_are_few),
      cmocka_unit_test(kinds_beyond_the_table_are_counted_with_the_last),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
