/* reset.h: what `weir offsets --reset` and `--skip` ask for, and what that means for a partition. Pure. */
#ifndef WEIR_KAFKA_RESET_H
#define WEIR_KAFKA_RESET_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/limits.h"

struct admin_partition;

enum reset_kind { RESET_EARLIEST, RESET_LATEST, RESET_OFFSET, RESET_TIME, RESET_SHIFT };

struct reset {
  enum reset_kind kind;
  int64_t
      number; /* RESET_OFFSET: the offset; RESET_TIME: milliseconds since 1970; RESET_SHIFT: records, backwards below 0 */
};

struct skip {
  char topic[LIMIT_TOPIC_NAME + 1];
  int32_t partition;
  int64_t offset;
};

/* What becomes of one partition. */
struct reset_target {
  int64_t offset;   /* -1: it is left alone */
  const char *note; /* static, NULL: nothing to say */
};

/* "earliest", "latest", "offset:N", "timestamp:ISO8601", "shift:N". */
bool reset_parse(const char *text, struct reset *reset, struct error *err);
/* "TOPIC/PARTITION@OFFSET". */
bool skip_parse(const char *text, struct skip *skip, struct error *err);

/* "2026-11-23", which is midnight UTC, or "2026-11-23T17:20[:01[.123]]" with "Z", "+02:00" or "+0200". At or after 1970. */
bool reset_parse_time(const char *text, int64_t *time_ms, struct error *err);

/* `at_time`: the partition's first offset at or after the time, for RESET_TIME; -1: no record is that late. False: it cannot be done there. */
bool reset_target(const struct reset *reset, const struct admin_partition *partition, int64_t at_time,
    struct reset_target *target, struct error *err);
/* False: the group does not stand on that record. */
bool skip_target(
    const struct skip *skip, const struct admin_partition *partition, struct reset_target *target, struct error *err);

#endif
