/* json_reader.c: values of an indexed text. The tokens are the only way through the text: whatever steps from one to
 * the next has checked the byte that stands there, so a malformed text is found where it is touched and a walk never
 * leaves the index. */
#include "json_inside.h"
#include "must.h"
#include <string.h>

struct json_reader *json_reader_create(void) {
  struct json_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->index = json_index_create();
  if (reader->index) return reader;
  free(reader);
  return NULL;
}

static void give_buffers(struct json_reader *reader) {
  free(reader->text);
  free(reader->scratch);
  reader->text = reader->scratch = NULL;
  reader->capacity = 0;
}

void json_reader_destroy(struct json_reader *reader) {
  if (!reader) return;
  give_buffers(reader);
  json_index_destroy(reader->index);
  free(reader);
}

/* ---- Opening ---- */

static bool make_room(struct json_reader *reader, size_t size, struct json_error *err) {
  bool wasteful = reader->capacity > JSON_KEEP_BYTES && size <= JSON_KEEP_BYTES;
  if (reader->text && size <= reader->capacity && !wasteful) return true;
  size_t capacity = 1024;
  while (capacity < size && capacity < JSON_KEEP_BYTES) capacity *= 2;
  if (capacity < size) capacity = size;
  give_buffers(reader);
  reader->text = malloc(capacity + JSON_PADDING);
  if (!reader->text || !json_index_reserve(reader->index, capacity)) {
    give_buffers(reader);
    return json_no_memory(err);
  }
  reader->capacity = capacity;
  return true;
}

/* A text that is cut off, or goes on behind its value, in the cases that cost nothing to see. */
static bool ends_well(const struct json_reader *reader) {
  uint8_t first = json_byte(reader, 0), last = json_byte(reader, reader->token_count - 1);
  if (first == '{') return reader->token_count > 1 && last == '}';
  if (first == '[') return reader->token_count > 1 && last == ']';
  return reader->token_count == 1;
}

bool json_open(struct json_reader *reader, weir_span text, struct json_error *err) {
  must(reader && err && (text.data || text.size == 0));
  reader->open = false;
  if (text.size >= UINT32_MAX - JSON_PADDING) return json_malformed(err, 0, "the text is larger than 4 GiB");
  if (!make_room(reader, text.size, err)) return false;
  must(reader->text && text.size <= reader->capacity);
  if (text.size) memcpy(reader->text, text.data, text.size);
  memset(reader->text + text.size, 0, JSON_PADDING);
  reader->size = text.size;
  bool indexed = json_index_run(reader->index, reader->text, reader->size, &reader->tokens, &reader->token_count);
  if (!indexed || !ends_well(reader)) {
    bool sound = json_check(reader->text, reader->size, err);
    return sound ? json_malformed(err, 0, "not JSON") : false;
  }
  reader->escaped = memchr(reader->text, '\\', reader->size) != NULL;
  reader->open = true;
  return true;
}

weir_span json_text(const struct json_reader *reader) {
  must(reader->open);
  return weir_bytes(reader->text, reader->size);
}

/* ---- Tokens ---- */

/* The walk can lose its way behind the place that is wrong (a bracket of the other kind), so the first wrong byte is
 * looked for. */
static bool expected_at(const struct json_reader *reader, uint32_t token, const char *what, struct json_error *err) {
  must(token <= reader->token_count);
  if (!json_check(reader->text, reader->size, err)) return false;
  return json_expected(err, reader->text, reader->size, reader->tokens[token], what);
}

static enum json_answer bad_at(
    const struct json_reader *reader, uint32_t token, const char *what, struct json_error *err) {
  expected_at(reader, token, what, err);
  return JSON_BAD;
}

static bool skip_container(const struct json_reader *reader, uint32_t *token, struct json_error *err) {
  uint32_t at = *token, depth = 0;
  do {
    uint8_t byte = json_byte(reader, at);
    if (byte == '{' || byte == '[') depth++;
    if (byte == '}' || byte == ']') depth--;
    at++;
  } while (depth > 0 && at < reader->token_count);
  if (depth > 0) {
    return expected_at(reader, reader->token_count, json_byte(reader, *token) == '{' ? "'}'" : "']'", err);
  }
  *token = at;
  return true;
}

