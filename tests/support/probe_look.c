/* probe_look.c: one look at a running system. The ends are asked for behind the commits, so that whatever lies below a commit must
 * lie below the ends: a record that does not was committed too early. */
#include "probe.h"
#include <stdlib.h>

enum { TOPICS_MAX = HISTORY_OUTPUTS_MAX + 2 };

struct looker {
  rd_kafka_t *client;
  rd_kafka_topic_partition_list_t *committed;
  int64_t *seen; /* of each partition of the source */
  struct {
    enum history_place place;
    int32_t topic;
    rd_kafka_topic_partition_list_t *ends;
  } topics[TOPICS_MAX];
  int topic_count;
};

static void add_topic(struct looker *looker, enum history_place place, int32_t topic, const char *name) {
  if (!name) return;
  looker->topics[looker->topic_count].place = place;
  looker->topics[looker->topic_count].topic = topic;
  looker->topics[looker->topic_count++].ends = client_all_partitions(looker->client, name);
}

struct looker *looker_open(const struct arguments *arguments, const char *group, const char *source) {
  struct looker *looker = calloc(1, sizeof *looker);
  if (!looker) probe_fail(EXIT_WRONG, "no memory");
  looker->client = client_outsider(arguments, group);
  looker->committed = client_all_partitions(looker->client, source);
  add_topic(looker, HISTORY_SOURCE, 0, source);
  for (int i = 0; i < HISTORY_OUTPUTS_MAX; i++)
    add_topic(looker, HISTORY_OUTPUT, i, arguments_nth(arguments, "--output", i));
  add_topic(looker, HISTORY_DEAD, 0, arguments_text(arguments, "--dead", NULL));
  looker->seen = malloc(((size_t)looker->committed->cnt + 1) * sizeof *looker->seen);
  if (!looker->seen) probe_fail(EXIT_WRONG, "no memory");
  for (int i = 0; i < looker->committed->cnt; i++) looker->seen[i] = RD_KAFKA_OFFSET_INVALID;
  return looker;
}

void looker_close(struct looker *looker) {
  for (int i = 0; i < looker->topic_count; i++) rd_kafka_topic_partition_list_destroy(looker->topics[i].ends);
  rd_kafka_topic_partition_list_destroy(looker->committed);
  rd_kafka_destroy(looker->client);
  free(looker->seen);
  free(looker);
}

static bool any_news(const struct looker *looker) {
  for (int i = 0; i < looker->committed->cnt; i++)
    if (looker->committed->elems[i].offset != looker->seen[i]) return true;
  return false;
}

static bool ask_ends(struct looker *looker) {
  for (int i = 0; i < looker->topic_count; i++)
    if (!client_ends(looker->client, looker->topics[i].ends)) return false;
  return true;
}

static void tell_ends(const struct looker *looker, const struct look_events *events) {
  for (int i = 0; i < looker->topic_count; i++)
    for (int j = 0; j < looker->topics[i].ends->cnt; j++) {
      const rd_kafka_topic_partition_t *end = &looker->topics[i].ends->elems[j];
      events->end(events->ctx, looker->topics[i].place, looker->topics[i].topic, end->partition, end->offset);
    }
}

bool looker_look(struct looker *looker, bool all, const struct look_events *events) {
  if (!client_committed(looker->client, looker->committed)) return false;
  if (!all && !any_news(looker)) return true;
  if (!ask_ends(looker)) return false;
  tell_ends(looker, events);
  for (int i = 0; i < looker->committed->cnt; i++) {
    const rd_kafka_topic_partition_t *element = &looker->committed->elems[i];
    if (!all && element->offset == looker->seen[i]) continue;
    events->commit(events->ctx, element->partition, element->offset == RD_KAFKA_OFFSET_INVALID ? -1 : element->offset);
    looker->seen[i] = element->offset;
  }
  return true;
}
