/* Brokers, properties, topics and the options of the Kafka sink. */
#include "config/kafka_settings.h"
#include "unit/config_play.h"

#define SOURCE "source: {topics: [t], group: g}\n"
#define KAFKA_IS(text) "pipeline: p\nkafka: " text "\n" SOURCE PLAY_SINKS
#define SINK_IS(options) PLAY_HEAD "sinks:\n  - plugin: kafka\n    options: " options "\n"

static void brokers_are_addresses(void **state) {
  (void)state;
  static const char *const fine[][2] = {{"a", "a"}, {"a:1,b:65535", "a:1,b:65535"}, {"'[::1]:9092'", "[::1]:9092"},
      {"SASL_SSL://k.example.com:9093", "SASL_SSL://k.example.com:9093"}, {"[a:9092, b]", "a:9092,b"}};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    char text[256];
    snprintf(text, sizeof text, KAFKA_IS("\n  brokers: %s"), fine[i][0]);
    struct pipeline_file *file = play_open(text, NULL);
    assert_non_null(file);
    assert_string_equal(file->kafka.brokers, fine[i][1]);
    pipeline_file_close(file);
  }
}

static void what_is_no_address_is_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "a:0", "a:65536", "a:x", "'a:9092:'", "a b", "a,,b", "':9092'", "a:9092/x", "'a,'"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char text[256];
    snprintf(text, sizeof text, KAFKA_IS("\n  brokers: %s"), wrong[i]);
    play_refused(text, ", expected host:port, several separated by commas\n");
  }
  play_refused(KAFKA_IS("{brokers: [a, 'b:x']}"), "p.yaml:2:22: brokers: found \"b:x\", expected host:port");
  play_refused(KAFKA_IS("{brokers: {a: b}}"), "p.yaml:2:18: brokers: found a map, expected a text\n");
  play_refused(KAFKA_IS("{brokers: []}"), "p.yaml:2:18: brokers: found a list, expected a text\n");
  play_refused(KAFKA_IS("{properties: {}}"),
      "p.yaml:2:8: the key \"brokers\" is missing: the addresses of Kafka, such as localhost:9092\n");
}

static void properties_keep_their_order_and_secrets_their_mask(void **state) {
  (void)state;
  struct pipeline_file *file =
      play_open(KAFKA_IS("{brokers: a, properties: {linger.ms: 5, sasl.password: x, client.id: y}}"), NULL);
  assert_non_null(file);
  assert_int_equal(file->kafka.property_count, 3);
  assert_string_equal(file->kafka.properties[0].name, "linger.ms");
  assert_string_equal(file->kafka.properties[0].value, "5");
  assert_false(file->kafka.properties[0].masked);
  assert_true(file->kafka.properties[1].masked);
  assert_int_equal(file->kafka.properties[2].node->line, 2);
  assert_string_equal(kafka_property_value(&file->kafka, "client.id"), "y");
  assert_null(kafka_property_value(&file->kafka, "acks"));
  pipeline_file_close(file);
}

static void wrong_properties_say_why(void **state) {
  (void)state;
  play_refused(KAFKA_IS("{brokers: a, properties: {group.id: x}}"),
      "p.yaml:2:34: the property group.id cannot be set here: write it as source.group\n");
  play_refused(KAFKA_IS("{brokers: a, properties: {acks: 1}}"),
      "the property acks cannot be set here: less than `all` would acknowledge records that one broker's death loses\n");
  play_refused(
      KAFKA_IS("{brokers: a, properties: {linger.ms: [5]}}"), "p.yaml:2:45: linger.ms: a property's value is text\n");
  play_refused(KAFKA_IS("{brokers: a, properties: {linger.ms: }}"), "linger.ms: found nothing, expected a text\n");
  play_refused(KAFKA_IS("{brokers: a, properties: [x]}"),
      "p.yaml:2:33: properties: found a list, expected a map of librdkafka's properties\n");
}

static void a_sink_has_defaults(void **state) {
  (void)state;
  struct pipeline_file *file = play_open(SINK_IS("{topic: out}"), NULL);
  assert_non_null(file);
  const struct kafka_sink_options *sink = file->sinks[0].kafka;
  assert_string_equal(sink->topic, "out");
  assert_string_equal(sink->partitioner, "murmur2_random");
  assert_false(sink->keep_partition);
  assert_int_equal(sink->route_count, 0);
  assert_null(sink->kafka.brokers);
  pipeline_file_close(file);
}

