/* json_play.h: a reader and a list of edits for one test, and paths written as text. */
#ifndef WEIR_TESTS_JSON_PLAY_H
#define WEIR_TESTS_JSON_PLAY_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <common/json.h>

struct play {
  struct json_reader *reader;
  struct json_edits *edits;
  struct json_error err;
  struct json_value root;
};

static inline int begin(void **state) {
  struct play *play = calloc(1, sizeof *play);
  play->reader = json_reader_create();
  play->edits = json_edits_create();
  *state = play;
  return play->reader && play->edits ? 0 : -1;
}

static inline int end(void **state) {
  struct play *play = *state;
  json_edits_destroy(play->edits);
  json_reader_destroy(play->reader);
  free(play);
  return 0;
}

static inline void open_text(struct play *play, const char *text) {
  if (!json_open(play->reader, weir_text(text), &play->err)) fail_msg("%s: %s", text, play->err.text);
  if (!json_root(play->reader, &play->root, &play->err)) fail_msg("%s: %s", text, play->err.text);
}

/* "a.b.0" and "list[2]" as steps: a bare number is a key and an index, a bracketed one only an index, "'0'" only a
 * key. */
static inline uint32_t steps_of(const char *path, struct json_step *steps) {
  uint32_t count = 0;
  while (*path) {
    bool bracket = *path == '[', quoted = *path == '\'';
    if (bracket || quoted) path++;
    size_t size = strcspn(path, bracket ? "]" : quoted ? "'" : ".[");
    bool digits = size > 0 && strspn(path, "0123456789") >= size;
    steps[count].key = bracket ? weir_bytes(NULL, 0) : weir_bytes(path, size);
    steps[count].index = digits && !quoted ? (uint32_t)strtoul(path, NULL, 10) : JSON_NO_INDEX;
    count++;
    path += size;
    if (bracket || quoted) path++;
    if (*path == '.') path++;
  }
  return count;
}

static inline enum json_answer find(struct play *play, const char *path, struct json_value *value) {
  struct json_step steps[JSON_STEPS_MAX];
  uint32_t count = steps_of(path, steps);
  return json_find(play->reader, &play->root, steps, count, value, &play->err);
}

static inline struct json_value found(struct play *play, const char *path) {
  struct json_value value;
  enum json_answer answer = find(play, path, &value);
  if (answer != JSON_FOUND) fail_msg("%s: %d %s", path, answer, answer == JSON_BAD ? play->err.text : "absent");
  return value;
}

static inline void assert_span(weir_span span, const char *expected) {
  if (span.size != strlen(expected) || memcmp(span.data, expected, span.size) != 0) {
    fail_msg("found '%.*s', expected '%s'", (int)span.size, (const char *)span.data, expected);
  }
}

#endif
