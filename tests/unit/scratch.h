/* scratch.h: a folder of a test's own, removed behind it, and files in it. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_folder[128];

/* cmocka setup. */
static inline int scratch_open(void **state) {
  (void)state;
  snprintf(scratch_folder, sizeof scratch_folder, "/tmp/weir-test-XXXXXX");
  return mkdtemp(scratch_folder) ? 0 : -1;
}

static inline int scratch_remove(const char *path, const struct stat *status, int type, struct FTW *walk) {
  (void)status, (void)type, (void)walk;
  return remove(path);
}

/* cmocka teardown. */
static inline int scratch_close(void **state) {
  (void)state;
  return nftw(scratch_folder, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file in it; valid until the next call but three. */
static inline const char *scratch_path(const char *name) {
  static char paths[4][256];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
  return path;
}

/* Writes a file; returns its path. */
static inline const char *scratch_write(const char *name, const char *text) {
  const char *path = scratch_path(name);
  FILE *file = fopen(path, "w");
  if (!file || fputs(text, file) < 0 || fclose(file) != 0) abort();
  return path;
}

#endif
