/* dead_letters.c: see dead_letters.h. */
#include "sandbox/dead_letters.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include "sandbox/keys.h"

enum { TEXTS_APART = 12 };

struct dead_letters {
  struct keys *sources; /* "topic/partition@offset" or with "#child" */
  int64_t repeated;
  struct reader_reason reasons[READER_REASONS_MAX];
  size_t reason_count;
};

struct dead_letters *dead_letters_create(void) {
  struct dead_letters *dead = calloc(1, sizeof *dead);
  must(dead);
  dead->sources = keys_create();
  return dead;
}

void dead_letters_destroy(struct dead_letters *dead) {
  if (!dead) return;
  keys_destroy(dead->sources);
  free(dead);
}

/* The last header of this name: one that was redriven has older ones before it. */
static void copy_header(const struct reader_record *record, const char *name, char into[READER_TEXT_MAX]) {
  into[0] = 0;
  for (size_t i = record->header_count; i-- > 0;)
    if (span_is(record->headers[i].name, name)) {
      text_escape(into, READER_TEXT_MAX, record->headers[i].value);
      return;
    }
}

static void copy_source(const struct reader_record *record, char into[READER_TEXT_MAX]) {
  char topic[READER_TEXT_MAX], partition[READER_TEXT_MAX], offset[READER_TEXT_MAX], child[READER_TEXT_MAX];
  copy_header(record, "weir.source.topic", topic);
  copy_header(record, "weir.source.partition", partition);
  copy_header(record, "weir.source.offset", offset);
  copy_header(record, "weir.child", child);
  size_t used = 0;
  const char *const parts[] = {topic, "/", partition, "@", offset, child[0] ? "#" : "", child};
  for (size_t i = 0; i < sizeof parts / sizeof *parts && used < READER_TEXT_MAX; i++)
    used += (size_t)snprintf(into + used, READER_TEXT_MAX - used, "%s", parts[i]);
}

static struct reader_reason *find(struct dead_letters *dead, const char *stage, const char *code, const char *text) {
  for (size_t i = 0; i < dead->reason_count; i++) {
    struct reader_reason *reason = &dead->reasons[i];
    if (strcmp(reason->stage, stage) == 0 && strcmp(reason->code, code) == 0 &&
        (!text || strcmp(reason->text, text) == 0))
      return reason;
  }
  return NULL;
}

/* While there are few of them, each text is a kind; texts may tell bytes and numbers, so then stage and code alone. Kinds beyond the table
 * are counted with the last one. */
static struct reader_reason *reason_of(
    struct dead_letters *dead, const char *stage, const char *code, const char *text) {
  struct reader_reason *found = find(dead, stage, code, text);
  if (!found && dead->reason_count >= TEXTS_APART) found = find(dead, stage, code, NULL);
  if (found) return found;
  if (dead->reason_count == READER_REASONS_MAX) return &dead->reasons[READER_REASONS_MAX - 1];
  struct reader_reason *reason = &dead->reasons[dead->reason_count++];
  memcpy(reason->stage, stage, READER_TEXT_MAX);
  memcpy(reason->code, code, READER_TEXT_MAX);
  memcpy(reason->text, text, READER_TEXT_MAX);
  return reason;
}

void dead_letters_take(struct dead_letters *dead, const struct reader_record *record) {
  char source[READER_TEXT_MAX], stage[READER_TEXT_MAX], code[READER_TEXT_MAX], text[READER_TEXT_MAX];
  copy_source(record, source);
  if ((*keys_at(dead->sources, span_of(source)))++ > 0) {
    dead->repeated++;
    return;
  }
  copy_header(record, "weir.stage", stage);
  copy_header(record, "weir.reason.code", code);
  copy_header(record, "weir.reason", text);
  struct reader_reason *reason = reason_of(dead, stage, code, text);
  if (reason->count++ == 0) memcpy(reason->source, source, READER_TEXT_MAX);
}

int64_t dead_letters_count(const struct dead_letters *dead) { return (int64_t)keys_count(dead->sources); }
int64_t dead_letters_repeated(const struct dead_letters *dead) { return dead->repeated; }

size_t dead_letters_reasons(const struct dead_letters *dead, const struct reader_reason **reasons) {
  *reasons = dead->reasons;
  return dead->reason_count;
}
