/* pass: the least that a plugin can be: as a stage it lets everything go on, as a sink it acknowledges everything. */
#include <weir/plugin.h>

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  (void)config;
  (void)shared;
  *self = (void *)(uintptr_t)host;
  return 0;
}

static void destroy(void *self) { (void)self; }

static weir_result process(void *self, const weir_batch *batch) {
  const weir_host *host = self;
  host->settle(host, batch, 0, batch->record_count, WEIR_PASS, NULL);
  return WEIR_DONE;
}

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "pass",
    .version = "1.0.0",
    .summary = "Lets every record go on.",
    .roles = WEIR_TRANSFORM | WEIR_SINK,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
