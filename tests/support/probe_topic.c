/* probe_topic.c: topics are made and removed. librdkafka's mock broker has no such call: there a topic comes to be by being
 * asked for. */
#include "probe.h"
#include <string.h>

enum { MOCK_PARTITIONS = 4 };

static void add_settings(rd_kafka_NewTopic_t *topic, const struct arguments *arguments) {
  const char *given;
  for (int i = 0; (given = arguments_nth(arguments, "--config", i)); i++) {
    char name[128];
    size_t length = strcspn(given, "=");
    if (!given[length] || length >= sizeof name)
      probe_fail(EXIT_USAGE, "--config: found '%s', expected NAME=VALUE", given);
    memcpy(name, given, length);
    name[length] = 0;
    rd_kafka_NewTopic_set_config(topic, name, given + length + 1);
  }
}

/* The one result of an administration call: NULL, or why it failed. The event stays the caller's. */
static const char *outcome(rd_kafka_event_t *event, const rd_kafka_topic_result_t **results, size_t count) {
  if (rd_kafka_event_error(event)) return rd_kafka_event_error_string(event);
  if (count == 1 && rd_kafka_topic_result_error(results[0])) return rd_kafka_topic_result_error_string(results[0]);
  return NULL;
}

static void create_by_admin(rd_kafka_t *client, const struct arguments *arguments, const char *name, int partitions) {
  char reason[512];
  rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, reason, sizeof reason);
  if (!topic) probe_fail(EXIT_USAGE, "topic %s: %s", name, reason);
  add_settings(topic, arguments);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
  rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PATIENCE_MS);
  if (!event) probe_fail(EXIT_WRONG, "topic %s: no answer within %d s", name, PATIENCE_MS / 1000);
  size_t count;
  const rd_kafka_topic_result_t **results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  const char *why = outcome(event, results, count);
  if (why) probe_fail(EXIT_WRONG, "topic %s was not created: %s", name, why);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(topic);
  /* The answer comes before every node knows: a consumer that asks at once would be told that there is no such topic. */
  for (int64_t deadline_us = now_us() + 10000000; client_partitions(client, name) == 0;) {
    if (now_us() > deadline_us) probe_fail(EXIT_WRONG, "topic %s was created and is not shown after 10 s", name);
    sleep_until_us(now_us() + 20000);
  }
}

static void create_by_asking(rd_kafka_t *client, const char *name, int partitions) {
  int got = client_partitions(client, name);
  fprintf(stderr,
      "weir-probe: this broker cannot be told to create topics (a mock cluster): asking for '%s' made it, with %d partitions\n",
      name, got);
  if (got != partitions)
    probe_fail(EXIT_WRONG, "topic %s: found %d partitions, expected %d; a mock cluster gives %d", name, got, partitions,
        MOCK_PARTITIONS);
}

static int create(rd_kafka_t *client, const struct arguments *arguments, const char *name) {
  bool real = client_administrable(client);
  int partitions = (int)arguments_int(arguments, "--partitions", real ? 1 : MOCK_PARTITIONS);
  if (real)
    create_by_admin(client, arguments, name, partitions);
  else
    create_by_asking(client, name, partitions);
  printf("topic %s: created with %d partition%s\n", name, partitions, partitions == 1 ? "" : "s");
  return EXIT_FINE;
}

static int remove_topic(rd_kafka_t *client, const char *name) {
  if (!client_administrable(client))
    probe_fail(EXIT_WRONG, "topic %s: this broker cannot delete topics (a mock cluster)", name);
  rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
  rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PATIENCE_MS);
  if (!event) probe_fail(EXIT_WRONG, "topic %s: no answer within %d s", name, PATIENCE_MS / 1000);
  size_t count;
  const rd_kafka_topic_result_t **results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
  const char *why = outcome(event, results, count);
  if (why) probe_fail(EXIT_WRONG, "topic %s was not deleted: %s", name, why);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteTopic_destroy(topic);
  printf("topic %s: deleted\n", name);
  return EXIT_FINE;
}

/* "PARTITION FIRST END" a line. */
static int show(rd_kafka_t *client, const char *name) {
  int count = client_partitions_of(client, name);
  for (int partition = 0; partition < count; partition++) {
    int64_t first, end;
    client_range(client, name, partition, &first, &end);
    printf("%d %lld %lld\n", partition, (long long)first, (long long)end);
  }
  return EXIT_FINE;
}

int command_topic(int argc, char **argv) {
  struct arguments arguments;
  arguments_parse(&arguments, argc, argv, (const char *const[]){"--partitions=", "--config=", NULL});
  const char *verb = arguments_word(&arguments, 0, "create, delete or show");
  const char *name = arguments_word(&arguments, 1, "the topic's name");
  rd_kafka_t *client = client_open(RD_KAFKA_PRODUCER, client_conf(&arguments, (const char *const[]){NULL}));
  int status;
  if (strcmp(verb, "create") == 0)
    status = create(client, &arguments, name);
  else if (strcmp(verb, "delete") == 0)
    status = remove_topic(client, name);
  else if (strcmp(verb, "show") == 0)
    status = show(client, name);
  else
    probe_fail(EXIT_USAGE, "topic: found '%s', expected create, delete or show", verb);
  rd_kafka_destroy(client);
  return status;
}
