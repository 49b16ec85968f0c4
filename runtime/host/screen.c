/* screen.c: see screen.h. */
#include "host/screen.h"
#include "base/error.h"
#include "config/pipeline_file.h"
#include "host/control.h"
#include "host/guarantee.h"
#include "host/prepared.h"
#include "kafka/consumer.h"
#include "plugin/library.h"
#include "plugin/setup.h"
#include <string.h>

enum { TOPICS_SHOWN = 6, PLUGINS_MAX = 3 * 96 };

struct topics {
  FILE *out;
  int count;
};

static void print_topic(void *ctx, const char *topic, int32_t partitions) {
  struct topics *topics = ctx;
  if (topics->count < TOPICS_SHOWN)
    fprintf(
        topics->out, "%s%s (%d partition%s)", topics->count ? ", " : "", topic, partitions, partitions == 1 ? "" : "s");
  topics->count++;
}

static void print_topics(const struct screen *screen, int timeout_ms, FILE *out) {
  struct topics topics = {out, 0};
  struct error err;
  fprintf(out, "  %-14s", "topics");
  bool found = control_describe(screen->control, timeout_ms, print_topic, &topics, &err);
  if (topics.count > TOPICS_SHOWN) fprintf(out, " and %d more", topics.count - TOPICS_SHOWN);
  if (!found) fprintf(out, "%s%s; waiting for it", topics.count ? "; " : "", err.text);
  fputc('\n', out);
}

static void print_some(const struct pipeline_step *steps, uint32_t count, const char *between, FILE *out) {
  for (uint32_t i = 0; i < count; i++) {
    fprintf(out, "%s%s", i ? between : "", steps[i].label);
    if (steps[i].kafka)
      fprintf(out, " (topic %s%s)", steps[i].kafka->topic, steps[i].when ? ", when" : "");
    else if (steps[i].when)
      fputs(" (when)", out);
  }
  if (!count) fputs("none", out);
  fputc('\n', out);
}

void screen_print_steps(const struct pipeline_file *file, FILE *out) {
  fprintf(out, "  %-14s", "stages");
  print_some(file->stages, file->stage_count, " > ", out);
  fprintf(out, "  %-14s", "sinks");
  print_some(file->sinks, file->sink_count, ", ", out);
  if (file->dead_letter) fprintf(out, "  %-14stopic %s\n", "dead letters", file->dead_letter);
}

/* --- versions --- */

struct seen {
  const struct plugin *plugins[PLUGINS_MAX];
  size_t count;
};

static void print_plugin(struct seen *seen, const struct setup *setup, FILE *out) {
  if (!setup) return;
  const struct plugin *plugin = setup_plugin(setup);
  for (size_t i = 0; i < seen->count; i++)
    if (seen->plugins[i]->table == plugin->table) return;
  if (seen->count < PLUGINS_MAX) seen->plugins[seen->count++] = plugin;
  fprintf(out, ", %s %s", plugin->table->name, plugin->table->version);
}

static void print_plugins(
    const struct pipeline_step *steps, uint32_t count, const struct prepared *prepared, struct seen *seen, FILE *out) {
  for (uint32_t i = 0; i < count; i++) {
    print_plugin(seen, prepared_setup(prepared, &steps[i], false), out);
    print_plugin(seen, prepared_setup(prepared, &steps[i], true), out);
  }
}

void screen_print_versions(
    const char *version, const struct pipeline_file *file, const struct prepared *prepared, FILE *out) {
  struct seen seen = {.count = 0};
  fprintf(out, "  %-14sweir %s, librdkafka %s", "versions", version, consumer_library_version());
  print_plugins(file->stages, file->stage_count, prepared, &seen, out);
  print_plugins(file->sinks, file->sink_count, prepared, &seen, out);
  fputc('\n', out);
}

/* --- all of it --- */

static void print_source(const struct screen *screen, int timeout_ms, FILE *out) {
  const struct pipeline_file *file = screen->file;
  fprintf(out, "  %-14s%s\n", "brokers", file->kafka.brokers);
  print_topics(screen, timeout_ms, out);
  fprintf(out, "  %-14s%s, as %s (%s)\n", "group", file->group, prepared_instance(screen->prepared),
      file->instance ? "static member: a restart within the session time-out moves no partition" : "dynamic member");
  fprintf(out, "  %-14s%s, where the group has committed nothing\n", "start", pipeline_start_name(file->start));
}

void screen_print(const struct screen *screen, int timeout_ms, FILE *out) {
  const struct consumer *consumer = control_consumer(screen->control);
  fprintf(out, "weir: pipeline %s (%s)\n", screen->file->pipeline, screen->file->path);
  print_source(screen, timeout_ms, out);
  screen_print_steps(screen->file, out);
  guarantee_print(screen->file, screen->share, false, out);
  fprintf(out, "  %-14s%s: %s\n", "strategy", consumer_strategy(consumer), consumer_strategy_reason(consumer));
  guarantee_print_memory(screen->share, false, out);
  screen_print_versions(screen->version, screen->file, screen->prepared, out);
  fflush(out);
}
