/* lane.c: the rounds of a lane. Invariant: an assignment that may have records to read is in the ready list, in the owing list, in the
 * inbox of marks, or waits in its filling; only one whose feed was seen empty is in none of them, and its next record marks it. */
#include "host/lane.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/place.h"
#include "base/waiting.h"
#include "host/assignment.h"
#include "host/intake.h"
#include "host/question.h"
#include "pipeline/holder.h"
#include "pipeline/runner.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { LANE_MAGIC = 0x6b0e94d3 };
enum lane_life { LIFE_NONE, LIFE_STARTING, LIFE_RUNNING, LIFE_ENDED };

/* Assignments by next_listed, the oldest first. */
struct line {
  struct assignment *first, **end;
};

struct lane {
  uint32_t magic;
  struct lane_settings settings;
  char name[16];
  struct failures failures;
  struct place own_place, *place; /* of its thread */
  _Atomic int32_t load;

  struct inbox shipments, errands, marks; /* posted by any thread, taken by the lane */

  pthread_mutex_t lock; /* never held while a queue, a stage or the ledger is called */
  pthread_cond_t cond;
  bool awake;          /* something came since the last round began */
  enum lane_life life; /* under lock */
  struct error err;    /* of the start, under lock until LIFE_RUNNING or LIFE_ENDED */
  _Atomic bool ending;
  pthread_t thread;

  /* [lane] */
  struct runner *runner;
  struct intake intake;
  struct assignment *assignments; /* by next_of_lane */
  struct line ready, owing;
  bool again; /* this round began batches behind the reading: look again */
};

static enum feed_result fill_from_feed(struct feed *feed, struct batch *batch, struct portion *portion,
    const struct batch_limit *limit, int64_t *offset, struct error *err) {
  return feed_fill(feed, batch, portion, limit, offset, err);
}
static int64_t high_of_feed(const struct feed *feed) { return feed_high(feed); }
static size_t waiting_in_feed(const struct feed *feed) { return feed_waiting(feed); }
const struct feed_ops lane_feed_ops = {fill_from_feed, high_of_feed, waiting_in_feed};

/* --- lists --- */

static void line_init(struct line *line) {
  line->first = NULL;
  line->end = &line->first;
}

static void line_add(struct line *line, struct assignment *assignment) {
  must(!assignment->listed && !assignment->owes);
  assignment->next_listed = NULL;
  *line->end = assignment;
  line->end = &assignment->next_listed;
}

static void line_remove(struct line *line, const struct assignment *assignment) {
  struct assignment **at = &line->first;
  while (*at && *at != assignment) at = &(*at)->next_listed;
  must(*at == assignment);
  *at = assignment->next_listed;
  if (!*at) line->end = at;
}

static void list(struct lane *lane, struct assignment *assignment) {
  if (assignment->listed || assignment->owes) return;
  line_add(&lane->ready, assignment);
  assignment->listed = true;
}

static void owe(struct lane *lane, struct assignment *assignment) {
  line_add(&lane->owing, assignment);
  assignment->owes = true;
}

static void unlist(struct lane *lane, struct assignment *assignment) {
  if (assignment->listed) line_remove(&lane->ready, assignment);
  if (assignment->owes) line_remove(&lane->owing, assignment);
  assignment->listed = assignment->owes = false;
}

/* --- errands of the control thread --- */

static void say_done(struct lane *lane, struct assignment *assignment, enum errand_kind kind) {
  atomic_fetch_or(&assignment->errands_done, 1u << kind);
  lane->settings.events.changed(lane->settings.events.ctx);
}

/* Its first errand. An assignment that is refused or goes at once is never adopted. */
static void meet(struct lane *lane, struct assignment *assignment) {
  if (assignment->state != ASSIGNMENT_ARRIVING) return;
  assignment->state = ASSIGNMENT_STOPPED;
  assignment->next_of_lane = lane->assignments;
  lane->assignments = assignment;
}

