/* json_index.h: all that is needed of simdjson and of C++, behind C. Only plugins/common includes it. Nothing
 * throws. */
#ifndef WEIR_PLUGINS_COMMON_JSON_INDEX_H
#define WEIR_PLUGINS_COMMON_JSON_INDEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

enum { JSON_PADDING = 64 }; /* readable bytes that must follow a text given to json_index_run() */

struct json_index;

/* NULL: no memory. */
struct json_index *json_index_create(void);
/* NULL is accepted. */
void json_index_destroy(struct json_index *index);
/* Makes room for texts of `size` bytes, 1 to UINT32_MAX - 64; what was indexed is dead. False: no memory. */
bool json_index_reserve(struct json_index *index, size_t size);
/* Finds the tokens of a text within the reserved size: the position of each bracket, colon, comma, of each string's
 * first quote and of each other run of bytes that is not white space. tokens[count] is `size`. False: empty, not
 * UTF-8, an unclosed string, or a control character in one. The array lives until the next call. */
bool json_index_run(
    struct json_index *index, const uint8_t *text, size_t size, const uint32_t **tokens, uint32_t *count);

bool json_index_utf8(const uint8_t *text, size_t size);
/* The nearest double of a JSON number's text; infinity and 0 beyond the range. The text is known to be a number. */
double json_index_double(const uint8_t *text, size_t size);
/* The shortest text that reads back as `number`, which is finite. Returns bytes written, 24 at most. */
size_t json_index_shortest(uint8_t *out, double number);

#ifdef __cplusplus
}
#endif
#endif
