/* pipeline_reading.h: what the files that read a pipeline share while they do. Not for others. */
#ifndef WEIR_CONFIG_PIPELINE_READING_H
#define WEIR_CONFIG_PIPELINE_READING_H
#include "base/arena.h"
#include "config/pipeline_file.h"

struct settings;

/* The one allocation behind a pipeline file; the tree and all strings lie in the arena. */
struct pipeline_memory {
  struct pipeline_file file;
  struct arena arena;
};

struct pipeline_reading {
  struct pipeline_file *file;
  struct arena *arena;
  struct report *report;
};

/* Reads `stages` and `sinks` (pipeline_steps.c). dead_letter has been read before. */
void pipeline_steps_read(struct pipeline_reading *reading, struct settings *top);
/* Asks overrides->judge about each plugin whose name is one. */
void pipeline_steps_judge(struct pipeline_reading *reading, const struct pipeline_overrides *overrides);
/* Gives each step its label, unique in the pipeline (pipeline_labels.c). Steps with `name` come with theirs. */
void pipeline_labels_give(struct pipeline_reading *reading);
/* What one key alone cannot tell (pipeline_checks.c). */
void pipeline_checks_make(struct pipeline_reading *reading);

/* Letters, digits, '.', '_' and '-', 1 to LIMIT_LABEL of them. */
bool pipeline_is_label(const char *text);

#endif
