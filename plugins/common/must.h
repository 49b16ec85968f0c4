/* must.h: assertions of first-party plugins; they stay on. For programmer
 * errors only, as the runtime's own must(). */
#ifndef WEIR_PLUGINS_COMMON_MUST_H
#define WEIR_PLUGINS_COMMON_MUST_H
#include <stdio.h>
#include <stdlib.h>

/* Thread: any. Says where and aborts. */
_Noreturn static inline void must_failed(const char *expression, const char *file, int line, const char *function) {
  fprintf(stderr, "%s:%d: %s: must(%s) does not hold\n", file, line, function, expression);
  abort();
}

#define must(expression) ((expression) ? (void)0 : must_failed(#expression, __FILE__, __LINE__, __func__))

#endif
