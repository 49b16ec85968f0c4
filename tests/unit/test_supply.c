/* What `weir sandbox --feed` makes of a file. */
#include "sandbox/supply.h"
#include "base/span.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

/* `text` as a file fed to the topic "t"; NULL: `err` says why not. */
static struct supply *fed(const char *text, const char *suffix, struct error *err) {
  char feed[300];
  snprintf(feed, sizeof feed, "t=%s%s", scratch_write("records", text), suffix);
  return supply_open(feed, err);
}

static void assert_span(weir_span span, const char *text) {
  if (!text) {
    assert_null(span.data);
    return;
  }
  assert_non_null(span.data);
  assert_int_equal(span.size, strlen(text));
  assert_memory_equal(span.data, text, span.size);
}

static void lines_are_values(void **state) {
  (void)state;
  struct error err;
  struct supply *supply = fed("one\n\n{\"key\": 3}", ":lines", &err);
  assert_non_null(supply);
  assert_string_equal(supply_topic(supply), "t");
  assert_int_equal(supply_count(supply), 3);
  assert_span(supply_at(supply, 0)->value, "one");
  assert_span(supply_at(supply, 1)->value, "");
  assert_span(supply_at(supply, 2)->value, "{\"key\": 3}");
  assert_span(supply_at(supply, 2)->key, NULL);
  assert_int_equal(supply_at(supply, 0)->partition, -1);
  supply_close(supply);
}

static void objects_are_whole_records(void **state) {
  (void)state;
  struct error err;
  struct supply *supply = fed("{\"key\":\"k\\u00e9\",\"value\":\"a\\nb\",\"timestamp\":7,\"partition\":2}\n"
                              "\n"
                              "{\"value\":{\"raw\": [1, \"\\n\"]},\"key\":null}\n"
                              "{\"value\":null}\n"
                              "{\"value\":12.50}\n"
                              "{}\n",
      ":jsonl", &err);
  assert_non_null(supply);
  assert_int_equal(supply_count(supply), 5);
  const struct supply_record *first = supply_at(supply, 0);
  assert_span(first->key, "k\xc3\xa9");
  assert_span(first->value, "a\nb");
  assert_int_equal(first->timestamp_ms, 7);
  assert_int_equal(first->partition, 2);
  assert_span(supply_at(supply, 1)->value, "{\"raw\": [1, \"\\n\"]}");
  assert_span(supply_at(supply, 1)->key, NULL);
  assert_span(supply_at(supply, 2)->value, NULL);
  assert_span(supply_at(supply, 3)->value, "12.50");
  assert_span(supply_at(supply, 4)->value, NULL);
  supply_close(supply);
}

static void a_partition_has_to_be_there(void **state) {
  (void)state;
  struct error err;
  struct supply *supply = fed("{}\n{\"partition\":3}\n", ":jsonl", &err);
  assert_true(supply_fits(supply, 4, &err));
  assert_false(supply_fits(supply, 3, &err));
  assert_non_null(strstr(err.text, "record 2 goes to partition 3, and there are 3"));
  supply_close(supply);
}

static void headers_keep_their_order_and_their_doubles(void **state) {
  (void)state;
  struct error err;
  struct supply *supply = fed("{\"headers\":{\"a\":\"1\",\"b\":null}}\n"
                              "{\"headers\":[[\"a\",\"1\"],[\"a\",\"\"],[\"c\",null]]}\n"
                              "{\"headers\":[]}\n",
      ":jsonl", &err);
  assert_non_null(supply);
  const struct supply_record *map = supply_at(supply, 0), *list = supply_at(supply, 1);
  assert_int_equal(map->header_count, 2);
  assert_span(map->headers[0].name, "a");
  assert_span(map->headers[1].value, NULL);
  assert_int_equal(list->header_count, 3);
  assert_span(list->headers[0].value, "1");
  assert_span(list->headers[1].name, "a");
  assert_span(list->headers[1].value, "");
  assert_span(list->headers[2].value, NULL);
  assert_int_equal(supply_at(supply, 2)->header_count, 0);
  supply_close(supply);
}

static void what_is_wrong_has_its_line(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"{}\n{\"key\":1}", ":2: key: expected a string or null"},
      {"{\"value\":\"\\x\"}", ":1: value: this string has a wrong escape"},
      {"{\"headers\":{\"a\":1}}", ":1: headers: expected"},
      {"{\"headers\":[[\"a\"]]}", ":1: headers: expected"},
      {"{\"headers\":[[\"a\",\"b\",\"c\"]]}", ":1: headers: expected"},
      {"{\"headers\":[[null,\"b\"]]}", ":1: headers: expected"},
      {"{\"timestamp\":\"now\"}", ":1: timestamp: expected milliseconds since 1970"},
      {"{\"timestamp\":0}", ":1: timestamp: expected"},
      {"{\"partition\":-1}", ":1: partition: expected a whole number from 0"},
      {"{\"kee\":1}", ":1: expected the names key, value, headers, timestamp and partition only"},
      {"\n\n[1]", ":3: expected an object"},
      {"{\"key\":\"a\"", ":1: byte 10: expected ',' or a closing bracket"},
      {"", "has no record"},
      {"\n\n", "has no record"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct error err;
    assert_null(fed(cases[i][0], ":jsonl", &err));
    if (!strstr(err.text, cases[i][1])) fail_msg("found '%s', expected '%s' in it", err.text, cases[i][1]);
  }
}

static void what_is_no_feed_is_refused(void **state) {
  (void)state;
  struct error err;
  assert_null(supply_open("quakes", &err));
  assert_non_null(strstr(err.text, "expected TOPIC=FILE"));
  assert_null(supply_open("=file", &err));
  assert_null(supply_open("quakes=", &err));
  assert_null(supply_open("a b=file", &err));
  assert_non_null(strstr(err.text, "'a b' cannot be a topic"));
  assert_null(supply_open("quakes=/nowhere/file:jsonl", &err));
  assert_non_null(strstr(err.text, "/nowhere/file: there is no such file"));
}

/* A colon that no format stands behind is part of the name. */
static void a_colon_may_be_in_the_name(void **state) {
  (void)state;
  struct error err;
  char feed[300];
  snprintf(feed, sizeof feed, "t=%s", scratch_write("a:b", "x\n"));
  struct supply *supply = supply_open(feed, &err);
  assert_non_null(supply);
  assert_int_equal(supply_count(supply), 1);
  supply_close(supply);
}

static void whole_records_fed_as_lines_raise_a_doubt(void **state) {
  (void)state;
  struct error err;
  struct supply *records = fed("{\"key\":\"a\",\"value\":1}", "", &err), *values = fed("{\"id\":1}", "", &err),
                *texts = fed("hello", "", &err), *meant = fed("{\"value\":1}", ":jsonl", &err);
  assert_non_null(supply_doubt(records));
  assert_null(supply_doubt(values));
  assert_null(supply_doubt(texts));
  assert_null(supply_doubt(meant));
  supply_close(records);
  supply_close(values);
  supply_close(texts);
  supply_close(meant);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_are_values),
      cmocka_unit_test(objects_are_whole_records),
      cmocka_unit_test(a_partition_has_to_be_there),
      cmocka_unit_test(headers_keep_their_order_and_their_doubles),
      cmocka_unit_test(what_is_wrong_has_its_line),
      cmocka_unit_test(what_is_no_feed_is_refused),
      cmocka_unit_test(a_colon_may_be_in_the_name),
      cmocka_unit_test(whole_records_fed_as_lines_raise_a_doubt),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
