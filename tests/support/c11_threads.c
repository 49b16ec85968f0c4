/* c11_threads.c: C11's threads on top of POSIX ones, for builds with ThreadSanitizer: gcc 12's does not see thrd_create(), and a
 * thread of librdkafka that allocates ends the program. Executables only; librdkafka's calls bind to these before libc's. With them the
 * sanitizer sees librdkafka's locks too, so data that is handed over through them does not look like a race. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#define SHOWN __attribute__((visibility("default")))

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "glibc's C11 locks are POSIX ones");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "glibc's C11 conditions are POSIX ones");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "glibc's C11 threads are POSIX ones");

struct start {
  thrd_start_t function;
  void *argument;
};

static pthread_mutex_t *lock_of(mtx_t *lock) { return (pthread_mutex_t *)(void *)lock; }

static pthread_cond_t *condition_of(cnd_t *condition) { return (pthread_cond_t *)(void *)condition; }

static int result_of(int failure) {
  if (!failure) return thrd_success;
  if (failure == ETIMEDOUT) return thrd_timedout;
  if (failure == EBUSY) return thrd_busy;
  return failure == ENOMEM || failure == EAGAIN ? thrd_nomem : thrd_error;
}

static void *run(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  return (void *)(intptr_t)start.function(start.argument);
}

SHOWN int thrd_create(thrd_t *thread, thrd_start_t function, void *argument) {
  struct start *start = malloc(sizeof *start);
  if (!start) return thrd_nomem;
  *start = (struct start){function, argument};
  int failure = pthread_create((pthread_t *)thread, NULL, run, start);
  if (failure) free(start);
  return result_of(failure);
}

SHOWN int thrd_join(thrd_t thread, int *result) {
  void *value = NULL;
  int failure = pthread_join((pthread_t)thread, &value);
  if (result) *result = (int)(intptr_t)value;
  return result_of(failure);
}

SHOWN int thrd_detach(thrd_t thread) { return result_of(pthread_detach((pthread_t)thread)); }

SHOWN int mtx_init(mtx_t *lock, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
  int failure = pthread_mutex_init(lock_of(lock), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return result_of(failure);
}

/* Who destroys a lock knows by a count of owners, which the sanitizer does not see, that the others have let go; this it sees. */
SHOWN void mtx_destroy(mtx_t *lock) {
  pthread_mutex_lock(lock_of(lock));
  pthread_mutex_unlock(lock_of(lock));
  pthread_mutex_destroy(lock_of(lock));
}
SHOWN int mtx_lock(mtx_t *lock) { return result_of(pthread_mutex_lock(lock_of(lock))); }
SHOWN int mtx_trylock(mtx_t *lock) { return result_of(pthread_mutex_trylock(lock_of(lock))); }
SHOWN int mtx_unlock(mtx_t *lock) { return result_of(pthread_mutex_unlock(lock_of(lock))); }

SHOWN int cnd_init(cnd_t *condition) { return result_of(pthread_cond_init(condition_of(condition), NULL)); }
SHOWN void cnd_destroy(cnd_t *condition) { pthread_cond_destroy(condition_of(condition)); }
SHOWN int cnd_signal(cnd_t *condition) { return result_of(pthread_cond_signal(condition_of(condition))); }
SHOWN int cnd_broadcast(cnd_t *condition) { return result_of(pthread_cond_broadcast(condition_of(condition))); }

SHOWN int cnd_wait(cnd_t *condition, mtx_t *lock) {
  return result_of(pthread_cond_wait(condition_of(condition), lock_of(lock)));
}

SHOWN int cnd_timedwait(cnd_t *condition, mtx_t *lock, const struct timespec *until) {
  return result_of(pthread_cond_timedwait(condition_of(condition), lock_of(lock), until));
}

/* librdkafka's read-write locks are POSIX ones. They pass through here so that called_from_lib: in tests/support/tsan.supp, which leaves out
 * what the library itself calls, leaves them in. */
int __interceptor_pthread_rwlock_rdlock(pthread_rwlock_t *lock);
int __interceptor_pthread_rwlock_wrlock(pthread_rwlock_t *lock);
int __interceptor_pthread_rwlock_unlock(pthread_rwlock_t *lock);
int __interceptor_pthread_rwlock_destroy(pthread_rwlock_t *lock);

SHOWN int pthread_rwlock_rdlock(pthread_rwlock_t *lock) { return __interceptor_pthread_rwlock_rdlock(lock); }
SHOWN int pthread_rwlock_wrlock(pthread_rwlock_t *lock) { return __interceptor_pthread_rwlock_wrlock(lock); }
SHOWN int pthread_rwlock_unlock(pthread_rwlock_t *lock) { return __interceptor_pthread_rwlock_unlock(lock); }
/* As mtx_destroy(): a topic's lock goes with the topic's last owner, whichever thread that is. */
SHOWN int pthread_rwlock_destroy(pthread_rwlock_t *lock) {
  pthread_rwlock_wrlock(lock);
  pthread_rwlock_unlock(lock);
  return __interceptor_pthread_rwlock_destroy(lock);
}
