/* command_offsets_print.c: tables for people, one JSON object for programs. Names of members come from strangers: they are escaped. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/span.h"
#include "base/text.h"
#include "command_json.h"
#include "command_offsets.h"
#include "config/pipeline_file.h"

enum { NAME_SHOWN_MAX = 256, SESSION_FALLBACK_MS = 45000 };

static int topic_width(const struct admin_partition *partitions, size_t count) {
  size_t width = 5;
  for (size_t i = 0; i < count; i++) width = strlen(partitions[i].topic) > width ? strlen(partitions[i].topic) : width;
  return (int)width;
}

static const char *offset_text(char into[24], int64_t offset) {
  if (offset < 0)
    snprintf(into, 24, "-");
  else
    snprintf(into, 24, "%" PRId64, offset);
  return into;
}

/* Records that a worker has still to read; -1: not known. */
static int64_t lag_of(const struct admin_partition *row) {
  if (row->end < 0 || row->start < 0) return -1;
  return row->start < row->end ? row->end - row->start : 0;
}

static const char *remark_of(const struct admin_partition *row, const struct pipeline_file *file) {
  if (row->first < 0) return "no leader now";
  if (row->committed < 0 && row->is_new) return "new since the group last committed: starts at its beginning";
  if (row->committed < 0 && file->start == START_ERROR)
    return "nothing committed, and 'start: error': a worker refuses it";
  if (row->committed < 0)
    return file->start == START_LATEST ? "nothing committed: starts at the end ('start: latest')"
                                       : "nothing committed: starts at the oldest record ('start: earliest')";
  if (row->committed < row->first) return "out of range: records after it were removed before they were read";
  return row->committed > row->end ? "out of range: beyond the end" : "";
}

static void print_head(const struct pipeline_file *file, const struct admin_group *group) {
  printf("group %s: ", file->group);
  if (!group->known)
    puts("the cluster does not tell its members");
  else if (group->member_count)
    printf("%zu member%s, %s\n", group->member_count, group->member_count == 1 ? "" : "s", group->state);
  else
    puts("no members");
}

void offsets_print(const struct pipeline_file *file, const struct admin_group *group,
    const struct admin_partition *partitions, size_t count) {
  int width = topic_width(partitions, count);
  int64_t lag = 0;
  print_head(file, group);
  printf("%-*s %9s %12s %12s %12s %12s\n", width, "TOPIC", "PARTITION", "FIRST", "END", "COMMITTED", "LAG");
  for (size_t i = 0; i < count; i++) {
    const struct admin_partition *row = &partitions[i];
    char first[24], end[24], committed[24], left[24];
    const char *remark = remark_of(row, file);
    printf("%-*s %9" PRId32 " %12s %12s %12s %12s%s%s\n", width, row->topic, row->partition,
        offset_text(first, row->first), offset_text(end, row->end), offset_text(committed, row->committed),
        offset_text(left, lag_of(row)), *remark ? "  " : "", remark);
    lag += lag_of(row) > 0 ? lag_of(row) : 0;
  }
  char sum[TEXT_MAX];
  printf("%s record%s to read in %zu partition%s\n", text_of_count(sum, lag), lag == 1 ? "" : "s", count,
      count == 1 ? "" : "s");
}

/* --- JSON ------------------------------------------------------------------------------------------------------------ */

static void json_members(const struct admin_group *group) {
  if (!group->known) {
    fputs(",\"members\":null", stdout);
    return;
  }
  fputs(",\"members\":[", stdout);
  for (size_t i = 0; i < group->member_count; i++) {
    const struct admin_member *member = &group->members[i];
    const char *names[] = {"id", "client", "host", "instance"};
    const char *values[] = {member->id, member->client, member->host, member->instance};
    putchar(i ? ',' : ' ');
    for (size_t j = 0; j < 4; j++) {
      printf("%s\"%s\":", j ? "," : "{", names[j]);
      if (values[j])
        json_text(span_of(values[j]));
      else
        fputs("null", stdout);
    }
    putchar('}');
  }
  putchar(']');
}

