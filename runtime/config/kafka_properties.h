/* kafka_properties.h: the librdkafka properties that a pipeline file must not set, with the reason, and those that are secret. */
#ifndef WEIR_CONFIG_KAFKA_PROPERTIES_H
#define WEIR_CONFIG_KAFKA_PROPERTIES_H
#include <stdbool.h>

/* Why this property cannot be set to this value, as the rest of a sentence; NULL: it can. */
const char *kafka_property_refusal(const char *name, const char *value);
/* The value is a secret and is never shown. */
bool kafka_property_is_secret(const char *name);

#endif
