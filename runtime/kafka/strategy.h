/* strategy.h: how the group divides its partitions, chosen by what this version of librdkafka does right. Pure. */
#ifndef WEIR_KAFKA_STRATEGY_H
#define WEIR_KAFKA_STRATEGY_H
#include <stdbool.h>

struct kafka_settings;

struct strategy {
  const char *name; /* "range", "cooperative-sticky", "consumer (KIP-848)", or as the user wrote it */
  char reason[200];
  bool by_weir;     /* partition.assignment.strategy is to be set to `name` */
  bool by_consumer; /* the consumer protocol: the group's own timing cannot be set */
};

/* `version`: as rd_kafka_version() and rd_kafka_version_str() say it. `name` may point into the settings. */
struct strategy strategy_choose(const struct kafka_settings *settings, int version, const char *version_text);

#endif
