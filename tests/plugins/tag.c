/* tag: adds a header to each record. */
#include <stdlib.h>
#include <string.h>
#include <weir/plugin.h>

struct tag {
  const weir_host *host;
  weir_header header;
};

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct tag *tag = calloc(1, sizeof *tag);
  (void)shared;
  if (!tag) return host->fail(host, NULL, weir_text("no memory"));
  tag->host = host;
  /* The texts of options live until release(), so records may point to them. */
  if (host->config_text(host, host->config_get(host, config, "header"), &tag->header.name) < 0 ||
      host->config_text(host, host->config_get(host, config, "value"), &tag->header.value) < 0) {
    free(tag);
    return -1;
  }
  *self = tag;
  return 0;
}

static void destroy(void *self) { free(self); }

static int add_header(struct tag *tag, const weir_batch *batch, uint32_t index) {
  const weir_host *host = tag->host;
  uint32_t count = 0;
  const weir_header *headers = host->headers(host, batch, index, &count);
  weir_header *more = host->alloc(host, batch, (count + 1) * sizeof *more);
  if (!more) return 0;
  if (count) memcpy(more, headers, count * sizeof *more);
  more[count] = tag->header;
  host->set_headers(host, batch, index, more, count + 1);
  return 1;
}

static weir_result process(void *self, const weir_batch *batch) {
  struct tag *tag = self;
  for (uint32_t i = 0; i < batch->record_count; i++)
    if (!add_header(tag, batch, i)) {
      tag->host->fail(tag->host, NULL, weir_text("the batch has no memory left for another header"));
      return WEIR_BROKEN;
    }
  return WEIR_DONE;
}

static const weir_option options[] = {
    {"header", WEIR_OPTION_STRING, WEIR_REQUIRED, NULL, NULL, "name of the header"},
    {"value", WEIR_OPTION_STRING, 0, "", NULL, "its value"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "tag",
    .version = "1.0.0",
    .summary = "Adds a header to each record.",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
