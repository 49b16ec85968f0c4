/* suspects.c: see suspects.h. A line: topic partition first last deaths stage how. None of the words has a blank in it. */
#include "host/suspects.h"
#include "base/check.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 512, PATH_BYTES = 4096 };

/* --- the file --- */

static bool read_line(const char *line, struct suspect *suspect) {
  int end = 0;
  *suspect = (struct suspect){.partition = -1};
  int found = sscanf(line, "%249s %" SCNd32 " %" SCNd64 " %" SCNd64 " %" SCNu32 " %64s %15s%n", suspect->topic,
      &suspect->partition, &suspect->first, &suspect->last, &suspect->deaths, suspect->label, suspect->how, &end);
  return found == 7 && line[end] == '\0' && suspect->partition >= 0 && suspect->first <= suspect->last;
}

bool suspects_read(struct suspects *suspects, const char *path, struct error *err) {
  char *bytes;
  size_t size;
  suspects->count = 0;
  if (access(path, F_OK) != 0 && errno == ENOENT) return true;
  if (!file_read(path, (size_t)LIMIT_SUSPECTS * LINE_BYTES, &bytes, &size, err)) return error_wrap(err, "%s", path);
  char *rest = bytes;
  for (char *line; (line = strsep(&rest, "\n")) && suspects->count < LIMIT_SUSPECTS;)
    if (read_line(line, &suspects->list[suspects->count])) suspects->count++;
  free(bytes);
  return true;
}

static bool write_lines(const struct suspects *suspects, FILE *out) {
  for (size_t i = 0; i < suspects->count; i++) {
    const struct suspect *suspect = &suspects->list[i];
    fprintf(out, "%s %" PRId32 " %" PRId64 " %" PRId64 " %" PRIu32 " %s %s\n", suspect->topic, suspect->partition,
        suspect->first, suspect->last, suspect->deaths, suspect->label, suspect->how);
  }
  return !ferror(out);
}

bool suspects_write(const struct suspects *suspects, const char *path, struct error *err) {
  char part[PATH_BYTES];
  if (!suspects->count) {
    if (unlink(path) == 0 || errno == ENOENT) return true;
    return error_errno(err, "%s cannot be taken away", path);
  }
  int size = snprintf(part, sizeof part, "%s.part", path);
  must(size > 0 && (size_t)size < sizeof part);
  int descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  FILE *out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
  if (!out) {
    if (descriptor >= 0) close(descriptor);
    return error_errno(err, "%s cannot be written", part);
  }
  bool written = write_lines(suspects, out);
  written = fclose(out) == 0 && written;
  return (written && rename(part, path) == 0) || error_errno(err, "%s cannot be written", path);
}

/* --- what is known --- */

static bool is_of(const struct suspect *suspect, const char *topic, int32_t partition) {
  return suspect->partition == partition && strcmp(suspect->topic, topic) == 0;
}

static bool covers(const struct suspect *suspect, const struct suspect *part) {
  return is_of(suspect, part->topic, part->partition) && suspect->first <= part->first && suspect->last >= part->last;
}

static void remove_at(struct suspects *suspects, size_t index) {
  suspects->list[index] = suspects->list[--suspects->count];
}

/* Where every place is taken the suspicion of a range gives way: it comes again. */
static void make_room(struct suspects *suspects) {
  if (suspects->count < LIMIT_SUSPECTS) return;
  size_t index = 0;
  while (index < suspects->count - 1 && suspects->list[index].deaths > 0) index++;
  remove_at(suspects, index);
}

static const struct suspect *add(struct suspects *suspects, const struct suspect *suspect, uint32_t deaths) {
  make_room(suspects);
  struct suspect *added = &suspects->list[suspects->count++];
  *added = *suspect;
  added->deaths = deaths;
  return added;
}

static const struct suspect *died_alone(struct suspects *suspects, const struct suspect *death) {
  for (size_t i = suspects->count; i-- > 0;)
    if (suspects->list[i].deaths == 0 && covers(&suspects->list[i], death)) remove_at(suspects, i);
  for (size_t i = 0; i < suspects->count; i++) {
    struct suspect *known = &suspects->list[i];
    if (known->deaths == 0 || !covers(known, death)) continue;
    known->deaths++;
    memcpy(known->label, death->label, sizeof known->label);
    memcpy(known->how, death->how, sizeof known->how);
    return known;
  }
  return add(suspects, death, 1);
}

const struct suspect *suspects_died(struct suspects *suspects, const struct suspect *death, bool alone) {
  must(death->first <= death->last && death->topic[0] && death->label[0] && death->how[0]);
  if (alone && death->first == death->last) return died_alone(suspects, death);
  for (size_t i = 0; i < suspects->count; i++)
    if (suspects->list[i].deaths == 0 && covers(&suspects->list[i], death)) return &suspects->list[i];
  return add(suspects, death, 0);
}

bool suspects_passed(struct suspects *suspects, const char *topic, int32_t partition, int64_t offset) {
  bool changed = false;
  for (size_t i = suspects->count; i-- > 0;) {
    if (!is_of(&suspects->list[i], topic, partition) || suspects->list[i].last >= offset) continue;
    remove_at(suspects, i);
    changed = true;
  }
  return changed;
}

/* --- how a lane takes them --- */

const struct suspect *suspects_at(struct suspects_view view, int64_t offset) {
  for (size_t i = 0; i < view.count; i++)
    if (view.list[i].deaths > 0 && view.list[i].first == offset) return &view.list[i];
  return NULL;
}

bool suspects_alone(struct suspects_view view, int64_t next, int64_t *stop) {
  *stop = INT64_MAX;
  for (size_t i = 0; i < view.count; i++) {
    const struct suspect *suspect = &view.list[i];
    if (suspect->last < next) continue;
    if (suspect->first <= next) return true;
    if (suspect->first < *stop) *stop = suspect->first;
  }
  return false;
}
