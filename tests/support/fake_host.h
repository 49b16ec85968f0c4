/* fake_host.h: a host in memory for one instance of one plugin: options from YAML text, records in, outcomes out.
 *
 * It plays by <weir/plugin.h> and watches the plugin: a call from the wrong thread, on a batch that is not open, with
 * an index beyond it, a kept span that does not live long enough, a record left unsettled: each ends the test with
 * "plugin misbehaving: ..." on stderr and abort(). A batch's memory is freed the moment that the contract allows it,
 * in blocks of its own, so that under AddressSanitizer a late read or a read behind a span is seen.
 * Threads: all functions on the test's thread, which plays main and lane, but for what a plugin's own threads may
 * call.
 * Texts that are handed out live until the object they came from is closed. */
#ifndef WEIR_TESTS_FAKE_HOST_H
#define WEIR_TESTS_FAKE_HOST_H
#include <stdbool.h>
#include <stdint.h>
#include <weir/plugin.h>

struct fake_host;
struct fake_batch;

/* ---- One instance ---- */

/* Loads the library and takes the plugin of that name, NULL: the first. Aborts where there is none or its descriptor
 * is wrong. */
struct fake_host *fake_host_open(const char *library, const char *name);
/* Also does what is left of revoked, destroy, release; frees batches that are still deferred. NULL is accepted. */
void fake_host_close(struct fake_host *fake);

/* Before fake_host_prepare(). `yaml` is the stage's options as a YAML mapping (NULL: none), copied. Its first line is
 * line `line` of `file` (default "pipeline.yaml", line 1). Aborts where it is not YAML. */
void fake_host_options(struct fake_host *fake, const char *yaml);
void fake_host_place(struct fake_host *fake, const char *file, uint32_t line);
/* What weir.worker/1 says of the pipeline's folder and this worker; defaults: "/nonexistent", "fake-1". */
void fake_host_directory(struct fake_host *fake, const char *directory);
void fake_host_instance(struct fake_host *fake, const char *instance);
/* WEIR_TRANSFORM or WEIR_SINK; default: the one that the plugin offers, WEIR_TRANSFORM for both. */
void fake_host_role(struct fake_host *fake, uint32_t role);
void fake_host_lane(struct fake_host *fake, uint32_t lane, uint32_t lanes);
/* Bytes that alloc() gives per batch; default 1 GiB. */
void fake_host_budget(struct fake_host *fake, size_t bytes);
/* Emits that succeed per batch; default no limit. */
void fake_host_emit_limit(struct fake_host *fake, uint32_t count);

/* Checks the options against the plugin's (and its more_options()), runs prepare(). False: fake_host_failure(). */
bool fake_host_prepare(struct fake_host *fake);
/* prepare() if it was not run, then create() and assigned() of partition 0 of topic "in". */
bool fake_host_start(struct fake_host *fake);
/* The last failure as a user would see it, "file:line:column: text"; "" for none. */
const char *fake_host_failure(const struct fake_host *fake);

/* The partition that later batches are of. assigned() is called for a new one. False: the plugin refused it. */
bool fake_host_assign(struct fake_host *fake, const char *topic, int32_t partition);
/* revoked() of the partition last assigned. */
void fake_host_revoke(struct fake_host *fake, int32_t why);
/* flush() of all partitions, deadline in one second. */
void fake_host_flush(struct fake_host *fake, int32_t why);
/* Revokes, destroys, releases: fake_host_close() without freeing the batches and the log. */
void fake_host_stop(struct fake_host *fake);

/* Clocks: now_ms() starts at 1,000,000, wall_ms() at 1,700,000,000,000; both move by `ms`. */
void fake_host_pass(struct fake_host *fake, int64_t ms);
/* Calls wake() when the plugin asked for it and the time has come. True: it was called. */
bool fake_host_wake(struct fake_host *fake);

/* The sum of a counter or histogram, the last value of a gauge; 0 when the plugin never registered it. */
int64_t fake_host_metric(struct fake_host *fake, const char *name);
/* Whether a line that contains `part` was logged at this level. */
bool fake_host_logged(const struct fake_host *fake, weir_level level, const char *part);

/* ---- One batch ---- */

/* Of the partition last assigned; offsets go on from the last batch. */
struct fake_batch *fake_batch_open(struct fake_host *fake);
/* One more record; NULL: absent. Returns its index. */
uint32_t fake_batch_add(struct fake_batch *batch, const char *key, const char *value);
/* The same with sizes, for bytes; a span without data is absent. */
uint32_t fake_batch_add_bytes(struct fake_batch *batch, weir_span key, weir_span value);
/* To the record last added; `value` NULL: absent. */
void fake_batch_header(struct fake_batch *batch, const char *name, const char *value);
/* Of the record last added; default: wall_ms() at fake_batch_open(). */
void fake_batch_timestamp(struct fake_batch *batch, int64_t ms);
void fake_batch_attempt(struct fake_batch *batch, uint32_t attempt);
/* process(). After DONE or BROKEN the outcomes stand. After LATER they stand when all is completed. */
weir_result fake_batch_run(struct fake_batch *batch);
/* Serves wake() until all is completed, at most `real_ms`. False: something is still deferred. */
bool fake_batch_wait(struct fake_batch *batch, int64_t real_ms);
/* Records that are still deferred. */
uint32_t fake_batch_waiting(struct fake_batch *batch);
void fake_batch_close(struct fake_batch *batch);

/* Outcomes. BROKEN shows as RETRY of all. A transform's records that RETRY or REJECT show their original content. */
weir_verdict fake_batch_verdict(const struct fake_batch *batch, uint32_t index);
const char *fake_batch_code(const struct fake_batch *batch, uint32_t index); /* "" without a reason */
const char *fake_batch_text(const struct fake_batch *batch, uint32_t index);
int64_t fake_batch_retry_after(const struct fake_batch *batch, uint32_t index);
/* NULL: absent; NUL-terminated, also where it has zero bytes: see the spans. */
const char *fake_batch_value(const struct fake_batch *batch, uint32_t index);
const char *fake_batch_key(const struct fake_batch *batch, uint32_t index);
const char *fake_batch_topic(const struct fake_batch *batch, uint32_t index); /* NULL: not set */
int64_t fake_batch_time(const struct fake_batch *batch, uint32_t index);
/* "name=value name=value", NULL values as "name"; in order. */
const char *fake_batch_headers(const struct fake_batch *batch, uint32_t index);

/* What was emitted and not taken back, in the order in which the next stage sees it. */
struct fake_emitted {
  uint32_t parent;
  const char *key, *value, *topic, *headers; /* as above */
  int64_t timestamp_ms;
};
uint32_t fake_batch_emitted_count(const struct fake_batch *batch);
const struct fake_emitted *fake_batch_emitted(const struct fake_batch *batch, uint32_t index);

#endif
