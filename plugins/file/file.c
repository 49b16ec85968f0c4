/* file.c: the file sink: appends records as lines and acknowledges them when they are on the disk. All lanes share
 * one writer. */
#include "writer.h"
#include <common/lines.h>
#include <common/must.h>
#include <string.h>
#include <weir/ext/worker.h>

/* What all lanes share, from prepare(). */
struct shared {
  struct writer *writer;
  enum line_format format;
};

/* One lane's instance. */
struct sink {
  const weir_host *host;
  struct shared *shared;
  struct lines lines;
  weir_metric *bytes;
};

/* ---- The path ---- */

enum { PATH_BYTES = 4096 };

struct path_text {
  char text[PATH_BYTES];
  size_t size;
};

static bool put(struct path_text *path, weir_span part) {
  if (path->size + part.size >= sizeof path->text) return false;
  if (part.size) memcpy(path->text + path->size, part.data, part.size);
  path->size += part.size;
  path->text[path->size] = 0;
  return true;
}

/* What stands for {name}; absent: there is no such name. */
static weir_span value_of(const weir_worker *worker, weir_span name) {
  if (name.size == 8 && memcmp(name.data, "instance", 8) == 0) return worker->instance;
  if (name.size == 8 && memcmp(name.data, "pipeline", 8) == 0) return worker->pipeline;
  return weir_bytes(NULL, 0);
}

static bool has_slash(weir_span text) { return text.size && memchr(text.data, '/', text.size); }

/* Puts the text with {instance} and {pipeline} filled in; the reason why not, NULL: it worked. */
static const char *expand(struct path_text *path, const weir_worker *worker, weir_span text) {
  while (text.size > 0) {
    const uint8_t *brace = memchr(text.data, '{', text.size);
    size_t plain = brace ? (size_t)(brace - text.data) : text.size;
    if (!put(path, weir_bytes(text.data, plain))) return "the path is longer than 4095 bytes";
    text = weir_bytes(text.data + plain, text.size - plain);
    if (!brace) break;
    const uint8_t *end = memchr(text.data, '}', text.size);
    if (!end) return "a { in the path has no }; {instance} and {pipeline} are known";
    size_t size = (size_t)(end - text.data) + 1;
    weir_span value = value_of(worker, weir_bytes(text.data + 1, size - 2));
    if (!value.data) return "the path has a {name} that is not known; expected {instance} or {pipeline}";
    if (has_slash(value)) return "the instance or pipeline has a / in its name, so it cannot be part of a file's name";
    if (!put(path, value)) return "the path is longer than 4095 bytes";
    text = weir_bytes(text.data + size, text.size - size);
  }
  return NULL;
}

static int32_t resolve(const weir_host *host, const weir_config *node, struct path_text *path) {
  const weir_worker *worker = host->extension(host, WEIR_EXT_WORKER);
  weir_span text;
  if (!worker || !WEIR_REACHES(worker, weir_worker, directory)) {
    return host->fail(host, node, weir_text("this host does not say which folder the pipeline is in (weir.worker/1)"));
  }
  if (host->config_text(host, node, &text) != 0) return -1;
  if (text.size == 0) return host->fail(host, node, weir_text("the path is empty"));
  if (memchr(text.data, 0, text.size)) return host->fail(host, node, weir_text("the path has a zero byte"));
  if (text.data[0] != '/' && !(put(path, worker->directory) && put(path, weir_text("/")))) {
    return host->fail(host, node, weir_text("the path is longer than 4095 bytes"));
  }
  const char *reason = expand(path, worker, text);
  return reason ? host->fail(host, node, weir_text(reason)) : 0;
}

/* ---- Life ---- */

static void release(void *object) {
  struct shared *shared = object;
  writer_destroy(shared->writer);
  free(shared);
}

