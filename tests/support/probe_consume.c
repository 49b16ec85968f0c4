/* probe_consume.c: shows the records of a topic. Bytes that are not text are never printed raw: a terminal would obey them. */
#include "probe.h"
#include <string.h>

/* Text as people may read it: valid UTF-8 without control characters. */
static size_t utf8_length(const unsigned char *bytes, size_t size) {
  unsigned char lead = bytes[0];
  size_t length = lead < 0x80                             ? 1
                  : (lead & 0xe0) == 0xc0 && lead >= 0xc2 ? 2
                  : (lead & 0xf0) == 0xe0                 ? 3
                  : (lead & 0xf8) == 0xf0 && lead <= 0xf4 ? 4
                                                          : 0;
  if (length == 0 || length > size) return 0;
  for (size_t i = 1; i < length; i++)
    if ((bytes[i] & 0xc0) != 0x80) return 0;
  if (lead == 0xe0 && bytes[1] < 0xa0) return 0; /* overlong */
  if (lead == 0xed && bytes[1] > 0x9f) return 0; /* surrogates */
  if ((lead == 0xf0 && bytes[1] < 0x90) || (lead == 0xf4 && bytes[1] > 0x8f)) return 0;
  return length;
}

static bool is_text(const unsigned char *bytes, size_t size) {
  for (size_t at = 0, length; at < size; at += length)
    if (!(length = utf8_length(bytes + at, size - at))) return false;
  return true;
}

static void put_hex(const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
}

static void put_json_text(const unsigned char *bytes, size_t size) {
  putchar('"');
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] == '"' || bytes[i] == '\\')
      printf("\\%c", bytes[i]);
    else if (bytes[i] < 0x20 || bytes[i] == 0x7f)
      printf("\\u%04x", bytes[i]);
    else
      putchar(bytes[i]);
  }
  putchar('"');
}

/* null, a string, or {"hex":"00ff"}. */
static void put_json(const void *data, size_t size) {
  if (!data) {
    fputs("null", stdout);
  } else if (is_text(data, size)) {
    put_json_text(data, size);
  } else {
    fputs("{\"hex\":\"", stdout);
    put_hex(data, size);
    fputs("\"}", stdout);
  }
}

static void put_json_headers(const rd_kafka_message_t *message) {
  rd_kafka_headers_t *headers;
  if (rd_kafka_message_headers(message, &headers)) return;
  const char *name;
  const void *value;
  size_t size;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++) {
    fputs(i ? ",[" : "[", stdout);
    put_json(name, strlen(name));
    putchar(',');
    put_json(value, size);
    putchar(']');
  }
}

static void show_jsonl(void *ctx, const rd_kafka_message_t *message) {
  (void)ctx;
  printf("{\"topic\":\"%s\",\"partition\":%d,\"offset\":%lld,\"timestamp\":%lld,\"key\":",
      rd_kafka_topic_name(message->rkt), message->partition, (long long)message->offset,
      (long long)rd_kafka_message_timestamp(message, NULL));
  put_json(message->key, message->key_len);
  fputs(",\"value\":", stdout);
  put_json(message->payload, message->len);
  fputs(",\"headers\":[", stdout);
  put_json_headers(message);
  puts("]}");
}

static void show_pretty(void *ctx, const rd_kafka_message_t *message) {
  (void)ctx;
  printf("%s/%d@%lld  ", rd_kafka_topic_name(message->rkt), message->partition, (long long)message->offset);
  if (message->key) {
    fputs("key ", stdout);
    put_json(message->key, message->key_len);
    fputs("  ", stdout);
  }
  if (message->payload && is_text(message->payload, message->len) && !memchr(message->payload, '\n', message->len) &&
      !memchr(message->payload, 033, message->len))
    fwrite(message->payload, 1, message->len, stdout);
  else
    put_json(message->payload, message->len);
  putchar('\n');
}

static void show_value(void *ctx, const rd_kafka_message_t *message) {
  (void)ctx;
  fwrite(message->payload, 1, message->len, stdout);
  putchar('\n');
}

static void show_none(void *ctx, const rd_kafka_message_t *message) {
  (void)ctx;
  (void)message;
}

int command_consume(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(&arguments, argc, argv,
      (const char *const[]){"--until-end", "--count=", "--for=", "--partition=", "--format=", "--isolation=", NULL});
  const char *topic = arguments_word(&arguments, 0, "a topic");
  const char *format = arguments_text(&arguments, "--format", "pretty");
  struct reading reading = {
      .committed_only = strcmp(arguments_text(&arguments, "--isolation", ""), "read_committed") == 0,
      .until_end = arguments_text(&arguments, "--until-end", NULL) != NULL,
      .count_max = arguments_int(&arguments, "--count", 0),
      .for_ms = arguments_time(&arguments, "--for", 0),
      .partition =
          arguments_text(&arguments, "--partition", NULL) ? (int)arguments_int(&arguments, "--partition", 0) : -1,
  };
  void (*show)(void *, const rd_kafka_message_t *) = strcmp(format, "pretty") == 0  ? show_pretty
                                                     : strcmp(format, "value") == 0 ? show_value
                                                     : strcmp(format, "jsonl") == 0 ? show_jsonl
                                                     : strcmp(format, "none") == 0  ? show_none
                                                                                    : NULL;
  if (!show) probe_fail(EXIT_USAGE, "--format: found '%s', expected pretty, value, jsonl or none", format);
  setvbuf(stdout, NULL, reading.until_end ? _IOFBF : _IOLBF, 1 << 16);
  int64_t count = read_topic(&arguments, topic, &reading, show, NULL);
  fflush(stdout);
  fprintf(stderr, "weir-probe: %lld record%s of %s\n", (long long)count, count == 1 ? "" : "s", topic);
  return EXIT_FINE;
}
