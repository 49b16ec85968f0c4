/* text.c: readers take the whole span or nothing; none depends on the locale. */
#include "base/text.h"
#include "base/check.h"
#include "base/span.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct unit {
  const char *name;
  int64_t factor;
};

static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000}, {NULL, 0}};

static const struct unit sizes[] = {{"", 1}, {"B", 1}, {"kB", 1000}, {"KB", 1000}, {"MB", 1000000}, {"GB", 1000000000},
    {"TB", 1000000000000}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", (int64_t)1 << 40}, {NULL, 0}};

static bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* Decimal digits at the start; returns how many, 0 also when the number does not fit. */
static size_t digits(weir_span text, int64_t *value) {
  size_t count = 0;
  int64_t sum = 0;
  while (count < text.size && is_digit(text.data[count])) {
    if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, text.data[count] - '0', &sum)) return 0;
    count++;
  }
  *value = sum;
  return count;
}

static bool with_unit(weir_span text, const struct unit *units, int64_t *value) {
  int64_t number = 0, product = 0;
  size_t count = digits(text, &number);
  if (!count) return false;
  weir_span name = {text.data + count, text.size - count};
  for (const struct unit *unit = units; unit->name; unit++) {
    if (!span_is(name, unit->name)) continue;
    if (__builtin_mul_overflow(number, unit->factor, &product)) return false;
    *value = product;
    return true;
  }
  return false;
}

bool text_duration(weir_span text, int64_t *ms) {
  if (span_is(text, "0")) {
    *ms = 0;
    return true;
  }
  return with_unit(text, durations, ms);
}

bool text_size(weir_span text, int64_t *bytes) { return with_unit(text, sizes, bytes); }

bool text_int(weir_span text, int64_t *value) {
  if (!text.data || !text.size) return false;
  bool negative = text.data[0] == '-';
  size_t at = negative || text.data[0] == '+';
  int64_t sum = 0;
  if (at == text.size) return false;
  for (; at < text.size; at++) {
    if (!is_digit(text.data[at])) return false;
    int digit = text.data[at] - '0';
    /* Summed on the side of its sign: INT64_MIN has no positive twin. */
    if (__builtin_mul_overflow(sum, 10, &sum)) return false;
    if (__builtin_add_overflow(sum, negative ? -digit : digit, &sum)) return false;
  }
  *value = sum;
  return true;
}

bool text_number(weir_span text, double *value) {
  char copy[64];
  if (!text.data || !text.size || text.size >= sizeof copy) return false;
  bool digit = false;
  for (size_t i = 0; i < text.size; i++) {
    if (is_digit(text.data[i]))
      digit = true;
    else if (!text.data[i] || !strchr("+-.eE", text.data[i]))
      return false; /* no hex, inf, nan */
  }
  if (!digit) return false;
  memcpy(copy, text.data, text.size);
  copy[text.size] = 0;
  char *end = NULL;
  double number = strtod(copy, &end);
  if (*end || !isfinite(number)) return false;
  *value = number;
  return true;
}

bool text_bool(weir_span text, bool *value) {
  bool yes = span_is(text, "true");
  if (!yes && !span_is(text, "false")) return false;
  *value = yes;
  return true;
}

static const char *two_units(
    char into[TEXT_MAX], int64_t large, const char *large_name, int64_t small, const char *small_name) {
  if (small)
    snprintf(into, TEXT_MAX, "%" PRId64 " %s %" PRId64 " %s", large, large_name, small, small_name);
  else
    snprintf(into, TEXT_MAX, "%" PRId64 " %s", large, large_name);
  return into;
}

const char *text_of_duration(char into[TEXT_MAX], int64_t ms) {
  int64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (days) return two_units(into, days, "d", hours % 24, "h");
  if (hours) return two_units(into, hours, "h", minutes % 60, "min");
  if (minutes) return two_units(into, minutes, "min", seconds % 60, "s");
  int64_t tenths = ms % 1000 / 100;
  if (ms < 1000)
    snprintf(into, TEXT_MAX, "%" PRId64 " ms", ms);
  else if (tenths)
    snprintf(into, TEXT_MAX, "%" PRId64 ".%" PRId64 " s", seconds, tenths);
  else
    snprintf(into, TEXT_MAX, "%" PRId64 " s", seconds);
  return into;
}

const char *text_of_size(char into[TEXT_MAX], int64_t bytes) {
  static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  int64_t whole = bytes, rest = 0;
  while (whole >= 1024) {
    rest = whole % 1024;
    whole /= 1024;
    unit++;
  }
  must(unit < sizeof names / sizeof *names);
  int64_t tenths = rest * 10 / 1024;
  if (tenths)
    snprintf(into, TEXT_MAX, "%" PRId64 ".%" PRId64 " %s", whole, tenths, names[unit]);
  else
    snprintf(into, TEXT_MAX, "%" PRId64 " %s", whole, names[unit]);
  return into;
}

