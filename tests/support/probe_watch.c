/* probe_watch.c: looks at a group again and again until it is told to end, and keeps what it saw in a file for `verify --commits`.
 * A line each: "end PLACE TOPIC PARTITION OFFSET" (PLACE as in history.h, TOPIC counts the outputs) and, behind the ends that
 * belong to it, "commit MILLISECONDS PARTITION OFFSET". */
#include "probe.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 5, LINE_ROOM = 128 };

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

struct watch {
  FILE *out;
  int64_t start_us;
  int commits;
};

static void write_end(void *ctx, enum history_place place, int32_t topic, int32_t partition, int64_t offset) {
  fprintf(((struct watch *)ctx)->out, "end %d %d %d %lld\n", (int)place, topic, partition, (long long)offset);
}

static void write_commit(void *ctx, int32_t partition, int64_t offset) {
  struct watch *watch = ctx;
  fprintf(watch->out, "commit %lld %d %lld\n", (long long)((now_us() - watch->start_us) / 1000), partition,
      (long long)offset);
  watch->commits++;
}

int command_watch(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(
      &arguments, argc, argv, (const char *const[]){"--every=", "--for=", "--out=", "--output=", "--dead=", NULL});
  const char *group = arguments_word(&arguments, 0, "a group");
  const char *source = arguments_word(&arguments, 1, "a topic");
  const char *path = arguments_text(&arguments, "--out", NULL);
  int64_t every_us = arguments_time(&arguments, "--every", 50) * 1000,
          for_us = arguments_time(&arguments, "--for", 0) * 1000;
  struct watch watch = {.out = path ? fopen(path, "w") : stdout, .start_us = now_us()};
  if (!watch.out) probe_fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  struct looker *looker = looker_open(&arguments, group, source);
  const struct look_events events = {&watch, write_end, write_commit};
  int looks = 0;
  bool last = false;
  for (int64_t at_us = watch.start_us; !last; at_us += every_us) {
    sleep_until_us(at_us);
    last = stopping || (for_us && at_us >= watch.start_us + for_us); /* what was committed by now is seen, too */
    if (now_us() > at_us + every_us) at_us = now_us();               /* what is late is not made up for */
    if (!looker_look(looker, false, &events)) continue;              /* the broker may be away: that is nothing seen */
    fflush(watch.out);
    looks++;
  }
  printf("%s: looked %d times, saw %d commits\n", group, looks, watch.commits);
  looker_close(looker);
  if (path) fclose(watch.out);
  return EXIT_FINE;
}

/* --- reading it back --- */

/* The numbers of a line into `numbers`; returns how many. */
static int numbers_of(const char *line, int64_t *numbers) {
  int count = 0;
  for (const char *at = strchr(line, ' '); at && count < WORDS_MAX; at = strchr(at + 1, ' '))
    numbers[count++] = strtoll(at, NULL, 10);
  return count;
}

void watch_read(const char *path, struct history *history) {
  FILE *file = fopen(path, "r");
  if (!file) probe_fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
  char line[LINE_ROOM];
  int64_t numbers[WORDS_MAX];
  for (int at = 1; fgets(line, sizeof line, file); at++) {
    int count = numbers_of(line, numbers);
    if (strncmp(line, "end ", 4) == 0 && count == 4)
      history_end(history, (enum history_place)numbers[0], (int32_t)numbers[1], (int32_t)numbers[2], numbers[3]);
    else if (strncmp(line, "commit ", 7) == 0 && count == 3)
      history_commit(history, numbers[0], (int32_t)numbers[1], numbers[2]);
    else
      probe_fail(EXIT_USAGE, "%s:%d: found '%.40s', expected what `weir-probe watch --out` writes", path, at, line);
  }
  fclose(file);
}
