/* stage.h: one instance of a plugin on one lane, and the host services it sees.
 *
 * All functions here are [lane] but complete(), wake(), log() and measure() of the host table, which come from any
 * thread: they only write under the stage's own lock and notify the lane. The state checks of <weir/plugin.h>
 * (pairs, threads, open batches) are made here; a broken rule is logged once as "plugin misbehaving: ..." with the
 * rule, counted, and never corrupts. */
#ifndef WEIR_PLUGIN_STAGE_H
#define WEIR_PLUGIN_STAGE_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "batch/batch.h"
#include "plugin/setup.h"

struct stage;

/* How the stage wakes its lane; may be called from any thread, at any time between create and destroy. */
struct stage_lane {
  uint32_t lane;
  void (*notify)(void *ctx);
  void *ctx;
  const char *step;    /* "stage describe", for the watchdog; NULL: the setup's label. Outlives the stage */
  int64_t deadline_ms; /* for one callback; 0: none */
};

/* Calls create(). NULL: err has the sentence (what the plugin said with fail(), with the place). */
struct stage *stage_create(struct setup *setup, const struct stage_lane *lane, struct error *err);
/* Calls destroy(); then every ticket is dead: what was still deferred, or completed and not collected, is given to
 * `abandoned` (NULL: not wanted), no longer held. must(no partition is assigned). NULL stage is fine. */
void stage_destroy(struct stage *stage, void (*abandoned)(void *ctx, struct portion *portion), void *ctx);

const char *stage_label(const struct stage *stage);
const struct setup *stage_setup(const struct stage *stage);

/* A partition comes or goes: assigned() and revoked() of the plugin; keeps its state pointer. False: assigned()
 * failed; then there is no stage_revoked(). */
bool stage_assigned(struct stage *stage, struct partition *partition, struct error *err);
/* Fences first. Tickets of the partition may outlive this: until they are collected the partition must live. */
void stage_revoked(struct stage *stage, struct partition *partition, int32_t why);
/* The state that assigned() left, for portion_enter(). must(assigned). */
void *stage_state(const struct stage *stage, const struct partition *partition);

enum stage_result {
  STAGE_DONE,   /* each record has a verdict that stands */
  STAGE_LATER,  /* portion->waiting records are deferred, the others have verdicts; the batch is held (batch->holds) */
  STAGE_BROKEN, /* every verdict is RETRY; stage_failure() has the reason, and it is the records' reason as well */
};
/* Calls process(). must(its partition is assigned here), must(portion_enter() was called: records, none waiting, not
 * open). UNSETTLED without defer() becomes RETRY and is misbehaviour. Completions that came before process()
 * returned are verdicts already; when they were all, the result is STAGE_DONE. stage_wake_at() may be earlier
 * afterwards. */
enum stage_result stage_process(struct stage *stage, struct portion *portion);
/* What the plugin said with fail() in the last callback, or a sentence that it said nothing. Valid until the next
 * callback. */
const char *stage_failure(const struct stage *stage);

/* Takes the completions that have come in since the last call: sets their verdicts, lowers portion->waiting, and
 * calls `each` once per portion that changed (it may be freed there when waiting is 0: the stage's hold is already
 * given up then; and stages may be processed from there). Call it when notified, and after stage_wake() and
 * stage_flush(): what these settled on the lane's own thread does not notify. */
void stage_collect(struct stage *stage, void (*each)(void *ctx, struct portion *portion), void *ctx);
/* The partition of these portions is gone: complete() on them fails from now on. They stay held until their last
 * record is completed; then stage_collect() still gives them to `each`. */
void stage_fence(struct stage *stage, const struct partition *partition);
/* Records that stage_collect() has not given back yet, of one partition or (NULL) of all. */
uint32_t stage_deferred(const struct stage *stage, const struct partition *partition);

/* When wake() is due, INT64_MAX: not at all, 0 and below: now. It may get earlier at any time: a request from another
 * thread notifies the lane. stage_wake() calls wake() if it is due; portions that were resumed and settled in it are
 * given out by the next stage_collect(). */
int64_t stage_wake_at(const struct stage *stage);
void stage_wake(struct stage *stage, int64_t now_ms);
/* Calls flush() where the plugin has it. partition NULL: all. */
void stage_flush(struct stage *stage, const struct partition *partition, int32_t why, int64_t deadline_ms);

#endif
