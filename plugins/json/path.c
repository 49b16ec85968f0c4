/* path.c: the name of a field as people write it, as steps. */
#include "rules.h"
#include <common/must.h>
#include <ctype.h>
#include <string.h>

enum { ERROR_TEXT = 160 };

struct path_text {
  struct rules *rules;
  weir_span text;
  size_t at;
  char *error;
};

static bool refuse(const struct path_text *path, const char *sentence) {
  snprintf(path->error, ERROR_TEXT, "%s", sentence);
  return false;
}

/* A step in double quotes, which is a JSON string. */
static bool quoted_step(struct path_text *path, struct json_step *step) {
  const uint8_t *start = path->text.data + path->at;
  size_t left = path->text.size - path->at, size = 1;
  while (size < left && start[size] != '"') size += start[size] == '\\' ? 2 : 1;
  if (size >= left) return refuse(path, "a double quote in the field's name has no end");
  struct json_reader *reader = json_reader_create();
  struct json_error err;
  struct json_value value;
  weir_span key;
  bool read = reader && json_open(reader, weir_bytes(start, size + 1), &err) && json_root(reader, &value, &err) &&
              json_string(reader, &value, &key, &err);
  uint8_t *copy = read ? rules_alloc(path->rules, key.size + 1) : NULL;
  if (copy) {
    memcpy(copy, key.data, key.size);
    step->key = weir_bytes(copy, key.size);
    path->at += size + 1;
  }
  json_reader_destroy(reader);
  return copy ? true : refuse(path, "what stands in double quotes in the field's name is no JSON string");
}

/* A step up to the next dot; digits are an index where they meet an array. */
static bool plain_step(struct path_text *path, struct json_step *step) {
  const uint8_t *start = path->text.data + path->at;
  size_t size = 0, digits = 0;
  for (; path->at + size < path->text.size && start[size] != '.'; size++) digits += isdigit(start[size]) ? 1 : 0;
  if (size == 0)
    return refuse(path, "a step of the field's name is empty; a key with dots goes in double quotes: a.\"b.c\"");
  step->key = weir_bytes(start, size);
  if (digits == size && size < 9 && (size == 1 || start[0] != '0')) {
    step->index = 0;
    for (size_t i = 0; i < size; i++) step->index = step->index * 10 + (uint32_t)(start[i] - '0');
  }
  path->at += size;
  return true;
}

static bool parse_steps(struct path_text *path, struct json_step *steps, uint32_t *count) {
  for (*count = 0;;) {
    if (*count == JSON_STEPS_MAX) return refuse(path, "the field's name has more than 64 steps");
    struct json_step *step = &steps[(*count)++];
    step->index = JSON_NO_INDEX;
    bool quoted = path->at < path->text.size && path->text.data[path->at] == '"';
    if (!(quoted ? quoted_step(path, step) : plain_step(path, step))) return false;
    if (path->at == path->text.size) return true;
    if (path->text.data[path->at] != '.') return refuse(path, "expected a dot behind the quotes in the field's name");
    path->at++;
  }
}

bool path_parse(struct rules *rules, weir_span text, struct path *path, char error[160]) {
  struct json_step steps[JSON_STEPS_MAX];
  struct path_text reading = {.rules = rules};
  reading.error = error;
  uint8_t *copy = rules_alloc(rules, text.size + 1);
  if (!copy) return refuse(&reading, "no memory");
  if (text.size) memcpy(copy, text.data, text.size);
  reading.text = weir_bytes(copy, text.size);
  if (!json_is_utf8(reading.text)) return refuse(&reading, "the field's name is not UTF-8");
  if (!parse_steps(&reading, steps, &path->count)) return false;
  path->steps = rules_alloc(rules, path->count * sizeof *steps);
  if (!path->steps) return refuse(&reading, "no memory");
  memcpy(path->steps, steps, path->count * sizeof *steps);
  return true;
}
