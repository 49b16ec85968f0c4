/* loop.c: the rival of the bench: bare librdkafka, one thread, consumer_poll -> producev -> destroy, as fast as it can be written
 * with the guarantee that weir gives: idempotent, and at the end every delivery is confirmed. It assigns all partitions itself, so it
 * pays for no group. It does no commits. `--reports-thread` serves the delivery reports on a thread of their own. `--work` does by
 * searching bytes what weir's stages do: `filter` drops values below 20 bytes, `keep` what has no "level":"error", `add` puts
 * "severity":3 at an object's end, `keep_add` does both. `--follow` goes on at the end of the partitions, until a signal.
 *
 *   bench-loop BROKERS IN OUT [--linger MS] [--kbytes N] [--reports-thread] [--work WORK] [--follow]
 */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 4096 };

/* What is written of a record. */
struct value {
  const char *data;
  size_t size;
  char made[VALUE_MAX];
};

struct loop {
  const char *brokers, *in, *out, *linger, *kbytes;
  bool reports_thread, follow;
  bool (*work)(struct value *value); /* false: the record is dropped; NULL: all pass */
  rd_kafka_t *consumer, *producer;
  rd_kafka_topic_t *to;
  int partitions, ended;
  long read, written;
  _Atomic long confirmed, failed;
  _Atomic bool done;
};

static volatile sig_atomic_t stopping;
static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

static _Noreturn void die(const char *what, const char *why) {
  fprintf(stderr, "bench-loop: %s: %s\n", what, why);
  exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char text[256];
  if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK) die(name, text);
}

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
  (void)producer;
  struct loop *loop = opaque;
  atomic_fetch_add_explicit(message->err ? &loop->failed : &loop->confirmed, 1, memory_order_relaxed);
}

static void *serve_reports(void *opaque) {
  struct loop *loop = opaque;
  while (!atomic_load(&loop->done)) rd_kafka_poll(loop->producer, 100);
  return NULL;
}