static int32_t prepare(const weir_host *host, const weir_config *options, void **object) {
  struct path_text path = {.size = 0};
  weir_span format, sync;
  if (resolve(host, host->config_get(host, options, "path"), &path) != 0) return -1;
  if (host->config_text(host, host->config_get(host, options, "format"), &format) != 0) return -1;
  if (host->config_text(host, host->config_get(host, options, "fsync"), &sync) != 0) return -1;
  struct shared *shared = calloc(1, sizeof *shared);
  if (!shared) return host->fail(host, NULL, weir_text("no memory"));
  shared->format = lines_format(format);
  shared->writer = writer_create(path.text, sync.size == 5 && memcmp(sync.data, "batch", 5) == 0, NULL);
  if (!shared->writer) {
    release(shared);
    return host->fail(host, NULL, weir_text("no memory"));
  }
  *object = shared;
  return 0;
}

static int32_t create(const weir_host *host, const weir_config *options, void *shared, void **self) {
  (void)options;
  struct sink *sink = calloc(1, sizeof *sink);
  struct writer_error err;
  size_t torn;
  if (!sink) return host->fail(host, NULL, weir_text("no memory"));
  sink->host = host;
  sink->shared = shared;
  if (!writer_open(sink->shared->writer, &torn, &err)) {
    free(sink);
    return host->fail(host, NULL, weir_text(err.text));
  }
  if (torn > 0) {
    snprintf(err.text, sizeof err.text, "cut %zu bytes of an unfinished last line: they were never acknowledged", torn);
    host->log(host, WEIR_WARN, weir_text(err.text));
  }
  sink->bytes = host->metric(host, WEIR_COUNTER, "written_bytes", "bytes written and synced");
  *self = sink;
  return 0;
}

static void destroy(void *self) {
  struct sink *sink = self;
  writer_close(sink->shared->writer);
  lines_fini(&sink->lines);
  free(sink);
}

/* ---- A batch ---- */

static weir_result broken(const struct sink *sink, const char *sentence) {
  sink->host->fail(sink->host, NULL, weir_text(sentence));
  return WEIR_BROKEN;
}

/* Gathers the lines; a record that cannot be one is rejected. False: no memory. */
static bool gather(struct sink *sink, const weir_batch *batch) {
  lines_clear(&sink->lines);
  sink->host->settle(sink->host, batch, 0, batch->record_count, WEIR_PASS, NULL);
  for (uint32_t i = 0; i < batch->record_count; i++) {
    enum line_fault fault = lines_add(&sink->lines, sink->shared->format, sink->host, batch, i);
    if (fault == LINE_NO_MEMORY) return false;
    if (fault == LINE_FINE) continue;
    weir_reason why = lines_reason(fault);
    sink->host->settle(sink->host, batch, i, 1, WEIR_REJECT, &why);
  }
  return true;
}

static weir_result process(void *self, const weir_batch *batch) {
  struct sink *sink = self;
  struct writer *writer = sink->shared->writer;
  struct writer_ticket ticket;
  struct writer_error err;
  if (!gather(sink, batch)) return broken(sink, "no memory for the lines of this batch");
  if (sink->lines.size == 0) return WEIR_DONE;
  if (!writer_append(writer, sink->lines.data, sink->lines.size, &ticket, &err)) return broken(sink, err.text);
  if (!writer_commit(writer, ticket, &err)) return broken(sink, err.text);
  sink->host->measure(sink->host, sink->bytes, (int64_t)sink->lines.size);
  if (writer_notice(writer, &err)) sink->host->log(sink->host, WEIR_WARN, weir_text(err.text));
  return WEIR_DONE;
}

/* ---- The plugin ---- */

static const weir_option options[] = {
    {.name = "path",
        .type = WEIR_OPTION_STRING,
        .flags = WEIR_REQUIRED,
        .help = "the file; from the pipeline's folder; {instance} and {pipeline} are filled in"},
    {.name = "format",
        .type = WEIR_OPTION_ENUM,
        .fallback = "value",
        .choices = "value|jsonl",
        .help =
            "value: the value and a line end; jsonl: an object with topic, partition, offset, timestamp, key, value, "
            "headers"},
    {.name = "fsync",
        .type = WEIR_OPTION_ENUM,
        .fallback = "batch",
        .choices = "batch|never",
        .help = "batch: on the disk before it is acknowledged; never: a crash of the machine can lose what was "
                "acknowledged"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "file",
    .version = "0.1.0",
    .summary = "appends records to a file, one a line, and acknowledges them when they are on the disk",
    .roles = WEIR_SINK,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .prepare = prepare,
    .release = release,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
