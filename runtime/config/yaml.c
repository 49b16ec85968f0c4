/* yaml.c: libyaml's events into a tree. The tree never grows beyond what limits.h allows: depth and size are checked before
 * a node is made, and an alias weighs as much as what it stands for, so nothing that walks the tree can be made to run long. */
#include "config/yaml.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "config/node.h"
#include "config/report.h"
#include "config/yaml_traps.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct anchor {
  const char *name;
  struct weir_config *node;
};

/* A list or map whose end has not come. */
struct frame {
  struct weir_config *node;
  uint32_t first_child; /* in reader.children */
  bool has_key;         /* of a map: the next node is the value of `key` */
  weir_span key;
  uint32_t key_line, key_column;
};

/* All of one yaml_read(); on its stack. */
struct reader {
  const char *file;
  weir_span text;
  struct arena *arena;
  struct report *report;
  yaml_parser_t parser;
  struct weir_config *root;
  struct frame frames[LIMIT_YAML_DEPTH];
  uint32_t depth;
  struct weir_config **children; /* of all open frames, one behind the other */
  uint32_t child_count, child_room;
  struct anchor anchors[LIMIT_YAML_ANCHORS];
  uint32_t anchor_count;
  uint32_t events;
  /* Runs through the text with the events: byte `cursor` is character `cursor_index`. */
  size_t cursor, cursor_index;
};

static uint32_t line_of(yaml_mark_t mark) { return (uint32_t)mark.line + 1; }
static uint32_t column_of(yaml_mark_t mark) { return (uint32_t)mark.column + 1; }

static bool refuse(struct reader *reader, yaml_mark_t mark, const char *sentence) {
  return report_add_at(reader->report, reader->file, line_of(mark), column_of(mark), "%s", sentence);
}

/* The same, unless the line is Lua code that YAML takes for something else. */
static bool refuse_unless_code(struct reader *reader, yaml_mark_t mark, const char *sentence) {
  if (yaml_traps_explain_code(reader->report, reader->file, reader->text, line_of(mark))) return false;
  return refuse(reader, mark, sentence);
}

static bool no_memory(struct reader *reader) {
  return report_add_at(reader->report, reader->file, 0, 0, "no memory to read the file");
}

/* Counts `weight` nodes. Both limits are there for files made to do harm. */
static bool count(struct reader *reader, yaml_mark_t mark, uint32_t weight, uint32_t height) {
  must(weight > 0 && height > 0);
  if (reader->depth + height > LIMIT_YAML_DEPTH)
    return report_add_at(reader->report, reader->file, line_of(mark), column_of(mark),
        "lists and maps stand more than %d deep in each other", LIMIT_YAML_DEPTH);
  if (weight > LIMIT_YAML_EVENTS - reader->events)
    return report_add_at(reader->report, reader->file, line_of(mark), column_of(mark),
        "the file has more than %d values, those behind aliases counted each time", LIMIT_YAML_EVENTS);
  reader->events += weight;
  return true;
}

static bool push_child(struct reader *reader, struct weir_config *node) {
  if (reader->child_count == reader->child_room) {
    uint32_t room = 2 * reader->child_room;
    struct weir_config **children = realloc(reader->children, room * sizeof *children);
    if (!children) return no_memory(reader);
    reader->children = children;
    reader->child_room = room;
  }
  reader->children[reader->child_count++] = node;
  return true;
}

/* Gives the node its place in the tree: root, entry of a list, value of a key. */
static bool attach(struct reader *reader, struct weir_config *node) {
  if (!reader->depth) {
    must(!reader->root);
    reader->root = node;
    return true;
  }
  struct frame *frame = &reader->frames[reader->depth - 1];
  node->key = (weir_span){NULL, 0};
  if (frame->node->kind == NODE_MAP) {
    must(frame->has_key);
    frame->has_key = false;
    node->key = frame->key;
    node->key_line = frame->key_line;
    node->key_column = frame->key_column;
  }
  return push_child(reader, node);
}

static struct weir_config *node_create(struct reader *reader, const yaml_event_t *event, enum node_kind kind) {
  struct weir_config *node = arena_alloc(reader->arena, sizeof *node);
  if (!node) {
    no_memory(reader);
    return NULL;
  }
  *node = (struct weir_config){.kind = kind,
      .file = reader->file,
      .line = line_of(event->start_mark),
      .column = column_of(event->start_mark),
      .end_line = line_of(event->end_mark),
      .end_column = column_of(event->end_mark),
      .height = 1};
  return node;
}