static void a_sink_may_say_everything(void **state) {
  (void)state;
  struct pipeline_file *file = play_open(SINK_IS("{topic: out, partition: source, routes: [a.b, ^c-], brokers: x, "
                                                 "properties: {linger.ms: 5}}"),
      NULL);
  assert_non_null(file);
  const struct kafka_sink_options *sink = file->sinks[0].kafka;
  assert_true(sink->keep_partition);
  assert_int_equal(sink->route_count, 2);
  assert_string_equal(sink->routes[0], "^a\\.b$");
  assert_string_equal(sink->routes[1], "^c-");
  assert_true(kafka_pattern_matches(sink->routes[0], "a.b") && !kafka_pattern_matches(sink->routes[0], "axb"));
  assert_false(kafka_pattern_matches(sink->routes[0], "a.bc"));
  assert_string_equal(sink->kafka.brokers, "x");
  assert_string_equal(kafka_property_value(&sink->kafka, "linger.ms"), "5");
  pipeline_file_close(file);
}

static void wrong_sinks_say_why(void **state) {
  (void)state;
  play_refused(
      PLAY_HEAD "sinks:\n  - plugin: kafka\n", "p.yaml:5:5: the key \"topic\" is missing: the topic to write to\n");
  play_refused(SINK_IS("{tpoic: x}"), "p.yaml:6:15: unknown key \"tpoic\"; did you mean \"topic\"?\n");
  play_refused(SINK_IS("{topic: a b}"),
      "p.yaml:6:22: \"a b\" cannot be a topic: it has other characters than letters, digits, '.', '_' and '-'\n");
  play_refused(SINK_IS("{topic: x, partitioner: murmur}"),
      "partitioner: found \"murmur\", expected murmur2_random, murmur2, consistent_random, consistent, fnv1a_random, fnv1a or random");
  play_refused(SINK_IS("{topic: x, partition: 5}"), "partition: found \"5\", expected key or source\n");
  play_refused(SINK_IS("{topic: x, partition: source, partitioner: random}"),
      "partitioner has no effect with `partition: source`; remove one of them\n");
  play_refused(SINK_IS("{topic: x, routes: [^(]}"),
      "\"^(\" cannot be a topic or a pattern of topics: it is not a POSIX extended regular expression\n");
}

static void topics_are_kafkas(void **state) {
  (void)state;
  char name[252];
  memset(name, 'a', sizeof name);
  name[249] = 0;
  assert_null(kafka_topic_flaw(name));
  name[249] = 'a';
  name[250] = 0;
  assert_string_equal(kafka_topic_flaw(name), "it is longer than 249 bytes");
  assert_string_equal(kafka_topic_flaw(""), "it is empty");
  assert_non_null(kafka_topic_flaw("."));
  assert_non_null(kafka_topic_flaw(".."));
  assert_null(kafka_topic_flaw("a.b_c-D9"));
}

static void expressions_that_run_long_are_refused(void **state) {
  (void)state;
  assert_null(kafka_pattern_flaw("^quakes-(eu|us)[0-9]*$"));
  assert_string_equal(
      kafka_pattern_flaw("^(a{1,255}){1,255}"), "it has a repeat count {n}: write the characters out, or use *");
  assert_string_equal(kafka_pattern_flaw("^(a)\\1"), "it has a back reference");
  assert_string_equal(kafka_pattern_flaw("^(((((((((a+)+)+)+)+)+)+)+)+)"), "it has more than 8 of +: use * instead");
  assert_null(kafka_pattern_flaw("^a+b+"));
  assert_true(kafka_pattern_matches("^quakes", "quakes-eu"));
  assert_false(kafka_pattern_matches("quakes", "quakes-eu"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(brokers_are_addresses),
      cmocka_unit_test(what_is_no_address_is_refused),
      cmocka_unit_test(properties_keep_their_order_and_secrets_their_mask),
      cmocka_unit_test(wrong_properties_say_why),
      cmocka_unit_test(a_sink_has_defaults),
      cmocka_unit_test(a_sink_may_say_everything),
      cmocka_unit_test(wrong_sinks_say_why),
      cmocka_unit_test(topics_are_kafkas),
      cmocka_unit_test(expressions_that_run_long_are_refused),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
