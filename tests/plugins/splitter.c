/* splitter: one record becomes one for each piece between separators; the parent is dropped. A record without a
 * value is rejected, and what was emitted from it before with it. */
#include <stdlib.h>
#include <string.h>
#include <weir/plugin.h>

struct splitter {
  const weir_host *host;
  uint8_t separator;
};

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  const weir_config *node = host->config_get(host, config, "separator");
  weir_span text;
  (void)shared;
  if (host->config_text(host, node, &text) < 0) return -1;
  if (text.size != 1) return host->fail(host, node, weir_text("separator must be one character"));
  struct splitter *splitter = calloc(1, sizeof *splitter);
  if (!splitter) return host->fail(host, NULL, weir_text("no memory"));
  splitter->host = host;
  splitter->separator = text.data[0];
  *self = splitter;
  return 0;
}

static void destroy(void *self) { free(self); }

/* Pieces point into the parent's value: nothing is copied. False: a limit of emission. */
static int split(struct splitter *splitter, const weir_batch *batch, uint32_t index) {
  const weir_record *parent = weir_record_at(batch, index);
  const uint8_t *at = parent->value.data, *end = at + parent->value.size;
  for (;;) {
    const uint8_t *stop = at < end ? memchr(at, splitter->separator, (size_t)(end - at)) : NULL;
    weir_draft draft = weir_draft_from(parent, weir_bytes(at, (size_t)((stop ? stop : end) - at)));
    if (splitter->host->emit(splitter->host, batch, index, &draft) < 0) return 0;
    if (!stop) return 1;
    at = stop + 1;
  }
}

static weir_result process(void *self, const weir_batch *batch) {
  struct splitter *splitter = self;
  const weir_host *host = splitter->host;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    if (!weir_record_at(batch, i)->value.data) {
      weir_reason why = weir_because("no_value", weir_text("there is nothing to split"));
      host->settle(host, batch, i, 1, WEIR_REJECT, &why);
    } else if (!split(splitter, batch, i)) {
      weir_reason why = weir_because("too_many_pieces", weir_text("the host takes no more records"));
      host->settle(host, batch, i, 1, WEIR_REJECT, &why);
    } else {
      host->settle(host, batch, i, 1, WEIR_DROP, NULL);
    }
  }
  return WEIR_DONE;
}

static const weir_option options[] = {
    {"separator", WEIR_OPTION_STRING, 0, ",", NULL, "the character between pieces"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "splitter",
    .version = "1.0.0",
    .summary = "One record for each piece of a value.",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = 1,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
