/* control_refill.c: see kafka/refill.h. One request at a time, and seldom: it may wait behind a large answer on its connection, and while
 * it does nothing is committed. */
#include "base/clock.h"
#include "host/control_inside.h"
#include "kafka/refill.h"

enum { WAIT_MS = 50, REST_MS = 10, REST_FACTOR = 3 };

int64_t refill_due(const struct control *control) {
  return atomic_load(&control->starved) ? control->next_refill_ms : INT64_MAX;
}

/* One that is starved; none is behind it. One request wakes all partitions of its broker. */
static struct assignment *take_starved(struct control *control) {
  struct assignment *found = NULL;
  atomic_store(&control->starved, false);
  for (struct assignment *assignment = control->owned; assignment; assignment = assignment->next)
    if (atomic_exchange(&assignment->starved, false)) found = assignment;
  return found;
}

void refill_serve(struct control *control) {
  int64_t now_ms = control_now(control);
  if (refill_due(control) > now_ms) return;
  struct assignment *assignment = take_starved(control);
  if (!assignment) return;
  refill_wake(control->consumer, assignment->partition->topic, assignment->partition->view.partition, WAIT_MS);
  int64_t took_ms = control_now(control) - now_ms;
  control->next_refill_ms = control_now(control) + REST_MS + REST_FACTOR * took_ms;
}
