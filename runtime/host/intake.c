/* intake.c: see intake.h. Invariant: a record that was taken is in `filling` and nobody has seen it, or its range is open in the
 * ledger; taking and opening happen under the assignment's `reading`, behind its fence. */
#include "host/intake.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/trouble.h"
#include "host/assignment.h"
#include "host/lane.h"
#include "pipeline/runner.h"
#include <stdio.h>

enum { NEARLY_EMPTY = 2 }; /* batches that still wait in a queue */

/* What one visit to a feed brought. */
struct visit {
  int64_t next_max;     /* the duplicate bound, or a suspect: no record is taken when the batch reaches it */
  uint32_t records_max; /* 1: a suspect is alone */
  bool empty, full, failed;
  struct error err;
};

static bool may_open(const struct intake *intake, const struct assignment *assignment) {
  struct partition *partition = assignment->partition;
  pthread_mutex_lock(&partition->lock);
  bool may = ledger_may_open(&partition->ledger, partition->view.epoch, intake->settings->uncommitted_max);
  pthread_mutex_unlock(&partition->lock);
  return may;
}

/* Asks a second time with the flag raised: else a commit confirmed between question and flag would wake nobody. */
static bool may_open_or_awaits(const struct intake *intake, const struct assignment *assignment) {
  if (may_open(intake, assignment)) return true;
  atomic_store(&((struct assignment *)(uintptr_t)assignment)->awaits_commit, true);
  return may_open(intake, assignment);
}

/* A lane without work takes a batch, whatever that will hold, so it never stands still. */
static bool is_busy(const struct intake *intake) { return intake->work >= intake->work_max; }

bool intake_may_read(const struct intake *intake, const struct assignment *assignment) {
  if (!assignment->filling && (intake->dry || is_busy(intake))) return false;
  return runner_may_begin(intake->runner, assignment->partition) && may_open_or_awaits(intake, assignment);
}

enum hold intake_hold(const struct intake *intake, const struct assignment *assignment) {
  struct partition *partition = assignment->partition;
  if (assignment->unconfirmed) return HOLD_COMMIT;
  if (!assignment->owes) return HOLD_NONE;
  if (!runner_may_begin(intake->runner, partition)) return HOLD_RUNNER;
  pthread_mutex_lock(&partition->lock);
  int64_t open = partition->ledger.expected - partition->ledger.confirmed;
  pthread_mutex_unlock(&partition->lock);
  if (!may_open(intake, assignment)) return open < intake->settings->uncommitted_max ? HOLD_RANGES : HOLD_BOUND;
  if (intake->dry) return HOLD_POOL;
  return is_busy(intake) ? HOLD_MEMORY : HOLD_NONE;
}

static void charge(struct intake *intake, struct batch *batch, int64_t bytes) {
  batch->charge += bytes;
  intake->work += bytes;
}

static void discharge(struct intake *intake, struct batch *batch) {
  must(intake->work >= batch->charge);
  intake->work -= batch->charge;
  batch->charge = 0;
}

static void stop(struct assignment *assignment, const struct intake *intake, const struct error *err) {
  assignment_stop(assignment, -1, err);
  intake->settings->events.changed(intake->settings->events.ctx);
}

/* A batch to fill. False: there is none. */
static bool start_filling(struct intake *intake, struct assignment *assignment) {
  if (assignment->filling) return true;
  struct batch *batch = runner_take(intake->runner, assignment->partition);
  if (!batch) {
    intake->dry = true;
    return false;
  }
  batch->charge = 0;
  assignment->filling = portion_create(batch, batch->capacity);
  assignment->filling_until_ms = 0;
  if (assignment->filling) return true;
  runner_give(intake->runner, batch);
  struct error err;
  error_set(&err, "the machine has no memory for a batch of %u records", intake->settings->batch_records);
  stop(assignment, intake, &err);
  return false;
}

/* The runner tells of room only for batches that began. */
static void give_back(struct intake *intake, struct batch *batch) {
  discharge(intake, batch);
  runner_give(intake->runner, batch);
  intake->dry = false;
}

void intake_drop(struct intake *intake, struct assignment *assignment) {
  if (!assignment->filling) return;
  struct batch *batch = assignment->filling->batch;
  assignment->filling = NULL;
  if (batch->count) assignment->end_offset = -1; /* told behind records that now count as not read */
  give_back(intake, batch);
}

