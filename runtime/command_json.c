/* command_json.c: see command_json.h. */
#include "command_json.h"
#include <inttypes.h>
#include <stdio.h>
#include "base/span.h"
#include "base/text.h"

void json_text(weir_span text) {
  weir_span rest = text;
  putchar('"');
  while (rest.size) {
    size_t size = text_utf8(rest);
    uint8_t byte = *rest.data;
    if (byte == '"' || byte == '\\')
      printf("\\%c", byte);
    else if (byte < 0x20 || byte == 0x7f || !size)
      printf("\\u%04x", !size ? 0xfffd : byte);
    else
      printf("%.*s", (int)size, (const char *)rest.data);
    size = size ? size : 1;
    rest = (weir_span){rest.data + size, rest.size - size};
  }
  putchar('"');
}

void json_field(const char *name, weir_span text) {
  printf(",\"%s\":", name);
  if (text.data)
    json_text(text);
  else
    fputs("null", stdout);
}

void json_number(const char *name, int64_t number) {
  if (number < 0)
    printf(",\"%s\":null", name);
  else
    printf(",\"%s\":%" PRId64, name, number);
}

void json_time(const char *name, int64_t time_ms) {
  char text[TEXT_MAX];
  json_field(name, time_ms < 0 ? (weir_span){0} : span_of(text_of_time(text, time_ms)));
}

void json_bytes(const char *name, weir_span bytes, size_t bytes_max) {
  weir_span shown = {bytes.data, bytes.size < bytes_max ? bytes.size : text_whole(bytes, bytes_max)};
  if (!bytes.data || text_whole(shown, shown.size) == shown.size) {
    json_field(name, shown);
    return;
  }
  shown.size = bytes.size < bytes_max ? bytes.size : bytes_max;
  printf(",\"%s_hex\":\"", name);
  for (size_t i = 0; i < shown.size; i++) printf("%02x", shown.data[i]);
  putchar('"');
}
