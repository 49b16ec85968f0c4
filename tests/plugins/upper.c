/* upper: values in capitals; with `key: true` keys as well. Memory from alloc(), a record that does not fit is
 * rejected. */
#include <stdlib.h>
#include <weir/plugin.h>

struct upper {
  const weir_host *host;
  int64_t key;
};

static int32_t create(const weir_host *host, const weir_config *config, void *shared, void **self) {
  struct upper *upper = calloc(1, sizeof *upper);
  (void)shared;
  if (!upper) return host->fail(host, NULL, weir_text("no memory"));
  upper->host = host;
  if (host->config_int(host, host->config_get(host, config, "key"), WEIR_OPTION_BOOL, &upper->key) < 0) {
    free(upper);
    return -1;
  }
  *self = upper;
  return 0;
}

static void destroy(void *self) { free(self); }

/* Absent stays absent. False: no memory. */
static int in_capitals(struct upper *upper, const weir_batch *batch, weir_span *text) {
  if (!text->data) return 1;
  uint8_t *copy = upper->host->alloc(upper->host, batch, text->size);
  if (!copy) return 0;
  for (size_t i = 0; i < text->size; i++) {
    uint8_t byte = text->data[i];
    copy[i] = byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 32) : byte;
  }
  text->data = copy;
  return 1;
}

static weir_result process(void *self, const weir_batch *batch) {
  struct upper *upper = self;
  const weir_host *host = upper->host;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    weir_span value = weir_record_at(batch, i)->value, key = weir_record_at(batch, i)->key;
    if (!in_capitals(upper, batch, &value) || (upper->key && !in_capitals(upper, batch, &key))) {
      weir_reason why = weir_because("batch_memory", weir_text("the batch has no memory left"));
      host->settle(host, batch, i, 1, WEIR_REJECT, &why);
      continue;
    }
    host->set_value(host, batch, i, value);
    if (upper->key) host->set_key(host, batch, i, key);
  }
  return WEIR_DONE;
}

static const weir_option options[] = {
    {"key", WEIR_OPTION_BOOL, 0, "false", NULL, "also the key"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "upper",
    .version = "1.0.0",
    .summary = "Writes values in capitals.",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = 1,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
