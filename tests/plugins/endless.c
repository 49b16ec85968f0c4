/* endless: an index that never ends, each plugin with a name of its own. */
#include <stdio.h>
#include <weir/plugin.h>

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  (void)host;
  (void)config;
  (void)shared;
  *self = NULL;
  return 0;
}

static void destroy(void *self) { (void)self; }

static weir_result process(void *self, const weir_batch *batch) {
  (void)self;
  (void)batch;
  return WEIR_DONE;
}

const weir_plugin *weir_plugin_v1(uint32_t index) {
  static char names[1000][16];
  static weir_plugin plugins[1000];
  index %= 1000;
  snprintf(names[index], sizeof names[index], "endless%u", index);
  plugins[index] = (weir_plugin){.size = sizeof *plugins,
      .abi_major = WEIR_ABI_MAJOR,
      .name = names[index],
      .version = "1.0.0",
      .summary = "One of very many.",
      .roles = WEIR_TRANSFORM,
      .create = create,
      .destroy = destroy,
      .process = process};
  return &plugins[index];
}
