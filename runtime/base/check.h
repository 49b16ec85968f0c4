/* check.h: assertions that stay on. must() is for programmer errors only: a broken invariant ends the process with the
 * place, because going on could commit what was not delivered. Operating errors are never asserted (see error.h). */
#ifndef WEIR_BASE_CHECK_H
#define WEIR_BASE_CHECK_H

/* Thread: any. Prints "file:line: function: expression" with what check_context() says and aborts. */
_Noreturn void check_failed(const char *expression, const char *file, int line, const char *function);

#define must(expression) ((expression) ? (void)0 : check_failed(#expression, __FILE__, __LINE__, __func__))

#define must_not_reach() check_failed("this branch cannot be reached", __FILE__, __LINE__, __func__)

/* A struct that crosses a `void *` starts with a magic number; destroy clears it, so a stale pointer is caught at once. */
#define must_be(object, number) must((object) && (object)->magic == (number))

/* Of a function that hardly ever runs: it stays out of its callers, which would pay for its registers with every record. */
#define SELDOM __attribute__((cold, noinline))

/* What this thread is working on ("lane 1, stage describe, quakes/3"), shown by check_failed(). `text` is kept, not copied:
 * it must live until the next call. NULL: nothing. */
void check_context(const char *text);

#endif
