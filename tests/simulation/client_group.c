/* client_group.c: a consumer as a member of its group. One rebalance at a time stands in its queue: the next begins when the
 * application has answered. Heartbeats go on while callbacks run. */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "checks.h"
#include "client.h"
#include "fiber.h"
#include "process.h"
#include "world.h"

enum { TICK_US = 800000, JOIN_AGAIN_US = 5000000, LEAVE_US = 1000000 };

static void begin_revoke(rd_kafka_t *client);

/* --- joining --- */

static void arrive_join(void *ctx, int64_t member) {
  const struct errand_of_client *errand = ctx;
  group_join(errand->client, (uint64_t)member);
}

static void send_join(rd_kafka_t *client) {
  struct consumer_part *consumer = &client->consumer;
  if (!consumer->member) consumer->member = client->number * 1000 + ++consumer->members;
  consumer->membership = MEMBER_JOINING;
  consumer->joined_us = world.now_us;
  int64_t at_us = 0;
  if (cluster_sends(client, &at_us))
    world_at(
        at_us, arrive_join, client_errand(client, sizeof(struct errand_of_client), NULL), (int64_t)consumer->member);
}

static rd_kafka_topic_partition_list_t *list_of(uint32_t share) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS_MAX);
  for (int32_t i = 0; i < cluster.partitions; i++)
    if (share >> i & 1) rd_kafka_topic_partition_list_add(list, topic_names[TOPIC_IN], i);
  return list;
}

static void push_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code) {
  struct item *item = calloc(1, sizeof *item);
  item->kind = ITEM_REBALANCE;
  item->code = code;
  item->list = list_of(client->consumer.share);
  queue_push(client->consumer.served, item);
}

struct joined {
  struct errand_of_client errand;
  uint64_t member;
  int32_t generation;
  uint32_t share;
};

static void take_joined(rd_kafka_t *client, struct errand_of_client *errand) {
  const struct joined *joined = (struct joined *)errand;
  struct consumer_part *consumer = &client->consumer;
  if (consumer->membership != MEMBER_JOINING || consumer->member != joined->member) return;
  consumer->membership = MEMBER_ASSIGNING;
  consumer->generation = joined->generation;
  consumer->share = joined->share;
  consumer->heard_us = world.now_us;
  consumer->lost = consumer->revoke_due = false;
  world.events.assigns++;
  push_rebalance(client, RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS);
}

void client_joined(uint64_t number, uint64_t member, int32_t generation, uint32_t share) {
  const rd_kafka_t *client = client_of(number);
  int64_t at_us = 0;
  if (!client || !cluster_answers(number, &at_us)) return;
  struct joined *joined = client_errand(client, sizeof *joined, take_joined);
  joined->member = member;
  joined->generation = generation;
  joined->share = share;
  client_tell_at(at_us, &joined->errand);
}

/* --- heartbeats --- */

static void mark_lost(rd_kafka_t *client, const char *why) {
  struct consumer_part *consumer = &client->consumer;
  if (consumer->lost) return;
  world_say("worker %u: its assignment is lost: %s", client->process->slot, why);
  consumer->lost = true;
  consumer->member = 0;
  consumer->generation = -1;
  world.events.losts++;
  if (consumer->membership == MEMBER_UP)
    begin_revoke(client);
  else if (consumer->membership == MEMBER_ASSIGNING)
    consumer->revoke_due = true;
}

struct beat {
  struct errand_of_client errand;
  uint64_t member;
  int32_t generation;
  int64_t sent_us;
  rd_kafka_resp_err_t code;
};

static void take_beat(rd_kafka_t *client, struct errand_of_client *errand) {
  const struct beat *beat = (struct beat *)errand;
  struct consumer_part *consumer = &client->consumer;
  if (consumer->member != beat->member || consumer->generation != beat->generation) return;
  switch (beat->code) {
  case RD_KAFKA_RESP_ERR_NO_ERROR: consumer->heard_us = beat->sent_us; return;
  case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    consumer->heard_us = beat->sent_us;
    if (consumer->membership == MEMBER_UP)
      begin_revoke(client);
    else if (consumer->membership == MEMBER_ASSIGNING)
      consumer->revoke_due = true;
    return;
  default: mark_lost(client, rd_kafka_err2name(beat->code)); return;
  }
}

static void arrive_beat(void *ctx, int64_t number) {
  (void)number;
  struct beat *beat = ctx;
  beat->code = group_heartbeat(beat->member, beat->generation);
  int64_t at_us = 0;
  if (cluster_answers(beat->errand.client, &at_us)) client_tell_at(at_us, &beat->errand);
}

static void send_beat(rd_kafka_t *client) {
  struct beat *beat = client_errand(client, sizeof *beat, take_beat);
  beat->member = client->consumer.member;
  beat->generation = client->consumer.generation;
  beat->sent_us = world.now_us;
  int64_t at_us = 0;
  if (cluster_sends(client, &at_us)) world_at(at_us, arrive_beat, beat, 0);
}

