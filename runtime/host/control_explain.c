/* control_explain.c: what the control thread knows of each partition, and what it asks the lanes. The lane's errand is posted while
 * the partition is owned, so the lane finds it before the one that ends the assignment. */
#include "base/check.h"
#include "base/clock.h"
#include "host/control_inside.h"
#include "host/question.h"
#include "kafka/feed.h"
#include <stdio.h>

void control_ask(struct control *control, struct question *question) {
  question_hold(question);
  pthread_mutex_lock(&control->lock);
  struct question *before = control->question;
  control->question = question;
  pthread_mutex_unlock(&control->lock);
  if (before) question_let_go(before); /* its asker has stopped waiting */
  atomic_store(&control->questioned, true);
  event_changed(control);
}

const struct place *control_place(const struct control *control, uint32_t lane) {
  must(lane < control->lane_count);
  return lane_place(control->lanes[lane]);
}

static struct question *take_question(struct control *control) {
  if (!atomic_exchange(&control->questioned, false)) return NULL;
  pthread_mutex_lock(&control->lock);
  struct question *question = control->question;
  control->question = NULL;
  pthread_mutex_unlock(&control->lock);
  return question;
}

/* The sentence of the end of the feed may be older than what was read. */
static int64_t end_of(const struct assignment *assignment, int64_t delivered) {
  int64_t high = feed_high(assignment->feed);
  return high >= 0 && high < delivered ? delivered : high;
}

static void fill(struct control *control, struct assignment *assignment, struct explanation *explanation) {
  struct partition *partition = assignment->partition;
  const struct ledger *ledger = &partition->ledger;
  snprintf(explanation->topic, sizeof explanation->topic, "%s", partition->topic);
  explanation->partition = partition->view.partition;
  explanation->lane = lane_number(assignment->lane);
  explanation->uncommitted_max = control->settings.file->commit_uncommitted;
  explanation->draining = assignment->errands[ERRAND_DRAIN].assignment != NULL;
  explanation->stopped = assignment->stopped;
  pthread_mutex_lock(&partition->lock);
  explanation->committed = ledger->confirmed;
  explanation->committable = ledger->committable;
  explanation->delivered = ledger->expected;
  explanation->in_flight = ledger_in_flight(ledger);
  explanation->beyond = ledger_beyond(ledger);
  explanation->stopped_at = assignment->stopped_at;
  if (explanation->stopped) snprintf(explanation->stop, sizeof explanation->stop, "%s", assignment->stop.text);
  pthread_mutex_unlock(&partition->lock);
  explanation->end = end_of(assignment, explanation->delivered);
}

static void ask_lanes(struct control *control, struct question *question) {
  size_t index = 0;
  for (struct assignment *assignment = control->owned; assignment; assignment = assignment->next) {
    struct question_part *part = question_part(question, index++);
    fill(control, assignment, part->explanation);
    part->errand = (struct errand){.assignment = assignment, .kind = ERRAND_EXPLAIN};
    question_ask(part);
    lane_post(assignment->lane, &part->errand);
  }
  must(index == control->owned_count);
}

void explain_serve(struct control *control) {
  struct question *question = take_question(control);
  if (!question) return;
  if (question_open(question, control->owned_count)) ask_lanes(control, question);
  question_asked(question);
  question_let_go(question);
}
