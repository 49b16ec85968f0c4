/* question.c: see question.h. What a lane says is copied under the lock, so that a late answer never meets a reader. */
#include "host/question.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/waiting.h"
#include <pthread.h>
#include <stdlib.h>

enum { QUESTION_MAGIC = 0x6b1d44c7 };

struct question {
  uint32_t magic;
  pthread_mutex_t lock;
  pthread_cond_t cond;
  uint32_t holders, pending;   /* under lock: who may still write; lanes that have not answered */
  bool asked;                  /* under lock */
  struct question_part *parts; /* written before `asked`, but for the answers */
  struct explanation *explanations;
  size_t count;
};

struct question *question_create(void) {
  struct question *question = calloc(1, sizeof *question);
  if (!question) return NULL;
  question->magic = QUESTION_MAGIC;
  question->holders = 1;
  waiting_init(&question->lock, &question->cond);
  return question;
}

void question_hold(struct question *question) {
  must_be(question, QUESTION_MAGIC);
  pthread_mutex_lock(&question->lock);
  question->holders++;
  pthread_mutex_unlock(&question->lock);
}

void question_let_go(struct question *question) {
  must_be(question, QUESTION_MAGIC);
  pthread_mutex_lock(&question->lock);
  must(question->holders > 0);
  bool last = --question->holders == 0;
  pthread_mutex_unlock(&question->lock);
  if (!last) return;
  question->magic = 0;
  pthread_cond_destroy(&question->cond);
  pthread_mutex_destroy(&question->lock);
  free(question->parts);
  free(question->explanations);
  free(question);
}

bool question_open(struct question *question, size_t count) {
  must_be(question, QUESTION_MAGIC);
  must(!question->parts && !question->asked);
  question->parts = calloc(count + 1, sizeof *question->parts);
  question->explanations = calloc(count + 1, sizeof *question->explanations);
  if (!question->parts || !question->explanations) return false;
  question->count = count;
  for (size_t i = 0; i < count; i++)
    question->parts[i] = (struct question_part){.question = question, .explanation = &question->explanations[i]};
  return true;
}

struct question_part *question_part(struct question *question, size_t index) {
  must(index < question->count);
  return &question->parts[index];
}

void question_ask(struct question_part *part) {
  struct question *question = part->question;
  pthread_mutex_lock(&question->lock);
  question->holders++;
  question->pending++;
  pthread_mutex_unlock(&question->lock);
}

void question_answered(struct question_part *part, const struct holder *holder, enum hold hold) {
  struct question *question = part->question;
  pthread_mutex_lock(&question->lock);
  must(question->pending > 0);
  part->explanation->holder = *holder;
  part->explanation->hold = hold;
  part->explanation->answered = true;
  question->pending--;
  pthread_cond_signal(&question->cond);
  pthread_mutex_unlock(&question->lock);
  question_let_go(question);
}

void question_asked(struct question *question) {
  pthread_mutex_lock(&question->lock);
  question->asked = true;
  pthread_cond_signal(&question->cond);
  pthread_mutex_unlock(&question->lock);
}

static bool is_done(const struct question *question, bool wants_lanes) {
  return question->asked && (!wants_lanes || question->pending == 0);
}

static bool wait_until(struct question *question, bool wants_lanes, int64_t timeout_ms) {
  int64_t until_ms = clock_now(clock_real()) + timeout_ms;
  pthread_mutex_lock(&question->lock);
  while (!is_done(question, wants_lanes) && waiting_until(&question->cond, &question->lock, until_ms)) continue;
  bool done = is_done(question, wants_lanes);
  pthread_mutex_unlock(&question->lock);
  return done;
}

bool question_wait(struct question *question, int64_t timeout_ms) {
  must_be(question, QUESTION_MAGIC);
  if (!wait_until(question, false, timeout_ms)) return false;
  wait_until(question, true, timeout_ms);
  return true;
}

size_t question_count(const struct question *question) { return question->count; }

void question_take(struct question *question, size_t index, struct explanation *explanation) {
  must(index < question->count);
  pthread_mutex_lock(&question->lock);
  *explanation = question->explanations[index];
  pthread_mutex_unlock(&question->lock);
}
