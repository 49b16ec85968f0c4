/* command_offsets.h: what `weir offsets` shows, apart from what it does. */
#ifndef WEIR_COMMAND_OFFSETS_H
#define WEIR_COMMAND_OFFSETS_H
#include <stdbool.h>
#include <stddef.h>
#include "kafka/admin.h"

struct pipeline_file;

/* One partition that a reset or skip was asked for. */
struct offsets_step {
  const struct admin_partition *partition;
  int64_t offset;   /* -1: it is left alone */
  const char *note; /* NULL: none */
};

/* To stdout. */
void offsets_print(const struct pipeline_file *file, const struct admin_group *group,
    const struct admin_partition *partitions, size_t count);
void offsets_print_json(const struct pipeline_file *file, const struct admin_group *group,
    const struct admin_partition *partitions, size_t count);
void offsets_print_plan(const struct pipeline_file *file, const struct offsets_step *steps, size_t count);
/* To stderr: why nothing can be changed now. */
void offsets_print_members(const struct pipeline_file *file, const struct admin_group *group);

#endif
