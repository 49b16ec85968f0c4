/* strategy.c: the reasons are in docs/decisions/0006-librdkafka.md. */
#include "kafka/strategy.h"
#include "config/kafka_settings.h"
#include <stdio.h>
#include <string.h>

enum { VERSION_2_10 = 0x020a0000 };

struct strategy strategy_choose(const struct kafka_settings *settings, int version, const char *version_text) {
  const char *protocol = kafka_property_value(settings, "group.protocol");
  const char *users = kafka_property_value(settings, "partition.assignment.strategy");
  struct strategy strategy = {0};
  if (protocol && strcmp(protocol, "consumer") == 0) {
    strategy.name = "consumer (KIP-848)";
    strategy.by_consumer = true;
    snprintf(strategy.reason, sizeof strategy.reason, "the pipeline file sets group.protocol");
  } else if (users) {
    strategy.name = users;
    snprintf(strategy.reason, sizeof strategy.reason, "the pipeline file sets partition.assignment.strategy");
  } else if (version < VERSION_2_10) {
    strategy.name = "range";
    strategy.by_weir = true;
    snprintf(strategy.reason, sizeof strategy.reason,
        "librdkafka %s is below 2.10, where cooperative-sticky repeats records at joins", version_text);
  } else {
    strategy.name = "cooperative-sticky";
    strategy.by_weir = true;
    snprintf(
        strategy.reason, sizeof strategy.reason, "librdkafka %s keeps what it owns through a rebalance", version_text);
  }
  return strategy;
}
