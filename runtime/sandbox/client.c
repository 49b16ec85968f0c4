/* client.c: the broker is on this machine and goes with the sandbox, so what librdkafka logs about it says nothing to anybody. */
#include "sandbox/client.h"
#include "base/check.h"

static void quiet(const rd_kafka_t *handle, int level, const char *facility, const char *text) {
  (void)handle;
  (void)level;
  (void)facility;
  (void)text;
}

rd_kafka_t *sandbox_client(rd_kafka_type_t type, const char *address, const char *const *properties,
    void (*reported)(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque), void *opaque,
    struct error *err) {
  char reason[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  must(rd_kafka_conf_set(conf, "bootstrap.servers", address, reason, sizeof reason) == RD_KAFKA_CONF_OK);
  for (const char *const *at = properties; *at; at += 2)
    must(rd_kafka_conf_set(conf, at[0], at[1], reason, sizeof reason) == RD_KAFKA_CONF_OK);
  rd_kafka_conf_set_log_cb(conf, quiet);
  rd_kafka_conf_set_opaque(conf, opaque);
  if (reported) rd_kafka_conf_set_dr_msg_cb(conf, reported);
  rd_kafka_t *handle = rd_kafka_new(type, conf, reason, sizeof reason);
  if (handle) return handle;
  rd_kafka_conf_destroy(conf);
  error_set(err, "no client for the broker in memory: %s", reason);
  return NULL;
}