static void adopt(struct lane *lane, struct assignment *assignment) {
  struct error err;
  assignment->adopted = runner_assigned(lane->runner, assignment->partition, &err);
  if (assignment->adopted)
    assignment->state = ASSIGNMENT_RUNNING;
  else
    assignment_stop(assignment, -1, &err);
  list(lane, assignment);
  say_done(lane, assignment, ERRAND_ADOPT);
}

/* At most once: what is opened has to begin first, and the runner begins nothing of a partition that drains. */
static bool has_to_begin(const struct assignment *assignment) {
  return assignment->unconfirmed && !assignment->stopped;
}

static void flush(struct lane *lane, struct assignment *assignment) {
  assignment->flushed = true;
  if (assignment->adopted)
    runner_flush(lane->runner, assignment->partition, WEIR_FLUSH_REVOKE, assignment->drain_deadline_ms);
}

static void drain(struct lane *lane, struct assignment *assignment, const struct errand *errand) {
  must(assignment->state == ASSIGNMENT_RUNNING || assignment->state == ASSIGNMENT_STOPPED);
  assignment->state = ASSIGNMENT_DRAINING;
  assignment->drain_deadline_ms = errand->deadline_ms;
  unlist(lane, assignment);
  /* A stop asks all partitions together, behind the errands; but not where one may still have to begin. */
  assignment->flushed = errand->stopping && !lane->settings.at_most_once;
}

static void forget(struct lane *lane, struct assignment *assignment, bool lost) {
  must(assignment->state < ASSIGNMENT_FORGOTTEN && assignment->fenced);
  unlist(lane, assignment);
  intake_drop(&lane->intake, assignment);
  intake_abandon_unconfirmed(&lane->intake, assignment);
  struct partition *partition = assignment->partition;
  if (assignment->adopted) runner_revoked(lane->runner, partition, lost ? WEIR_LOST : WEIR_REVOKED);
  pthread_mutex_lock(&partition->lock);
  partition->tally.settled[OUTCOME_ABANDONED] += tally_in_flight(&partition->tally);
  pthread_mutex_unlock(&partition->lock);
  assignment->state = ASSIGNMENT_FORGOTTEN;
  say_done(lane, assignment, ERRAND_FORGET);
}

static void explain(struct lane *lane, struct errand *errand) {
  struct question_part *part = inbox_message(errand, struct question_part, errand);
  struct holder holder;
  holder_find(lane->runner, errand->assignment->partition, &holder);
  question_answered(part, &holder, intake_hold(&lane->intake, errand->assignment));
}

/* Returns the deadline for the stages where all are to be asked together, 0: they are not. */
static int64_t run_errand(struct lane *lane, struct errand *errand) {
  struct assignment *assignment = errand->assignment;
  meet(lane, assignment);
  switch (errand->kind) {
  case ERRAND_ADOPT: adopt(lane, assignment); return 0;
  case ERRAND_DRAIN: drain(lane, assignment, errand); return assignment->flushed ? errand->deadline_ms : 0;
  case ERRAND_PROGRESS:
    intake_progress(&lane->intake, assignment);
    say_done(lane, assignment, ERRAND_PROGRESS);
    return 0;
  case ERRAND_FORGET: forget(lane, assignment, errand->lost); return 0;
  case ERRAND_EXPLAIN: explain(lane, errand); return 0;
  }
  must_not_reach();
}

static void run_errands(struct lane *lane) {
  int64_t stop_ms = 0;
  for (struct inbox_node *node = inbox_take(&lane->errands), *next; node; node = next) {
    next = node->next;
    int64_t deadline_ms = run_errand(lane, inbox_message(node, struct errand, node));
    if (deadline_ms) stop_ms = deadline_ms;
  }
  /* Once for all partitions, so that a sink which syncs a file syncs it once. */
  if (stop_ms) runner_flush(lane->runner, NULL, WEIR_FLUSH_STOP, stop_ms);
}

/* --- what came in --- */

static void take_shipments(struct lane *lane) {
  for (struct inbox_node *node = inbox_take(&lane->shipments), *next; node; node = next) {
    next = node->next;
    runner_shipment(lane->runner, inbox_message(node, struct shipment, node));
  }
}

