/* client_pieces.c: configurations, lists, topics, messages and versions of the model's librdkafka. What is not here and is called all
 * the same comes from the real library: names and texts of errors, the list of properties. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "client.h"
#include "fiber.h"
#include "world.h"

/* --- configurations --- */

static const struct property_set defaults[] = {{"batch.size", "1000000"}, {"message.max.bytes", "1000000"},
    {"queue.buffering.max.kbytes", "1048576"}, {"max.poll.interval.ms", "300000"},
    {"queued.max.messages.kbytes", "65536"}};

rd_kafka_conf_t *rd_kafka_conf_new(void) { return calloc(1, sizeof(rd_kafka_conf_t)); }
void rd_kafka_conf_destroy(rd_kafka_conf_t *conf) { free(conf); }

static struct property_set *find(const rd_kafka_conf_t *conf, const char *name) {
  for (size_t i = 0; i < conf->count; i++)
    if (strcmp(conf->set[i].name, name) == 0) return (struct property_set *)(uintptr_t)&conf->set[i];
  return NULL;
}

rd_kafka_conf_res_t rd_kafka_conf_set(
    rd_kafka_conf_t *conf, const char *name, const char *value, char *reason, size_t reason_size) {
  (void)reason, (void)reason_size;
  struct property_set *property = find(conf, name);
  if (!property) {
    must(conf->count < PROPERTIES_SET_MAX);
    property = &conf->set[conf->count++];
    snprintf(property->name, sizeof property->name, "%s", name);
  }
  snprintf(property->value, sizeof property->value, "%s", value);
  return RD_KAFKA_CONF_OK;
}

static const char *value_of(const rd_kafka_conf_t *conf, const char *name) {
  const struct property_set *property = find(conf, name);
  if (property) return property->value;
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    if (strcmp(defaults[i].name, name) == 0) return defaults[i].value;
  return NULL;
}

rd_kafka_conf_res_t rd_kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *into, size_t *size) {
  const char *value = value_of(conf, name);
  if (!value) return RD_KAFKA_CONF_UNKNOWN;
  snprintf(into, *size, "%s", value);
  return RD_KAFKA_CONF_OK;
}

const char *client_property(const rd_kafka_t *client, const char *name) { return value_of(client->conf, name); }

void rd_kafka_conf_set_opaque(rd_kafka_conf_t *conf, void *opaque) { conf->opaque = opaque; }
void rd_kafka_conf_set_log_cb(
    rd_kafka_conf_t *conf, void (*on_log)(const rd_kafka_t *, int, const char *, const char *)) {
  (void)conf, (void)on_log;
}
void rd_kafka_conf_set_rebalance_cb(rd_kafka_conf_t *conf,
    void (*on_rebalance)(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *)) {
  conf->on_rebalance = on_rebalance;
}
void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf, void (*on_error)(rd_kafka_t *, int, const char *, void *)) {
  conf->on_error = on_error;
}
void rd_kafka_conf_set_dr_msg_cb(
    rd_kafka_conf_t *conf, void (*on_delivery)(rd_kafka_t *, const rd_kafka_message_t *, void *)) {
  conf->on_delivery = on_delivery;
}

/* --- topics --- */

static enum topic topic_of(const char *name) {
  int topic = 0;
  while (topic < TOPICS && strcmp(topic_names[topic], name) != 0) topic++;
  must(topic < TOPICS);
  return (enum topic)topic;
}

rd_kafka_topic_conf_t *rd_kafka_default_topic_conf_dup(rd_kafka_t *client) { return (void *)client; }
void rd_kafka_topic_conf_destroy(rd_kafka_topic_conf_t *conf) { (void)conf; }
rd_kafka_conf_res_t rd_kafka_topic_conf_set(
    rd_kafka_topic_conf_t *conf, const char *name, const char *value, char *reason, size_t reason_size) {
  (void)conf, (void)name, (void)value, (void)reason, (void)reason_size;
  return RD_KAFKA_CONF_OK;
}

rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *client, const char *name, rd_kafka_topic_conf_t *conf) {
  (void)conf;
  rd_kafka_topic_t *topic = calloc(1, sizeof *topic);
  *topic = (struct rd_kafka_topic_s){client, topic_of(name)};
  return topic;
}
void rd_kafka_topic_destroy(rd_kafka_topic_t *topic) { free(topic); }
const char *rd_kafka_topic_name(const rd_kafka_topic_t *topic) { return topic_names[topic->topic]; }

static void describe(struct rd_kafka_metadata_topic *topic, enum topic number) {
  topic->topic = (char *)(uintptr_t)topic_names[number];
  topic->partition_cnt = cluster.partitions;
  topic->partitions = calloc((size_t)cluster.partitions, sizeof *topic->partitions);
  for (int i = 0; i < cluster.partitions; i++) topic->partitions[i].id = i; /* all of them led by broker 0 */
}

