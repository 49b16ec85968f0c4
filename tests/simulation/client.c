/* client.c: clients, their threads, their queues. */
#include "client.h"
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "fiber.h"
#include "process.h"
#include "world.h"

static rd_kafka_t *clients[CLIENTS_MAX];
static uint64_t numbers;

rd_kafka_t *client_of(uint64_t number) {
  for (size_t i = 0; i < CLIENTS_MAX; i++)
    if (clients[i] && clients[i]->number == number) return clients[i];
  return NULL;
}

void clients_vanish(const struct process *process) {
  for (size_t i = 0; i < CLIENTS_MAX; i++)
    if (clients[i] && clients[i]->process == process) clients[i] = NULL;
}

void clients_reset(void) {
  memset(clients, 0, sizeof clients);
  numbers = 0;
}

void clients_each(void (*visit)(rd_kafka_t *client, void *ctx), void *ctx) {
  for (size_t i = 0; i < CLIENTS_MAX; i++)
    if (clients[i]) visit(clients[i], ctx);
}

/* --- the thread of a client --- */

static void *run(void *arg) {
  rd_kafka_t *client = arg;
  while (!client->ending) {
    struct errand_of_client *errand = client->errands;
    if (!errand) {
      fiber_wait(&client->errands, FOREVER_US);
      continue;
    }
    client->errands = errand->next;
    if (!client->errands) client->errands_end = &client->errands;
    errand->run(client, errand);
    fiber_stumble();
  }
  return NULL;
}

void *client_errand(const rd_kafka_t *client, size_t size, void (*run_it)(rd_kafka_t *, struct errand_of_client *)) {
  struct errand_of_client *errand = world_alloc(size);
  errand->client = client->number;
  errand->run = run_it;
  return errand;
}

void client_tell(struct errand_of_client *errand) {
  rd_kafka_t *client = client_of(errand->client);
  if (!client) return;
  errand->next = NULL;
  *client->errands_end = errand;
  client->errands_end = &errand->next;
  fiber_wake(&client->errands);
}

static void tell(void *ctx, int64_t number) {
  (void)number;
  client_tell(ctx);
}

void client_tell_at(int64_t at_us, struct errand_of_client *errand) { world_at(at_us, tell, errand, 0); }

bool client_ask(rd_kafka_t *client, int timeout_ms) {
  int64_t there_us = 0, back_us = 0;
  bool answered = cluster_sends(client, &there_us) && cluster_answers(client->number, &back_us);
  int64_t until_us = answered ? there_us + back_us - world.now_us : INT64_MAX, limit_us = until_us_of(timeout_ms);
  if (answered && until_us <= limit_us) {
    fiber_wait(&until_us, until_us);
    return true;
  }
  fiber_wait(&until_us, limit_us);
  return false;
}

/* --- life --- */

static size_t free_place(void) {
  size_t i = 0;
  while (i < CLIENTS_MAX && clients[i]) i++;
  must(i < CLIENTS_MAX);
  return i;
}

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *reason, size_t reason_size) {
  (void)reason, (void)reason_size;
  rd_kafka_t *client = calloc(1, sizeof *client);
  client->number = ++numbers;
  client->type = type;
  client->process = fiber_process();
  client->conf = conf;
  client->errands_end = &client->errands;
  queue_init(&client->consumer.queue, client);
  client->consumer.served = &client->consumer.queue;
  client->consumer.generation = -1;
  for (int32_t i = 0; i < PARTITIONS_MAX; i++) {
    struct toppar *toppar = &client->consumer.toppars[i];
    *toppar = (struct toppar){.client = client, .partition = i, .eof_told = -1};
    queue_init(&toppar->queue, client);
    toppar->queue.of = toppar;
  }
  producer_init(client);
  clients[free_place()] = client;
  client->thread = fiber_start(client->process, run, client);
  if (type == RD_KAFKA_CONSUMER) membership_tick(client);
  return client;
}

