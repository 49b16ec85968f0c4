/* latency.c: runs a contender between two topics and measures it from outside, with records that carry the time at which they were
 * handed to the producer.
 *
 *   bench-latency BROKERS IN OUT RATE SECONDS COMMAND...   end to end at RATE records/s
 *   bench-latency BROKERS IN OUT first 0 COMMAND...        from the command's start to the first record in OUT; IN holds some
 *
 * One line of JSON. A latency is counted in a histogram whose buckets are 1/128 wide, relative to their value, as HDR histograms do
 * it; no sample is left out while a slow one is waited for, since producing goes on by the clock. The contender is ended by SIGTERM. */
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = 64 * SUB, SIZE = 100, PATIENCE_S = 60, WARM_UP_S = 2 };
static const int64_t second_ns = 1000000000;

struct histogram {
  uint64_t counts[BUCKETS], total;
  int64_t max;
};

struct meter {
  rd_kafka_t *consumer, *producer;
  rd_kafka_topic_t *in;
  int come[2]; /* a pipe: a byte when the consumer's queue was empty and is not any more */
  int in_partitions;
  long sent, received;
  int64_t measure_from_ns, last_ns;
  long expected, counted; /* handed over since measure_from_ns; and come back */
  struct histogram histogram;
};

static _Noreturn void die(const char *what, const char *why) {
  fprintf(stderr, "bench-latency: %s: %s\n", what, why);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (int64_t)at.tv_sec * second_ns + at.tv_nsec;
}

/* --- the histogram --------------------------------------------------------------------------------------------------- */

/* Below SUB each value has a bucket; above, each power of two is divided into SUB. */
static uint32_t bucket_of(int64_t value) {
  uint64_t rest = value < 0 ? 0 : (uint64_t)value;
  if (rest < SUB) return (uint32_t)rest;
  int shift = 63 - __builtin_clzll(rest) - SUB_BITS;
  return (uint32_t)(shift + 1) * SUB + (uint32_t)((rest >> shift) - SUB);
}

static int64_t top_of(uint32_t bucket) {
  if (bucket < SUB) return bucket;
  uint32_t shift = bucket / SUB - 1;
  return (int64_t)(((uint64_t)(bucket % SUB + SUB + 1) << shift) - 1);
}

static void count(struct histogram *histogram, int64_t value) {
  histogram->counts[bucket_of(value)]++;
  histogram->total++;
  if (value > histogram->max) histogram->max = value;
}

static double percentile_ms(const struct histogram *histogram, double percentile) {
  double wanted = percentile / 100 * (double)histogram->total;
  uint64_t seen = 0;
  for (uint32_t i = 0; i < BUCKETS; i++) {
    seen += histogram->counts[i];
    if (seen > 0 && (double)seen >= wanted) return (double)top_of(i) / 1e6;
  }
  return (double)histogram->max / 1e6;
}

/* --- Kafka ----------------------------------------------------------------------------------------------------------- */

static rd_kafka_t *open_handle(rd_kafka_type_t type, const char *const (*wanted)[2], size_t wanted_count) {
  char text[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  for (size_t i = 0; i < wanted_count; i++)
    if (rd_kafka_conf_set(conf, wanted[i][0], wanted[i][1], text, sizeof text)) die(wanted[i][0], text);
  rd_kafka_t *handle = rd_kafka_new(type, conf, text, sizeof text);
  if (!handle) die("librdkafka", text);
  return handle;
}

static int partitions_of(rd_kafka_t *handle, const char *name) {
  const struct rd_kafka_metadata *metadata;
  rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, name, NULL);
  rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 0, topic, &metadata, 10000);
  if (code) die(name, rd_kafka_err2str(code));
  int partitions = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  if (partitions == 0) die(name, "no such topic");
  return partitions;
}

/* Stands at the end of every partition of OUT when it returns. */
static void open_consumer(struct meter *meter, const char *brokers, const char *out) {
  const char *const wanted[][2] = {{"bootstrap.servers", brokers}, {"group.id", "bench-latency"},
      {"enable.auto.commit", "false"}, {"enable.partition.eof", "true"}, {"fetch.wait.max.ms", "10"},
      {"socket.nagle.disable", "true"}};
  meter->consumer = open_handle(RD_KAFKA_CONSUMER, wanted, sizeof wanted / sizeof *wanted);
  rd_kafka_poll_set_consumer(meter->consumer);
  int partitions = partitions_of(meter->consumer, out);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; i++)
    rd_kafka_topic_partition_list_add(list, out, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(meter->consumer, list);
  rd_kafka_topic_partition_list_destroy(list);
  int64_t until_ns = now_ns() + PATIENCE_S * second_ns;
  for (int ended = 0; ended < partitions;) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(meter->consumer, 100);
    if (message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) ended++;
    if (message) rd_kafka_message_destroy(message);
    if (now_ns() > until_ns) die(out, "its end was not found");
  }
}

static void open_bell(struct meter *meter) {
  if (pipe(meter->come) != 0) die("pipe", "the machine has no room for it");
  for (int i = 0; i < 2; i++) fcntl(meter->come[i], F_SETFL, O_NONBLOCK);
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(meter->consumer);
  rd_kafka_queue_io_event_enable(queue, meter->come[1], "", 1);
  rd_kafka_queue_destroy(queue);
}

