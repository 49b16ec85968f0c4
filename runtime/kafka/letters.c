/* letters.c: one partition is assigned at a time, so that letters come in the order of their places. The end is an offset, not a silence: a partition
 * is done when its last record was seen or the broker says that there is none before the end. */
#include "kafka/letters.h"
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "config/pipeline_file.h"
#include "kafka/client.h"
#include "kafka/message.h"
#include "kafka/topics.h"

enum { LETTERS_MAGIC = 0x51e7712d, CONNECT_MS = 5000, ASK_MS = 10000, SILENCE_MS = 30000 };

struct letters {
  struct client client;
  uint32_t magic;
  const struct pipeline_file *file;
  const char *group;
  rd_kafka_t *handle;
  struct letters_partition *partitions;
  size_t count;
  size_t at; /* that is read */
  bool assigned;
  int64_t heard_ms; /* when something came last */
  rd_kafka_message_t *message;
  struct arena arena; /* of the headers */
};

/* --- life ------------------------------------------------------------------------------------------------------------ */

static bool open_handle(struct letters *letters, struct error *err) {
  rd_kafka_conf_t *conf = client_conf(&letters->client, letters->file, NULL, SCOPE_CONSUMER, NULL, 0, err);
  if (!conf) return false;
  const struct property of_weir[] = {{"group.id", letters->group}, {"enable.auto.commit", "false"},
      {"isolation.level", "read_committed"}, {"enable.partition.eof", "true"}, {"auto.offset.reset", "error"},
      {"enable.auto.offset.store", "false"}};
  properties_set(conf, of_weir, sizeof of_weir / sizeof *of_weir);
  letters->handle = client_create(&letters->client, RD_KAFKA_CONSUMER, conf, err);
  return letters->handle && !rd_kafka_poll_set_consumer(letters->handle);
}

static void add_topic(void *ctx, const char *topic, int32_t partitions) {
  struct letters *letters = ctx;
  (void)topic;
  letters->partitions = calloc((size_t)partitions + 1, sizeof *letters->partitions);
  must(letters->partitions);
  letters->count = (size_t)partitions;
  for (int32_t i = 0; i < partitions; i++) letters->partitions[i] = (struct letters_partition){i, -1, -1, -1, false};
}

static rd_kafka_topic_partition_list_t *list_of(const struct letters *letters, int64_t offset) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)letters->count);
  for (size_t i = 0; i < letters->count; i++)
    rd_kafka_topic_partition_list_add(list, letters->file->dead_letter, letters->partitions[i].partition)->offset =
        offset;
  return list;
}

/* Offsets for a time, or for a logical one; -1 where there is none that late. */
static bool ask(struct letters *letters, int64_t time, int64_t *offsets, struct error *err) {
  rd_kafka_topic_partition_list_t *list = list_of(letters, time);
  rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(letters->handle, list, ASK_MS);
  for (int i = 0; !code && i < list->cnt; i++) {
    code = list->elems[i].err;
    offsets[i] = list->elems[i].offset < 0 ? -1 : list->elems[i].offset;
  }
  rd_kafka_topic_partition_list_destroy(list);
  if (!code) return true;
  return error_set(
      err, "topic %s: the cluster could not tell its offsets: %s", letters->file->dead_letter, rd_kafka_err2str(code));
}

static bool find_ends(struct letters *letters, struct error *err) {
  const char *topic = letters->file->dead_letter;
  if (!topics_find(letters->handle, &letters->client, &topic, 1, CONNECT_MS, add_topic, letters, err)) return false;
  int64_t *first = calloc(letters->count + 1, sizeof *first), *end = calloc(letters->count + 1, sizeof *end);
  must(first && end);
  bool fine = ask(letters, RD_KAFKA_OFFSET_BEGINNING, first, err) && ask(letters, RD_KAFKA_OFFSET_END, end, err);
  for (size_t i = 0; fine && i < letters->count; i++)
    letters->partitions[i] =
        (struct letters_partition){letters->partitions[i].partition, first[i], end[i], first[i], false};
  free(first);
  free(end);
  return fine;
}

