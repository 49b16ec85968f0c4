/* supply.c: the file stays in memory and records are views into it; strings are unescaped where they stand. */
#include "sandbox/supply.h"
#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "config/kafka_settings.h"
#include "sandbox/json_walk.h"

struct supply {
  struct arena arena; /* topic, path, headers */
  const char *topic, *path;
  bool objects; /* jsonl */
  char *bytes;
  struct supply_record *records;
  size_t count, capacity;
};

/* --- one line of jsonl --- */

/* A string, unescaped in place, or null. */
static bool read_text(weir_span raw, weir_span *into) {
  if (span_is(raw, "null")) {
    *into = weir_bytes(NULL, 0);
    return true;
  }
  size_t size;
  uint8_t *place = (uint8_t *)(uintptr_t)raw.data; /* our own copy of the file */
  if (!json_unquote(raw, place, &size)) return false;
  *into = weir_bytes(place, size);
  return true;
}

static bool is_string(weir_span raw) { return raw.size && raw.data[0] == '"'; }

static bool read_number(weir_span raw, int64_t least, int64_t most, int64_t *number) {
  return text_int(raw, number) && *number >= least && *number <= most;
}

/* A header's name and value from ["name", "value"]. */
static bool read_pair(weir_span raw, weir_span *name, weir_span *value) {
  struct json_walk pair;
  weir_span none;
  return json_walk_begin(&pair, raw) && !pair.is_object && json_walk_next(&pair, &none, name) &&
         json_walk_next(&pair, &none, value) && !json_walk_next(&pair, &none, &none) && !pair.flaw;
}

static size_t count_members(weir_span raw) {
  struct json_walk walk;
  weir_span name, value;
  size_t count = 0;
  if (json_walk_begin(&walk, raw))
    while (json_walk_next(&walk, &name, &value)) count++;
  return count;
}

static bool read_headers(struct supply *supply, weir_span raw, struct supply_record *record) {
  struct json_walk walk;
  weir_span name, value;
  weir_header *headers = arena_alloc(&supply->arena, (count_members(raw) + 1) * sizeof *headers);
  must(headers);
  record->headers = headers;
  if (!json_walk_begin(&walk, raw)) return false;
  while (json_walk_next(&walk, &name, &value)) {
    if (!walk.is_object && !read_pair(value, &name, &value)) return false;
    weir_header *header = &headers[record->header_count++];
    if (!read_text(name, &header->name) || !header->name.data || !read_text(value, &header->value)) return false;
  }
  return !walk.flaw;
}

/* One member of the line's object. NULL: fine; else what was expected. */
static const char *read_member(struct supply *supply, struct supply_record *record, weir_span name, weir_span value) {
  int64_t number;
  if (json_is(name, "key")) return read_text(value, &record->key) ? NULL : "key: expected a string or null";
  if (json_is(name, "value")) {
    if (!is_string(value) && !span_is(value, "null"))
      record->value = value;
    else if (!read_text(value, &record->value))
      return "value: this string has a wrong escape";
    return NULL;
  }
  if (json_is(name, "headers"))
    return read_headers(supply, value, record)
               ? NULL
               : "headers: expected {\"name\": \"value\"} or [[\"name\", \"value\"]], each value a string or null";
  if (json_is(name, "timestamp")) {
    if (!read_number(value, 1, INT64_MAX, &number)) return "timestamp: expected milliseconds since 1970";
    record->timestamp_ms = number;
    return NULL;
  }
  if (json_is(name, "partition")) {
    if (!read_number(value, 0, INT32_MAX, &number)) return "partition: expected a whole number from 0";
    record->partition = (int32_t)number;
    return NULL;
  }
  return "expected the names key, value, headers, timestamp and partition only; "
         "a file whose lines are the values themselves is fed with ':lines'";
}

static bool read_object(struct supply *supply, weir_span line, struct supply_record *record, struct error *err) {
  struct json_walk walk;
  weir_span name, value;
  if (!json_walk_begin(&walk, line) || !walk.is_object)
    return error_set(err, "expected an object with key, value, headers or timestamp");
  while (json_walk_next(&walk, &name, &value)) {
    const char *flaw = read_member(supply, record, name, value);
    if (flaw) return error_set(err, "%s", flaw);
  }
  if (walk.flaw) return error_set(err, "byte %zu: %s", walk.at, walk.flaw);
  return true;
}

