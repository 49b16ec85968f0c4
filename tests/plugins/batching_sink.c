/* batching_sink: gathers batches until there are `records` of them, or `linger` has passed, or somebody flushes;
 * then its thread "writes" them in one go and acknowledges them. Every record but those whose value is "bad" is
 * accepted. */
#include "gate.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One batch of ours. Which records are bad is noted in process(): the batch may be gone when the thread looks. */
struct piece {
  struct piece *next;
  weir_ticket ticket;
  uint32_t count;
  uint8_t bad[];
};

struct sink {
  const weir_host *host;
  int64_t records_max, linger_ms;
  struct piece *gathered, **gathered_end; /* the lane's */
  int64_t gathered_count, linger_ends_ms;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t given;
  struct piece *writing; /* under the lock: one write is going on at a time */
  int going;             /* under the lock */
};

static void free_pieces(struct piece *piece) {
  while (piece) {
    struct piece *next = piece->next;
    free(piece);
    piece = next;
  }
}

static void acknowledge(const weir_host *host, const struct piece *piece) {
  weir_reason why = weir_because("bad_value", weir_text("the store refused it"));
  for (uint32_t i = 0; i < piece->count; i++)
    if (piece->bad[i]) host->complete(host, piece->ticket, i, 1, WEIR_REJECT, &why);
  host->complete(host, piece->ticket, 0, UINT32_MAX, WEIR_PASS, NULL);
}

static struct piece *next_write(struct sink *sink) {
  pthread_mutex_lock(&sink->lock);
  while (!sink->writing && !sink->going) pthread_cond_wait(&sink->given, &sink->lock);
  struct piece *pieces = sink->going ? NULL : sink->writing;
  if (pieces) sink->writing = NULL;
  pthread_mutex_unlock(&sink->lock);
  return pieces;
}

static void *work(void *self) {
  struct sink *sink = self;
  for (struct piece *pieces; (pieces = next_write(sink)); free_pieces(pieces)) {
    if (!gate_pass()) {
      free_pieces(pieces);
      break;
    }
    for (const struct piece *piece = pieces; piece; piece = piece->next) acknowledge(sink->host, piece);
    gate_passed();
  }
  return NULL;
}

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct sink *sink = calloc(1, sizeof *sink);
  (void)shared;
  if (!sink) return host->fail(host, NULL, weir_text("no memory"));
  sink->host = host;
  sink->gathered_end = &sink->gathered;
  pthread_mutex_init(&sink->lock, NULL);
  pthread_cond_init(&sink->given, NULL);
  gate_reset();
  if (host->config_int(host, host->config_get(host, config, "records"), WEIR_OPTION_INT, &sink->records_max) < 0 ||
      host->config_int(host, host->config_get(host, config, "linger"), WEIR_OPTION_DURATION, &sink->linger_ms) < 0 ||
      (pthread_create(&sink->thread, NULL, work, sink) != 0 && host->fail(host, NULL, weir_text("no thread")))) {
    free(sink);
    return -1;
  }
  *self = sink;
  return 0;
}

static void destroy(void *self) {
  struct sink *sink = self;
  pthread_mutex_lock(&sink->lock);
  sink->going = 1;
  pthread_cond_signal(&sink->given);
  pthread_mutex_unlock(&sink->lock);
  gate_shut();
  pthread_join(sink->thread, NULL);
  free_pieces(sink->gathered);
  free_pieces(sink->writing);
  pthread_cond_destroy(&sink->given);
  pthread_mutex_destroy(&sink->lock);
  free(sink);
}

static void write_out(struct sink *sink) {
  if (!sink->gathered) return;
  pthread_mutex_lock(&sink->lock);
  *sink->gathered_end = sink->writing;
  sink->writing = sink->gathered;
  pthread_cond_signal(&sink->given);
  pthread_mutex_unlock(&sink->lock);
  sink->gathered = NULL;
  sink->gathered_end = &sink->gathered;
  sink->gathered_count = 0;
}

static weir_result process(void *self, const weir_batch *batch) {
  struct sink *sink = self;
  const weir_host *host = sink->host;
  struct piece *piece = calloc(1, sizeof *piece + batch->record_count);
  if (!piece) {
    host->fail(host, NULL, weir_text("no memory"));
    return WEIR_BROKEN;
  }
  piece->ticket = host->defer(host, batch, 0);
  piece->count = batch->record_count;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    weir_span value = weir_record_at(batch, i)->value;
    piece->bad[i] = value.size == 3 && memcmp(value.data, "bad", 3) == 0;
  }
  if (!sink->gathered) sink->linger_ends_ms = host->now_ms(host) + sink->linger_ms;
  *sink->gathered_end = piece;
  sink->gathered_end = &piece->next;
  sink->gathered_count += batch->record_count;
  if (sink->gathered_count >= sink->records_max)
    write_out(sink);
  else
    host->wake(host, sink->linger_ends_ms);
  return WEIR_LATER;
}

static void wake(void *self, int64_t now_ms) {
  struct sink *sink = self;
  if (now_ms >= sink->linger_ends_ms) write_out(sink);
}

static void flush(void *self, const weir_partition *partition, int32_t why, int64_t deadline_ms) {
  (void)partition;
  (void)why;
  (void)deadline_ms;
  write_out(self);
}

static const void *extension(const char *id) { return strcmp(id, FIXTURE_GATE) == 0 ? &gate_table : NULL; }

static const weir_option options[] = {
    {"records", WEIR_OPTION_INT, 0, "1000", NULL, "write when so many records are gathered"},
    {"linger", WEIR_OPTION_DURATION, 0, "100ms", NULL, "write at the latest after so long"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "batching_sink",
    .version = "1.0.0",
    .summary = "Writes many batches in one go.",
    .roles = WEIR_SINK,
    .traits = WEIR_ASYNC,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .process = process,
    .wake = wake,
    .flush = flush,
    .extension = extension,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
