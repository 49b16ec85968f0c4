/* commit_metadata.h: the text that goes with each committed offset: "weir/1 partitions=8". It tells a later assignment that the
 * group has started all partitions below 8, so that one at or above it without a commit is new. Pure. */
#ifndef WEIR_KAFKA_COMMIT_METADATA_H
#define WEIR_KAFKA_COMMIT_METADATA_H
#include <stddef.h>
#include <stdint.h>

enum { COMMIT_METADATA_MAX = 40 };

/* `partitions` 0: not known, then it is left out. Returns `into`. */
const char *commit_metadata_write(char into[COMMIT_METADATA_MAX], int32_t partitions);
/* 0: not ours, or without a count. `metadata` is not NUL-terminated. */
int32_t commit_metadata_read(const void *metadata, size_t size);

#endif
