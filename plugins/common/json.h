/* json.h: JSON read where it stands and edited by splicing. For plugins; C and C++.
 *
 * A reader indexes one text (simdjson finds the structure, checks UTF-8 and that every string ends); after that only
 *   what is touched is checked: a value that is stepped over needs balanced brackets. json_validate() checks all.
 * Positions are bytes of the text that was opened; the first one is 0.
 * Duplicate keys: reading takes the first, json_next() gives all; an edit applies to every one, so that no reader of
 *   the result sees the old value, whichever it takes.
 * Threads: an object belongs to one thread at a time. Nothing here throws, logs, or reads behind a span.
 * Memory: buffers grow to the largest text and are kept up to JSON_KEEP_BYTES: a steady stream allocates nothing. */
#ifndef WEIR_PLUGINS_COMMON_JSON_H
#define WEIR_PLUGINS_COMMON_JSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>
#ifdef __cplusplus
extern "C" {
#endif

enum {
  JSON_DEPTH_MAX = 512,      /* levels of objects and arrays that json_validate() takes */
  JSON_STEPS_MAX = 64,       /* steps of a path */
  JSON_ERROR_TEXT = 192,     /* bytes of json_error.text, with the NUL */
  JSON_NUMBER_TEXT = 32,     /* bytes that json_write_int(), _uint() and _double() need at most */
  JSON_KEEP_BYTES = 1 << 20, /* a larger text's buffers are given back with the next smaller one */
};

enum json_fault {
  JSON_MALFORMED = 1, /* the text is not JSON at `byte` */
  JSON_NOT_OBJECT,    /* an edit's path leads through a number, string or boolean, or beyond an array's end */
  JSON_NO_MEMORY,
};

/* Owned by the caller; written on failure only. `text`: "byte 17: expected ':', found '}'". */
struct json_error {
  enum json_fault fault;
  size_t byte;
  char text[JSON_ERROR_TEXT];
};

enum json_type {
  JSON_NULL = 1,
  JSON_BOOL,
  JSON_INT,    /* as.integer: fits int64 */
  JSON_UINT,   /* as.natural: above INT64_MAX, fits uint64 */
  JSON_DOUBLE, /* as.number: has a fraction or an exponent */
  JSON_HUGE,   /* an integer beyond 64 bits, or beyond a double: as.number is the nearest or infinite */
  JSON_STRING, /* json_string() */
  JSON_ARRAY,  /* json_members() */
  JSON_OBJECT,
};

/* A value of the text that is open; plain data, dead at the next json_open(). */
struct json_value {
  enum json_type type;
  uint32_t token;      /* the reader's own */
  uint32_t start, end; /* bytes start..end-1 are its raw text; of a container `end` is 0 until json_extent() */
  union {
    bool boolean;
    int64_t integer;
    uint64_t natural;
    double number;
  } as;
};

/* One step of a path. `key` NULL data: only into an array; `index` JSON_NO_INDEX: only into an object; both:
 * whichever is there (the text "0" of a dotted path). Keys are plain UTF-8, unescaped. */
struct json_step {
  weir_span key;
  uint32_t index;
};
#define JSON_NO_INDEX UINT32_MAX

/* Three-way answers. */
enum json_answer {
  JSON_BAD = -1,   /* err is filled */
  JSON_ABSENT = 0, /* not there; of json_next(): no more; of json_edits_apply(): nothing changes */
  JSON_FOUND = 1,  /* of json_edits_apply(): changed */
};

/* ---- Reading ---- */
struct json_reader;

/* NULL: no memory. One per plugin instance. */
struct json_reader *json_reader_create(void);
/* NULL is accepted. */
void json_reader_destroy(struct json_reader *reader);

/* Copies and indexes `text` (the caller's bytes are not needed any more); everything that came from an earlier text
 * is dead. False: not JSON at all (empty, not UTF-8, an unclosed string, a control character in a string, brackets
 * cut off). */
bool json_open(struct json_reader *reader, weir_span text, struct json_error *err);
/* The copy: json_value positions count in it. Alive until the next json_open(). */
weir_span json_text(const struct json_reader *reader);

/* The whole text's value. */
bool json_root(struct json_reader *reader, struct json_value *out, struct json_error *err);
/* Goes `count` steps down from `from`; 0 steps give `from` itself. ABSENT also where a step meets a value that cannot
 * have it. */
enum json_answer json_find(struct json_reader *reader, const struct json_value *from, const struct json_step *path,
    uint32_t count, struct json_value *out, struct json_error *err);
/* json_find() with one key, from an object; ABSENT from anything else. */
enum json_answer json_get(struct json_reader *reader, const struct json_value *from, weir_span key,
    struct json_value *out, struct json_error *err);
/* Fills value->end of a container (steps over it); nothing to do for others. */
bool json_extent(struct json_reader *reader, struct json_value *value, struct json_error *err);
/* The raw text of a value; json_extent() included. Alive until the next json_open(). */
bool json_raw(struct json_reader *reader, struct json_value *value, weir_span *out, struct json_error *err);
/* The unescaped text of a JSON_STRING, UTF-8, possibly with zero bytes. Points into the reader; alive until the next
 * json_string(), json_next() or json_open(). False: a bad escape or a lone surrogate. */
bool json_string(struct json_reader *reader, const struct json_value *value, weir_span *out, struct json_error *err);
/* The same into `buffer`, which has value->end - value->start bytes at least; *size: bytes written. */
bool json_string_into(
    struct json_reader *reader, const struct json_value *value, uint8_t *buffer, size_t *size, struct json_error *err);

/* Steps through an object's members or an array's elements, in order; plain data. */
struct json_cursor {
  uint32_t token, index; /* index of the next member */
  bool is_object, first, on_value, ended;
};
struct json_member {
  weir_span key;               /* unescaped; absent in an array; alive as long as json_string()'s */
  uint32_t key_start, key_end; /* raw, with the quotes */
  uint32_t index;              /* 0, 1, 2 ... */
  struct json_value value;
};
/* `container` is a JSON_OBJECT or JSON_ARRAY. Cursors are independent, json_find() may be used between the steps. */
void json_members(const struct json_value *container, struct json_cursor *cursor);
/* FOUND: *out is the next member. A member that is a container is stepped over at the next call. */
enum json_answer json_next(
    struct json_reader *reader, struct json_cursor *cursor, struct json_member *out, struct json_error *err);
/* As json_next(), with value.end of a container filled: it is stepped over now, and once. */
enum json_answer json_next_whole(
    struct json_reader *reader, struct json_cursor *cursor, struct json_member *out, struct json_error *err);
/* Behind the container's closing bracket, once its cursor has answered ABSENT. */
uint32_t json_members_end(const struct json_reader *reader, const struct json_cursor *cursor);
/* After `inner`, made from the last member of `outer`, has answered ABSENT: spare `outer` from stepping over it
 * again. Without this call the result is the same, with it a walk over everything is linear. */
void json_leave(struct json_cursor *outer, const struct json_cursor *inner);
/* Members of an object or elements of an array. */
bool json_count(
    struct json_reader *reader, const struct json_value *container, uint32_t *count, struct json_error *err);
/* The whole text, every value and escape, nothing behind the value, not deeper than JSON_DEPTH_MAX. */
bool json_validate(struct json_reader *reader, struct json_error *err);

/* ---- Editing ---- */
struct json_edits; /* a list of edits, applied in order: later ones see what earlier ones did */

/* NULL: no memory. */
struct json_edits *json_edits_create(void);
/* NULL is accepted. */
void json_edits_destroy(struct json_edits *edits);
/* Forgets all edits, keeps the memory. */
void json_edits_clear(struct json_edits *edits);
/* Sets what `path` names to `raw` (JSON text, taken as it is; 0 steps: the whole value). Missing parents and a
 * parent that is null become objects; a new key goes to the object's end; of an array an element is replaced, or
 * added where index is its length. The path's array is copied, its keys and `raw` are not: they must live until the
 * last json_edits_write(). False: no memory, more than JSON_STEPS_MAX steps, or a key that is not UTF-8; then the
 * list is good for json_edits_clear() only. */
bool json_edits_set(struct json_edits *edits, const struct json_step *path, uint32_t count, weir_span raw);
/* Removes what `path` names (1 step at least); absent is no error. Elements behind a removed one move up. */
bool json_edits_remove(struct json_edits *edits, const struct json_step *path, uint32_t count);
/* Works out the text that is open in `reader` with all edits. FOUND: *size is the result's size, json_edits_write()
 * gives it; ABSENT: nothing changes. The list stays and may be applied to the next text. `reader` must not be opened
 * again before write. */
enum json_answer json_edits_apply(
    struct json_edits *edits, struct json_reader *reader, size_t *size, struct json_error *err);
/* Writes the *size bytes of the last json_edits_apply(). All that no edit touched is byte for byte as it was. */
void json_edits_write(const struct json_edits *edits, uint8_t *out);

/* ---- Writing ---- */
/* Bytes that json_write_string() will write for `text`, quotes included; 0: not UTF-8, so no JSON string holds it. */
size_t json_string_size(weir_span text);
/* Writes a quoted string: '"', '\\' and control characters escaped, all else as it is. `text` is UTF-8. Returns bytes
 * written. */
size_t json_write_string(uint8_t *out, weir_span text);
/* No NUL is written; each returns bytes written, JSON_NUMBER_TEXT at most. A double is the shortest text that reads
 * back as the same double, with ".0" when it would read as an integer; 0: NaN and infinity have none. */
size_t json_write_int(uint8_t *out, int64_t number);
size_t json_write_uint(uint8_t *out, uint64_t number);
size_t json_write_double(uint8_t *out, double number);
bool json_is_utf8(weir_span text);

#ifdef __cplusplus
}
#endif
#endif
