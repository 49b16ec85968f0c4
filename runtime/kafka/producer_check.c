/* producer_check.c: what can be known of a topic before the first record is sent to it. */
#include <sched.h>
#include <time.h>
#include "base/check.h"
#include "base/clock.h"
#include "kafka/producer_inside.h"
#include "kafka/topics.h"

enum { ASK_LIMIT_MS = 500 };

/* Returns when the handle's batches are within the limit; what was written before that would be given back. */
static void lower_batches(struct producer *producer, int64_t limit) {
  struct timespec pause = {.tv_nsec = 1000000};
  bool low = false;
  if (limit < atomic_load(&producer->batch_bytes_wanted)) atomic_store(&producer->batch_bytes_wanted, limit);
  while (!low) {
    if (producer_enter(producer)) {
      low = producer->batch_bytes <= limit;
      if (!low) atomic_store(&producer->broken, true);
      if (!low) producer_nudge(producer);
      producer_leave(producer);
    }
    if (!low) nanosleep(&pause, NULL);
  }
}

bool producer_check_topic(
    struct producer *producer, const char *topic, int timeout_ms, int64_t *message_bytes_max, struct error *err) {
  must_be(producer, PRODUCER_MAGIC);
  *message_bytes_max = -1;
  int64_t deadline_ms = clock_now(clock_real()) + timeout_ms;
  while (!producer_enter(producer)) sched_yield();
  bool found = topics_find(producer->handle, &producer->client, &topic, 1, timeout_ms, NULL, NULL, err);
  int64_t left_ms = deadline_ms - clock_now(clock_real());
  if (left_ms > ASK_LIMIT_MS) left_ms = ASK_LIMIT_MS; /* without an answer the reports find the limit by themselves */
  if (found && left_ms > 0)
    *message_bytes_max = topics_limit(producer->handle, topic, "max.message.bytes", (int)left_ms);
  producer_leave(producer);
  /* It counts for whole batches. */
  if (*message_bytes_max > 0) lower_batches(producer, *message_bytes_max);
  return found;
}