static bool keep_anchor(
    struct reader *reader, const yaml_event_t *event, const yaml_char_t *name, struct weir_config *node) {
  if (!name) return true;
  if (reader->anchor_count == LIMIT_YAML_ANCHORS)
    return report_add_at(reader->report, reader->file, line_of(event->start_mark), column_of(event->start_mark),
        "the file has more than %d anchors", LIMIT_YAML_ANCHORS);
  const char *copy = arena_copy(reader->arena, name, strlen((const char *)name));
  if (!copy) return no_memory(reader);
  reader->anchors[reader->anchor_count++] = (struct anchor){copy, node};
  return true;
}

/* True when the next node is a key: then it must be text, and stands for itself. */
static bool expects_key(const struct reader *reader) {
  if (!reader->depth) return false;
  const struct frame *frame = &reader->frames[reader->depth - 1];
  return frame->node->kind == NODE_MAP && !frame->has_key;
}

static bool take_key(struct reader *reader, const yaml_event_t *event) {
  weir_span text = weir_bytes(event->data.scalar.value, event->data.scalar.length);
  bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  if (plain && span_is(text, "<<"))
    return refuse(
        reader, event->start_mark, "merge keys (`<<`) are not taken: write the keys out, so that a reader sees them");
  if (!text.size) return refuse(reader, event->start_mark, "a key is missing before the colon");
  if (event->data.scalar.anchor) return refuse(reader, event->start_mark, "a key cannot have an anchor");
  struct frame *frame = &reader->frames[reader->depth - 1];
  frame->key = weir_bytes(arena_copy(reader->arena, text.data, text.size), text.size);
  if (!frame->key.data) return no_memory(reader);
  frame->key_line = line_of(event->start_mark);
  frame->key_column = column_of(event->start_mark);
  frame->has_key = true;
  return true;
}

static enum node_style style_of(yaml_scalar_style_t style) {
  switch (style) {
  case YAML_LITERAL_SCALAR_STYLE: return STYLE_LITERAL;
  case YAML_FOLDED_SCALAR_STYLE: return STYLE_FOLDED;
  case YAML_SINGLE_QUOTED_SCALAR_STYLE:
  case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return STYLE_QUOTED;
  case YAML_ANY_SCALAR_STYLE:
  case YAML_PLAIN_SCALAR_STYLE: break;
  }
  return STYLE_PLAIN;
}

/* A comment follows the character with this index on its line. Marks count characters, so the cursor does as well. */
static bool comment_behind(struct reader *reader, size_t index) {
  must(index >= reader->cursor_index);
  while (reader->cursor_index < index && reader->cursor < reader->text.size) {
    size_t size = text_utf8((weir_span){reader->text.data + reader->cursor, reader->text.size - reader->cursor});
    must(size > 0);
    reader->cursor += size;
    reader->cursor_index++;
  }
  size_t at = reader->cursor;
  while (at < reader->text.size && (reader->text.data[at] == ' ' || reader->text.data[at] == '\t')) at++;
  return at < reader->text.size && reader->text.data[at] == '#';
}

static bool on_scalar(struct reader *reader, const yaml_event_t *event) {
  weir_span text = weir_bytes(event->data.scalar.value, event->data.scalar.length);
  if (event->data.scalar.tag)
    return refuse_unless_code(
        reader, event->start_mark, "tags (`!name`) are not taken: every value is text until its key says what it is");
  if (!count(reader, event->start_mark, 1, 1)) return false;
  if (text.size && memchr(text.data, 0, text.size))
    return refuse(reader, event->start_mark, "the text has a NUL byte in it");
  if (expects_key(reader)) return take_key(reader, event);
  struct weir_config *node = node_create(reader, event, NODE_SCALAR);
  if (!node) return false;
  node->weight = 1;
  node->style = style_of(event->data.scalar.style);
  node->text = node->raw = weir_bytes(arena_copy(reader->arena, text.data, text.size), text.size);
  if (!node->text.data) return no_memory(reader);
  if (!keep_anchor(reader, event, event->data.scalar.anchor, node) || !attach(reader, node)) return false;
  if (node->style == STYLE_PLAIN && yaml_traps_is_code_key(node->key))
    node->comment_behind = comment_behind(reader, event->end_mark.index);
  return true;
}

