/* probe_produce.c: generated records, sent by an idempotent producer that waits for all acknowledgements. A record counts as
 * sent only when its delivery report says so. */
#include "probe.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 2 << 20 };

/* What to make, and where it stands. */
struct generator {
  const char *topic;
  rd_kafka_t *client;
  rd_kafka_topic_t *handle;
  int partitions, only_partition;
  int64_t first_id, keys;
  size_t size;
  const char *template;
  FILE *file;
  bool bare, odd;
  int64_t *seq; /* next one of each partition */
  char *value;
  int64_t confirmed, failed;
  rd_kafka_resp_err_t failure; /* the last one's */
};

static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  struct generator *generator = opaque;
  (void)client;
  if (message->err) {
    generator->failed++;
    generator->failure = message->err;
  } else {
    generator->confirmed++;
  }
}

/* One record in the making; spans as in Kafka: NULL is null. */
struct made {
  char key[32];
  const void *key_data, *value_data;
  size_t key_size, value_size;
  int64_t timestamp_ms; /* 0: now */
  int partition;
};

enum { NUMBER_ROOM = 24 }; /* for any 64-bit number */

static size_t put_number(char *into, long long number) { return (size_t)snprintf(into, NUMBER_ROOM, "%lld", number); }

/* The template with its three names replaced. */
static size_t fill_template(const struct generator *generator, int64_t id, int partition, int64_t seq) {
  const struct {
    const char *name;
    long long number;
  } names[] = {{"{id}", id}, {"{seq}", seq}, {"{partition}", partition}};
  char *out = generator->value;
  for (const char *in = generator->template; *in;) {
    if (out - generator->value > VALUE_MAX - 32)
      probe_fail(EXIT_USAGE, "--template makes values above %d bytes", VALUE_MAX);
    size_t i = 0;
    while (i < 3 && strncmp(in, names[i].name, strlen(names[i].name)) != 0) i++;
    if (i == 3) {
      *out++ = *in++;
    } else {
      out += put_number(out, names[i].number);
      in += strlen(names[i].name);
    }
  }
  return (size_t)(out - generator->value);
}

static size_t fill_padded(const struct generator *generator, int64_t id, int partition, int64_t seq) {
  char *value = generator->value;
  size_t used = (size_t)snprintf(value, VALUE_MAX, "{\"id\":%lld,\"partition\":%d,\"seq\":%lld,\"pad\":\"",
      (long long)id, partition, (long long)seq);
  if (used + 2 < generator->size) {
    memset(value + used, 'x', generator->size - used - 2);
    used = generator->size - 2;
  }
  memcpy(value + used, "\"}", 2);
  return used + 2;
}

/* The next line without its end; at the end of the file again from the start. */
static size_t fill_line(const struct generator *generator) {
  for (int tries = 0; tries < 2; tries++) {
    if (fgets(generator->value, VALUE_MAX, generator->file)) {
      size_t size = strlen(generator->value);
      if (size > 0 && generator->value[size - 1] == '\n') size--;
      return size;
    }
    rewind(generator->file);
  }
  probe_fail(EXIT_USAGE, "--file has no line");
}

/* Eight shapes in turn that a copy must keep byte for byte. */
static void make_odd(struct made *made, int64_t id) {
  static const char binary[] = {0, 1, '\n', (char)0xff, (char)0xc3, 0x28, 0, '"'};
  int shape = (int)(id % 8);
  made->key_data = shape == 0 ? NULL : shape == 1 ? "" : shape == 2 ? binary : made->key;
  made->key_size = shape <= 1 ? 0 : shape == 2 ? sizeof binary : put_number(made->key, id);
  made->value_data = shape == 3 ? NULL : shape == 4 ? "" : (const void *)binary;
  made->value_size = shape == 3 || shape == 4 ? 0 : sizeof binary - (size_t)(id % 3);
  made->timestamp_ms = shape == 5 ? 1 : shape == 6 ? 1000000000000 + id : 0;
}

static rd_kafka_headers_t *odd_headers(rd_kafka_headers_t *headers, int64_t id) {
  if (id % 8 >= 6) {
    rd_kafka_header_add(headers, "twice", -1, "a", 1);
    rd_kafka_header_add(headers, "twice", -1, "\0b", 2);
    rd_kafka_header_add(headers, "none", -1, NULL, 0);
    rd_kafka_header_add(headers, "", -1, "unnamed", 7);
    rd_kafka_header_add(headers, "empty", -1, "", 0);
  }
  return headers;
}

static int place(const struct generator *generator, struct made *made, int64_t id) {
  if (generator->keys > 0) {
    made->key[0] = 'k';
    made->key_data = made->key;
    made->key_size = 1 + put_number(made->key + 1, id % generator->keys);
    return rd_kafka_msg_partitioner_murmur2(
        generator->handle, made->key_data, made->key_size, generator->partitions, NULL, NULL);
  }
  return generator->only_partition >= 0 ? generator->only_partition : (int)(id % generator->partitions);
}

static void make(struct generator *generator, struct made *made, int64_t id) {
  memset(made, 0, sizeof *made);
  made->partition = place(generator, made, id);
  int64_t seq = generator->seq[made->partition];
  if (generator->odd) {
    make_odd(made, id);
    return;
  }
  made->value_data = generator->value;
  made->value_size = generator->file       ? fill_line(generator)
                     : generator->template ? fill_template(generator, id, made->partition, seq)
                                           : fill_padded(generator, id, made->partition, seq);
}

static rd_kafka_headers_t *make_headers(const struct generator *generator, const struct made *made, int64_t id) {
  char number[NUMBER_ROOM];
  if (generator->bare) return NULL;
  rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
  rd_kafka_header_add(headers, "probe-id", -1, number, (ssize_t)put_number(number, id));
  rd_kafka_header_add(headers, "probe-seq", -1, number, (ssize_t)put_number(number, generator->seq[made->partition]));
  return generator->odd ? odd_headers(headers, id) : headers;
}

