/* probe_client.c: handles and metadata. Everything that can go wrong here ends the process with a sentence. */
#include "probe.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void sleep_until_us(int64_t at_us) {
  struct timespec at = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
  }
}

static void conf_set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char reason[512];
  if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK)
    probe_fail(EXIT_USAGE, "property %s=%s: %s", name, value, reason);
}

/* For the sentence when nobody answers; one handle is made per run. */
static char tried[256];

rd_kafka_conf_t *client_conf(const struct arguments *arguments, const char *const *set) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  const char *brokers = getenv("WEIR_BROKERS");
  snprintf(tried, sizeof tried, "%s", arguments_text(arguments, "--brokers", brokers ? brokers : "localhost:9092"));
  conf_set(conf, "bootstrap.servers", tried);
  conf_set(conf, "client.id", "weir-probe");
  conf_set(conf, "log_level", "2"); /* what matters comes back as an error and is said once */
  conf_set(conf, "broker.address.family", "v4");
  for (; *set; set += 2) conf_set(conf, set[0], set[1]);
  const char *given;
  for (int i = 0; (given = arguments_nth(arguments, "-X", i)); i++) {
    char name[128];
    size_t length = strcspn(given, "=");
    if (!given[length] || length >= sizeof name)
      probe_fail(EXIT_USAGE, "-X: found '%s', expected PROPERTY=VALUE", given);
    memcpy(name, given, length);
    name[length] = 0;
    conf_set(conf, name, given + length + 1);
  }
  return conf;
}

rd_kafka_t *client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char reason[512];
  rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
  if (!client) probe_fail(EXIT_WRONG, "no client: %s", reason);
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(client);
  return client;
}

/* The topic's metadata entry through `found`; a broker that is just starting is asked again. */
static const struct rd_kafka_metadata *ask(rd_kafka_t *client, const char *topic) {
  rd_kafka_topic_t *handle = topic ? rd_kafka_topic_new(client, topic, NULL) : NULL;
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_resp_err_t code = rd_kafka_metadata(client, topic == NULL, handle, &metadata, CONNECT_MS);
  if (handle) rd_kafka_topic_destroy(handle);
  if (code)
    probe_fail(
        EXIT_WRONG, "no broker answered within %d s: %s; tried %s", CONNECT_MS / 1000, rd_kafka_err2str(code), tried);
  return metadata;
}

int client_partitions(rd_kafka_t *client, const char *topic) {
  for (int64_t deadline_us = now_us() + 5000000;;) {
    const struct rd_kafka_metadata *metadata = ask(client, topic);
    rd_kafka_resp_err_t code = metadata->topics[0].err;
    int count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return 0;
    if (!code && count > 0) return count;
    if (now_us() > deadline_us) probe_fail(EXIT_WRONG, "topic %s: %s", topic, rd_kafka_err2str(code));
    sleep_until_us(now_us() + 20000); /* just made: its leader is being chosen */
  }
}

int client_partitions_of(rd_kafka_t *client, const char *topic) {
  int count = client_partitions(client, topic);
  if (count > 0) return count;
  const struct rd_kafka_metadata *metadata = ask(client, NULL);
  fprintf(stderr, "weir-probe: there is no topic '%s'; there is", topic);
  for (int i = 0; i < metadata->topic_cnt; i++) fprintf(stderr, " %s", metadata->topics[i].topic);
  fprintf(stderr, "%s\n", metadata->topic_cnt ? "" : " none");
  rd_kafka_metadata_destroy(metadata);
  exit(EXIT_WRONG);
}

void client_range(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *first, int64_t *end) {
  rd_kafka_resp_err_t code;
  for (int64_t deadline_us = now_us() + 20000000;
       (code = rd_kafka_query_watermark_offsets(client, topic, partition, first, end, PATIENCE_MS));
       sleep_until_us(now_us() + 50000))
    if (now_us() > deadline_us) probe_fail(EXIT_WRONG, "%s/%d: %s", topic, (int)partition, rd_kafka_err2str(code));
}

bool client_administrable(rd_kafka_t *client) {
  rd_kafka_metadata_destroy(ask(client, NULL)); /* the cluster's id is known from then on */
  char *id = rd_kafka_clusterid(client, 0);
  bool mock = id && strncmp(id, "mockCluster", strlen("mockCluster")) == 0;
  if (id) rd_kafka_mem_free(client, id);
  return !mock;
}

rd_kafka_t *client_outsider(const struct arguments *arguments, const char *group) {
  const char *const set[] = {
      "group.id", group, "enable.auto.commit", "false", "isolation.level", "read_uncommitted", NULL};
  return client_open(RD_KAFKA_CONSUMER, client_conf(arguments, set));
}

bool client_committed(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list) {
  if (rd_kafka_committed(client, list, 5000)) return false;
  for (int i = 0; i < list->cnt; i++)
    if (list->elems[i].err) return false;
  return true;
}

bool client_ends(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list) {
  for (int i = 0; i < list->cnt; i++)
    list->elems[i].offset = RD_KAFKA_OFFSET_END; /* the "time" that asks for the end */
  if (rd_kafka_offsets_for_times(client, list, 5000)) return false;
  for (int i = 0; i < list->cnt; i++)
    if (list->elems[i].err || list->elems[i].offset < 0) return false;
  return true;
}

rd_kafka_topic_partition_list_t *client_all_partitions(rd_kafka_t *client, const char *topic) {
  int count = client_partitions_of(client, topic);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
  rd_kafka_topic_partition_list_add_range(list, topic, 0, count - 1);
  return list;
}
