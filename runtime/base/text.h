/* text.h: numbers and names as people write them. */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>

/* "30s", "250ms", "5m", "2h", "1d"; a bare number is refused except 0. Milliseconds, 0 to INT64_MAX. */
bool text_duration(weir_span text, int64_t *ms);
/* "1MiB", "64KiB", "10kB", "512" (bytes), "1GiB". */
bool text_size(weir_span text, int64_t *bytes);
/* Decimal, with a sign; the whole span must be the number. */
bool text_int(weir_span text, int64_t *value);
bool text_number(weir_span text, double *value);
/* true/false, yes/no, on/off as in YAML 1.1 core: only true and false are taken. */
bool text_bool(weir_span text, bool *value);

/* Writes as people read: "1.2 s", "350 ms"; "1.5 MiB"; "1,234,567". Returns `into`. */
enum { TEXT_MAX = 32 };
const char *text_of_duration(char into[TEXT_MAX], int64_t ms);
const char *text_of_size(char into[TEXT_MAX], int64_t bytes);
const char *text_of_count(char into[TEXT_MAX], int64_t count);

/* The name nearest to `text` among `count` names, NULL: none is near enough to have been meant (distance at most a third of
 * its length, a transposition counts one). */
const char *text_nearest(weir_span text, const char *const *names, size_t count);

#endif
