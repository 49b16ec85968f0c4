/* host.c: a host table's life, its thread, and what is said of a plugin that breaks its promises. See host.h. */
#include "plugin/host.h"
#include "base/check.h"
#include "base/metrics.h"
#include "base/span.h"
#include "config/node.h"
#include <stdio.h>
#include <string.h>

enum { HOST_MAGIC = 0x40577ab1 };

static const char *const rules[RULES] = {
    [RULE_THREAD] = "was called from another thread than its lane's",
    [RULE_MAIN] = "was called in prepare(), where only configuration, log, clock and extensions are offered",
    [RULE_CLOSED_BATCH] = "was called on a batch that is not open: outside process() it has to be resumed first",
    [RULE_RANGE] = "names records that the batch does not have",
    [RULE_VERDICT] = "gives a verdict that does not exist; a record that it names is RETRY",
    [RULE_SINK_CHANGES] = "was called by a sink, which cannot change or emit records",
    [RULE_STACK] = "got a span that lies on the stack and would be gone with its function: use alloc(); it was copied",
    [RULE_STRUCT] = "got a struct whose size is not set, and did not read it",
    [RULE_UNSETTLED] = "left records UNSETTLED without defer(); they are RETRY",
    [RULE_LATER] = "returned WEIR_LATER without a call of defer()",
    [RULE_DONE] = "returned WEIR_DONE with records deferred; it was taken for WEIR_LATER",
    [RULE_RESULT] = "returned a result that does not exist; it was taken for WEIR_BROKEN",
    [RULE_NOT_ASYNC] = "was called by a plugin without the trait WEIR_ASYNC",
    [RULE_DEFER_TWICE] = "was called twice for one batch; it gave the same ticket",
    [RULE_FLAGS] = "got flags that are not 0",
    [RULE_OVERRULED] = "gave a verdict to a record that process() settled itself; the one of process() stands",
    [RULE_RESUME] = "was called outside wake() and flush(); what was deferred is RETRY",
    [RULE_NOT_DEFERRED] = "names a record of a resumed batch that is not deferred any more",
    [RULE_NO_WAKE] = "was called by a plugin that has no wake()",
    [RULE_ARGUMENT] = "got an argument that is not allowed there",
};

/* An address that each thread has for itself: asking for it costs one instruction. */
static const void *this_thread(void) {
  static _Thread_local char here;
  return &here;
}

static weir_metric *own_counter(const struct host *host, const char *name, const char *help) {
  if (!host->facts->metrics) return NULL;
  char lane[12];
  snprintf(lane, sizeof lane, "%u", host->table.lane);
  const struct metrics_label labels[] = {{"stage", span_of(host->label)}, {"lane", span_of(lane)}};
  return metrics_register(host->facts->metrics, WEIR_COUNTER, name, help, labels, 2, NULL);
}

static weir_span text_or_absent(const char *text) { return text ? weir_text(text) : (weir_span){NULL, 0}; }

void host_init(struct host *host, const struct setup_request *request, const struct worker_facts *facts,
    const char *plugin, struct stage *stage, uint32_t lane) {
  *host = (struct host){
      .magic = HOST_MAGIC,
      .facts = facts,
      .label = request->label,
      .plugin = plugin,
      .stage = stage,
      .home = this_thread(),
      .table = {.size = sizeof host->table,
          .abi_major = WEIR_ABI_MAJOR,
          .abi_minor = WEIR_ABI_MINOR,
          .ctx = host,
          .name = weir_text(request->label),
          .role = request->role,
          .lane = lane,
          .lanes = facts->lanes},
      .worker = {.size = sizeof host->worker,
          .pipeline = text_or_absent(facts->pipeline),
          .group = text_or_absent(facts->group),
          .instance = text_or_absent(facts->instance),
          .directory = text_or_absent(facts->directory)},
  };
  host_config_functions(&host->table);
  host_common_functions(&host->table);
  host_batch_functions(&host->table);
  host->misbehaviours =
      own_counter(host, "plugin_misbehaviours", "Calls of a plugin that broke a promise of <weir/plugin.h>.");
  host->late = own_counter(host, "plugin_late_completions",
      "Completions of records that were not waiting any more, or whose partition had gone.");
}

struct host *host_of(const weir_host *table) {
  struct host *host = table->ctx;
  must_be(host, HOST_MAGIC);
  return host;
}

bool host_misbehaves(struct host *host, enum rule rule, const char *function) {
  must(rule < RULES && rules[rule]);
  metrics_measure(host->misbehaviours, 1);
  uint32_t bit = 1u << rule;
  if (atomic_fetch_or(&host->broken_rules, bit) & bit) return false;
  log_line(WEIR_ERROR, host->label, "plugin misbehaving: %s() of plugin \"%s\" %s (told once)", function, host->plugin,
      rules[rule]);
  return false;
}

int32_t host_refuses(struct host *host, enum rule rule, const char *function) {
  host_misbehaves(host, rule, function);
  return -1;
}

bool host_on_home_thread(const struct host *host) { return host->home == this_thread(); }

bool host_is_home(struct host *host, const char *function) {
  return host_on_home_thread(host) || host_misbehaves(host, RULE_THREAD, function);
}

void host_forget_failure(struct host *host) { host->failure.said = false; }

const char *host_failure(const struct host *host, char into[HOST_SENTENCE_MAX], const char *callback) {
  const struct failure *failure = &host->failure;
  char place[NODE_PLACE_MAX] = "";
  if (!failure->said) {
    snprintf(into, HOST_SENTENCE_MAX, "plugin \"%s\" failed in %s() and did not say why", host->plugin, callback);
    return into;
  }
  if (failure->node) node_place(place, failure->node);
  snprintf(into, HOST_SENTENCE_MAX, "%s%s%s", place, *place ? ": " : "", failure->text);
  return into;
}
