/* json_splice.c: edits made in one pass. `done` is how far the text has been taken over: it only goes forward, and
 * each step either keeps what lies before a place, cuts a stretch out, or puts a new piece in. A removed member
 * takes the white space and the comma up to the next one with it, the last one those before it. */
#include "json_edit.h"
#include "must.h"
#include <string.h>

struct splice {
  struct json_edits *edits;
  struct json_reader *reader;
  size_t done;
  bool changed;
  struct json_error *err;
};

/* ---- Pieces ---- */

static bool put(struct splice *splice, const void *data, size_t size) {
  struct json_edits *edits = splice->edits;
  if (size == 0) return true;
  struct edit_piece *pieces = edit_grow(edits->pieces, sizeof *pieces, edits->piece_count + 1, &edits->piece_capacity);
  if (!pieces) return json_no_memory(splice->err);
  edits->pieces = pieces;
  pieces[edits->piece_count++] = (struct edit_piece){data, size};
  return true;
}

static bool keep(struct splice *splice, size_t upto) {
  must(upto >= splice->done && upto <= splice->reader->size);
  bool kept = put(splice, splice->reader->text + splice->done, upto - splice->done);
  splice->done = upto;
  return kept;
}

static bool cut(struct splice *splice, size_t from, size_t upto) {
  if (!keep(splice, from)) return false;
  must(upto >= from);
  splice->done = upto;
  splice->changed = true;
  return true;
}

static bool insert(struct splice *splice, const void *data, size_t size) {
  splice->changed = true;
  return put(splice, data, size);
}

/* ---- What the text does not have yet ---- */

/* "'mag' is a number" with what the edits wanted of it. */
static bool not_container(struct splice *splice, const struct edit_node *node, size_t byte, const char *what) {
  struct json_error *err = splice->err;
  int size = node->step.key.size > 60 ? 60 : (int)node->step.key.size;
  err->fault = JSON_NOT_OBJECT;
  err->byte = byte;
  if (node->step.key.data) {
    snprintf(
        err->text, sizeof err->text, "byte %zu: '%.*s' is %s", byte, size, (const char *)node->step.key.data, what);
  } else if (node->step.index != JSON_NO_INDEX) {
    snprintf(err->text, sizeof err->text, "byte %zu: the element %u is %s", byte, node->step.index, what);
  } else {
    snprintf(err->text, sizeof err->text, "byte %zu: the value is %s", byte, what);
  }
  return false;
}

static bool insert_key(struct splice *splice, const struct edit_node *node) {
  return insert(splice, splice->edits->keys + node->key_start, node->key_size) && insert(splice, ":", 1);
}

static bool insert_value(struct splice *splice, uint32_t number);

/* A container that gets new members at its end. */
struct place {
  const struct edit_node *parent;
  uint64_t visit; /* nodes seen in it are not new */
  uint32_t count; /* elements that an array has */
  bool any;       /* a member stands before the new ones */
  size_t byte;    /* where it starts, for messages */
};

static bool is_new(const struct edit_node *node, uint64_t visit) {
  return node->operation != EDIT_REMOVE && node->creates && node->seen != visit;
}

static bool insert_members(struct splice *splice, struct place place) {
  const struct edit_node *node;
  for (uint32_t child = place.parent->child; child != NO_NODE; child = node->sibling) {
    node = &splice->edits->nodes[child];
    if (!is_new(node, place.visit)) continue;
    if (!node->step.key.data) return not_container(splice, place.parent, place.byte, "an object, not an array");
    if (place.any && !insert(splice, ",", 1)) return false;
    if (!insert_key(splice, node) || !insert_value(splice, child)) return false;
    place.any = true;
  }
  return true;
}

/* An array grows at its end only. */
static bool insert_elements(struct splice *splice, struct place place) {
  const struct edit_node *node;
  for (uint32_t child = place.parent->child; child != NO_NODE; child = node->sibling) {
    node = &splice->edits->nodes[child];
    if (!is_new(node, place.visit)) continue;
    if (node->step.index == JSON_NO_INDEX) {
      return not_container(splice, place.parent, place.byte, "an array, not an object");
    }
    if (node->step.index != place.count) {
      return not_container(splice, place.parent, place.byte, "an array with fewer elements");
    }
    if (place.any && !insert(splice, ",", 1)) return false;
    if (!insert_value(splice, child)) return false;
    place.any = true;
    place.count++;
  }
  return true;
}

