/* control.c: the loop of the control thread, its beginning and its end. It wakes for commits that are due, ticks of the
 * progress, and what lanes, signals and Kafka say; an idle worker sleeps in consumer_poll(). */
#include "host/control.h"
#include "base/check.h"
#include "base/failpoint.h"
#include "base/clock.h"
#include "host/control_inside.h"
#include "host/memory.h"
#include "host/quarantine.h"
#include "host/question.h"
#include "host/watchdog.h"
#include "kafka/feed.h"
#include "kafka/refill.h"
#include <stdlib.h>

enum {
  CONTROL_MAGIC = 0x74c2e08b,
  STOP_LINES_EVERY_MS = 60000,
  EMPTY_PATIENCE_MS = 5000, /* --until end: a rebalance may leave a worker without partitions for a moment */
  POLL_MS_MAX = 60000,
  LEAVE_MS_MAX = 24 * 3600 * 1000,
  LANE_END_MS = 5000,
};
/* Kafka's FENCED_INSTANCE_ID: another member has this one's identity. */
enum { CODE_FENCED_INSTANCE_ID = 82 };

/* --- what Kafka says --- */

static void on_trouble(void *ctx, const struct error *err) {
  struct control *control = ctx;
  if (!err->fatal) {
    log_line(err->code ? WEIR_WARN : WEIR_INFO, "kafka", "%s", err->text);
    return;
  }
  if (control->fatal) return;
  control->fatal = true;
  control->fenced = err->code == CODE_FENCED_INSTANCE_ID;
  control->fatal_err = *err;
}

static bool on_give_up(void *ctx) {
  const struct control *control = ctx;
  place_work();
  return control->leaving_group ? control_gives_up(control) : control_interrupts(control) > 0;
}

/* --- one look around --- */

static void say_stop(struct control *control, struct assignment *assignment) {
  struct partition *partition = assignment->partition;
  struct error reason;
  pthread_mutex_lock(&partition->lock);
  int64_t offset = assignment->stopped_at;
  reason = assignment->stop;
  pthread_mutex_unlock(&partition->lock);
  if (offset < 0)
    log_line(WEIR_ERROR, "worker", "%s/%d stands still: %s", partition->topic, partition->view.partition, reason.text);
  else
    log_line(WEIR_ERROR, "worker",
        "%s/%d stands still at offset %lld: %s; to leave this record out: weir offsets %s --skip %s/%d@%lld --yes",
        partition->topic, partition->view.partition, (long long)offset, reason.text, control->settings.file->path,
        partition->topic, partition->view.partition, (long long)offset);
}

void control_say_stops(struct control *control) {
  bool again = control_now(control) >= control->next_stop_lines_ms;
  for (struct assignment *assignment = control->owned; assignment; assignment = assignment->next) {
    if (!assignment->stopped || (assignment->stop_said && !again)) continue;
    say_stop(control, assignment);
    assignment->stop_said = true;
    control->next_stop_lines_ms = control_now(control) + STOP_LINES_EVERY_MS;
  }
}

static bool any_stopped(const struct control *control) {
  const struct assignment *assignment = control->owned;
  while (assignment && !assignment->stopped) assignment = assignment->next;
  return assignment != NULL;
}

/* Stopped, and everything below the record that stopped it is settled: left earlier, a record that is tried again would never pass. */
static bool stands_still(struct assignment *assignment) {
  if (!assignment->stopped) return false;
  struct partition *partition = assignment->partition;
  pthread_mutex_lock(&partition->lock);
  bool below_is_settled = partition->ledger.committable >= assignment->stopped_at;
  pthread_mutex_unlock(&partition->lock);
  return below_is_settled;
}

static bool all_stopped(const struct control *control) {
  for (struct assignment *assignment = control->owned; assignment; assignment = assignment->next)
    if (!stands_still(assignment)) return false;
  return control->owned_count > 0;
}

/* The partition's account, with what its feed and its ledger know now. */
static struct account *refresh(const struct control *control, struct assignment *assignment) {
  struct partition *partition = assignment->partition;
  struct account *account = accounts_find(&control->accounts, partition->topic, partition->view.partition);
  must(account);
  int64_t high = feed_high(assignment->feed);
  if (high > account->high) account->high = high;
  if (account->until < 0) account->until = account->high;
  account->stopped = assignment->stopped;
  return account;
}

/* Everything below the end may be committed: then it does not wait for the next turn of the commit clock. */
static bool may_be_committed(const struct account *account, struct assignment *assignment) {
  struct partition *partition = assignment->partition;
  pthread_mutex_lock(&partition->lock);
  int64_t committable = partition->ledger.committable;
  pthread_mutex_unlock(&partition->lock);
  return account->until >= 0 && committable >= account->until;
}

static bool reached_end(struct control *control) {
  if (!control->settings.until_end || !control->joined) return false;
  if (control->owned_count == 0) return control_now(control) >= control->empty_since_ms + EMPTY_PATIENCE_MS;
  bool committed = true;
  for (struct assignment *assignment = control->owned; assignment; assignment = assignment->next) {
    const struct account *account = refresh(control, assignment);
    if (account->stopped || (account->until >= 0 && account->committed >= account->until)) continue;
    if (!may_be_committed(account, assignment)) return false;
    committed = false;
  }
  if (!committed && !committer_is_busy(control->committer)) atomic_store(&control->urgent, true);
  return committed;
}

