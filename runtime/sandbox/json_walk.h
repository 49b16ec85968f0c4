/* json_walk.h: as much JSON as the sandbox reads: the members of one object or array, as raw text, and strings without their quotes.
 * Values that nobody looks into are only stepped over. Pure. */
#ifndef WEIR_SANDBOX_JSON_WALK_H
#define WEIR_SANDBOX_JSON_WALK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>

/* Plain data, on the caller's stack. */
struct json_walk {
  weir_span text;
  size_t at; /* bytes read; where the flaw is */
  bool is_object, begun, ended;
  const char *flaw; /* what was expected there, NULL: nothing is wrong */
};

/* `text` is an object or an array, with white space around it at most. False: it is neither. */
bool json_walk_begin(struct json_walk *walk, weir_span text);
/* The next member: its name as raw text with the quotes (absent in an array) and its value as raw text; both point into the text. False:
 * there is no more, or walk->flaw says what is wrong. */
bool json_walk_next(struct json_walk *walk, weir_span *name, weir_span *value);

/* Writes what a raw string says to `into`, which may be where it stands and has raw.size bytes. False: it is no string, or an escape of it
 * is wrong. */
bool json_unquote(weir_span raw, uint8_t *into, size_t *size);
/* The raw name or string is "text" and needs no unescaping. */
bool json_is(weir_span raw, const char *text);

#endif