/* A missing value: what its first edit needs, an object where both would do. */
static bool insert_value(struct splice *splice, uint32_t number) {
  const struct edit_node *node = &splice->edits->nodes[number];
  if (node->operation == EDIT_SET) return insert(splice, node->raw.data, node->raw.size);
  uint32_t child = node->child;
  while (child != NO_NODE && !splice->edits->nodes[child].creates) child = splice->edits->nodes[child].sibling;
  must(child != NO_NODE);
  struct place place = {.parent = node, .visit = ++splice->edits->visits, .byte = splice->done};
  if (splice->edits->nodes[child].step.key.data) {
    return insert(splice, "{", 1) && insert_members(splice, place) && insert(splice, "}", 1);
  }
  return insert(splice, "[", 1) && insert_elements(splice, place) && insert(splice, "]", 1);
}

/* ---- What the text has ---- */

static bool edit_value(struct splice *splice, uint32_t number, uint32_t *token);

/* A container on the way through its members. */
struct level {
  uint64_t visit; /* marks what of the edits the text has here */
  bool any_kept, any_removed;
  bool removing;            /* the member before this one is to be cut, from `run` on */
  size_t run;               /* where the first of a row of removed members starts */
  size_t kept_end, cut_end; /* behind the last member that stays, that goes */
};

/* One member: it starts at byte `start` (its key) and its value at *token, which is moved behind it. */
static bool edit_member(struct splice *splice, struct level *level, uint32_t child, size_t start, uint32_t *token) {
  uint32_t value = *token;
  struct edit_node *node = child != NO_NODE ? &splice->edits->nodes[child] : NULL;
  if (node) node->seen = level->visit;
  bool removed = node && node->operation == EDIT_REMOVE;
  if (!removed && level->removing && !cut(splice, level->run, start)) return false;
  if (removed && !level->removing) level->run = start;
  level->removing = removed;
  if (node && !removed) {
    if (!edit_value(splice, child, token)) return false;
  } else if (!json_skip(splice->reader, token, splice->err)) {
    return false;
  }
  must(*token > value);
  size_t end = json_end_before(splice->reader, *token);
  if (removed) {
    level->any_removed = true;
    level->cut_end = end;
  } else {
    level->any_kept = true;
    level->kept_end = end;
  }
  return true;
}

/* Behind the last member: cuts a row of removed ones that reaches to the end, and stands where new members go.
 * `empty`: the byte behind the opening bracket. */
static bool close_level(struct splice *splice, const struct level *level, size_t empty) {
  if (level->removing) return cut(splice, level->any_kept ? level->kept_end : level->run, level->cut_end);
  return !level->any_kept ? keep(splice, empty) : true;
}

static uint32_t child_of_key(struct splice *splice, const struct edit_node *parent, uint32_t token, bool *bad) {
  weir_span key;
  *bad = !json_key_text(splice->reader, token, &key, splice->err);
  if (*bad) return NO_NODE;
  uint32_t child = parent->child;
  for (; child != NO_NODE; child = splice->edits->nodes[child].sibling) {
    weir_span wanted = splice->edits->nodes[child].step.key;
    if (wanted.data && wanted.size == key.size && memcmp(wanted.data, key.data, key.size) == 0) break;
  }
  return child;
}

static uint32_t child_of_index(const struct splice *splice, const struct edit_node *parent, uint32_t index) {
  uint32_t child = parent->child;
  while (child != NO_NODE && splice->edits->nodes[child].step.index != index)
    child = splice->edits->nodes[child].sibling;
  return child;
}

static bool has_new(const struct splice *splice, const struct edit_node *parent, uint64_t visit) {
  uint32_t child = parent->child;
  while (child != NO_NODE && !is_new(&splice->edits->nodes[child], visit)) child = splice->edits->nodes[child].sibling;
  return child != NO_NODE;
}

/* Behind the last member: *place is where new ones go, if there are any. */
static bool finish_level(struct splice *splice, const struct level *level, struct place *place, bool *more) {
  if (!close_level(splice, level, place->byte + 1)) return false;
  *more = has_new(splice, place->parent, level->visit);
  place->visit = level->visit;
  place->any = level->any_kept;
  return !*more || !level->any_kept || level->removing || keep(splice, level->kept_end);
}

static bool edit_object(struct splice *splice, const struct edit_node *parent, uint32_t *token) {
  struct level level = {.visit = ++splice->edits->visits};
  struct place place = {.parent = parent, .byte = splice->reader->tokens[*token]};
  enum json_answer answer;
  uint32_t value = 0;
  bool bad, more;
  for (++*token;;) {
    bool first = !level.any_kept && !level.any_removed;
    answer = json_step_member(splice->reader, token, first, &value, splice->err);
    if (answer != JSON_FOUND) break;
    size_t start = splice->reader->tokens[*token];
    uint32_t child = child_of_key(splice, parent, *token, &bad);
    *token = value;
    if (bad || !edit_member(splice, &level, child, start, token)) return false;
  }
  if (answer == JSON_BAD || !finish_level(splice, &level, &place, &more)) return false;
  return !more || insert_members(splice, place);
}

