/* misbehave: breaks one promise of <weir/plugin.h>, chosen by the option `how`, in process() or in the wake() after
 * it. Its twin misbehave_sync has neither the trait ASYNC nor wake(). */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <weir/plugin.h>

struct misbehave {
  const weir_host *host;
  char how[32];
  const weir_batch *batch; /* kept on purpose */
  weir_ticket ticket;
};

/* The last ticket of any instance: a foreign one for the others. */
static weir_ticket last_ticket;

static int32_t prepare(const weir_host *host, const weir_config *config, void **shared) {
  weir_span how;
  (void)shared;
  if (host->config_text(host, host->config_get(host, config, "how"), &how) < 0) return -1;
  if (how.size != 7 || memcmp(how.data, "prepare", 7) != 0) return 0;
  if (host->metric(host, WEIR_COUNTER, "early", "too early") != NULL) return -1;
  if (host->alloc(host, NULL, 1) != NULL || host->resume(host, 1) != NULL) return -1;
  host->wake(host, 0);
  return host->complete(host, 1, 0, 1, WEIR_PASS, NULL) < 0 ? 0 : -1;
}

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct misbehave *mis = calloc(1, sizeof *mis);
  weir_span how;
  (void)shared;
  if (!mis || host->config_text(host, host->config_get(host, config, "how"), &how) < 0) {
    free(mis);
    return -1;
  }
  mis->host = host;
  memcpy(mis->how, how.data, how.size < sizeof mis->how ? how.size : sizeof mis->how - 1);
  *self = mis;
  return 0;
}

static void destroy(void *self) { free(self); }

static int is(const struct misbehave *mis, const char *how) { return strcmp(mis->how, how) == 0; }

static void use_the_stack(const weir_host *host, const weir_batch *batch) {
  char text[] = "on the stack";
  weir_draft draft = weir_draft_from(weir_record_at(batch, 1), weir_text("of the library"));
  weir_header header = {weir_bytes(text, 2), weir_bytes(text + 3, 3)};
  host->set_value(host, batch, 0, weir_bytes(text, sizeof text - 1));
  draft.headers = &header;
  draft.header_count = 1;
  draft.flags = 0;
  host->emit(host, batch, 1, &draft);
  memset(text, '#', sizeof text);
}

static void *settle_elsewhere(void *self) {
  struct misbehave *mis = self;
  mis->host->settle(mis->host, mis->batch, 0, UINT32_MAX, WEIR_DROP, NULL);
  mis->host->set_value(mis->host, mis->batch, 0, weir_text("elsewhere"));
  return NULL;
}

static void run_elsewhere(struct misbehave *mis, void *(*function)(void *)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, function, mis) == 0) pthread_join(thread, NULL);
}

static void *complete_elsewhere(void *self) {
  struct misbehave *mis = self;
  mis->host->complete(mis->host, mis->ticket, 0, 1, WEIR_DROP, NULL);
  return NULL;
}

static void bad_structs(const weir_host *host, const weir_batch *batch) {
  weir_reason why = weir_because("never", weir_text("seen"));
  weir_draft draft = weir_draft_from(weir_record_at(batch, 0), weir_text("never seen"));
  why.size = 0;
  draft.size = 8;
  host->settle(host, batch, 0, 1, WEIR_REJECT, &why);
  host->emit(host, batch, 0, &draft);
}

static void out_of_range(const weir_host *host, const weir_batch *batch) {
  uint32_t beyond = batch->record_count;
  host->settle(host, batch, 1, beyond, WEIR_DROP, NULL);
  host->settle(host, batch, beyond, 1, WEIR_DROP, NULL);
  host->settle(host, batch, beyond + 1, 0, WEIR_DROP, NULL);
}

/* Without a ticket. */
static weir_result process_at_once(struct misbehave *mis, const weir_batch *batch) {
  const weir_host *host = mis->host;
  if (is(mis, "unsettled")) host->settle(host, batch, 0, 1, WEIR_UNSETTLED, NULL);
  if (is(mis, "later")) return WEIR_LATER;
  if (is(mis, "result")) return 7;
  if (is(mis, "verdict")) host->settle(host, batch, 0, 1, 9, NULL);
  if (is(mis, "range")) out_of_range(host, batch);
  if (is(mis, "change_beyond")) host->set_value(host, batch, batch->record_count, weir_text("never seen"));
  if (is(mis, "headers_beyond")) {
    uint32_t count = 7;
    if (host->headers(host, batch, batch->record_count, &count) || count) return WEIR_DONE;
  }
  if (is(mis, "stack")) use_the_stack(host, batch);
  if (is(mis, "thread")) run_elsewhere(mis, settle_elsewhere);
  if (is(mis, "struct")) bad_structs(host, batch);
  if (is(mis, "closed")) host->wake(host, 0);
  if (is(mis, "sink")) {
    host->settle(host, batch, 0, UINT32_MAX, WEIR_PASS, NULL);
    host->set_value(host, batch, 0, weir_text("never seen"));
    weir_draft draft = weir_draft_from(weir_record_at(batch, 0), weir_text("never seen"));
    host->emit(host, batch, 0, &draft);
  }
  return WEIR_DONE;
}

