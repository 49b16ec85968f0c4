/* commit_metadata.c: read from a broker, so nothing of it is believed but this one form. */
#include "kafka/commit_metadata.h"
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>

static const char head[] = "weir/1", count_head[] = "weir/1 partitions=";

const char *commit_metadata_write(char into[COMMIT_METADATA_MAX], int32_t partitions) {
  must(partitions >= 0);
  if (partitions)
    snprintf(into, COMMIT_METADATA_MAX, "%s%" PRId32, count_head, partitions);
  else
    snprintf(into, COMMIT_METADATA_MAX, "%s", head);
  return into;
}

int32_t commit_metadata_read(const void *metadata, size_t size) {
  size_t head_size = sizeof count_head - 1;
  if (!metadata || size <= head_size || memcmp(metadata, count_head, head_size) != 0) return 0;
  weir_span digits = {(const uint8_t *)metadata + head_size, size - head_size};
  int64_t count = 0;
  return text_int(digits, &count) && count > 0 && count <= INT32_MAX ? (int32_t)count : 0;
}
