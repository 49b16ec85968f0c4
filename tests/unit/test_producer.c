/* test_producer.c: what is written, how it is reported, and what happens when the queue is full or the producer breaks. */
#include "unit/kafka_rig.h"
#include <pthread.h>
#include "base/inbox.h"
#include "base/span.h"
#include "base/trouble.h"
#include "config/kafka_settings.h"
#include "kafka/producer.h"
#include "kafka/producer_inside.h"

enum { PRODUCE = 0, DELIVERIES = 64 };

/* A lane without a lane: waits for its shipment. */
struct lane_double {
  struct inbox inbox;
  pthread_mutex_t lock;
  pthread_cond_t told;
  int calls;
};

static void lane_told(void *ctx) {
  struct lane_double *lane = ctx;
  pthread_mutex_lock(&lane->lock);
  lane->calls++;
  pthread_cond_signal(&lane->told);
  pthread_mutex_unlock(&lane->lock);
}

static void lane_init(struct lane_double *lane) {
  *lane = (struct lane_double){0};
  pthread_mutex_init(&lane->lock, NULL);
  pthread_cond_init(&lane->told, NULL);
}

static bool lane_await(struct lane_double *lane, int calls) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += RIG_PATIENCE_MS / 1000;
  pthread_mutex_lock(&lane->lock);
  int failure = 0;
  while (lane->calls < calls && !failure) failure = pthread_cond_timedwait(&lane->told, &lane->lock, &deadline);
  bool told = lane->calls >= calls;
  pthread_mutex_unlock(&lane->lock);
  return told;
}

struct play {
  char topic[RIG_NAME], group[RIG_NAME];
  struct rig_file file;
  struct producer *producer;
  const struct writer *writer;
  struct lane_double lane;
  struct shipment shipment;
  struct delivery deliveries[DELIVERIES];
  int sent;
};

static void play_start(struct play *play) {
  struct error err = {0};
  play->producer = producer_open(&play->file.file, NULL, 2, &err);
  if (!play->producer) fail_msg("%s", err.text);
  play->writer = producer_writer(play->producer, play->topic, "murmur2_random", true, &err);
  assert_non_null(play->writer);
  lane_init(&play->lane);
  play->shipment = (struct shipment){.inbox = &play->lane.inbox, .notify = lane_told, .ctx = &play->lane};
  atomic_init(&play->shipment.open, 1);
}

static void play_init(struct play *play, const char *name, int32_t partitions) {
  *play = (struct play){0};
  rig_topic(rig_name(play->topic, name), partitions);
  rig_file(&play->file, play->topic, rig_name(play->group, "group"), START_EARLIEST);
}

static enum write_result play_write(struct play *play, struct outgoing outgoing, struct error *err) {
  struct delivery *delivery = &play->deliveries[play->sent];
  *delivery = (struct delivery){.shipment = &play->shipment};
  atomic_fetch_add(&play->shipment.open, 1);
  enum write_result result = writer_write(play->writer, &outgoing, delivery, err);
  if (result == WRITE_ACCEPTED)
    play->sent++;
  else
    atomic_fetch_sub(&play->shipment.open, 1);
  return result;
}

static struct outgoing out(const char *value) {
  return (struct outgoing){.value = span_of(value), .partition = 0, .timestamp_ms = -1};
}

/* All reports are in: the shipment came once. */
static void play_settle(struct play *play) {
  shipment_close_one(&play->shipment);
  assert_true(lane_await(&play->lane, 1));
  assert_ptr_equal(inbox_take(&play->lane.inbox), &play->shipment.node);
  play->lane.calls = 0;
  atomic_store(&play->shipment.open, 1);
}

static struct error no_error;

static void confirms_each_record_with_its_place(void **state) {
  (void)state;
  struct play play;
  play_init(&play, "confirm", 2);
  play_start(&play);
  for (int i = 0; i < 10; i++) assert_int_equal(play_write(&play, out("x"), &no_error), WRITE_ACCEPTED);
  play_settle(&play);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(play.deliveries[i].state, DELIVERY_CONFIRMED);
    assert_int_equal(play.deliveries[i].partition, 0);
    assert_int_equal(play.deliveries[i].offset, i);
  }
  producer_close(play.producer, 1000);
}

