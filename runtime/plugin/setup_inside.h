/* setup_inside.h: what a stage needs of its setup. Nobody else includes it. */
#ifndef WEIR_PLUGIN_SETUP_INSIDE_H
#define WEIR_PLUGIN_SETUP_INSIDE_H
#include "plugin/setup.h"

const struct setup_request *setup_request_of(const struct setup *setup);
const struct worker_facts *setup_facts(const struct setup *setup);
/* What create() gets: the options, with the fallbacks of a script's own ones, and what prepare() built. */
const struct weir_config *setup_config(const struct setup *setup);
void *setup_shared(const struct setup *setup);
/* [lane] One more stage lives on it, or one less. */
void setup_hold(struct setup *setup);
void setup_let_go(struct setup *setup);

#endif
