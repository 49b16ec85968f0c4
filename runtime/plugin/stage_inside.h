/* stage_inside.h: what stage.c and host_batch.c share. Nobody else includes it. [lane], but for the tickets and
 * wake_at_ms. */
#ifndef WEIR_PLUGIN_STAGE_INSIDE_H
#define WEIR_PLUGIN_STAGE_INSIDE_H
#include <stdatomic.h>
#include "plugin/host.h"
#include "plugin/stage.h"
#include "plugin/tickets.h"

/* The callback that is running. */
enum stage_phase { PHASE_NONE, PHASE_PROCESS, PHASE_WAKE, PHASE_FLUSH, PHASE_OTHER };

struct stage_partition {
  struct partition *partition;
  void *state;
};

struct stage {
  uint32_t magic;
  enum stage_phase phase;
  struct setup *setup;
  const weir_plugin *plugin;
  void *self;
  struct stage_lane lane;
  struct host host;
  struct portion *current; /* in process() */
  struct ticket *ticket;   /* of `current`, once defer() was called */
  bool spent;              /* a change of `current` found no memory: all of it is RETRY */
  _Atomic bool refused;    /* [any] a call on a batch was refused: the same */
  struct tickets tickets;
  _Atomic int64_t wake_at_ms;         /* [any] INT64_MAX: not asked for */
  struct stage_partition *partitions; /* sorted by pointer */
  uint32_t partition_count, partition_room;
  const char *stack_low, *stack_high;   /* of the lane's thread */
  char version[LIMIT_PLUGIN_NAME + 32]; /* "describe 1.2.0", cut */
  char failure[HOST_SENTENCE_MAX];
};

#endif
