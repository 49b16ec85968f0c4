/* What a dead letter says, and what becomes of one that is too large: I8 (one that cannot be written stops its partition). Delivery rule 10. */
#include "support/runner_fixture.h"

#include <stdio.h>
#include <string.h>
#include "base/digest.h"
#include "base/span.h"

static struct fixture fixture;

static int begin(void **state) {
  fixture_init(&fixture);
  *state = &fixture;
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_stop(&fixture);
  return 0;
}

static enum stage_result reject(struct setup *setup, struct portion *portion) {
  script_see(setup, portion);
  weir_reason why = weir_because("not_json", weir_text("byte 17"));
  portion_settle(portion, 0, portion->view.record_count, WEIR_REJECT, &why);
  return STAGE_DONE;
}

static void start(void) {
  fixture_stage(&fixture, reject);
  fixture.stages[0].policy.on_failure = FAIL_DEAD_LETTER;
  fixture_sink(&fixture, script_pass);
  fixture_start(&fixture);
}

static weir_span header(uint32_t letter, const char *name) {
  const struct outgoing *outgoing = &fixture.sent[letter].outgoing;
  for (uint32_t i = outgoing->header_count; i-- > 0;)
    if (span_is(outgoing->headers[i].name, name)) return outgoing->headers[i].value;
  return (weir_span){0};
}

static void says(uint32_t letter, const char *name, const char *expected) {
  weir_span value = header(letter, name);
  if (!span_is(value, expected)) fail_msg("%s is '%.*s', expected '%s'", name, SPAN_ARGS(value), expected);
}

static void a_dead_letter_says_where_it_comes_from_and_why(void **state) {
  (void)state;
  start();
  fixture_feed(&fixture, 7, 1);
  assert_int_equal(fixture.sent_count, 1);
  const struct outgoing *outgoing = &fixture.sent[0].outgoing;
  assert_true(span_is(outgoing->key, "key") && span_is(outgoing->value, "7"));
  assert_true(span_is(outgoing->headers[0].name, "trace")); /* the record's own come first, byte for byte */
  assert_memory_equal(outgoing->headers[0].value.data, "\x01\x00\xff", 3);
  assert_true(span_is(outgoing->headers[1].name, "weir.pipeline")); /* and this begins weir's */
  says(0, "weir.pipeline", "test");
  says(0, "weir.stage", "stage");
  says(0, "weir.plugin", "scripted");
  says(0, "weir.plugin.version", "1.2.3");
  says(0, "weir.reason.code", "not_json");
  says(0, "weir.reason", "byte 17");
  says(0, "weir.attempts", "1");
  says(0, "weir.source.topic", "in");
  says(0, "weir.source.partition", "0");
  says(0, "weir.source.offset", "7");
  says(0, "weir.source.timestamp", "0");
  says(0, "weir.failed.at", "5000");
  says(0, "weir.hops", "1");
  assert_null(header(0, "weir.value").data);
  assert_int_equal(outgoing->timestamp_ms, 5000); /* so that retention counts from the failure */
}

static void the_kafka_sink_has_a_version_too(void **state) {
  (void)state;
  fixture_kafka_sink(&fixture);
  fixture.sinks[0].policy.on_failure = FAIL_DEAD_LETTER;
  fixture_start(&fixture);
  fixture_feed(&fixture, 0, 1);
  fixture_report(&fixture, 0, 1, DELIVERY_REFUSED, 10);
  says(1, "weir.plugin", "kafka");
  says(1, "weir.plugin.version", "0.0.1");
  says(1, "weir.reason.code", "message_too_large");
}

static void is_replaced(uint32_t letter, const char *was) {
  char sum[DIGEST_TEXT_MAX], size[24], expected[512];
  digest_sha256(sum, span_of(was));
  snprintf(size, sizeof size, "%zu", strlen(was));
  says(letter, "weir.value", "replaced");
  says(letter, "weir.value.bytes", size);
  says(letter, "weir.value.sha256", sum);
  says(letter, "weir.source.offset", was);
  snprintf(expected, sizeof expected,
      "{\"weir\":\"the value is too large for this topic\",\"bytes\":%s,\"sha256\":\"%s\",\"topic\":\"in\",\"partition\":0,"
      "\"offset\":%s}",
      size, sum, was);
  assert_true(span_is(fixture.sent[letter].outgoing.value, expected));
  assert_true(span_is(fixture.sent[letter].outgoing.headers[0].name, "trace"));
}

static void what_the_broker_finds_too_large_is_replaced(void **state) {
  (void)state;
  start();
  fixture_feed(&fixture, 1000, 2);
  fixture_report(&fixture, 0, 1, DELIVERY_REFUSED, 10);
  assert_int_equal(fixture.sent_count, 3);
  assert_int_equal(fixture.stopped, 0);
  is_replaced(2, "1000");
  fixture_report(&fixture, 1, 1, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled_batches, 0);
  fixture_report(&fixture, 2, 1, DELIVERY_CONFIRMED, 0);
  assert_int_equal(fixture.settled[OUTCOME_DEAD_LETTERED], 2);
}

static void what_is_known_to_be_too_large_is_replaced_at_once(void **state) {
  (void)state;
  fixture.plan.dead_letter_bytes_max = 100;
  start();
  fixture_feed(&fixture, 12, 1);
  assert_int_equal(fixture.sent_count, 1);
  is_replaced(0, "12");
}

static void what_the_producer_finds_too_large_is_replaced(void **state) {
  (void)state;
  start();
  fixture_feed(&fixture, 5, 1); /* fits */
  assert_true(span_is(fixture.sent[0].outgoing.value, "5"));
  fixture.bytes_max = 4;
  fixture_feed(&fixture, 12345, 1);
  assert_int_equal(fixture.sent_count, 1); /* the replacement is larger than that, too */
  assert_int_equal(fixture.stopped_at, 12345);
  assert_non_null(strstr(fixture.stopped_text, "cannot be written: too large"));
}

static void what_is_too_large_even_so_stops_the_partition(void **state) {
  (void)state;
  start();
  fixture_feed(&fixture, 3, 1);
  fixture_report(&fixture, 0, 1, DELIVERY_REFUSED, 10);
  fixture_report(&fixture, 1, 1, DELIVERY_REFUSED, 10);
  assert_int_equal(fixture.sent_count, 2);
  assert_int_equal(fixture.stopped, 1);
  assert_int_equal(fixture.stopped_at, 3);
  assert_int_equal(fixture.settled_batches, 0);
}

static void another_refusal_is_not_cured_by_a_smaller_value(void **state) {
  (void)state;
  start();
  fixture_feed(&fixture, 3, 1);
  fixture_report(&fixture, 0, 1, DELIVERY_REFUSED, 29);
  assert_int_equal(fixture.sent_count, 1);
  assert_int_equal(fixture.stopped_at, 3);
}

int main(void) {
#define PLAY(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      PLAY(a_dead_letter_says_where_it_comes_from_and_why),
      PLAY(the_kafka_sink_has_a_version_too),
      PLAY(what_the_broker_finds_too_large_is_replaced),
      PLAY(what_is_known_to_be_too_large_is_replaced_at_once),
      PLAY(what_the_producer_finds_too_large_is_replaced),
      PLAY(what_is_too_large_even_so_stops_the_partition),
      PLAY(another_refusal_is_not_cured_by_a_smaller_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
