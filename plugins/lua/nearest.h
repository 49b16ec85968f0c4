/* nearest.h: "did you mean". Candidates are offered one by one; texts are kept, not copied. */
#ifndef WEIR_PLUGINS_LUA_NEAREST_H
#define WEIR_PLUGINS_LUA_NEAREST_H
#include <stddef.h>

struct nearest {
  const char *wanted, *best; /* best NULL: none is near enough to have been meant */
  size_t distance;
};

void nearest_init(struct nearest *nearest, const char *wanted);
void nearest_offer(struct nearest *nearest, const char *candidate);
/* "; did you mean 'x'?" or "". */
void nearest_text(const struct nearest *nearest, char *text, size_t text_size);

#endif
