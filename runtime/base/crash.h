/* crash.h: the last line of a process that dies of its own fault: which thread, in which call of a plugin, with which records. The
 * default action follows, so exit status and core dump stay; where a sanitizer has a handler, that one. What is found is also written to the
 * place, for the worker that starts next. */
#ifndef WEIR_BASE_CRASH_H
#define WEIR_BASE_CRASH_H

struct place;

/* [main] Before any other thread: handles SIGSEGV, SIGBUS, SIGABRT, SIGFPE and SIGILL. */
void crash_install(void);

/* A stack for the handler, so that an overflow of this thread's own can be told, too. NULL: there is no memory, or a sanitizer has given it
 * one. crash_stack_free() comes from the same thread, at its end. */
void *crash_stack(void);
void crash_stack_free(void *stack); /* NULL is fine */

/* [any] The abort() that follows is for what the thread at `place` does, not for what this one does. */
void crash_accuse(struct place *place);

#endif
