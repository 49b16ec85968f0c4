/* lines.c: each record is appended in one go behind room that was made for its longest form, so nothing is checked
 * byte by byte. */
#include "lines.h"
#include "json.h"
#include "must.h"
#include <string.h>

void lines_fini(struct lines *lines) {
  free(lines->data);
  *lines = (struct lines){0};
}

void lines_clear(struct lines *lines) {
  lines->size = 0;
  if (lines->capacity > LINES_KEEP_BYTES) lines_fini(lines);
}

static bool make_room(struct lines *lines, size_t more) {
  if (lines->size + more <= lines->capacity) return true;
  size_t capacity = (lines->size + more) / 2 * 3 + 64;
  uint8_t *bigger = realloc(lines->data, capacity);
  if (!bigger) return false;
  lines->data = bigger;
  lines->capacity = capacity;
  return true;
}

/* ---- Pieces; there is room ---- */

static void put(struct lines *lines, const void *data, size_t size) {
  must(lines->size + size <= lines->capacity);
  if (size) memcpy(lines->data + lines->size, data, size);
  lines->size += size;
}

static void put_text(struct lines *lines, const char *text) { put(lines, text, strlen(text)); }

static void put_int(struct lines *lines, int64_t number) {
  uint8_t digits[JSON_NUMBER_TEXT];
  put(lines, digits, json_write_int(digits, number));
}

static void put_base64(struct lines *lines, weir_span bytes) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size; i += 3) {
    size_t left = bytes.size - i;
    uint32_t three = (uint32_t)bytes.data[i] << 16 | (left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0) |
                     (left > 2 ? bytes.data[i + 2] : 0);
    char four[4] = {letters[three >> 18], letters[three >> 12 & 63], left > 1 ? letters[three >> 6 & 63] : '=',
        left > 2 ? letters[three & 63] : '='};
    put(lines, four, 4);
  }
}

/* A string, which is UTF-8; its longest form takes six bytes a byte. */
static void put_string(struct lines *lines, weir_span text) {
  lines->size += json_write_string(lines->data + lines->size, text);
  must(lines->size <= lines->capacity);
}

/* "name":"text", "name":null, or "name_base64":"..." of what is not UTF-8. */
static void put_member(struct lines *lines, const char *name, weir_span bytes) {
  bool text = !bytes.data || json_is_utf8(bytes);
  put_text(lines, ",\"");
  put_text(lines, name);
  put_text(lines, text ? "\":" : "_base64\":");
  if (!bytes.data) {
    put_text(lines, "null");
  } else if (text) {
    put_string(lines, bytes);
  } else {
    put_text(lines, "\"");
    put_base64(lines, bytes);
    put_text(lines, "\"");
  }
}

static void put_header_part(struct lines *lines, weir_span bytes) {
  if (!bytes.data) {
    put_text(lines, "null");
  } else if (json_is_utf8(bytes)) {
    put_string(lines, bytes);
  } else {
    put_text(lines, "{\"base64\":\"");
    put_base64(lines, bytes);
    put_text(lines, "\"}");
  }
}

/* ---- Formats ---- */

enum { FIXED_BYTES = 256 }; /* names, numbers and punctuation of a line or of a header */

static enum line_fault add_value(struct lines *lines, const weir_record *record) {
  if (!record->value.data) return LINE_NO_VALUE;
  if (record->value.size && memchr(record->value.data, '\n', record->value.size)) return LINE_BREAK;
  if (!make_room(lines, record->value.size + 1)) return LINE_NO_MEMORY;
  put(lines, record->value.data, record->value.size);
  put(lines, "\n", 1);
  return LINE_FINE;
}

static size_t headers_size(const weir_header *headers, uint32_t count) {
  size_t size = 0;
  for (uint32_t i = 0; i < count; i++) size += 6 * (headers[i].name.size + headers[i].value.size) + FIXED_BYTES;
  return size;
}

static void put_headers(struct lines *lines, const weir_header *headers, uint32_t count) {
  put_text(lines, ",\"headers\":[");
  for (uint32_t i = 0; i < count; i++) {
    put_text(lines, i ? ",[" : "[");
    put_header_part(lines, headers[i].name);
    put_text(lines, ",");
    put_header_part(lines, headers[i].value);
    put_text(lines, "]");
  }
  put_text(lines, "]");
}

