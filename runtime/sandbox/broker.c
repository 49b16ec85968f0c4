/* broker.c: the child says its address on its stdout, or why there is none, and then lives until it is killed. */
#include "sandbox/broker.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "kafka/mock.h"

enum { START_MS = 10000 };
static const char said_address[] = "address ", said_error[] = "error ";

struct wish {
  const char *const *topics;
  size_t topic_count;
  int32_t partitions;
};

static bool open_all(const struct wish *wish, struct mock **mock, struct error *err) {
  *mock = mock_open(1, err);
  for (size_t i = 0; *mock && i < wish->topic_count; i++)
    if (!mock_topic(*mock, wish->topics[i], wish->partitions, err)) return false;
  return *mock != NULL;
}

static int serve(void *ctx) {
  struct mock *mock;
  struct error err;
  if (!open_all(ctx, &mock, &err)) {
    printf("%s%s\n", said_error, err.text);
    return EXIT_RUN_FAILED;
  }
  printf("%s%s\n", said_address, mock_addresses(mock));
  fflush(stdout);
  for (;;) pause();
}

static void take_line(void *ctx, const char *line) {
  struct broker *broker = ctx;
  snprintf(broker->address, sizeof broker->address, "%s", line);
}

static bool read_address(struct broker *broker, struct error *err) {
  struct child_lines lines = {.size = 0};
  struct pollfd descriptor = {.fd = broker->child.out, .events = POLLIN};
  while (!broker->address[0] && poll(&descriptor, 1, START_MS) == 1)
    if (!child_read_lines(&broker->child.out, &lines, take_line, broker)) break;
  size_t skip = sizeof said_address - 1;
  if (strncmp(broker->address, said_address, skip) == 0) {
    memmove(broker->address, broker->address + skip, strlen(broker->address + skip) + 1);
    return true;
  }
  bool told = strncmp(broker->address, said_error, sizeof said_error - 1) == 0;
  return error_set(err, "the broker in memory did not start: %s",
      told ? broker->address + sizeof said_error - 1 : "it said nothing");
}

bool broker_start(
    struct broker *broker, const char *const *topics, size_t topic_count, int32_t partitions, struct error *err) {
  must(partitions > 0);
  *broker = (struct broker){.child = {.out = -1, .err = -1}};
  struct wish wish = {topics, topic_count, partitions};
  if (!child_fork(&broker->child, serve, &wish, err)) return false;
  if (read_address(broker, err)) return true;
  broker_stop(broker);
  return false;
}

void broker_stop(struct broker *broker) {
  if (broker->child.pid > 0) child_end(&broker->child);
}
