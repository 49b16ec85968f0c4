/* main.c: runs seeds, says what they had, and fails where they had too little. */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kafka/properties.h"
#include "play.h"
#include "planted.h"
#include "world.h"

enum { JUDGED_SEEDS = 500, FAILURES_SHOWN = 10, PLANTED_SEEDS = 1000, LOOK_S = 60, SIGNAL_STACK = 64 << 10 };

static uint64_t now_at; /* the seed that runs */

/* --- what a run had ----------------------------------------------------------------------------------------------------- */

/* `least` in a thousand seeds, or the simulation has become idle. */
static const struct kind {
  const char *name;
  size_t at;
  uint64_t least;
} kinds[] = {
    {"records", offsetof(struct events, records), 200000},
    {"commits", offsetof(struct events, commits), 20000},
    {"commit answers lost", offsetof(struct events, commits_lost), 40},
    {"commits refused", offsetof(struct events, commits_refused), 100},
    {"assignments", offsetof(struct events, assigns), 5000},
    {"revocations", offsetof(struct events, revokes), 4000},
    {"assignments lost", offsetof(struct events, losts), 500},
    {"crashes", offsetof(struct events, crashes), 1000},
    {"freezes", offsetof(struct events, freezes), 500},
    {"stops", offsetof(struct events, stops), 2500},
    {"requests lost", offsetof(struct events, requests_lost), 8000},
    {"deliveries unanswered", offsetof(struct events, deliveries_lost), 400},
    {"producers broken", offsetof(struct events, fatals), 400},
    {"retries", offsetof(struct events, retries), 15000},
    {"late verdicts", offsetof(struct events, deferred), 12000},
    {"batches broken", offsetof(struct events, broken), 700},
    {"dead letters", offsetof(struct events, dead_letters), 8000},
    {"records written again", offsetof(struct events, duplicates), 5000},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static uint64_t count_of(const struct events *events, const struct kind *kind) {
  return *(const uint64_t *)(const void *)((const char *)events + kind->at);
}

static void add(struct events *sum, const struct events *more) {
  for (size_t i = 0; i < sizeof *sum / sizeof(uint64_t); i++) ((uint64_t *)sum)[i] += ((const uint64_t *)more)[i];
}

/* False: something was rarer than it has to be. */
static bool judge(const struct events *sum, uint64_t seeds) {
  bool enough = true;
  for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++) {
    uint64_t count = count_of(sum, kind);
    bool rare = seeds >= JUDGED_SEEDS && count * 1000 < kind->least * seeds;
    printf("  %12" PRIu64 "  %s%s\n", count, kind->name, rare ? ": too few" : "");
    if (rare) printf("               expected %" PRIu64 " in a thousand seeds\n", kind->least);
    enough = enough && !rare;
  }
  return enough;
}

/* --- seeds that do not come to an end -------------------------------------------------------------------------------------- */

/* Of the runtime or of a plugin: the process is lost, the seed must not be. */
static void on_crash(int number) {
  char text[160];
  int size = snprintf(text, sizeof text, "seed %" PRIu64 ": CRASH: signal %d\n  again: ./dev simulate %" PRIu64 "\n",
      now_at, number, now_at);
  if (write(STDERR_FILENO, text, (size_t)size) < 0) _Exit(2);
  signal(number, SIG_DFL);
  raise(number);
}

static void on_look(int number) {
  static uint64_t last = UINT64_MAX;
  (void)number;
  if (last == now_at) on_crash(SIGABRT);
  last = now_at;
  alarm(LOOK_S);
}

static void watch(void) {
  static char stack[SIGNAL_STACK];
  const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigaction(crashes[i], &action, NULL);
  action.sa_handler = on_look;
  sigaction(SIGALRM, &action, NULL);
  alarm(LOOK_S);
}

/* --- runs ------------------------------------------------------------------------------------------------------------------ */

static bool run_seed(uint64_t seed, bool verbose) {
  now_at = seed;
  return play_seed(seed, verbose);
}

static bool run_seeds(uint64_t from, uint64_t to, bool verbose) {
  struct events sum = {0};
  uint64_t failed = 0;
  for (uint64_t seed = from; seed <= to; seed++) {
    bool kept = run_seed(seed, verbose);
    add(&sum, &world.events);
    failed += !kept;
    if (!kept && failed <= FAILURES_SHOWN)
      printf("seed %" PRIu64 ": %s\n  again: ./dev simulate %" PRIu64 "\n", seed, world.failure, seed);
  }
  printf("%" PRIu64 " seeds, %" PRIu64 " failed; they had\n", to - from + 1, failed);
  return judge(&sum, to - from + 1) && !failed;
}

/* Each planted bug has to be found. */
static bool run_planted(void) {
  bool all_found = true;
  for (planted = planted_bugs; planted < planted_bugs + planted_count; planted++) {
    uint64_t seed = 1;
    while (seed <= PLANTED_SEEDS && run_seed(seed, false)) seed++;
    bool found = seed <= PLANTED_SEEDS;
    printf("%s  %-28s %s\n", found ? "ok    " : "not ok", planted->name, planted->rule);
    if (found) printf("        seed %" PRIu64 ": %.150s\n", seed, world.failure);
    all_found = all_found && found;
  }
  planted = NULL;
  return all_found;
}

static int usage(void) {
  fputs("weir-simulation SEED [--plant NAME]       one seed with its whole history\n"
        "weir-simulation --seeds FIRST..LAST       many, and what they had\n"
        "weir-simulation --planted                 each planted bug until it is found\n",
      stderr);
  return 2;
}

static void plant(const char *name) {
  planted = planted_bugs;
  while (planted < planted_bugs + planted_count && strcmp(planted->name, name) != 0) planted++;
  if (planted < planted_bugs + planted_count) return;
  fprintf(stderr, "weir-simulation: no planted bug is named '%s'; --planted names them\n", name);
  exit(2);
}

int main(int argc, char **argv) {
  uint64_t from = 0, to = 0;
  bool all_planted = false;
  for (int i = 1; i < argc; i++) {
    char rest;
    if (strcmp(argv[i], "--planted") == 0)
      all_planted = true;
    else if (strcmp(argv[i], "--plant") == 0 && i + 1 < argc)
      plant(argv[++i]);
    else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc &&
             sscanf(argv[i + 1], "%" SCNu64 "..%" SCNu64 "%c", &from, &to, &rest) == 2 && from <= to)
      i++;
    else if (sscanf(argv[i], "%" SCNu64 "%c", &from, &rest) != 1)
      return usage();
  }
  if (!from && !all_planted) return usage();
  setvbuf(stdout, NULL, _IOLBF, 0);
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  watch();
  property_scope("group.id"); /* it fills a table that belongs to no worker */
  if (all_planted) return !run_planted();
  return !(to ? run_seeds(from, to, false) : run_seeds(from, from, true));
}
