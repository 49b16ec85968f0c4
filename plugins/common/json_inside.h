/* json_inside.h: what the files of json.h share and plugins do not see. */
#ifndef WEIR_PLUGINS_COMMON_JSON_INSIDE_H
#define WEIR_PLUGINS_COMMON_JSON_INSIDE_H
#include "json.h"
#include "json_index.h"

/* The text is followed by JSON_PADDING zero bytes, so a scan that stops at a zero needs no bound, and
 * text[tokens[token_count]] is 0. */
struct json_reader {
  struct json_index *index;
  const uint32_t *tokens; /* the index's */
  uint32_t token_count;
  bool open;    /* the last json_open() worked */
  bool escaped; /* there is a backslash somewhere */
  uint8_t *text;
  size_t size, capacity; /* capacity: bytes of text that fit, without the padding */
  uint8_t *scratch;      /* unescaped strings; as large as `capacity`; NULL until needed */
};

/* ---- Messages; all return false ---- */

/* "byte N: expected WHAT, found 'c'"; found is the byte at `byte`, or the end. */
bool json_expected(struct json_error *err, const uint8_t *text, size_t size, size_t byte, const char *what);
/* "byte N: SENTENCE". */
bool json_malformed(struct json_error *err, size_t byte, const char *sentence);
bool json_no_memory(struct json_error *err);

/* ---- Scalars at a byte (json_scan.c). `text` is followed by a zero byte at `size` ---- */

struct json_number {
  size_t end;
  uint64_t digits;  /* of an integer, or all digits of a decimal, while they fit */
  int32_t exponent; /* number = digits * 10^exponent, when `exact` */
  bool negative, integer;
  bool exact; /* digits and exponent hold the number */
};

static inline bool json_is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r'; }

/* False: not the grammar of a number, or something other than the end of a value follows. */
bool json_scan_number(const uint8_t *text, size_t size, size_t at, struct json_number *number, struct json_error *err);
/* `word` is "true", "false" or "null". */
bool json_scan_word(const uint8_t *text, size_t size, size_t at, const char *word, struct json_error *err);
/* From the first quote to behind the last, with escapes, control characters and UTF-8 checked. */
bool json_scan_string(const uint8_t *text, size_t size, size_t at, size_t *end, struct json_error *err);
/* The whole text, byte by byte (json_check.c): names the first byte that is wrong. */
bool json_check(const uint8_t *text, size_t size, struct json_error *err);
/* The value's type, and what `as` holds of it. */
void json_number_value(const uint8_t *text, size_t at, const struct json_number *number, struct json_value *out);

/* Unescapes text[at..end), between the quotes, into `out`, which has as many bytes. */
bool json_unescape(const uint8_t *text, size_t at, size_t end, uint8_t *out, size_t *size, struct json_error *err);

/* ---- Tokens of an open reader (json_reader.c) ---- */

static inline uint8_t json_byte(const struct json_reader *reader, uint32_t token) {
  return reader->text[reader->tokens[token]];
}

/* Where the value before token `next` ends: white space between them is not its own. */
static inline uint32_t json_end_before(const struct json_reader *reader, uint32_t next) {
  uint32_t end = reader->tokens[next];
  while (json_is_space(reader->text[end - 1])) end--;
  return end;
}

/* *token stands on a value: steps over it. */
bool json_skip(const struct json_reader *reader, uint32_t *token, struct json_error *err);
/* Fills *out with the value that starts at `token`; scalars are decoded. */
bool json_value_at(const struct json_reader *reader, uint32_t token, struct json_value *out, struct json_error *err);
/* The step to the next member of an object: *token stands behind '{' or behind a member; FOUND: *token stands at its
 * key and *value at its value; ABSENT: behind '}'. */
enum json_answer json_step_member(
    const struct json_reader *reader, uint32_t *token, bool first, uint32_t *value, struct json_error *err);
/* The same for an array: *token stands at the element. */
enum json_answer json_step_element(
    const struct json_reader *reader, uint32_t *token, bool first, struct json_error *err);
/* Whether the key at `token` is `key`: 1, 0, or JSON_BAD for a bad escape in it. */
enum json_answer json_key_is(struct json_reader *reader, uint32_t token, weir_span key, struct json_error *err);
/* The key at `token`, unescaped, in the text or in the reader's scratch. */
bool json_key_text(struct json_reader *reader, uint32_t token, weir_span *out, struct json_error *err);

#endif
