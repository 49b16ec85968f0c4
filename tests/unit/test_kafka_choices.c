/* test_kafka_choices.c: what is decided by a version, a budget, a code or a text, without any broker. */
#include "config/kafka_settings.h"
#include "config/node.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include "kafka/budget.h"
#include "kafka/commit_metadata.h"
#include "kafka/delivery.h"
#include "kafka/properties.h"
#include "kafka/strategy.h"
#include "unit/cmocka_all.h"
#include <stdlib.h>
#include <string.h>

enum { V_2_0_2 = 0x020002ff, V_2_6_1 = 0x020601ff, V_2_9_0 = 0x020900ff, V_2_10_0 = 0x020a00ff, V_2_12_1 = 0x020c01ff };

/* --- by version --- */

static void divides_by_what_the_version_does_right(void **state) {
  (void)state;
  const struct kafka_settings none = {0};
  struct strategy strategy = strategy_choose(&none, V_2_0_2, "2.0.2");
  assert_string_equal(strategy.name, "range");
  assert_true(strategy.by_weir);
  assert_non_null(strstr(strategy.reason, "2.0.2"));
  assert_string_equal(strategy_choose(&none, V_2_9_0, "2.9.0").name, "range");
  assert_string_equal(strategy_choose(&none, V_2_10_0, "2.10.0").name, "cooperative-sticky");
}

static void the_users_choice_wins_with_its_defect_named(void **state) {
  (void)state;
  const struct kafka_property sticky = {.name = "partition.assignment.strategy", .value = "cooperative-sticky"};
  const struct kafka_property protocol = {.name = "group.protocol", .value = "consumer"};
  const struct kafka_settings one = {.properties = &sticky, .property_count = 1};
  const struct kafka_settings two = {.properties = &protocol, .property_count = 1};
  struct strategy strategy = strategy_choose(&one, V_2_0_2, "2.0.2");
  assert_string_equal(strategy.name, "cooperative-sticky");
  assert_false(strategy.by_weir);
  assert_non_null(strstr(property_defect(sticky.name, sticky.value, V_2_0_2), "repeated"));
  assert_null(property_defect(sticky.name, sticky.value, V_2_10_0));
  assert_null(property_defect(sticky.name, "range", V_2_0_2));
  strategy = strategy_choose(&two, V_2_12_1, "2.12.1");
  assert_true(strategy.by_consumer);
  assert_false(strategy.by_weir);
  assert_null(property_defect(protocol.name, protocol.value, V_2_12_1));
  assert_non_null(property_defect(protocol.name, protocol.value, V_2_10_0));
  assert_non_null(property_flaw(protocol.name, protocol.value, V_2_0_2));
}

static void scram_is_refused_where_it_cannot_log_in(void **state) {
  (void)state;
  assert_non_null(strstr(property_flaw("sasl.mechanism", "SCRAM-SHA-512", V_2_0_2), "2.6.1"));
  assert_non_null(property_flaw("sasl.mechanisms", "scram-sha-256", V_2_0_2));
  assert_null(property_flaw("sasl.mechanism", "SCRAM-SHA-512", V_2_6_1));
  assert_null(property_flaw("sasl.mechanism", "PLAIN", V_2_0_2));
}

/* --- properties --- */

static void knows_who_takes_a_property(void **state) {
  (void)state;
  assert_int_equal(property_scope("fetch.min.bytes"), SCOPE_CONSUMER);
  assert_int_equal(property_scope("linger.ms"), SCOPE_PRODUCER);
  assert_int_equal(property_scope("client.id"), SCOPE_BOTH);
  assert_int_equal(property_scope("compression.codec"), SCOPE_PRODUCER);
  assert_int_equal(property_scope("acks"), SCOPE_PRODUCER);
  assert_int_equal(property_scope("auto.offset.reset"), SCOPE_CONSUMER);
  assert_int_equal(property_scope("test.mock.num.brokers"), SCOPE_NONE);
  assert_int_equal(property_scope("Property"), SCOPE_NONE);
  assert_int_equal(property_scope(""), SCOPE_NONE);
}

static void tells_all_wrong_properties_without_their_secrets(void **state) {
  (void)state;
  struct weir_config node = {.file = "f.yaml", .line = 3, .column = 5, .key_line = 3, .key_column = 2};
  const struct kafka_property properties[] = {
      {.name = "lingr.ms", .value = "1", .node = &node},
      {.name = "socket.timeout.ms", .value = "geheim", .masked = true, .node = &node},
      {.name = "fetch.min.bytes", .value = "offen", .node = &node},
      {.name = "sasl.mechanism", .value = "PLAIN", .node = &node},
  };
  struct pipeline_file file = {.kafka = {.properties = properties, .property_count = 4}};
  struct report report;
  report_init(&report);
  assert_false(properties_check(&file, &report));
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  report_print(&report, stream);
  fclose(stream);
  assert_int_equal(report.count, 3);
  assert_non_null(strstr(text, "did you mean 'linger.ms'"));
  assert_non_null(strstr(text, "socket.timeout.ms: its value (not shown)"));
  assert_null(strstr(text, "geheim"));
  assert_non_null(strstr(text, "offen"));
  free(text);
  report_fini(&report);
}

