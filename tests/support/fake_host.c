/* fake_host.c: one plugin instance through its life, as the real host would lead it. */
#include "fake_internal.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void fake_misbehaving(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "plugin misbehaving: ");
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  va_end(args);
  abort();
}

void fake_on_lane(const weir_host *host, const char *function) {
  struct fake_host *fake = host->ctx;
  fake_rule(pthread_equal(pthread_self(), fake->lane), "%s() from a thread that is not the lane's", function);
}

/* ---- Loading ---- */

static void descriptor_check(const weir_plugin *plugin) {
  fake_rule(WEIR_REACHES(plugin, weir_plugin, process), "its descriptor is too short");
  fake_rule(plugin->abi_major == WEIR_ABI_MAJOR, "ABI major %u", plugin->abi_major);
  fake_rule(plugin->name && plugin->version && plugin->summary, "no name, version or summary");
  fake_rule(plugin->roles & (WEIR_TRANSFORM | WEIR_SINK), "no role");
  fake_rule(plugin->create && plugin->destroy && plugin->process, "create, destroy or process is missing");
  fake_rule(!plugin->options || plugin->option_stride >= sizeof(weir_option), "its option stride is too small");
}

static const weir_plugin *plugin_load(const char *library, const char *name) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle) fake_misbehaving("%s", dlerror());
  const weir_plugin *(*entry)(uint32_t);
  *(void **)&entry = dlsym(handle, "weir_plugin_v1");
  fake_rule(entry, "%s does not export weir_plugin_v1", library);
  for (uint32_t index = 0;; index++) {
    const weir_plugin *plugin = entry(index);
    fake_rule(plugin, "%s offers no plugin '%s'", library, name ? name : "");
    descriptor_check(plugin);
    if (!name || strcmp(plugin->name, name) == 0) return plugin;
  }
}

static void replace(char **text, const char *with) {
  free(*text);
  *text = strdup(with);
}

static void worker_fill(struct fake_host *fake) {
  fake->worker = (weir_worker){.size = sizeof fake->worker,
      .pipeline = weir_text("fake"),
      .group = weir_text("fake-group"),
      .instance = weir_text(fake->instance),
      .directory = weir_text(fake->directory)};
}

struct fake_host *fake_host_open(const char *library, const char *name) {
  struct fake_host *fake = calloc(1, sizeof *fake);
  fake->plugin = plugin_load(library, name);
  fake->table = (weir_host){.size = sizeof fake->table,
      .abi_major = WEIR_ABI_MAJOR,
      .abi_minor = WEIR_ABI_MINOR,
      .ctx = fake,
      .name = weir_text("stage"),
      .lanes = 1,
      .role = fake->plugin->roles & WEIR_TRANSFORM ? WEIR_TRANSFORM : WEIR_SINK};
  fake_config_functions(&fake->table);
  fake_service_functions(&fake->table);
  replace(&fake->directory, "/nonexistent");
  replace(&fake->instance, "fake-1");
  replace(&fake->file, "pipeline.yaml");
  worker_fill(fake);
  fake->line = 1;
  fake->lane = pthread_self();
  pthread_mutex_init(&fake->lock, NULL);
  pthread_cond_init(&fake->changed, NULL);
  fake->now_ms = 1000000;
  fake->wall_ms = 1700000000000;
  fake->next_ticket = fake->next_epoch = 1;
  fake->budget = (size_t)1 << 30;
  fake->emit_limit = UINT32_MAX;
  return fake;
}

void fake_host_options(struct fake_host *fake, const char *yaml) { replace(&fake->options, yaml ? yaml : ""); }

void fake_host_place(struct fake_host *fake, const char *file, uint32_t line) {
  replace(&fake->file, file);
  fake->line = line;
}

void fake_host_directory(struct fake_host *fake, const char *directory) {
  replace(&fake->directory, directory);
  worker_fill(fake);
}

void fake_host_instance(struct fake_host *fake, const char *instance) {
  replace(&fake->instance, instance);
  worker_fill(fake);
}

void fake_host_role(struct fake_host *fake, uint32_t role) { fake->table.role = role; }

void fake_host_lane(struct fake_host *fake, uint32_t lane, uint32_t lanes) {
  fake->table.lane = lane;
  fake->table.lanes = lanes;
}

