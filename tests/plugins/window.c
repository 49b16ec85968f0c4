/* window: counts the records of each partition during `length` and sends on one record with the count. Many into
 * one: the oldest record of a window stays deferred until the window closes, the others are deferred with it and
 * dropped then, so that a crash in between loses nothing. State per partition, tickets, wake(), resume(), emit(). */
#include <stdio.h>
#include <stdlib.h>
#include <weir/plugin.h>

/* A deferred batch of the window that is open. */
struct piece {
  struct piece *next;
  weir_ticket ticket;
};

struct partition_window {
  struct partition_window *next;
  const weir_partition *partition;
  struct piece *first, **end;
  uint32_t count;
  int64_t closes_at_ms;
};

struct window {
  const weir_host *host;
  struct partition_window *windows;
  int64_t length_ms;
};

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct window *window = calloc(1, sizeof *window);
  (void)shared;
  if (!window) return host->fail(host, NULL, weir_text("no memory"));
  window->host = host;
  if (host->config_int(host, host->config_get(host, config, "length"), WEIR_OPTION_DURATION, &window->length_ms) < 0) {
    free(window);
    return -1;
  }
  *self = window;
  return 0;
}

static void destroy(void *self) { free(self); }

static int32_t assigned(void *self, const weir_partition *partition, void **state) {
  struct window *window = self;
  struct partition_window *mine = calloc(1, sizeof *mine);
  if (!mine) return window->host->fail(window->host, NULL, weir_text("no memory"));
  mine->partition = partition;
  mine->end = &mine->first;
  mine->next = window->windows;
  window->windows = mine;
  *state = mine;
  return 0;
}

static struct piece *take_piece(struct partition_window *mine) {
  struct piece *piece = mine->first;
  mine->first = piece->next;
  if (!mine->first) mine->end = &mine->first;
  return piece;
}

static void revoked(void *self, const weir_partition *partition, void *state, int32_t why) {
  struct window *window = self;
  struct partition_window *mine = state, **at = &window->windows;
  (void)partition;
  (void)why;
  while (mine->first) {
    struct piece *piece = take_piece(mine);
    window->host->complete(window->host, piece->ticket, 0, UINT32_MAX, WEIR_RETRY, NULL);
    free(piece);
  }
  while (*at != mine) at = &(*at)->next;
  *at = mine->next;
  free(mine);
}

static weir_result process(void *self, const weir_batch *batch) {
  struct window *window = self;
  const weir_host *host = window->host;
  struct partition_window *mine = batch->state;
  struct piece *piece = calloc(1, sizeof *piece);
  if (!piece) {
    host->fail(host, NULL, weir_text("no memory"));
    return WEIR_BROKEN;
  }
  piece->ticket = host->defer(host, batch, 0);
  host->settle(host, batch, 0, batch->record_count, WEIR_UNSETTLED, NULL);
  if (mine->count == 0) mine->closes_at_ms = host->now_ms(host) + window->length_ms;
  mine->count += batch->record_count;
  *mine->end = piece;
  mine->end = &piece->next;
  host->wake(host, mine->closes_at_ms);
  return WEIR_LATER;
}

/* The count goes on in the place of the oldest record. */
static void emit_count(struct window *window, const weir_batch *batch, uint32_t count) {
  const weir_host *host = window->host;
  char *text = host->alloc(host, batch, 16);
  int size = text ? snprintf(text, 16, "%u", count) : 0;
  weir_draft draft = weir_draft_from(weir_record_at(batch, 0), weir_bytes(text, (size_t)size));
  draft.key.data = NULL;
  draft.flags = 0;
  if (!text || host->emit(host, batch, 0, &draft) < 0) {
    weir_reason why = weir_because("batch_memory", weir_text("no memory for the count"));
    host->settle(host, batch, 0, UINT32_MAX, WEIR_RETRY, &why);
  }
}

static void close_window(struct window *window, struct partition_window *mine) {
  const weir_host *host = window->host;
  for (int oldest = 1; mine->first; oldest = 0) {
    struct piece *piece = take_piece(mine);
    const weir_batch *batch = host->resume(host, piece->ticket);
    free(piece);
    if (!batch) continue; /* the partition is no longer ours */
    host->settle(host, batch, 0, UINT32_MAX, WEIR_DROP, NULL);
    if (oldest) emit_count(window, batch, mine->count);
  }
  mine->count = 0;
}

static void wake(void *self, int64_t now_ms) {
  struct window *window = self;
  for (struct partition_window *mine = window->windows; mine; mine = mine->next) {
    if (mine->count && mine->closes_at_ms <= now_ms) close_window(window, mine);
    if (mine->count) window->host->wake(window->host, mine->closes_at_ms);
  }
}

static void flush(void *self, const weir_partition *partition, int32_t why, int64_t deadline_ms) {
  struct window *window = self;
  (void)why;
  (void)deadline_ms;
  for (struct partition_window *mine = window->windows; mine; mine = mine->next)
    if ((!partition || partition == mine->partition) && mine->count) close_window(window, mine);
}

static const weir_option options[] = {
    {"length", WEIR_OPTION_DURATION, 0, "10s", NULL, "how long a window is open"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "window",
    .version = "1.0.0",
    .summary = "Counts records in windows of time.",
    .roles = WEIR_TRANSFORM,
    .traits = WEIR_ASYNC | WEIR_STATEFUL,
    .options = options,
    .option_count = 1,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .assigned = assigned,
    .revoked = revoked,
    .process = process,
    .wake = wake,
    .flush = flush,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
