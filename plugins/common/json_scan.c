/* json_scan.c: the grammar of JSON's scalars, byte by byte. A zero byte behind the text ends every loop. */
#include "json_inside.h"
#include "must.h"
#include <string.h>

bool json_malformed(struct json_error *err, size_t byte, const char *sentence) {
  err->fault = JSON_MALFORMED;
  err->byte = byte;
  snprintf(err->text, sizeof err->text, "byte %zu: %s", byte, sentence);
  return false;
}

bool json_no_memory(struct json_error *err) {
  err->fault = JSON_NO_MEMORY;
  err->byte = 0;
  snprintf(err->text, sizeof err->text, "no memory to read the JSON text");
  return false;
}

bool json_expected(struct json_error *err, const uint8_t *text, size_t size, size_t byte, const char *what) {
  char sentence[JSON_ERROR_TEXT / 2];
  must(byte <= size);
  if (byte == size) {
    snprintf(sentence, sizeof sentence, "expected %s, found the end", what);
  } else if (text[byte] >= 0x20 && text[byte] < 0x7f) {
    snprintf(sentence, sizeof sentence, "expected %s, found '%c'", what, text[byte]);
  } else {
    snprintf(sentence, sizeof sentence, "expected %s, found the byte 0x%02X", what, text[byte]);
  }
  return json_malformed(err, byte, sentence);
}

static bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* What may stand directly behind a number or a word. */
static bool ends_value(const uint8_t *text, size_t size, size_t at) {
  return at == size || json_is_space(text[at]) || text[at] == ',' || text[at] == '}' || text[at] == ']';
}

/* ---- Numbers ---- */

enum { DIGITS_EXACT = 19 }; /* so many decimal digits always fit 64 bits */

/* Takes digits from *at on; `count` counts those that matter for the size of number->digits. */
static void scan_digits(const uint8_t *text, size_t *at, struct json_number *number, int *count) {
  for (; is_digit(text[*at]); ++*at) {
    uint64_t digit = (uint64_t)(text[*at] - '0');
    if (*count > 0 || digit > 0) ++*count;
    if (*count > DIGITS_EXACT && number->digits > (UINT64_MAX - digit) / 10) {
      number->exact = false;
      continue;
    }
    number->digits = number->digits * 10 + digit;
  }
}

static bool scan_exponent(
    const uint8_t *text, size_t size, size_t *at, struct json_number *number, struct json_error *err) {
  size_t i = *at + 1;
  bool minus = text[i] == '-';
  int32_t exponent = 0;
  if (minus || text[i] == '+') i++;
  if (!is_digit(text[i])) return json_expected(err, text, size, i, "a digit of the exponent");
  for (; is_digit(text[i]); i++) {
    if (exponent < 100000) exponent = exponent * 10 + (text[i] - '0');
  }
  number->exponent += minus ? -exponent : exponent;
  *at = i;
  return true;
}

bool json_scan_number(const uint8_t *text, size_t size, size_t at, struct json_number *number, struct json_error *err) {
  int count = 0;
  *number = (struct json_number){.negative = text[at] == '-', .integer = true, .exact = true};
  size_t i = at + number->negative, start = i;
  if (!is_digit(text[i])) return json_expected(err, text, size, i, "a digit");
  scan_digits(text, &i, number, &count);
  if (text[start] == '0' && i > start + 1)
    return json_malformed(err, start, "a number does not start with a needless 0");
  if (text[i] == '.') {
    size_t fraction = ++i;
    number->integer = false;
    if (!is_digit(text[i])) return json_expected(err, text, size, i, "a digit behind the point");
    scan_digits(text, &i, number, &count);
    number->exponent = i - fraction < 100000 ? -(int32_t)(i - fraction) : -100000;
  }
  if (text[i] == 'e' || text[i] == 'E') {
    number->integer = false;
    if (!scan_exponent(text, size, &i, number, err)) return false;
  }
  if (!ends_value(text, size, i)) return json_expected(err, text, size, i, "the end of the number");
  number->end = i;
  return true;
}

/* Both operands are exact doubles, so the one rounding gives the nearest double (Clinger's fast path). */
static bool fast_double(const struct json_number *number, double *out) {
  static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (!number->exact || number->digits > UINT64_C(1) << 53 || number->exponent < -22 || number->exponent > 22)
    return false;
  double value = (double)number->digits;
  value = number->exponent < 0 ? value / powers[-number->exponent] : value * powers[number->exponent];
  *out = number->negative ? -value : value;
  return true;
}

void json_number_value(const uint8_t *text, size_t at, const struct json_number *number, struct json_value *out) {
  if (number->integer && number->exact) {
    uint64_t digits = number->digits;
    if (!number->negative && digits > INT64_MAX) {
      out->type = JSON_UINT;
      out->as.natural = digits;
      return;
    }
    if (digits <= (uint64_t)INT64_MAX + number->negative) {
      out->type = JSON_INT;
      out->as.integer = number->negative ? (int64_t)(0 - digits) : (int64_t)digits;
      return;
    }
  }
  out->type = number->integer ? JSON_HUGE : JSON_DOUBLE;
  if (fast_double(number, &out->as.number)) return;
  out->as.number = json_index_double(text + at, number->end - at);
  if (out->as.number - out->as.number != 0) out->type = JSON_HUGE; /* infinite */
}

