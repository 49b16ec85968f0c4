/* tag.c: a C stage that lives outside of weir's tree: one file, one header, one exported symbol.
 *
 * It adds a header with the coordinates that the record was read from, "quakes/2@1234", so that whoever reads the result can go
 * back to the source. The value is not touched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/plugin.h>

enum { COORDINATES_MAX = 320 }; /* a topic's name is at most 249 bytes */

/* One instance per lane; [lane] alone touches it. */
struct tag {
  const weir_host *host;
  weir_span header;
  weir_metric *tagged;
};

static int32_t tag_create(const weir_host *host, const weir_config *options, void *shared, void **self) {
  (void)shared;
  struct tag *tag = calloc(1, sizeof *tag);
  if (!tag) return host->fail(host, NULL, weir_text("no memory"));
  tag->host = host;
  if (host->config_text(host, host->config_get(host, options, "header"), &tag->header) != 0) {
    free(tag);
    return -1;
  }
  tag->tagged = host->metric(host, WEIR_COUNTER, "tagged", "records that got the header");
  *self = tag;
  return 0;
}

static void tag_destroy(void *self) { free(self); }

/* "topic/partition@offset" in the batch's memory; absent when its budget is spent. */
static weir_span coordinates(const struct tag *tag, const weir_batch *batch, const weir_record *record) {
  char *text = tag->host->alloc(tag->host, batch, COORDINATES_MAX);
  if (!text) return weir_bytes(NULL, 0);
  const weir_partition *from = batch->from;
  int size = snprintf(text, COORDINATES_MAX, "%.*s/%d@%lld", (int)from->topic.size, (const char *)from->topic.data,
      (int)from->partition, (long long)record->offset);
  return weir_bytes(text, (size_t)size);
}

/* The headers that are there, in their order, and one more. */
static int add_header(const struct tag *tag, const weir_batch *batch, uint32_t index) {
  const weir_host *host = tag->host;
  uint32_t count;
  const weir_header *old = host->headers(host, batch, index, &count);
  weir_header *all = host->alloc(host, batch, (count + 1) * sizeof *all);
  weir_span value = coordinates(tag, batch, weir_record_at(batch, index));
  if (!all || !value.data) return -1;
  if (count) memcpy(all, old, count * sizeof *all);
  all[count].name = tag->header;
  all[count].value = value;
  host->set_headers(host, batch, index, all, count + 1);
  return 0;
}

static weir_result tag_process(void *self, const weir_batch *batch) {
  const struct tag *tag = self;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    if (add_header(tag, batch, i) == 0) continue;
    weir_reason why = weir_because("no_memory", weir_text("the batch's memory is used up"));
    tag->host->settle(tag->host, batch, i, batch->record_count - i, WEIR_RETRY, &why);
    break;
  }
  tag->host->measure(tag->host, tag->tagged, batch->record_count);
  return WEIR_DONE;
}

static const weir_option options[] = {
    {.name = "header", .type = WEIR_OPTION_STRING, .fallback = "origin", .help = "name of the header"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "tag",
    .version = "1.0.0",
    .summary = "adds a header that says where the record was read from",
    .roles = WEIR_TRANSFORM,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = tag_create,
    .destroy = tag_destroy,
    .process = tag_process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
