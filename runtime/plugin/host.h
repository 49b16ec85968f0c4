/* host.h: the host table of one instance of a plugin, or of one prepare(), and what stands behind it. Only
 * runtime/plugin/ includes it.
 *
 * A table has a home thread: [main] for prepare(), its lane for an instance. Functions that are not [any] are
 * refused on others. */
#ifndef WEIR_PLUGIN_HOST_H
#define WEIR_PLUGIN_HOST_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/ext/worker.h>
#include <weir/plugin.h>
#include "base/limits.h"
#include "base/log.h"
#include "plugin/setup.h"

struct stage;

/* Promises of <weir/plugin.h> that a plugin can break. Each is logged once per table. */
enum rule {
  RULE_THREAD,
  RULE_MAIN,
  RULE_CLOSED_BATCH,
  RULE_RANGE,
  RULE_VERDICT,
  RULE_SINK_CHANGES,
  RULE_STACK,
  RULE_STRUCT,
  RULE_UNSETTLED,
  RULE_LATER,
  RULE_DONE,
  RULE_RESULT,
  RULE_NOT_ASYNC,
  RULE_DEFER_TWICE,
  RULE_FLAGS,
  RULE_OVERRULED,
  RULE_RESUME,
  RULE_NOT_DEFERRED,
  RULE_NO_WAKE,
  RULE_ARGUMENT,
  RULES
};

/* What the callback that is running has said with fail(). Home thread only. */
struct failure {
  bool said;
  const struct weir_config *node; /* NULL: none */
  char text[LIMIT_FAILURE_TEXT + 1];
};

enum { HOST_LOG_LIMITS = 32 };

struct host {
  uint32_t magic;
  weir_host table;
  weir_worker worker;
  const struct worker_facts *facts;
  const char *label, *plugin; /* of the stage; the plugin's name */
  struct stage *stage;        /* NULL: of prepare() */
  const void *home;
  struct failure failure;
  _Atomic uint32_t broken_rules; /* bits by enum rule */
  weir_metric *misbehaviours, *late;
  struct log_limit log_limits[HOST_LOG_LIMITS];
};

/* Its home is the calling thread. `stage` NULL: for prepare(). Strings and facts must outlive it. */
void host_init(struct host *host, const struct setup_request *request, const struct worker_facts *facts,
    const char *plugin, struct stage *stage, uint32_t lane);
/* The host behind a table. must(it is one). */
struct host *host_of(const weir_host *table);

/* [any] Counts it, and logs it the first time: "plugin misbehaving: FUNCTION(): sentence". Returns false. */
bool host_misbehaves(struct host *host, enum rule rule, const char *function);
/* The same; returns -1. */
int32_t host_refuses(struct host *host, enum rule rule, const char *function);
/* [any] Are we on the home thread? If not, that is misbehaviour. */
bool host_is_home(struct host *host, const char *function);
bool host_on_home_thread(const struct host *host);

/* Before a callback that may fail. */
void host_forget_failure(struct host *host);
/* The failure as a sentence: its place, what was said, or that nothing was. Returns `into`. */
enum { HOST_SENTENCE_MAX = 2048 };
const char *host_failure(const struct host *host, char into[HOST_SENTENCE_MAX], const char *callback);

/* Fill in their part of the table. host_config.c, host_common.c, host_batch.c */
void host_config_functions(weir_host *table);
void host_common_functions(weir_host *table);
void host_batch_functions(weir_host *table);

#endif
