/* redrive.c: any failure ends the redrive: its transaction is taken back, and the same call goes on from the last one. So nothing has to be rewound. */
#include "kafka/redrive.h"
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "config/pipeline_file.h"
#include "kafka/client.h"
#include "kafka/letters.h"
#include "kafka/original.h"
#include "kafka/topics.h"

enum {
  REDRIVE_MAGIC = 0x2f90b6e1,
  CONNECT_MS = 5000,
  ASK_LIMIT_MS = 2000,
  INIT_MS = 30000,
  END_MS = 30000,
  ABORT_MS = 5000,
  ENVELOPE_BYTES = 200
};

struct redrive {
  struct client client;
  uint32_t magic;
  const struct pipeline_file *file;
  const char *to, *group;
  rd_kafka_t *handle;
  rd_kafka_topic_t *topic;
  struct original *original; /* opened when it is needed */
  int64_t bytes_max;         /* of the topic, -1: not known */
  int64_t retention_ms;      /* of the topic, -1: not known, or for ever */
  bool open;                 /* a transaction is */
  size_t records, bytes;     /* in it */
  rd_kafka_resp_err_t lost;  /* of the first delivery that failed in it */
};

/* --- errors ---------------------------------------------------------------------------------------------------------- */

static bool says_fenced(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/* What comes after a fatal error tells only that there was one. False: it was another. */
static bool fail_fenced(const struct redrive *redrive, rd_kafka_resp_err_t code, struct error *err) {
  char words[8];
  if (!says_fenced(code) && !says_fenced(rd_kafka_fatal_error(redrive->handle, words, sizeof words))) return false;
  error_set(err, "another redrive of group %s has begun, or this one stood still for a minute, so this one ends",
      redrive->group);
  if (err) err->fatal = true;
  return true;
}

/* Takes the error's ownership. Always false. */
static bool fail(const struct redrive *redrive, rd_kafka_error_t *error, const char *doing, struct error *err) {
  rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  bool told = fail_fenced(redrive, code, err);
  if (!told && code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    error_set(err, "this user may not use the transactional id %s: it needs the rights WRITE and DESCRIBE on it",
        redrive->group);
  else if (!told && redrive->lost)
    error_set(err, "%s: topic %s refuses a record: %s", doing, redrive->to, rd_kafka_err2str(redrive->lost));
  else if (!told)
    error_set(err, "%s: %s", doing, rd_kafka_error_string(error));
  if (err) err->code = code;
  rd_kafka_error_destroy(error);
  return false;
}

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
  struct redrive *redrive = ((struct client *)opaque)->owner;
  (void)handle;
  must_be(redrive, REDRIVE_MAGIC);
  if (message->err && !redrive->lost) redrive->lost = message->err;
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

static bool open_handle(struct redrive *redrive, struct error *err) {
  char bytes[24];
  snprintf(bytes, sizeof bytes, "%d", LIMIT_MESSAGE_BYTES);
  const struct property defaults[] = {{"linger.ms", "5"}, {"message.max.bytes", bytes},
      {"partitioner", "murmur2_random"}, {"allow.auto.create.topics", "false"}};
  rd_kafka_conf_t *conf = client_conf(
      &redrive->client, redrive->file, NULL, SCOPE_PRODUCER, defaults, sizeof defaults / sizeof *defaults, err);
  if (!conf) return false;
  const struct property of_weir[] = {{"transactional.id", redrive->group}, {"enable.idempotence", "true"}};
  properties_set(conf, of_weir, sizeof of_weir / sizeof *of_weir);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  redrive->handle = client_create(&redrive->client, RD_KAFKA_PRODUCER, conf, err);
  return redrive->handle != NULL;
}

static bool prepare(struct redrive *redrive, struct error *err) {
  if (!topics_find(redrive->handle, &redrive->client, &redrive->to, 1, CONNECT_MS, NULL, NULL, err)) return false;
  redrive->bytes_max = topics_limit(redrive->handle, redrive->to, "max.message.bytes", ASK_LIMIT_MS);
  redrive->topic = rd_kafka_topic_new(redrive->handle, redrive->to, NULL);
  if (!redrive->topic) return error_set(err, "topic %s: %s", redrive->to, rd_kafka_err2str(rd_kafka_last_error()));
  rd_kafka_error_t *error = rd_kafka_init_transactions(redrive->handle, INIT_MS);
  return !error || fail(redrive, error, "the cluster gives no transactions", err);
}

struct redrive *redrive_open(
    const struct pipeline_file *file, const char *to, const char *group, int64_t retention_ms, struct error *err) {
  must(file && to && group);
  struct redrive *redrive = calloc(1, sizeof *redrive);
  must(redrive);
  redrive->magic = REDRIVE_MAGIC;
  redrive->file = file;
  redrive->to = to;
  redrive->group = group;
  redrive->retention_ms = retention_ms;
  client_init(&redrive->client, "redrive", redrive);
  if (open_handle(redrive, err) && prepare(redrive, err)) return redrive;
  redrive_close(redrive);
  return NULL;
}

static void take_back(struct redrive *redrive) {
  rd_kafka_error_t *error = redrive->open ? rd_kafka_abort_transaction(redrive->handle, ABORT_MS) : NULL;
  if (error) rd_kafka_error_destroy(error); /* then the cluster does it, when the transaction has timed out */
  redrive->open = false;
  redrive->records = redrive->bytes = 0;
}

void redrive_close(struct redrive *redrive) {
  if (!redrive) return;
  must_be(redrive, REDRIVE_MAGIC);
  if (redrive->handle) take_back(redrive);
  original_close(redrive->original);
  if (redrive->topic) rd_kafka_topic_destroy(redrive->topic);
  if (redrive->handle) rd_kafka_destroy(redrive->handle);
  client_fini(&redrive->client);
  redrive->magic = 0;
  free(redrive);
}

size_t redrive_open_records(const struct redrive *redrive) { return redrive->records; }
size_t redrive_open_bytes(const struct redrive *redrive) { return redrive->bytes; }

void redrive_wait(struct redrive *redrive, int64_t wait_ms) {
  must_be(redrive, REDRIVE_MAGIC);
  rd_kafka_poll(redrive->handle, wait_ms < 0 ? 0 : wait_ms > 1000 ? 1000 : (int)wait_ms);
}

/* The broker removes by the records' own times: one from last month, sent today, may be gone before anybody has read it. */
bool redrive_is_old(const struct letter *letter, int64_t retention_ms, int64_t now_ms) {
  return letter->source_ms >= 0 && retention_ms > 0 && letter->source_ms < now_ms - retention_ms / 2;
}

/* --- sending --------------------------------------------------------------------------------------------------------- */

static bool begin(struct redrive *redrive, struct error *err) {
  if (redrive->open) return true;
  rd_kafka_error_t *error = rd_kafka_begin_transaction(redrive->handle);
  if (error) return fail(redrive, error, "no transaction can begin", err);
  redrive->lost = RD_KAFKA_RESP_ERR_NO_ERROR;
  return redrive->open = true;
}

/* The record's own, and how often it was a dead letter. */
static rd_kafka_headers_t *headers_of(const struct letter *letter, size_t *bytes) {
  rd_kafka_headers_t *list = rd_kafka_headers_new(letter->own_count + 1);
  must(list);
  for (uint32_t i = 0; i < letter->own_count; i++) {
    const weir_header *header = &letter->headers[i];
    rd_kafka_header_add(list, (const char *)header->name.data, (ssize_t)header->name.size, header->value.data,
        (ssize_t)header->value.size);
    *bytes += header->name.size + header->value.size + 10;
  }
  char hops[24];
  int size = snprintf(hops, sizeof hops, "%" PRId64, letter->hops < 1 ? 1 : letter->hops);
  rd_kafka_header_add(list, "weir.hops", -1, hops, size);
  *bytes += 40;
  return list;
}

static enum redrive_result left(struct error *err, const char *why) {
  error_set(err, "%s", why);
  return REDRIVE_LEFT;
}

static enum redrive_result produce(
    struct redrive *redrive, const struct letter *letter, weir_span key, weir_span value, struct error *err) {
  size_t bytes = key.size + value.size + ENVELOPE_BYTES;
  rd_kafka_headers_t *headers = headers_of(letter, &bytes);
  if (redrive->bytes_max > 0 && bytes > (size_t)redrive->bytes_max) {
    rd_kafka_headers_destroy(headers);
    error_set(err, "it has %zu bytes with its headers, topic %s takes %" PRId64 " (max.message.bytes)", bytes,
        redrive->to, redrive->bytes_max);
    return REDRIVE_LEFT;
  }
  int64_t timestamp_ms = letter->source_ms;
  /* 0 is the time of now. */
  if (timestamp_ms < 0 || redrive_is_old(letter, redrive->retention_ms, clock_wall(clock_real()))) timestamp_ms = 0;
  rd_kafka_resp_err_t code = rd_kafka_producev(redrive->handle, RD_KAFKA_VTYPE_RKT, redrive->topic,
      RD_KAFKA_VTYPE_PARTITION, RD_KAFKA_PARTITION_UA, RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_MSG_F_COPY,
      RD_KAFKA_VTYPE_VALUE, (void *)(uintptr_t)value.data, value.size, RD_KAFKA_VTYPE_KEY, (const void *)key.data,
      key.size, RD_KAFKA_VTYPE_HEADERS, headers, RD_KAFKA_VTYPE_TIMESTAMP, timestamp_ms, RD_KAFKA_VTYPE_END);
  if (!code) {
    redrive->records++;
    redrive->bytes += bytes;
    rd_kafka_poll(redrive->handle, 0);
    return REDRIVE_SENT;
  }
  rd_kafka_headers_destroy(headers);
  if (fail_fenced(redrive, code, err)) return REDRIVE_FAILED;
  error_set(err, "topic %s does not take it: %s", redrive->to, rd_kafka_err2str(code));
  return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? REDRIVE_LEFT : REDRIVE_FAILED;
}

static enum redrive_result send_original(struct redrive *redrive, const struct letter *letter, struct error *err) {
  weir_span key, value;
  if (letter->child > 0)
    return left(err, "its value was too large, and it was emitted by a stage: it is in no topic to be read again");
  if (!redrive->original) redrive->original = original_open(redrive->file, err);
  if (!redrive->original) return REDRIVE_FAILED;
  if (!original_fetch(redrive->original, letter, &key, &value, err)) return REDRIVE_LEFT;
  return produce(redrive, letter, key, value, err);
}

enum redrive_result redrive_send(struct redrive *redrive, const struct letter *letter, struct error *err) {
  must_be(redrive, REDRIVE_MAGIC);
  if (!letter->known) return left(err, "weir did not write it");
  if (!begin(redrive, err)) return REDRIVE_FAILED;
  if (letter->replaced) return send_original(redrive, letter, err);
  return produce(redrive, letter, letter->key, letter->value, err);
}

/* --- the end of a transaction ---------------------------------------------------------------------------------------- */

static rd_kafka_error_t *add_offsets(struct redrive *redrive, const struct letters *letters) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)letters_count(letters));
  for (size_t i = 0; i < letters_count(letters); i++) {
    const struct letters_partition *partition = letters_at(letters, i);
    if (partition->next >= 0 && partition->began)
      rd_kafka_topic_partition_list_add(list, redrive->file->dead_letter, partition->partition)->offset =
          partition->next;
  }
  rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(redrive->group);
  rd_kafka_error_t *error =
      list->cnt ? rd_kafka_send_offsets_to_transaction(redrive->handle, list, group, END_MS) : NULL;
  rd_kafka_consumer_group_metadata_destroy(group);
  rd_kafka_topic_partition_list_destroy(list);
  return error;
}

bool redrive_commit(struct redrive *redrive, const struct letters *letters, struct error *err) {
  must_be(redrive, REDRIVE_MAGIC);
  if (!begin(redrive, err)) return false;
  rd_kafka_error_t *error = add_offsets(redrive, letters);
  if (!error) error = rd_kafka_commit_transaction(redrive->handle, END_MS);
  for (int tries = 0; error && rd_kafka_error_is_retriable(error) && tries < 3; tries++) {
    rd_kafka_error_destroy(error);
    error = rd_kafka_commit_transaction(redrive->handle, END_MS);
  }
  if (error) return fail(redrive, error, "the transaction was not committed, and what was in it is not sent", err);
  redrive->open = false;
  redrive->records = redrive->bytes = 0;
  return true;
}

/* The cluster answers a commit before it has told the partitions of it, and takes no offsets of the next transaction until it has. */
void redrive_await(struct redrive *redrive, const struct letters *letters) {
  must_be(redrive, REDRIVE_MAGIC);
  struct error ignored = {0};
  must(!redrive->open);
  if (!redrive_commit(redrive, letters, &ignored)) take_back(redrive);
}