const char *text_of_count(char into[TEXT_MAX], int64_t count) {
  char plain[TEXT_MAX];
  int size = snprintf(plain, sizeof plain, "%" PRId64, count);
  char *out = into;
  for (int i = 0; i < size; i++) {
    *out++ = plain[i];
    int behind = size - 1 - i;
    if (behind && behind % 3 == 0 && is_digit((uint8_t)plain[i])) *out++ = ',';
  }
  *out = 0;
  return into;
}

const char *text_of_time(char into[TEXT_MAX], int64_t time_ms) {
  time_t seconds = (time_t)(time_ms / 1000);
  struct tm parts = {0};
  char whole[TEXT_MAX] = "";
  snprintf(into, TEXT_MAX, "-");
  if (time_ms < 0 || !gmtime_r(&seconds, &parts) || !strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &parts))
    return into;
  snprintf(into, TEXT_MAX, "%.24s.%03dZ", whole, (int)(time_ms % 1000));
  return into;
}

enum { NEAREST_MAX = 64 };

static uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Insertions, deletions, replacements and swaps of neighbours that turn one into the other; case does not count. */
static size_t distance(weir_span a, weir_span b) {
  size_t rows[3][NEAREST_MAX + 1], *above_two = rows[0], *above = rows[1], *row = rows[2];
  for (size_t j = 0; j <= b.size; j++) above[j] = above_two[j] = j;
  for (size_t i = 1; i <= a.size; i++) {
    row[0] = i;
    for (size_t j = 1; j <= b.size; j++) {
      uint8_t x = lower(a.data[i - 1]), y = lower(b.data[j - 1]);
      row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == lower(b.data[j - 2]) && y == lower(a.data[i - 2]))
        row[j] = least(row[j], above_two[j - 2] + 1);
    }
    size_t *spare = above_two;
    above_two = above;
    above = row;
    row = spare;
  }
  return above[b.size];
}

const char *text_nearest(weir_span text, const char *const *names, size_t count) {
  if (text.size < 2 || text.size > NEAREST_MAX) return NULL;
  size_t allowed = text.size < 3 ? 1 : text.size / 3;
  const char *nearest = NULL;
  for (size_t i = 0; i < count; i++) {
    weir_span name = span_of(names[i]);
    if (name.size > NEAREST_MAX) continue;
    size_t far = distance(text, name);
    if (far > allowed || (far == allowed && nearest)) continue;
    nearest = names[i];
    allowed = far;
  }
  return nearest;
}

size_t text_utf8(weir_span text) {
  if (!text.size) return 0;
  uint8_t first = text.data[0];
  if (first < 0x80) return 1;
  size_t size = first >= 0xC2 && first < 0xE0   ? 2
                : first >= 0xE0 && first < 0xF0 ? 3
                : first >= 0xF0 && first < 0xF5 ? 4
                                                : 0;
  if (!size || text.size < size) return 0;
  for (size_t i = 1; i < size; i++)
    if ((text.data[i] & 0xC0) != 0x80) return 0;
  uint8_t second = text.data[1];
  bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  bool surrogate = first == 0xED && second >= 0xA0, beyond = first == 0xF4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : size;
}

size_t text_whole(weir_span text, size_t most) {
  size_t at = 0, size = 1;
  while (at < text.size && (size = text_utf8((weir_span){text.data + at, text.size - at})) && at + size <= most)
    at += size;
  return at;
}

/* Controls of ASCII, and those of 8 bits (U+0080 to U+009F), which terminals obey as well. */
static bool is_control(const uint8_t *data, size_t size) {
  return size == 1 ? data[0] < 0x20 || data[0] == 0x7F : size == 2 && data[0] == 0xC2 && data[1] < 0xA0;
}

size_t text_escape(char *into, size_t into_size, weir_span text) {
  must(into_size >= 1);
  size_t used = 0;
  for (size_t at = 0; at < text.size;) {
    weir_span rest = {text.data + at, text.size - at};
    size_t size = text_utf8(rest);
    bool hidden = size == 0 || is_control(rest.data, size);
    size_t taken = size ? size : 1, needed = hidden ? 4 * taken : taken;
    if (into_size - used <= needed) break;
    for (size_t i = 0; hidden && i < taken; i++) snprintf(into + used + 4 * i, 5, "\\x%02x", rest.data[i]);
    if (!hidden) memcpy(into + used, rest.data, taken);
    used += needed;
    at += taken;
  }
  into[used] = 0;
  return used;
}