bool json_scan_word(const uint8_t *text, size_t size, size_t at, const char *word, struct json_error *err) {
  char what[32];
  size_t length = strlen(word);
  if (strncmp((const char *)text + at, word, length) == 0 && ends_value(text, size, at + length)) return true;
  snprintf(what, sizeof what, "%s", word);
  size_t i = 0;
  while (i < length && text[at + i] == (uint8_t)word[i]) i++;
  return json_expected(err, text, size, at + i, i < length ? what : "the end of the word");
}

/* ---- Strings ---- */

static int hex_digit(uint8_t byte) {
  if (is_digit(byte)) return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

/* The four digits at `at`, of which none is read behind one that is wrong. -1: not four hexadecimal digits. */
static int32_t hex_four(const uint8_t *text, size_t at) {
  int32_t code = 0;
  for (size_t i = 0; i < 4; i++) {
    int digit = hex_digit(text[at + i]);
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

/* The code point of the escape \uXXXX at *at, which is moved behind it (and behind the second half of a pair). */
static bool scan_unicode(const uint8_t *text, size_t *at, uint32_t *point, struct json_error *err) {
  int32_t high = hex_four(text, *at + 2);
  if (high < 0) return json_malformed(err, *at, "\\u needs four hexadecimal digits");
  *point = (uint32_t)high;
  if (high < 0xD800 || high > 0xDFFF) {
    *at += 6;
    return true;
  }
  int32_t low = high < 0xDC00 && text[*at + 6] == '\\' && text[*at + 7] == 'u' ? hex_four(text, *at + 8) : -1;
  if (low < 0xDC00 || low > 0xDFFF) return json_malformed(err, *at, "half of a surrogate pair stands alone");
  *point = 0x10000 + (((uint32_t)high - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
  *at += 12;
  return true;
}

static size_t write_point(uint8_t *out, uint32_t point) {
  if (point < 0x80) {
    out[0] = (uint8_t)point;
    return 1;
  }
  if (point < 0x800) {
    out[0] = (uint8_t)(0xC0 | point >> 6);
    out[1] = (uint8_t)(0x80 | (point & 0x3F));
    return 2;
  }
  if (point < 0x10000) {
    out[0] = (uint8_t)(0xE0 | point >> 12);
    out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
    out[2] = (uint8_t)(0x80 | (point & 0x3F));
    return 3;
  }
  out[0] = (uint8_t)(0xF0 | point >> 18);
  out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3F));
  out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
  out[3] = (uint8_t)(0x80 | (point & 0x3F));
  return 4;
}

/* The escape at *at as UTF-8, four bytes at most. */
static bool scan_escape(const uint8_t *text, size_t *at, uint8_t out[4], size_t *size, struct json_error *err) {
  static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
  uint8_t letter = text[*at + 1];
  if (letter == 'u') {
    uint32_t point;
    if (!scan_unicode(text, at, &point, err)) return false;
    *size = write_point(out, point);
    return true;
  }
  const char *found = letter ? strchr(letters, letter) : NULL;
  if (!found) return json_malformed(err, *at, "a backslash is followed by one of \"\\/bfnrtu");
  out[0] = (uint8_t)bytes[found - letters];
  *size = 1;
  *at += 2;
  return true;
}

/* Bytes of the UTF-8 sequence at `at`, 0: it is not one. The zero behind the text ends it too. */
static size_t utf8_length(const uint8_t *text, size_t at) {
  uint8_t lead = text[at], second = text[at + 1];
  size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length < 2) return length;
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((text[at + i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

/* Bytes from `at` on that need no second look: they are ASCII, printable, and neither a quote nor a backslash. */
static size_t pass_plain(const uint8_t *text, size_t at) {
  while (text[at] >= 0x20 && text[at] < 0x80 && text[at] != '"' && text[at] != '\\') at++;
  return at;
}

bool json_scan_string(const uint8_t *text, size_t size, size_t at, size_t *end, struct json_error *err) {
  uint8_t out[4];
  size_t i = at + 1, length;
  while (text[i = pass_plain(text, i)] != '"') {
    if (i >= size) return json_malformed(err, at, "the string that starts here has no end");
    if (text[i] == '\\') {
      if (!scan_escape(text, &i, out, &length, err)) return false;
      continue;
    }
    if (text[i] < 0x20) return json_malformed(err, i, "a control character in a string must be escaped");
    length = utf8_length(text, i);
    if (length == 0) return json_malformed(err, i, "not UTF-8");
    i += length;
  }
  *end = i + 1;
  return true;
}

bool json_unescape(const uint8_t *text, size_t at, size_t end, uint8_t *out, size_t *size, struct json_error *err) {
  size_t used = 0;
  while (at < end) {
    const uint8_t *backslash = memchr(text + at, '\\', end - at);
    size_t plain = backslash ? (size_t)(backslash - (text + at)) : end - at;
    memcpy(out + used, text + at, plain);
    used += plain;
    at += plain;
    if (at == end) break;
    size_t length;
    uint8_t bytes[4];
    if (!scan_escape(text, &at, bytes, &length, err)) return false;
    memcpy(out + used, bytes, length);
    used += length;
  }
  must(at == end);
  *size = used;
  return true;
}