/* Until a record has come, or that time. */
static void wait_until(struct meter *meter, int64_t until_ns) {
  int64_t left_ns = until_ns - now_ns();
  if (left_ns <= 0) return;
  struct timespec left = {.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
  struct pollfd bell = {.fd = meter->come[0], .events = POLLIN};
  char bytes[64];
  if (ppoll(&bell, 1, &left, NULL) > 0)
    while (read(meter->come[0], bytes, sizeof bytes) == (ssize_t)sizeof bytes) continue;
}

static void open_producer(struct meter *meter, const char *brokers, const char *in) {
  const char *const wanted[][2] = {
      {"bootstrap.servers", brokers}, {"linger.ms", "0"}, {"socket.nagle.disable", "true"}};
  meter->producer = open_handle(RD_KAFKA_PRODUCER, wanted, sizeof wanted / sizeof *wanted);
  meter->in_partitions = partitions_of(meter->producer, in);
  meter->in = rd_kafka_topic_new(meter->producer, in, NULL);
}

static void send_one(struct meter *meter) {
  char value[SIZE] = {0};
  int64_t at_ns = now_ns();
  memcpy(value, &at_ns, sizeof at_ns);
  int32_t partition = (int32_t)(meter->sent % meter->in_partitions);
  if (rd_kafka_produce(meter->in, partition, RD_KAFKA_MSG_F_COPY, value, sizeof value, NULL, 0, NULL) != 0)
    die("produce", rd_kafka_err2str(rd_kafka_last_error()));
  meter->sent++;
  if (meter->measure_from_ns && at_ns >= meter->measure_from_ns) meter->expected++;
}

/* Takes what has come, waiting for the first record up to `timeout_ms`. */
static void take(struct meter *meter, int timeout_ms) {
  rd_kafka_message_t *message;
  for (; (message = rd_kafka_consumer_poll(meter->consumer, timeout_ms)); timeout_ms = 0) {
    int64_t at_ns, came_ns = now_ns();
    if (!message->err && message->len == SIZE) {
      memcpy(&at_ns, message->payload, sizeof at_ns);
      meter->last_ns = came_ns;
      meter->received++;
      if (meter->measure_from_ns && at_ns >= meter->measure_from_ns) {
        meter->counted++;
        count(&meter->histogram, came_ns - at_ns);
      }
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_poll(meter->producer, 0);
}

/* --- the contender --------------------------------------------------------------------------------------------------- */

static pid_t start(char **command) {
  pid_t child = fork();
  if (child == 0) {
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
  }
  if (child < 0) die("fork", "the machine has no room for a process");
  return child;
}

static double stop(pid_t child) {
  struct rusage used;
  int status;
  kill(child, SIGTERM);
  if (wait4(child, &status, 0, &used) != child) die("wait", "the contender is not there");
  return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Sends by the clock until `until_ns`, whatever comes back. */
static void run_until(struct meter *meter, int64_t until_ns, long rate) {
  int64_t began_ns = now_ns();
  long first = meter->sent;
  for (int64_t at_ns = began_ns; at_ns < until_ns; at_ns = now_ns()) {
    long due = (long)((double)(at_ns - began_ns) / 1e9 * (double)rate) + 1;
    while (meter->sent - first < due) send_one(meter);
    take(meter, 0);
    wait_until(meter, began_ns + (int64_t)((double)(meter->sent - first) / (double)rate * 1e9));
  }
}

static void measure(struct meter *meter, long rate, long seconds, char **command) {
  pid_t child = start(command);
  int64_t patience_ns = now_ns() + PATIENCE_S * second_ns;
  while (meter->received == 0) { /* it may have to join a group */
    run_until(meter, now_ns() + second_ns / 10, 10);
    if (now_ns() > patience_ns) stop(child), die("no record", "nothing has come through the contender");
  }
  run_until(meter, now_ns() + WARM_UP_S * second_ns, rate);
  meter->measure_from_ns = now_ns();
  run_until(meter, meter->measure_from_ns + seconds * second_ns, rate);
  patience_ns = now_ns() + PATIENCE_S * second_ns;
  while (meter->counted < meter->expected && now_ns() < patience_ns) take(meter, 100);
  double cpu_s = stop(child);
  const struct histogram *histogram = &meter->histogram;
  printf(
      "{\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p99.9_ms\":%.3f,\"max_ms\":%.3f,\"sent\":%ld,\"received\":%ld,\"cpu_s\":%.2f}\n",
      percentile_ms(histogram, 50), percentile_ms(histogram, 99), percentile_ms(histogram, 99.9),
      (double)histogram->max / 1e6, meter->expected, meter->counted, cpu_s);
}

static void measure_first(struct meter *meter, char **command) {
  for (int i = 0; i < 1000; i++) send_one(meter);
  if (rd_kafka_flush(meter->producer, PATIENCE_S * 1000)) die("produce", "the input could not be written");
  int64_t began_ns = now_ns(), until_ns = began_ns + PATIENCE_S * second_ns;
  pid_t child = start(command);
  while (meter->received == 0 && now_ns() < until_ns) take(meter, 100);
  double took_s = (double)(meter->last_ns - began_ns) / 1e9;
  double cpu_s = stop(child);
  if (meter->received == 0) die("no record", "nothing has come through the contender");
  printf("{\"first_s\":%.3f,\"cpu_s\":%.2f}\n", took_s, cpu_s);
}

int main(int argc, char **argv) {
  if (argc < 7) die("usage", "bench-latency BROKERS IN OUT RATE|first SECONDS COMMAND...");
  static struct meter meter;
  open_consumer(&meter, argv[1], argv[3]);
  open_bell(&meter);
  open_producer(&meter, argv[1], argv[2]);
  if (!strcmp(argv[4], "first"))
    measure_first(&meter, argv + 6);
  else
    measure(&meter, strtol(argv[4], NULL, 10), strtol(argv[5], NULL, 10), argv + 6);
  rd_kafka_consumer_close(meter.consumer);
  rd_kafka_destroy(meter.consumer);
  rd_kafka_topic_destroy(meter.in);
  rd_kafka_destroy(meter.producer);
  return meter.counted == meter.expected ? 0 : 1;
}
