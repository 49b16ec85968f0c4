/* reader.c: see reader.h. */
#include "sandbox/reader.h"
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/span.h"
#include "sandbox/client.h"
#include "sandbox/dead_letters.h"
#include "sandbox/keys.h"

enum { HEADERS_MAX = 64, STEP_RECORDS = 5000, ASK_MS = 1000 };

/* A topic with what only the reader needs of it. */
struct entry {
  struct reader_topic topic;
  int64_t *next;                             /* of each partition: the next offset */
  rd_kafka_message_t *last[READER_LAST_MAX]; /* a ring */
  size_t last_count;
};

struct reader {
  struct reader_settings settings;
  rd_kafka_t *handle;
  struct entry entries[READER_TOPICS_MAX];
  size_t entry_count;
  struct dead_letters *dead;
};

struct reader *reader_create(const struct reader_settings *settings) {
  struct reader *reader = calloc(1, sizeof *reader);
  must(reader && settings->partitions > 0);
  reader->settings = *settings;
  reader->dead = dead_letters_create();
  return reader;
}

static void entry_fini(struct entry *entry) {
  for (size_t i = 0; i < READER_LAST_MAX; i++)
    if (entry->last[i]) rd_kafka_message_destroy(entry->last[i]);
  keys_destroy(entry->topic.expected);
  free(entry->next);
}

void reader_destroy(struct reader *reader) {
  if (!reader) return;
  for (size_t i = 0; i < reader->entry_count; i++) entry_fini(&reader->entries[i]);
  if (reader->handle) rd_kafka_destroy(reader->handle);
  dead_letters_destroy(reader->dead);
  free(reader);
}

static struct entry *find(struct reader *reader, const char *name) {
  for (size_t i = 0; i < reader->entry_count; i++)
    if (strcmp(reader->entries[i].topic.name, name) == 0) return &reader->entries[i];
  return NULL;
}

struct reader_topic *reader_topic(struct reader *reader, const char *name) {
  struct entry *entry = find(reader, name);
  if (entry) return &entry->topic;
  if (reader->entry_count == READER_TOPICS_MAX) return NULL;
  entry = &reader->entries[reader->entry_count++];
  *entry = (struct entry){.topic = {.name = name}};
  entry->next = calloc((size_t)reader->settings.partitions, sizeof *entry->next);
  must(entry->next);
  return &entry->topic;
}

bool reader_expect(struct reader_topic *topic, const char *path, struct error *err) {
  char *bytes;
  size_t size;
  if (!file_read(path, LIMIT_SUPPLY_BYTES, &bytes, &size, err)) return error_wrap(err, "--expect %s", path);
  if (!topic->expected) topic->expected = keys_create();
  for (char *at = bytes, *end = bytes + size; at < end;) {
    char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    keys_at(topic->expected, weir_bytes(at, (size_t)(stop - at)));
    at = stop + 1;
  }
  free(bytes);
  return true;
}

/* --- reading --- */

static bool assign(struct reader *reader, struct error *err) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
  for (size_t i = 0; i < reader->entry_count; i++)
    for (int32_t number = 0; number < reader->settings.partitions; number++)
      rd_kafka_topic_partition_list_add(list, reader->entries[i].topic.name, number)->offset =
          RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_resp_err_t code = rd_kafka_assign(reader->handle, list);
  rd_kafka_topic_partition_list_destroy(list);
  return !code || error_set(err, "the results cannot be read: %s", rd_kafka_err2str(code));
}

bool reader_start(struct reader *reader, const char *address, struct error *err) {
  const char *const properties[] = {"group.id", "weir-sandbox", "enable.auto.commit", "false", "auto.offset.reset",
      "earliest", "fetch.wait.max.ms", "10", "socket.nagle.disable", "true", NULL};
  if (!reader->entry_count) return true;
  reader->handle = sandbox_client(RD_KAFKA_CONSUMER, address, properties, NULL, NULL, err);
  return reader->handle && assign(reader, err);
}

static size_t take_headers(const rd_kafka_message_t *message, weir_header *into) {
  rd_kafka_headers_t *headers;
  size_t count = 0, size;
  const char *name;
  const void *value;
  if (rd_kafka_message_headers(message, &headers)) return 0;
  while (count < HEADERS_MAX && !rd_kafka_header_get_all(headers, count, &name, &value, &size))
    into[count++] = (weir_header){span_of(name), weir_bytes(value, size)};
  return count;
}

