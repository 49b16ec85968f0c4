/* leaderless.c: a partition that has neither a leader nor a commit of the group: nobody can say where it starts. The others of its
 * assignment must not wait for it: it is left out, and once it has a leader the group is joined again, which assigns it with the rest. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/trouble.h"
#include "config/pipeline_file.h"
#include "kafka/consumer_inside.h"

enum { LOOK_EVERY_MS = 3000, LOOK_MS = 500 };

static void remember(struct consumer *consumer, const struct owned *owned) {
  trouble_count(TROUBLE_NO_LEADER);
  log_line(WEIR_WARN, "consumer",
      "%s/%" PRId32
      " has no leader, and group %s no committed offset in it, so where it starts is not known: it is left out "
      "until it has one",
      owned->topic, owned->partition, consumer->file->group);
  if (consumer->left_out) return; /* with the first one the others come again, too */
  consumer->left_out = strdup(owned->topic);
  must(consumer->left_out);
  consumer->left_out_partition = owned->partition;
  consumer->left_out_look_ms = clock_now(consumer->clock) + LOOK_EVERY_MS;
}

bool leaderless_leave_out(struct consumer *consumer, size_t first) {
  must_be(consumer, CONSUMER_MAGIC);
  bool any = false;
  for (size_t i = consumer->owned_count; i-- > first;) {
    const struct owned *owned = &consumer->owned[i];
    if (!owned->without_leader || owned->was_committed) continue;
    remember(consumer, owned);
    rebalance_forget(consumer, owned->topic, owned->partition);
    any = true;
  }
  return any;
}

void leaderless_forget(struct consumer *consumer, const char *topic, int32_t partition) {
  if (!consumer->left_out) return;
  if (topic && (consumer->left_out_partition != partition || strcmp(consumer->left_out, topic) != 0)) return;
  free(consumer->left_out);
  consumer->left_out = NULL;
}

static bool has_leader(const struct consumer *consumer) {
  rd_kafka_topic_t *topic = rd_kafka_topic_new(consumer->handle, consumer->left_out, NULL);
  const struct rd_kafka_metadata *metadata = NULL;
  bool found = false;
  if (!rd_kafka_metadata(consumer->handle, 0, topic, &metadata, LOOK_MS) && metadata->topic_cnt == 1)
    for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
      found = found || (metadata->topics[0].partitions[i].id == consumer->left_out_partition &&
                           metadata->topics[0].partitions[i].leader >= 0);
  if (metadata) rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  return found;
}

void leaderless_tick(struct consumer *consumer, int64_t now_ms) {
  if (!consumer->left_out || now_ms < consumer->left_out_look_ms) return;
  consumer->left_out_look_ms = now_ms + LOOK_EVERY_MS;
  if (!has_leader(consumer)) return;
  log_line(WEIR_INFO, "consumer", "%s/%" PRId32 " has a leader again: the group is joined anew, to have it",
      consumer->left_out, consumer->left_out_partition);
  leaderless_forget(consumer, NULL, 0);
  consumer->leave_at_ms = now_ms;
  consumer_wake(consumer);
}