static void sets_what_the_side_takes(void **state) {
  (void)state;
  const struct kafka_property properties[] = {{.name = "linger.ms", .value = "7"},
      {.name = "fetch.min.bytes", .value = "9"}, {.name = "client.id", .value = "x"}};
  const struct kafka_settings settings = {.properties = properties, .property_count = 3};
  struct error err = {0};
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  assert_true(properties_apply(conf, &settings, SCOPE_CONSUMER, &err));
  assert_int_equal(properties_number(conf, "fetch.min.bytes"), 9);
  assert_int_not_equal(properties_number(conf, "queue.buffering.max.messages"), 7);
  char text[32];
  size_t size = sizeof text;
  assert_int_equal(rd_kafka_conf_get(conf, "linger.ms", text, &size), RD_KAFKA_CONF_OK);
  assert_string_not_equal(text, "7");
  rd_kafka_conf_destroy(conf);
}

/* --- numbers and texts --- */

static void the_budget_is_kept_for_the_partitions_it_names(void **state) {
  (void)state;
  for (int64_t mebibytes = 16; mebibytes <= 8192; mebibytes *= 2) {
    struct kafka_budget budget = kafka_budget_of(mebibytes << 20);
    assert_true(kafka_budget_queues(&budget, budget.partitions) <= mebibytes << 19);
    assert_true(budget.queue_kbytes >= LIMIT_QUEUE_KBYTES_LEAST && budget.queue_kbytes <= LIMIT_QUEUE_KBYTES_MOST);
    assert_true(
        budget.producer_messages * 640 <= mebibytes << 18 || budget.producer_messages == LIMIT_OUTPUT_MESSAGES_LEAST);
  }
  assert_true(kafka_budget_of(256 << 20).partitions >= LIMIT_EXPECTED_PARTITIONS);
}

static int32_t read_back(const char *text) { return commit_metadata_read(text, strlen(text)); }

static void believes_only_its_own_metadata(void **state) {
  (void)state;
  char text[COMMIT_METADATA_MAX];
  assert_string_equal(commit_metadata_write(text, 8), "weir/1 partitions=8");
  assert_int_equal(read_back(text), 8);
  assert_int_equal(read_back(commit_metadata_write(text, INT32_MAX)), INT32_MAX);
  assert_int_equal(read_back(commit_metadata_write(text, 0)), 0);
  assert_string_equal(text, "weir/1");
  const char *const others[] = {"", "weir", "weir/1 partitions=", "weir/1 partitions=0", "weir/1 partitions=-3",
      "weir/1 partitions=8x", "weir/1 partitions=99999999999", "weir/2 partitions=8", "Partitions=8"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_int_equal(read_back(others[i]), 0);
  assert_int_equal(commit_metadata_read(NULL, 0), 0);
  /* Not NUL-terminated, as it comes from the broker. */
  assert_int_equal(commit_metadata_read("weir/1 partitions=12345", 20), 12);
}

static void an_outage_is_never_the_records_fault(void **state) {
  (void)state;
  const rd_kafka_resp_err_t outages[] = {RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT,
      RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__DESTROY, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
      RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, RD_KAFKA_RESP_ERR__STATE, RD_KAFKA_RESP_ERR_UNKNOWN,
      RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION};
  for (size_t i = 0; i < sizeof outages / sizeof *outages; i++)
    for (int own = 0; own < 2; own++) assert_int_equal(delivery_of(outages[i], own), DELIVERY_LOST);
  const rd_kafka_resp_err_t refusals[] = {
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_POLICY_VIOLATION};
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
    for (int own = 0; own < 2; own++) assert_int_equal(delivery_of(refusals[i], own), DELIVERY_REFUSED);
  /* The writer's own topic is waited for; one that a record named is not. */
  assert_int_equal(delivery_of(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, true), DELIVERY_LOST);
  assert_int_equal(delivery_of(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, false), DELIVERY_REFUSED);
  assert_int_equal(delivery_of(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, true), DELIVERY_LOST);
  assert_int_equal(delivery_of(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, false), DELIVERY_REFUSED);
  assert_int_equal(delivery_of(RD_KAFKA_RESP_ERR_NO_ERROR, true), DELIVERY_CONFIRMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(divides_by_what_the_version_does_right),
      cmocka_unit_test(the_users_choice_wins_with_its_defect_named),
      cmocka_unit_test(scram_is_refused_where_it_cannot_log_in),
      cmocka_unit_test(knows_who_takes_a_property),
      cmocka_unit_test(tells_all_wrong_properties_without_their_secrets),
      cmocka_unit_test(sets_what_the_side_takes),
      cmocka_unit_test(the_budget_is_kept_for_the_partitions_it_names),
      cmocka_unit_test(believes_only_its_own_metadata),
      cmocka_unit_test(an_outage_is_never_the_records_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