/* Writes records with everything that is odd about records, and reads them back. */
static void writes_byte_for_byte(void **state) {
  (void)state;
  struct play play;
  play_init(&play, "bytes", 1);
  play_start(&play);
  static uint8_t large[4000];
  for (size_t i = 0; i < sizeof large; i++) large[i] = (uint8_t)(i * 7);
  const weir_header headers[] = {{span_of("a"), span_of("1")}, {span_of("a"), {large, 300}},
      {span_of("null"), {NULL, 0}}, {span_of("empty"), span_of("")}};
  const struct outgoing outgoing[] = {
      {.key = {NULL, 0}, .value = {NULL, 0}, .timestamp_ms = 1},
      {.key = span_of(""), .value = span_of(""), .timestamp_ms = 1234567890123, .headers = headers, .header_count = 4},
      {.key = {large, 256}, .value = {large, sizeof large}, .timestamp_ms = 2},
  };
  for (int i = 0; i < 3; i++) assert_int_equal(play_write(&play, outgoing[i], &no_error), WRITE_ACCEPTED);
  play_settle(&play);
  producer_close(play.producer, 1000);

  struct member member = {0};
  struct arena arena;
  arena_init(&arena, 0);
  member_open(&member, &play.file);
  member_await(&member, 1);
  for (int i = 0; i < 3;) {
    void *message = NULL;
    weir_record view;
    int64_t offset = -1;
    if (feed_take(member.feeds[0], &message, &view, &offset, &no_error) != FEED_RECORD) {
      consumer_poll(member.consumer, 5);
      continue;
    }
    assert_true(span_equal(view.key, outgoing[i].key));
    assert_true(span_equal(view.value, outgoing[i].value));
    assert_int_equal(view.timestamp_ms, outgoing[i].timestamp_ms);
    const weir_header *read = NULL;
    uint32_t count = 0;
    assert_true(feed_source()->headers(message, &arena, &read, &count));
    assert_int_equal(count, outgoing[i].header_count);
    for (uint32_t j = 0; j < count; j++) {
      assert_true(span_equal(read[j].name, headers[j].name));
      assert_true(span_equal(read[j].value, headers[j].value));
    }
    feed_source()->release(&message, 1);
    i++;
  }
  arena_fini(&arena);
  member_close(&member);
}

/* As Java's partitioner does: murmur2("foobar") is -790332482 (Kafka's own test has the number). */
static void divides_keys_as_java_does(void **state) {
  (void)state;
  struct play play;
  play_init(&play, "murmur", 4);
  play_start(&play);
  struct outgoing outgoing = out("x");
  outgoing.partition = -1;
  outgoing.key = span_of("foobar");
  for (int i = 0; i < 5; i++) assert_int_equal(play_write(&play, outgoing, &no_error), WRITE_ACCEPTED);
  play_settle(&play);
  for (int i = 0; i < 5; i++) assert_int_equal(play.deliveries[i].partition, (-790332482 & 0x7fffffff) % 4);
  producer_close(play.producer, 1000);
}

