/* json_write.c: strings and numbers as JSON text. What is written here reads back as the same value. */
#include "json_inside.h"
#include "must.h"
#include <math.h>
#include <string.h>

/* The letter of a short escape, 'u' for the long form, 0: the byte stands for itself. */
static uint8_t escape_of(uint8_t byte) {
  switch (byte) {
  case '"': return '"';
  case '\\': return '\\';
  case '\b': return 'b';
  case '\f': return 'f';
  case '\n': return 'n';
  case '\r': return 'r';
  case '\t': return 't';
  default: return byte < 0x20 ? 'u' : 0;
  }
}

bool json_is_utf8(weir_span text) { return json_index_utf8(text.data, text.size); }

size_t json_string_size(weir_span text) {
  size_t size = text.size + 2;
  if (!json_is_utf8(text)) return 0;
  for (size_t i = 0; i < text.size; i++) {
    uint8_t letter = escape_of(text.data[i]);
    if (letter) size += letter == 'u' ? 5 : 1;
  }
  return size;
}

size_t json_write_string(uint8_t *out, weir_span text) {
  static const char digits[] = "0123456789abcdef";
  uint8_t *at = out;
  *at++ = '"';
  for (size_t i = 0; i < text.size; i++) {
    uint8_t byte = text.data[i], letter = escape_of(byte);
    if (!letter) {
      *at++ = byte;
      continue;
    }
    *at++ = '\\';
    *at++ = letter;
    if (letter != 'u') continue;
    memcpy(at, "00", 2);
    at[2] = (uint8_t)digits[byte >> 4];
    at[3] = (uint8_t)digits[byte & 15];
    at += 4;
  }
  *at++ = '"';
  return (size_t)(at - out);
}

size_t json_write_uint(uint8_t *out, uint64_t number) {
  uint8_t digits[20];
  size_t count = 0;
  do {
    digits[count++] = (uint8_t)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  for (size_t i = 0; i < count; i++) out[i] = digits[count - 1 - i];
  return count;
}

size_t json_write_int(uint8_t *out, int64_t number) {
  if (number >= 0) return json_write_uint(out, (uint64_t)number);
  out[0] = '-';
  return 1 + json_write_uint(out + 1, 0 - (uint64_t)number);
}

size_t json_write_double(uint8_t *out, double number) {
  if (!isfinite(number)) return 0;
  size_t size = json_index_shortest(out, number);
  must(size > 0 && size + 2 <= JSON_NUMBER_TEXT);
  if (memchr(out, '.', size) || memchr(out, 'e', size)) return size;
  memcpy(out + size, ".0", 2);
  return size + 2;
}
