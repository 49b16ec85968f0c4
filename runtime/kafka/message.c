/* message.c: nothing is copied; the headers' array alone is written into the arena, when somebody asks for headers. */
#include "kafka/message.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/span.h"

static void view_of(void *message, weir_record *view) { message_view(message, view); }

SELDOM static void tell_damaged(const rd_kafka_message_t *message, rd_kafka_resp_err_t code) {
  static struct log_limit limit;
  log_limited(&limit, LIMIT_TROUBLE_MS, WEIR_ERROR, "consumer", "%s/%d@%lld: the headers are damaged and left out: %s",
      rd_kafka_topic_name(message->rkt), message->partition, (long long)message->offset, rd_kafka_err2str(code));
}

SELDOM static bool copy_headers(
    const rd_kafka_headers_t *list, struct arena *arena, const weir_header **headers, uint32_t *count) {
  size_t size = rd_kafka_header_cnt(list);
  weir_header *array = arena_alloc(arena, size * sizeof *array);
  if (!array) return false;
  for (size_t i = 0; i < size; i++) {
    const char *name = NULL;
    const void *value = NULL;
    size_t value_size = 0;
    must(rd_kafka_header_get_all(list, i, &name, &value, &value_size) == RD_KAFKA_RESP_ERR_NO_ERROR);
    array[i] = (weir_header){span_of(name), {value, value_size}};
  }
  *headers = array;
  *count = (uint32_t)size;
  return true;
}

static bool read_headers(void *message, struct arena *arena, const weir_header **headers, uint32_t *count) {
  rd_kafka_headers_t *list = NULL;
  *headers = NULL;
  *count = 0;
  rd_kafka_resp_err_t code = rd_kafka_message_headers(message, &list);
  if (!code) return copy_headers(list, arena, headers, count);
  if (code != RD_KAFKA_RESP_ERR__NOENT) tell_damaged(message, code);
  return true;
}

static void release(void **messages, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) rd_kafka_message_destroy(messages[i]);
}

const struct batch_source message_source = {.headers = read_headers, .view = view_of, .release = release};