static bool on_start(struct reader *reader, const yaml_event_t *event, enum node_kind kind) {
  bool map = kind == NODE_MAP;
  const yaml_char_t *anchor = map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
  const yaml_char_t *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
  if (tag) return refuse_unless_code(reader, event->start_mark, "tags (`!name`) are not taken: remove it");
  if (expects_key(reader)) return refuse(reader, event->start_mark, "a key must be text, not a list or a map");
  if (!count(reader, event->start_mark, 1, 1)) return false;
  struct weir_config *node = node_create(reader, event, kind);
  if (!node || !keep_anchor(reader, event, anchor, node) || !attach(reader, node)) return false;
  reader->frames[reader->depth++] = (struct frame){.node = node, .first_child = reader->child_count};
  return true;
}

static int compare_keys(const void *a, const void *b) {
  const struct weir_config *x = *(struct weir_config *const *)a, *y = *(struct weir_config *const *)b;
  int keys = strcmp((const char *)x->key.data, (const char *)y->key.data);
  if (keys) return keys;
  if (x->key_line != y->key_line) return x->key_line < y->key_line ? -1 : 1;
  return (x->key_column > y->key_column) - (x->key_column < y->key_column);
}

/* Sorts copies, so a map of any size is checked fast; `children` has room for them behind the real ones. */
static void refuse_twins(struct reader *reader, struct weir_config **sorted, uint32_t child_count) {
  if (child_count < 2) return;
  qsort(sorted, child_count, sizeof *sorted, compare_keys);
  for (uint32_t i = 1; i < child_count; i++) {
    const struct weir_config *first = sorted[i - 1], *again = sorted[i];
    if (!span_equal(first->key, again->key)) continue;
    report_add_key(reader->report, again, "the key \"%s\" stands twice in this map, the first time in line %u",
        (const char *)again->key.data, first->key_line);
    sorted[i] = sorted[i - 1];
  }
}

static bool on_end(struct reader *reader, const yaml_event_t *event) {
  must(reader->depth > 0);
  struct frame *frame = &reader->frames[--reader->depth];
  struct weir_config *node = frame->node, **children = reader->children + frame->first_child;
  node->count = reader->child_count - frame->first_child;
  node->end_line = line_of(event->end_mark);
  node->end_column = column_of(event->end_mark);
  node->weight = 1;
  node->children = arena_copy(reader->arena, children, node->count * sizeof *children);
  if (!node->children) return no_memory(reader);
  for (uint32_t i = 0; i < node->count; i++) {
    node->weight += children[i]->weight;
    if (node->height <= children[i]->height) node->height = children[i]->height + 1;
  }
  if (node->kind == NODE_MAP) refuse_twins(reader, children, node->count);
  reader->child_count = frame->first_child;
  return true;
}

static const struct weir_config *find_anchor(const struct reader *reader, const char *name) {
  for (uint32_t i = reader->anchor_count; i > 0; i--)
    if (strcmp(reader->anchors[i - 1].name, name) == 0) return reader->anchors[i - 1].node;
  return NULL;
}

static bool on_alias(struct reader *reader, const yaml_event_t *event) {
  const char *name = (const char *)event->data.alias.anchor;
  if (expects_key(reader)) return refuse(reader, event->start_mark, "a key must be text, not an alias");
  const struct weir_config *target = find_anchor(reader, name);
  if (!target)
    return refuse_unless_code(
        reader, event->start_mark, "this alias has no anchor before it; a text that starts with * stands in quotes");
  if (!target->weight) return refuse(reader, event->start_mark, "the alias stands inside of what it is an alias for");
  if (!count(reader, event->start_mark, target->weight, target->height)) return false;
  struct weir_config *node = node_make_copy(reader->arena, target, NULL);
  return node ? attach(reader, node) : no_memory(reader);
}

/* One event; false: reading ends here. */
static bool on_event(struct reader *reader, const yaml_event_t *event) {
  switch (event->type) {
  case YAML_SCALAR_EVENT: return on_scalar(reader, event);
  case YAML_SEQUENCE_START_EVENT: return on_start(reader, event, NODE_LIST);
  case YAML_MAPPING_START_EVENT: return on_start(reader, event, NODE_MAP);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: return on_end(reader, event);
  case YAML_ALIAS_EVENT: return on_alias(reader, event);
  case YAML_DOCUMENT_START_EVENT:
    if (reader->root)
      return refuse(reader, event->start_mark, "a second document starts here; a pipeline file has one");
    return true;
  case YAML_STREAM_END_EVENT: return false;
  case YAML_NO_EVENT:
  case YAML_STREAM_START_EVENT:
  case YAML_DOCUMENT_END_EVENT: break;
  }
  return true;
}

