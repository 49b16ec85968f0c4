/* prepared.h: a pipeline file made ready to run: every plugin loaded, its options checked, and the plan of the lanes. `weir check`
 * stops here; `weir run` connects the writers, too. [main] */
#ifndef WEIR_HOST_PREPARED_H
#define WEIR_HOST_PREPARED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct clock;
struct memory_share;
struct metrics;
struct pipeline_file;
struct pipeline_step;
struct plan;
struct plugin_path;
struct prepared;
struct report;
struct setup;

/* Loads the plugin of every stage, sink and guard and has it check its options; all that is wrong goes to the report. What is passed
 * outlives it; `metrics` NULL: nothing is measured. NULL: something was reported. */
struct prepared *prepared_open(const struct pipeline_file *file, const struct plugin_path *path,
    const struct memory_share *share, const struct clock *clock, struct metrics *metrics, struct report *report);
/* must(no lane runs its plan any more), must(disconnected). NULL is fine. */
void prepared_close(struct prepared *prepared);

/* Makes the producers and their writers; no broker is waited for. */
bool prepared_connect(struct prepared *prepared, struct error *err);
/* Every topic that is written to exists; asks the brokers, up to `timeout_ms` each. False: err names the first that does not. */
bool prepared_check_topics(struct prepared *prepared, int timeout_ms, struct error *err);
/* Open deliveries get `flush_ms`, then they are given up. Lanes may still be running, but must not write. */
void prepared_disconnect(struct prepared *prepared, int flush_ms);

const struct plan *prepared_plan(const struct prepared *prepared);
/* The instance as plugins see it: of the file, else made of host and process. */
const char *prepared_instance(const struct prepared *prepared);
/* What the stages of one lane may use on their own, in bytes, and how many of them there are: scripts, above all. */
int64_t prepared_granted(const struct prepared *prepared, uint32_t *count);
/* NULL: the runtime's own sink; `guard`: of its `when`, NULL: it has none. */
const struct setup *prepared_setup(const struct prepared *prepared, const struct pipeline_step *step, bool guard);

#endif
