/* delivery.h: what a code of librdkafka means for the record it was said of. Pure. */
#ifndef WEIR_KAFKA_DELIVERY_H
#define WEIR_KAFKA_DELIVERY_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include "base/error.h"
#include "batch/writer.h"

/* REFUSED: the record itself, or its way, would be refused again. LOST: everything else; outages, time-outs, purges and broken producers are
 * the runtime's to repeat and never the record's fault. `own_topic`: the writer's, which is waited for when it is missing; a topic
 * that a record named is not. A partition that is not there is LOST:
 * its topic may just have gone; the write call knows better (writing.c). MSG_SIZE_TOO_LARGE is REFUSED here: whether the record alone was too large is the reports' to know. */
enum delivery_state delivery_of(rd_kafka_resp_err_t code, bool own_topic);

/* The code may mean that the topic is not there. */
bool delivery_topic_is_missing(rd_kafka_resp_err_t code);

/* The record, or the batch that it was in, is larger than the topic takes. */
bool delivery_is_too_large(rd_kafka_resp_err_t code);

/* Why a record was refused, with its topic. */
bool delivery_refusal(rd_kafka_resp_err_t code, const char *topic, int32_t partition, struct error *err);

#endif
