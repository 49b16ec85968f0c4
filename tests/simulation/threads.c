/* threads.c: threads, locks, conditions and clocks of the C library as the simulated workers see them, by --wrap: a thread is a fiber,
 * whoever waits gives way, and time is the world's. A lock lies in the memory of the pthread_mutex_t. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include "base/check.h"
#include "fiber.h"
#include "plugin/host.h"
#include "process.h"
#include "world.h"

struct lock {
  struct fiber *owner;
  uint64_t number; /* of the owner: it may have been killed, and its place be taken */
};
_Static_assert(sizeof(struct lock) <= sizeof(pthread_mutex_t), "a lock has room in a mutex");

static int64_t us_of(const struct timespec *time) { return (int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000; }

/* --- threads --- */

struct start {
  void *(*body)(void *);
  void *arg;
};

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *arg);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_setname_np(pthread_t thread, const char *name);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *arg) {
  (void)attributes;
  *thread = (pthread_t)fiber_start(fiber_process(), body, arg);
  fiber_stumble();
  return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result) {
  (void)result;
  fiber_join((uint64_t)thread);
  return 0;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name) {
  (void)thread, (void)name;
  return 0;
}

/* The home of a host is a fiber. */
void __wrap_host_init(struct host *host, const struct setup_request *request, const struct worker_facts *facts,
    const char *plugin, struct stage *stage, uint32_t lane);
void __real_host_init(struct host *host, const struct setup_request *request, const struct worker_facts *facts,
    const char *plugin, struct stage *stage, uint32_t lane);
bool __wrap_host_on_home_thread(const struct host *host);
bool __wrap_host_is_home(struct host *host, const char *function);

void __wrap_host_init(struct host *host, const struct setup_request *request, const struct worker_facts *facts,
    const char *plugin, struct stage *stage, uint32_t lane) {
  __real_host_init(host, request, facts, plugin, stage, lane);
  host->home = fiber_self();
}

bool __wrap_host_on_home_thread(const struct host *host) { return host->home == fiber_self(); }
bool __wrap_host_is_home(struct host *host, const char *function) {
  return __wrap_host_on_home_thread(host) || host_misbehaves(host, RULE_THREAD, function);
}

/* --- locks --- */

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

static bool is_held(const struct lock *lock) { return lock->owner && fiber_lives(lock->owner, lock->number); }

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
  (void)attributes;
  memset(mutex, 0, sizeof *mutex);
  return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex) {
  must(!is_held((struct lock *)mutex));
  return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
  struct lock *lock = (struct lock *)mutex;
  if (!fiber_self()) return 0;
  fiber_stumble();
  while (is_held(lock)) {
    must(lock->owner != fiber_self());
    fiber_wait(lock, FOREVER_US);
  }
  *lock = (struct lock){fiber_self(), fiber_number(fiber_self())};
  return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
  struct lock *lock = (struct lock *)mutex;
  if (!fiber_self()) return 0;
  must(lock->owner == fiber_self());
  lock->owner = NULL;
  fiber_wake_one(lock);
  return 0;
}

/* --- conditions --- */

int __wrap_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_destroy(pthread_cond_t *cond);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_broadcast(pthread_cond_t *cond);

int __wrap_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes) {
  (void)cond, (void)attributes;
  return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *cond) {
  (void)cond;
  return 0;
}

/* All conditions of weir count in CLOCK_MONOTONIC. */
static int wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_us) {
  __wrap_pthread_mutex_unlock(mutex);
  bool woken = fiber_wait(cond, until_us);
  __wrap_pthread_mutex_lock(mutex);
  return woken ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
  return wait_until(cond, mutex, FOREVER_US);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
  return wait_until(cond, mutex, us_of(until));
}

int __wrap_pthread_cond_signal(pthread_cond_t *cond) {
  fiber_wake_one(cond);
  return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *cond) {
  fiber_wake(cond);
  return 0;
}

/* --- time --- */

int __wrap_clock_gettime(clockid_t id, struct timespec *time);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_sched_yield(void);

enum { WALL_S = 1790000000 };

int __wrap_clock_gettime(clockid_t id, struct timespec *time) {
  *time = (struct timespec){.tv_sec = world.now_us / 1000000, .tv_nsec = world.now_us % 1000000 * 1000};
  if (id == CLOCK_REALTIME) time->tv_sec += WALL_S;
  return 0;
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left) {
  static const char nothing;
  (void)left;
  fiber_wait(&nothing, world.now_us + us_of(wanted));
  return 0;
}

/* Whoever is waited for in a loop may have to wait itself: time goes on. */
int __wrap_sched_yield(void) {
  static const char nothing;
  fiber_wait(&nothing, world.now_us + 10);
  return 0;
}
