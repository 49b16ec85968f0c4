/* waiting.c: see waiting.h. */
#include "base/waiting.h"
#include "base/check.h"
#include <time.h>

void waiting_init(pthread_mutex_t *lock, pthread_cond_t *cond) {
  pthread_condattr_t attributes;
  must(pthread_mutex_init(lock, NULL) == 0);
  must(pthread_condattr_init(&attributes) == 0);
  must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
  must(pthread_cond_init(cond, &attributes) == 0);
  pthread_condattr_destroy(&attributes);
}

bool waiting_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms) {
  const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = (until_ms % 1000) * 1000000};
  if (until_ms == INT64_MAX) return pthread_cond_wait(cond, lock) == 0;
  return pthread_cond_timedwait(cond, lock, &until) == 0;
}
