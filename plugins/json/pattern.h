/* pattern.h: POSIX extended regular expressions in time linear in the text and in fixed memory, whatever the text
 * is: values come from strangers, and a C library's regexec() was seen to take 100 us a byte and a gigabyte on one
 * pattern of 20 characters.
 *
 * Characters are those of UTF-8 ('.' and [^...] take whole ones). Not there: back-references, collation ([=a=],
 * [.a.]), and bytes above 127 inside brackets. Words of other dialects (\d, (?:...), +?) are refused with a
 * sentence. */
#ifndef WEIR_PLUGINS_JSON_PATTERN_H
#define WEIR_PLUGINS_JSON_PATTERN_H
#include <stdbool.h>
#include <weir/plugin.h>

enum {
  PATTERN_TEXT_MAX = 1024,   /* bytes of a pattern */
  PATTERN_STEPS_MAX = 512,   /* steps that it may need, repetitions written out */
  PATTERN_DEPTH_MAX = 32,    /* nested parentheses */
  PATTERN_VALUE_MAX = 16384, /* bytes of a text that the caller gives to pattern_matches() at most */
  PATTERN_ERROR_TEXT = 160,
};

struct pattern; /* about 50 KiB; one thread at a time */

/* NULL: `error` says why, PATTERN_ERROR_TEXT bytes with the NUL; an empty one: no memory. `text` is UTF-8 and not
 * kept. */
struct pattern *pattern_create(weir_span text, char error[PATTERN_ERROR_TEXT]);
/* NULL is accepted. */
void pattern_destroy(struct pattern *pattern);
/* Whether it matches somewhere in `text`, which is UTF-8. */
bool pattern_matches(struct pattern *pattern, weir_span text);

#endif
