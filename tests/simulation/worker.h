/* worker.h: the pipeline of a seed, and one worker's life with it: the real worker_run(). */
#ifndef WEIR_SIMULATION_WORKER_H
#define WEIR_SIMULATION_WORKER_H
#include <stdbool.h>
#include <stdint.h>

struct process;

/* Chooses the pipeline of this seed, by the rules of checks.h. */
void pipeline_choose(void);
/* Starts a worker in that place. */
void worker_start(struct process *process);

#endif
