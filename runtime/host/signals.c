/* signals.c: see signals.h. The thread is ended by a signal too: by SIGTERM sent to itself alone, with `closing` raised before. */
#include "host/signals.h"
#include "base/check.h"
#include "base/log.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIGNALS_MAGIC = 0x19d5c27e, PATIENCE = 3 };

struct signals {
  uint32_t magic;
  void (*interrupt)(void *ctx);
  void *ctx;
  _Atomic bool closing;
  pthread_t thread;
};

static void fill(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
}

void signals_block(void) {
  sigset_t set;
  fill(&set);
  must(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

static void say(int number, int count) {
  const char *name = number == SIGINT ? "SIGINT" : "SIGTERM";
  if (count == 1)
    log_line(WEIR_INFO, "worker", "%s: finishing what is in flight; a second signal gives it up", name);
  else
    log_line(
        WEIR_WARN, "worker", "%s again: giving up what is in flight; a third signal ends the process at once", name);
}

static void *run(void *ctx) {
  struct signals *signals = ctx;
  must_be(signals, SIGNALS_MAGIC);
  sigset_t set;
  fill(&set);
  for (int count = 1;; count++) {
    int number = 0;
    if (sigwait(&set, &number) != 0) continue;
    if (atomic_load(&signals->closing)) return NULL;
    if (count >= PATIENCE) _exit(EXIT_ABANDONED);
    say(number, count);
    signals->interrupt(signals->ctx);
  }
}

struct signals *signals_open(void (*interrupt)(void *ctx), void *ctx, struct error *err) {
  struct signals *signals = calloc(1, sizeof *signals);
  if (!signals) {
    error_set(err, "the machine has no memory for the signals' thread");
    return NULL;
  }
  *signals = (struct signals){.magic = SIGNALS_MAGIC, .interrupt = interrupt, .ctx = ctx};
  int result = pthread_create(&signals->thread, NULL, run, signals);
  if (result == 0) {
    pthread_setname_np(signals->thread, "signals");
    return signals;
  }
  errno = result;
  error_errno(err, "the system gives no thread for the signals");
  free(signals);
  return NULL;
}

void signals_close(struct signals *signals) {
  if (!signals) return;
  must_be(signals, SIGNALS_MAGIC);
  atomic_store(&signals->closing, true);
  /* The thread takes it with sigwait(); it is blocked everywhere, so it ends nothing. */
  must(pthread_kill(signals->thread, SIGTERM) == 0); /* NOLINT(bugprone-bad-signal-to-kill-thread,cert-pos44-c) */
  must(pthread_join(signals->thread, NULL) == 0);
  signals->magic = 0;
  free(signals);
}
