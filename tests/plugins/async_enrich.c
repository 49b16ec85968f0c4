/* async_enrich: asks a slow source (here its own thread) about each record and goes on without waiting. The answer
 * comes back through wake(): only the lane may change records. A record whose value is "unknown" is rejected. Twice:
 * with the order kept, and without (async_enrich_unordered). */
#include "gate.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One record: its question, then its answer. */
struct job {
  struct job *next;
  weir_ticket ticket;
  uint32_t index;
  size_t size;
  int known;
  uint8_t text[];
};

struct enrich {
  const weir_host *host;
  weir_span suffix;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t asked;
  struct job *questions, **questions_end; /* under the lock */
  struct job *answers;                    /* under the lock */
  int going;                              /* under the lock */
};

static struct job *next_question(struct enrich *enrich) {
  pthread_mutex_lock(&enrich->lock);
  while (!enrich->questions && !enrich->going) pthread_cond_wait(&enrich->asked, &enrich->lock);
  struct job *job = enrich->questions;
  if (enrich->going || !job) {
    pthread_mutex_unlock(&enrich->lock);
    return NULL;
  }
  enrich->questions = job->next;
  if (!enrich->questions) enrich->questions_end = &enrich->questions;
  pthread_mutex_unlock(&enrich->lock);
  return job;
}

static void answer(struct enrich *enrich, struct job *job) {
  job->known = !(job->size == 7 && memcmp(job->text, "unknown", 7) == 0);
  pthread_mutex_lock(&enrich->lock);
  job->next = enrich->answers;
  enrich->answers = job;
  pthread_mutex_unlock(&enrich->lock);
  enrich->host->wake(enrich->host, 0);
}

static void *work(void *self) {
  struct enrich *enrich = self;
  for (struct job *job; (job = next_question(enrich));) {
    if (!gate_pass()) {
      free(job);
      break;
    }
    answer(enrich, job);
    gate_passed();
  }
  return NULL;
}

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct enrich *enrich = calloc(1, sizeof *enrich);
  (void)shared;
  if (!enrich) return host->fail(host, NULL, weir_text("no memory"));
  enrich->host = host;
  enrich->questions_end = &enrich->questions;
  if (host->config_text(host, host->config_get(host, config, "suffix"), &enrich->suffix) < 0) {
    free(enrich);
    return -1;
  }
  gate_reset();
  pthread_mutex_init(&enrich->lock, NULL);
  pthread_cond_init(&enrich->asked, NULL);
  if (pthread_create(&enrich->thread, NULL, work, enrich) != 0) {
    free(enrich);
    return host->fail(host, NULL, weir_text("no thread"));
  }
  *self = enrich;
  return 0;
}

static void free_jobs(struct job *job) {
  while (job) {
    struct job *next = job->next;
    free(job);
    job = next;
  }
}

static void destroy(void *self) {
  struct enrich *enrich = self;
  pthread_mutex_lock(&enrich->lock);
  enrich->going = 1;
  pthread_cond_signal(&enrich->asked);
  pthread_mutex_unlock(&enrich->lock);
  gate_shut();
  pthread_join(enrich->thread, NULL);
  free_jobs(enrich->questions);
  free_jobs(enrich->answers);
  pthread_cond_destroy(&enrich->asked);
  pthread_mutex_destroy(&enrich->lock);
  free(enrich);
}

/* NULL: no memory. */
static struct job *question(struct enrich *enrich, weir_ticket ticket, uint32_t index, weir_span value) {
  struct job *job = malloc(sizeof *job + value.size + enrich->suffix.size);
  if (!job) return NULL;
  job->next = NULL;
  job->ticket = ticket;
  job->index = index;
  job->size = value.size;
  job->known = 0;
  if (value.size) memcpy(job->text, value.data, value.size);
  return job;
}

static void ask(struct enrich *enrich, struct job *job) {
  pthread_mutex_lock(&enrich->lock);
  *enrich->questions_end = job;
  enrich->questions_end = &job->next;
  pthread_cond_signal(&enrich->asked);
  pthread_mutex_unlock(&enrich->lock);
}

static weir_result process(void *self, const weir_batch *batch) {
  struct enrich *enrich = self;
  const weir_host *host = enrich->host;
  weir_ticket ticket = host->defer(host, batch, 0);
  for (uint32_t i = 0; i < batch->record_count; i++) {
    weir_span value = weir_record_at(batch, i)->value;
    if (!value.data) continue; /* a tombstone passes */
    struct job *job = question(enrich, ticket, i, value);
    host->settle(host, batch, i, 1, job ? WEIR_UNSETTLED : WEIR_RETRY, NULL);
    if (job) ask(enrich, job);
  }
  return WEIR_LATER;
}

static void apply(struct enrich *enrich, const struct job *job) {
  const weir_host *host = enrich->host;
  const weir_batch *batch = host->resume(host, job->ticket);
  if (!batch) return;
  size_t size = job->size + enrich->suffix.size;
  uint8_t *value = job->known ? host->alloc(host, batch, size) : NULL;
  if (!value) {
    weir_reason why = weir_because(job->known ? "batch_memory" : "unknown", weir_text("nobody knows it"));
    host->settle(host, batch, job->index, 1, WEIR_REJECT, &why);
    return;
  }
  memcpy(value, job->text, job->size);
  if (enrich->suffix.size) memcpy(value + job->size, enrich->suffix.data, enrich->suffix.size);
  host->set_value(host, batch, job->index, weir_bytes(value, size));
  host->settle(host, batch, job->index, 1, WEIR_PASS, NULL);
}

static void wake(void *self, int64_t now_ms) {
  struct enrich *enrich = self;
  (void)now_ms;
  pthread_mutex_lock(&enrich->lock);
  struct job *answers = enrich->answers;
  enrich->answers = NULL;
  pthread_mutex_unlock(&enrich->lock);
  for (const struct job *job = answers; job; job = job->next) apply(enrich, job);
  free_jobs(answers);
}

static const void *extension(const char *id) { return strcmp(id, FIXTURE_GATE) == 0 ? &gate_table : NULL; }

static const weir_option options[] = {
    {"suffix", WEIR_OPTION_STRING, 0, "!", NULL, "what is learnt about each record"},
};

#define ENRICH(plugin_name, plugin_traits)                                                                             \
  {                                                                                                                    \
    .size = sizeof(weir_plugin), .abi_major = WEIR_ABI_MAJOR, .abi_minor = WEIR_ABI_MINOR, .name = plugin_name,        \
    .version = "1.0.0", .summary = "Asks a slow source about each record.", .roles = WEIR_TRANSFORM,                   \
    .traits = plugin_traits, .options = options, .option_count = 1, .option_stride = sizeof *options,                  \
    .create = create, .destroy = destroy, .process = process, .wake = wake, .extension = extension                     \
  }

static const weir_plugin plugins[] = {
    ENRICH("async_enrich", WEIR_ASYNC),
    ENRICH("async_enrich_unordered", WEIR_ASYNC | WEIR_UNORDERED),
};

const weir_plugin *weir_plugin_v1(uint32_t index) {
  return index < sizeof plugins / sizeof *plugins ? &plugins[index] : NULL;
}
