/* command_dlq.c: `weir dlq`: which of its verbs. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/span.h"
#include "base/text.h"
#include "command.h"
#include "command_dlq.h"

static const struct dlq_verb {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *help;
} verbs[] = {
    {"ls", dlq_ls, "one line for each dead letter"},
    {"show", dlq_show, "all of a dead letter: key, value, headers, reason"},
    {"stats", dlq_stats, "how many, by reason, stage and source"},
    {"redrive", dlq_redrive, "send them to a topic again"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void help(FILE *out) {
  fputs(
      "usage: weir dlq VERB FILE [options]\n\nLooks into the dead-letter topic of a pipeline, and sends its records back.\n\n"
      "Verbs:\n",
      out);
  for (size_t i = 0; i < VERBS; i++) fprintf(out, "  %-10s%s\n", verbs[i].name, verbs[i].help);
  fputs("\nweir dlq VERB --help says more of each.\n\nExamples:\n"
        "  weir dlq stats quakes.yaml                                       what went wrong, how often\n"
        "  weir dlq ls quakes.yaml --reason not_json --since 2026-11-23     which records\n"
        "  weir dlq show quakes.yaml quakes/3@118                           the whole of one\n"
        "  weir dlq redrive quakes.yaml --to quakes                         what sending them back would do\n",
      out);
}

static int unknown(const char *name) {
  const char *names[VERBS];
  for (size_t i = 0; i < VERBS; i++) names[i] = verbs[i].name;
  const char *near = text_nearest(span_of(name), names, VERBS);
  fprintf(stderr, "weir: weir dlq has no verb '%s'%s%s%s\n'weir dlq --help' lists them.\n", name,
      near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  return EXIT_CONFIGURATION;
}

int command_dlq(int argc, char **argv) {
  if (argc < 2) {
    help(stderr);
    return EXIT_CONFIGURATION;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    help(stdout);
    return EXIT_CLEAN;
  }
  for (size_t i = 0; i < VERBS; i++)
    if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
  return unknown(argv[1]);
}
