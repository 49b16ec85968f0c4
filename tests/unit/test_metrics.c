/* Metrics: one registry, stable handles, exact sums from many threads. */
#include "base/metrics.h"
#include "base/limits.h"
#include "base/span.h"
#include <pthread.h>
#include <stdio.h>
#include "unit/cmocka_all.h"

static int create(void **state) {
  *state = metrics_create();
  return *state ? 0 : -1;
}

static int destroy(void **state) {
  metrics_destroy(*state);
  return 0;
}

static struct metrics_label stage(const char *value) { return (struct metrics_label){"stage", span_of(value)}; }

static void the_same_name_gives_the_same_metric(void **state) {
  struct metrics *metrics = *state;
  struct metrics_label a = stage("a"), b = stage("b");
  weir_metric *first = metrics_register(metrics, WEIR_COUNTER, "records_total", "records", &a, 1, NULL);
  assert_non_null(first);
  assert_ptr_equal(metrics_register(metrics, WEIR_COUNTER, "records_total", NULL, &a, 1, NULL), first);
  weir_metric *other = metrics_register(metrics, WEIR_COUNTER, "records_total", NULL, &b, 1, NULL);
  assert_ptr_not_equal(other, first);
  struct metrics_view view;
  metrics_view(other, &view);
  assert_string_equal(view.help, "records"); /* of its sibling */
  assert_string_equal(view.labels[0].name, "stage");
  assert_true(span_is(view.labels[0].value, "b"));
}

static void each_kind_measures_in_its_way(void **state) {
  struct metrics *metrics = *state;
  struct metrics_view view;
  weir_metric *counter = metrics_register(metrics, WEIR_COUNTER, "c", NULL, NULL, 0, NULL);
  metrics_measure(counter, 5);
  metrics_measure(counter, -3);
  metrics_measure(counter, 2);
  metrics_view(counter, &view);
  assert_int_equal(view.value, 7);
  weir_metric *gauge = metrics_register(metrics, WEIR_GAUGE, "g", NULL, NULL, 0, NULL);
  metrics_measure(gauge, 5);
  metrics_measure(gauge, -3);
  metrics_view(gauge, &view);
  assert_int_equal(view.value, -3);
  metrics_measure(NULL, 1);
}

static void a_histogram_counts_by_significant_bits(void **state) {
  struct metrics_view view;
  weir_metric *histogram = metrics_register(*state, WEIR_HISTOGRAM, "h", NULL, NULL, 0, NULL);
  static const int64_t values[] = {-1, 0, 1, 2, 3, 4, 1023, 1024, INT64_MAX / 2};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) metrics_measure(histogram, values[i]);
  metrics_view(histogram, &view);
  assert_int_equal(view.count, 9);
  assert_int_equal(view.buckets[0], 2);
  assert_int_equal(view.buckets[1], 1);
  assert_int_equal(view.buckets[2], 2);
  assert_int_equal(view.buckets[3], 1);
  assert_int_equal(view.buckets[10], 1);
  assert_int_equal(view.buckets[11], 1);
  assert_int_equal(view.buckets[62], 1);
  assert_int_equal(view.sum, INT64_MAX / 2 + 2056);
}

static void what_cannot_be_kept_is_refused_with_a_sentence(void **state) {
  struct metrics *metrics = *state;
  struct error err;
  assert_null(metrics_register(metrics, WEIR_COUNTER, "Bad-Name", NULL, NULL, 0, &err));
  assert_string_equal(
      err.text, "a metric's name is small letters, digits and _, at most 100 of them, not \"Bad-Name\"");
  assert_null(metrics_register(metrics, WEIR_COUNTER, "", NULL, NULL, 0, &err));
  assert_null(metrics_register(metrics, WEIR_COUNTER, "9x", NULL, NULL, 0, &err));
  assert_non_null(metrics_register(metrics, WEIR_COUNTER, "x", NULL, NULL, 0, &err));
  assert_null(metrics_register(metrics, WEIR_GAUGE, "x", NULL, NULL, 0, &err));
  assert_string_equal(err.text, "metric \"x\" is already registered as another kind");
}

static void count_one(void *ctx, const struct metrics_view *view) {
  assert_non_null(view->name);
  ++*(int *)ctx;
}

static void the_limit_holds_and_old_ones_stay(void **state) {
  struct metrics *metrics = *state;
  struct error err;
  char name[32];
  for (int i = 0; i < LIMIT_METRICS; i++) {
    snprintf(name, sizeof name, "m_%d", i);
    assert_non_null(metrics_register(metrics, WEIR_COUNTER, name, NULL, NULL, 0, &err));
  }
  assert_null(metrics_register(metrics, WEIR_COUNTER, "one_more", NULL, NULL, 0, &err));
  assert_string_equal(
      err.text, "metric \"one_more\" is not kept: this process has 4096 metrics, the most there may be");
  assert_non_null(metrics_register(metrics, WEIR_COUNTER, "m_17", NULL, NULL, 0, &err));
  int count = 0;
  metrics_each(metrics, count_one, &count);
  assert_int_equal(count, LIMIT_METRICS);
}

static void *measure_often(void *ctx) {
  struct metrics_label label = stage("shared");
  weir_metric *metric = metrics_register(ctx, WEIR_COUNTER, "shared_total", "shared", &label, 1, NULL);
  for (int i = 0; i < 10000; i++) metrics_measure(metric, 1);
  return NULL;
}

static void threads_share_a_metric(void **state) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, measure_often, *state), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  struct metrics_label label = stage("shared");
  struct metrics_view view;
  metrics_view(metrics_register(*state, WEIR_COUNTER, "shared_total", NULL, &label, 1, NULL), &view);
  assert_int_equal(view.value, 40000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_same_name_gives_the_same_metric, create, destroy),
      cmocka_unit_test_setup_teardown(each_kind_measures_in_its_way, create, destroy),
      cmocka_unit_test_setup_teardown(a_histogram_counts_by_significant_bits, create, destroy),
      cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_refused_with_a_sentence, create, destroy),
      cmocka_unit_test_setup_teardown(the_limit_holds_and_old_ones_stay, create, destroy),
      cmocka_unit_test_setup_teardown(threads_share_a_metric, create, destroy),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