static void on_tick(rd_kafka_t *client, struct errand_of_client *errand) {
  (void)errand;
  struct consumer_part *consumer = &client->consumer;
  bool is_member = consumer->member && consumer->membership >= MEMBER_ASSIGNING;
  if (is_member && world.now_us - consumer->heard_us > cluster.session_us)
    mark_lost(client, "nothing was heard");
  else if (is_member)
    send_beat(client);
  if (consumer->membership == MEMBER_JOINING && world.now_us - consumer->joined_us > JOIN_AGAIN_US) send_join(client);
  membership_tick(client);
}

void membership_tick(rd_kafka_t *client) {
  client_tell_at(world.now_us + TICK_US, client_errand(client, sizeof(struct errand_of_client), on_tick));
}

/* --- leaving --- */

static void arrive_leave(void *ctx, int64_t member) {
  (void)ctx;
  group_leave((uint64_t)member);
}

static void take_closed(rd_kafka_t *client, struct errand_of_client *errand) {
  (void)errand;
  client->consumer.closed = true;
  fiber_wake(client->consumer.served);
}

static void leave(rd_kafka_t *client) {
  struct consumer_part *consumer = &client->consumer;
  int64_t at_us = 0;
  if (consumer->member && cluster_sends(client, &at_us)) world_at(at_us, arrive_leave, NULL, (int64_t)consumer->member);
  consumer->member = 0;
  consumer->generation = -1;
  consumer->membership = MEMBER_OUT;
  if (consumer->then == THEN_CLOSE)
    client_tell_at(world_in_us(cluster.faults.latency_us, LEAVE_US),
        client_errand(client, sizeof(struct errand_of_client), take_closed));
}

static void begin_revoke(rd_kafka_t *client) {
  struct consumer_part *consumer = &client->consumer;
  consumer->membership = MEMBER_REVOKING;
  consumer->revoke_due = false;
  world.events.revokes++;
  push_rebalance(client, RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS);
}

static void revoked(rd_kafka_t *client) {
  struct consumer_part *consumer = &client->consumer;
  for (int32_t i = 0; i < PARTITIONS_MAX; i++) toppar_stop(&consumer->toppars[i]);
  consumer->share = 0;
  consumer->lost = false;
  if (consumer->then == THEN_REJOIN)
    send_join(client);
  else
    leave(client);
}

/* --- what the application does --- */

rd_kafka_resp_err_t rd_kafka_subscribe(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *topics) {
  (void)topics;
  client->consumer.then = THEN_REJOIN;
  if (client->consumer.membership == MEMBER_OUT) send_join(client);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void go_out(rd_kafka_t *client, enum after_revoke then) {
  struct consumer_part *consumer = &client->consumer;
  consumer->then = then;
  if (consumer->membership == MEMBER_UP)
    begin_revoke(client);
  else if (consumer->membership == MEMBER_ASSIGNING)
    consumer->revoke_due = true;
  else if (consumer->membership != MEMBER_REVOKING)
    leave(client);
}

rd_kafka_resp_err_t rd_kafka_unsubscribe(rd_kafka_t *client) {
  go_out(client, THEN_STAY_OUT);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_error_t *rd_kafka_consumer_close_queue(rd_kafka_t *client, rd_kafka_queue_t *queue) {
  for (struct item *item; (item = queue_pop(client->consumer.served));) queue_push(queue, item);
  client->consumer.served = queue;
  go_out(client, THEN_CLOSE);
  return NULL;
}

int rd_kafka_consumer_closed(rd_kafka_t *client) { return client->consumer.closed; }
int rd_kafka_assignment_lost(rd_kafka_t *client) { return client->consumer.lost; }
const char *rd_kafka_rebalance_protocol(rd_kafka_t *client) {
  (void)client;
  return "EAGER";
}

rd_kafka_resp_err_t rd_kafka_assign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list) {
  struct consumer_part *consumer = &client->consumer;
  if (consumer->membership == MEMBER_REVOKING) {
    must(!list || !list->cnt);
    revoked(client);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  if (consumer->membership != MEMBER_ASSIGNING) return RD_KAFKA_RESP_ERR__STATE;
  for (int i = 0; list && i < list->cnt; i++) {
    checks_assigned(client->process->slot, list->elems[i].partition, list->elems[i].offset);
    toppar_start(&consumer->toppars[list->elems[i].partition], list->elems[i].offset);
  }
  consumer->membership = MEMBER_UP;
  if (consumer->revoke_due || consumer->then != THEN_REJOIN) begin_revoke(client);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_error_t *rd_kafka_incremental_assign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list) {
  (void)client, (void)list;
  must_not_reach();
}
rd_kafka_error_t *rd_kafka_incremental_unassign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list) {
  (void)client, (void)list;
  must_not_reach();
}

void membership_serve(rd_kafka_t *client, struct item *item) {
  must(item->kind == ITEM_REBALANCE);
  world_say("worker %u: %d partitions %s", client->process->slot, item->list->cnt,
      item->code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? "come" : "go");
  client->conf->on_rebalance(client, item->code, item->list, client->conf->opaque);
  item_free(item);
}

rd_kafka_message_t *rd_kafka_consumer_poll(rd_kafka_t *client, int timeout_ms) {
  int64_t until_us = until_us_of(timeout_ms);
  struct item *item = NULL;
  while ((item = queue_await(client->consumer.served, until_us))) membership_serve(client, item);
  return NULL;
}