static enum line_fault add_jsonl(
    struct lines *lines, const weir_host *host, const weir_batch *batch, uint32_t index, const weir_record *record) {
  uint32_t count = 0;
  const weir_header *headers = host->headers(host, batch, index, &count);
  weir_span topic = batch->from->topic;
  size_t most = FIXED_BYTES + 6 * (topic.size + record->key.size + record->value.size) + headers_size(headers, count);
  if (!make_room(lines, most)) return LINE_NO_MEMORY;
  put_text(lines, "{\"topic\":");
  put_string(lines, topic);
  put_text(lines, ",\"partition\":");
  put_int(lines, batch->from->partition);
  put_text(lines, ",\"offset\":");
  put_int(lines, record->offset);
  if (record->child > 0) {
    put_text(lines, ",\"child\":");
    put_int(lines, record->child);
  }
  put_text(lines, ",\"timestamp\":");
  if (record->timestamp_ms < 0) {
    put_text(lines, "null");
  } else {
    put_int(lines, record->timestamp_ms);
  }
  put_member(lines, "key", record->key);
  put_member(lines, "value", record->value);
  put_headers(lines, headers, count);
  put_text(lines, "}\n");
  return LINE_FINE;
}

/* A control character: it could move the cursor, or break the line. Those above U+007F have two bytes, C2 80 to C2
 * 9F. */
static bool is_control(weir_span text, size_t at) {
  uint8_t byte = text.data[at];
  if (byte == 0xC2) return at + 1 < text.size && text.data[at + 1] < 0xA0;
  return byte < 0x20 || byte == 0x7F || (byte >= 0x80 && byte < 0xA0 && at > 0 && text.data[at - 1] == 0xC2);
}

/* Text as it is, anything else as \xNN. */
static void put_visible(struct lines *lines, weir_span bytes) {
  static const char digits[] = "0123456789ABCDEF";
  bool text = json_is_utf8(bytes);
  for (size_t i = 0; i < bytes.size; i++) {
    uint8_t byte = bytes.data[i];
    char escape[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    if (byte == '\n') {
      put_text(lines, "\\n");
    } else if (is_control(bytes, i) || (byte >= 0x80 && !text)) {
      put(lines, escape, 4);
    } else {
      put(lines, &byte, 1);
    }
  }
}

static enum line_fault add_pretty(struct lines *lines, const weir_batch *batch, const weir_record *record) {
  weir_span topic = batch->from->topic;
  if (!make_room(lines, FIXED_BYTES + 4 * (topic.size + record->key.size + record->value.size))) return LINE_NO_MEMORY;
  put_visible(lines, topic);
  put_text(lines, "/");
  put_int(lines, batch->from->partition);
  put_text(lines, "@");
  put_int(lines, record->offset);
  if (record->key.data) {
    put_text(lines, " ");
    put_visible(lines, record->key);
  }
  put_text(lines, ": ");
  if (record->value.data) {
    put_visible(lines, record->value);
  } else {
    put_text(lines, "(null)");
  }
  put_text(lines, "\n");
  return LINE_FINE;
}

enum line_fault lines_add(
    struct lines *lines, enum line_format format, const weir_host *host, const weir_batch *batch, uint32_t index) {
  must(index < batch->record_count);
  const weir_record *record = weir_record_at(batch, index);
  switch (format) {
  case LINE_JSONL: return add_jsonl(lines, host, batch, index, record);
  case LINE_PRETTY: return add_pretty(lines, batch, record);
  default: return add_value(lines, record);
  }
}

weir_reason lines_reason(enum line_fault fault) {
  must(fault == LINE_BREAK || fault == LINE_NO_VALUE);
  if (fault == LINE_NO_VALUE) {
    return weir_because(
        "null_value", weir_text("the value is null, which no line stands for; format: jsonl writes it"));
  }
  return weir_because(
      "line_break", weir_text("the value has a line break and would be two lines; format: jsonl escapes it"));
}

enum line_format lines_format(weir_span name) {
  must(name.size > 0);
  return name.data[0] == 'j' ? LINE_JSONL : name.data[0] == 'p' ? LINE_PRETTY : LINE_VALUE;
}
