/* Which librdkafka properties a pipeline file may set, and which are secret (I14). */
#include "config/kafka_properties.h"
#include "unit/cmocka_all.h"

static void what_weir_must_own_is_refused(void **state) {
  (void)state;
  static const char *const names[] = {"bootstrap.servers", "metadata.broker.list", "group.id", "group.instance.id",
      "auto.offset.reset", "enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms",
      "enable.auto.offset.store", "offset.store.method", "offset.store.path", "enable.partition.eof", "isolation.level",
      "transactional.id", "transaction.timeout.ms", "delivery.report.only.error", "queuing.strategy", "partitioner",
      "enabled_events", "log.queue", "opaque", "default_topic_conf", "interceptors", "dr_msg_cb", "rebalance_cb",
      "ssl.certificate.verify_cb", "log_cb", "test.mock.num.brokers", "test.mock.broker.rtt", "plugin.library.paths",
      "ssl.engine.location", "ssl.engine.id", "ssl_engine_callback_data", "sasl.kerberos.kinit.cmd"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!kafka_property_refusal(names[i], "x")) print_error("%s was taken\n", names[i]);
    assert_non_null(kafka_property_refusal(names[i], "x"));
  }
}

static void what_is_the_users_is_taken(void **state) {
  (void)state;
  static const char *const names[] = {"queued.min.messages", "security.protocol", "sasl.password", "linger.ms",
      "max.poll.interval.ms", "session.timeout.ms", "partition.assignment.strategy", "group.protocol",
      "compression.type", "client.id", "ssl.ca.location", "test.mocking", "group.ids"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_null(kafka_property_refusal(names[i], "x"));
}

static void some_depend_on_the_value(void **state) {
  (void)state;
  assert_null(kafka_property_refusal("acks", "all"));
  assert_null(kafka_property_refusal("request.required.acks", "-1"));
  assert_non_null(kafka_property_refusal("acks", "1"));
  assert_non_null(kafka_property_refusal("request.required.acks", "0"));
  assert_null(kafka_property_refusal("enable.idempotence", "true"));
  assert_non_null(kafka_property_refusal("enable.idempotence", "false"));
}

static void secrets_are_known_by_name(void **state) {
  (void)state;
  static const char *const secret[] = {"sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password",
      "sasl.oauthbearer.client.secret", "sasl.oauthbearer.config", "sasl.oauthbearer.assertion.private.key.pem",
      "sasl.oauthbearer.assertion.private.key.passphrase"};
  for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) assert_true(kafka_property_is_secret(secret[i]));
  static const char *const open[] = {
      "sasl.username", "ssl.ca.location", "sasl.oauthbearer.token.endpoint.url", "ssl.key.location"};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) assert_false(kafka_property_is_secret(open[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_weir_must_own_is_refused),
      cmocka_unit_test(what_is_the_users_is_taken),
      cmocka_unit_test(some_depend_on_the_value),
      cmocka_unit_test(secrets_are_known_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
