/* blackhole.c: the blackhole sink: acknowledges every record and keeps none, at once or after a while. For measuring
 * what comes before it, and for trying out a sink that answers late. */
#include <stdbool.h>
#include <stdlib.h>
#include <weir/plugin.h>

/* A batch that is acknowledged later. */
struct held {
  struct held *next;
  weir_ticket ticket;
  const weir_partition *from;
  int64_t due_ms;
};

/* One lane's instance. */
struct sink {
  const weir_host *host;
  int64_t hold_ms;
  struct held *oldest, **end; /* in the order in which they are due */
  weir_metric *records, *bytes;
};

static int32_t create(const weir_host *host, const weir_config *options, void *shared, void **self) {
  (void)shared;
  int64_t hold_ms;
  if (host->config_int(host, host->config_get(host, options, "hold"), WEIR_OPTION_DURATION, &hold_ms) != 0) return -1;
  struct sink *sink = calloc(1, sizeof *sink);
  if (!sink) return host->fail(host, NULL, weir_text("no memory"));
  sink->host = host;
  sink->hold_ms = hold_ms;
  sink->end = &sink->oldest;
  sink->records = host->metric(host, WEIR_COUNTER, "swallowed_records", "records acknowledged");
  sink->bytes = host->metric(host, WEIR_COUNTER, "swallowed_bytes", "bytes of their keys and values");
  *self = sink;
  return 0;
}

/* Takes *place out of the list and answers it. */
static void answer(struct sink *sink, struct held **place, weir_verdict verdict) {
  struct held *held = *place;
  *place = held->next;
  if (sink->end == &held->next) sink->end = place;
  sink->host->complete(sink->host, held->ticket, 0, UINT32_MAX, verdict, NULL);
  free(held);
}

/* All of one partition, NULL: of every one. */
static void answer_all(struct sink *sink, const weir_partition *from, weir_verdict verdict) {
  struct held **place = &sink->oldest;
  while (*place) {
    if (!from || (*place)->from == from) {
      answer(sink, place, verdict);
    } else {
      place = &(*place)->next;
    }
  }
}

static void destroy(void *self) {
  struct sink *sink = self;
  answer_all(sink, NULL, WEIR_RETRY);
  free(sink);
}

static void revoked(void *self, const weir_partition *from, void *state, int32_t why) {
  (void)state;
  (void)why;
  answer_all(self, from, WEIR_RETRY);
}

static void flush(void *self, const weir_partition *from, int32_t why, int64_t deadline_ms) {
  (void)why;
  (void)deadline_ms;
  answer_all(self, from, WEIR_PASS);
}

static void wake(void *self, int64_t now_ms) {
  struct sink *sink = self;
  while (sink->oldest && sink->oldest->due_ms <= now_ms) answer(sink, &sink->oldest, WEIR_PASS);
  if (sink->oldest) sink->host->wake(sink->host, sink->oldest->due_ms);
}

static void count(const struct sink *sink, const weir_batch *batch) {
  int64_t bytes = 0;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    const weir_record *record = weir_record_at(batch, i);
    bytes += (int64_t)(record->key.size + record->value.size);
  }
  sink->host->measure(sink->host, sink->records, batch->record_count);
  sink->host->measure(sink->host, sink->bytes, bytes);
}

static weir_result hold(struct sink *sink, const weir_batch *batch) {
  struct held *held = calloc(1, sizeof *held);
  weir_ticket ticket = held ? sink->host->defer(sink->host, batch, 0) : 0;
  if (!ticket) {
    free(held);
    sink->host->fail(sink->host, NULL, weir_text("no memory to hold a batch"));
    return WEIR_BROKEN;
  }
  *held =
      (struct held){.ticket = ticket, .from = batch->from, .due_ms = sink->host->now_ms(sink->host) + sink->hold_ms};
  *sink->end = held;
  sink->end = &held->next;
  sink->host->wake(sink->host, sink->oldest->due_ms);
  return WEIR_LATER;
}

static weir_result process(void *self, const weir_batch *batch) {
  struct sink *sink = self;
  count(sink, batch);
  if (sink->hold_ms > 0) return hold(sink, batch);
  sink->host->settle(sink->host, batch, 0, batch->record_count, WEIR_PASS, NULL);
  return WEIR_DONE;
}

static const weir_option options[] = {
    {.name = "hold",
        .type = WEIR_OPTION_DURATION,
        .fallback = "0",
        .help = "how long a batch waits to be acknowledged"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "blackhole",
    .version = "0.1.0",
    .summary = "acknowledges every record and keeps none",
    .roles = WEIR_SINK,
    .traits = WEIR_ASYNC,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .revoked = revoked,
    .process = process,
    .wake = wake,
    .flush = flush,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