static void take_marks(struct lane *lane) {
  for (struct inbox_node *node = inbox_take(&lane->marks), *next; node; node = next) {
    next = node->next;
    struct assignment *assignment = inbox_message(node, struct assignment, ready_node);
    /* Now its node is free again, and only now: lowered any earlier, it could be posted while it stands in the inbox. */
    atomic_store(&assignment->marked, false);
    if (assignment->state == ASSIGNMENT_RUNNING) list(lane, assignment);
  }
}

static void read_one(struct lane *lane) {
  struct assignment *assignment = lane->ready.first;
  if (!assignment) return;
  unlist(lane, assignment);
  if (assignment->state != ASSIGNMENT_RUNNING) return;
  switch (intake_read(&lane->intake, assignment)) {
  case LEFT_MORE: list(lane, assignment); break;
  case LEFT_OWING:
    if (assignment->state == ASSIGNMENT_RUNNING) owe(lane, assignment);
    break;
  case LEFT_EMPTY:
  case LEFT_FILLING: break;
  }
}

/* --- looking around, at the end of a round --- */

static void look_at_owing(struct lane *lane) {
  for (struct assignment *assignment = lane->owing.first, *next; assignment; assignment = next) {
    next = assignment->next_listed;
    bool over = assignment->state != ASSIGNMENT_RUNNING;
    if (!over && !intake_may_read(&lane->intake, assignment)) continue;
    unlist(lane, assignment);
    if (!over) list(lane, assignment);
  }
}

static void look_at_draining(struct lane *lane, struct assignment *assignment) {
  if (assignment_has_done(assignment, ERRAND_DRAIN) || has_to_begin(assignment)) return;
  if (!assignment->flushed) flush(lane, assignment);
  if (runner_in_flight(lane->runner, assignment->partition) == 0) say_done(lane, assignment, ERRAND_DRAIN);
}

static void look_at_filling(struct lane *lane, struct assignment *assignment) {
  if (!assignment->filling || clock_now(lane->settings.clock) < assignment->filling_until_ms) return;
  intake_flush(&lane->intake, assignment);
  lane->again = true;
}

static void look_at_unconfirmed(struct lane *lane, struct assignment *assignment) {
  const struct portion *head = assignment->unconfirmed;
  if (!head) return;
  intake_begin_confirmed(&lane->intake, assignment);
  if (assignment->unconfirmed != head) lane->again = true;
}

static void look_at(struct lane *lane, struct assignment *assignment) {
  if (assignment->state == ASSIGNMENT_FORGOTTEN) return;
  look_at_unconfirmed(lane, assignment);
  if (assignment->state == ASSIGNMENT_RUNNING)
    look_at_filling(lane, assignment);
  else
    intake_drop(&lane->intake, assignment); /* its batch waited for more, and it stopped or has to go */
  if (assignment->end_offset >= 0) intake_end(&lane->intake, assignment);
  if (assignment->stopped) intake_progress(&lane->intake, assignment);
  if (assignment->state == ASSIGNMENT_DRAINING) look_at_draining(lane, assignment);
}

/* The batches that tickets still held have come back: nothing points to it any more. */
static void let_go(struct lane *lane, struct assignment *assignment) {
  assignment->state = ASSIGNMENT_GONE;
  atomic_store(&assignment->gone, true);
  lane->settings.events.changed(lane->settings.events.ctx);
}

static void look_at_forgotten(struct lane *lane) {
  for (struct assignment **at = &lane->assignments; *at;) {
    struct assignment *assignment = *at;
    if (assignment->state == ASSIGNMENT_FORGOTTEN && assignment->partition->batches == 0) {
      *at = assignment->next_of_lane;
      let_go(lane, assignment);
    } else
      at = &assignment->next_of_lane;
  }
}

static void look_around(struct lane *lane) {
  for (struct assignment *assignment = lane->assignments; assignment; assignment = assignment->next_of_lane)
    look_at(lane, assignment);
  look_at_owing(lane);
  look_at_forgotten(lane);
}