static bool is_over(struct control *control, enum control_end *end, struct error *err) {
  if (control->fatal) {
    *err = control->fatal_err;
    *end = control->fenced ? END_FENCED : END_FATAL;
  } else if (control_interrupts(control) > 0)
    *end = END_SIGNAL;
  else if (all_stopped(control)) {
    error_set(err, "every assigned partition stands still");
    *end = END_ALL_STOPPED;
  } else if (reached_end(control))
    *end = END_REACHED;
  else
    return false;
  return true;
}

static int timeout_ms(const struct control *control) {
  int64_t due_ms = commit_due(control);
  if (refill_due(control) < due_ms) due_ms = refill_due(control);
  if (control->settings.tick && control->next_tick_ms < due_ms) due_ms = control->next_tick_ms;
  if (any_stopped(control) && control->next_stop_lines_ms < due_ms) due_ms = control->next_stop_lines_ms;
  if (control->settings.until_end && control->joined && control->owned_count == 0 &&
      control->empty_since_ms + EMPTY_PATIENCE_MS < due_ms)
    due_ms = control->empty_since_ms + EMPTY_PATIENCE_MS;
  int64_t left_ms = due_ms == INT64_MAX ? POLL_MS_MAX : due_ms - control_now(control);
  return (int)(left_ms < 0 ? 0 : left_ms > POLL_MS_MAX ? POLL_MS_MAX : left_ms);
}

enum control_end control_run(struct control *control, struct error *err) {
  must_be(control, CONTROL_MAGIC);
  enum control_end end;
  watch_loop(control, true);
  while (!is_over(control, &end, err)) {
    int poll_ms = timeout_ms(control);
    place_rest(control_now(control) + poll_ms);
    consumer_poll(control->consumer, poll_ms);
    place_work();
    commit_serve(control);
    refill_serve(control);
    explain_serve(control);
    if (atomic_exchange(&control->changed, false)) members_reap(control);
    control_say_stops(control);
    control_tick(control);
  }
  watch_loop(control, false);
  return end;
}

/* --- the end --- */

static bool all_forgotten(const struct control *control) {
  for (const struct assignment *assignment = control->leaving; assignment; assignment = assignment->next)
    if (!assignment_has_done(assignment, ERRAND_FORGET)) return false;
  return true;
}

static bool wait_for_forgotten(struct control *control) {
  int64_t deadline_ms = control_now(control) + LIMIT_LANE_STUCK_MS;
  for (;;) {
    uint64_t changes = event_count(control);
    if (all_forgotten(control)) return true;
    if (control_now(control) >= deadline_ms) return false;
    event_wait(control, changes, deadline_ms);
  }
}

bool control_leave(struct control *control) {
  must_be(control, CONTROL_MAGIC);
  FAILPOINT(in_shutdown);
  int64_t shutdown_ms = control->settings.file->shutdown_ms;
  control->leaving_group = control->draining = true;
  control->leave_deadline_ms = control_now(control) + shutdown_ms;
  int64_t timeout = shutdown_ms < LEAVE_MS_MAX ? shutdown_ms : LEAVE_MS_MAX;
  control->left_clean = consumer_leave(control->consumer, (int)timeout + LIMIT_LANE_STUCK_MS);
  FAILPOINT(left_group);
  members_abandon_rest(control);
  return wait_for_forgotten(control);
}

bool control_end_lanes(struct control *control) {
  must_be(control, CONTROL_MAGIC);
  watchdog_stop(control->watchdog);
  bool ended = true;
  for (uint32_t i = 0; i < control->lane_count; i++) lane_end(control->lanes[i]);
  for (uint32_t i = 0; i < control->lane_count; i++) ended = lane_join(control->lanes[i], LANE_END_MS) && ended;
  members_reap(control);
  must(!ended || !control->leaving);
  return ended;
}

bool control_closes_at_once(const struct control *control) {
  return control->left_clean && !committer_is_busy(control->committer);
}

void control_close(struct control *control) {
  if (!control) return;
  must_be(control, CONTROL_MAGIC);
  must(!control->owned && !control->leaving);
  if (control->committer) committer_destroy(control->committer);
  if (control->consumer) consumer_close(control->consumer, LIMIT_LANE_STUCK_MS);
  for (uint32_t i = 0; i < control->settings.share->lanes; i++) lane_destroy(control->lanes[i]);
  watchdog_destroy(control->watchdog);
  if (control->question) question_let_go(control->question);
  control->magic = 0;
  accounts_fini(&control->accounts);
  pthread_cond_destroy(&control->cond);
  pthread_mutex_destroy(&control->lock);
  free(control->lanes);
  free(control->commits);
  free(control);
}

/* --- the beginning --- */

