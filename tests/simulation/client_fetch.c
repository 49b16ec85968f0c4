/* client_fetch.c: reading source partitions, and the questions and commits of a consumer. */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "client.h"
#include "fiber.h"
#include "process.h"
#include "world.h"

enum { FETCH_RECORDS = 24, QUEUE_MAX = 60, FETCH_AGAIN_US = 300000, COMMIT_TIMEOUT_LEAST_US = 1000000 };
static const int64_t commit_timeout_most_us = 20000000;

/* --- fetching --- */

static void push_message(struct toppar *toppar, rd_kafka_resp_err_t err, int64_t offset) {
  struct item *item = calloc(1, sizeof *item);
  item->kind = ITEM_MESSAGE;
  item->version = toppar->version;
  struct payload *payload = &cluster.logs[toppar->partition].records[offset].payload;
  item->message = (rd_kafka_message_t){.err = err, .partition = toppar->partition, .offset = offset};
  item->message.rkt = rd_kafka_topic_new(toppar->client, topic_names[TOPIC_IN], NULL);
  if (!err) item->message.payload = payload;
  if (!err) item->message.len = sizeof *payload;
  toppar->client->messages++;
  queue_push(&toppar->queue, item);
}

struct fetch {
  struct errand_of_client errand;
  int32_t partition;
  uint64_t version;
  bool failed;
};

static void take_fetch(rd_kafka_t *client, struct errand_of_client *errand) {
  const struct fetch *fetch = (struct fetch *)errand;
  struct toppar *toppar = &client->consumer.toppars[fetch->partition];
  if (!toppar->active || toppar->version != fetch->version) return;
  toppar->fetching = false;
  if (!fetch->failed) {
    const struct source_log *log = &cluster.logs[toppar->partition];
    int64_t most = toppar->position + random_between(&world.random, 1, FETCH_RECORDS);
    while (toppar->position < log->end && toppar->position < most) {
      int64_t offset = toppar->position++;
      if (log->records[offset].is_record) push_message(toppar, RD_KAFKA_RESP_ERR_NO_ERROR, offset);
      if (toppar->version != fetch->version) return;
    }
    if (toppar->position == log->end && toppar->eof_told != log->end) {
      toppar->eof_told = log->end;
      push_message(toppar, RD_KAFKA_RESP_ERR__PARTITION_EOF, log->end);
    }
  }
  toppar_fetch(toppar);
}

void toppar_fetch(struct toppar *toppar) {
  bool more = toppar->position < cluster.logs[toppar->partition].end || toppar->eof_told != toppar->position;
  if (!toppar->active || toppar->fetching || !more || toppar->queue.count >= QUEUE_MAX) return;
  toppar->fetching = true;
  struct fetch *fetch = client_errand(toppar->client, sizeof *fetch, take_fetch);
  fetch->partition = toppar->partition;
  fetch->version = toppar->version;
  int64_t there_us = 0, back_us = 0;
  fetch->failed = !cluster_sends(toppar->client, &there_us) || !cluster_answers(toppar->client->number, &back_us);
  client_tell_at(fetch->failed ? world.now_us + FETCH_AGAIN_US : back_us + there_us - world.now_us, &fetch->errand);
}

void toppar_start(struct toppar *toppar, int64_t offset) {
  must(toppar->queue.own && offset >= 0 && offset <= cluster.logs[toppar->partition].end);
  toppar->version++;
  toppar->position = offset;
  toppar->eof_told = -1;
  toppar->active = true;
  toppar->fetching = false;
  toppar_fetch(toppar);
}

void toppar_stop(struct toppar *toppar) {
  if (!toppar->active) return;
  toppar->version++;
  toppar->active = false;
}

static void fetch_of(rd_kafka_t *client, void *ctx) { toppar_fetch(&client->consumer.toppars[*(const int32_t *)ctx]); }

void clients_fetch(int32_t partition) { clients_each(fetch_of, &partition); }

rd_kafka_error_t *rd_kafka_seek_partitions(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int timeout_ms) {
  (void)timeout_ms;
  for (int i = 0; i < list->cnt; i++) {
    struct toppar *toppar = &client->consumer.toppars[list->elems[i].partition];
    list->elems[i].err = toppar->active ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__STATE;
    if (toppar->active) toppar_start(toppar, list->elems[i].offset);
  }
  return NULL;
}

/* What an older version of the partition's reading left behind is dropped on the way out. */
static rd_kafka_message_t *take_of_partition(rd_kafka_queue_t *queue) {
  struct toppar *toppar = queue->of;
  for (struct item *item; (item = queue_pop(queue));) {
    toppar_fetch(toppar);
    if (item->version == toppar->version && toppar->active) return &item->message;
    rd_kafka_message_destroy(&item->message);
  }
  return NULL;
}

rd_kafka_message_t *rd_kafka_consume_queue(rd_kafka_queue_t *queue, int timeout_ms) {
  fiber_stumble();
  if (queue->of) {
    must(timeout_ms == 0);
    return take_of_partition(queue);
  }
  struct item *item = queue_await(queue, until_us_of(timeout_ms));
  if (item) membership_serve(queue->client, item);
  return NULL;
}

