/* pipeline_labels.c: labels stand in logs, metrics and dead letters, so no two steps share one. What a user wrote stays as it
 * is; what comes from a plugin's or script's name makes room: describe, describe-2. */
#include "base/check.h"
#include "base/limits.h"
#include "config/node.h"
#include "config/pipeline_reading.h"
#include "config/report.h"
#include <stdio.h>
#include <string.h>

/* Stages and sinks as one row. */
static struct pipeline_step *step_at(const struct pipeline_file *file, uint32_t index) {
  return index < file->stage_count ? &file->stages[index] : &file->sinks[index - file->stage_count];
}

static const struct pipeline_step *labelled(const struct pipeline_file *file, const char *label, uint32_t before) {
  for (uint32_t i = 0; i < before; i++) {
    const struct pipeline_step *step = step_at(file, i);
    if (step->label && strcmp(step->label, label) == 0) return step;
  }
  return NULL;
}

/* A file's name without folder and ending ("lua/describe.lua" -> "describe"); bytes that no label has become _. Room for a
 * number is left. */
static void base_name(char into[LIMIT_LABEL + 1], const char *path, bool is_file) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
  size_t size = is_file && dot && dot > name ? (size_t)(dot - name) : strlen(name);
  if (size > LIMIT_LABEL - 4) size = LIMIT_LABEL - 4;
  for (size_t i = 0; i < size; i++) {
    char one[2] = {name[i], 0};
    into[i] = pipeline_is_label(one) ? name[i] : '_';
  }
  into[size] = 0;
  if (!size) memcpy(into, "stage", sizeof "stage");
}

static const char *source_of(const struct pipeline_step *step) {
  const struct weir_config *script = step->form == FORM_LUA ? node_find(step->options, "script") : NULL;
  switch (step->form) {
  case FORM_PLUGIN: return step->plugin;
  case FORM_LUA: return script ? node_text(script) : NULL;
  case FORM_KEEP: return "keep";
  case FORM_EACH: return "each";
  }
  must_not_reach();
}

static void give(struct pipeline_reading *reading, struct pipeline_step *step, uint32_t step_count) {
  char name[LIMIT_LABEL + 1], label[LIMIT_LABEL + 16];
  const char *source = source_of(step);
  base_name(name, source ? source : "stage", source && (step->form == FORM_LUA || strchr(source, '/')));
  snprintf(label, sizeof label, "%s", name);
  for (uint32_t number = 2; labelled(reading->file, label, step_count); number++)
    snprintf(label, sizeof label, "%s-%u", name, number);
  step->label = arena_copy(reading->arena, label, strlen(label));
  if (!step->label) report_add(reading->report, step->node, "no memory for this entry");
}

void pipeline_labels_give(struct pipeline_reading *reading) {
  struct pipeline_file *file = reading->file;
  uint32_t step_count = file->stage_count + file->sink_count;
  for (uint32_t i = 0; i < step_count; i++) {
    const struct pipeline_step *step = step_at(file, i);
    const struct pipeline_step *other = step->label ? labelled(file, step->label, i) : NULL;
    if (other)
      report_add(reading->report, node_find(step->node, "name"), "the name %s is taken by the entry in line %u",
          step->label, other->node->line);
  }
  for (uint32_t i = 0; i < step_count; i++)
    if (!step_at(file, i)->label) give(reading, step_at(file, i), step_count);
}
