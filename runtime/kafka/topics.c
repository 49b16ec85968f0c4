/* topics.c: one request for everything: a single topic's metadata would make a broker with automatic creation create it. */
#include "kafka/topics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include "config/kafka_settings.h"
#include "kafka/client.h"

/* Names of the cluster's topics, pointing into the metadata. */
static const char **names_of(const struct rd_kafka_metadata *metadata) {
  const char **names = calloc((size_t)metadata->topic_cnt + 1, sizeof *names);
  must(names);
  for (int i = 0; i < metadata->topic_cnt; i++) names[i] = metadata->topics[i].topic;
  return names;
}

static void add_missing(
    const struct rd_kafka_metadata *metadata, const char *const *names, const char *wanted, struct error *err) {
  char text[512], before[ERROR_TEXT_MAX];
  const char *near = text_nearest(span_of(wanted), names, (size_t)metadata->topic_cnt);
  if (*wanted == '^')
    snprintf(text, sizeof text, "no topic matches %s", wanted);
  else
    snprintf(text, sizeof text, "topic '%s' does not exist, or this user may not see it%s%s%s", wanted,
        near ? "; near: '" : "", near ? near : "", near ? "'" : "");
  snprintf(before, sizeof before, "%s", err->text);
  error_set(err, "%s%s%s", before, *before ? "; " : "", text);
}

static bool topic_is_usable(const struct rd_kafka_metadata_topic *topic) {
  return !topic->err || topic->err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

static bool any_wants(const char *const *wanted, size_t wanted_count, const char *topic) {
  for (size_t i = 0; i < wanted_count; i++)
    if (kafka_pattern_matches(wanted[i], topic)) return true;
  return false;
}

bool topics_find(rd_kafka_t *handle, struct client *client, const char *const *wanted, size_t wanted_count,
    int timeout_ms, topics_visit *each, void *ctx, struct error *err) {
  must(handle && client && wanted_count);
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 1, NULL, &metadata, timeout_ms);
  if (code) return client_unreachable(client, code, err);
  struct error missing = {0};
  const char **names = names_of(metadata);
  for (size_t i = 0; i < wanted_count; i++) {
    bool found = false;
    for (int j = 0; !found && j < metadata->topic_cnt; j++)
      found = topic_is_usable(&metadata->topics[j]) && kafka_pattern_matches(wanted[i], names[j]);
    if (!found) add_missing(metadata, names, wanted[i], &missing);
  }
  for (int i = 0; each && i < metadata->topic_cnt; i++)
    if (topic_is_usable(&metadata->topics[i]) && any_wants(wanted, wanted_count, names[i]))
      each(ctx, names[i], metadata->topics[i].partition_cnt);
  free(names);
  rd_kafka_metadata_destroy(metadata);
  if (!*missing.text) return true;
  missing.retriable = true;
  missing.code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  if (err) *err = missing;
  return false;
}

/* --- limits ----------------------------------------------------------------------------------------------------------- */

/* From the answer to DescribeConfigs about one topic; -1: it does not say. */
static int64_t read_limit(rd_kafka_event_t *event, const char *name) {
  const rd_kafka_DescribeConfigs_result_t *result = event ? rd_kafka_event_DescribeConfigs_result(event) : NULL;
  size_t count = 0, entries = 0;
  if (!result || rd_kafka_event_error(event)) return -1;
  const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
  if (count != 1 || rd_kafka_ConfigResource_error(resources[0])) return -1;
  const rd_kafka_ConfigEntry_t **configs = rd_kafka_ConfigResource_configs(resources[0], &entries);
  for (size_t i = 0; i < entries; i++) {
    int64_t limit = -1;
    const char *value = rd_kafka_ConfigEntry_value(configs[i]);
    if (strcmp(rd_kafka_ConfigEntry_name(configs[i]), name) == 0 && value && text_int(span_of(value), &limit) &&
        limit > 0)
      return limit;
  }
  return -1;
}

int64_t topics_limit(rd_kafka_t *handle, const char *topic, const char *name, int timeout_ms) {
  rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
  rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
  char reason[128];
  rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, reason, sizeof reason);
  rd_kafka_DescribeConfigs(handle, &resource, 1, options, queue);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
  int64_t limit = read_limit(event, name);
  if (event) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_ConfigResource_destroy(resource);
  return limit;
}