static void refuses_a_record_that_is_too_large_or_goes_nowhere(void **state) {
  (void)state;
  struct play play;
  struct error err = {0};
  play_init(&play, "refuse", 1);
  rig_property(&play.file, "message.max.bytes", "10000");
  play_start(&play);
  static uint8_t large[20000];
  struct outgoing outgoing = out("x");
  outgoing.value = (weir_span){large, sizeof large};
  assert_int_equal(play_write(&play, outgoing, &err), WRITE_REFUSED);
  assert_int_equal(err.code, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  assert_string_equal(play.writer->code_name(err.code), "MSG_SIZE_TOO_LARGE");
  outgoing = out("x");
  outgoing.topic = span_of("no such/topic");
  assert_int_equal(play_write(&play, outgoing, &err), WRITE_REFUSED);
  assert_non_null(strstr(err.text, "no name of a topic"));
  outgoing.topic = weir_bytes("a\0b", 3);
  assert_int_equal(play_write(&play, outgoing, &err), WRITE_REFUSED);
  /* A partition that does not exist: at once when the topic is known, else with the report. */
  outgoing = out("x");
  assert_int_equal(play_write(&play, outgoing, &err), WRITE_ACCEPTED);
  outgoing.partition = 77;
  enum write_result result = play_write(&play, outgoing, &err);
  play_settle(&play);
  assert_int_equal(play.deliveries[0].state, DELIVERY_CONFIRMED);
  /* Given back when the topic was not known yet: the next call knows. */
  if (result == WRITE_ACCEPTED) assert_int_equal(play.deliveries[1].state, DELIVERY_LOST);
  assert_int_equal(play_write(&play, outgoing, &err), WRITE_REFUSED);
  assert_non_null(strstr(err.text, "has no partition 77"));
  producer_close(play.producer, 1000);
}

static void says_when_the_queue_has_room_again(void **state) {
  (void)state;
  struct play play;
  play_init(&play, "full", 1);
  rig_property(&play.file, "queue.buffering.max.messages", "10");
  rig_property(&play.file, "linger.ms", "100");
  play_start(&play);
  enum write_result result = WRITE_ACCEPTED;
  while ((result = play_write(&play, out("x"), &no_error)) == WRITE_ACCEPTED) assert_true(play.sent < DELIVERIES);
  assert_int_equal(result, WRITE_FULL);
  assert_int_equal(play.sent, 10);
  struct lane_double waiting;
  lane_init(&waiting);
  play.writer->when_room(play.writer->ctx, 1, lane_told, &waiting);
  assert_true(lane_await(&waiting, 1));
  play_settle(&play);
  /* And at once when there is room already. */
  play.writer->when_room(play.writer->ctx, 0, lane_told, &waiting);
  assert_true(lane_await(&waiting, 2));
  assert_int_equal(play_write(&play, out("x"), &no_error), WRITE_ACCEPTED);
  play_settle(&play);
  producer_close(play.producer, 1000);
}

/* Bytes fill the queue long before its number of messages does; and what is larger than the queue must not wait for ever. */
static void a_queue_that_is_full_of_bytes_wakes_nobody_too_early(void **state) {
  (void)state;
  struct play play;
  struct error err = {0};
  play_init(&play, "bytes", 1);
  rig_property(&play.file, "queue.buffering.max.kbytes", "64");
  rig_property(&play.file, "linger.ms", "300");
  play_start(&play);
  static uint8_t bytes[66000];
  struct outgoing outgoing = out("x");
  outgoing.value = (weir_span){bytes, 20000};
  while (play_write(&play, outgoing, &err) == WRITE_ACCEPTED) assert_true(play.sent < 4);
  assert_int_equal(play.sent, 3);
  struct lane_double waiting;
  lane_init(&waiting);
  play.writer->when_room(play.writer->ctx, 1, lane_told, &waiting);
  assert_int_equal(waiting.calls, 0);
  assert_true(lane_await(&waiting, 1));
  assert_int_equal(play_write(&play, outgoing, &err), WRITE_ACCEPTED);
  play_settle(&play);
  outgoing.value.size = sizeof bytes;
  assert_int_equal(play_write(&play, outgoing, &err), WRITE_REFUSED);
  assert_non_null(strstr(err.text, "66000 bytes"));
  producer_close(play.producer, 1000);
}

static void reports_as_lost_what_could_not_be_sent(void **state) {
  (void)state;
  struct play play;
  play_init(&play, "lost", 1);
  play.file.file.kafka.brokers = "127.0.0.1:1";
  play_start(&play);
  for (int i = 0; i < 5; i++) assert_int_equal(play_write(&play, out("x"), &no_error), WRITE_ACCEPTED);
  producer_close(play.producer, 100);
  play_settle(&play);
  for (int i = 0; i < 5; i++) assert_int_equal(play.deliveries[i].state, DELIVERY_LOST);
}

static void a_broken_producer_is_made_anew_and_its_records_are_given_back(void **state) {
  (void)state;
  struct play play;
  play_init(&play, "fatal", 1);
  rig_property(&play.file, "linger.ms", "2000");
  play_start(&play);
  uint64_t broken = trouble_counted(TROUBLE_PRODUCER_BROKEN);
  for (int i = 0; i < 5; i++) assert_int_equal(play_write(&play, out("x"), &no_error), WRITE_ACCEPTED);
  assert_int_equal(rd_kafka_test_fatal_error(
                       play.producer->handle, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "made up by the test"),
      0);
  play_settle(&play);
  for (int i = 0; i < 5; i++) assert_int_equal(play.deliveries[i].state, DELIVERY_LOST);
  assert_true(trouble_counted(TROUBLE_PRODUCER_BROKEN) > broken);
  /* While it is being made a lane is told to wait, and then called. */
  struct lane_double waiting;
  lane_init(&waiting);
  play.sent = 0;
  int called = 0;
  while (play.sent < 5) {
    if (play_write(&play, out("y"), &no_error) == WRITE_ACCEPTED) continue;
    play.writer->when_room(play.writer->ctx, 1, lane_told, &waiting);
    assert_true(lane_await(&waiting, ++called));
  }
  play_settle(&play);
  for (int i = 0; i < 5; i++) assert_int_equal(play.deliveries[i].state, DELIVERY_CONFIRMED);
  producer_close(play.producer, 1000);
}

struct knocker {
  const struct writer *writer;
  _Atomic bool stop;
};

static void *knock(void *arg) {
  struct knocker *knocker = arg;
  while (!atomic_load(&knocker->stop))
    if (knocker->writer->begin(knocker->writer->ctx)) knocker->writer->end(knocker->writer->ctx);
  return NULL;
}

/* Lanes that find the gate shut turn away; the old handle goes beside them. */
static void lanes_may_knock_while_the_producer_is_made_anew(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  struct play play;
  struct knocker knocker = {0};
  pthread_t threads[2];
  play_init(&play, "knock", 1);
  play_start(&play);
  knocker.writer = play.writer;
  for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, knock, &knocker), 0);
  assert_int_equal(rd_kafka_test_fatal_error(
                       play.producer->handle, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "made up by the test"),
      0);
  struct lane_double waiting;
  lane_init(&waiting);
  for (int calls = 1; play_write(&play, out("x"), &no_error) == WRITE_FULL; calls++) {
    play.writer->when_room(play.writer->ctx, 1, lane_told, &waiting);
    assert_true(lane_await(&waiting, calls));
  }
  atomic_store(&knocker.stop, true);
  for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  play_settle(&play);
  assert_int_equal(play.deliveries[0].state, DELIVERY_CONFIRMED);
  producer_close(play.producer, 1000);
}

