/* command_dlq_ls.c: `weir dlq ls`: one line for each dead letter, in the order of their places. */
#include <inttypes.h>
#include <stdio.h>
#include "base/span.h"
#include "base/text.h"
#include "command_dlq.h"

enum { CELL_MAX = 80 };

static void print_row(void *ctx, const struct letter *letter) {
  char place[48], time[TEXT_MAX], stage[CELL_MAX], code[CELL_MAX], source[DLQ_SOURCE_MAX];
  (void)ctx;
  snprintf(place, sizeof place, "%" PRId32 "@%" PRId64, letter->partition, letter->offset);
  text_escape(stage, sizeof stage, letter->known ? letter->stage : span_of("-"));
  text_escape(code, sizeof code, letter->known ? letter->code : span_of("-"));
  text_of_time(time, letter->known ? letter->failed_ms : letter->written_ms);
  printf("%-10s %-24s %-16s %-20s %-24s %8" PRId64 " %4" PRId64 "%s\n", place, time, stage, code,
      dlq_source_text(source, letter), letter->attempts < 0 ? 0 : letter->attempts, letter->hops < 0 ? 0 : letter->hops,
      letter->replaced ? "  value replaced"
      : !letter->known ? "  not written by weir"
                       : "");
}

static void print_object(void *ctx, const struct letter *letter) {
  (void)ctx;
  dlq_print_json_head(letter);
  puts("}");
}

static int list(const struct pipeline_file *file, const struct dlq_choice *choice, void *ctx) {
  struct error err = {0};
  int64_t count = 0;
  (void)ctx;
  struct letters *letters = dlq_open(file, choice, NULL, &err);
  if (!letters) return dlq_fail(&err);
  if (!choice->json)
    printf("%-10s %-24s %-16s %-20s %-24s %8s %4s\n", "PLACE", "FAILED AT", "STAGE", "REASON", "SOURCE", "ATTEMPTS",
        "HOPS");
  bool fine = dlq_each(file, choice, letters, choice->json ? print_object : print_row, NULL, &count, &err);
  letters_close(letters);
  fflush(stdout);
  if (!fine) return dlq_fail(&err);
  fprintf(stderr, "%" PRId64 " dead letter%s%s\n", count, count == 1 ? "" : "s",
      choice->limit && count == choice->limit ? ", the limit" : "");
  return EXIT_CLEAN;
}

int dlq_ls(int argc, char **argv) {
  struct dlq_choice choice;
  struct argument table[DLQ_OPTIONS];
  dlq_choice_options(&choice, table);
  static const char *const operand_names[] = {"FILE"};
  const struct arguments wanted = {.usage = "weir dlq ls FILE [options]",
      .summary =
          "Lists the dead letters of a pipeline: where each lies, when, where and why it failed, and its source.",
      .examples = "  weir dlq ls quakes.yaml\n"
                  "  weir dlq ls quakes.yaml --stage json --since 2026-11-23T06:00:00Z --limit 20\n"
                  "  weir dlq ls quakes.yaml --json | jq -r .reason | sort | uniq -c\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operand_names,
      .operands_min = 1,
      .operands_max = 1};
  const char *operands[2] = {NULL, NULL};
  enum arguments_result result = arguments_read(&wanted, argc, argv, operands);
  if (result != ARGUMENTS_READ) return result == ARGUMENTS_HELP ? EXIT_CLEAN : EXIT_CONFIGURATION;
  int status = dlq_choice_check(&wanted, &choice, operands);
  return status == EXIT_CLEAN ? dlq_with_file(&choice, list, NULL) : status;
}
