/* worker.h: one run of a pipeline, from the first screen to the summary. [main] */
#ifndef WEIR_HOST_WORKER_H
#define WEIR_HOST_WORKER_H
#include <stdbool.h>

struct clock;
struct memory_share;
struct pipeline_file;
struct prepared;

/* What is passed outlives the run. */
struct worker {
  const char *version; /* of weir */
  const struct pipeline_file *file;
  const struct memory_share *share;
  struct prepared *prepared; /* not connected */
  const struct clock *clock;
  bool until_end;
  bool json; /* the summary goes to stdout as JSON, too */
};

/* Returns the exit code. signals_block() has been called. Does not return, but ends the process with that code, when a lane is stuck
 * in a stage, since nothing that it uses may be freed, and when the cluster does not answer any more, since librdkafka waits for it. */
int worker_run(const struct worker *worker);

#endif
