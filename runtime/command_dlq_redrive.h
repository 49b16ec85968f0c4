/* command_dlq_redrive.h: a redrive as it is planned and told. [main] */
#ifndef WEIR_COMMAND_DLQ_REDRIVE_H
#define WEIR_COMMAND_DLQ_REDRIVE_H
#include "command_dlq.h"
#include "kafka/admin.h"

enum { REDRIVE_GROUP_MAX = 160 };

struct redrive_plan {
  const struct pipeline_file *file;
  const struct dlq_choice *choice;
  const char *to;
  char group[REDRIVE_GROUP_MAX];
  bool yes;
  int64_t hops_max, rate; /* rate: records a second, 0: no limit */
  struct admin_readers readers;
  struct dlq_counts *causes;                             /* of what fits, or was sent */
  int64_t retention_ms;                                  /* of the topic, -1: for ever */
  int64_t fit, hopped, unknown, replaced, children, old; /* as the look saw them */
  int64_t sent, left;                                    /* as it was done */
  bool interrupted;
};

/* The group that keeps the progress: one for each pipeline, target and choice. */
void redrive_name_group(struct redrive_plan *plan);
/* Before anything is done; then what would be done, or what was done. With --json all of it comes with the last two. */
void redrive_print_plan(const struct redrive_plan *plan, const struct letters *letters);
void redrive_print_look(const struct redrive_plan *plan);
void redrive_print_result(const struct redrive_plan *plan);

#endif