bool lane_turn(struct lane *lane) {
  must_be(lane, LANE_MAGIC);
  lane->again = false;
  run_errands(lane);
  take_shipments(lane);
  runner_serve(lane->runner);
  take_marks(lane); /* behind the errands: the last mark of what is forgotten was posted before its errand */
  read_one(lane);
  look_around(lane);
  return lane->ready.first || lane->again;
}

int64_t lane_due(const struct lane *lane) {
  int64_t due_ms = runner_due(lane->runner);
  for (const struct assignment *assignment = lane->assignments; assignment; assignment = assignment->next_of_lane)
    if (assignment->filling && assignment->filling_until_ms < due_ms) due_ms = assignment->filling_until_ms;
  return due_ms;
}

/* --- what the runner says --- */

static void on_settled(void *ctx, struct batch *batch) { intake_settled(&((struct lane *)ctx)->intake, batch); }

static void on_stopped(void *ctx, struct partition *partition, int64_t offset, const struct error *err) {
  struct lane *lane = ctx;
  assignment_stop(partition->owner, offset, err);
  lane->settings.events.changed(lane->settings.events.ctx);
}

static void on_room(void *ctx) { ((struct lane *)ctx)->intake.dry = false; }

static void on_failed(void *ctx, const char *label, weir_span code, enum outcome outcome) {
  failures_add(&((struct lane *)ctx)->failures, label, code, outcome, 1);
}

static void on_notify(void *ctx) { lane_wake(ctx); }

/* --- life --- */

struct lane *lane_create(const struct lane_settings *settings) {
  must(settings->batch_records > 0 && settings->uncommitted_max > 0 && settings->work_max > 0);
  must(settings->feeds && settings->clock);
  struct lane *lane = calloc(1, sizeof *lane);
  if (!lane) return NULL;
  lane->magic = LANE_MAGIC;
  lane->settings = *settings;
  lane->place = settings->place ? settings->place : &lane->own_place;
  atomic_init(&lane->intake.work_max, settings->work_max);
  snprintf(lane->name, sizeof lane->name, "lane %u", settings->number);
  failures_init(&lane->failures);
  line_init(&lane->ready);
  line_init(&lane->owing);
  waiting_init(&lane->lock, &lane->cond);
  return lane;
}

void lane_destroy(struct lane *lane) {
  if (!lane) return;
  must_be(lane, LANE_MAGIC);
  must(lane->life == LIFE_NONE && !lane->runner);
  lane->magic = 0;
  pthread_cond_destroy(&lane->cond);
  pthread_mutex_destroy(&lane->lock);
  failures_fini(&lane->failures);
  free(lane);
}

bool lane_open(struct lane *lane, struct error *err) {
  must_be(lane, LANE_MAGIC);
  const struct stage_lane stage_lane = {.lane = lane->settings.number, .notify = on_notify, .ctx = lane};
  const struct runner_events events = {lane, on_settled, on_stopped, on_room, on_failed};
  lane->runner = runner_create(lane->settings.plan, &stage_lane, &lane->shipments, &events, err);
  lane->intake.settings = &lane->settings;
  lane->intake.runner = lane->runner;
  return lane->runner != NULL;
}

void lane_shut(struct lane *lane) {
  run_errands(lane);
  take_shipments(lane); /* the producers are closed: all that was open was reported, perhaps behind the last round */
  for (const struct assignment *assignment = lane->assignments; assignment; assignment = assignment->next_of_lane)
    must(assignment->state == ASSIGNMENT_FORGOTTEN);
  runner_destroy(lane->runner);
  lane->runner = NULL;
  look_at_forgotten(lane);
  must(!lane->assignments);
}

static void set_life(struct lane *lane, enum lane_life life) {
  pthread_mutex_lock(&lane->lock);
  lane->life = life;
  pthread_cond_broadcast(&lane->cond);
  pthread_mutex_unlock(&lane->lock);
}