void offsets_print_json(const struct pipeline_file *file, const struct admin_group *group,
    const struct admin_partition *partitions, size_t count) {
  fputs("{\"group\":", stdout);
  json_text(span_of(file->group));
  printf(",\"state\":\"%s\"", group->state);
  json_members(group);
  fputs(",\"partitions\":[", stdout);
  for (size_t i = 0; i < count; i++) {
    const struct admin_partition *row = &partitions[i];
    printf("%s\n{\"topic\":", i ? "," : "");
    json_text(span_of(row->topic));
    printf(",\"partition\":%" PRId32, row->partition);
    json_number("first", row->first);
    json_number("end", row->end);
    json_number("committed", row->committed);
    json_number("start", row->start);
    json_number("lag", lag_of(row));
    putchar('}');
  }
  puts("\n]}");
}

/* --- plan and refusal ------------------------------------------------------------------------------------------------ */

static const char *change_text(char into[64], const struct offsets_step *step) {
  const struct admin_partition *row = step->partition;
  char count[TEXT_MAX];
  *into = 0;
  if (step->offset < 0) return into;
  if (row->committed < 0)
    snprintf(into, 64, "set");
  else if (step->offset < row->committed)
    snprintf(into, 64, "%s read again", text_of_count(count, row->committed - step->offset));
  else if (step->offset > row->committed)
    snprintf(into, 64, "%s skipped", text_of_count(count, step->offset - row->committed));
  else
    snprintf(into, 64, "as it is");
  return into;
}

void offsets_print_plan(const struct pipeline_file *file, const struct offsets_step *steps, size_t count) {
  int width = 5;
  for (size_t i = 0; i < count; i++) {
    int own = topic_width(steps[i].partition, 1);
    width = own > width ? own : width;
  }
  printf("plan for group %s:\n%-*s %9s %12s %12s  %s\n", file->group, width, "TOPIC", "PARTITION", "COMMITTED", "NEW",
      "RECORDS");
  for (size_t i = 0; i < count; i++) {
    const struct admin_partition *row = steps[i].partition;
    char committed[24], offset[24], change[64];
    printf("%-*s %9" PRId32 " %12s %12s  %s%s%s\n", width, row->topic, row->partition,
        offset_text(committed, row->committed), offset_text(offset, steps[i].offset), change_text(change, &steps[i]),
        steps[i].note && *change ? "; " : "", steps[i].note ? steps[i].note : "");
  }
}

void offsets_print_members(const struct pipeline_file *file, const struct admin_group *group) {
  int64_t session_ms = SESSION_FALLBACK_MS;
  const char *users = kafka_property_value(&file->kafka, "session.timeout.ms");
  if (users) text_int(span_of(users), &session_ms);
  char within[TEXT_MAX], client[NAME_SHOWN_MAX], host[NAME_SHOWN_MAX], instance[NAME_SHOWN_MAX];
  text_of_duration(within, session_ms);
  fprintf(stderr, "weir: group %s has %zu member%s, so nothing was changed: what they commit would undo it\n",
      file->group, group->member_count, group->member_count == 1 ? "" : "s");
  for (size_t i = 0; i < group->member_count; i++) {
    const struct admin_member *member = &group->members[i];
    text_escape(client, sizeof client, span_of(member->client));
    text_escape(host, sizeof host, span_of(member->host + (*member->host == '/'))); /* Java writes its addresses so */
    fprintf(stderr, "  %s at %s", client, host);
    if (member->instance) {
      text_escape(instance, sizeof instance, span_of(member->instance));
      fprintf(stderr, ", static as '%s': when its worker has ended it leaves by itself within %s, its session time-out",
          instance, within);
    }
    fputs("\n", stderr);
  }
  fputs("Stop these workers, then try again.\n", stderr);
}
