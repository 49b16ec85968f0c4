/* retired.c: the queues of partitions that were given up. librdkafka stops a partition some time after it was unassigned, and leaves a
 * barrier in its queue, which keeps the partition alive. Of a partition that the cluster still has it clears the queue itself, of one that
 * was deleted not (below 2.6.1), and then rd_kafka_destroy() waits for ever. So the queue is kept, and emptied once more when that is sure
 * to be over: before the partition is read again, and at the end. */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "kafka/consumer_inside.h"

struct retired {
  rd_kafka_queue_t *queue;
  char *topic;
  int32_t partition;
  struct retired *next;
};

static void empty(rd_kafka_queue_t *queue) {
  rd_kafka_message_t *message = NULL;
  while ((message = rd_kafka_consume_queue(queue, 0))) rd_kafka_message_destroy(message);
}

static void end(struct retired **at) {
  struct retired *retired = *at;
  *at = retired->next;
  empty(retired->queue);
  rd_kafka_queue_destroy(retired->queue);
  free(retired->topic);
  free(retired);
}

void retired_add(struct consumer *consumer, rd_kafka_queue_t *queue, char *topic, int32_t partition) {
  must_be(consumer, CONSUMER_MAGIC);
  must(queue && topic);
  struct retired *retired = calloc(1, sizeof *retired);
  must(retired);
  retired->queue = queue;
  retired->topic = topic;
  retired->partition = partition;
  retired->next = consumer->retired;
  consumer->retired = retired;
  empty(queue);
}

void retired_end(struct consumer *consumer, const char *topic, int32_t partition) {
  for (struct retired **at = &consumer->retired; *at;)
    if ((*at)->partition == partition && strcmp((*at)->topic, topic) == 0)
      end(at);
    else
      at = &(*at)->next;
}

void retired_end_all(struct consumer *consumer) {
  while (consumer->retired) end(&consumer->retired);
}
