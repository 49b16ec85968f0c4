/* node_json.c: a piece of the pipeline file as JSON. What YAML would read as a number and JSON does not write so is
 * refused, not guessed at. */
#include "rules.h"
#include <common/must.h>
#include <ctype.h>
#include <string.h>

struct text {
  const weir_host *host;
  uint8_t *data;
  size_t size, capacity;
};

static int32_t put(struct text *text, const weir_config *node, const void *data, size_t size) {
  if (text->size + size > text->capacity) {
    size_t capacity = (text->size + size) * 2 + 64;
    uint8_t *bigger = realloc(text->data, capacity);
    if (!bigger) return text->host->fail(text->host, node, weir_text("no memory"));
    text->data = bigger;
    text->capacity = capacity;
  }
  must(text->data && size > 0);
  memcpy(text->data + text->size, data, size);
  text->size += size;
  return 0;
}

static int32_t put_string(struct text *text, const weir_config *node, weir_span string) {
  size_t size = json_string_size(string);
  if (size == 0) return text->host->fail(text->host, node, weir_text("the text is not UTF-8, so JSON cannot hold it"));
  uint8_t *escaped = malloc(size);
  if (!escaped) return text->host->fail(text->host, node, weir_text("no memory"));
  int32_t result = put(text, node, escaped, json_write_string(escaped, string));
  free(escaped);
  return result;
}

static size_t skip_digits(const char *at) { return strspn(at, "0123456789"); }

/* -12.5e3 as JSON writes it. */
static bool is_json_number(const char *at) {
  if (*at == '-') at++;
  size_t digits = skip_digits(at);
  if (digits == 0 || (digits > 1 && *at == '0')) return false;
  at += digits;
  if (*at == '.') {
    digits = skip_digits(++at);
    if (digits == 0) return false;
    at += digits;
  }
  if (*at == 'e' || *at == 'E') {
    at++;
    if (*at == '+' || *at == '-') at++;
    digits = skip_digits(at);
    if (digits == 0) return false;
    at += digits;
  }
  return *at == 0;
}

/* What YAML 1.2 reads as a number: +5 007 .5 5. 0x1F 0o17 .inf .nan; JSON numbers too. */
static bool is_yaml_number(const char *at) {
  if (strncmp(at, "0x", 2) == 0) return at[2] && strspn(at + 2, "0123456789abcdefABCDEF") == strlen(at + 2);
  if (strncmp(at, "0o", 2) == 0) return at[2] && strspn(at + 2, "01234567") == strlen(at + 2);
  if (strcmp(at, ".nan") == 0 || strcmp(at, ".NaN") == 0 || strcmp(at, ".NAN") == 0) return true;
  if (*at == '-' || *at == '+') at++;
  if (strcmp(at, ".inf") == 0 || strcmp(at, ".Inf") == 0 || strcmp(at, ".INF") == 0) return true;
  size_t whole = skip_digits(at), fraction = 0;
  at += whole;
  if (*at == '.') {
    fraction = skip_digits(++at);
    at += fraction;
  }
  if (whole + fraction == 0) return false;
  if (*at == 'e' || *at == 'E') {
    at++;
    if (*at == '+' || *at == '-') at++;
    size_t digits = skip_digits(at);
    if (digits == 0) return false;
    at += digits;
  }
  return *at == 0;
}

static bool is_capital_word(const char *word) {
  static const char *const words[] = {"True", "TRUE", "False", "FALSE"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strcmp(word, words[i]) == 0) return true;
  }
  return false;
}

static int32_t refuse(const weir_host *host, const weir_config *node, const char *word, const char *sentence) {
  char text[256];
  snprintf(text, sizeof text, "'%s' %s", word, sentence);
  return host->fail(host, node, weir_text(text));
}

static int32_t put_plain(struct text *text, const weir_config *node, weir_span plain) {
  char word[64];
  if (plain.size >= sizeof word || memchr(plain.data, 0, plain.size)) return put_string(text, node, plain);
  memcpy(word, plain.data, plain.size);
  word[plain.size] = 0;
  if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0 || is_json_number(word)) {
    return put(text, node, plain.data, plain.size);
  }
  if (is_yaml_number(word)) {
    return refuse(text->host, node, word,
        "is a number in YAML but not in JSON; write it as JSON does (0.5, -1, 1e3), or in quotes for a text");
  }
  if (is_capital_word(word)) {
    return refuse(text->host, node, word, "is no JSON; write true or false in small letters, or quotes around a text");
  }
  return put_string(text, node, plain);
}

static int32_t put_node(struct text *text, const weir_config *node, uint32_t depth);

static int32_t put_entries(struct text *text, const weir_config *node, bool map, uint32_t depth) {
  const weir_host *host = text->host;
  uint32_t count = host->config_count(host, node);
  if (put(text, node, map ? "{" : "[", 1) != 0) return -1;
  for (uint32_t i = 0; i < count; i++) {
    weir_span key;
    const weir_config *entry = host->config_at(host, node, i, &key);
    if (i > 0 && put(text, node, ",", 1) != 0) return -1;
    if (map && (put_string(text, entry, key) != 0 || put(text, node, ":", 1) != 0)) return -1;
    if (put_node(text, entry, depth + 1) != 0) return -1;
  }
  return put(text, node, map ? "}" : "]", 1);
}

static int32_t put_node(struct text *text, const weir_config *node, uint32_t depth) {
  const weir_host *host = text->host;
  int32_t kind = host->config_kind(host, node);
  weir_span scalar;
  if (depth > JSON_STEPS_MAX) return host->fail(host, node, weir_text("nested too deeply"));
  if (kind == WEIR_NODE_NULL) return put(text, node, "null", 4);
  if (kind == WEIR_NODE_LIST || kind == WEIR_NODE_MAP) return put_entries(text, node, kind == WEIR_NODE_MAP, depth);
  if (host->config_text(host, node, &scalar) != 0) return -1;
  return kind == WEIR_NODE_PLAIN ? put_plain(text, node, scalar) : put_string(text, node, scalar);
}

int32_t node_to_json(const weir_host *host, const weir_config *node, struct rules *rules, weir_span *out) {
  struct text text = {.host = host};
  int32_t result = put_node(&text, node, 0);
  uint8_t *copy = result == 0 ? rules_alloc(rules, text.size) : NULL;
  if (copy) {
    must(text.data);
    memcpy(copy, text.data, text.size);
    *out = weir_bytes(copy, text.size);
  } else if (result == 0) {
    result = host->fail(host, node, weir_text("no memory"));
  }
  free(text.data);
  return result;
}