void fake_host_budget(struct fake_host *fake, size_t bytes) { fake->budget = bytes; }
void fake_host_emit_limit(struct fake_host *fake, uint32_t count) { fake->emit_limit = count; }

/* ---- Start ---- */

static bool refuse(struct fake_host *fake, const struct weir_config *node, const char *text) {
  fake->table.fail(&fake->table, node, weir_text(text));
  return false;
}

static bool options_check(struct fake_host *fake) {
  const weir_plugin *plugin = fake->plugin;
  struct weir_config *config = fake->config;
  char text[512];
  const struct weir_config *wrong =
      fake_config_check(config, plugin->options, plugin->option_count, plugin->option_stride, text, sizeof text);
  if (wrong) return refuse(fake, wrong, text);
  config->options = plugin->options;
  config->option_count = plugin->option_count;
  config->option_stride = plugin->option_stride;
  config->fallbacks = calloc(plugin->option_count + 1, sizeof *config->fallbacks);
  return true;
}

/* What a script declares, nothing included. */
static bool more_options_check(struct fake_host *fake) {
  uint32_t count = 0;
  char text[512];
  if (!WEIR_HAS(fake->plugin, weir_plugin, more_options)) return true;
  const weir_option *options = fake->plugin->more_options(fake->shared, &count);
  const struct weir_config *tree = fake_config_find(fake->config, "options");
  struct weir_config *empty = tree ? NULL : fake_config_parse("", fake->file, fake->line);
  const struct weir_config *wrong =
      fake_config_check(tree ? tree : empty, options, count, sizeof(weir_option), text, sizeof text);
  bool fits = !wrong || refuse(fake, wrong, text);
  fake_config_free(empty);
  return fits;
}

bool fake_host_prepare(struct fake_host *fake) {
  fake_rule(!fake->prepared, "the test prepares twice");
  fake->failure[0] = 0;
  if (!fake->config) fake->config = fake_config_parse(fake->options, fake->file, fake->line);
  if (!options_check(fake)) return false;
  uint32_t lane = fake->table.lane;
  fake->table.lane = 0;
  int32_t result = fake->plugin->prepare ? fake->plugin->prepare(&fake->table, fake->config, &fake->shared) : 0;
  fake->table.lane = lane;
  if (result < 0) {
    fake_rule(fake->failure[0], "prepare() failed without saying why");
    return false;
  }
  fake->prepared = true;
  return more_options_check(fake);
}

bool fake_host_start(struct fake_host *fake) {
  if (!fake->prepared && !fake_host_prepare(fake)) return false;
  fake->failure[0] = 0;
  if (fake->plugin->create(&fake->table, fake->config, fake->shared, &fake->self) < 0) {
    fake_rule(fake->failure[0], "create() failed without saying why");
    return false;
  }
  fake->created = true;
  return fake_host_assign(fake, "in", 0);
}

const char *fake_host_failure(const struct fake_host *fake) { return fake->failure; }

/* ---- Partitions ---- */

static struct fake_partition *partition_find(struct fake_host *fake, const char *topic, int32_t number) {
  struct fake_partition *partition = fake->partitions;
  while (partition && (partition->public.partition != number || strcmp(partition->topic, topic) != 0))
    partition = partition->next;
  return partition;
}

static struct fake_partition *partition_new(struct fake_host *fake, const char *topic, int32_t number) {
  struct fake_partition *partition = calloc(1, sizeof *partition);
  partition->topic = strdup(topic);
  partition->public =
      (weir_partition){.size = sizeof(weir_partition), .partition = number, .topic = weir_text(partition->topic)};
  partition->next = fake->partitions;
  return fake->partitions = partition;
}

bool fake_host_assign(struct fake_host *fake, const char *topic, int32_t number) {
  fake_rule(fake->created, "the test assigns before create()");
  struct fake_partition *partition = partition_find(fake, topic, number);
  if (!partition) partition = partition_new(fake, topic, number);
  fake->current = partition;
  if (partition->assigned) return true;
  partition->state = NULL;
  partition->public.epoch = fake->next_epoch++;
  fake->failure[0] = 0;
  if (WEIR_HAS(fake->plugin, weir_plugin, assigned) &&
      fake->plugin->assigned(fake->self, &partition->public, &partition->state) < 0) {
    fake_rule(fake->failure[0], "assigned() failed without saying why");
    return false;
  }
  return partition->assigned = true;
}

