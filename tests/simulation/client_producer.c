/* client_producer.c: an idempotent producer: what it takes is written once and in order, however often requests and answers are lost,
 * until it is broken; then what is on its way may have been written or not. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "checks.h"
#include "client.h"
#include "fiber.h"
#include "process.h"
#include "world.h"

enum { LINGER_US = 500, SEND_AGAIN_US = 400000, QUEUE_LEAST = 40, QUEUE_MOST = 400, REQUEST_MAX = 50 };

/* In the memory of its process. */
struct outgoing_message {
  struct outgoing_message *next;
  struct payload payload;
  enum topic topic;
  int32_t partition;
  void *opaque;
  rd_kafka_resp_err_t err;
  int64_t offset;
};

/* Outlives the process that sent it. */
struct produce_request {
  struct errand_of_client errand;
  struct produce_request *next; /* of all of this seed, the newest first */
  uint32_t count;
  bool written, purged;
  struct {
    struct payload payload;
    enum topic topic;
    int32_t partition;
    struct outgoing_message *message; /* the client's */
    rd_kafka_resp_err_t err;
    int64_t offset;
  } lines[REQUEST_MAX];
};

static struct produce_request *requests;

static void schedule_send(rd_kafka_t *client, int64_t at_us);

void producers_reset(void) { requests = NULL; }

void producer_init(rd_kafka_t *client) {
  struct producer_part *producer = &client->producer;
  queue_init(&producer->queue, client);
  producer->queued_end = &producer->queued;
  producer->reports_end = &producer->reports;
  producer->queue_max = (int)random_between(&world.random, QUEUE_LEAST, QUEUE_MOST);
}

static void append(struct outgoing_message ***end, struct outgoing_message *message) {
  message->next = NULL;
  **end = message;
  *end = &message->next;
}

static void report(rd_kafka_t *client, struct outgoing_message *message, rd_kafka_resp_err_t err) {
  message->err = err;
  append(&client->producer.reports_end, message);
  fiber_wake(&client->producer.queue);
}

/* --- requests --- */

static void unfly(rd_kafka_t *client, const struct outgoing_message *message) {
  struct outgoing_message **link = &client->producer.flying;
  while (*link && *link != message) link = &(*link)->next;
  must(*link);
  *link = message->next;
}

static void take_written(rd_kafka_t *client, struct errand_of_client *errand) {
  struct produce_request *request = (struct produce_request *)errand;
  if (request->purged) return;
  request->purged = true;
  for (uint32_t i = 0; i < request->count; i++) {
    struct outgoing_message *message = request->lines[i].message;
    unfly(client, message);
    message->offset = request->lines[i].offset;
    report(client, message, request->lines[i].err);
  }
}

static bool is_refused(const struct payload *payload, enum topic topic) {
  return topic == TOPIC_OUT && checks_fate(payload->partition, payload->offset) == FATE_REFUSED;
}

static void write_all(struct produce_request *request) {
  request->written = true;
  for (uint32_t i = 0; i < request->count; i++) {
    if (is_refused(&request->lines[i].payload, request->lines[i].topic)) {
      request->lines[i].err = RD_KAFKA_RESP_ERR_INVALID_RECORD;
      continue;
    }
    request->lines[i].offset = cluster.written[request->lines[i].topic][request->lines[i].partition]++;
    checks_written(request->lines[i].topic, &request->lines[i].payload, request->errand.client);
  }
}

static void be_broken(rd_kafka_t *client) {
  if (client->producer.fatal) return;
  client->producer.fatal = true;
  world.events.fatals++;
  world_say("worker %u: its producer is broken", client->process->slot);
  fiber_wake(&client->producer.queue);
}

