/* future: built against a later minor version: a longer table, longer options, a trait that older hosts may pass
 * over, and a host function that they do not have. It must run on this one. */
#include <weir/plugin.h>

typedef struct future_plugin {
  weir_plugin now;
  int32_t (*later)(void *self);
} future_plugin;

typedef struct future_option {
  weir_option now;
  const char *unit;
} future_option;

typedef struct future_host {
  uint8_t now[sizeof(weir_host)];
  void (*later)(const struct future_host *host);
} future_host;

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  (void)shared;
  if (host->size >= sizeof(future_host)) return host->fail(host, NULL, weir_text("this host is as new as this plugin"));
  int64_t number = 0;
  if (host->config_int(host, host->config_get(host, config, "second"), WEIR_OPTION_INT, &number) < 0) return -1;
  if (number != 2) return host->fail(host, NULL, weir_text("the second option was not read"));
  *self = (void *)(uintptr_t)host;
  return 0;
}

static void destroy(void *self) { (void)self; }

static weir_result process(void *self, const weir_batch *batch) {
  (void)self;
  (void)batch;
  return WEIR_DONE;
}

static int32_t later(void *self) {
  (void)self;
  return 0;
}

static const future_option options[] = {
    {{"first", WEIR_OPTION_INT, 0, "1", NULL, "the first"}, "pieces"},
    {{"second", WEIR_OPTION_INT, 0, "2", NULL, "the second"}, "pieces"},
};

static const future_plugin plugin = {
    .now =
        {
            .size = sizeof plugin,
            .abi_major = WEIR_ABI_MAJOR,
            .abi_minor = 7,
            .name = "future",
            .version = "9.0.0",
            .summary = "Comes from the future.",
            .roles = WEIR_TRANSFORM,
            .traits = 1u << 20,
            .options = &options[0].now,
            .option_count = 2,
            .option_stride = sizeof *options,
            .create = create,
            .destroy = destroy,
            .process = process,
        },
    .later = later,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin.now : NULL; }
