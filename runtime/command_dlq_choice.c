/* command_dlq_choice.c: which letters, and reading them. What chooses is what the letter says of itself, so the broker's clock does not matter. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/span.h"
#include "base/text.h"
#include "command_dlq.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include "kafka/properties.h"

enum { WAIT_MS = 200, SHOW_EVERY_MS = 500 };

/* --- the command line ------------------------------------------------------------------------------------------------ */

void dlq_choice_options(struct dlq_choice *choice, struct argument table[DLQ_OPTIONS]) {
  *choice = (struct dlq_choice){.partition = -1, .since_ms = -1, .until_ms = -1};
  const struct argument options[DLQ_OPTIONS] = {
      {"stage", ARGUMENT_TEXT, &choice->stage, "NAME", "only those that this stage or sink rejected"},
      {"reason", ARGUMENT_TEXT, &choice->reason, "CODE", "only those with this reason code"},
      {"since", ARGUMENT_TEXT, &choice->since_text, "TIME",
          "only those that failed then or later: 2026-11-23T06:00:00Z"},
      {"until", ARGUMENT_TEXT, &choice->until_text, "TIME", "only those that failed before"},
      {"partition", ARGUMENT_COUNT, &choice->partition, "N", "only this partition of the dead-letter topic"},
      {"limit", ARGUMENT_COUNT, &choice->limit, "N", "no more than so many"},
      {"json", ARGUMENT_FLAG, &choice->json, NULL, "JSON instead of text"},
  };
  memcpy(table, options, sizeof options);
}

static int check_time(const struct arguments *wanted, const char *option, const char *text, int64_t *time_ms) {
  struct error err = {0};
  if (!text || reset_parse_time(text, time_ms, &err)) return EXIT_CLEAN;
  return arguments_fail(wanted, "--%s: %s", option, err.text);
}

int dlq_choice_check(const struct arguments *wanted, struct dlq_choice *choice, const char *const operands[2]) {
  struct error err = {0};
  choice->file = operands[0];
  choice->place_text = wanted->operands_max > 1 ? operands[1] : NULL;
  int status = check_time(wanted, "since", choice->since_text, &choice->since_ms);
  if (status == EXIT_CLEAN) status = check_time(wanted, "until", choice->until_text, &choice->until_ms);
  if (status != EXIT_CLEAN) return status;
  if (choice->partition > INT32_MAX)
    return arguments_fail(wanted, "--partition: %" PRId64 " is no number of a partition", choice->partition);
  if (choice->place_text && !skip_parse(choice->place_text, &choice->place, &err))
    return arguments_fail(wanted, "%s", err.text);
  return EXIT_CLEAN;
}

/* --- which ----------------------------------------------------------------------------------------------------------- */

/* A place in the dead-letter topic is read alone; any other is a source record's. */
static bool is_own_place(const struct dlq_choice *choice, const struct pipeline_file *file) {
  return choice->place_text && strcmp(choice->place.topic, file->dead_letter) == 0;
}

static bool is_its_source(const struct dlq_choice *choice, const struct letter *letter) {
  return span_is(letter->source_topic, choice->place.topic) && letter->source_partition == choice->place.partition &&
         letter->source_offset == choice->place.offset;
}

bool dlq_choice_takes(const struct dlq_choice *choice, const struct pipeline_file *file, const struct letter *letter) {
  int64_t time_ms = letter->failed_ms < 0 ? letter->written_ms : letter->failed_ms;
  if (choice->stage && !span_is(letter->stage, choice->stage)) return false;
  if (choice->reason && !span_is(letter->code, choice->reason)) return false;
  if (choice->since_ms >= 0 && time_ms < choice->since_ms) return false;
  if (choice->until_ms >= 0 && time_ms >= choice->until_ms) return false;
  return !choice->place_text || is_own_place(choice, file) || is_its_source(choice, letter);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

int dlq_fail(const struct error *err) {
  fprintf(stderr, "weir: %s\n", err->text);
  return EXIT_RUN_FAILED;
}

int dlq_with_file(const struct dlq_choice *choice,
    int (*work)(const struct pipeline_file *file, const struct dlq_choice *choice, void *ctx), void *ctx) {
  struct report report;
  report_init(&report);
  struct pipeline_file *file = pipeline_file_open(choice->file, NULL, &report);
  int status = EXIT_CONFIGURATION;
  bool fine = file && properties_check(file, &report);
  if (fine && !file->dead_letter)
    fine = report_add(
        &report, NULL, "%s has no dead-letter topic: there is no `dead_letter: {topic: NAME}` in it", choice->file);
  if (fine)
    status = work(file, choice, ctx);
  else
    report_print(&report, stderr);
  pipeline_file_close(file);
  report_fini(&report);
  return status;
}

struct letters *dlq_open(
    const struct pipeline_file *file, const struct dlq_choice *choice, const char *group, struct error *err) {
  struct letters *letters = letters_open(file, group ? group : "weir-dlq", err);
  bool fine =
      letters && (choice->partition < 0 || letters_only(letters, (int32_t)choice->partition, err)) &&
      (choice->since_ms < 0 || letters_since(letters, choice->since_ms, err)) &&
      (!is_own_place(choice, file) || letters_only_at(letters, choice->place.partition, choice->place.offset, err)) &&
      (!group || letters_resume(letters, err));
  if (fine) return letters;
  letters_close(letters);
  return NULL;
}

void dlq_progress(const struct letters *letters, const char *doing, int64_t done) {
  static int64_t shown_ms;
  int64_t now_ms = clock_now(clock_real()), left = 0;
  if (now_ms < shown_ms + SHOW_EVERY_MS) return;
  shown_ms = now_ms;
  char text[128], count[TEXT_MAX], rest[TEXT_MAX];
  for (size_t i = 0; i < letters_count(letters); i++) {
    const struct letters_partition *partition = letters_at(letters, i);
    if (partition->next < partition->end) left += partition->end - partition->next;
  }
  snprintf(text, sizeof text, "%s %s, at most %s more to read", text_of_count(count, done), doing,
      text_of_count(rest, left));
  log_status(text);
}

bool dlq_each(const struct pipeline_file *file, const struct dlq_choice *choice, struct letters *letters,
    void (*each)(void *ctx, const struct letter *letter), void *ctx, int64_t *count, struct error *err) {
  struct letter letter;
  enum letters_result result = LETTERS_NONE_YET;
  *count = 0;
  while ((!choice->limit || *count < choice->limit) && result != LETTERS_END && result != LETTERS_FAILED) {
    result = letters_next(letters, WAIT_MS, &letter, err);
    if (result != LETTERS_ONE || !dlq_choice_takes(choice, file, &letter)) continue;
    each(ctx, &letter);
    ++*count;
    dlq_progress(letters, "found", *count);
  }
  log_status(NULL);
  return result != LETTERS_FAILED;
}