void rd_kafka_destroy_flags(rd_kafka_t *client, int flags) {
  (void)flags;
  if (client->messages) world_fail("HANG", "%d messages are alive when their client is destroyed", client->messages);
  if (client->consumer.member) group_leave(client->consumer.member); /* closed without a word: its session ends */
  client->ending = true;
  fiber_wake(&client->errands);
  fiber_join(client->thread);
  for (size_t i = 0; i < CLIENTS_MAX; i++)
    if (clients[i] == client) clients[i] = NULL;
  queue_clear(&client->consumer.queue);
  for (size_t i = 0; i < PARTITIONS_MAX; i++) queue_clear(&client->consumer.toppars[i].queue);
  free(client->conf);
  free(client);
}

void rd_kafka_destroy(rd_kafka_t *client) { rd_kafka_destroy_flags(client, 0); }

void *rd_kafka_opaque(const rd_kafka_t *client) { return client->conf->opaque; }

/* --- queues --- */

int64_t until_us_of(int timeout_ms) { return timeout_ms < 0 ? FOREVER_US : world.now_us + (int64_t)timeout_ms * 1000; }

void queue_init(rd_kafka_queue_t *queue, rd_kafka_t *client) {
  *queue = (struct rd_kafka_queue_s){.client = client};
  queue->end = &queue->first;
}

/* The callback tells of the first item only. */
void queue_push(rd_kafka_queue_t *queue, struct item *item) {
  if (queue->closed) {
    item_free(item);
    return;
  }
  bool was_empty = !queue->first;
  item->next = NULL;
  *queue->end = item;
  queue->end = &item->next;
  queue->count++;
  fiber_wake(queue);
  if (was_empty && queue->on_event) queue->on_event(queue->client, queue->opaque);
}

struct item *queue_pop(rd_kafka_queue_t *queue) {
  struct item *item = queue->first;
  if (!item) return NULL;
  queue->first = item->next;
  if (!queue->first) queue->end = &queue->first;
  queue->count--;
  return item;
}

struct item *queue_await(rd_kafka_queue_t *queue, int64_t until_us) {
  for (;;) {
    struct item *item = queue_pop(queue);
    if (item) return item;
    if (queue->yield) {
      queue->yield = false;
      return NULL;
    }
    if (world.now_us >= until_us) return NULL;
    fiber_wait(queue, until_us);
  }
}

void item_free(struct item *item) {
  if (item->list) rd_kafka_topic_partition_list_destroy(item->list);
  free(item);
}

void queue_clear(rd_kafka_queue_t *queue) {
  for (struct item *item; (item = queue_pop(queue));) item_free(item);
}

rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *client) {
  rd_kafka_queue_t *queue = calloc(1, sizeof *queue);
  queue_init(queue, client);
  return queue;
}

rd_kafka_queue_t *rd_kafka_queue_get_consumer(rd_kafka_t *client) { return &client->consumer.queue; }
rd_kafka_queue_t *rd_kafka_queue_get_main(rd_kafka_t *client) { return &client->producer.queue; }

rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *client, const char *topic, int32_t partition) {
  must(strcmp(topic, topic_names[TOPIC_IN]) == 0 && partition < cluster.partitions);
  return &client->consumer.toppars[partition].queue;
}

/* Those of a client itself are parts of it. */
static bool is_apart(const rd_kafka_queue_t *queue) {
  const char *at = (const char *)queue, *client = (const char *)queue->client;
  return at < client || at >= client + sizeof *queue->client;
}

void rd_kafka_queue_destroy(rd_kafka_queue_t *queue) {
  if (!is_apart(queue)) return;
  if (queue->client->consumer.served == queue) queue->client->consumer.served = &queue->client->consumer.queue;
  queue_clear(queue);
  queue->closed = true; /* answers may still be on their way to it; it goes with its process */
}

void rd_kafka_queue_forward(rd_kafka_queue_t *queue, rd_kafka_queue_t *to) {
  must(!to && queue->of);
  queue->own = true;
}

void rd_kafka_queue_cb_event_enable(rd_kafka_queue_t *queue, void (*on_event)(rd_kafka_t *, void *), void *opaque) {
  queue->on_event = on_event;
  queue->opaque = opaque;
}

void rd_kafka_queue_yield(rd_kafka_queue_t *queue) {
  queue->yield = true;
  fiber_wake(queue);
}

size_t rd_kafka_queue_length(rd_kafka_queue_t *queue) { return queue->count; }
