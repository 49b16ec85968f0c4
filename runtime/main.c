/* main.c: which verb. */
#include "base/error.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/span.h"
#include "base/text.h"
#include "command.h"
#include "kafka/consumer.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *help;
} verbs[] = {
    {"run", command_run, "run a pipeline"},
    {"check", command_check, "check a pipeline file, show what it means and guarantees"},
    {"sandbox", command_sandbox, "try a pipeline on files, with a broker of its own"},
    {"offsets", command_offsets, "show or reset what the group has committed"},
    {"explain", command_explain, "say why a partition is committed no further"},
    {"dlq", command_dlq, "look into the dead letters, send them back"},
    {"plugins", command_plugins, "list plugins and their options"},
    {"broker", command_broker, "run a broker in memory, for trying things"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void help(FILE *out) {
  fputs("usage: weir VERB [arguments]\n\nA stream-processing worker for Apache Kafka that loses no record.\n\nVerbs:\n",
      out);
  for (size_t i = 0; i < VERBS; i++) fprintf(out, "  %-10s%s\n", verbs[i].name, verbs[i].help);
  fputs("\nweir VERB --help says more of each. weir --version\n\n"
        "Examples:\n"
        "  weir check pipelines/quakes.yaml      is it right, and what does it promise?\n"
        "  weir run pipelines/quakes.yaml        work until a signal\n"
        "  weir run quakes.yaml --until end      work off what is there, then stop\n"
        "  weir offsets quakes.yaml              where the group stands\n"
        "  weir explain quakes.yaml              what holds each partition back\n",
      out);
}

static int unknown(const char *name) {
  const char *names[VERBS];
  for (size_t i = 0; i < VERBS; i++) names[i] = verbs[i].name;
  const char *near = text_nearest(span_of(name), names, VERBS);
  fprintf(stderr, "weir: unknown verb '%s'%s%s%s\n'weir --help' lists them.\n", name, near ? "; did you mean " : "",
      near ? near : "", near ? "?" : "");
  return EXIT_CONFIGURATION;
}

static int version(void) {
  printf("weir %s, librdkafka %s%s\n", WEIR_VERSION, consumer_library_version(),
      failpoint_is_built() ? ", with failpoints: for tests only" : "");
  return EXIT_CLEAN;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of its sink, not the end of the worker */
  log_init(WEIR_INFO, false);
  if (argc < 2) {
    help(stderr);
    return EXIT_CONFIGURATION;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    help(stdout);
    return EXIT_CLEAN;
  }
  if (strcmp(argv[1], "--version") == 0) return version();
  for (size_t i = 0; i < VERBS; i++)
    if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
  return unknown(argv[1]);
}
