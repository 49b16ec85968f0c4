/* properties.c: the table of properties is read once out of the text that librdkafka prints of itself: it has no other way to ask
 * for a property's scope. */
#include "kafka/properties.h"
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include "config/kafka_settings.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROPERTIES_MAX = 512, NAME_MAX_BYTES = 64, REASON_BYTES = 512 };

/* Filled once, read-only then. */
static struct {
  char names[PROPERTIES_MAX][NAME_MAX_BYTES];
  const char *listed[PROPERTIES_MAX]; /* the same names, for text_nearest() */
  enum property_scope scopes[PROPERTIES_MAX];
  size_t count;
} known;
static pthread_once_t known_once = PTHREAD_ONCE_INIT;

static size_t known_find(const char *name) {
  size_t i = 0;
  while (i < known.count && strcmp(known.names[i], name) != 0) i++;
  return i;
}

static void known_add(const char *name, char scope) {
  size_t i = known_find(name);
  must(i < PROPERTIES_MAX);
  if (i == known.count) {
    snprintf(known.names[i], NAME_MAX_BYTES, "%s", name);
    known.listed[i] = known.names[i];
    known.count++;
  }
  /* A name may stand among the global and the topic's properties: both count. */
  known.scopes[i] |= scope == 'C' ? SCOPE_CONSUMER : scope == 'P' ? SCOPE_PRODUCER : SCOPE_BOTH;
}

static void known_read(void) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  must(stream);
  rd_kafka_conf_properties_show(stream);
  must(fclose(stream) == 0);
  char *rest = text, *line = NULL, name[NAME_MAX_BYTES], scope = 0;
  while ((line = strsep(&rest, "\n")))
    if (sscanf(line, "%63[a-z0-9._] | %c |", name, &scope) == 2 && strchr("CP*", scope)) known_add(name, scope);
  free(text);
  must(known.count > 50);
}

enum property_scope property_scope(const char *name) {
  must(pthread_once(&known_once, known_read) == 0);
  size_t i = known_find(name);
  return i < known.count ? known.scopes[i] : SCOPE_NONE;
}

/* --- what depends on the version ------------------------------------------------------------------------------------- */

/* "2.10.0" as rd_kafka_version() says it; its last byte is 0xff in a release. */
static int version_of(int major, int minor, int patch) { return major << 24 | minor << 16 | patch << 8; }

static bool starts_with(const char *text, const char *head) { return strncasecmp(text, head, strlen(head)) == 0; }

const char *property_flaw(const char *name, const char *value, int version) {
  bool mechanism = strcmp(name, "sasl.mechanisms") == 0 || strcmp(name, "sasl.mechanism") == 0;
  if (mechanism && starts_with(value, "SCRAM") && version < version_of(2, 6, 1))
    return "SCRAM needs librdkafka 2.6.1 or newer: older ones repeat the nonce, so Kafka 4 refuses the login as if "
           "the password were wrong; use PLAIN over TLS or client certificates, or install a newer librdkafka";
  if (strcmp(name, "group.protocol") == 0 && strcmp(value, "consumer") == 0 && version < version_of(2, 4, 0))
    return "the consumer protocol (KIP-848) needs librdkafka 2.12 or newer";
  return NULL;
}

const char *property_defect(const char *name, const char *value, int version) {
  if (strcmp(name, "partition.assignment.strategy") == 0 && strstr(value, "cooperative") &&
      version < version_of(2, 10, 0))
    return "below librdkafka 2.10 a cooperative-sticky member loses its whole assignment when it commits during a "
           "rebalance, so records are repeated at nearly every join; range does not";
  if (strcmp(name, "group.protocol") == 0 && strcmp(value, "consumer") == 0 && version < version_of(2, 12, 0))
    return "below librdkafka 2.12 the consumer protocol (KIP-848) is a preview";
  return NULL;
}

/* --- setting --------------------------------------------------------------------------------------------------------- */

static bool set_one(rd_kafka_conf_t *conf, const struct kafka_property *property, char *reason, size_t reason_size) {
  if (rd_kafka_conf_set(conf, property->name, property->value, reason, reason_size) == RD_KAFKA_CONF_OK) return true;
  /* librdkafka quotes the value of some, not of others. */
  size_t used = strlen(reason);
  if (property->masked)
    snprintf(reason, reason_size, "its value (not shown) is not one that librdkafka takes");
  else if (!strstr(reason, property->value))
    snprintf(reason + used, reason_size - used, ", found '%.100s'", property->value);
  return false;
}

static bool check_one(const struct kafka_property *property, rd_kafka_conf_t *conf, struct report *report) {
  char reason[REASON_BYTES];
  if (property_scope(property->name) == SCOPE_NONE) {
    const char *near = text_nearest(span_of(property->name), known.listed, known.count);
    return report_add_key(report, property->node, "librdkafka %s has no property '%s'%s%s%s", rd_kafka_version_str(),
        property->name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  }
  const char *flaw = property_flaw(property->name, property->value, rd_kafka_version());
  if (flaw) return report_add(report, property->node, "%s", flaw);
  if (set_one(conf, property, reason, sizeof reason)) return true;
  return report_add(report, property->node, "%s: %s", property->name, reason);
}

static bool check_all(const struct kafka_settings *settings, struct report *report) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  bool fine = true;
  for (size_t i = 0; i < settings->property_count; i++)
    fine = check_one(&settings->properties[i], conf, report) && fine;
  rd_kafka_conf_destroy(conf);
  return fine;
}

bool properties_check(const struct pipeline_file *file, struct report *report) {
  must(file && report);
  bool fine = check_all(&file->kafka, report);
  for (uint32_t i = 0; i < file->sink_count; i++)
    if (file->sinks[i].kafka) fine = check_all(&file->sinks[i].kafka->kafka, report) && fine;
  return fine;
}

bool properties_apply(
    rd_kafka_conf_t *conf, const struct kafka_settings *settings, enum property_scope scope, struct error *err) {
  must(scope == SCOPE_CONSUMER || scope == SCOPE_PRODUCER);
  for (size_t i = 0; i < settings->property_count; i++) {
    const struct kafka_property *property = &settings->properties[i];
    enum property_scope takers = property_scope(property->name);
    char reason[REASON_BYTES];
    if (takers == SCOPE_NONE)
      return error_set(err, "librdkafka %s has no property '%s'", rd_kafka_version_str(), property->name);
    if (!(takers & scope)) continue;
    const char *flaw = property_flaw(property->name, property->value, rd_kafka_version());
    if (flaw) return error_set(err, "kafka property '%s': %s", property->name, flaw);
    if (!set_one(conf, property, reason, sizeof reason))
      return error_set(err, "kafka property '%s': %s", property->name, reason);
  }
  return true;
}

void properties_set(rd_kafka_conf_t *conf, const struct property *properties, size_t count) {
  for (size_t i = 0; i < count; i++) {
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, properties[i].name, properties[i].value, NULL, 0);
    must(result == RD_KAFKA_CONF_OK);
  }
}

void properties_set_number(rd_kafka_conf_t *conf, const char *name, int64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, value);
  properties_set(conf, &(struct property){name, text}, 1);
}

int64_t properties_number(const rd_kafka_conf_t *conf, const char *name) {
  char text[64];
  size_t size = sizeof text;
  int64_t value = 0;
  rd_kafka_conf_res_t result = rd_kafka_conf_get(conf, name, text, &size);
  must(result == RD_KAFKA_CONF_OK);
  must(text_int(span_of(text), &value));
  return value;
}
