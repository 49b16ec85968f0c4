/* mock.c: the handle that carries the cluster has no Nagle delay: with it every answer to a small request came 40 ms late. */
#include "kafka/mock.h"
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "kafka/properties.h"

enum { MOCK_MAGIC = 0x2b8e6d13, REPLICAS_MAX = 3 };

/* [main] */
struct mock {
  uint32_t magic;
  int brokers;
  rd_kafka_t *handle;
  rd_kafka_mock_cluster_t *cluster;
};

static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text) {
  (void)handle;
  (void)level;
  static struct log_limit limit;
  log_limited(&limit, 1000, WEIR_DEBUG, "broker", "%s: %s", facility, text);
}

struct mock *mock_open(int brokers, struct error *err) {
  must(brokers > 0);
  struct mock *mock = calloc(1, sizeof *mock);
  must(mock);
  *mock = (struct mock){.magic = MOCK_MAGIC, .brokers = brokers};
  char reason[256] = "";
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  properties_set(conf, &(struct property){"socket.nagle.disable", "true"}, 1);
  rd_kafka_conf_set_log_cb(conf, on_log);
  mock->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  if (!mock->handle) rd_kafka_conf_destroy(conf);
  if (mock->handle) mock->cluster = rd_kafka_mock_cluster_new(mock->handle, brokers);
  if (mock->cluster) return mock;
  error_set(err, "librdkafka's mock cluster could not be started%s%s", *reason ? ": " : "", reason);
  mock_close(mock);
  return NULL;
}

bool mock_topic(struct mock *mock, const char *topic, int32_t partitions, struct error *err) {
  must_be(mock, MOCK_MAGIC);
  must(partitions > 0);
  int replicas = mock->brokers < REPLICAS_MAX ? mock->brokers : REPLICAS_MAX;
  rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(mock->cluster, topic, partitions, replicas);
  return !code || error_set(err, "topic %s cannot be created: %s", topic, rd_kafka_err2str(code));
}

const char *mock_addresses(const struct mock *mock) {
  must_be(mock, MOCK_MAGIC);
  return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

struct rd_kafka_mock_cluster_s *mock_cluster(struct mock *mock) {
  must_be(mock, MOCK_MAGIC);
  return mock->cluster;
}

void mock_close(struct mock *mock) {
  if (!mock) return;
  must_be(mock, MOCK_MAGIC);
  if (mock->cluster) rd_kafka_mock_cluster_destroy(mock->cluster);
  if (mock->handle) rd_kafka_destroy(mock->handle);
  mock->magic = 0;
  free(mock);
}