static void open_producer(struct loop *loop) {
  char text[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", loop->brokers);
  set(conf, "enable.idempotence", "true");
  set(conf, "linger.ms", loop->linger);
  set(conf, "queue.buffering.max.messages", "1000000");
  set(conf, "socket.nagle.disable", "true");
  rd_kafka_conf_set_opaque(conf, loop);
  rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  loop->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (!loop->producer) die("producer", text);
  loop->to = rd_kafka_topic_new(loop->producer, loop->out, NULL);
}

static void open_consumer(struct loop *loop) {
  char text[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", loop->brokers);
  set(conf, "group.id", "bench-loop");
  set(conf, "enable.auto.commit", "false");
  set(conf, "enable.partition.eof", "true");
  set(conf, "auto.offset.reset", "earliest");
  set(conf, "queued.min.messages", "1000000");
  set(conf, "queued.max.messages.kbytes", loop->kbytes);
  set(conf, "socket.nagle.disable", "true");
  loop->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
  if (!loop->consumer) die("consumer", text);
  rd_kafka_poll_set_consumer(loop->consumer);
}

static void assign_all(struct loop *loop) {
  const struct rd_kafka_metadata *metadata;
  rd_kafka_topic_t *topic = rd_kafka_topic_new(loop->consumer, loop->in, NULL);
  rd_kafka_resp_err_t code = rd_kafka_metadata(loop->consumer, 0, topic, &metadata, 10000);
  if (code || metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0)
    die(loop->in, code ? rd_kafka_err2str(code) : "no such topic");
  loop->partitions = metadata->topics[0].partition_cnt;
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(loop->partitions);
  for (int i = 0; i < loop->partitions; i++)
    rd_kafka_topic_partition_list_add(list, loop->in, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(loop->consumer, list);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
}

/* --- the work -------------------------------------------------------------------------------------------------------- */

static bool is_long(struct value *value) { return value->size >= 20; }

static bool is_error(struct value *value) {
  static const char wanted[] = "\"level\":\"error\"";
  return memmem(value->data, value->size, wanted, sizeof wanted - 1) != NULL;
}

static bool add_severity(struct value *value) {
  static const char field[] = ",\"severity\":3}";
  if (value->size == 0 || value->size + sizeof field > VALUE_MAX || value->data[value->size - 1] != '}') return false;
  memcpy(value->made, value->data, value->size - 1);
  memcpy(value->made + value->size - 1, field, sizeof field - 1);
  value->data = value->made;
  value->size += sizeof field - 2;
  return true;
}

static bool keep_and_add(struct value *value) { return is_error(value) && add_severity(value); }

static bool (*work_named(const char *name))(struct value *) {
  if (!strcmp(name, "none")) return NULL;
  if (!strcmp(name, "filter")) return is_long;
  if (!strcmp(name, "keep")) return is_error;
  if (!strcmp(name, "add")) return add_severity;
  if (!strcmp(name, "keep_add")) return keep_and_add;
  die("no such work", name);
}

/* --- the loop -------------------------------------------------------------------------------------------------------- */

static void pass_on(struct loop *loop, const rd_kafka_message_t *message) {
  struct value value;
  value.data = message->payload;
  value.size = message->len;
  loop->read++;
  if (loop->work && !loop->work(&value)) return;
  loop->written++;
  rd_kafka_headers_t *headers = NULL;
  rd_kafka_resp_err_t code;
  int64_t timestamp = rd_kafka_message_timestamp(message, NULL);
  if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
    headers = rd_kafka_headers_copy(headers);
  do {
    code = rd_kafka_producev(loop->producer, RD_KAFKA_V_RKT(loop->to), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(message->key, message->key_len), RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.size),
        RD_KAFKA_V_TIMESTAMP(timestamp), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) rd_kafka_poll(loop->producer, 1);
  } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
  if (code) die("produce", rd_kafka_err2str(code));
}

static void run(struct loop *loop) {
  while (!stopping && (loop->follow || loop->ended < loop->partitions)) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(loop->consumer, 100);
    if (message) {
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        loop->ended++;
      else if (message->err)
        die("consume", rd_kafka_message_errstr(message));
      else
        pass_on(loop, message);
      rd_kafka_message_destroy(message);
    }
    if (!loop->reports_thread && (loop->read % 256 == 0 || !message)) rd_kafka_poll(loop->producer, 0);
  }
  rd_kafka_flush(loop->producer, 60000);
}

int main(int argc, char **argv) {
  if (argc < 4)
    die("usage", "bench-loop BROKERS IN OUT [--linger MS] [--kbytes N] [--reports-thread] [--work WORK] [--follow]");
  struct loop loop = {.brokers = argv[1], .in = argv[2], .out = argv[3], .linger = "5", .kbytes = "65536"};
  for (int i = 4; i < argc; i++) {
    if (!strcmp(argv[i], "--reports-thread"))
      loop.reports_thread = true;
    else if (!strcmp(argv[i], "--follow"))
      loop.follow = true;
    else if (!strcmp(argv[i], "--work") && i + 1 < argc)
      loop.work = work_named(argv[++i]);
    else if (!strcmp(argv[i], "--linger") && i + 1 < argc)
      loop.linger = argv[++i];
    else if (!strcmp(argv[i], "--kbytes") && i + 1 < argc)
      loop.kbytes = argv[++i];
    else
      die("no such option", argv[i]);
  }
  signal(SIGTERM, on_signal);
  open_producer(&loop);
  open_consumer(&loop);
  pthread_t reports;
  if (loop.reports_thread) pthread_create(&reports, NULL, serve_reports, &loop);
  assign_all(&loop);
  run(&loop);
  atomic_store(&loop.done, true);
  if (loop.reports_thread) pthread_join(reports, NULL);
  printf("{\"read\":%ld,\"confirmed\":%ld,\"failed\":%ld}\n", loop.read, (long)loop.confirmed, (long)loop.failed);
  rd_kafka_consumer_close(loop.consumer);
  rd_kafka_destroy(loop.consumer);
  rd_kafka_topic_destroy(loop.to);
  rd_kafka_destroy(loop.producer);
  return loop.confirmed == loop.written && !loop.failed ? 0 : 1;
}