/* Lost answers are asked for again until the broker says that it has them. */
static void arrive(void *ctx, int64_t number) {
  (void)number;
  struct produce_request *request = ctx;
  rd_kafka_t *client = client_of(request->errand.client);
  if (client && client->producer.breaks) be_broken(client);
  bool alone = !client || client->producer.fatal;
  if (request->purged && alone && random_chance(&world.random, 500)) return;
  if (!request->written) write_all(request);
  int64_t at_us = 0;
  if (cluster_answers(request->errand.client, &at_us) && !random_chance(&world.random, cluster.faults.delivery_lost))
    client_tell_at(at_us, &request->errand);
  else {
    world.events.deliveries_lost++;
    if (client) world_at(world.now_us + SEND_AGAIN_US, arrive, request, 0);
  }
}

/* Of one connection: requests arrive in the order in which they were sent. */
static int64_t arrival_us(rd_kafka_t *client) {
  int64_t at_us = 0;
  if (!cluster_sends(client, &at_us)) return -1;
  if (at_us <= client->producer.last_arrival_us) at_us = client->producer.last_arrival_us + 1;
  return client->producer.last_arrival_us = at_us;
}

static void fill(rd_kafka_t *client, struct produce_request *request) {
  struct producer_part *producer = &client->producer;
  while (producer->queued && request->count < REQUEST_MAX) {
    struct outgoing_message *message = producer->queued;
    producer->queued = message->next;
    if (!producer->queued) producer->queued_end = &producer->queued;
    message->next = producer->flying;
    producer->flying = message;
    uint32_t i = request->count++;
    request->lines[i].payload = message->payload;
    request->lines[i].topic = message->topic;
    request->lines[i].partition = message->partition;
    request->lines[i].message = message;
  }
}

static void send_some(rd_kafka_t *client, struct errand_of_client *errand) {
  (void)errand;
  struct producer_part *producer = &client->producer;
  producer->sending = false;
  if (!producer->queued || producer->fatal) return;
  int64_t at_us = arrival_us(client);
  if (at_us < 0) {
    schedule_send(client, world.now_us + SEND_AGAIN_US);
    return;
  }
  struct produce_request *request = client_errand(client, sizeof *request, take_written);
  fill(client, request);
  request->next = requests;
  requests = request;
  world_at(at_us, arrive, request, 0);
  if (producer->queued) schedule_send(client, world.now_us + 1);
}

static void schedule_send(rd_kafka_t *client, int64_t at_us) {
  if (client->producer.sending) return;
  client->producer.sending = true;
  client_tell_at(at_us, client_errand(client, sizeof(struct errand_of_client), send_some));
}

/* --- what the application does --- */

struct produce_arguments {
  rd_kafka_topic_t *topic;
  int32_t partition;
  const void *value;
  size_t size;
  void *opaque;
  rd_kafka_headers_t *headers;
};

static void read_arguments(va_list *args, struct produce_arguments *into) {
  rd_kafka_vtype_t type;
  while ((type = va_arg(*args, rd_kafka_vtype_t)) != RD_KAFKA_VTYPE_END) switch (type) {
    case RD_KAFKA_VTYPE_RKT: into->topic = va_arg(*args, rd_kafka_topic_t *); break;
    case RD_KAFKA_VTYPE_PARTITION: into->partition = va_arg(*args, int32_t); break;
    case RD_KAFKA_VTYPE_MSGFLAGS: (void)va_arg(*args, int); break;
    case RD_KAFKA_VTYPE_VALUE:
      into->value = va_arg(*args, const void *);
      into->size = va_arg(*args, size_t);
      break;
    case RD_KAFKA_VTYPE_KEY:
      (void)va_arg(*args, const void *);
      (void)va_arg(*args, size_t);
      break;
    case RD_KAFKA_VTYPE_HEADERS: into->headers = va_arg(*args, rd_kafka_headers_t *); break;
    case RD_KAFKA_VTYPE_TIMESTAMP: (void)va_arg(*args, int64_t); break;
    case RD_KAFKA_VTYPE_OPAQUE: into->opaque = va_arg(*args, void *); break;
    default: must_not_reach();
    }
}

rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *client, ...) {
  struct produce_arguments given = {0};
  va_list args;
  va_start(args, client);
  read_arguments(&args, &given);
  va_end(args);
  struct producer_part *producer = &client->producer;
  if (producer->fatal) return RD_KAFKA_RESP_ERR__FATAL;
  if (producer->outstanding >= producer->queue_max) return RD_KAFKA_RESP_ERR__QUEUE_FULL;
  must(given.size == sizeof(struct payload));
  struct outgoing_message *message = calloc(1, sizeof *message);
  memcpy(&message->payload, given.value, sizeof message->payload);
  message->topic = given.topic->topic;
  message->partition = given.partition < 0 ? message->payload.partition : given.partition;
  message->opaque = given.opaque;
  message->offset = RD_KAFKA_OFFSET_INVALID;
  free(given.headers);
  append(&producer->queued_end, message);
  producer->outstanding++;
  schedule_send(client, world.now_us + LINGER_US);
  fiber_stumble();
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool serve_one(rd_kafka_t *client) {
  struct producer_part *producer = &client->producer;
  struct outgoing_message *message = producer->reports;
  if (!message) return false;
  producer->reports = message->next;
  if (!producer->reports) producer->reports_end = &producer->reports;
  struct rd_kafka_topic_s topic = {client, message->topic};
  const rd_kafka_message_t told = {.err = message->err,
      .rkt = &topic,
      .partition = message->partition,
      .offset = message->offset,
      .payload = &message->payload,
      .len = sizeof message->payload,
      ._private = message->opaque};
  producer->outstanding--;
  client->conf->on_delivery(client, &told, client->conf->opaque);
  free(message);
  return true;
}

int rd_kafka_poll(rd_kafka_t *client, int timeout_ms) {
  struct producer_part *producer = &client->producer;
  int64_t until_us = until_us_of(timeout_ms);
  for (int served = 0;;) {
    if (producer->fatal && !producer->fatal_told) {
      producer->fatal_told = true;
      client->conf->on_error(client, RD_KAFKA_RESP_ERR__FATAL, "simulated", client->conf->opaque);
      served++;
    }
    while (serve_one(client)) {
      served++;
      fiber_stumble();
    }
    bool yield = producer->queue.yield;
    producer->queue.yield = false;
    if (served || yield || world.now_us >= until_us) return served;
    fiber_wait(&producer->queue, until_us);
  }
}

int rd_kafka_outq_len(rd_kafka_t *client) { return client->producer.outstanding; }

rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *client, int timeout_ms) {
  int64_t until_us = until_us_of(timeout_ms);
  for (;;) {
    while (serve_one(client)) continue;
    if (!client->producer.outstanding) return RD_KAFKA_RESP_ERR_NO_ERROR;
    if (world.now_us >= until_us) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    fiber_wait(&client->producer.queue, until_us);
  }
}

/* --- the end of a producer --- */

static void purge_requests(uint64_t client) {
  for (struct produce_request *request = requests; request; request = request->next)
    if (request->errand.client == client) request->purged = true;
}

static void purge_all(rd_kafka_t *client, struct outgoing_message **from, rd_kafka_resp_err_t err) {
  while (*from) {
    struct outgoing_message *message = *from;
    *from = message->next;
    report(client, message, err);
  }
}

rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *client, int flags) {
  struct producer_part *producer = &client->producer;
  if (flags & RD_KAFKA_PURGE_F_QUEUE) {
    purge_all(client, &producer->queued, RD_KAFKA_RESP_ERR__PURGE_QUEUE);
    producer->queued_end = &producer->queued;
  }
  if (flags & RD_KAFKA_PURGE_F_INFLIGHT) {
    purge_requests(client->number);
    purge_all(client, &producer->flying, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT);
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *client, char *text, size_t size) {
  if (text && size) text[0] = 0;
  return client->producer.fatal ? RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER : RD_KAFKA_RESP_ERR_NO_ERROR;
}

void producer_break(rd_kafka_t *client) { client->producer.breaks = true; }