/* The right to write was taken away: no record is to blame, so none meets its `on_failure`. */
static void what_may_not_be_written_waits_until_it_may(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  struct play play;
  play_init(&play, "forbidden", 1);
  play_start(&play);
  uint64_t refusals = trouble_counted(TROUBLE_NOT_ALLOWED), again = trouble_counted(TROUBLE_SENT_AGAIN);
  rd_kafka_mock_push_request_errors(mock_cluster(rig.mock), PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  assert_int_equal(play_write(&play, out("x"), &no_error), WRITE_ACCEPTED);
  play_settle(&play);
  assert_int_equal(play.deliveries[0].state, DELIVERY_LOST);
  assert_int_equal(trouble_counted(TROUBLE_NOT_ALLOWED), refusals + 1);
  assert_int_equal(trouble_counted(TROUBLE_SENT_AGAIN), again + 1);
  /* As long as librdkafka has not looked again it takes nothing for the topic, and a lane that waits is called. */
  struct lane_double waiting;
  lane_init(&waiting);
  play.sent = 0;
  for (int calls = 1; play_write(&play, out("x"), &no_error) == WRITE_FULL; calls++) {
    play.writer->when_room(play.writer->ctx, 1, lane_told, &waiting);
    assert_true(lane_await(&waiting, calls));
  }
  assert_int_equal(play.sent, 1);
  play_settle(&play);
  assert_int_equal(play.deliveries[0].state, DELIVERY_CONFIRMED);
  /* A topic that a record has named itself is another matter. */
  struct outgoing outgoing = out("x");
  outgoing.topic = span_of("named-by-a-record");
  rig_topic("named-by-a-record", 1);
  rd_kafka_mock_push_request_errors(mock_cluster(rig.mock), PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  play.sent = 0;
  assert_int_equal(play_write(&play, outgoing, &no_error), WRITE_ACCEPTED);
  play_settle(&play);
  assert_int_equal(play.deliveries[0].state, DELIVERY_REFUSED);
  producer_close(play.producer, 1000);
}

/* The broker refuses a whole batch; only the record that is too large on its own is refused in the end. */
static void innocent_records_of_a_refused_batch_are_sent_again(void **state) {
  (void)state;
  if (rig_is_real()) skip();
  struct play play;
  play_init(&play, "batch", 1);
  rig_property(&play.file, "linger.ms", "50");
  rig_property(&play.file, "batch.size", "4000");
  play_start(&play);
  for (int i = 0; i < 3; i++)
    rd_kafka_mock_push_request_errors(mock_cluster(rig.mock), PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  for (int i = 0; i < 3; i++) assert_int_equal(play_write(&play, out("small"), &no_error), WRITE_ACCEPTED);
  play_settle(&play);
  for (int i = 0; i < 3; i++) assert_int_equal(play.deliveries[i].state, DELIVERY_LOST);
  assert_true(play.producer->batch_bytes_wanted == 2000);
  producer_close(play.producer, 1000);
  rd_kafka_mock_clear_request_errors(mock_cluster(rig.mock), PRODUCE);
}

/* A topic whose limit is below a usual batch: known before the first record, so that no batch is refused. */
static void keeps_batches_below_the_topics_limit(void **state) {
  (void)state;
  if (!rig_is_real()) skip();
  struct play play = {0};
  struct error err = {0};
  int64_t limit = 0;
  rig_topic_real(rig_name(play.topic, "limit"), 1, "max.message.bytes", "2000");
  rig_file(&play.file, play.topic, "group", START_EARLIEST);
  rig_property(&play.file, "linger.ms", "50");
  play_start(&play);
  assert_true(producer_check_topic(play.producer, play.topic, RIG_PATIENCE_MS, &limit, &err));
  assert_int_equal(limit, 2000);
  static uint8_t bytes[3000];
  struct lane_double waiting;
  lane_init(&waiting);
  int called = 0;
  while (play.sent < 31) {
    struct outgoing outgoing = out("x");
    outgoing.value = (weir_span){bytes, play.sent == 10 ? sizeof bytes : 300};
    if (play_write(&play, outgoing, &err) == WRITE_ACCEPTED) continue;
    play.writer->when_room(play.writer->ctx, 1, lane_told, &waiting);
    assert_true(lane_await(&waiting, ++called));
  }
  play_settle(&play);
  for (int i = 0; i < 31; i++)
    assert_int_equal(play.deliveries[i].state, i == 10 ? DELIVERY_REFUSED : DELIVERY_CONFIRMED);
  producer_close(play.producer, 1000);
}

static void names_the_missing_topic_to_write_to(void **state) {
  (void)state;
  struct play play;
  struct error err = {0};
  char wrong[RIG_NAME + 1];
  int64_t limit = 0;
  play_init(&play, "write", 1);
  play_start(&play);
  snprintf(wrong, sizeof wrong, "x%s", play.topic);
  assert_false(producer_check_topic(play.producer, wrong, RIG_PATIENCE_MS, &limit, &err));
  assert_non_null(strstr(err.text, wrong));
  assert_non_null(strstr(err.text, play.topic));
  /* The mock does not know the question for the limit; it must not cost the whole time. */
  int64_t before_ms = rig_now_ms();
  assert_true(producer_check_topic(play.producer, play.topic, RIG_PATIENCE_MS, &limit, &err));
  assert_int_equal(limit, rig_is_real() ? 1048588 : -1);
  assert_true(rig_now_ms() - before_ms < RIG_PATIENCE_MS / 4);
  assert_null(producer_writer(play.producer, play.topic, "random", false, &err));
  assert_non_null(strstr(err.text, "two partitioners"));
  producer_close(play.producer, 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(confirms_each_record_with_its_place),
      cmocka_unit_test(writes_byte_for_byte),
      cmocka_unit_test(divides_keys_as_java_does),
      cmocka_unit_test(refuses_a_record_that_is_too_large_or_goes_nowhere),
      cmocka_unit_test(says_when_the_queue_has_room_again),
      cmocka_unit_test(a_queue_that_is_full_of_bytes_wakes_nobody_too_early),
      cmocka_unit_test(reports_as_lost_what_could_not_be_sent),
      cmocka_unit_test(a_broken_producer_is_made_anew_and_its_records_are_given_back),
      cmocka_unit_test(lanes_may_knock_while_the_producer_is_made_anew),
      cmocka_unit_test(what_may_not_be_written_waits_until_it_may),
      cmocka_unit_test(innocent_records_of_a_refused_batch_are_sent_again),
      cmocka_unit_test(keeps_batches_below_the_topics_limit),
      cmocka_unit_test(names_the_missing_topic_to_write_to),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