static bool edit_array(struct splice *splice, const struct edit_node *parent, uint32_t *token) {
  struct level level = {.visit = ++splice->edits->visits};
  struct place place = {.parent = parent, .byte = splice->reader->tokens[*token]};
  enum json_answer answer;
  bool more;
  for (++*token;; place.count++) {
    answer = json_step_element(splice->reader, token, place.count == 0, splice->err);
    if (answer != JSON_FOUND) break;
    size_t start = splice->reader->tokens[*token];
    if (!edit_member(splice, &level, child_of_index(splice, parent, place.count), start, token)) return false;
  }
  if (answer == JSON_BAD || !finish_level(splice, &level, &place, &more)) return false;
  return !more || insert_elements(splice, place);
}

/* A scalar where edits want to go below: null becomes what they need, anything else stands in their way. */
static bool edit_scalar(struct splice *splice, uint32_t number, uint32_t *token) {
  static const char *const names[] = {[JSON_NULL] = "null",
      [JSON_BOOL] = "a boolean, not an object",
      [JSON_INT] = "a number, not an object",
      [JSON_UINT] = "a number, not an object",
      [JSON_DOUBLE] = "a number, not an object",
      [JSON_HUGE] = "a number, not an object",
      [JSON_STRING] = "a string, not an object"};
  const struct edit_node *node = &splice->edits->nodes[number];
  struct json_value value;
  if (!json_value_at(splice->reader, *token, &value, splice->err)) return false;
  ++*token;
  if (!node->creates) return true;
  if (value.type != JSON_NULL) return not_container(splice, node, value.start, names[value.type]);
  return cut(splice, value.start, value.end) && insert_value(splice, number);
}

static bool edit_value(struct splice *splice, uint32_t number, uint32_t *token) {
  const struct edit_node *node = &splice->edits->nodes[number];
  uint32_t start = *token;
  if (node->operation == EDIT_SET) {
    if (!json_skip(splice->reader, token, splice->err)) return false;
    return cut(splice, splice->reader->tokens[start], json_end_before(splice->reader, *token)) &&
           insert(splice, node->raw.data, node->raw.size);
  }
  switch (json_byte(splice->reader, start)) {
  case '{': return edit_object(splice, node, token);
  case '[': return edit_array(splice, node, token);
  default: return edit_scalar(splice, number, token);
  }
}

/* ---- Phases ---- */

static size_t pieces_size(const struct json_edits *edits) {
  size_t size = 0;
  for (size_t i = 0; i < edits->piece_count; i++) size += edits->pieces[i].size;
  return size;
}

static bool apply_phase(struct splice *splice, uint32_t root) {
  const struct json_reader *reader = splice->reader;
  uint32_t token = 0;
  splice->edits->piece_count = 0;
  splice->done = 0;
  if (!edit_value(splice, root, &token)) return false;
  if (token != reader->token_count) {
    return json_expected(splice->err, reader->text, reader->size, reader->tokens[token], "nothing behind the value");
  }
  return keep(splice, reader->size);
}

/* The result so far becomes the text of the next phase. */
static bool open_result(struct splice *splice) {
  struct json_edits *edits = splice->edits;
  size_t size = pieces_size(edits);
  uint8_t *result = edit_grow(edits->result, 1, size, &edits->result_capacity);
  if (!result) return json_no_memory(splice->err);
  edits->result = result;
  json_edits_write(edits, result);
  if (!edits->between) edits->between = json_reader_create();
  if (!edits->between) return json_no_memory(splice->err);
  splice->reader = edits->between;
  return json_open(edits->between, weir_bytes(result, size), splice->err);
}

enum json_answer json_edits_apply(
    struct json_edits *edits, struct json_reader *reader, size_t *size, struct json_error *err) {
  must(reader->open && reader != edits->between);
  struct splice splice = {.edits = edits, .reader = reader, .err = err};
  for (size_t i = 0; i < edits->phase_count; i++) {
    if (i > 0 && !open_result(&splice)) return JSON_BAD;
    if (!apply_phase(&splice, edits->phases[i])) return JSON_BAD;
  }
  *size = splice.changed ? pieces_size(edits) : reader->size;
  return splice.changed ? JSON_FOUND : JSON_ABSENT;
}

void json_edits_write(const struct json_edits *edits, uint8_t *out) {
  for (size_t i = 0; i < edits->piece_count; i++) {
    memcpy(out, edits->pieces[i].data, edits->pieces[i].size);
    out += edits->pieces[i].size;
  }
}