static void partition_revoke(struct fake_host *fake, struct fake_partition *partition, int32_t why) {
  if (!partition->assigned) return;
  if (WEIR_HAS(fake->plugin, weir_plugin, revoked))
    fake->plugin->revoked(fake->self, &partition->public, partition->state, why);
  partition->assigned = false;
}

void fake_host_revoke(struct fake_host *fake, int32_t why) { partition_revoke(fake, fake->current, why); }

/* resume() opens batches until the callback returns. */
static void resumed_close(struct fake_host *fake) {
  pthread_mutex_lock(&fake->lock);
  for (struct fake_batch *batch = fake->batches; batch; batch = batch->next) {
    if (!batch->open) continue;
    batch->open = false;
    if (fake_batch_left(batch) == 0) fake_batch_seal(batch);
  }
  pthread_mutex_unlock(&fake->lock);
}

void fake_host_flush(struct fake_host *fake, int32_t why) {
  if (!WEIR_HAS(fake->plugin, weir_plugin, flush)) return;
  fake->plugin->flush(fake->self, NULL, why, fake->now_ms + 1000);
  resumed_close(fake);
}

/* ---- Clock ---- */

void fake_host_pass(struct fake_host *fake, int64_t ms) {
  pthread_mutex_lock(&fake->lock);
  fake->now_ms += ms;
  fake->wall_ms += ms;
  pthread_mutex_unlock(&fake->lock);
}

bool fake_host_wake(struct fake_host *fake) {
  pthread_mutex_lock(&fake->lock);
  bool due = fake->wake_asked && fake->wake_at <= fake->now_ms;
  if (due) fake->wake_asked = false;
  int64_t now_ms = fake->now_ms;
  pthread_mutex_unlock(&fake->lock);
  if (!due || !fake->created || !WEIR_HAS(fake->plugin, weir_plugin, wake)) return false;
  fake->plugin->wake(fake->self, now_ms);
  resumed_close(fake);
  return true;
}

/* ---- What was seen ---- */

int64_t fake_host_metric(struct fake_host *fake, const char *name) {
  struct weir_metric *metric = fake->metrics;
  while (metric && strcmp(metric->name, name) != 0) metric = metric->next;
  return metric ? metric->value : 0;
}

bool fake_host_logged(const struct fake_host *fake, weir_level level, const char *part) {
  for (const struct fake_line *line = fake->lines; line; line = line->next)
    if (line->level == level && strstr(line->text, part)) return true;
  return false;
}

/* ---- End ---- */

void fake_host_stop(struct fake_host *fake) {
  for (struct fake_partition *partition = fake->partitions; partition; partition = partition->next)
    partition_revoke(fake, partition, WEIR_REVOKED);
  if (fake->created) fake->plugin->destroy(fake->self);
  fake->created = false;
  fake_kept_check(fake);
  if (fake->prepared && fake->plugin->release) fake->plugin->release(fake->shared);
  fake->prepared = false;
}

static void partitions_free(struct fake_partition *partition) {
  while (partition) {
    struct fake_partition *next = partition->next;
    free(partition->topic);
    free(partition);
    partition = next;
  }
}

static void seen_free(struct fake_host *fake) {
  while (fake->metrics) {
    struct weir_metric *next = fake->metrics->next;
    free(fake->metrics->name);
    free(fake->metrics);
    fake->metrics = next;
  }
  while (fake->lines) {
    struct fake_line *next = fake->lines->next;
    free(fake->lines->text);
    free(fake->lines);
    fake->lines = next;
  }
}

void fake_host_close(struct fake_host *fake) {
  if (!fake) return;
  fake_host_stop(fake);
  while (fake->batches) fake_batch_free(fake->batches);
  partitions_free(fake->partitions);
  seen_free(fake);
  fake_config_free(fake->config);
  pthread_mutex_destroy(&fake->lock);
  pthread_cond_destroy(&fake->changed);
  free(fake->directory);
  free(fake->instance);
  free(fake->options);
  free(fake->file);
  free(fake);
}