static weir_result process_deferring(struct misbehave *mis, const weir_batch *batch) {
  const weir_host *host = mis->host;
  mis->ticket = host->defer(host, batch, is(mis, "flags") ? 4 : 0);
  if (is(mis, "overrule")) run_elsewhere(mis, complete_elsewhere);
  host->settle(host, batch, is(mis, "overrule"), UINT32_MAX, WEIR_UNSETTLED, NULL);
  if (is(mis, "twice") && host->defer(host, batch, 0) != mis->ticket) return WEIR_BROKEN;
  if (is(mis, "resume") && host->resume(host, mis->ticket)) return WEIR_BROKEN;
  if (is(mis, "done")) return WEIR_DONE;
  if (is(mis, "broken")) {
    host->fail(host, NULL, weir_text("changed its mind"));
    return WEIR_BROKEN;
  }
  if (is(mis, "foreign"))
    host->complete(host, last_ticket, 0, UINT32_MAX, WEIR_PASS, NULL);
  else
    last_ticket = mis->ticket;
  if (!is(mis, "foreign")) host->wake(host, 0);
  return WEIR_LATER;
}

static weir_result process(void *self, const weir_batch *batch) {
  struct misbehave *mis = self;
  static const char *const deferring[] = {"defer", "twice", "flags", "resume", "done", "broken", "foreign", "double",
      "overrule", "beyond", "no_verdict", "let_go", "late"};
  mis->batch = batch;
  for (size_t i = 0; i < sizeof deferring / sizeof *deferring; i++)
    if (is(mis, deferring[i])) return process_deferring(mis, batch);
  return process_at_once(mis, batch);
}

/* A record that was let go in an earlier opening is no longer its to change. */
static void touch_what_is_gone(struct misbehave *mis) {
  const weir_host *host = mis->host;
  const weir_batch *batch = host->resume(host, mis->ticket);
  if (!batch) return;
  host->set_value(host, batch, 0, weir_text("never seen"));
  host->settle(host, batch, 0, 1, WEIR_DROP, NULL);
}

static void wake(void *self, int64_t now_ms) {
  struct misbehave *mis = self;
  const weir_host *host = mis->host;
  (void)now_ms;
  if (is(mis, "closed")) host->settle(host, mis->batch, 0, 1, WEIR_DROP, NULL);
  if (is(mis, "double")) {
    host->complete(host, mis->ticket, 0, 1, WEIR_PASS, NULL);
    host->complete(host, mis->ticket, 0, 1, WEIR_DROP, NULL);
    host->complete(host, mis->ticket, 0, UINT32_MAX, WEIR_REJECT, NULL);
    host->complete(host, mis->ticket, 0, UINT32_MAX, WEIR_DROP, NULL);
  }
  if (is(mis, "beyond")) host->complete(host, mis->ticket, 100, 1, WEIR_PASS, NULL);
  if (is(mis, "no_verdict")) host->complete(host, mis->ticket, 0, 1, WEIR_UNSETTLED, NULL);
  if (is(mis, "let_go")) touch_what_is_gone(mis);
}

static void flush(void *self, const weir_partition *partition, int32_t why, int64_t deadline_ms) {
  struct misbehave *mis = self;
  (void)partition;
  (void)why;
  (void)deadline_ms;
  if (is(mis, "let_go")) {
    const weir_batch *batch = mis->host->resume(mis->host, mis->ticket);
    if (batch) mis->host->settle(mis->host, batch, 0, 1, WEIR_PASS, NULL);
  }
}

static void revoked(void *self, const weir_partition *partition, void *state, int32_t why) {
  struct misbehave *mis = self;
  (void)partition;
  (void)state;
  (void)why;
  if (is(mis, "late")) mis->host->complete(mis->host, mis->ticket, 0, UINT32_MAX, WEIR_PASS, NULL);
}

static weir_result process_sync(void *self, const weir_batch *batch) {
  struct misbehave *mis = self;
  if (mis->host->defer(mis->host, batch, 0) != 0) return WEIR_BROKEN;
  mis->host->wake(mis->host, 0);
  return WEIR_DONE;
}

static const weir_option options[] = {
    {"how", WEIR_OPTION_STRING, WEIR_REQUIRED, NULL, NULL, "the promise to break"},
};

static const weir_plugin plugins[] = {
    {
        .size = sizeof(weir_plugin),
        .abi_major = WEIR_ABI_MAJOR,
        .abi_minor = WEIR_ABI_MINOR,
        .name = "misbehave",
        .version = "1.0.0",
        .summary = "Breaks promises.",
        .roles = WEIR_TRANSFORM | WEIR_SINK,
        .traits = WEIR_ASYNC,
        .options = options,
        .option_count = 1,
        .option_stride = sizeof *options,
        .prepare = prepare,
        .create = create,
        .destroy = destroy,
        .revoked = revoked,
        .process = process,
        .wake = wake,
        .flush = flush,
    },
    {
        .size = sizeof(weir_plugin),
        .abi_major = WEIR_ABI_MAJOR,
        .abi_minor = WEIR_ABI_MINOR,
        .name = "misbehave_sync",
        .version = "1.0.0",
        .summary = "Breaks promises.",
        .roles = WEIR_TRANSFORM | WEIR_SINK,
        .options = options,
        .option_count = 1,
        .option_stride = sizeof *options,
        .create = create,
        .destroy = destroy,
        .process = process_sync,
    },
};

const weir_plugin *weir_plugin_v1(uint32_t index) {
  return index < sizeof plugins / sizeof *plugins ? &plugins[index] : NULL;
}
