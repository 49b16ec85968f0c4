/* control_watch.c: the watchdog over the lanes and over the control thread itself, which is watched while it is in control_run(): the
 * waits of leaving have limits of their own. */
#include "base/check.h"
#include "base/clock.h"
#include "host/control_inside.h"
#include "host/watchdog.h"
#include "pipeline/runner.h"

static int64_t least_deadline(const struct plan *plan) {
  int64_t least_ms = LIMIT_TURN_MS;
  for (uint32_t i = 0; i < plan->stage_count; i++)
    if (plan->stages[i].deadline_ms < least_ms) least_ms = plan->stages[i].deadline_ms;
  for (uint32_t i = 0; i < plan->sink_count; i++)
    if (plan->sinks[i].deadline_ms < least_ms) least_ms = plan->sinks[i].deadline_ms;
  return least_ms;
}

bool watch_start(struct control *control, struct error *err) {
  struct watchdog_subject subjects[LIMIT_LANES + 1];
  must(control->lane_count <= LIMIT_LANES);
  for (uint32_t i = 0; i < control->lane_count; i++)
    subjects[i] = (struct watchdog_subject){lane_name(control->lanes[i]), lane_place(control->lanes[i])};
  subjects[control->lane_count] = (struct watchdog_subject){"the control thread", &control->place};
  watch_loop(control, false);
  control->watchdog = watchdog_create(subjects, control->lane_count + 1, least_deadline(control->settings.plan),
      control->settings.clock, watchdog_bark, NULL);
  if (!control->watchdog) return error_set(err, "the machine has no memory for the watchdog");
  return watchdog_start(control->watchdog, err);
}

void watch_loop(struct control *control, bool watched) {
  place_use(&control->place);
  if (watched)
    place_work();
  else
    place_rest(INT64_MAX);
  if (!watched) place_use(NULL);
}
