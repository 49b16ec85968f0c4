/* waiting.h: a lock and a condition on the clock that never goes back. */
#ifndef WEIR_BASE_WAITING_H
#define WEIR_BASE_WAITING_H
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* In place; pthread_mutex_destroy() and pthread_cond_destroy() end them. */
void waiting_init(pthread_mutex_t *lock, pthread_cond_t *cond);
/* Until the condition is signalled, or `until_ms` of CLOCK_MONOTONIC (INT64_MAX: for ever) has come: then false. Under the lock; may return for
 * nothing. */
bool waiting_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms);

#endif
