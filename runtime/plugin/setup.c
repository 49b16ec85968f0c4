/* setup.c: from an entry of the pipeline file to a plugin that is prepared with checked options. See setup.h. */
#include "plugin/setup.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include "config/node.h"
#include "config/report.h"
#include "plugin/descriptor.h"
#include "plugin/host.h"
#include "plugin/options.h"
#include "plugin/setup_inside.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETUP_MAGIC = 0x5e70b000, OWNER_MAX = 128 };

struct setup {
  uint32_t magic;
  struct setup_request request;
  const struct worker_facts *facts;
  const struct plugin *plugin;
  struct arena arena; /* of the nodes that the file does not have */
  struct option_list declared, more;
  const struct weir_config *config; /* complete */
  const struct weir_config *shown;  /* the same, secrets masked */
  struct host host;                 /* of prepare() */
  void *shared;
  bool prepared;
  _Atomic uint32_t stages;
};

/* ---- The parts of setup_open(): false when something was reported ---- */

static bool load(struct setup *setup, struct report *report) {
  const struct setup_request *request = &setup->request;
  struct error err = {0};
  setup->plugin = plugin_open(setup->facts->path, setup->facts->directory, request->plugin, request->role, &err);
  if (setup->plugin) return true;
  const struct weir_config *name = node_find(request->place, "plugin");
  return report_add(report, name ? name : request->place, "%s", err.text);
}

static bool check_options(struct setup *setup, struct report *report) {
  char owner[OWNER_MAX];
  snprintf(owner, sizeof owner, "plugin \"%s\"", setup->plugin->table->name);
  const struct options_place place = {owner, setup->request.place};
  setup->declared = descriptor_options(setup->plugin->table);
  setup->config = options_fill(&setup->declared, setup->request.options, &place, &setup->arena, report);
  return setup->config != NULL;
}

static bool prepare(struct setup *setup, struct report *report) {
  const weir_plugin *table = setup->plugin->table;
  if (!table->prepare) return true;
  host_forget_failure(&setup->host);
  setup->prepared = table->prepare(&setup->host.table, setup->config, &setup->shared) >= 0;
  if (setup->prepared) return true;
  if (setup->host.failure.said) {
    const struct weir_config *node = setup->host.failure.node;
    return report_add(report, node ? node : setup->request.place, "%s", setup->host.failure.text);
  }
  char sentence[HOST_SENTENCE_MAX];
  return report_add(report, setup->request.place, "%s", host_failure(&setup->host, sentence, "prepare"));
}

static bool check_declared(struct setup *setup, struct report *report) {
  struct error err = {0};
  if (option_list_check(&setup->more, &err)) return true;
  return report_add(report, setup->request.place, "%s", err.text);
}

/* Options that only a script knows stand in the node "options". */
static bool check_more_options(struct setup *setup, struct report *report) {
  const weir_plugin *table = setup->plugin->table;
  if (!table->more_options) return true;
  setup->more.stride = table->option_stride;
  setup->more.first = table->more_options(setup->shared, &setup->more.count);
  if (!setup->more.first) setup->more.count = 0;
  if (!check_declared(setup, report)) return false;
  const struct weir_config *given = node_find(setup->config, "options");
  if (!given && setup->more.count == 0) return true;
  char owner[OWNER_MAX];
  snprintf(owner, sizeof owner, "stage \"%s\"", setup->request.label);
  const struct options_place place = {owner, given ? given : setup->request.place};
  const struct weir_config *filled = options_fill(&setup->more, given, &place, &setup->arena, report);
  if (!filled) return false;
  setup->config = options_with(setup->config, "options", filled, &setup->arena);
  return setup->config || report_add(report, setup->request.place, "there is no memory for its options");
}

static bool mask(struct setup *setup, struct report *report) {
  const struct weir_config *shown = options_mask(&setup->declared, setup->config, &setup->arena);
  const struct weir_config *inner = shown ? node_find(shown, "options") : NULL;
  if (inner && setup->more.count) {
    inner = options_mask(&setup->more, inner, &setup->arena);
    shown = inner ? options_with(shown, "options", inner, &setup->arena) : NULL;
  }
  setup->shown = shown;
  return shown || report_add(report, setup->request.place, "there is no memory for its options");
}

struct setup *setup_open(const struct setup_request *request, const struct worker_facts *facts, struct report *report) {
  must(request->plugin && request->label && (request->role == WEIR_TRANSFORM || request->role == WEIR_SINK));
  must(facts->clock && facts->path && facts->directory && facts->lanes > 0);
  struct setup *setup = calloc(1, sizeof *setup);
  if (!setup) {
    report_add(report, request->place, "there is no memory for this stage");
    return NULL;
  }
  setup->magic = SETUP_MAGIC;
  setup->request = *request;
  setup->facts = facts;
  arena_init(&setup->arena, 0);
  if (load(setup, report)) {
    host_init(&setup->host, &setup->request, facts, setup->plugin->table->name, NULL, 0);
    if (check_options(setup, report) && prepare(setup, report) && check_more_options(setup, report) &&
        mask(setup, report))
      return setup;
  }
  must(!report_is_empty(report));
  setup_close(setup);
  return NULL;
}

void setup_close(struct setup *setup) {
  if (!setup) return;
  must_be(setup, SETUP_MAGIC);
  must(atomic_load(&setup->stages) == 0);
  if (setup->prepared && setup->plugin->table->release) setup->plugin->table->release(setup->shared);
  arena_fini(&setup->arena);
  setup->magic = 0;
  free(setup);
}

/* ---- Reading it ---- */

const struct plugin *setup_plugin(const struct setup *setup) {
  must_be(setup, SETUP_MAGIC);
  return setup->plugin;
}

const struct weir_config *setup_options(const struct setup *setup) {
  must_be(setup, SETUP_MAGIC);
  return setup->shown;
}

uint32_t setup_traits(const struct setup *setup) { return setup_plugin(setup)->table->traits; }

const struct setup_request *setup_request_of(const struct setup *setup) {
  must_be(setup, SETUP_MAGIC);
  return &setup->request;
}

const struct worker_facts *setup_facts(const struct setup *setup) { return setup->facts; }
const struct weir_config *setup_config(const struct setup *setup) { return setup->config; }
void *setup_shared(const struct setup *setup) { return setup->shared; }

void setup_hold(struct setup *setup) {
  must_be(setup, SETUP_MAGIC);
  atomic_fetch_add(&setup->stages, 1);
}

void setup_let_go(struct setup *setup) { must(atomic_fetch_sub(&setup->stages, 1) > 0); }

int64_t setup_memory(const struct setup *setup) {
  must_be(setup, SETUP_MAGIC);
  const struct weir_config *node = node_find(setup->config, "memory");
  const weir_option *option = option_find(&setup->declared, span_of("memory"));
  int64_t bytes = 0;
  return node && option && option->type == WEIR_OPTION_SIZE && text_size(span_of(node_text(node)), &bytes) ? bytes : 0;
}
