/* failures.c: a short table, searched from its start: a pipeline has few kinds of failures, and one that has many is summed. */
#include "host/failures.h"
#include "base/check.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void failures_init(struct failures *failures) {
  memset(failures, 0, sizeof *failures);
  must(pthread_mutex_init(&failures->lock, NULL) == 0);
}

void failures_fini(struct failures *failures) { pthread_mutex_destroy(&failures->lock); }

static struct failure *find(struct failures *failures, const char *label, const char *code, enum outcome outcome) {
  for (size_t i = 0; i < failures->count; i++) {
    struct failure *failure = &failures->kinds[i];
    if (failure->outcome == outcome && strcmp(failure->code, code) == 0 && strcmp(failure->label, label) == 0)
      return failure;
  }
  return NULL;
}

/* Under the lock. */
static void add(struct failures *failures, const char *label, const char *code, enum outcome outcome, uint64_t count) {
  struct failure *failure = find(failures, label, code, outcome);
  if (!failure && failures->count == LIMIT_FAILURES) {
    failures->others += count;
    return;
  }
  if (!failure) {
    failure = &failures->kinds[failures->count++];
    snprintf(failure->label, sizeof failure->label, "%s", label);
    snprintf(failure->code, sizeof failure->code, "%s", code);
    failure->outcome = outcome;
  }
  failure->count += count;
}

void failures_add(struct failures *failures, const char *label, weir_span code, enum outcome outcome, uint64_t count) {
  must(label && outcome > OUTCOME_OPEN && outcome < OUTCOMES);
  char shown[LIMIT_REASON_CODE + 1], cut[LIMIT_LABEL + 1];
  text_escape(shown, sizeof shown, code);
  snprintf(cut, sizeof cut, "%s", label);
  pthread_mutex_lock(&failures->lock);
  add(failures, cut, shown, outcome, count);
  pthread_mutex_unlock(&failures->lock);
}

void failures_merge(struct failures *sum, struct failures *more) {
  must(sum != more);
  pthread_mutex_lock(&more->lock);
  for (size_t i = 0; i < more->count; i++)
    add(sum, more->kinds[i].label, more->kinds[i].code, more->kinds[i].outcome, more->kinds[i].count);
  sum->others += more->others;
  pthread_mutex_unlock(&more->lock);
}

static int compare(const void *left, const void *right) {
  const struct failure *a = left, *b = right;
  if (a->count != b->count) return a->count < b->count ? 1 : -1;
  int order = strcmp(a->label, b->label);
  return order ? order : strcmp(a->code, b->code);
}

void failures_sort(struct failures *failures) {
  pthread_mutex_lock(&failures->lock);
  qsort(failures->kinds, failures->count, sizeof failures->kinds[0], compare);
  pthread_mutex_unlock(&failures->lock);
}
