/* control_members.c: partitions come and go. Invariant: an assignment is in `owned` from assign to revoked, then in `leaving` until
 * its lane has let go; its feed is open exactly while it is in `owned`. */
#include "base/check.h"
#include "base/failpoint.h"
#include "base/clock.h"
#include "base/trouble.h"
#include "host/control_inside.h"
#include "host/memory.h"
#include "host/quarantine.h"
#include "kafka/feed.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of what came, in one line. */
enum { NAMED_MOST = 8, NAME_BYTES = 64, NAMES_MAX = (NAMED_MOST + 1) * NAME_BYTES };

struct assignment *members_find(const struct control *control, const char *topic, int32_t partition) {
  struct assignment *assignment = control->owned;
  while (assignment &&
         (assignment->partition->view.partition != partition || strcmp(assignment->partition->topic, topic) != 0))
    assignment = assignment->next;
  return assignment;
}

/* --- one by one --- */

static struct lane *least_loaded(const struct control *control) {
  struct lane *lane = control->lanes[0];
  for (uint32_t i = 1; i < control->lane_count; i++)
    if (lane_load(control->lanes[i]) < lane_load(lane)) lane = control->lanes[i];
  return lane;
}

static bool open_account(struct control *control, const struct assignment_request *request) {
  struct account *account = accounts_at(&control->accounts, request->topic, request->partition);
  if (!account) return false;
  if (account->until < 0) account->until = request->end;
  account->committed = request->start;
  account->high = request->end;
  account->owned = true;
  account->stopped = false;
  return true;
}

static void own(struct control *control, struct assignment *assignment) {
  assignment->next = control->owned;
  control->owned = assignment;
  control->owned_count++;
  lane_load_add(assignment->lane, 1);
}

static void disown(struct control *control, struct assignment *assignment) {
  struct assignment **at = &control->owned;
  while (*at != assignment) at = &(*at)->next;
  *at = assignment->next;
  assignment->next = NULL;
  control->owned_count--;
  lane_load_add(assignment->lane, -1);
}

/* Each assigned partition has a queue in librdkafka; what it may hold is taken from the lanes. */
static void divide_memory(const struct control *control) {
  int64_t work_max = memory_work(control->settings.share, control->owned_count);
  for (uint32_t i = 0; i < control->lane_count; i++) lane_limit(control->lanes[i], work_max);
}

static void lose(struct assignment *assignment) {
  struct partition *partition = assignment->partition;
  assignment_fence(assignment);
  pthread_mutex_lock(&partition->lock);
  ledger_end(&partition->ledger);
  pthread_mutex_unlock(&partition->lock);
}

static void close_account(struct control *control, const struct assignment *assignment) {
  struct account *account =
      accounts_find(&control->accounts, assignment->partition->topic, assignment->partition->view.partition);
  must(account);
  int64_t high = feed_high(assignment->feed);
  if (high > account->high) account->high = high;
  account->owned = false;
  account->stopped = assignment->stopped;
}

/* Its lane may never have heard of it; it still hears of the end, since the feed may have marked it there. */
static void let_go(struct control *control, struct assignment *assignment, bool lost) {
  lose(assignment);
  close_account(control, assignment);
  feed_close(assignment->feed);
  assignment->feed = NULL;
  disown(control, assignment);
  assignment->next = control->leaving;
  control->leaving = assignment;
  assignment_ask(assignment, (struct errand){.kind = ERRAND_FORGET, .lost = lost});
}

static bool take_over(struct control *control, const struct assignment_request *request) {
  must(!members_find(control, request->topic, request->partition));
  if (!open_account(control, request)) return false;
  struct assignment *assignment =
      assignment_create(request->topic, request->partition, ++control->epoch, request->start, least_loaded(control));
  if (!assignment) return false;
  assignment->feed = feed_open(control->consumer, request->topic, request->partition, assignment_mark, assignment);
  if (!assignment->feed) {
    assignment_destroy(assignment);
    return false;
  }
  assignment->suspects =
      quarantine_suspects(control->settings.quarantine, request->topic, request->partition, request->start);
  own(control, assignment);
  return true;
}

