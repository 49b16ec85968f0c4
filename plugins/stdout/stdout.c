/* stdout.c: the stdout sink: writes records as lines to standard output, one write a batch. */
#include <common/lines.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One lane's instance. */
struct sink {
  const weir_host *host;
  enum line_format format;
  struct lines lines;
};

/* The process has one standard output, whatever the number of lanes and sinks. `torn`: a line on it has no end yet. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool torn;

static int32_t create(const weir_host *host, const weir_config *options, void *shared, void **self) {
  (void)shared;
  weir_span format;
  if (host->config_text(host, host->config_get(host, options, "format"), &format) != 0) return -1;
  struct sink *sink = calloc(1, sizeof *sink);
  if (!sink) return host->fail(host, NULL, weir_text("no memory"));
  sink->host = host;
  sink->format = lines_format(format);
  *self = sink;
  return 0;
}

static void destroy(void *self) {
  struct sink *sink = self;
  lines_fini(&sink->lines);
  free(sink);
}

/* A terminal or pipe that does not block says EAGAIN instead. */
static bool wait_for_room(void) {
  struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return poll(&output, 1, -1) >= 0 || errno == EINTR;
}

/* The mutex is held. */
static bool write_all(const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = write(STDOUT_FILENO, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN && wait_for_room()) continue;
    if (written < 0) return false;
    torn = bytes[written - 1] != '\n';
    bytes += written;
    size -= (size_t)written;
  }
  return true;
}

static bool write_lines(const struct lines *lines) {
  pthread_mutex_lock(&mutex);
  bool written = (!torn || write_all((const uint8_t *)"\n", 1)) && write_all(lines->data, lines->size);
  int reason = errno;
  pthread_mutex_unlock(&mutex);
  errno = reason;
  return written;
}

static weir_result broken(const struct sink *sink, const char *sentence) {
  sink->host->fail(sink->host, NULL, weir_text(sentence));
  return WEIR_BROKEN;
}

static weir_result fail_write(const struct sink *sink) {
  char sentence[160];
  if (errno == EPIPE) return broken(sink, "whatever read the standard output has gone away");
  if (errno == EBADF) return broken(sink, "the standard output is closed");
  snprintf(sentence, sizeof sentence, "cannot write to the standard output: %s", strerror(errno));
  return broken(sink, sentence);
}

static weir_result process(void *self, const weir_batch *batch) {
  struct sink *sink = self;
  lines_clear(&sink->lines);
  sink->host->settle(sink->host, batch, 0, batch->record_count, WEIR_PASS, NULL);
  for (uint32_t i = 0; i < batch->record_count; i++) {
    enum line_fault fault = lines_add(&sink->lines, sink->format, sink->host, batch, i);
    if (fault == LINE_NO_MEMORY) return broken(sink, "no memory for the lines of this batch");
    if (fault == LINE_FINE) continue;
    weir_reason why = lines_reason(fault);
    sink->host->settle(sink->host, batch, i, 1, WEIR_REJECT, &why);
  }
  return write_lines(&sink->lines) ? WEIR_DONE : fail_write(sink);
}

static const weir_option options[] = {
    {.name = "format",
        .type = WEIR_OPTION_ENUM,
        .fallback = "pretty",
        .choices = "pretty|value|jsonl",
        .help =
            "pretty: topic/partition@offset key: value; value: the value and a line end; jsonl: an object with topic, "
            "partition, offset, timestamp, key, value, headers"},
};

static const weir_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .name = "stdout",
    .version = "0.1.0",
    .summary = "writes records to the standard output, one a line",
    .roles = WEIR_SINK,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .option_stride = sizeof *options,
    .create = create,
    .destroy = destroy,
    .process = process,
};

const weir_plugin *weir_plugin_v1(uint32_t index) { return index == 0 ? &plugin : NULL; }