rd_kafka_resp_err_t rd_kafka_metadata(
    rd_kafka_t *client, int all, rd_kafka_topic_t *only, const struct rd_kafka_metadata **metadata, int timeout_ms) {
  if (!client_ask(client, timeout_ms)) return RD_KAFKA_RESP_ERR__TIMED_OUT;
  struct rd_kafka_metadata *answer = calloc(1, sizeof *answer + TOPICS * sizeof *answer->topics);
  answer->topics = (struct rd_kafka_metadata_topic *)(answer + 1);
  answer->topic_cnt = all ? TOPICS : 1;
  for (int i = 0; i < answer->topic_cnt; i++) describe(&answer->topics[i], all ? (enum topic)i : only->topic);
  *metadata = answer;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}
void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata) {
  for (int i = 0; i < metadata->topic_cnt; i++) free(metadata->topics[i].partitions);
  free((void *)(uintptr_t)metadata);
}

/* --- lists --- */

rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int size) {
  rd_kafka_topic_partition_list_t *list = calloc(1, sizeof *list);
  list->size = size > 4 ? size : 4;
  list->elems = calloc((size_t)list->size, sizeof *list->elems);
  return list;
}

void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *list) {
  for (int i = 0; i < list->cnt; i++) {
    free(list->elems[i].topic);
    free(list->elems[i].metadata);
  }
  free(list->elems);
  free(list);
}

rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(
    rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition) {
  if (list->cnt == list->size) {
    list->size *= 2;
    list->elems = realloc(list->elems, (size_t)list->size * sizeof *list->elems);
  }
  rd_kafka_topic_partition_t *element = &list->elems[list->cnt++];
  *element =
      (rd_kafka_topic_partition_t){.topic = strdup(topic), .partition = partition, .offset = RD_KAFKA_OFFSET_INVALID};
  return element;
}

void rd_kafka_topic_partition_list_add_range(
    rd_kafka_topic_partition_list_t *list, const char *topic, int32_t first, int32_t last) {
  for (int32_t i = first; i <= last; i++) rd_kafka_topic_partition_list_add(list, topic, i);
}

rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_find(
    const rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition) {
  for (int i = 0; i < list->cnt; i++)
    if (list->elems[i].partition == partition && strcmp(list->elems[i].topic, topic) == 0) return &list->elems[i];
  return NULL;
}

/* --- messages --- */

void rd_kafka_message_destroy(rd_kafka_message_t *message) {
  struct item *item = (struct item *)message;
  item->message.rkt->client->messages--;
  free(item->message.rkt);
  item_free(item);
}
const char *rd_kafka_message_errstr(const rd_kafka_message_t *message) { return rd_kafka_err2str(message->err); }
int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message, rd_kafka_timestamp_type_t *type) {
  *type = RD_KAFKA_TIMESTAMP_CREATE_TIME;
  return 1000 + message->offset;
}
rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers) {
  (void)message, (void)headers;
  return RD_KAFKA_RESP_ERR__NOENT;
}
rd_kafka_headers_t *rd_kafka_headers_new(size_t count) {
  (void)count;
  return calloc(1, 1);
}
rd_kafka_resp_err_t rd_kafka_header_add(
    rd_kafka_headers_t *headers, const char *name, ssize_t name_size, const void *value, ssize_t value_size) {
  (void)headers, (void)name, (void)name_size, (void)value, (void)value_size;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}
void rd_kafka_headers_destroy(rd_kafka_headers_t *headers) { free(headers); }

/* --- the rest --- */

rd_kafka_resp_err_t rd_kafka_poll_set_consumer(rd_kafka_t *client) {
  (void)client;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}
char *rd_kafka_memberid(const rd_kafka_t *client) {
  (void)client;
  return NULL;
}
void rd_kafka_error_destroy(rd_kafka_error_t *error) { free(error); }
rd_kafka_resp_err_t rd_kafka_error_code(const rd_kafka_error_t *error) { return *(const rd_kafka_resp_err_t *)error; }

/* --- questions about topics that nobody answers --- */

rd_kafka_ConfigResource_t *rd_kafka_ConfigResource_new(rd_kafka_ResourceType_t type, const char *name) {
  (void)type, (void)name;
  return calloc(1, 1);
}
void rd_kafka_ConfigResource_destroy(rd_kafka_ConfigResource_t *resource) { free(resource); }
rd_kafka_AdminOptions_t *rd_kafka_AdminOptions_new(rd_kafka_t *client, rd_kafka_admin_op_t operation) {
  (void)client, (void)operation;
  return calloc(1, 1);
}
void rd_kafka_AdminOptions_destroy(rd_kafka_AdminOptions_t *options) { free(options); }
rd_kafka_resp_err_t rd_kafka_AdminOptions_set_request_timeout(
    rd_kafka_AdminOptions_t *options, int timeout_ms, char *reason, size_t reason_size) {
  (void)options, (void)timeout_ms, (void)reason, (void)reason_size;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}
void rd_kafka_DescribeConfigs(rd_kafka_t *client, rd_kafka_ConfigResource_t **resources, size_t count,
    const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue) {
  (void)client, (void)resources, (void)count, (void)options, (void)queue;
}
