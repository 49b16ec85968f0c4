/* signals.h: SIGTERM and SIGINT as a call on a thread of their own, where everything may be called. */
#ifndef WEIR_HOST_SIGNALS_H
#define WEIR_HOST_SIGNALS_H
#include <stdbool.h>
#include "base/error.h"

struct signals;

/* [main] Blocks both for this thread and all it starts; call before any other thread exists. */
void signals_block(void);
/* [main] From here on each signal is a call of `interrupt(ctx)`, on the thread of the signals; the third one ends the process at once with
 * EXIT_ABANDONED. NULL: err. */
struct signals *signals_open(void (*interrupt)(void *ctx), void *ctx, struct error *err);
/* [main] No call comes after it. NULL is fine. */
void signals_close(struct signals *signals);

#endif
