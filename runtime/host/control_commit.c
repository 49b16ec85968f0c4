/* control_commit.c: what is sent to the broker. Invariant: one commit in flight; each line is an owned partition whose epoch holds,
 * at its ledger's committable; nothing is sent while the assignment is lost. */
#include "base/check.h"
#include "base/failpoint.h"
#include "base/clock.h"
#include "base/trouble.h"
#include "host/control_inside.h"
#include "host/quarantine.h"
#include <stdlib.h>

enum { TROUBLE_EVERY_MS = 10000, SLICE_MS = 100 };

int64_t commit_due(const struct control *control) {
  if (!atomic_load(&control->moved) || committer_is_busy(control->committer)) return INT64_MAX;
  return atomic_load(&control->urgent) ? 0 : control->next_commit_ms;
}

/* False: there is nothing new to commit of it. */
static bool line_of(struct assignment *assignment, struct commit *commit) {
  struct partition *partition = assignment->partition;
  pthread_mutex_lock(&partition->lock);
  const struct ledger *ledger = &partition->ledger;
  bool moved = ledger->epoch == partition->view.epoch && ledger->committable > ledger->confirmed;
  *commit = (struct commit){partition->topic, partition->view.partition, partition->view.epoch, ledger->committable};
  if (moved) assignment->committing = ledger->committable;
  pthread_mutex_unlock(&partition->lock);
  return moved;
}

/* False: no memory. */
static bool make_room(struct control *control) {
  if (control->owned_count <= control->commit_capacity) return true;
  struct commit *commits = realloc(control->commits, control->owned_count * sizeof *commits);
  if (!commits) return false;
  control->commits = commits;
  control->commit_capacity = control->owned_count;
  return true;
}

static size_t collect(struct control *control) {
  if (!make_room(control)) return 0;
  size_t count = 0;
  for (struct assignment *assignment = control->owned; assignment; assignment = assignment->next)
    if (line_of(assignment, &control->commits[count])) count++;
  return count;
}

static void try_again(struct control *control, const char *what, const struct error *err) {
  atomic_store(&control->moved, true);
  log_limited(&control->commit_trouble, TROUBLE_EVERY_MS, WEIR_WARN, "worker",
      "%s: %s; what is not committed would be read again after a crash; trying again", what, err->text);
}

static bool send_all(struct control *control) {
  atomic_store(&control->urgent, false);
  atomic_store(&control->moved, false);
  control->next_commit_ms = control_now(control) + control->settings.file->commit_every_ms;
  size_t count = collect(control);
  if (count == 0) return true;
  FAILPOINT(before_commit);
  struct error err = {0};
  if (committer_send(control->committer, control->commits, count, &err)) return true;
  try_again(control, "a commit could not be sent", &err);
  return false;
}

void commit_serve(struct control *control) {
  committer_serve(control->committer, 0);
  if (commit_due(control) > control_now(control)) return;
  if (consumer_is_lost(control->consumer)) {
    atomic_store(&control->urgent, false);
    control->next_commit_ms = control_now(control) + control->settings.file->commit_every_ms;
    return;
  }
  send_all(control);
}

/* False: it did not come by then, or within a second of the second signal. */
static bool wait_for_answer(struct control *control, int64_t deadline_ms) {
  bool hurried = false;
  while (committer_is_busy(control->committer)) {
    place_work();
    int64_t now_ms = control_now(control);
    if (!hurried && control_gives_up(control)) {
      hurried = true;
      if (now_ms + LIMIT_LANE_STUCK_MS < deadline_ms) deadline_ms = now_ms + LIMIT_LANE_STUCK_MS;
    }
    int64_t left_ms = deadline_ms - now_ms;
    if (left_ms <= 0) return false;
    committer_serve(control->committer, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
  }
  return true;
}

static bool forget_answer(struct control *control) {
  committer_forget(control->committer);
  log_line(WEIR_WARN, "worker", "the broker did not answer the last commit in time: it may have it or not");
  return false;
}

bool commit_all(struct control *control, int64_t deadline_ms) {
  if (!wait_for_answer(control, deadline_ms)) return forget_answer(control);
  if (consumer_is_lost(control->consumer) || !send_all(control)) return false;
  return wait_for_answer(control, deadline_ms) || forget_answer(control);
}

static void confirm(struct control *control, struct assignment *assignment, const struct commit *commit) {
  struct partition *partition = assignment->partition;
  pthread_mutex_lock(&partition->lock);
  bool ours = ledger_confirm(&partition->ledger, commit->epoch, commit->offset);
  pthread_mutex_unlock(&partition->lock);
  if (!ours) return;
  FAILPOINT(commit_confirmed);
  struct account *account = accounts_find(&control->accounts, commit->topic, commit->partition);
  if (account) account->committed = commit->offset;
  quarantine_confirmed(control->settings.quarantine, commit->topic, commit->partition, commit->offset);
  if (atomic_exchange(&assignment->awaits_commit, false)) assignment_mark(assignment);
}

void commit_answer(void *ctx, const struct commit *commit, const struct error *err) {
  struct control *control = ctx;
  struct assignment *assignment = members_find(control, commit->topic, commit->partition);
  if (!assignment || assignment->partition->view.epoch != commit->epoch) {
    trouble_count(TROUBLE_LATE);
    return;
  }
  if (!err) {
    confirm(control, assignment, commit);
    return;
  }
  struct error told = *err;
  error_wrap(&told, "%s/%d up to offset %lld", commit->topic, commit->partition, (long long)commit->offset);
  try_again(control, "a commit was refused", &told);
}
