/* drop_short: drops records whose value is shorter than bytes_min. An option, a metric, a verdict for runs of
 * records. */
#include <stdlib.h>
#include <weir/plugin.h>

struct drop_short {
  const weir_host *host;
  weir_metric *dropped;
  int64_t bytes_min;
};

static int32_t prepare(const weir_host *host, const weir_config *config, void **shared) {
  const weir_config *node = host->config_get(host, config, "bytes_min");
  int64_t bytes_min = 0;
  (void)shared;
  if (host->config_int(host, node, WEIR_OPTION_INT, &bytes_min) < 0) return -1;
  if (bytes_min < 1) return host->fail(host, node, weir_text("bytes_min must be at least 1"));
  return 0;
}

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct drop_short *drop = calloc(1, sizeof *drop);
  (void)shared;
  if (!drop) return host->fail(host, NULL, weir_text("no memory"));
  drop->host = host;
  drop->dropped = host->metric(host, WEIR_COUNTER, "records_dropped", "Records shorter than bytes_min.");
  if (host->config_int(host, host->config_get(host, config, "bytes_min"), WEIR_OPTION_INT, &drop->bytes_min) < 0) {
    free(drop);
    return -1;
  }
  *self = drop;
  return 0;
}

static void destroy(void *self) { free(self); }

static weir_result process(void *self, const weir_batch *batch) {
  struct drop_short *drop = self;
  int64_t dropped = 0;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    if ((int64_t)weir_record_at(batch, i)->value.size >= drop->bytes_min) continue;
    drop->host->settle(drop->host, batch, i, 1, WEIR_DROP, NULL);
    dropped++;
  }
  drop->host->measure(drop->host, drop->dropped, dropped);
  return WEIR_DONE;
}

static const weir_option options[] = {
    {"bytes_min", WEIR_OPTION_INT, WEIR_REQUIRED, NULL, NULL, "keep records at least this long"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "drop_short",
    .version = "1.2.3",
    .summary = "Drops records whose value is too short.",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .prepare = prepare,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