/* Under `reading`, not fenced. */
static void take_records(struct intake *intake, struct assignment *assignment, struct visit *visit) {
  const struct lane_settings *settings = intake->settings;
  const struct batch_limit limit = {visit->records_max, settings->batch_bytes, visit->next_max};
  struct portion *portion = assignment->filling;
  for (;;) {
    int64_t offset;
    switch (settings->feeds->fill(assignment->feed, portion->batch, portion, &limit, &offset, &visit->err)) {
    case FEED_RECORD: must_not_reach();
    case FEED_FULL: visit->full = true; return;
    case FEED_END: assignment->end_offset = offset; break;
    case FEED_EMPTY: visit->empty = true; return;
    case FEED_ERROR:
      /* librdkafka tries again at the same offset: nothing is left out. */
      visit->failed = !visit->err.retriable;
      if (visit->failed) return;
      log_limited(&assignment->trouble, LIMIT_TROUBLE_MS, WEIR_WARN, "worker", "%s", visit->err.text);
      break;
    }
  }
}

/* Under `reading`, not fenced: the epoch that was sampled when the batch was taken is checked once more by the ledger. */
static bool open_range(struct intake *intake, struct assignment *assignment) {
  struct batch *batch = assignment->filling->batch;
  struct partition *partition = assignment->partition;
  must(batch->count > 0 && batch->epoch == partition->view.epoch);
  pthread_mutex_lock(&partition->lock);
  batch->range = ledger_open(&partition->ledger, batch->epoch, batch->first, batch->next, batch->count);
  if (batch->range) partition->tally.in += batch->count;
  if (batch->range && intake->settings->at_most_once)
    must(ledger_settle(&partition->ledger, batch->epoch, batch->range));
  pthread_mutex_unlock(&partition->lock);
  FAILPOINT(batch_opened);
  return batch->range != 0;
}

static bool is_ripe(const struct intake *intake, struct assignment *assignment, const struct visit *visit) {
  if (!assignment->filling->batch->count) return false;
  int64_t wait_ms = intake->settings->batch_wait_ms;
  if (wait_ms == 0 || visit->full || visit->failed) return true;
  int64_t now_ms = clock_now(intake->settings->clock);
  if (!assignment->filling_until_ms) assignment->filling_until_ms = now_ms + wait_ms;
  return now_ms >= assignment->filling_until_ms;
}

/* NULL: its record has not killed often enough, or it has several. */
static const struct suspect *guilty_of(const struct intake *intake, const struct batch *batch) {
  const struct assignment *assignment = batch->partition->owner;
  if (batch->count != 1 || !assignment->suspects.count) return NULL;
  const struct suspect *suspect = suspects_at(assignment->suspects, batch->first);
  return suspect && suspect->deaths >= intake->settings->quarantine_after ? suspect : NULL;
}

SELDOM static void quarantine(struct intake *intake, struct portion *portion, const struct suspect *guilty) {
  struct batch *batch = portion->batch;
  char text[128];
  snprintf(text, sizeof text, "it ended the worker by %s %u times, alone in its batch", guilty->how, guilty->deaths);
  log_line(WEIR_ERROR, "quarantine", "%s/%d@%lld goes to no stage any more: %s, in %s", batch->partition->topic,
      batch->partition->view.partition, (long long)batch->first, text, guilty->label);
  portion->records[0].view.attempt = guilty->deaths;
  runner_quarantine(intake->runner, batch, portion, guilty->label, text);
}

/* Stages run in here. What they wrote is charged, too, when the batch is still in flight behind them. */
static void begin(struct intake *intake, struct portion *portion) {
  struct batch *batch = portion->batch;
  intake->beginning = batch;
  const struct suspect *guilty = guilty_of(intake, batch);
  if (guilty)
    quarantine(intake, portion, guilty);
  else
    runner_begin(intake->runner, batch, portion);
  if (!intake->beginning) return;
  intake->beginning = NULL;
  if (batch->arena.bytes_used > LIMIT_ARENA_CHUNK_BYTES)
    charge(intake, batch, (int64_t)batch->arena.bytes_used - LIMIT_ARENA_CHUNK_BYTES);
}

