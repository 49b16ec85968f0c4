/* prepared.c: see prepared.h. Steps of the plan stand where their steps of the file do: the same index in stages or sinks. */
#include "host/prepared.h"
#include "base/check.h"
#include "base/clock.h"
#include "config/kafka_settings.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include "host/memory.h"
#include "kafka/feed.h"
#include "kafka/producer.h"
#include "pipeline/runner.h"
#include "plugin/setup.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INSTANCE_MAX = 320 };

struct prepared {
  const struct pipeline_file *file;
  struct worker_facts facts;
  char instance[INSTANCE_MAX];
  struct plan plan;
  struct producer *main_producer;   /* of the dead letters and of sinks without brokers or properties of their own */
  struct producer **sink_producers; /* by sink, NULL: it uses the main one */
};

static const char dead_letter_partitioner[] = "murmur2_random";

/* --- plugins --- */

static struct retry_policy policy_of(const struct pipeline_step *step) {
  static const enum on_failure on_failure[] = {
      [ON_FAILURE_DEAD_LETTER] = FAIL_DEAD_LETTER, [ON_FAILURE_STOP] = FAIL_STOP, [ON_FAILURE_DISCARD] = FAIL_DISCARD};
  return (struct retry_policy){step->attempts, step->backoff_ms, step->backoff_max_ms, on_failure[step->on_failure]};
}

static bool open_setup(struct prepared *prepared, const struct pipeline_step *from, struct step *step, uint32_t role,
    struct report *report) {
  if (from->kafka) return true;
  const struct setup_request request = {from->plugin, from->label, role, from->options, from->node};
  step->setup = setup_open(&request, &prepared->facts, report);
  return step->setup != NULL;
}

static bool open_guard(
    struct prepared *prepared, const struct pipeline_step *from, struct step *step, struct report *report) {
  if (!from->when) return true;
  const struct setup_request request = {"lua", from->label, WEIR_TRANSFORM, from->when, from->node};
  step->when = setup_open(&request, &prepared->facts, report);
  return step->when != NULL;
}

static bool open_step(struct prepared *prepared, const struct pipeline_step *from, struct step *step, uint32_t role,
    struct report *report) {
  *step = (struct step){.label = from->label, .policy = policy_of(from), .deadline_ms = from->deadline_ms};
  if (from->kafka) {
    step->keep_partition = from->kafka->keep_partition;
    step->allow_routes = from->kafka->route_count > 0;
    step->routes = from->kafka->routes;
    step->route_count = from->kafka->route_count;
  }
  bool guarded = open_guard(prepared, from, step, report);
  return open_setup(prepared, from, step, role, report) && guarded;
}

/* Every step is tried, so that one report has the errors of all. */
static bool open_steps(struct prepared *prepared, struct report *report) {
  const struct pipeline_file *file = prepared->file;
  struct plan *plan = &prepared->plan;
  bool ok = true;
  for (uint32_t i = 0; i < file->stage_count; i++)
    ok = open_step(prepared, &file->stages[i], &plan->stages[i], WEIR_TRANSFORM, report) && ok;
  for (uint32_t i = 0; i < file->sink_count; i++)
    ok = open_step(prepared, &file->sinks[i], &plan->sinks[i], WEIR_SINK, report) && ok;
  return ok;
}

/* --- life --- */

static void name_instance(struct prepared *prepared) {
  char host[256] = "worker";
  gethostname(host, sizeof host - 1);
  if (prepared->file->instance)
    snprintf(prepared->instance, sizeof prepared->instance, "%s", prepared->file->instance);
  else
    snprintf(prepared->instance, sizeof prepared->instance, "%s-%ld", host, (long)getpid());
}

static void make_plan(struct prepared *prepared, const struct memory_share *share, const struct clock *clock) {
  const struct pipeline_file *file = prepared->file;
  struct plan *plan = &prepared->plan;
  plan->pipeline = file->pipeline;
  plan->group = file->group;
  plan->version = WEIR_VERSION;
  plan->stage_count = file->stage_count;
  plan->sink_count = file->sink_count;
  plan->clock = clock;
  plan->source = feed_source();
  plan->batches = share->batches;
  plan->batch_records = file->batch_records;
  plan->batch_bytes_max = (size_t)share->batch_arena;
}

static bool make_room(struct prepared *prepared) {
  const struct pipeline_file *file = prepared->file;
  prepared->plan.stages = calloc(file->stage_count + 1, sizeof(struct step));
  prepared->plan.sinks = calloc(file->sink_count + 1, sizeof(struct step));
  prepared->sink_producers = calloc(file->sink_count + 1, sizeof(struct producer *));
  return prepared->plan.stages && prepared->plan.sinks && prepared->sink_producers;
}

struct prepared *prepared_open(const struct pipeline_file *file, const struct plugin_path *path,
    const struct memory_share *share, const struct clock *clock, struct metrics *metrics, struct report *report) {
  struct prepared *prepared = calloc(1, sizeof *prepared);
  if (!prepared) {
    report_add(report, NULL, "the machine has no memory for the pipeline");
    return NULL;
  }
  prepared->file = file;
  name_instance(prepared);
  prepared->facts = (struct worker_facts){.pipeline = file->pipeline,
      .group = file->group,
      .instance = prepared->instance,
      .directory = file->directory,
      .clock = clock,
      .path = path,
      .metrics = metrics,
      .lanes = share->lanes};
  make_plan(prepared, share, clock);
  if (!make_room(prepared))
    report_add(report, NULL, "the machine has no memory for the pipeline");
  else if (open_steps(prepared, report))
    return prepared;
  prepared_close(prepared);
  return NULL;
}