struct letters *letters_open(const struct pipeline_file *file, const char *group, struct error *err) {
  must(file && file->dead_letter && group);
  struct letters *letters = calloc(1, sizeof *letters);
  must(letters);
  letters->magic = LETTERS_MAGIC;
  letters->file = file;
  letters->group = group;
  client_init(&letters->client, "dead letters", letters);
  arena_init(&letters->arena, 0);
  if (open_handle(letters, err) && find_ends(letters, err)) return letters;
  letters_close(letters);
  return NULL;
}

void letters_close(struct letters *letters) {
  if (!letters) return;
  must_be(letters, LETTERS_MAGIC);
  if (letters->message) rd_kafka_message_destroy(letters->message);
  if (letters->handle) rd_kafka_destroy(letters->handle);
  arena_fini(&letters->arena);
  client_fini(&letters->client);
  free(letters->partitions);
  letters->magic = 0;
  free(letters);
}

size_t letters_count(const struct letters *letters) { return letters->count; }

const struct letters_partition *letters_at(const struct letters *letters, size_t index) {
  must(index < letters->count);
  return &letters->partitions[index];
}

/* --- where to begin --------------------------------------------------------------------------------------------------- */

static void begin_at(struct letters_partition *partition, int64_t offset) {
  if (offset > partition->next) partition->next = offset < partition->end ? offset : partition->end;
}

bool letters_only(struct letters *letters, int32_t partition, struct error *err) {
  must_be(letters, LETTERS_MAGIC);
  if (partition < 0 || (size_t)partition >= letters->count)
    return error_set(err, "topic %s has no partition %" PRId32 ": it has %zu", letters->file->dead_letter, partition,
        letters->count);
  for (size_t i = 0; i < letters->count; i++)
    if (letters->partitions[i].partition != partition) letters->partitions[i].next = letters->partitions[i].end;
  return true;
}

bool letters_since(struct letters *letters, int64_t time_ms, struct error *err) {
  must_be(letters, LETTERS_MAGIC);
  int64_t *offsets = calloc(letters->count + 1, sizeof *offsets);
  must(offsets);
  bool fine = ask(letters, time_ms, offsets, err);
  for (size_t i = 0; fine && i < letters->count; i++)
    begin_at(&letters->partitions[i], offsets[i] < 0 ? letters->partitions[i].end : offsets[i]);
  free(offsets);
  return fine;
}

bool letters_resume(struct letters *letters, struct error *err) {
  must_be(letters, LETTERS_MAGIC);
  rd_kafka_topic_partition_list_t *list = list_of(letters, RD_KAFKA_OFFSET_INVALID);
  rd_kafka_resp_err_t code = rd_kafka_committed(letters->handle, list, ASK_MS);
  for (int i = 0; !code && i < list->cnt; i++) {
    code = list->elems[i].err;
    if (list->elems[i].offset >= 0) begin_at(&letters->partitions[i], list->elems[i].offset);
  }
  rd_kafka_topic_partition_list_destroy(list);
  if (!code) return true;
  return error_set(err, "the offsets of group %s cannot be read: %s", letters->group,
      code == RD_KAFKA_RESP_ERR__TIMED_OUT
          ? "no answer in time; after a redrive that was killed the cluster tells them when its transaction has timed out"
          : rd_kafka_err2str(code));
}