bool json_skip(const struct json_reader *reader, uint32_t *token, struct json_error *err) {
  switch (json_byte(reader, *token)) {
  case '{':
  case '[': return skip_container(reader, token, err);
  case '}':
  case ']':
  case ':':
  case ',':
  case 0: return expected_at(reader, *token, "a value", err);
  default: ++*token; return true;
  }
}

enum json_answer json_step_member(
    const struct json_reader *reader, uint32_t *token, bool first, uint32_t *value, struct json_error *err) {
  uint8_t byte = json_byte(reader, *token);
  if (byte == '}') {
    ++*token;
    return JSON_ABSENT;
  }
  if (!first) {
    if (byte != ',') return bad_at(reader, *token, "',' or '}'", err);
    byte = json_byte(reader, ++*token);
  }
  if (byte != '"') return bad_at(reader, *token, first ? "a key in quotes or '}'" : "a key in quotes", err);
  if (json_byte(reader, *token + 1) != ':') return bad_at(reader, *token + 1, "':'", err);
  *value = *token + 2;
  return JSON_FOUND;
}

enum json_answer json_step_element(
    const struct json_reader *reader, uint32_t *token, bool first, struct json_error *err) {
  uint8_t byte = json_byte(reader, *token);
  if (byte == ']') {
    ++*token;
    return JSON_ABSENT;
  }
  if (!first) {
    if (byte != ',') return bad_at(reader, *token, "',' or ']'", err);
    ++*token;
  }
  return JSON_FOUND;
}

/* ---- Keys and strings ---- */

static bool take_scratch(struct json_reader *reader, struct json_error *err) {
  if (!reader->scratch) reader->scratch = malloc(reader->capacity);
  return reader->scratch || json_no_memory(err);
}

/* The string between the quotes at start and end - 1, unescaped. */
static bool string_text(
    struct json_reader *reader, uint32_t start, uint32_t end, weir_span *out, struct json_error *err) {
  must(end >= start + 2 && end <= reader->size);
  *out = weir_bytes(reader->text + start + 1, end - start - 2);
  if (!reader->escaped || !memchr(out->data, '\\', out->size)) return true;
  if (!take_scratch(reader, err)) return false;
  size_t size;
  if (!json_unescape(reader->text, start + 1, end - 1, reader->scratch, &size, err)) return false;
  *out = weir_bytes(reader->scratch, size);
  return true;
}

bool json_key_text(struct json_reader *reader, uint32_t token, weir_span *out, struct json_error *err) {
  return string_text(reader, reader->tokens[token], json_end_before(reader, token + 1), out, err);
}

enum json_answer json_key_is(struct json_reader *reader, uint32_t token, weir_span key, struct json_error *err) {
  weir_span found;
  if (!json_key_text(reader, token, &found, err)) return JSON_BAD;
  return found.size == key.size && memcmp(found.data, key.data, key.size) == 0 ? JSON_FOUND : JSON_ABSENT;
}

bool json_string(struct json_reader *reader, const struct json_value *value, weir_span *out, struct json_error *err) {
  must(reader->open && value->type == JSON_STRING);
  return string_text(reader, value->start, value->end, out, err);
}

bool json_string_into(
    struct json_reader *reader, const struct json_value *value, uint8_t *buffer, size_t *size, struct json_error *err) {
  must(reader->open && value->type == JSON_STRING && value->end <= reader->size);
  return json_unescape(reader->text, value->start + 1, value->end - 1, buffer, size, err);
}

/* ---- Values ---- */

static bool word_at(const struct json_reader *reader, struct json_value *out, struct json_error *err) {
  uint8_t byte = reader->text[out->start];
  const char *word = byte == 't' ? "true" : byte == 'f' ? "false" : "null";
  if (!json_scan_word(reader->text, reader->size, out->start, word, err)) return false;
  out->type = byte == 'n' ? JSON_NULL : JSON_BOOL;
  out->as.boolean = byte == 't';
  out->end = out->start + (byte == 'f' ? 5 : 4);
  return true;
}

static bool number_at(const struct json_reader *reader, struct json_value *out, struct json_error *err) {
  struct json_number number;
  if (!json_scan_number(reader->text, reader->size, out->start, &number, err)) return false;
  json_number_value(reader->text, out->start, &number, out);
  out->end = (uint32_t)number.end;
  return true;
}