rd_kafka_resp_err_t rd_kafka_get_watermark_offsets(
    rd_kafka_t *client, const char *topic, int32_t partition, int64_t *low, int64_t *high) {
  (void)topic;
  const struct toppar *toppar = &client->consumer.toppars[partition];
  *low = 0;
  *high = toppar->active ? cluster.logs[partition].end : RD_KAFKA_OFFSET_INVALID;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- questions --- */

rd_kafka_resp_err_t rd_kafka_committed(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int timeout_ms) {
  for (int i = 0; i < list->cnt; i++) list->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
  if (!client_ask(client, timeout_ms)) return RD_KAFKA_RESP_ERR__TIMED_OUT;
  for (int i = 0; i < list->cnt; i++) {
    rd_kafka_topic_partition_t *element = &list->elems[i];
    const struct committed *committed = &cluster.committed[element->partition];
    if (committed->offset < 0) continue;
    element->offset = committed->offset;
    element->metadata = strdup(committed->metadata);
    element->metadata_size = strlen(committed->metadata);
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_offsets_for_times(
    rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int timeout_ms) {
  if (!client_ask(client, timeout_ms)) return RD_KAFKA_RESP_ERR__TIMED_OUT;
  for (int i = 0; i < list->cnt; i++) {
    rd_kafka_topic_partition_t *element = &list->elems[i];
    element->offset = element->offset == RD_KAFKA_OFFSET_END ? cluster.logs[element->partition].end : 0;
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- commits --- */

struct commit_request {
  struct errand_of_client errand;
  rd_kafka_queue_t *queue; /* of the client; must live as long as it */
  uint64_t member;
  int32_t generation;
  uint32_t count;
  bool answered;
  rd_kafka_resp_err_t refused;
  struct commit_line lines[PARTITIONS_MAX];
};

static void take_commit(rd_kafka_t *client, struct errand_of_client *errand) {
  struct commit_request *request = (struct commit_request *)errand;
  (void)client;
  if (request->answered) return;
  request->answered = true;
  struct item *item = calloc(1, sizeof *item);
  item->kind = ITEM_COMMIT;
  item->list = rd_kafka_topic_partition_list_new((int)request->count);
  for (uint32_t i = 0; i < request->count; i++) {
    const struct commit_line *line = &request->lines[i];
    rd_kafka_topic_partition_t *element =
        rd_kafka_topic_partition_list_add(item->list, topic_names[TOPIC_IN], line->partition);
    element->offset = line->offset;
    element->err = line->err;
    if (line->err) item->code = line->err;
  }
  if (item->code) world_say("worker %u: a commit failed: %s", client->process->slot, rd_kafka_err2name(item->code));
  queue_push(request->queue, item);
}

struct silence {
  struct errand_of_client errand;
  struct commit_request *request;
};

/* Nothing was heard: the library gives up. */
static void take_silence(rd_kafka_t *client, struct errand_of_client *errand) {
  struct commit_request *request = ((struct silence *)errand)->request;
  if (request->answered) return;
  for (uint32_t i = 0; i < request->count; i++) request->lines[i].err = RD_KAFKA_RESP_ERR__TIMED_OUT;
  take_commit(client, &request->errand);
}

static void arrive_commit(void *ctx, int64_t number) {
  (void)number;
  struct commit_request *request = ctx;
  if (request->answered) return; /* too late: the connection was given up with the request */
  if (request->refused)
    for (uint32_t i = 0; i < request->count; i++) request->lines[i].err = request->refused;
  else
    group_commit(request->member, request->generation, request->lines, request->count);
  if (request->refused) world.events.commits_refused++;
  int64_t at_us = 0;
  if (cluster_answers(request->errand.client, &at_us))
    client_tell_at(at_us, &request->errand);
  else {
    world.events.commits_lost++;
    world_say("broker: the answer to a commit is lost");
  }
}

static rd_kafka_resp_err_t refusal(void) {
  static const rd_kafka_resp_err_t codes[] = {RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT};
  return random_chance(&world.random, cluster.faults.commit_refused) ? codes[random_below(&world.random, 3)] : 0;
}

rd_kafka_resp_err_t rd_kafka_commit_queue(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list,
    rd_kafka_queue_t *queue,
    void (*on_commit)(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *), void *opaque) {
  must(!on_commit && !opaque && list->cnt <= PARTITIONS_MAX);
  struct commit_request *request = client_errand(client, sizeof *request, take_commit);
  request->queue = queue;
  request->member = client->consumer.member;
  request->generation = client->consumer.generation;
  request->refused = refusal();
  for (int i = 0; i < list->cnt; i++) {
    struct commit_line *line = &request->lines[request->count++];
    *line = (struct commit_line){.partition = list->elems[i].partition, .offset = list->elems[i].offset};
    must(list->elems[i].metadata_size < METADATA_MAX);
    memcpy(line->metadata, list->elems[i].metadata, list->elems[i].metadata_size);
  }
  int64_t at_us = 0;
  if (cluster_sends(client, &at_us)) world_at(at_us, arrive_commit, request, 0);
  struct silence *silence = client_errand(client, sizeof *silence, take_silence);
  silence->request = request;
  client_tell_at(world_in_us(COMMIT_TIMEOUT_LEAST_US, commit_timeout_most_us), &silence->errand);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *queue, int timeout_ms) {
  return (rd_kafka_event_t *)queue_await(queue, until_us_of(timeout_ms));
}
rd_kafka_event_type_t rd_kafka_event_type(const rd_kafka_event_t *event) {
  return event ? RD_KAFKA_EVENT_OFFSET_COMMIT : RD_KAFKA_EVENT_NONE;
}
rd_kafka_resp_err_t rd_kafka_event_error(rd_kafka_event_t *event) { return ((struct item *)event)->code; }
rd_kafka_topic_partition_list_t *rd_kafka_event_topic_partition_list(rd_kafka_event_t *event) {
  return ((struct item *)event)->list;
}
void rd_kafka_event_destroy(rd_kafka_event_t *event) { item_free((struct item *)event); }
