/* client.h: what every librdkafka handle of weir has in common: its configuration, its log, and what it last said of a broker. */
#ifndef WEIR_KAFKA_CLIENT_H
#define WEIR_KAFKA_CLIENT_H
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include "base/error.h"
#include "kafka/properties.h"

struct pipeline_file;
struct kafka_settings;

enum { CLIENT_FAILURE_MAX = 400, CLIENT_ADDRESSES_MAX = 512 };

/* The opaque pointer of a handle and of its callbacks. Part of the object that owns the handle, outlives it. */
struct client {
  uint32_t magic;
  const char *component; /* as in the log: "consumer", "producer"; static */
  void *owner;           /* the object around it, for callbacks */
  char addresses[CLIENT_ADDRESSES_MAX];
  pthread_mutex_t lock;
  char failure[CLIENT_FAILURE_MAX]; /* under lock: librdkafka's last words on a connection, "": none */
};

void client_init(struct client *client, const char *component, void *owner);
void client_fini(struct client *client);

/* A configuration with weir's `defaults` of this handle, then the user's properties, which win. `own`: brokers and properties of a sink,
 * NULL: only the pipeline's. The caller sets behind it what weir must own. NULL: a sentence. */
rd_kafka_conf_t *client_conf(struct client *client, const struct pipeline_file *file, const struct kafka_settings *own,
    enum property_scope scope, const struct property *defaults, size_t default_count, struct error *err);
/* Uses `conf` up, also when it fails. NULL: a sentence. */
rd_kafka_t *client_create(struct client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf, struct error *err);

/* Fills err with "no broker answers at ADDRESSES", with the cause where librdkafka has said one; retriable. Always false. */
bool client_unreachable(struct client *client, rd_kafka_resp_err_t code, struct error *err);

#endif