bool json_value_at(const struct json_reader *reader, uint32_t token, struct json_value *out, struct json_error *err) {
  must(token <= reader->token_count);
  *out = (struct json_value){.token = token, .start = reader->tokens[token]};
  uint8_t byte = json_byte(reader, token);
  switch (byte) {
  case '{': out->type = JSON_OBJECT; return true;
  case '[': out->type = JSON_ARRAY; return true;
  case '"':
    out->type = JSON_STRING;
    out->end = json_end_before(reader, token + 1);
    return true;
  case 't':
  case 'f':
  case 'n': return word_at(reader, out, err);
  default:
    if (byte == '-' || (byte >= '0' && byte <= '9')) return number_at(reader, out, err);
    return expected_at(reader, token, "a value", err);
  }
}

bool json_root(struct json_reader *reader, struct json_value *out, struct json_error *err) {
  must(reader->open);
  return json_value_at(reader, 0, out, err);
}

/* ---- Finding ---- */

static const bool is_scalar_start[256] = {['"'] = true,
    ['-'] = true,
    ['0'] = true,
    ['1'] = true,
    ['2'] = true,
    ['3'] = true,
    ['4'] = true,
    ['5'] = true,
    ['6'] = true,
    ['7'] = true,
    ['8'] = true,
    ['9'] = true,
    ['t'] = true,
    ['f'] = true,
    ['n'] = true};

/* The quick way over members whose key has no escapes and is another one, and whose value is a scalar. `at` is the
 * first key, or the comma behind a member; so is what is returned, and json_step_member() says what there is. */
static uint32_t pass_others(const struct json_reader *reader, uint32_t at, bool first, weir_span key) {
  const uint8_t *text = reader->text;
  const uint32_t *tokens = reader->tokens;
  if (reader->escaped) return at;
  for (;; first = false) {
    uint32_t name = first ? at : at + 1;
    if (!first && text[tokens[at]] != ',') return at;
    if (text[tokens[name]] != '"' || text[tokens[name + 1]] != ':') return at;
    uint32_t size = json_end_before(reader, name + 1) - tokens[name] - 2;
    if (size == key.size && memcmp(text + tokens[name] + 1, key.data, size) == 0) return at;
    if (!is_scalar_start[text[tokens[name + 2]]]) return at;
    at = name + 3;
  }
}

static enum json_answer find_member(
    struct json_reader *reader, uint32_t *token, weir_span key, struct json_error *err) {
  uint32_t first = *token + 1, at = first, value;
  for (;;) {
    at = pass_others(reader, at, at == first, key);
    enum json_answer answer = json_step_member(reader, &at, at == first, &value, err);
    if (answer != JSON_FOUND) return answer;
    answer = json_key_is(reader, at, key, err);
    if (answer == JSON_BAD) return JSON_BAD;
    if (answer == JSON_FOUND) {
      *token = value;
      return JSON_FOUND;
    }
    at = value;
    if (!json_skip(reader, &at, err)) return JSON_BAD;
  }
}

static enum json_answer find_element(
    struct json_reader *reader, uint32_t *token, uint32_t index, struct json_error *err) {
  uint32_t at = *token + 1;
  for (uint32_t i = 0;; i++) {
    enum json_answer answer = json_step_element(reader, &at, i == 0, err);
    if (answer != JSON_FOUND) return answer;
    if (i == index) {
      *token = at;
      return JSON_FOUND;
    }
    if (!json_skip(reader, &at, err)) return JSON_BAD;
  }
}

static enum json_answer find_step(
    struct json_reader *reader, uint32_t *token, const struct json_step *step, struct json_error *err) {
  uint8_t byte = json_byte(reader, *token);
  if (byte == '{' && step->key.data) return find_member(reader, token, step->key, err);
  if (byte == '[' && step->index != JSON_NO_INDEX) return find_element(reader, token, step->index, err);
  if (byte == '{' || byte == '[') return JSON_ABSENT;
  struct json_value scalar; /* what a step stops at is touched */
  return json_value_at(reader, *token, &scalar, err) ? JSON_ABSENT : JSON_BAD;
}

enum json_answer json_find(struct json_reader *reader, const struct json_value *from, const struct json_step *path,
    uint32_t count, struct json_value *out, struct json_error *err) {
  must(reader->open);
  uint32_t token = from->token;
  for (uint32_t i = 0; i < count; i++) {
    enum json_answer answer = find_step(reader, &token, &path[i], err);
    if (answer != JSON_FOUND) return answer;
  }
  return json_value_at(reader, token, out, err) ? JSON_FOUND : JSON_BAD;
}

