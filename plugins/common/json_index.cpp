/* json_index.cpp: the one file that sees simdjson. Its first stage, chosen at run time for the machine's vector
 * units, finds the tokens; the walk over them is ours (json_reader.c), which gives every error its byte and lets a
 * value be asked for in any order. */
#include "json_index.h"
#include <charconv>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <simdjson.h>

struct json_index {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  size_t capacity = 0;
};

struct json_index *json_index_create(void) {
  return new (std::nothrow) json_index;
}

void json_index_destroy(struct json_index *index) { delete index; }

bool json_index_reserve(struct json_index *index, size_t size) {
  index->capacity = 0;
  index->parser.reset();
  auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(size, 1, index->parser);
  if (error != simdjson::SUCCESS) return false;
  index->capacity = size;
  return true;
}

bool json_index_run(
    struct json_index *index, const uint8_t *text, size_t size, const uint32_t **tokens, uint32_t *count) {
  if (size == 0 || size > index->capacity) return false;
  auto error = index->parser->stage1(text, size, simdjson::stage1_mode::regular);
  if (error != simdjson::SUCCESS) return false;
  uint32_t *found = index->parser->structural_indexes.get();
  *count = index->parser->n_structural_indexes;
  found[*count] = static_cast<uint32_t>(size);
  *tokens = found;
  return true;
}

bool json_index_utf8(const uint8_t *text, size_t size) {
  return simdjson::validate_utf8(reinterpret_cast<const char *>(text), size);
}

/* Whether a number that from_chars() refuses is too large or too small: the decimal exponent of its first digit that
 * is not 0. */
static bool is_large(const char *text, const char *end) {
  long scale = 0, exponent = 0;
  bool seen = false, fraction = false;
  const char *at = text + (*text == '-');
  for (; at < end && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    seen = seen || *at != '0';
    if (fraction && !seen) scale--;
    if (!fraction && seen) scale++;
  }
  if (at < end) {
    at += at[1] == '+' ? 2 : 1;
    auto result = std::from_chars(at, end, exponent);
    if (result.ec != std::errc()) return *at != '-';
  }
  return scale + exponent > 0;
}

double json_index_double(const uint8_t *text, size_t size) {
  const char *start = reinterpret_cast<const char *>(text), *end = start + size;
  double number = 0;
  auto result = std::from_chars(start, end, number);
  if (result.ec == std::errc()) return number;
  number = is_large(start, end) ? std::numeric_limits<double>::infinity() : 0.0;
  return *start == '-' ? -number : number;
}

size_t json_index_shortest(uint8_t *out, double number) {
  char *start = reinterpret_cast<char *>(out);
  return static_cast<size_t>(std::to_chars(start, start + 32, number).ptr - start);
}