/* The array form of the call: the macros of the other one are no ISO C. On success the headers are librdkafka's. */
static rd_kafka_resp_err_t offer(struct generator *generator, struct made *made, rd_kafka_headers_t *headers) {
  rd_kafka_vu_t parts[] = {
      {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = generator->handle},
      {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = made->partition},
      {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
      {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)made->key_data, made->key_size}},
      {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)made->value_data, made->value_size}},
      {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = made->timestamp_ms},
      {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
  };
  rd_kafka_error_t *error = rd_kafka_produceva(generator->client, parts, headers ? 7 : 6);
  rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error) rd_kafka_error_destroy(error);
  return code;
}

static void send_one(struct generator *generator, int64_t id) {
  struct made made;
  make(generator, &made, id);
  rd_kafka_headers_t *headers = make_headers(generator, &made, id);
  rd_kafka_resp_err_t code;
  while ((code = offer(generator, &made, headers)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
    rd_kafka_poll(generator->client, 10);
  if (code) probe_fail(EXIT_WRONG, "%s/%d: %s", generator->topic, made.partition, rd_kafka_err2str(code));
  generator->seq[made.partition]++;
}

static void send_all(struct generator *generator, int64_t count, int64_t rate) {
  int64_t start_us = now_us();
  for (int64_t n = 0; n < count; n++) {
    if (rate > 0) sleep_until_us(start_us + n * 1000000 / rate);
    send_one(generator, generator->first_id + n);
    if (rate > 0 || n % 256 == 0) rd_kafka_poll(generator->client, 0);
  }
  while (rd_kafka_outq_len(generator->client) > 0) rd_kafka_poll(generator->client, 50);
  double seconds = (double)(now_us() - start_us) / 1e6;
  printf("%s: %lld sent in %.2f s (%.0f/s), ids %lld to %lld\n", generator->topic, (long long)generator->confirmed,
      seconds, (double)generator->confirmed / (seconds > 0 ? seconds : 1e-6), (long long)generator->first_id,
      (long long)(generator->first_id + count - 1));
}

static void check(const struct generator *generator) {
  if (generator->only_partition >= generator->partitions)
    probe_fail(EXIT_USAGE, "topic %s has %d partitions, none numbered %d", generator->topic, generator->partitions,
        generator->only_partition);
  if (generator->size > VALUE_MAX) probe_fail(EXIT_USAGE, "--size: found %zu, at most %d", generator->size, VALUE_MAX);
  if (generator->odd && generator->bare)
    probe_fail(EXIT_USAGE, "--odd values carry no id, so --bare would leave them without one");
  if (generator->odd && generator->keys) probe_fail(EXIT_USAGE, "--odd makes its own keys: leave --keys out");
}

static void open_generator(struct generator *generator, const struct arguments *arguments) {
  const char *const set[] = {"enable.idempotence", "true", "linger.ms", "5", "queue.buffering.max.messages", "200000",
      "compression.type", "none", NULL};
  rd_kafka_conf_t *conf = client_conf(arguments, set);
  rd_kafka_conf_set_opaque(conf, generator);
  rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  generator->client = client_open(RD_KAFKA_PRODUCER, conf);
  generator->handle = rd_kafka_topic_new(generator->client, generator->topic, NULL);
  generator->partitions = client_partitions_of(generator->client, generator->topic);
  check(generator);
  generator->seq = calloc((size_t)generator->partitions, sizeof *generator->seq);
  generator->value = malloc(VALUE_MAX);
  if (!generator->seq || !generator->value) probe_fail(EXIT_WRONG, "no memory");
}

static int64_t count_lines(FILE *file) {
  int64_t count = 0;
  int last = '\n', c;
  while ((c = getc(file)) != EOF) {
    count += c == '\n';
    last = c;
  }
  rewind(file);
  return count + (last != '\n');
}

int command_produce(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(&arguments, argc, argv,
      (const char *const[]){"--count=", "--rate=", "--size=", "--template=", "--file=", "--odd",
          "--keys=", "--partition=", "--first-id=", "--bare", NULL});
  const char *only = arguments_text(&arguments, "--partition", NULL),
             *path = arguments_text(&arguments, "--file", NULL);
  struct generator generator = {
      .topic = arguments_word(&arguments, 0, "a topic"),
      .only_partition = only ? (int)arguments_int(&arguments, "--partition", 0) : -1,
      .first_id = arguments_int(&arguments, "--first-id", 0),
      .keys = arguments_int(&arguments, "--keys", 0),
      .size = (size_t)arguments_int(&arguments, "--size", 100),
      .template = arguments_text(&arguments, "--template", NULL),
      .bare = arguments_text(&arguments, "--bare", NULL) != NULL,
      .odd = arguments_text(&arguments, "--odd", NULL) != NULL,
  };
  if (path && !(generator.file = fopen(path, "rb"))) probe_fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
  int64_t count = arguments_int(&arguments, "--count", generator.file ? count_lines(generator.file) : 1);
  open_generator(&generator, &arguments);
  send_all(&generator, count, arguments_int(&arguments, "--rate", 0));
  if (generator.failed)
    fprintf(stderr, "weir-probe: %lld of %lld were not confirmed, the last: %s\n", (long long)generator.failed,
        (long long)count, rd_kafka_err2str(generator.failure));
  rd_kafka_topic_destroy(generator.handle);
  rd_kafka_destroy(generator.client);
  if (generator.file) fclose(generator.file);
  free(generator.seq);
  free(generator.value);
  return generator.failed ? EXIT_WRONG : EXIT_FINE;
}
