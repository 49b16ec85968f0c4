/* broker.h: the sandbox's broker: librdkafka's mock cluster in a child process, so that nothing of it is in the process that judges. [main] */
#ifndef WEIR_SANDBOX_BROKER_H
#define WEIR_SANDBOX_BROKER_H
#include <stdint.h>
#include "sandbox/child.h"

enum { BROKER_ADDRESS_MAX = 128 };

struct broker {
  struct child child;
  char address[BROKER_ADDRESS_MAX];
};

/* Starts it with these topics, each with so many partitions. Only while no other thread exists. */
bool broker_start(
    struct broker *broker, const char *const *topics, size_t topic_count, int32_t partitions, struct error *err);
void broker_stop(struct broker *broker);

#endif
