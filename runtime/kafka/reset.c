/* reset.c: an offset outside of what a partition holds would stop the partition, so none is ever chosen. */
#include "kafka/reset.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include "kafka/admin.h"

/* --- reading --------------------------------------------------------------------------------------------------------- */

/* Exactly `width` digits at `*at`, from `least` to `most`; `*at` goes behind them. */
static bool number(const char **at, int width, int least, int most, int *value) {
  int sum = 0;
  for (int i = 0; i < width; i++) {
    char digit = (*at)[i];
    if (digit < '0' || digit > '9') return false;
    sum = sum * 10 + (digit - '0');
  }
  *at += width;
  *value = sum;
  return sum >= least && sum <= most;
}

static bool mark(const char **at, char wanted) {
  if (**at != wanted) return false;
  (*at)++;
  return true;
}

static bool read_date(const char **at, struct tm *parts) {
  int year = 0, month = 0, day = 0;
  if (!number(at, 4, 1970, 9999, &year) || !mark(at, '-')) return false;
  if (!number(at, 2, 1, 12, &month) || !mark(at, '-') || !number(at, 2, 1, 31, &day)) return false;
  *parts = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
  struct tm normal = *parts;
  timegm(&normal);
  return normal.tm_mday == day; /* the month has this day */
}

/* Milliseconds behind the seconds; digits beyond the third do not count. */
static bool read_fraction(const char **at, int *ms) {
  *ms = 0;
  if (!mark(at, '.')) return true;
  int digits = 0;
  for (; **at >= '0' && **at <= '9'; (*at)++, digits++)
    if (digits < 3) *ms = *ms * 10 + (**at - '0');
  for (int i = digits; i < 3; i++) *ms *= 10;
  return digits > 0;
}

static bool read_zone(const char **at, int *minutes) {
  *minutes = 0;
  if (mark(at, 'Z')) return true;
  int sign = **at == '-' ? -1 : 1, hour = 0, minute = 0;
  if (!mark(at, '+') && !mark(at, '-')) return false;
  if (!number(at, 2, 0, 23, &hour)) return false;
  mark(at, ':');
  if (!number(at, 2, 0, 59, &minute)) return false;
  *minutes = sign * (hour * 60 + minute);
  return true;
}

static bool read_clock(const char **at, struct tm *parts, int *ms, int *zone_minutes) {
  if (!number(at, 2, 0, 23, &parts->tm_hour) || !mark(at, ':') || !number(at, 2, 0, 59, &parts->tm_min)) return false;
  if (mark(at, ':') && (!number(at, 2, 0, 59, &parts->tm_sec) || !read_fraction(at, ms))) return false;
  return read_zone(at, zone_minutes);
}

bool reset_parse_time(const char *text, int64_t *time_ms, struct error *err) {
  const char *at = text;
  struct tm parts;
  int ms = 0, zone_minutes = 0;
  bool fine = read_date(&at, &parts);
  if (fine && (mark(&at, 'T') || mark(&at, ' '))) fine = read_clock(&at, &parts, &ms, &zone_minutes);
  if (fine && !*at) {
    *time_ms = ((int64_t)timegm(&parts) - zone_minutes * 60) * 1000 + ms;
    if (*time_ms >= 0) return true;
  }
  return error_set(
      err, "'%s' is no time: write it as 2026-11-23, 2026-11-23T17:20:00Z or 2026-11-23T17:20:00+02:00", text);
}

static bool read_number(const char *text, int64_t least, int64_t *value) {
  return text_int(span_of(text), value) && *value >= least;
}

bool reset_parse(const char *text, struct reset *reset, struct error *err) {
  must(text && reset);
  *reset = (struct reset){0};
  const char *colon = strchr(text, ':'), *rest = colon ? colon + 1 : "";
  size_t size = colon ? (size_t)(colon - text) : strlen(text);
  weir_span kind = weir_bytes(text, size);
  bool fine = false;
  if (!colon && span_is(kind, "earliest")) {
    reset->kind = RESET_EARLIEST;
    fine = true;
  } else if (!colon && span_is(kind, "latest")) {
    reset->kind = RESET_LATEST;
    fine = true;
  } else if (span_is(kind, "offset")) {
    reset->kind = RESET_OFFSET;
    fine = read_number(rest, 0, &reset->number);
  } else if (span_is(kind, "shift")) {
    reset->kind = RESET_SHIFT;
    fine = read_number(rest, -INT64_MAX, &reset->number);
  } else if (span_is(kind, "timestamp")) {
    reset->kind = RESET_TIME;
    return reset_parse_time(rest, &reset->number, err);
  }
  return fine || error_set(err,
                     "--reset takes earliest, latest, offset:N, timestamp:2026-11-23T17:20:00Z or shift:N "
                     "(shift:-100 goes 100 records back), found '%s'",
                     text);
}

