/* properties.h: what librdkafka's properties are: their names and scopes as the library that is linked in tells them, so that a newer
 * library needs no newer weir. Which of them weir owns is known to config/kafka_settings. */
#ifndef WEIR_KAFKA_PROPERTIES_H
#define WEIR_KAFKA_PROPERTIES_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include "base/error.h"

struct kafka_settings;
struct pipeline_file;
struct report;

enum property_scope { SCOPE_NONE = 0, SCOPE_CONSUMER = 1, SCOPE_PRODUCER = 2, SCOPE_BOTH = 3 };

/* Thread: any. Who takes the property; SCOPE_NONE: librdkafka does not know it. */
enum property_scope property_scope(const char *name);

/* [main] Every property of the file and of its sinks: known, with a value that librdkafka takes, and usable with this version of it. What is
 * wrong goes to the report, at its place. */
bool properties_check(const struct pipeline_file *file, struct report *report);

/* Sets those of `settings` that `scope` takes. False: a sentence, without the value where it is a secret. */
bool properties_apply(
    rd_kafka_conf_t *conf, const struct kafka_settings *settings, enum property_scope scope, struct error *err);

/* One property of weir's own. */
struct property {
  const char *name, *value;
};
/* Sets `count` of them. must(librdkafka takes them): they are constants of this program. */
void properties_set(rd_kafka_conf_t *conf, const struct property *properties, size_t count);
void properties_set_number(rd_kafka_conf_t *conf, const char *name, int64_t value);
/* The number that a property has in the end. must(it is one). */
int64_t properties_number(const rd_kafka_conf_t *conf, const char *name);

/* A sentence why this value of this property cannot work with librdkafka `version` (as rd_kafka_version() says it); NULL: none. */
const char *property_flaw(const char *name, const char *value, int version);
/* A sentence on a known defect of librdkafka `version` that this choice brings about; NULL: none. */
const char *property_defect(const char *name, const char *value, int version);

#endif