/* Behind open_range(), without `reading`. */
static void send(struct intake *intake, struct assignment *assignment) {
  struct portion *portion = assignment->filling;
  assignment->filling = NULL;
  charge(intake, portion->batch, (int64_t)portion->batch->count * LIMIT_RECORD_BYTES + portion->batch->bytes);
  if (!intake->settings->at_most_once) {
    begin(intake, portion);
    return;
  }
  portion->next = NULL;
  *assignment->unconfirmed_end = portion;
  assignment->unconfirmed_end = &portion->next;
  atomic_store(&assignment->awaits_commit, true);
  intake->settings->events.committable(intake->settings->events.ctx, true);
}

static void set_limits(const struct intake *intake, const struct assignment *assignment, struct visit *visit) {
  struct partition *partition = assignment->partition;
  const struct batch *batch = assignment->filling->batch;
  pthread_mutex_lock(&partition->lock);
  int64_t confirmed = partition->ledger.confirmed, next = partition->ledger.expected;
  pthread_mutex_unlock(&partition->lock);
  visit->next_max = confirmed + intake->settings->uncommitted_max;
  visit->records_max = intake->settings->batch_records;
  if (!assignment->suspects.count) return;
  int64_t stop;
  if (suspects_alone(assignment->suspects, batch->count ? batch->next : next, &stop)) visit->records_max = 1;
  if (stop < visit->next_max) visit->next_max = stop;
}

/* Under `reading`. After as many bytes as its queue holds librdkafka may be resting: better it goes on before the queue is empty. */
static bool is_starved(struct intake *intake, struct assignment *assignment) {
  const struct feed_ops *feeds = intake->settings->feeds;
  int64_t queue_bytes = atomic_load(&intake->queue_bytes);
  if (!queue_bytes || assignment->taken_bytes < queue_bytes) return false;
  if (feeds->waiting(assignment->feed) > NEARLY_EMPTY * (size_t)intake->settings->batch_records) return false;
  assignment->taken_bytes = 0;
  const struct batch *batch = assignment->filling->batch;
  return feeds->high(assignment->feed) > (batch->count ? batch->next : assignment->partition->ledger.expected);
}

/* Takes and, when the batch is ripe, opens. True: it is to be sent. */
static bool visit_feed(struct intake *intake, struct assignment *assignment, struct visit *visit) {
  set_limits(intake, assignment, visit);
  bool opened = false, starved = false;
  pthread_mutex_lock(&assignment->reading);
  if (assignment->fenced)
    visit->empty = true;
  else {
    int64_t before = assignment->filling->batch->bytes;
    take_records(intake, assignment, visit);
    assignment->taken_bytes += assignment->filling->batch->bytes - before;
    if (assignment->filling->batch->count) FAILPOINT(polled);
    starved = is_starved(intake, assignment);
    opened = is_ripe(intake, assignment, visit) && open_range(intake, assignment);
  }
  bool keep = !assignment->fenced && !opened && assignment->filling_until_ms;
  pthread_mutex_unlock(&assignment->reading);
  if (starved && !atomic_exchange(&assignment->starved, true))
    intake->settings->events.starved(intake->settings->events.ctx);
  if (!opened && !keep) intake_drop(intake, assignment);
  return opened;
}

enum intake_left intake_read(struct intake *intake, struct assignment *assignment) {
  must(assignment->state == ASSIGNMENT_RUNNING);
  if (!intake_may_read(intake, assignment)) return LEFT_OWING;
  if (!start_filling(intake, assignment)) return LEFT_OWING;
  struct visit visit = {0};
  if (visit_feed(intake, assignment, &visit)) send(intake, assignment);
  if (visit.failed) stop(assignment, intake, &visit.err);
  intake_end(intake, assignment);
  if (assignment->filling) return LEFT_FILLING;
  return visit.empty || assignment->state != ASSIGNMENT_RUNNING ? LEFT_EMPTY : LEFT_MORE;
}

void intake_flush(struct intake *intake, struct assignment *assignment) {
  must(assignment->filling && assignment->state == ASSIGNMENT_RUNNING);
  pthread_mutex_lock(&assignment->reading);
  bool opened = !assignment->fenced && open_range(intake, assignment);
  pthread_mutex_unlock(&assignment->reading);
  if (opened)
    send(intake, assignment);
  else
    intake_drop(intake, assignment);
  intake_end(intake, assignment);
}

/* Under the lock of the partition. False: every range is taken. */
static bool settle_end(struct ledger *ledger, uint64_t epoch, int64_t offset) {
  if (offset <= ledger->expected || ledger->epoch != epoch) return true;
  if (!ledger_may_open(ledger, epoch, INT64_MAX)) return false;
  uint64_t range = ledger_open(ledger, epoch, ledger->expected, offset, 0);
  must(ledger_settle(ledger, epoch, range));
  return true;
}

