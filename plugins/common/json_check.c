/* json_check.c: a whole text against the grammar, byte by byte and without recursion, to name the first byte that is
 * wrong. */
#include "json_inside.h"
#include "must.h"

/* One bit a level: set in an object, clear in an array. */
struct check {
  const uint8_t *text;
  size_t size, at;
  uint32_t depth;
  uint64_t objects[JSON_DEPTH_MAX / 64];
};

static uint8_t next_byte(struct check *check) {
  while (json_is_space(check->text[check->at])) check->at++;
  return check->text[check->at];
}

static bool expected(const struct check *check, const char *what, struct json_error *err) {
  return json_expected(err, check->text, check->size, check->at, what);
}

static bool in_object(const struct check *check) {
  must(check->depth > 0);
  return check->objects[(check->depth - 1) / 64] >> (check->depth - 1) % 64 & 1;
}

static bool enter(struct check *check, bool object, struct json_error *err) {
  if (check->depth == JSON_DEPTH_MAX) return json_malformed(err, check->at, "deeper than 512 levels");
  uint64_t bit = UINT64_C(1) << check->depth % 64;
  if (object) {
    check->objects[check->depth / 64] |= bit;
  } else {
    check->objects[check->depth / 64] &= ~bit;
  }
  check->depth++;
  check->at++;
  return true;
}

static bool check_scalar(struct check *check, uint8_t byte, struct json_error *err) {
  struct json_number number;
  const char *word = byte == 't' ? "true" : byte == 'f' ? "false" : byte == 'n' ? "null" : NULL;
  if (byte == '"') return json_scan_string(check->text, check->size, check->at, &check->at, err);
  if (byte == '-' || (byte >= '0' && byte <= '9')) {
    if (!json_scan_number(check->text, check->size, check->at, &number, err)) return false;
    check->at = number.end;
    return true;
  }
  if (!word) return expected(check, "a value", err);
  if (!json_scan_word(check->text, check->size, check->at, word, err)) return false;
  check->at += byte == 'f' ? 5 : 4;
  return true;
}

static bool check_key(struct check *check, struct json_error *err) {
  if (next_byte(check) != '"') return expected(check, "a key in quotes", err);
  if (!json_scan_string(check->text, check->size, check->at, &check->at, err)) return false;
  if (next_byte(check) != ':') return expected(check, "':'", err);
  check->at++;
  return true;
}

/* From the start of a value to the end of a scalar or of an empty container: an opening bracket goes in and on. */
static bool check_value(struct check *check, struct json_error *err) {
  for (;;) {
    uint8_t byte = next_byte(check);
    if (byte != '{' && byte != '[') return check_scalar(check, byte, err);
    if (!enter(check, byte == '{', err)) return false;
    if (next_byte(check) == (byte == '{' ? '}' : ']')) {
      check->at++;
      check->depth--;
      return true;
    }
    if (byte == '{' && !check_key(check, err)) return false;
  }
}

/* Behind a value: goes out of what ends here. *more: a comma was passed, a value follows. */
static bool check_after(struct check *check, bool *more, struct json_error *err) {
  *more = false;
  while (check->depth > 0) {
    bool object = in_object(check);
    uint8_t byte = next_byte(check);
    if (byte == ',') {
      check->at++;
      *more = true;
      return !object || check_key(check, err);
    }
    if (byte != (object ? '}' : ']')) return expected(check, object ? "',' or '}'" : "',' or ']'", err);
    check->at++;
    check->depth--;
  }
  return true;
}

bool json_check(const uint8_t *text, size_t size, struct json_error *err) {
  struct check check = {.text = text, .size = size};
  bool more = true;
  if (size >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF) {
    return json_malformed(err, 0, "a byte order mark, which JSON does not have");
  }
  while (more) {
    if (!check_value(&check, err) || !check_after(&check, &more, err)) return false;
  }
  next_byte(&check);
  must(check.at <= size);
  return check.at == size || expected(&check, "nothing behind the value", err);
}
