/* survey.c: the consumer here carries the group's name and never joins it. */
#include "sandbox/survey.h"
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include "base/check.h"
#include "sandbox/client.h"

enum { ASK_MS = 1000 };

struct survey {
  rd_kafka_t *handle;
  struct survey_partition *all;
  size_t count;
};

struct survey *survey_open(const char *address, const char *group, const char *const *topics, size_t topic_count,
    int32_t partitions, struct error *err) {
  const char *const properties[] = {"group.id", group, "enable.auto.commit", "false", NULL};
  struct survey *survey = calloc(1, sizeof *survey);
  must(survey);
  survey->all = calloc(topic_count * (size_t)partitions, sizeof *survey->all);
  must(survey->all);
  for (size_t i = 0; i < topic_count; i++)
    for (int32_t number = 0; number < partitions; number++)
      survey->all[survey->count++] = (struct survey_partition){.topic = topics[i], .number = number, .committed = -1};
  survey->handle = sandbox_client(RD_KAFKA_CONSUMER, address, properties, NULL, NULL, err);
  if (survey->handle) return survey;
  survey_close(survey);
  return NULL;
}

void survey_close(struct survey *survey) {
  if (!survey) return;
  if (survey->handle) rd_kafka_destroy(survey->handle);
  free(survey->all);
  free(survey);
}

/* A time-out says "nothing committed" of each partition too: only success throughout is an answer. */
static bool ask_committed(const struct survey *survey, rd_kafka_topic_partition_list_t *list) {
  for (size_t i = 0; i < survey->count; i++)
    rd_kafka_topic_partition_list_add(list, survey->all[i].topic, survey->all[i].number);
  if (rd_kafka_committed(survey->handle, list, ASK_MS)) return false;
  for (int i = 0; i < list->cnt; i++)
    if (list->elems[i].err) return false;
  return true;
}

static bool ask_range(const struct survey *survey, struct survey_partition *partition) {
  int64_t first, end;
  if (rd_kafka_query_watermark_offsets(survey->handle, partition->topic, partition->number, &first, &end, ASK_MS))
    return false;
  partition->first = first;
  partition->end = end;
  return true;
}

bool survey_look(struct survey *survey) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)survey->count);
  bool answered = ask_committed(survey, list);
  for (size_t i = 0; answered && i < survey->count; i++) {
    struct survey_partition *partition = &survey->all[i];
    const rd_kafka_topic_partition_t *element =
        rd_kafka_topic_partition_list_find(list, partition->topic, partition->number);
    must(element);
    if (element->offset >= 0) partition->committed = element->offset;
    answered = ask_range(survey, partition);
  }
  rd_kafka_topic_partition_list_destroy(list);
  return answered;
}

size_t survey_count(const struct survey *survey) { return survey->count; }

const struct survey_partition *survey_at(const struct survey *survey, size_t index) {
  must(index < survey->count);
  return &survey->all[index];
}

bool survey_all_owned(const struct survey *survey) {
  for (size_t i = 0; i < survey->count; i++)
    if (survey->all[i].committed < 0) return false;
  return true;
}

int64_t survey_committed(const struct survey *survey) {
  int64_t sum = 0;
  for (size_t i = 0; i < survey->count; i++)
    if (survey->all[i].committed > 0) sum += survey->all[i].committed;
  return sum;
}

int64_t survey_partition_lag(const struct survey_partition *partition) {
  return partition->end - (partition->committed < 0 ? partition->first : partition->committed);
}

int64_t survey_lag(const struct survey *survey) {
  int64_t sum = 0;
  for (size_t i = 0; i < survey->count; i++) sum += survey_partition_lag(&survey->all[i]);
  return sum;
}

int64_t survey_lag_most(const struct survey *survey) {
  int64_t most = 0;
  for (size_t i = 0; i < survey->count; i++)
    if (survey_partition_lag(&survey->all[i]) > most) most = survey_partition_lag(&survey->all[i]);
  return most;
}

int64_t survey_end(const struct survey *survey) {
  int64_t sum = 0;
  for (size_t i = 0; i < survey->count; i++) sum += survey->all[i].end;
  return sum;
}