enum json_answer json_get(struct json_reader *reader, const struct json_value *from, weir_span key,
    struct json_value *out, struct json_error *err) {
  must(key.data);
  struct json_step step = {.key = key, .index = JSON_NO_INDEX};
  return json_find(reader, from, &step, 1, out, err);
}

bool json_extent(struct json_reader *reader, struct json_value *value, struct json_error *err) {
  must(reader->open);
  if (value->end > 0) return true;
  uint32_t token = value->token;
  if (!json_skip(reader, &token, err)) return false;
  value->end = reader->tokens[token - 1] + 1;
  return true;
}

bool json_raw(struct json_reader *reader, struct json_value *value, weir_span *out, struct json_error *err) {
  if (!json_extent(reader, value, err)) return false;
  *out = weir_bytes(reader->text + value->start, value->end - value->start);
  return true;
}

/* ---- Members ---- */

void json_members(const struct json_value *container, struct json_cursor *cursor) {
  must(container->type == JSON_OBJECT || container->type == JSON_ARRAY);
  *cursor = (struct json_cursor){
      .token = container->token + 1, .is_object = container->type == JSON_OBJECT, .first = true, .on_value = false};
}

/* Behind the value of the member that was given last. */
static bool pass_value(const struct json_reader *reader, struct json_cursor *cursor, struct json_error *err) {
  if (!cursor->on_value) return true;
  cursor->on_value = false;
  return json_skip(reader, &cursor->token, err);
}

enum json_answer json_next(
    struct json_reader *reader, struct json_cursor *cursor, struct json_member *out, struct json_error *err) {
  must(reader->open);
  if (cursor->ended) return JSON_ABSENT;
  if (!pass_value(reader, cursor, err)) return JSON_BAD;
  *out = (struct json_member){.index = cursor->index};
  uint32_t value = 0;
  enum json_answer answer = cursor->is_object ? json_step_member(reader, &cursor->token, cursor->first, &value, err)
                                              : json_step_element(reader, &cursor->token, cursor->first, err);
  cursor->ended = answer != JSON_FOUND;
  if (answer != JSON_FOUND) return answer;
  if (cursor->is_object) {
    out->key_start = reader->tokens[cursor->token];
    out->key_end = json_end_before(reader, cursor->token + 1);
    if (!json_key_text(reader, cursor->token, &out->key, err)) return JSON_BAD;
    cursor->token = value;
  }
  cursor->first = false;
  cursor->on_value = true;
  cursor->index++;
  return json_value_at(reader, cursor->token, &out->value, err) ? JSON_FOUND : JSON_BAD;
}

enum json_answer json_next_whole(
    struct json_reader *reader, struct json_cursor *cursor, struct json_member *out, struct json_error *err) {
  enum json_answer answer = json_next(reader, cursor, out, err);
  if (answer != JSON_FOUND) return answer;
  cursor->on_value = false;
  if (out->value.end > 0) {
    cursor->token++;
    return JSON_FOUND;
  }
  if (!json_skip(reader, &cursor->token, err)) return JSON_BAD;
  out->value.end = reader->tokens[cursor->token - 1] + 1;
  return JSON_FOUND;
}

uint32_t json_members_end(const struct json_reader *reader, const struct json_cursor *cursor) {
  must(reader->open && cursor->ended && cursor->token > 0);
  return reader->tokens[cursor->token - 1] + 1;
}

void json_leave(struct json_cursor *outer, const struct json_cursor *inner) {
  must(outer->on_value && inner->ended && inner->token > outer->token);
  outer->token = inner->token;
  outer->on_value = false;
}

bool json_count(
    struct json_reader *reader, const struct json_value *container, uint32_t *count, struct json_error *err) {
  struct json_cursor cursor;
  json_members(container, &cursor);
  enum json_answer answer;
  uint32_t value;
  for (*count = 0;; ++*count) {
    answer = cursor.is_object ? json_step_member(reader, &cursor.token, *count == 0, &value, err)
                              : json_step_element(reader, &cursor.token, *count == 0, err);
    if (answer != JSON_FOUND) return answer == JSON_ABSENT;
    if (cursor.is_object) cursor.token = value;
    if (!json_skip(reader, &cursor.token, err)) return false;
  }
}

bool json_validate(struct json_reader *reader, struct json_error *err) {
  must(reader->open);
  return json_check(reader->text, reader->size, err);
}