/* `headers` has room for HEADERS_MAX. */
static struct reader_record view(const rd_kafka_message_t *message, weir_header *headers) {
  return (struct reader_record){.topic = rd_kafka_topic_name(message->rkt),
      .partition = message->partition,
      .offset = message->offset,
      .key = weir_bytes(message->key, message->key_len),
      .value = weir_bytes(message->payload, message->len),
      .headers = headers,
      .header_count = take_headers(message, headers)};
}

static void compare(struct reader_topic *topic, weir_span key) {
  uint64_t *count = keys_find(topic->expected, key);
  if (count)
    ++*count;
  else
    topic->unexpected++;
}

/* Keeps the message, or destroys it. */
static void keep(struct entry *entry, rd_kafka_message_t *message) {
  if (entry->topic.last) {
    rd_kafka_message_t **slot = &entry->last[entry->last_count++ % entry->topic.last];
    rd_kafka_message_t *older = *slot;
    *slot = message;
    message = older;
  }
  if (message) rd_kafka_message_destroy(message);
}

static void take(struct reader *reader, struct entry *entry, rd_kafka_message_t *message) {
  weir_header headers[HEADERS_MAX];
  struct reader_record record = view(message, headers);
  must(record.partition >= 0 && record.partition < reader->settings.partitions);
  struct reader_topic *topic = &entry->topic;
  topic->records++;
  topic->overwritten += record.offset - entry->next[record.partition];
  entry->next[record.partition] = record.offset + 1;
  if (topic->expected) compare(topic, record.key);
  if (topic->dead_letters) dead_letters_take(reader->dead, &record);
  if (topic->print) reader->settings.print(reader->settings.ctx, &record);
  keep(entry, message);
}

void reader_step(struct reader *reader, int timeout_ms) {
  for (int taken = 0; reader->handle && taken < STEP_RECORDS; taken++) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->handle, taken ? 0 : timeout_ms);
    if (!message) return;
    struct entry *entry = message->err ? NULL : find(reader, rd_kafka_topic_name(message->rkt));
    if (entry)
      take(reader, entry, message);
    else
      rd_kafka_message_destroy(message);
  }
}

static bool entry_at_end(const struct reader *reader, struct entry *entry) {
  for (int32_t number = 0; number < reader->settings.partitions; number++) {
    int64_t first, end;
    if (rd_kafka_query_watermark_offsets(reader->handle, entry->topic.name, number, &first, &end, ASK_MS)) return false;
    if (entry->next[number] < end) return false;
  }
  return true;
}

bool reader_at_end(struct reader *reader) {
  for (size_t i = 0; i < reader->entry_count; i++)
    if (!entry_at_end(reader, &reader->entries[i])) return false;
  return true;
}

/* --- what it found --- */

size_t reader_topic_count(const struct reader *reader) { return reader->entry_count; }

const struct reader_topic *reader_topic_at(const struct reader *reader, size_t index) {
  must(index < reader->entry_count);
  return &reader->entries[index].topic;
}

void reader_print_last(
    const struct reader_topic *topic, void (*print)(void *ctx, const struct reader_record *record), void *ctx) {
  const struct entry *entry = (const struct entry *)(const void *)topic; /* its first member */
  size_t kept = entry->last_count < topic->last ? entry->last_count : topic->last;
  for (size_t i = entry->last_count - kept; i < entry->last_count; i++) {
    weir_header headers[HEADERS_MAX];
    struct reader_record record = view(entry->last[i % topic->last], headers);
    print(ctx, &record);
  }
}

struct lost {
  uint64_t lost, repeated;
  weir_span *into;
  size_t most, listed;
};

static void count_key(void *ctx, weir_span key, uint64_t count) {
  struct lost *lost = ctx;
  if (count > 1) lost->repeated += count - 1;
  if (count > 0) return;
  lost->lost++;
  if (lost->listed < lost->most) lost->into[lost->listed++] = key;
}

static struct lost count_lost(const struct reader_topic *topic, weir_span *into, size_t most) {
  struct lost lost = {.into = into, .most = most};
  if (topic->expected) keys_visit(topic->expected, count_key, &lost);
  return lost;
}

uint64_t reader_lost(const struct reader_topic *topic) { return count_lost(topic, NULL, 0).lost; }
uint64_t reader_repeated(const struct reader_topic *topic) { return count_lost(topic, NULL, 0).repeated; }

size_t reader_lost_keys(const struct reader_topic *topic, weir_span *into, size_t most) {
  return count_lost(topic, into, most).listed;
}

int64_t reader_dead(const struct reader *reader) { return dead_letters_count(reader->dead); }
int64_t reader_dead_repeated(const struct reader *reader) { return dead_letters_repeated(reader->dead); }

size_t reader_reasons(const struct reader *reader, const struct reader_reason **reasons) {
  return dead_letters_reasons(reader->dead, reasons);
}
