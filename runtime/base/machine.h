/* machine.h: what this machine lets us use. */
#ifndef WEIR_BASE_MACHINE_H
#define WEIR_BASE_MACHINE_H
#include <stdint.h>

/* Threads that can run at once: the least of the affinity mask and the CPU quota of our cgroup and those above it (rounded up),
 * at least 1. */
uint32_t machine_cpus(void);
/* The quota alone, for one folder of a cgroup (v2: cpu.max; v1: cpu.cfs_quota_us and cpu.cfs_period_us). 0: no quota. */
uint32_t machine_quota_cpus(const char *folder);

#endif
