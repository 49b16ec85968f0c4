/* What only several keys together tell. */
#include "unit/config_play.h"

#define KAFKA_SINK(options) PLAY_HEAD "sinks:\n  - plugin: kafka\n    options: " options "\n"

static void what_is_not_built_is_refused_by_name(void **state) {
  (void)state;
  play_refused(KAFKA_SINK("{topic: x}") "delivery: exactly_once\n",
      "p.yaml:7:11: delivery: exactly_once is not available in this version; use at_least_once\n");
  play_refused(PLAY_FINE "order: key\n", "p.yaml:5:8: order: key is not available in this version; use partition\n");
  play_refused(PLAY_FINE "order: none\n", "p.yaml:5:8: order: none is not available in this version; use partition\n");
}

static void exactly_once_has_reasons_against_it(void **state) {
  (void)state;
  struct pipeline_file *file = play_open(PLAY_HEAD "sinks:\n  - {plugin: kafka, options: {topic: x}}\n"
                                                   "  - {plugin: kafka, name: far, options: {topic: x, brokers: b}}\n"
                                                   "  - plugin: blackhole\n",
      NULL);
  assert_non_null(file);
  assert_int_equal(file->exactly_once_refused_count, 3);
  assert_string_equal(file->exactly_once_refused[0], "is not available in this version; use at_least_once");
  assert_string_equal(file->exactly_once_refused[1],
      "cannot cover the sink far: it has brokers of its own, and a transaction ends at the cluster's border");
  assert_string_equal(
      file->exactly_once_refused[2], "cannot cover the sink blackhole: only Kafka's topics are part of a transaction");
  pipeline_file_close(file);
  play_refused(PLAY_FINE "delivery: exactly_once\n",
      "p.yaml:5:11: delivery: exactly_once cannot cover the sink blackhole: only Kafka's topics are part of a transaction\n");
}

static void a_drain_ends_before_kafka_loses_patience(void **state) {
  (void)state;
  play_refused(PLAY_FINE "drain: 3m\n",
      "p.yaml:5:8: drain: 3m is not below half of max.poll.interval.ms (300000 ms): Kafka would take the partitions away while they drain\n");
  play_refused(
      "pipeline: p\nkafka: {brokers: a, properties: {max.poll.interval.ms: 30000}}\nsource: {topics: [t], group: g}\n" PLAY_SINKS,
      "p.yaml:1:1: drain: 20s is not below half of max.poll.interval.ms (30000 ms)");
  struct pipeline_file *file = play_open(
      "pipeline: p\nkafka: {brokers: a, properties: {max.poll.interval.ms: 600000}}\nsource: {topics: [t], group: g}\ndrain: 4m\n" PLAY_SINKS,
      NULL);
  assert_non_null(file);
  pipeline_file_close(file);
}

static void a_batch_fits_between_commits(void **state) {
  (void)state;
  play_refused(PLAY_FINE "commit: {uncommitted: 999}\n",
      "p.yaml:5:23: commit.uncommitted: 999 is less than batch.records (1000), so no batch could ever begin\n");
  play_refused(PLAY_FINE "commit: {uncommitted: 5}\nbatch: {records: 6}\n",
      "commit.uncommitted: 5 is less than batch.records (6)");
}

static void nothing_feeds_itself(void **state) {
  (void)state;
  static const char loop[] =
      "p.yaml:6:22: this pipeline reads the topic that it writes here: every record would come back for ever; write elsewhere, or say `when`\n";
  play_refused(KAFKA_SINK("{topic: t}"), loop);
  play_refused(
      "pipeline: p\nkafka: {brokers: a}\nsource: {topics: [x, ^ou], group: g}\nsinks:\n  - plugin: kafka\n    options: {topic: out}\n",
      loop);
  play_refused(PLAY_FINE "dead_letter: {topic: t}\n",
      "p.yaml:5:22: the dead-letter topic is one that this pipeline reads: a rejected record would come back for ever\n");
  static const char *const fine[] = {KAFKA_SINK("{topic: t, brokers: elsewhere}"),
      KAFKA_SINK("{topic: t}") "    when: record.again\n", KAFKA_SINK("{topic: t2}")};
  for (size_t i = 0; i < 3; i++) {
    struct pipeline_file *file = play_open(fine[i], NULL);
    assert_non_null(file);
    pipeline_file_close(file);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_built_is_refused_by_name),
      cmocka_unit_test(exactly_once_has_reasons_against_it),
      cmocka_unit_test(a_drain_ends_before_kafka_loses_patience),
      cmocka_unit_test(a_batch_fits_between_commits),
      cmocka_unit_test(nothing_feeds_itself),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
