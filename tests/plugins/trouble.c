/* trouble: does what no plugin should, at the records whose value contains a text: it hangs, or crashes. With `once` it does so only
 * while that file exists, and takes the file away, so that the next worker has no trouble. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/plugin.h>

struct trouble {
  const weir_host *host;
  char kind[16], at[64], once[256];
};

static int32_t take(const weir_host *host, const weir_config *config, const char *name, char *into, size_t size) {
  weir_span text;
  const weir_config *node = host->config_get(host, config, name);
  if (!node) return 0;
  if (host->config_text(host, node, &text) < 0) return -1;
  if (text.size >= size) return host->fail(host, node, weir_text("too long"));
  memcpy(into, text.data, text.size);
  return 0;
}

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct trouble *trouble = calloc(1, sizeof *trouble);
  (void)shared;
  if (!trouble) return host->fail(host, NULL, weir_text("no memory"));
  trouble->host = host;
  if (take(host, config, "kind", trouble->kind, sizeof trouble->kind) < 0 ||
      take(host, config, "at", trouble->at, sizeof trouble->at) < 0 ||
      take(host, config, "once", trouble->once, sizeof trouble->once) < 0) {
    free(trouble);
    return -1;
  }
  *self = trouble;
  return 0;
}

static void destroy(void *self) { free(self); }

static void make(const struct trouble *trouble) {
  if (trouble->once[0] && unlink(trouble->once) != 0) return;
  if (strcmp(trouble->kind, "abort") == 0) abort();
  if (strcmp(trouble->kind, "segv") == 0) {
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
  }
  for (;;) pause();
}

static weir_result process(void *self, const weir_batch *batch) {
  const struct trouble *trouble = self;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    weir_span value = weir_record_at(batch, i)->value;
    if (value.data && memmem(value.data, value.size, trouble->at, strlen(trouble->at))) make(trouble);
  }
  return WEIR_DONE;
}

static const weir_option options[] = {
    {"kind", WEIR_OPTION_STRING, WEIR_REQUIRED, NULL, NULL, "hang, segv or abort"},
    {"at", WEIR_OPTION_STRING, WEIR_REQUIRED, NULL, NULL, "a part of the value"},
    {"once", WEIR_OPTION_STRING, 0, NULL, NULL, "only while this file is there; it is taken away"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "trouble",
    .version = "1.0.0",
    .summary = "Hangs or crashes at chosen records.",
    .roles = WEIR_TRANSFORM | WEIR_SINK,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
