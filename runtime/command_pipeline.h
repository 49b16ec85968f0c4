/* command_pipeline.h: what `weir run` and `weir check` begin with: the file read, its plugins loaded, its memory divided. [main] */
#ifndef WEIR_COMMAND_PIPELINE_H
#define WEIR_COMMAND_PIPELINE_H
#include <stdbool.h>
#include "arguments.h"
#include "config/report.h"
#include "host/memory.h"

struct metrics;
struct pipeline_file;
struct plugin_path;
struct prepared;

struct command_pipeline {
  struct report report;
  struct pipeline_file *file;
  struct plugin_path *path;
  struct metrics *metrics;
  struct memory_share share;
  struct prepared *prepared;
};

struct command_pipeline_wish {
  const char *file;
  const char *instance; /* NULL: the file's own */
  int64_t lanes;        /* 0: the file's own */
  const struct argument_texts *plugin_folders;
  bool measure; /* register metrics */
};

/* False: `report` has what is wrong; command_pipeline_close() is still due. */
bool command_pipeline_open(struct command_pipeline *pipeline, const struct command_pipeline_wish *wish);
void command_pipeline_close(struct command_pipeline *pipeline);

#endif