/* --- the file --- */

static struct supply_record *add_record(struct supply *supply) {
  if (supply->count == supply->capacity) {
    supply->capacity = supply->capacity ? 2 * supply->capacity : 1024;
    supply->records = realloc(supply->records, supply->capacity * sizeof *supply->records);
    must(supply->records);
  }
  struct supply_record *record = &supply->records[supply->count++];
  *record = (struct supply_record){.partition = -1};
  return record;
}

static bool add_line(struct supply *supply, weir_span line, size_t number, struct error *err) {
  if (line.size == 0 && supply->objects) return true;
  struct supply_record *record = add_record(supply);
  record->value = line;
  if (!supply->objects) return true;
  record->value = weir_bytes(NULL, 0);
  return read_object(supply, line, record, err) || error_wrap(err, "%s:%zu", supply->path, number);
}

static bool read_lines(struct supply *supply, size_t size, struct error *err) {
  const uint8_t *at = (const uint8_t *)supply->bytes, *end = at + size;
  for (size_t number = 1; at < end; number++) {
    const uint8_t *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    if (!add_line(supply, weir_bytes(at, (size_t)(stop - at)), number, err)) return false;
    at = newline ? newline + 1 : end;
  }
  return supply->count > 0 || error_set(err, "%s has no record", supply->path);
}

static bool is_suffix(const char *suffix, const char *name) { return suffix && strcmp(suffix + 1, name) == 0; }

/* TOPIC=FILE[:lines|jsonl] into its parts. */
static bool read_names(struct supply *supply, const char *text, struct error *err) {
  const char *equals = strchr(text, '=');
  if (!equals || equals == text || !equals[1])
    return error_set(
        err, "--feed %s: expected TOPIC=FILE, with ':jsonl' behind it where lines are whole records", text);
  const char *path = equals + 1, *suffix = strrchr(path, ':');
  supply->objects = is_suffix(suffix, "jsonl");
  size_t size = supply->objects || is_suffix(suffix, "lines") ? (size_t)(suffix - path) : strlen(path);
  supply->topic = arena_copy(&supply->arena, text, (size_t)(equals - text));
  supply->path = arena_copy(&supply->arena, path, size);
  must(supply->topic && supply->path);
  const char *flaw = kafka_topic_flaw(supply->topic);
  return !flaw || error_set(err, "--feed %s: '%s' cannot be a topic: %s", text, supply->topic, flaw);
}

struct supply *supply_open(const char *text, struct error *err) {
  struct supply *supply = calloc(1, sizeof *supply);
  must(supply);
  arena_init(&supply->arena, 0);
  size_t size = 0;
  bool ok = read_names(supply, text, err);
  if (ok && !file_read(supply->path, LIMIT_SUPPLY_BYTES, &supply->bytes, &size, err))
    ok = error_wrap(err, "--feed %s", supply->path);
  if (ok && read_lines(supply, size, err)) return supply;
  supply_close(supply);
  return NULL;
}

void supply_close(struct supply *supply) {
  if (!supply) return;
  arena_fini(&supply->arena);
  free(supply->records);
  free(supply->bytes);
  free(supply);
}

const char *supply_topic(const struct supply *supply) { return supply->topic; }
size_t supply_count(const struct supply *supply) { return supply->count; }

const struct supply_record *supply_at(const struct supply *supply, size_t index) {
  must(index < supply->count);
  return &supply->records[index];
}

bool supply_fits(const struct supply *supply, int32_t partitions, struct error *err) {
  for (size_t i = 0; i < supply->count; i++)
    if (supply->records[i].partition >= partitions)
      return error_set(err, "%s: record %zu goes to partition %d, and there are %d: say --partitions", supply->path,
          i + 1, (int)supply->records[i].partition, (int)partitions);
  return true;
}

const char *supply_doubt(const struct supply *supply) {
  struct json_walk walk;
  weir_span name, value;
  if (supply->objects || !json_walk_begin(&walk, supply->records[0].value) || !walk.is_object) return NULL;
  while (json_walk_next(&walk, &name, &value))
    if (!json_is(name, "key") && !json_is(name, "value") && !json_is(name, "headers") && !json_is(name, "timestamp"))
      return NULL;
  return walk.flaw
             ? NULL
             : "its lines look like whole records with key and value; to feed them as such write ':jsonl' behind the file";
}
