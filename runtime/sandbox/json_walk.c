/* json_walk.c: brackets are counted, not recursed into, so no depth of a hostile line is too deep. */
#include "sandbox/json_walk.h"
#include <string.h>
#include "base/check.h"
#include "base/span.h"

static bool is_space(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

static void skip_space(struct json_walk *walk) {
  while (walk->at < walk->text.size && is_space(walk->text.data[walk->at])) walk->at++;
}

/* 0 at the end; a zero byte is no JSON anywhere. */
static uint8_t next_byte(const struct json_walk *walk) {
  return walk->at < walk->text.size ? walk->text.data[walk->at] : 0;
}

static bool wrong(struct json_walk *walk, const char *expected) {
  walk->flaw = expected;
  walk->ended = true;
  return false;
}

bool json_walk_begin(struct json_walk *walk, weir_span text) {
  *walk = (struct json_walk){.text = text};
  skip_space(walk);
  walk->is_object = next_byte(walk) == '{';
  return walk->is_object || next_byte(walk) == '[';
}

static bool skip_string(struct json_walk *walk) {
  for (walk->at++; walk->at < walk->text.size; walk->at++) {
    if (walk->text.data[walk->at] == '"') {
      walk->at++;
      return true;
    }
    if (walk->text.data[walk->at] == '\\') walk->at++;
  }
  walk->at = walk->text.size;
  return wrong(walk, "expected the end of a string");
}

static bool skip_container(struct json_walk *walk) {
  size_t depth = 0;
  while (walk->at < walk->text.size) {
    uint8_t byte = walk->text.data[walk->at];
    if (byte == '"') {
      if (!skip_string(walk)) return false;
      continue;
    }
    walk->at++;
    if (byte == '{' || byte == '[') depth++;
    if ((byte == '}' || byte == ']') && --depth == 0) return true;
  }
  return wrong(walk, "expected a closing bracket");
}

static bool ends_word(uint8_t byte) {
  return is_space(byte) || byte == ',' || byte == ']' || byte == '}' || byte == ':' || byte == 0;
}

/* A number, true, false or null: what it is shows when it is used. */
static bool skip_word(struct json_walk *walk) {
  size_t from = walk->at;
  while (!ends_word(next_byte(walk))) walk->at++;
  return walk->at > from || wrong(walk, "expected a value");
}

static bool take_value(struct json_walk *walk, weir_span *value) {
  skip_space(walk);
  size_t from = walk->at;
  uint8_t byte = next_byte(walk);
  bool taken = byte == '"' ? skip_string(walk) : byte == '{' || byte == '[' ? skip_container(walk) : skip_word(walk);
  *value = weir_bytes(walk->text.data + from, walk->at - from);
  return taken;
}

static bool take_name(struct json_walk *walk, weir_span *name) {
  skip_space(walk);
  size_t from = walk->at;
  if (next_byte(walk) != '"') return wrong(walk, "expected a name in quotes");
  if (!skip_string(walk)) return false;
  *name = weir_bytes(walk->text.data + from, walk->at - from);
  skip_space(walk);
  if (next_byte(walk) != ':') return wrong(walk, "expected ':'");
  walk->at++;
  return true;
}

/* Behind the last member: nothing but space may follow. */
static bool finish(struct json_walk *walk) {
  walk->at++;
  skip_space(walk);
  if (walk->at < walk->text.size) return wrong(walk, "expected nothing behind the closing bracket");
  walk->ended = true;
  return false;
}

bool json_walk_next(struct json_walk *walk, weir_span *name, weir_span *value) {
  must(walk->text.data);
  if (walk->ended) return false;
  if (!walk->begun) walk->at++;
  skip_space(walk);
  if (next_byte(walk) == (walk->is_object ? '}' : ']')) return finish(walk);
  if (walk->begun) {
    if (next_byte(walk) != ',') return wrong(walk, "expected ',' or a closing bracket");
    walk->at++;
  }
  walk->begun = true;
  *name = weir_bytes(NULL, 0);
  if (walk->is_object && !take_name(walk, name)) return false;
  return take_value(walk, value);
}

/* --- strings --- */

static int32_t digit_of(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* Four hexadecimal digits, -1: they are not there. */
static int32_t hex4(const uint8_t *from, const uint8_t *end) {
  int32_t value = 0;
  if (end - from < 4) return -1;
  for (int i = 0; i < 4; i++) {
    if (digit_of(from[i]) < 0) return -1;
    value = value * 16 + digit_of(from[i]);
  }
  return value;
}

static size_t put_utf8(uint8_t *into, int32_t code) {
  if (code < 0x80) {
    into[0] = (uint8_t)code;
    return 1;
  }
  size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
  into[0] = (uint8_t)(leads[more] | code >> 6 * more);
  for (size_t i = 1; i <= more; i++) into[i] = (uint8_t)(0x80 | (code >> 6 * (more - i) & 0x3f));
  return more + 1;
}

/* \uXXXX, or two of them that make one character; *at stands behind the u. 0: wrong. */
static size_t put_unicode(const uint8_t **at, const uint8_t *end, uint8_t *into) {
  int32_t code = hex4(*at, end);
  *at += 4;
  if (code < 0 || (code >= 0xdc00 && code < 0xe000)) return 0;
  if (code >= 0xd800 && code < 0xdc00) {
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return 0;
    int32_t low = hex4(*at + 2, end);
    *at += 6;
    if (low < 0xdc00 || low >= 0xe000) return 0;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  return put_utf8(into, code);
}

static size_t put_escape(const uint8_t **at, const uint8_t *end, uint8_t *into) {
  static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
  if (*at == end) return 0;
  uint8_t name = *(*at)++;
  if (name == 'u') return put_unicode(at, end, into);
  const char *found = name ? strchr(names, name) : NULL;
  if (!found) return 0;
  *into = (uint8_t)bytes[found - names];
  return 1;
}

bool json_unquote(weir_span raw, uint8_t *into, size_t *size) {
  if (raw.size < 2 || raw.data[0] != '"' || raw.data[raw.size - 1] != '"') return false;
  const uint8_t *at = raw.data + 1, *end = raw.data + raw.size - 1;
  uint8_t *out = into;
  while (at < end) {
    if (*at != '\\') {
      *out++ = *at++;
      continue;
    }
    at++;
    size_t written = put_escape(&at, end, out);
    if (!written) return false;
    out += written;
  }
  *size = (size_t)(out - into);
  return true;
}

bool json_is(weir_span raw, const char *text) {
  size_t size = strlen(text);
  return raw.size == size + 2 && memcmp(raw.data + 1, text, size) == 0;
}
