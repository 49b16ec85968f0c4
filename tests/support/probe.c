/* probe.c: weir-probe's front door. See probe.h for what it is. */
#include "probe.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "weir-probe: the tests' own Kafka client, independent of weir\n"
    "\n"
    "  topic create NAME [--partitions N] [--config k=v]   topic delete NAME   topic show NAME\n"
    "  produce TOPIC [--count N] [--rate R/s] [--size BYTES | --template TEXT | --file FILE | --odd]\n"
    "          [--keys K] [--partition P] [--first-id N] [--bare]\n"
    "  consume TOPIC [--until-end] [--count N] [--for 3s] [--partition P] [--format pretty|value|jsonl|none]\n"
    "          [--isolation read_committed]\n"
    "  verify  --source TOPIC --output TOPIC... [--dead TOPIC] [--filtered-every M] [--bytes] [--contains TEXT]\n"
    "          [--isolation read_committed] [--duplicates-max N | --exactly-once | --uncommitted W --incidents N [--overlapping]]\n"
    "          [--commits FILE] [--group GROUP [--standing P]...]\n"
    "  offsets GROUP TOPIC\n"
    "  watch   GROUP TOPIC [--output TOPIC]... [--dead TOPIC] [--every 50ms] [--for 10s] [--out FILE]\n"
    "  members GROUP\n"
    "\n"
    "Every command takes --brokers HOST:PORT (else WEIR_BROKERS, else localhost:9092) and -X PROPERTY=VALUE for librdkafka.\n"
    "Exit status: 0 fine, 1 something is wrong with what was found, 2 usage.\n";

void probe_fail(int status, const char *format, ...) {
  fflush(stdout);
  fputs("weir-probe: ", stderr);
  va_list rest;
  va_start(rest, format);
  vfprintf(stderr, format, rest);
  va_end(rest);
  fputc('\n', stderr);
  exit(status);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
  } commands[] = {
      {"topic", command_topic},
      {"produce", command_produce},
      {"consume", command_consume},
      {"verify", command_verify},
      {"offsets", command_offsets},
      {"watch", command_watch},
      {"members", command_members},
  };
  const char *name = argc > 1 ? argv[1] : "help";
  if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0) {
    fputs(usage, stdout);
    return argc > 1 ? EXIT_FINE : EXIT_USAGE;
  }
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
  probe_fail(EXIT_USAGE, "no command is named '%s'; `weir-probe help` lists them", name);
}
