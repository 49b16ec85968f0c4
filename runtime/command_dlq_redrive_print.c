/* command_dlq_redrive_print.c: see command_dlq_redrive.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/digest.h"
#include "base/span.h"
#include "base/text.h"
#include "command_dlq_redrive.h"
#include "command_json.h"
#include "config/kafka_settings.h"
#include "config/pipeline_file.h"

enum { DIGITS = 8 };

/* A choice is part of the name: progress through one says nothing of another. */
void redrive_name_group(struct redrive_plan *plan) {
  const struct dlq_choice *choice = plan->choice;
  const char *const parts[] = {plan->file->dead_letter, plan->to, choice->stage, choice->reason, choice->since_text,
      choice->until_text, choice->place_text};
  char text[2048], sum[DIGEST_TEXT_MAX];
  size_t size = (size_t)snprintf(text, sizeof text, "%" PRId64, choice->partition);
  for (size_t i = 0; i < sizeof parts / sizeof *parts && size < sizeof text; i++)
    size += (size_t)snprintf(text + size, sizeof text - size, "\n%s", parts[i] ? parts[i] : "");
  if (size >= sizeof text) size = sizeof text - 1;
  digest_sha256(sum, weir_bytes(text, size));
  snprintf(plan->group, sizeof plan->group, "weir-redrive-%.100s-%.*s", plan->file->pipeline, DIGITS, sum);
}

/* --- for people ------------------------------------------------------------------------------------------------------ */

static void print_choice(const struct dlq_choice *choice) {
  const char *const names[] = {"stage", "reason", "since", "until", "place"};
  const char *const texts[] = {
      choice->stage, choice->reason, choice->since_text, choice->until_text, choice->place_text};
  bool any = false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!texts[i]) continue;
    char shown[300];
    text_escape(shown, sizeof shown, span_of(texts[i]));
    printf("%s%s %s", any ? ", " : "  chosen    ", names[i], shown);
    any = true;
  }
  if (choice->partition >= 0) printf("%spartition %" PRId64, any ? ", " : "  chosen    ", choice->partition);
  puts(any || choice->partition >= 0 ? "" : "  chosen    all");
}

static void print_readers(const struct redrive_plan *plan) {
  const struct admin_readers *readers = &plan->readers;
  if (!readers->known) {
    printf("  read by   the cluster does not tell which groups read %s\n", plan->to);
    return;
  }
  for (size_t i = 0; i < readers->count; i++) {
    const struct admin_reader *reader = &readers->readers[i];
    char group[300];
    text_escape(group, sizeof group, span_of(reader->group));
    printf("  %-9s group %s, %zu member%s%s\n", i ? "" : "read by", group, reader->member_count,
        reader->member_count == 1 ? "" : "s", strcmp(reader->group, plan->file->group) == 0 ? ": this pipeline" : "");
  }
  if (!readers->count) printf("  read by   no group has a member or an offset on %s\n", plan->to);
  if (readers->hidden) printf("  %-9s %zu groups may not be looked into\n", "", readers->hidden);
}

static bool is_source(const struct redrive_plan *plan) {
  for (size_t i = 0; i < plan->file->topic_count; i++)
    if (kafka_pattern_matches(plan->file->topics[i], plan->to)) return true;
  return false;
}

void redrive_print_plan(const struct redrive_plan *plan, const struct letters *letters) {
  char read[TEXT_MAX], all[TEXT_MAX], rate[TEXT_MAX];
  int64_t behind = 0, there = 0;
  if (plan->choice->json) return;
  for (size_t i = 0; i < letters_count(letters); i++) {
    const struct letters_partition *partition = letters_at(letters, i);
    there += partition->end - partition->first;
    behind += partition->next - partition->first;
  }
  printf("plan: dead letters of %s to topic %s%s\n", plan->file->dead_letter, plan->to,
      is_source(plan) ? "" : ", which this pipeline does not read");
  print_choice(plan->choice);
  printf("  progress  group %s: %s of %s offsets are behind it\n", plan->group, text_of_count(read, behind),
      text_of_count(all, there));
  printf("  hops      at most %" PRId64 "\n", plan->hops_max);
  if (plan->rate) printf("  rate      %s records a second\n", text_of_count(rate, plan->rate));
  print_readers(plan);
  fflush(stdout);
}

static void print_some(int64_t count, const char *sentence) {
  char text[TEXT_MAX];
  if (count) printf("%s %s\n", text_of_count(text, count), sentence);
}

static void print_old(const struct redrive_plan *plan, const char *get) {
  char keeps[TEXT_MAX], count[TEXT_MAX];
  if (plan->old)
    printf("%s of them %s the time of now: %s keeps records for %s, theirs are older than half of it\n",
        text_of_count(count, plan->old), get, plan->to, text_of_duration(keeps, plan->retention_ms));
}

/* --- for programs ---------------------------------------------------------------------------------------------------- */

static void print_json_head(const struct redrive_plan *plan) {
  fputs("{\"topic\":", stdout);
  json_text(span_of(plan->file->dead_letter));
  json_field("to", span_of(plan->to));
  json_field("group", span_of(plan->group));
  printf(",\"sending\":%s", plan->yes ? "true" : "false");
  if (!plan->readers.known) {
    fputs(",\"read_by\":null", stdout);
    return;
  }
  fputs(",\"read_by\":[", stdout);
  for (size_t i = 0; i < plan->readers.count; i++) {
    printf("%s{\"group\":", i ? "," : "");
    json_text(span_of(plan->readers.readers[i].group));
    printf(",\"state\":\"%s\"", plan->readers.readers[i].state);
    json_number("members", (int64_t)plan->readers.readers[i].member_count);
    putchar('}');
  }
  putchar(']');
}

void redrive_print_look(const struct redrive_plan *plan) {
  char count[TEXT_MAX];
  if (plan->choice->json) {
    print_json_head(plan);
    json_number("would_send", plan->fit);
    json_number("too_many_hops", plan->hopped);
    json_number("unknown", plan->unknown);
    json_number("replaced", plan->replaced);
    json_number("children", plan->children);
    json_number("old", plan->old);
    dlq_counts_print_json(plan->causes, "causes");
    puts("}");
    return;
  }
  printf("%s record%s would be sent, by cause\n", text_of_count(count, plan->fit), plan->fit == 1 ? "" : "s");
  dlq_counts_print(plan->causes);
  print_some(
      plan->replaced, "of them had values too large for the dead-letter topic: these are read from their source again");
  print_some(
      plan->children, "of them were emitted by a stage: the topic gets what the stage had made, not the source record");
  print_old(plan, "will get");
  print_some(plan->hopped, "would be left: too many hops");
  print_some(plan->unknown, "would be left: not written by weir");
  puts("Nothing was sent: --yes carries it out.");
}

void redrive_print_result(const struct redrive_plan *plan) {
  char sent[TEXT_MAX], left[TEXT_MAX];
  if (plan->choice->json) {
    print_json_head(plan);
    json_number("sent", plan->sent);
    json_number("left", plan->left);
    json_number("old", plan->old);
    printf(",\"interrupted\":%s", plan->interrupted ? "true" : "false");
    puts("}");
    return;
  }
  printf("%s record%s sent to %s, %s left\n", text_of_count(sent, plan->sent), plan->sent == 1 ? "" : "s", plan->to,
      text_of_count(left, plan->left));
  print_old(plan, "got");
  if (plan->interrupted) puts("Stopped by a signal: the same call goes on from here.");
}
