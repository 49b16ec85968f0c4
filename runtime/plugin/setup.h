/* setup.h: one stage of the pipeline, prepared: plugin, checked options, what prepare() built. Shared by all lanes,
 * read-only after setup_open(). [main] */
#ifndef WEIR_PLUGIN_SETUP_H
#define WEIR_PLUGIN_SETUP_H
#include <stdbool.h>
#include <weir/plugin.h>
#include "base/clock.h"
#include "plugin/library.h"

struct metrics;
struct report;
struct weir_config;

/* What every stage of a worker may know; outlives all setups. */
struct worker_facts {
  const char *pipeline, *group, *instance, *directory; /* as in <weir/ext/worker.h> */
  const struct clock *clock;
  const struct plugin_path *path;
  struct metrics *metrics; /* NULL: nothing is measured (`weir check`) */
  uint32_t lanes;
};

/* Which stage. Nodes and strings live as long as the pipeline file. */
struct setup_request {
  const char *plugin;                /* name or file, as written */
  const char *label;                 /* of the stage, in logs and metrics */
  uint32_t role;                     /* WEIR_TRANSFORM or WEIR_SINK */
  const struct weir_config *options; /* map node, NULL: none given */
  const struct weir_config *place;   /* node of the stage's entry, for messages */
};

struct setup;
/* Loads the plugin, refuses unknown options with did-you-mean, types and required ones, fills fallbacks, calls
 * prepare() and more_options(). All errors go to `report` with their place. NULL: something was reported. */
struct setup *setup_open(const struct setup_request *request, const struct worker_facts *facts, struct report *report);
/* [main] Calls release(). must(no stage of it is left). NULL is fine. */
void setup_close(struct setup *setup);

const struct plugin *setup_plugin(const struct setup *setup);
/* The options with every fallback filled in, for `weir check`; SECRET options are masked. */
const struct weir_config *setup_options(const struct setup *setup);
uint32_t setup_traits(const struct setup *setup);
/* What each instance may use on its own: the option `memory` of a plugin that declares one as a size, in bytes. 0: there is none. */
int64_t setup_memory(const struct setup *setup);

#endif
