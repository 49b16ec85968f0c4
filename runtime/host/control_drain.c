/* control_drain.c: the way out of partitions: fence, drain until a deadline, commit the prefix, fence for good. The lanes settle
 * without the control thread, which meanwhile goes on committing: at most once needs it to finish, and so does the duplicate bound. */
#include "base/check.h"
#include "base/failpoint.h"
#include "base/clock.h"
#include "config/kafka_settings.h"
#include "host/control_inside.h"
#include "base/span.h"
#include "base/text.h"

enum { SERVE_MS = 20, MAX_POLL_INTERVAL_MS = 300000 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static bool all_done(struct assignment **assignments, size_t count, enum errand_kind kind) {
  for (size_t i = 0; i < count; i++)
    if (!assignment_has_done(assignments[i], kind)) return false;
  return true;
}

bool drain_wait(struct control *control, struct assignment **assignments, size_t count, enum errand_kind kind,
    int64_t deadline_ms) {
  for (;;) {
    uint64_t changes = event_count(control);
    if (all_done(assignments, count, kind)) return true;
    place_work();
    if (control_now(control) >= deadline_ms || (kind == ERRAND_DRAIN && control_gives_up(control))) return false;
    commit_serve(control);
    explain_serve(control);
    control_tick(control);
    if (committer_is_busy(control->committer))
      committer_serve(control->committer, SERVE_MS);
    else
      event_wait(control, changes, least(deadline_ms, least(commit_due(control), control_now(control) + 250)));
  }
}

/* The drain of a rebalance has to end well before Kafka takes the member for dead. */
static int64_t rebalance_ms(const struct control *control) {
  const struct pipeline_file *file = control->settings.file;
  const char *text = kafka_property_value(&file->kafka, "max.poll.interval.ms");
  int64_t interval_ms = MAX_POLL_INTERVAL_MS;
  if (text) text_int(span_of(text), &interval_ms);
  return least(file->drain_ms, interval_ms / 2);
}

/* Behind it lies time for the commit. */
static int64_t drain_deadline(const struct control *control) {
  if (!control->leaving_group) return control_now(control) + rebalance_ms(control);
  int64_t left_ms = control->leave_deadline_ms - control_now(control);
  return control_now(control) + left_ms - least(left_ms / 4, 2000);
}

static int64_t commit_deadline(const struct control *control) {
  if (control_gives_up(control)) return control_now(control) + LIMIT_LANE_STUCK_MS;
  int64_t deadline_ms = control_now(control) + LIMIT_COMMIT_WAIT_MS;
  return control->leaving_group && control->leave_deadline_ms > control_now(control)
             ? least(deadline_ms, control->leave_deadline_ms)
             : deadline_ms;
}

static void ask_all(struct assignment **assignments, size_t count, struct errand errand) {
  for (size_t i = 0; i < count; i++) assignment_ask(assignments[i], errand);
}

static uint64_t in_flight(struct assignment *assignment) {
  pthread_mutex_lock(&assignment->partition->lock);
  uint64_t records = tally_in_flight(&assignment->partition->tally);
  pthread_mutex_unlock(&assignment->partition->lock);
  return records;
}

/* How far the lanes came with batches that never settle: a lane that does not answer is stuck, and its prefix stays as it is. */
static void ask_progress(struct control *control, struct assignment **assignments, size_t count) {
  int64_t deadline_ms = control_now(control) + LIMIT_LANE_STUCK_MS;
  for (size_t i = 0; i < count; i++)
    if (in_flight(assignments[i])) assignment_ask(assignments[i], (struct errand){.kind = ERRAND_PROGRESS});
  for (size_t i = 0; i < count; i++)
    if (in_flight(assignments[i])) drain_wait(control, &assignments[i], 1, ERRAND_PROGRESS, deadline_ms);
}

static void say_given_up(struct control *control, struct assignment *assignment, uint64_t records, int64_t offset) {
  struct partition *partition = assignment->partition;
  char count[TEXT_MAX];
  log_line(WEIR_WARN, "worker", "%s/%d: %s record%s in flight %s given up, from offset %lld on (%s); %s",
      partition->topic, partition->view.partition, text_of_count(count, (int64_t)records), records == 1 ? "" : "s",
      records == 1 ? "is" : "are", (long long)offset, lane_name(assignment->lane),
      control->settings.file->delivery == AT_MOST_ONCE
          ? "with at_most_once their offsets may be committed, so they may never be processed"
          : "they are not committed and will be read again");
}

/* At most once commits before it processes: nothing settled is uncommitted. */
static void say_unconfirmed(struct control *control, struct assignment *assignment, int64_t from, int64_t to) {
  struct partition *partition = assignment->partition;
  if (to <= from || control->settings.file->delivery == AT_MOST_ONCE) return;
  if (control->leaving_group) control->unconfirmed_at_end += (uint64_t)(to - from);
  log_line(WEIR_WARN, "worker",
      "%s/%d: the commit from offset %lld to %lld was not confirmed; what the group does not have will be read again",
      partition->topic, partition->view.partition, (long long)from, (long long)to);
}

void drain_report(struct control *control, struct assignment *assignment) {
  struct partition *partition = assignment->partition;
  uint64_t records = in_flight(assignment);
  pthread_mutex_lock(&partition->lock);
  /* Of a batch that is not settled some records may be; only its lane knows. */
  if (records && assignment->open_records >= 0) records = (uint64_t)assignment->open_records;
  int64_t committable = partition->ledger.committable, confirmed = partition->ledger.confirmed;
  bool stopped = assignment->stopped && assignment->stopped_at >= 0;
  pthread_mutex_unlock(&partition->lock);
  say_unconfirmed(control, assignment, confirmed, committable);
  if (records == 0) return;
  if (control->leaving_group && !stopped) control->abandoned_at_end += records;
  say_given_up(control, assignment, records, committable);
}

static void commit_prefix(struct control *control) {
  /* At most once: what was processed was committed before; what was not must not be. */
  if (control->settings.file->delivery == AT_MOST_ONCE) return;
  commit_all(control, commit_deadline(control));
}

void drain_assignments(struct control *control, struct assignment **assignments, size_t count) {
  if (count == 0) return;
  bool was_draining = control->draining;
  control->draining = true;
  int64_t deadline_ms = drain_deadline(control);
  for (size_t i = 0; i < count; i++) assignment_fence(assignments[i]);
  ask_all(assignments, count,
      (struct errand){.kind = ERRAND_DRAIN, .deadline_ms = deadline_ms, .stopping = control->leaving_group});
  FAILPOINT(in_drain);
  if (!drain_wait(control, assignments, count, ERRAND_DRAIN, deadline_ms))
    log_line(WEIR_WARN, "worker", "%s: giving up what is in flight",
        control_gives_up(control) ? "the second signal came" : "the time for the drain is over");
  FAILPOINT(drained);
  ask_progress(control, assignments, count);
  commit_prefix(control);
  FAILPOINT(prefix_committed);
  control_say_stops(control);
  for (size_t i = 0; i < count; i++) drain_report(control, assignments[i]);
  control->draining = was_draining;
}
