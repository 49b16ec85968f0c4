/* gate.c: see gate.h. */
#include "gate.h"
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t permits, passed, promised;
static int is_open, is_shut;

void gate_reset(void) {
  pthread_mutex_lock(&lock);
  permits = passed = promised = 0;
  is_open = is_shut = 0;
  pthread_mutex_unlock(&lock);
}

int gate_pass(void) {
  pthread_mutex_lock(&lock);
  while (permits == 0 && !is_open && !is_shut) pthread_cond_wait(&changed, &lock);
  int may = !is_shut;
  if (may && permits) permits--;
  pthread_mutex_unlock(&lock);
  return may;
}

void gate_passed(void) {
  pthread_mutex_lock(&lock);
  passed++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

void gate_shut(void) {
  pthread_mutex_lock(&lock);
  is_shut = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

static void let(uint32_t count) {
  pthread_mutex_lock(&lock);
  permits += count;
  promised += count;
  pthread_cond_broadcast(&changed);
  while (passed < promised) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

static void open_gate(void) {
  pthread_mutex_lock(&lock);
  is_open = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

const fixture_gate gate_table = {sizeof gate_table, let, open_gate};