/* --- they come --- */

bool members_assign(void *ctx, const struct assignment_request *requests, size_t count) {
  struct control *control = ctx;
  size_t taken = 0;
  while (taken < count && take_over(control, &requests[taken])) taken++;
  if (taken == count) return true;
  log_line(WEIR_ERROR, "worker", "the machine has no memory for %zu more partitions; the assignment is refused", count);
  while (taken--) let_go(control, members_find(control, requests[taken].topic, requests[taken].partition), true);
  return false;
}

/* ": quakes/0 quakes/3 and 12 more"; nothing for none. */
static void name_them(char into[NAMES_MAX], const struct assignment_request *requests, size_t count) {
  size_t used = 0, named = 0;
  into[0] = '\0';
  for (; named < count && named < NAMED_MOST; named++) {
    int size = snprintf(into + used, NAMES_MAX - used, "%s%s/%" PRId32, named ? " " : ": ", requests[named].topic,
        requests[named].partition);
    if (used + (size_t)size >= NAMES_MAX - NAME_BYTES) break;
    used += (size_t)size;
  }
  into[used] = '\0';
  if (named < count) snprintf(into + used, NAMES_MAX - used, " and %zu more", count - named);
}

void members_assigned(void *ctx, const struct assignment_request *requests, size_t count) {
  struct control *control = ctx;
  for (size_t i = 0; i < count; i++) {
    struct assignment *assignment = members_find(control, requests[i].topic, requests[i].partition);
    must(assignment);
    assignment_ask(assignment, (struct errand){.kind = ERRAND_ADOPT});
  }
  divide_memory(control);
  control->joined = true;
  control->empty_since_ms = control_now(control);
  atomic_store(&control->changed, true);
  char names[NAMES_MAX];
  name_them(names, requests, count);
  log_line(WEIR_INFO, "worker", "%zu partition%s assigned%s, %zu in all", count, count == 1 ? "" : "s", names,
      control->owned_count);
}

/* --- they go --- */

static void revoke_some(struct control *control, struct assignment **leaving, size_t count, bool lost) {
  if (!lost) drain_assignments(control, leaving, count);
  for (size_t i = 0; i < count; i++) {
    leaving[i]->lost = lost;
    if (lost) trouble_count(TROUBLE_LOST);
    if (lost) drain_report(control, leaving[i]);
    lose(leaving[i]);
  }
}

void members_revoke(void *ctx, const struct assignment_request *requests, size_t count, bool lost) {
  FAILPOINT(in_revoke);
  struct control *control = ctx;
  struct assignment **leaving = calloc(count ? count : 1, sizeof *leaving);
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    struct assignment *assignment = members_find(control, requests[i].topic, requests[i].partition);
    if (!assignment) continue;
    if (leaving)
      leaving[found++] = assignment;
    else
      lose(assignment); /* no memory to drain them: what is in flight is read again by the next owner */
  }
  log_line(lost ? WEIR_WARN : WEIR_INFO, "worker", "%zu partition%s %s", count, count == 1 ? " is" : "s are",
      lost ? "lost: another member may have them already; what was not committed is repeated there" : "revoked");
  if (leaving) revoke_some(control, leaving, found, lost);
  free(leaving);
}

void members_revoked(void *ctx, const struct assignment_request *requests, size_t count) {
  struct control *control = ctx;
  for (size_t i = 0; i < count; i++) {
    struct assignment *assignment = members_find(control, requests[i].topic, requests[i].partition);
    if (assignment) let_go(control, assignment, assignment->lost);
  }
  divide_memory(control);
  control->empty_since_ms = control_now(control);
  members_reap(control);
}

void members_abandon_rest(struct control *control) {
  while (control->owned) let_go(control, control->owned, true);
}

void members_reap(struct control *control) {
  for (struct assignment **at = &control->leaving; *at;) {
    struct assignment *assignment = *at;
    if (!atomic_load(&assignment->gone)) {
      at = &assignment->next;
      continue;
    }
    *at = assignment->next;
    tally_add(&control->gone, &assignment->partition->tally);
    assignment_destroy(assignment);
  }
}
