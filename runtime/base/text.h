/* text.h: numbers and names as people write them. */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>

/* All return false, and leave the result alone, when the text is not wholly such a value or does not fit. */

/* "30s", "250ms", "5m", "2h", "1d"; a bare number is refused except 0. Milliseconds, 0 to INT64_MAX. */
bool text_duration(weir_span text, int64_t *ms);
/* "1MiB", "64KiB", "10kB", "512" or "512B" (bytes), "1GiB". Bytes, 0 to INT64_MAX. */
bool text_size(weir_span text, int64_t *bytes);
/* Decimal, with a sign; the whole span must be the number. */
bool text_int(weir_span text, int64_t *value);
/* Decimal, with a fraction and an exponent; finite. */
bool text_number(weir_span text, double *value);
/* Only true and false are taken (not YAML 1.1's yes, no, on, off). */
bool text_bool(weir_span text, bool *value);

/* Writes as people read: "350 ms", "1.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"; "512 B", "1.5 MiB"; "1,234,567". Returns `into`. */
enum { TEXT_MAX = 32 };
const char *text_of_duration(char into[TEXT_MAX], int64_t ms);
const char *text_of_size(char into[TEXT_MAX], int64_t bytes);
const char *text_of_count(char into[TEXT_MAX], int64_t count);
/* "2026-11-23T17:20:01.123Z"; -1: "-". */
const char *text_of_time(char into[TEXT_MAX], int64_t time_ms);

/* The name nearest to `text` among `count` names, NULL: none is near enough to have been meant (distance at most a third of
 * its length, a transposition counts one). */
const char *text_nearest(weir_span text, const char *const *names, size_t count);

/* Bytes of the well-formed UTF-8 character that the text starts with, 0: it does not start with one. */
size_t text_utf8(weir_span text);
/* Bytes of the well-formed characters that the text starts with, up to `most` bytes. */
size_t text_whole(weir_span text, size_t most);
/* Writes the text so that it is safe to show: control characters and what is not UTF-8 become \xNN. Cut to `into_size` (at
 * least 1) on a character's border, always NUL-terminated. Returns the bytes written without the NUL. */
size_t text_escape(char *into, size_t into_size, weir_span text);

#endif