static void stumble(struct reader *reader) {
  const yaml_parser_t *parser = &reader->parser;
  if (parser->error == YAML_MEMORY_ERROR) {
    no_memory(reader);
    return;
  }
  struct yaml_stumble at = {.problem = parser->problem ? parser->problem : "it cannot be read",
      .context = parser->context,
      .line = line_of(parser->problem_mark),
      .column = column_of(parser->problem_mark),
      .context_line = parser->context ? line_of(parser->context_mark) : 0};
  yaml_traps_explain(reader->report, reader->file, reader->text, &at);
}

/* True when the whole text was read. */
static bool read_events(struct reader *reader) {
  for (bool more = true; more;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&reader->parser, &event)) {
      stumble(reader);
      return false;
    }
    bool ended = event.type == YAML_STREAM_END_EVENT;
    more = on_event(reader, &event);
    yaml_event_delete(&event);
    if (ended) return true;
  }
  return false;
}

/* libyaml names such bytes by their offset only. False: reported. */
static bool is_readable(struct reader *reader) {
  uint32_t line = 1, column = 1;
  for (size_t at = 0; at < reader->text.size;) {
    weir_span rest = {reader->text.data + at, reader->text.size - at};
    size_t size = text_utf8(rest);
    uint8_t byte = rest.data[0];
    if (!size)
      return report_add_at(reader->report, reader->file, line, column, "the file is not UTF-8: byte 0x%02x", byte);
    if ((byte < 0x20 && !strchr("\t\n\r", byte)) || !byte || byte == 0x7F)
      return report_add_at(
          reader->report, reader->file, line, column, "control character 0x%02x; write it as an escape", byte);
    at += size;
    column++;
    if (byte == '\n') line++, column = 1;
  }
  return true;
}

static void drop_byte_order_mark(weir_span *text) {
  if (text->size >= 3 && memcmp(text->data, "\xEF\xBB\xBF", 3) == 0) *text = weir_bytes(text->data + 3, text->size - 3);
}

static struct weir_config *read_all(struct reader *reader) {
  if (!is_readable(reader)) return NULL;
  if (!yaml_parser_initialize(&reader->parser)) {
    no_memory(reader);
    return NULL;
  }
  yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&reader->parser, reader->text.data, reader->text.size);
  bool whole = read_events(reader);
  yaml_parser_delete(&reader->parser);
  if (whole && !reader->root) report_add_at(reader->report, reader->file, 0, 0, "the file is empty");
  return whole ? reader->root : NULL;
}

static void reader_destroy(struct reader *reader) {
  free(reader->children);
  free(reader);
}

/* All zero but for the first room for children. NULL: no memory. */
static struct reader *reader_create(const char *file, weir_span text, struct arena *arena, struct report *report) {
  struct reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->file = arena_copy(arena, file, strlen(file));
  reader->text = text;
  reader->arena = arena;
  reader->report = report;
  reader->child_room = 64;
  reader->children = malloc(reader->child_room * sizeof *reader->children);
  if (reader->file && reader->children) return reader;
  reader_destroy(reader);
  return NULL;
}

struct weir_config *yaml_read(const char *file, weir_span text, struct arena *arena, struct report *report) {
  if (text.size > LIMIT_FILE_BYTES) {
    report_add_at(report, file, 0, 0, "the file is larger than %d bytes", LIMIT_FILE_BYTES);
    return NULL;
  }
  drop_byte_order_mark(&text);
  struct reader *reader = reader_create(file, text, arena, report);
  if (!reader) {
    report_add_at(report, file, 0, 0, "no memory to read the file");
    return NULL;
  }
  struct weir_config *root = read_all(reader);
  reader_destroy(reader);
  return root;
}

struct weir_config *yaml_read_file(const char *path, struct arena *arena, struct report *report) {
  struct error err;
  char *bytes = NULL;
  size_t size = 0;
  if (!file_read(path, LIMIT_FILE_BYTES, &bytes, &size, &err)) {
    report_add_at(report, path, 0, 0, "%s", err.text);
    return NULL;
  }
  struct weir_config *root = yaml_read(path, weir_bytes(bytes, size), arena, report);
  free(bytes);
  return root;
}
