/* client.h: handles to the sandbox's own broker, which share nothing with the clients that are judged. [main] */
#ifndef WEIR_SANDBOX_CLIENT_H
#define WEIR_SANDBOX_CLIENT_H
#include <librdkafka/rdkafka.h>
#include "base/error.h"

/* `properties`: names and values in turn, NULL at the end. NULL: err. */
rd_kafka_t *sandbox_client(rd_kafka_type_t type, const char *address, const char *const *properties,
    void (*reported)(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque), void *opaque,
    struct error *err);

#endif