static void close_steps(struct step *steps, uint32_t count) {
  for (uint32_t i = 0; steps && i < count; i++) {
    setup_close(steps[i].when);
    setup_close(steps[i].setup);
  }
  free(steps);
}

void prepared_close(struct prepared *prepared) {
  if (!prepared) return;
  must(!prepared->main_producer);
  close_steps(prepared->plan.stages, prepared->plan.stage_count);
  close_steps(prepared->plan.sinks, prepared->plan.sink_count);
  free(prepared->sink_producers);
  free(prepared);
}

/* --- writers --- */

static bool has_its_own(const struct kafka_sink_options *sink) {
  return sink->kafka.brokers || sink->kafka.property_count > 0;
}

static bool open_main_producer(struct prepared *prepared, struct error *err) {
  if (prepared->main_producer) return true;
  prepared->main_producer = producer_open(prepared->file, NULL, prepared->facts.lanes, err);
  return prepared->main_producer != NULL;
}

/* The producer of a Kafka sink. NULL: err. */
static struct producer *producer_of(struct prepared *prepared, uint32_t index, struct error *err) {
  const struct kafka_sink_options *sink = prepared->file->sinks[index].kafka;
  if (!has_its_own(sink)) return open_main_producer(prepared, err) ? prepared->main_producer : NULL;
  if (!prepared->sink_producers[index])
    prepared->sink_producers[index] = producer_open(prepared->file, sink, prepared->facts.lanes, err);
  return prepared->sink_producers[index];
}

static bool connect_sink(struct prepared *prepared, uint32_t index, struct error *err) {
  const struct kafka_sink_options *sink = prepared->file->sinks[index].kafka;
  struct step *step = &prepared->plan.sinks[index];
  if (!sink) return true;
  struct producer *producer = producer_of(prepared, index, err);
  if (producer) step->writer = producer_writer(producer, sink->topic, sink->partitioner, step->allow_routes, err);
  return step->writer || error_wrap(err, "sink %s", step->label);
}

static bool connect_dead_letter(struct prepared *prepared, struct error *err) {
  const char *topic = prepared->file->dead_letter;
  if (!topic) return true;
  if (open_main_producer(prepared, err))
    prepared->plan.dead_letter = producer_writer(prepared->main_producer, topic, dead_letter_partitioner, false, err);
  return prepared->plan.dead_letter || error_wrap(err, "dead letters");
}

bool prepared_connect(struct prepared *prepared, struct error *err) {
  bool ok = connect_dead_letter(prepared, err);
  for (uint32_t i = 0; ok && i < prepared->file->sink_count; i++) ok = connect_sink(prepared, i, err);
  if (!ok) prepared_disconnect(prepared, 0);
  return ok;
}

/* A topic's limit counts compressed bytes: how many these are is the broker's to say. */
static bool compresses(const struct kafka_settings *kafka) {
  const char *type = kafka_property_value(kafka, "compression.type");
  const char *codec = kafka_property_value(kafka, "compression.codec");
  return (type && strcmp(type, "none") != 0) || (codec && strcmp(codec, "none") != 0);
}

bool prepared_check_topics(struct prepared *prepared, int timeout_ms, struct error *err) {
  const struct pipeline_file *file = prepared->file;
  int64_t message_bytes_max;
  for (uint32_t i = 0; i < file->sink_count; i++) {
    const struct kafka_sink_options *sink = file->sinks[i].kafka;
    if (!sink) continue;
    struct producer *producer = producer_of(prepared, i, err);
    if (!producer || !producer_check_topic(producer, sink->topic, timeout_ms, &message_bytes_max, err))
      return error_wrap(err, "sink %s", file->sinks[i].label);
  }
  if (!file->dead_letter) return true;
  if (!producer_check_topic(prepared->main_producer, file->dead_letter, timeout_ms, &message_bytes_max, err))
    return error_wrap(err, "dead letters");
  if (message_bytes_max > 0 && !compresses(&file->kafka)) prepared->plan.dead_letter_bytes_max = message_bytes_max;
  return true;
}

void prepared_disconnect(struct prepared *prepared, int flush_ms) {
  for (uint32_t i = 0; i < prepared->file->sink_count; i++) {
    producer_close(prepared->sink_producers[i], flush_ms);
    prepared->sink_producers[i] = NULL;
  }
  producer_close(prepared->main_producer, flush_ms);
  prepared->main_producer = NULL;
}

/* --- what others may know --- */

const struct plan *prepared_plan(const struct prepared *prepared) { return &prepared->plan; }
const char *prepared_instance(const struct prepared *prepared) { return prepared->instance; }

const struct setup *prepared_setup(const struct prepared *prepared, const struct pipeline_step *step, bool guard) {
  const struct pipeline_file *file = prepared->file;
  bool is_stage = step >= file->stages && step < file->stages + file->stage_count;
  const struct step *planned =
      is_stage ? &prepared->plan.stages[step - file->stages] : &prepared->plan.sinks[step - file->sinks];
  return guard ? planned->when : planned->setup;
}

static int64_t granted_to(const struct step *steps, uint32_t steps_count, uint32_t *count) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < steps_count; i++) {
    int64_t own = steps[i].setup ? setup_memory(steps[i].setup) : 0;
    int64_t guard = steps[i].when ? setup_memory(steps[i].when) : 0;
    *count += (own > 0) + (guard > 0);
    sum += own + guard;
  }
  return sum;
}

int64_t prepared_granted(const struct prepared *prepared, uint32_t *count) {
  const struct plan *plan = &prepared->plan;
  *count = 0;
  return granted_to(plan->stages, plan->stage_count, count) + granted_to(plan->sinks, plan->sink_count, count);
}
