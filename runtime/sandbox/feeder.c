/* feeder.c: see feeder.h. */
#include "sandbox/feeder.h"
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include "base/check.h"
#include "sandbox/client.h"
#include "sandbox/supply.h"

enum { WAITING_BYTES = 2 << 20, BURST = 2000, RECORD_OVERHEAD = 64 };

struct feeder {
  struct feeder_settings settings;
  rd_kafka_t *handle;
  size_t *next; /* of each supply: records fed so far, all repetitions */
  size_t turn;  /* whose turn it is */
  int64_t begun_ms;
  int64_t sent, sent_bytes, confirmed, total;
  bool stopped;
  rd_kafka_resp_err_t refusal;
};

static void reported(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
  struct feeder *feeder = opaque;
  (void)handle;
  feeder->confirmed++;
  if (message->err) feeder->refusal = message->err;
}

struct feeder *feeder_open(const struct feeder_settings *settings, struct error *err) {
  must(settings->repeat > 0 && settings->supply_count > 0);
  const char *const properties[] = {"linger.ms", "5", "partitioner", "murmur2_random", "enable.idempotence", "true",
      "sticky.partitioning.linger.ms", "0", "message.max.bytes", "4000000", "socket.nagle.disable", "true", NULL};
  struct feeder *feeder = calloc(1, sizeof *feeder);
  must(feeder);
  feeder->settings = *settings;
  feeder->begun_ms = -1;
  feeder->next = calloc(settings->supply_count, sizeof *feeder->next);
  must(feeder->next);
  for (size_t i = 0; i < settings->supply_count; i++)
    feeder->total += (int64_t)supply_count(settings->supplies[i]) * settings->repeat;
  feeder->handle = sandbox_client(RD_KAFKA_PRODUCER, settings->address, properties, reported, feeder, err);
  if (feeder->handle) return feeder;
  feeder_close(feeder);
  return NULL;
}

void feeder_close(struct feeder *feeder) {
  if (!feeder) return;
  if (feeder->handle) {
    rd_kafka_purge(feeder->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(feeder->handle, 0);
    rd_kafka_destroy(feeder->handle);
  }
  free(feeder->next);
  free(feeder);
}

static rd_kafka_headers_t *headers_of(const struct supply_record *record) {
  rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
  for (uint32_t i = 0; i < record->header_count; i++) {
    const weir_header *header = &record->headers[i];
    must(!rd_kafka_header_add(headers, (const char *)header->name.data, (ssize_t)header->name.size, header->value.data,
        (ssize_t)header->value.size));
  }
  return headers;
}

/* The types of librdkafka's RD_KAFKA_V_ macros, which are no C17. */
static rd_kafka_resp_err_t produce(struct feeder *feeder, const char *topic, const struct supply_record *record) {
  rd_kafka_headers_t *headers = headers_of(record);
  void *key = (void *)(uintptr_t)record->key.data, *value = (void *)(uintptr_t)record->value.data;
  rd_kafka_resp_err_t code = rd_kafka_producev(feeder->handle, RD_KAFKA_VTYPE_TOPIC, topic, RD_KAFKA_VTYPE_PARTITION,
      record->partition, RD_KAFKA_VTYPE_KEY, key, record->key.size, RD_KAFKA_VTYPE_VALUE, value, record->value.size,
      RD_KAFKA_VTYPE_TIMESTAMP, record->timestamp_ms, RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_MSG_F_COPY,
      RD_KAFKA_VTYPE_HEADERS, headers, RD_KAFKA_VTYPE_END);
  if (code) rd_kafka_headers_destroy(headers);
  return code;
}

/* False: not now (the queue is full), or never (refusal is set). */
static bool send_one(struct feeder *feeder, const struct supply *supply, const struct supply_record *record) {
  rd_kafka_resp_err_t code = produce(feeder, supply_topic(supply), record);
  if (code && code != RD_KAFKA_RESP_ERR__QUEUE_FULL) feeder->refusal = code;
  if (code) return false;
  feeder->sent++;
  feeder->sent_bytes += (int64_t)(record->key.size + record->value.size) + RECORD_OVERHEAD;
  return true;
}

/* The supply whose turn it is and that has records left; NULL: none has. */
static struct supply *whose_turn(struct feeder *feeder) {
  for (size_t tried = 0; tried < feeder->settings.supply_count; tried++) {
    struct supply *supply = feeder->settings.supplies[feeder->turn];
    if ((int64_t)feeder->next[feeder->turn] < (int64_t)supply_count(supply) * feeder->settings.repeat) return supply;
    feeder->turn = (feeder->turn + 1) % feeder->settings.supply_count;
  }
  return NULL;
}

static bool send_next(struct feeder *feeder) {
  struct supply *supply = whose_turn(feeder);
  if (!supply) return false;
  size_t *next = &feeder->next[feeder->turn];
  if (!send_one(feeder, supply, supply_at(supply, *next % supply_count(supply)))) return false;
  ++*next;
  feeder->turn = (feeder->turn + 1) % feeder->settings.supply_count;
  return true;
}

/* Records that may be sent now. */
static int64_t room(const struct feeder *feeder, int64_t now_ms, int64_t seen, int64_t waiting) {
  int64_t due = feeder->total;
  if (feeder->settings.rate) due = (now_ms - feeder->begun_ms + 1) * feeder->settings.rate / 1000;
  int64_t bytes_each = feeder->sent ? feeder->sent_bytes / feeder->sent : WAITING_BYTES;
  int64_t fits = seen - waiting + WAITING_BYTES / bytes_each + 1;
  int64_t most = due < fits ? due : fits;
  return most - feeder->sent < BURST ? most - feeder->sent : BURST;
}

bool feeder_step(struct feeder *feeder, int64_t now_ms, int64_t seen, int64_t waiting, struct error *err) {
  if (feeder->begun_ms < 0) feeder->begun_ms = now_ms;
  rd_kafka_poll(feeder->handle, 0);
  for (int64_t left = feeder->stopped ? 0 : room(feeder, now_ms, seen, waiting); left > 0; left--)
    if (!send_next(feeder)) break;
  rd_kafka_poll(feeder->handle, 0);
  if (!feeder->refusal) return true;
  return error_set(err, "a record cannot be fed: %s", rd_kafka_err2str(feeder->refusal));
}

void feeder_stop(struct feeder *feeder) { feeder->stopped = true; }
int64_t feeder_total(const struct feeder *feeder) { return feeder->total; }
int64_t feeder_fed(const struct feeder *feeder) { return feeder->confirmed; }

bool feeder_done(const struct feeder *feeder) {
  bool all = feeder->stopped || feeder->sent == feeder->total;
  return all && feeder->confirmed == feeder->sent;
}
