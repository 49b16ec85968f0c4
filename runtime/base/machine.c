/* machine.c: a container's limit is a quota, which sched_getaffinity() does not know: without it a worker with two CPUs' worth
 * of time on a machine of 64 would start 64 lanes. */
#include "base/machine.h"
#include "base/file.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* A small file of /sys or /proc, to free(); NULL: it is not there. */
static char *read_small(const char *folder, const char *name) {
  char *path = file_join(folder, name), *bytes = NULL;
  size_t size = 0;
  if (path) file_read(path, 1 << 16, &bytes, &size, NULL);
  free(path);
  return bytes;
}

static uint32_t cpus_of(int64_t quota, int64_t period) {
  if (quota <= 0 || period <= 0) return 0;
  int64_t cpus = quota / period + (quota % period != 0);
  return cpus > UINT32_MAX ? UINT32_MAX : (uint32_t)cpus;
}

static int64_t number_in(const char *folder, const char *name) {
  char *bytes = read_small(folder, name);
  int64_t number = bytes ? strtoll(bytes, NULL, 10) : 0;
  free(bytes);
  return number;
}

uint32_t machine_quota_cpus(const char *folder) {
  char *bytes = read_small(folder, "cpu.max"); /* "max 100000" or "150000 100000" */
  if (!bytes) return cpus_of(number_in(folder, "cpu.cfs_quota_us"), number_in(folder, "cpu.cfs_period_us"));
  char *end;
  int64_t quota = strtoll(bytes, &end, 10); /* "max": no number, no quota */
  uint32_t cpus = end > bytes ? cpus_of(quota, strtoll(end, NULL, 10)) : 0;
  free(bytes);
  return cpus;
}

/* The least quota of a cgroup and all above it. `path` is cut on the way up. */
static uint32_t least_quota(const char *mount, char *path, uint32_t cpus) {
  for (;;) {
    char *folder = NULL;
    if (asprintf(&folder, "%s%s", mount, path) < 0) return cpus;
    uint32_t quota = machine_quota_cpus(folder);
    free(folder);
    if (quota) cpus = least(cpus, quota);
    char *slash = strrchr(path, '/');
    if (!slash) return cpus;
    *slash = 0;
  }
}

/* Of a line of /proc/self/cgroup, "0::/path" or "3:cpu,cpuacct:/path". */
static uint32_t quota_of_line(char *line, uint32_t cpus) {
  char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!path) return cpus;
  *path++ = 0;
  controllers++;
  if (!*controllers) return least_quota("/sys/fs/cgroup", path, cpus);
  char *rest = NULL;
  for (char *name = strtok_r(controllers, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
    if (strcmp(name, "cpu") == 0) return least_quota("/sys/fs/cgroup/cpu", path, cpus);
  return cpus;
}

uint32_t machine_cpus(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  /* It fails on machines of more than 1,024 CPUs, where so many lanes are not what is wanted either. */
  uint32_t cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : CPU_SETSIZE;
  char *bytes = read_small("/proc/self", "cgroup"), *rest = bytes;
  for (char *line = rest ? strsep(&rest, "\n") : NULL; line; line = rest ? strsep(&rest, "\n") : NULL)
    cpus = quota_of_line(line, cpus);
  free(bytes);
  return cpus ? cpus : 1;
}
