/* template.c: a stage to copy. It drops records whose value is shorter than `least` bytes and puts `prefix` before
 * the others. */
#include <stdlib.h>
#include <string.h>
#include <weir/plugin.h>

/* One instance a lane: only one thread at a time ever touches it, so it needs no locks. */
struct stage {
  const weir_host *host; /* what weir offers; the first argument of each of its functions */
  int64_t least;
  weir_span prefix; /* the text of an option lives until destroy() */
};

/* Reads the options; weir has already checked their types. To refuse: return host->fail(host, node, text). */
static int32_t create(const weir_host *host, const weir_config *options, void *shared, void **self) {
  (void)shared; /* what prepare() built for all lanes; this stage has none */
  struct stage *stage = calloc(1, sizeof *stage);
  if (!stage) return host->fail(host, NULL, weir_text("no memory"));
  stage->host = host;
  const weir_config *least = host->config_get(host, options, "least"),
                    *prefix = host->config_get(host, options, "prefix");
  if (host->config_int(host, least, WEIR_OPTION_SIZE, &stage->least) != 0 ||
      host->config_text(host, prefix, &stage->prefix) != 0) {
    free(stage); /* fail() has been called; after a failure destroy() is not */
    return -1;
  }
  *self = stage;
  return 0;
}

static void destroy(void *self) { free(self); }

/* The new value lies in the batch's memory, which is freed with it. */
static void put_prefix(struct stage *stage, const weir_batch *batch, uint32_t index, weir_span value) {
  size_t size = stage->prefix.size + value.size;
  uint8_t *bytes = stage->host->alloc(stage->host, batch, size);
  if (!bytes) { /* the batch's memory is spent: never let a record through unchanged */
    weir_reason why = weir_because("no_memory", weir_text("no memory left in this batch"));
    stage->host->settle(stage->host, batch, index, 1, WEIR_REJECT, &why);
    return;
  }
  memcpy(bytes, stage->prefix.data, stage->prefix.size);
  memcpy(bytes + stage->prefix.size, value.data, value.size);
  stage->host->set_value(stage->host, batch, index, weir_bytes(bytes, size));
}

/* Records start as PASS. Nothing of the batch may be kept beyond this call. */
static weir_result process(void *self, const weir_batch *batch) {
  struct stage *stage = self;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    weir_span value = weir_record_at(batch, i)->value;
    if (!value.data) continue; /* Kafka's null: a tombstone */
    if (value.size < (size_t)stage->least) {
      stage->host->settle(stage->host, batch, i, 1, WEIR_DROP, NULL);
    } else if (stage->prefix.size > 0) {
      put_prefix(stage, batch, i, value);
    }
  }
  return WEIR_DONE;
}

static const weir_option options[] = {
    {.name = "least", .type = WEIR_OPTION_SIZE, .fallback = "0", .help = "shorter values are dropped"},
    {.name = "prefix", .type = WEIR_OPTION_STRING, .fallback = "''", .help = "put before each value"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "template",
    .version = "0.1.0",
    .summary = "a stage to copy",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