void intake_end(struct intake *intake, struct assignment *assignment) {
  if (assignment->end_offset < 0 || assignment->filling) return;
  struct partition *partition = assignment->partition;
  pthread_mutex_lock(&partition->lock);
  bool told = settle_end(&partition->ledger, partition->view.epoch, assignment->end_offset);
  bool moved = partition->ledger.committable > partition->ledger.confirmed;
  pthread_mutex_unlock(&partition->lock);
  if (told) assignment->end_offset = -1;
  if (moved) intake->settings->events.committable(intake->settings->events.ctx, false);
}

static bool is_confirmed(struct assignment *assignment, int64_t next) {
  struct partition *partition = assignment->partition;
  pthread_mutex_lock(&partition->lock);
  bool confirmed = partition->ledger.confirmed >= next;
  pthread_mutex_unlock(&partition->lock);
  return confirmed;
}

static struct portion *take_unconfirmed(struct assignment *assignment) {
  struct portion *portion = assignment->unconfirmed;
  assignment->unconfirmed = portion->next;
  if (!portion->next) assignment->unconfirmed_end = &assignment->unconfirmed;
  portion->next = NULL;
  return portion;
}

void intake_begin_confirmed(struct intake *intake, struct assignment *assignment) {
  while (assignment->unconfirmed && runner_may_begin(intake->runner, assignment->partition)) {
    atomic_store(&assignment->awaits_commit, true);
    if (!is_confirmed(assignment, assignment->unconfirmed->batch->next)) return;
    begin(intake, take_unconfirmed(assignment));
  }
}

void intake_abandon_unconfirmed(struct intake *intake, struct assignment *assignment) {
  while (assignment->unconfirmed) give_back(intake, take_unconfirmed(assignment)->batch);
}

void intake_settled(struct intake *intake, struct batch *batch) {
  must(batch_is_settled(batch));
  discharge(intake, batch);
  if (intake->beginning == batch) intake->beginning = NULL;
  struct assignment *assignment = batch->partition->owner;
  struct partition *partition = batch->partition;
  struct ledger *ledger = &partition->ledger;
  bool abandoned = batch->settled[OUTCOME_ABANDONED] > 0;
  FAILPOINT(settled);
  pthread_mutex_lock(&partition->lock);
  for (int outcome = OUTCOME_OPEN + 1; outcome < OUTCOMES; outcome++)
    partition->tally.settled[outcome] += batch->settled[outcome];
  bool counts = !abandoned && !intake->settings->at_most_once;
  if (counts && !ledger_settle(ledger, batch->epoch, batch->range)) trouble_count(TROUBLE_LATE);
  bool moved = ledger->epoch == batch->epoch && ledger->committable > ledger->confirmed;
  bool urgent = moved && ledger->committable - assignment->committing >= intake->settings->commit_records;
  pthread_mutex_unlock(&partition->lock);
  FAILPOINT(stored);
  if (moved) intake->settings->events.committable(intake->settings->events.ctx, urgent);
}

/* What intake_progress() gathers. */
struct gathered {
  bool at_most_once; /* the ranges are settled since they were opened */
  int64_t open_records;
};

static void progress_batch(void *ctx, const struct batch *batch) {
  struct gathered *gathered = ctx;
  struct partition *partition = batch->partition;
  gathered->open_records += batch->open;
  if (gathered->at_most_once) return;
  int64_t lowest = batch_lowest_open(batch);
  pthread_mutex_lock(&partition->lock);
  ledger_progress(&partition->ledger, batch->epoch, batch->range, lowest);
  pthread_mutex_unlock(&partition->lock);
}

void intake_progress(struct intake *intake, struct assignment *assignment) {
  struct partition *partition = assignment->partition;
  struct gathered gathered = {intake->settings->at_most_once, 0};
  for (const struct portion *portion = assignment->unconfirmed; portion; portion = portion->next)
    gathered.open_records += portion->batch->open;
  runner_each(intake->runner, partition, progress_batch, &gathered);
  pthread_mutex_lock(&partition->lock);
  assignment->open_records = gathered.open_records;
  bool moved = partition->ledger.epoch && partition->ledger.committable > partition->ledger.confirmed;
  pthread_mutex_unlock(&partition->lock);
  if (moved) intake->settings->events.committable(intake->settings->events.ctx, false);
}