/* Until something comes or the time has come. */
static void nap(struct lane *lane, int64_t until_ms) {
  place_rest(until_ms);
  pthread_mutex_lock(&lane->lock);
  while (!lane->awake && waiting_until(&lane->cond, &lane->lock, until_ms)) continue;
  lane->awake = false;
  pthread_mutex_unlock(&lane->lock);
}

static void *run(void *ctx) {
  struct lane *lane = ctx;
  must_be(lane, LANE_MAGIC);
  check_context(lane->name);
  place_use(lane->place);
  void *stack = crash_stack();
  if (lane_open(lane, &lane->err)) {
    set_life(lane, LIFE_RUNNING);
    while (!atomic_load(&lane->ending)) {
      place_work();
      if (!lane_turn(lane)) nap(lane, lane_due(lane));
    }
    lane_shut(lane);
  }
  crash_stack_free(stack);
  set_life(lane, LIFE_ENDED);
  return NULL;
}

bool lane_start(struct lane *lane, struct error *err) {
  must_be(lane, LANE_MAGIC);
  must(lane->life == LIFE_NONE);
  lane->life = LIFE_STARTING;
  int result = pthread_create(&lane->thread, NULL, run, lane);
  if (result != 0) {
    lane->life = LIFE_NONE;
    errno = result;
    return error_errno(err, "%s: the system gives no thread", lane->name);
  }
  pthread_setname_np(lane->thread, lane->name);
  pthread_mutex_lock(&lane->lock);
  while (lane->life == LIFE_STARTING) pthread_cond_wait(&lane->cond, &lane->lock);
  bool running = lane->life == LIFE_RUNNING;
  pthread_mutex_unlock(&lane->lock);
  if (running) return true;
  *err = lane->err;
  must(lane_join(lane, INT64_MAX));
  return false;
}

void lane_end(struct lane *lane) {
  atomic_store(&lane->ending, true);
  lane_wake(lane);
}

bool lane_join(struct lane *lane, int64_t timeout_ms) {
  must_be(lane, LANE_MAGIC);
  int64_t until_ms = timeout_ms == INT64_MAX ? INT64_MAX : clock_now(clock_real()) + timeout_ms;
  pthread_mutex_lock(&lane->lock);
  while (lane->life != LIFE_NONE && lane->life != LIFE_ENDED && waiting_until(&lane->cond, &lane->lock, until_ms))
    continue;
  enum lane_life life = lane->life;
  pthread_mutex_unlock(&lane->lock);
  if (life == LIFE_ENDED) {
    must(pthread_join(lane->thread, NULL) == 0);
    lane->life = LIFE_NONE;
  }
  return life == LIFE_NONE || life == LIFE_ENDED;
}

/* --- doors from outside --- */

void lane_wake(struct lane *lane) {
  must_be(lane, LANE_MAGIC);
  pthread_mutex_lock(&lane->lock);
  lane->awake = true;
  pthread_cond_broadcast(&lane->cond); /* lane_join() waits here, too */
  pthread_mutex_unlock(&lane->lock);
}

void lane_post(struct lane *lane, struct errand *errand) {
  if (inbox_post(&lane->errands, &errand->node)) lane_wake(lane);
}

void lane_ready(struct lane *lane, struct assignment *assignment) {
  if (inbox_post(&lane->marks, &assignment->ready_node)) lane_wake(lane);
}

void lane_watch_queues(struct lane *lane, int64_t queue_bytes) { atomic_store(&lane->intake.queue_bytes, queue_bytes); }

void lane_limit(struct lane *lane, int64_t work_max) {
  must(work_max > 0);
  if (atomic_exchange(&lane->intake.work_max, work_max) < work_max) lane_wake(lane);
}

struct place *lane_place(const struct lane *lane) {
  return lane->place;
}
struct failures *lane_failures(struct lane *lane) {
  return &lane->failures;
}
const char *lane_name(const struct lane *lane) { return lane->name; }
uint32_t lane_number(const struct lane *lane) { return lane->settings.number; }
uint32_t lane_load(const struct lane *lane) { return (uint32_t)lane->load; }

void lane_load_add(struct lane *lane, int32_t more) {
  lane->load += more;
  must(lane->load >= 0);
}