bool skip_parse(const char *text, struct skip *skip, struct error *err) {
  must(text && skip);
  const char *slash = strrchr(text, '/'), *at = slash ? strchr(slash, '@') : NULL;
  int64_t partition = -1, offset = -1;
  if (slash && at && slash > text && (size_t)(slash - text) <= LIMIT_TOPIC_NAME &&
      text_int(weir_bytes(slash + 1, (size_t)(at - slash - 1)), &partition) && partition >= 0 &&
      partition <= INT32_MAX && text_int(span_of(at + 1), &offset) && offset >= 0 && offset < INT64_MAX) {
    *skip = (struct skip){.partition = (int32_t)partition, .offset = offset};
    memcpy(skip->topic, text, (size_t)(slash - text));
    return true;
  }
  return error_set(
      err, "--skip takes TOPIC/PARTITION@OFFSET, as logs and dead letters name a record, found '%s'", text);
}

/* --- meaning --------------------------------------------------------------------------------------------------------- */

static bool shift(const struct reset *reset, const struct admin_partition *row, struct reset_target *target) {
  if (row->committed < 0) {
    *target = (struct reset_target){-1, "nothing is committed there, so nothing is shifted"};
    return true;
  }
  int64_t wanted = 0;
  if (__builtin_add_overflow(row->committed, reset->number, &wanted)) wanted = reset->number < 0 ? 0 : INT64_MAX;
  *target = (struct reset_target){wanted, NULL};
  if (wanted < row->first) *target = (struct reset_target){row->first, "no further back: older records are gone"};
  if (wanted > row->end) *target = (struct reset_target){row->end, "no further: that is the end"};
  return true;
}

bool reset_target(const struct reset *reset, const struct admin_partition *row, int64_t at_time,
    struct reset_target *target, struct error *err) {
  *target = (struct reset_target){-1, NULL};
  if (row->first < 0 || row->end < 0)
    return error_set(err, "%s/%" PRId32 " has no leader now, so what it holds is not known; nothing was changed",
        row->topic, row->partition);
  switch (reset->kind) {
  case RESET_EARLIEST: target->offset = row->first; return true;
  case RESET_LATEST: target->offset = row->end; return true;
  case RESET_SHIFT: return shift(reset, row, target);
  case RESET_TIME:
    *target = (struct reset_target){at_time < 0 ? row->end : at_time, at_time < 0 ? "no record is that late" : NULL};
    return true;
  case RESET_OFFSET:
    target->offset = reset->number;
    if (reset->number >= row->first && reset->number <= row->end) return true;
    return error_set(err,
        "%s/%" PRId32 " holds the offsets %" PRId64 " to %" PRId64 "; a worker could not read from %" PRId64
        ", nothing was changed",
        row->topic, row->partition, row->first, row->end, reset->number);
  }
  must_not_reach();
}

bool skip_target(
    const struct skip *skip, const struct admin_partition *row, struct reset_target *target, struct error *err) {
  *target = (struct reset_target){skip->offset + 1, NULL};
  if (row->committed != skip->offset) {
    char stands[64] = "has nothing committed";
    if (row->committed >= 0) snprintf(stands, sizeof stands, "stands at %" PRId64, row->committed);
    return error_set(err, "%s/%" PRId32 " %s, not at %" PRId64 ": only the record that a group stands on is skipped",
        row->topic, row->partition, stands, skip->offset);
  }
  if (row->end >= 0 && skip->offset < row->end) return true;
  return error_set(
      err, "%s/%" PRId32 " has no record at %" PRId64 " to skip", row->topic, row->partition, skip->offset);
}