bool letters_only_at(struct letters *letters, int32_t partition, int64_t offset, struct error *err) {
  if (!letters_only(letters, partition, err)) return false;
  struct letters_partition *chosen = &letters->partitions[partition];
  if (offset < chosen->first || offset >= chosen->end)
    return error_set(err, "%s/%" PRId32 " holds the offsets %" PRId64 " to %" PRId64 ", not %" PRId64,
        letters->file->dead_letter, partition, chosen->first, chosen->end - 1, offset);
  begin_at(chosen, offset);
  if (offset + 1 < chosen->end) chosen->end = offset + 1;
  return true;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static bool assign(struct letters *letters, struct error *err) {
  struct letters_partition *partition = &letters->partitions[letters->at];
  partition->began = true;
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, letters->file->dead_letter, partition->partition)->offset = partition->next;
  rd_kafka_resp_err_t code = rd_kafka_assign(letters->handle, list);
  rd_kafka_topic_partition_list_destroy(list);
  letters->assigned = !code;
  letters->heard_ms = clock_now(clock_real());
  return !code || error_set(err, "%s/%" PRId32 " cannot be read: %s", letters->file->dead_letter, partition->partition,
                      rd_kafka_err2str(code));
}

/* To a partition with something to read. LETTERS_ONE: there is one. */
static enum letters_result go_on(struct letters *letters, struct error *err) {
  while (
      letters->at < letters->count && letters->partitions[letters->at].next >= letters->partitions[letters->at].end) {
    letters->at++;
    letters->assigned = false;
  }
  if (letters->at == letters->count) return LETTERS_END;
  return letters->assigned || assign(letters, err) ? LETTERS_ONE : LETTERS_FAILED;
}

static enum letters_result judge_error(
    struct letters *letters, struct letters_partition *partition, struct error *err) {
  const rd_kafka_message_t *message = letters->message;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (message->partition == partition->partition && message->offset > partition->next)
      partition->next = message->offset < partition->end ? message->offset : partition->end;
    return LETTERS_NONE_YET;
  }
  if (message->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || message->err == RD_KAFKA_RESP_ERR__TRANSPORT)
    return LETTERS_NONE_YET; /* the silence decides */
  error_set(err, "%s/%" PRId32 " cannot be read: %s", letters->file->dead_letter, partition->partition,
      rd_kafka_message_errstr(message));
  return LETTERS_FAILED;
}

static enum letters_result fill(struct letters *letters, struct letter *letter, struct error *err) {
  rd_kafka_message_t *message = letters->message;
  const weir_header *headers;
  uint32_t count;
  *letter = (struct letter){.partition = message->partition,
      .offset = message->offset,
      .written_ms = rd_kafka_message_timestamp(message, NULL),
      .key = {message->key, message->key_len},
      .value = {message->payload, message->len}};
  arena_reset(&letters->arena);
  if (!message_source.headers(message, &letters->arena, &headers, &count)) {
    error_set(err, "the machine has no memory for the headers of a dead letter");
    return LETTERS_FAILED;
  }
  letter_read(letter, headers, count);
  return LETTERS_ONE;
}

static enum letters_result silent(struct letters *letters, struct error *err) {
  if (clock_now(clock_real()) - letters->heard_ms < SILENCE_MS) return LETTERS_NONE_YET;
  client_unreachable(&letters->client, RD_KAFKA_RESP_ERR__TIMED_OUT, err);
  return LETTERS_FAILED;
}

enum letters_result letters_next(struct letters *letters, int wait_ms, struct letter *letter, struct error *err) {
  must_be(letters, LETTERS_MAGIC);
  enum letters_result result = go_on(letters, err);
  if (result != LETTERS_ONE) return result;
  struct letters_partition *partition = &letters->partitions[letters->at];
  if (letters->message) rd_kafka_message_destroy(letters->message);
  letters->message = rd_kafka_consumer_poll(letters->handle, wait_ms);
  if (!letters->message) return silent(letters, err);
  const rd_kafka_message_t *message = letters->message;
  if (message->err) return judge_error(letters, partition, err);
  letters->heard_ms = clock_now(clock_real());
  if (message->partition != partition->partition || message->offset < partition->next) return LETTERS_NONE_YET;
  if (message->offset >= partition->end) {
    partition->next = partition->end;
    return LETTERS_NONE_YET;
  }
  partition->next = message->offset + 1;
  return fill(letters, letter, err);
}
