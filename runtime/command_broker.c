/* command_broker.c: `weir broker`: librdkafka's mock cluster in a process of its own, because some clients end it by an assertion, and
 * because a worker that is killed must not take its broker along. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "arguments.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/span.h"
#include "base/text.h"
#include "command.h"
#include "config/kafka_settings.h"
#include "kafka/mock.h"

enum { PARTITIONS_FALLBACK = 4, PARTITIONS_MAX = 1000, BROKERS_MAX = 9 };

struct wish {
  struct argument_texts topics;
  const char *address_file;
  int64_t brokers;
};

static const char examples[] = "  weir broker --topic quakes:8 --topic quakes-dead:1\n"
                               "  weir broker --print-address-file /tmp/broker &\n"
                               "  WEIR_BROKERS=$(cat /tmp/broker) weir run pipelines/quakes.yaml\n";

/* NAME or NAME:PARTITIONS. False: a usage error was told. */
static bool read_topic(
    const struct arguments *wanted, const char *text, char name[LIMIT_TOPIC_NAME + 1], int32_t *partitions) {
  const char *colon = strrchr(text, ':');
  size_t size = colon ? (size_t)(colon - text) : strlen(text);
  int64_t count = PARTITIONS_FALLBACK;
  if (colon && (!text_int(span_of(colon + 1), &count) || count < 1 || count > PARTITIONS_MAX)) {
    arguments_fail(wanted, "--topic %s: a topic has 1 to %d partitions, found '%s'", text, PARTITIONS_MAX, colon + 1);
    return false;
  }
  snprintf(name, LIMIT_TOPIC_NAME + 1, "%.*s", (int)size, text);
  const char *flaw = size > LIMIT_TOPIC_NAME ? "it is too long" : kafka_topic_flaw(name);
  if (flaw) arguments_fail(wanted, "--topic %s: %s", text, flaw);
  *partitions = (int32_t)count;
  return !flaw;
}

/* Whole or not at all: who waits for the file finds the address in it. */
static bool write_address(const char *path, const char *addresses, struct error *err) {
  char temporary[4096];
  int size = snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
  if (size < 0 || (size_t)size >= sizeof temporary) return error_set(err, "%s: the path is too long", path);
  FILE *file = fopen(temporary, "w");
  if (!file) return error_errno(err, "%s", temporary);
  bool written = fprintf(file, "%s\n", addresses) > 0;
  written = fclose(file) == 0 && written;
  if (written && rename(temporary, path) == 0) return true;
  error_errno(err, "%s", path);
  unlink(temporary);
  return false;
}

static void introduce(const char *addresses) {
  fprintf(stderr,
      "weir broker: librdkafka's mock cluster, for trying things. It is not Kafka:\n"
      "  everything is in memory, and gone when this ends; a partition keeps its newest 5 MiB\n"
      "  no transactions, no administration, no settings of topics, no search by time, no login, no TLS\n"
      "  a topic that a client names is made, with 4 partitions\n"
      "  it listens on 127.0.0.1, on another port each time; a group's first join takes 3 s\n"
      "Use it:  WEIR_BROKERS=%s weir run FILE     (or kcat -b %s ...)\n"
      "Ctrl-C ends it.\n",
      addresses, addresses);
}

static bool serve(struct mock *mock, const struct wish *wish, const sigset_t *signals, struct error *err) {
  const char *addresses = mock_addresses(mock);
  if (wish->address_file && !write_address(wish->address_file, addresses, err)) return false;
  introduce(addresses);
  printf("%s\n", addresses);
  if (fflush(stdout) != 0) return error_errno(err, "the address could not be printed");
  int signal = 0;
  while (sigwait(signals, &signal) != 0) continue;
  if (wish->address_file) unlink(wish->address_file);
  return true;
}

static int start(const struct arguments *wanted, const struct wish *wish) {
  struct error err = {0};
  /* Before librdkafka has threads, so that only sigwait() gets them. */
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  struct mock *mock = mock_open((int)wish->brokers, &err);
  bool fine = mock != NULL;
  for (size_t i = 0; fine && i < wish->topics.count; i++) {
    char name[LIMIT_TOPIC_NAME + 1];
    int32_t partitions = 0;
    if (!read_topic(wanted, wish->topics.texts[i], name, &partitions)) {
      mock_close(mock);
      return EXIT_CONFIGURATION;
    }
    fine = mock_topic(mock, name, partitions, &err);
  }
  fine = fine && serve(mock, wish, &signals, &err);
  if (!fine) fprintf(stderr, "weir: %s\n", err.text);
  mock_close(mock);
  return fine ? EXIT_CLEAN : EXIT_RUN_FAILED;
}

int command_broker(int argc, char **argv) {
  struct wish wish = {.brokers = 1};
  const struct argument table[] = {
      {"topic", ARGUMENT_TEXTS, &wish.topics, "NAME[:PARTITIONS]",
          "make this topic, with 4 partitions unless said; repeatable"},
      {"print-address-file", ARGUMENT_TEXT, &wish.address_file, "FILE", "write the address there too, when it serves"},
      {"brokers", ARGUMENT_COUNT, &wish.brokers, "N", "so many brokers, 1 to 9; default 1"},
  };
  const struct arguments wanted = {.usage = "weir broker [--topic NAME[:PARTITIONS]]... [options]",
      .summary =
          "Runs a broker in memory, for trying things, until Ctrl-C; prints its address. It is no Kafka: it says what it lacks.",
      .examples = examples,
      .arguments = table,
      .argument_count = sizeof table / sizeof *table};
  const char *operands[1] = {NULL};
  enum arguments_result result = arguments_read(&wanted, argc, argv, operands);
  if (result != ARGUMENTS_READ) return result == ARGUMENTS_HELP ? EXIT_CLEAN : EXIT_CONFIGURATION;
  if (wish.brokers < 1 || wish.brokers > BROKERS_MAX)
    return arguments_fail(&wanted, "--brokers takes 1 to %d, found %lld", BROKERS_MAX, (long long)wish.brokers);
  return start(&wanted, &wish);
}
