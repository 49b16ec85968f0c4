/* check.c: the end of a process whose invariant broke. Nothing here allocates or takes a lock: the heap and the log may be
 * what is broken. */
#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Thread_local const char *context;

void check_context(const char *text) { context = text; }

_Noreturn void check_failed(const char *expression, const char *file, int line, const char *function) {
  char text[1024];
  int size = snprintf(text, sizeof text, "%s:%d: %s: %s does not hold%s%s\n", file, line, function, expression,
      context ? ", while working on " : "", context ? context : "");
  if (size >= (int)sizeof text) size = (int)sizeof text - 1;
  if (size > 0 && write(STDERR_FILENO, text, (size_t)size) < 0) abort();
  abort();
}
