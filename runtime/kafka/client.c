/* client.c: librdkafka repeats itself for every broker and every try, from threads of its own: its lines are limited per facility,
 * and the log callback calls nothing of librdkafka but the getter of its opaque pointer. */
#include "kafka/client.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/pipeline_file.h"
#include <stdio.h>
#include <string.h>
#include <syslog.h>

enum { CLIENT_MAGIC = 0x1d7c3a4f, LOG_LIMITS = 64 };

void client_init(struct client *client, const char *component, void *owner) {
  must(client && component);
  *client = (struct client){.magic = CLIENT_MAGIC, .component = component, .owner = owner};
  must(pthread_mutex_init(&client->lock, NULL) == 0);
}

void client_fini(struct client *client) {
  must_be(client, CLIENT_MAGIC);
  client->magic = 0;
  pthread_mutex_destroy(&client->lock);
}

/* --- log ------------------------------------------------------------------------------------------------------------- */

/* Facilities that share a place share its limit: then the second is held back a little longer. */
static struct log_limit *limit_of(const char *component, const char *facility) {
  static struct log_limit limits[LOG_LIMITS];
  uint32_t hash = 2166136261u;
  for (const char *at = component; *at; at++) hash = (hash ^ (uint8_t)*at) * 16777619u;
  for (const char *at = facility; *at; at++) hash = (hash ^ (uint8_t)*at) * 16777619u;
  return &limits[hash % LOG_LIMITS];
}

static weir_level level_of(int syslog_level) {
  if (syslog_level <= LOG_CRIT) return WEIR_ERROR;
  if (syslog_level <= LOG_WARNING) return WEIR_WARN;
  return syslog_level <= LOG_INFO ? WEIR_INFO : WEIR_DEBUG;
}

/* Without the name of librdkafka's thread. */
static const char *without_thread(const char *text) {
  const char *end = strncmp(text, "[thrd:", 6) == 0 ? strstr(text, "]: ") : NULL;
  return end ? end + 3 : text;
}

static void keep_failure(struct client *client, const char *text) {
  pthread_mutex_lock(&client->lock);
  snprintf(client->failure, sizeof client->failure, "%s", text);
  pthread_mutex_unlock(&client->lock);
}

static void on_log(const rd_kafka_t *handle, int syslog_level, const char *facility, const char *text) {
  struct client *client = rd_kafka_opaque(handle);
  must_be(client, CLIENT_MAGIC);
  weir_level level = level_of(syslog_level);
  text = without_thread(text);
  if (strcmp(facility, "FAIL") == 0) keep_failure(client, text);
  if (level == WEIR_DEBUG) /* only with the property `debug`, and then all of it is wanted */
    log_line(level, client->component, "%s: %s", facility, text);
  else
    log_limited(
        limit_of(client->component, facility), LIMIT_TROUBLE_MS, level, client->component, "%s: %s", facility, text);
}

/* --- configuration --------------------------------------------------------------------------------------------------- */

static bool apply_users(rd_kafka_conf_t *conf, const struct pipeline_file *file, const struct kafka_settings *own,
    enum property_scope scope, struct error *err) {
  bool own_cluster = own && own->brokers;
  if (!own_cluster && !properties_apply(conf, &file->kafka, scope, err)) return false;
  return !own || properties_apply(conf, own, scope, err);
}

rd_kafka_conf_t *client_conf(struct client *client, const struct pipeline_file *file, const struct kafka_settings *own,
    enum property_scope scope, const struct property *defaults, size_t default_count, struct error *err) {
  must_be(client, CLIENT_MAGIC);
  const char *brokers = own && own->brokers ? own->brokers : file->kafka.brokers;
  must(brokers);
  snprintf(client->addresses, sizeof client->addresses, "%s", brokers);

  char name[128];
  snprintf(name, sizeof name, "weir-%s", file->pipeline);
  const struct property common[] = {{"client.id", name}, {"socket.nagle.disable", "true"}, {"log_level", "6"}};
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  properties_set(conf, common, sizeof common / sizeof *common);
  properties_set(conf, defaults, default_count);
  if (!apply_users(conf, file, own, scope, err)) {
    rd_kafka_conf_destroy(conf);
    return NULL;
  }
  properties_set(conf, &(struct property){"bootstrap.servers", brokers}, 1);
  rd_kafka_conf_set_opaque(conf, client);
  rd_kafka_conf_set_log_cb(conf, on_log);
  return conf;
}

rd_kafka_t *client_create(struct client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf, struct error *err) {
  must_be(client, CLIENT_MAGIC);
  char reason[512];
  rd_kafka_t *handle = rd_kafka_new(type, conf, reason, sizeof reason);
  if (handle) return handle;
  rd_kafka_conf_destroy(conf);
  error_set(err, "librdkafka refuses the %s's configuration: %s", client->component, reason);
  return NULL;
}

bool client_unreachable(struct client *client, rd_kafka_resp_err_t code, struct error *err) {
  must_be(client, CLIENT_MAGIC);
  char failure[CLIENT_FAILURE_MAX];
  pthread_mutex_lock(&client->lock);
  snprintf(failure, sizeof failure, "%s", client->failure);
  pthread_mutex_unlock(&client->lock);
  error_set(
      err, "no broker answers at %s%s%s%s", client->addresses, *failure ? " (" : "", failure, *failure ? ")" : "");
  err->retriable = true;
  err->code = code;
  return false;
}
