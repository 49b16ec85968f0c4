/* kafka_properties.c: weir promises what an offset means, so whatever decides about offsets, acknowledgements or membership
 * is its own. A pipeline file may come from someone else, so what would load code or run a command is refused as well. */
#include "config/kafka_properties.h"
#include "base/check.h"
#include <string.h>

struct owned {
  const char *name; /* starts with *: ends like this; ends with *: starts like this */
  const char *reason;
};

#define COMMITS "weir commits by itself, and only what is settled (`commit:` says how often)"

static const struct owned owned[] = {
    {"bootstrap.servers", "write it as kafka.brokers"},
    {"metadata.broker.list", "write it as kafka.brokers"},
    {"group.id", "write it as source.group"},
    {"group.instance.id", "write it as source.instance"},
    {"auto.offset.reset",
        "write it as source.start; an offset that is out of range is an error of its partition, never a jump"},
    {"enable.auto.commit", COMMITS},
    {"auto.commit.enable", COMMITS},
    {"auto.commit.interval.ms", COMMITS},
    {"enable.auto.offset.store", COMMITS},
    {"offset.store.*", COMMITS},
    {"enable.partition.eof", "weir needs the ends of partitions to commit past transaction markers"},
    {"isolation.level", "weir reads committed records only"},
    {"transactional.id", "weir makes it from pipeline, group, instance and lane"},
    {"transaction.timeout.ms", "weir sets it to fit its own deadlines"},
    {"delivery.report.only.error", "a delivery report is the acknowledgement that weir waits for"},
    {"queuing.strategy", "records of a partition stay in order"},
    {"partitioner", "write it as options.partitioner of the sink"},
    {"enabled_events", "weir serves librdkafka's events by itself"},
    {"log.queue", "weir serves librdkafka's log by itself"},
    {"opaque", "it is a pointer of the program"},
    {"default_topic_conf", "it is a pointer of the program"},
    {"interceptors", "it is a pointer of the program"},
    {"*_cb", "it is a function of the program"},
    {"*.cb", "it is a function of the program"},
    {"test.mock.*", "it would replace the brokers by a mock; `weir broker` starts one"},
    {"plugin.library.paths", "it loads code into the worker; weir's own plugins are its stages"},
    {"ssl.engine.*", "it loads code into the worker"},
    {"ssl_engine_*", "it loads code into the worker"},
    {"sasl.kerberos.kinit.cmd", "it runs a command; renew the ticket outside of the worker"},
};

static bool covers(const char *pattern, const char *name) {
  size_t size = strlen(pattern), name_size = strlen(name);
  must(size > 1);
  if (pattern[0] == '*') return name_size >= size - 1 && strcmp(name + name_size - (size - 1), pattern + 1) == 0;
  if (pattern[size - 1] == '*') return strncmp(name, pattern, size - 1) == 0;
  return strcmp(name, pattern) == 0;
}

const char *kafka_property_refusal(const char *name, const char *value) {
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    if (covers(owned[i].name, name)) return owned[i].reason;
  bool acks = strcmp(name, "acks") == 0 || strcmp(name, "request.required.acks") == 0;
  if (acks && strcmp(value, "all") != 0 && strcmp(value, "-1") != 0)
    return "less than `all` would acknowledge records that one broker's death loses";
  if (strcmp(name, "enable.idempotence") == 0 && strcmp(value, "true") != 0)
    return "without it a retry inside the producer repeats and reorders records";
  return NULL;
}

bool kafka_property_is_secret(const char *name) {
  static const char *const parts[] = {
      "password", "passphrase", "secret", "private.key", "key.pem", "oauthbearer.config"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (strstr(name, parts[i])) return true;
  return false;
}
