/* failpoint.c: see failpoint.h. */
#include "base/failpoint.h"

#ifdef WEIR_FAILPOINTS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"

/* What the environment asks for; set once. */
static struct {
  const char *name; /* NULL: nothing */
  size_t name_size;
  unsigned passing;
  const char *log; /* NULL: none */
} wanted;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_environment(void) {
  wanted.log = getenv("WEIR_FAILPOINT_LOG");
  const char *text = getenv("WEIR_FAILPOINT"), *colon = text ? strchr(text, ':') : NULL;
  if (!colon) return;
  wanted.name_size = (size_t)(colon - text);
  wanted.passing = (unsigned)strtoul(colon + 1, NULL, 10);
  must(wanted.passing > 0);
  wanted.name = text;
}

/* One write for a line: several threads and workers append to the file. */
static void note(const char *verb, const char *name, unsigned passing) {
  char line[128];
  int size = passing ? snprintf(line, sizeof line, "%s %s %u\n", verb, name, passing)
                     : snprintf(line, sizeof line, "%s %s\n", verb, name);
  must(size > 0 && size < (int)sizeof line);
  int file = open(wanted.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  must(file >= 0);
  must(write(file, line, (size_t)size) == size);
  close(file);
}

static bool is_wanted(const char *name) {
  return wanted.name && strlen(name) == wanted.name_size && memcmp(name, wanted.name, wanted.name_size) == 0;
}

void failpoint_pass(struct failpoint *point) {
  pthread_once(&once, read_environment);
  unsigned passing = atomic_fetch_add_explicit(&point->passes, 1, memory_order_relaxed) + 1;
  if (passing == 1 && wanted.log) note("passed", point->name, 0);
  if (!wanted.name || passing != wanted.passing || !is_wanted(point->name)) return;
  if (wanted.log) note("killed", point->name, passing);
  kill(getpid(), SIGKILL);
  for (;;) pause(); /* it may take a moment to arrive: nothing happens behind the point */
}

bool failpoint_is_built(void) { return true; }
#else
bool failpoint_is_built(void) { return false; }
#endif