static struct lane_settings settings_of_lane(struct control *control, uint32_t number) {
  const struct pipeline_file *file = control->settings.file;
  return (struct lane_settings){
      .number = number,
      .plan = control->settings.plan,
      .feeds = &lane_feed_ops,
      .clock = control->settings.clock,
      .events = {control, event_committable, event_starved, event_changed},
      .batch_records = file->batch_records,
      .batch_bytes = control->settings.share->batch_payload,
      .batch_wait_ms = file->batch_wait_ms,
      .work_max = memory_work(control->settings.share, LIMIT_EXPECTED_PARTITIONS),
      .uncommitted_max = file->commit_uncommitted,
      .commit_records = file->commit_records,
      .at_most_once = file->delivery == AT_MOST_ONCE,
      .quarantine_after = file->quarantine_after,
      .place = quarantine_place(control->settings.quarantine, number),
  };
}

static bool start_lanes(struct control *control, struct error *err) {
  for (uint32_t i = 0; i < control->settings.share->lanes; i++) {
    const struct lane_settings settings = settings_of_lane(control, i);
    control->lanes[i] = lane_create(&settings);
    if (!control->lanes[i]) return error_set(err, "the machine has no memory for lane %u", i);
    if (!lane_start(control->lanes[i], err)) return false;
    control->lane_count++;
  }
  return true;
}

static bool join_later(struct control *control, struct error *err) {
  const struct consumer_events events = {
      .ctx = control,
      .assign = members_assign,
      .assigned = members_assigned,
      .revoke = members_revoke,
      .revoked = members_revoked,
      .trouble = on_trouble,
      .give_up = on_give_up,
  };
  control->consumer = consumer_open(control->settings.file, control->settings.clock, &events, err);
  if (!control->consumer) return false;
  for (uint32_t i = 0; i < control->lane_count; i++)
    lane_watch_queues(control->lanes[i], refill_queue_bytes(control->consumer));
  control->committer = committer_create(control->consumer, commit_answer, control);
  return control->committer || error_set(err, "the machine has no memory for the committer");
}

static void init_waiting(struct control *control) {
  must(pthread_mutex_init(&control->lock, NULL) == 0);
  pthread_condattr_t attributes;
  must(pthread_condattr_init(&attributes) == 0);
  must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
  must(pthread_cond_init(&control->cond, &attributes) == 0);
  pthread_condattr_destroy(&attributes);
}

struct control *control_open(const struct control_settings *settings, struct error *err) {
  must(settings->share->lanes > 0 && settings->file && settings->plan && settings->clock);
  struct control *control = calloc(1, sizeof *control);
  struct lane **lanes = calloc(settings->share->lanes, sizeof(struct lane *));
  if (!control || !lanes) {
    free(control);
    free(lanes);
    error_set(err, "the machine has no memory for the worker");
    return NULL;
  }
  control->magic = CONTROL_MAGIC;
  control->settings = *settings;
  control->lanes = lanes;
  control->next_stop_lines_ms = control_now(control) + STOP_LINES_EVERY_MS;
  init_waiting(control);
  if (start_lanes(control, err) && watch_start(control, err) && join_later(control, err)) return control;
  control_end_lanes(control);
  control_close(control);
  return NULL;
}

/* --- what others may know --- */

static void add_tally(struct tally *sum, struct partition *partition) {
  pthread_mutex_lock(&partition->lock);
  tally_add(sum, &partition->tally);
  pthread_mutex_unlock(&partition->lock);
}

static void look_at_owned(const struct control *control, struct assignment *assignment, struct control_view *view) {
  const struct account *account = refresh(control, assignment);
  add_tally(&view->tally, assignment->partition);
  view->assigned++;
  if (account->stopped) view->stopped++;
  view->lag += account_lag(account);
  if (account->until < 0)
    view->until_remaining = -1;
  else if (view->until_remaining >= 0 && account->committed < account->until)
    view->until_remaining += account->until - account->committed;
}

void control_look(struct control *control, struct control_view *view) {
  must_be(control, CONTROL_MAGIC);
  *view = (struct control_view){.tally = control->gone,
      .joined = control->joined,
      .draining = control->draining,
      .abandoned_at_end = control->abandoned_at_end,
      .unconfirmed_at_end = control->unconfirmed_at_end};
  for (struct assignment *assignment = control->owned; assignment; assignment = assignment->next)
    look_at_owned(control, assignment, view);
  for (struct assignment *assignment = control->leaving; assignment; assignment = assignment->next)
    add_tally(&view->tally, assignment->partition);
}

const struct accounts *control_accounts(struct control *control) {
  must_be(control, CONTROL_MAGIC);
  for (struct assignment *assignment = control->owned; assignment; assignment = assignment->next)
    refresh(control, assignment);
  return &control->accounts;
}

void control_failures(struct control *control, struct failures *sum) {
  for (uint32_t i = 0; i < control->lane_count; i++) failures_merge(sum, lane_failures(control->lanes[i]));
}

const struct consumer *control_consumer(const struct control *control) { return control->consumer; }

bool control_describe(struct control *control, int timeout,
    void (*each)(void *ctx, const char *topic, int32_t partitions), void *ctx, struct error *err) {
  return consumer_describe(control->consumer, timeout, each, ctx, err);
}
