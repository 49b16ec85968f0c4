/* delivery.c: one table, so that the write call and the delivery report never judge differently. */
#include "kafka/delivery.h"
#include <inttypes.h>

enum delivery_state delivery_of(rd_kafka_resp_err_t code, bool own_topic) {
  switch (code) {
  case RD_KAFKA_RESP_ERR_NO_ERROR: return DELIVERY_CONFIRMED;
  case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
  case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
  case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
  case RD_KAFKA_RESP_ERR_INVALID_RECORD:
  case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
  case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
  case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
  case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
  case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
  case RD_KAFKA_RESP_ERR__INVALID_ARG: return DELIVERY_REFUSED;
  /* That the sink's own topic is missing or closed to this user is no record's fault. */
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
  case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return own_topic ? DELIVERY_LOST : DELIVERY_REFUSED;
  default: return DELIVERY_LOST;
  }
}

bool delivery_topic_is_missing(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

bool delivery_is_too_large(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

bool delivery_refusal(rd_kafka_resp_err_t code, const char *topic, int32_t partition, struct error *err) {
  switch (code) {
  case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE: error_set(err, "the record is too large for topic %s", topic); break;
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    error_set(err, "this user may not write to topic %s: it needs the right WRITE", topic);
    break;
  case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    error_set(err, "topic %s has no partition %" PRId32, topic, partition);
    break;
  case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
  case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: error_set(err, "topic %s does not exist", topic); break;
  default: error_set(err, "topic %s refuses the record: %s", topic, rd_kafka_err2str(code)); break;
  }
  if (err) err->code = code;
  return false;
}
