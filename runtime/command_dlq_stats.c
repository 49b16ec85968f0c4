/* command_dlq_stats.c: `weir dlq stats`: what went wrong, how often, where it came from. */
#include <inttypes.h>
#include <stdio.h>
#include "base/limits.h"
#include "base/span.h"
#include "base/text.h"
#include "command_dlq.h"
#include "command_json.h"
#include "config/pipeline_file.h"

struct stats {
  struct dlq_counts *reasons, *stages, *sources;
  int64_t oldest_ms, newest_ms; /* -1: none */
  int64_t replaced, unknown, hops_most;
};

static void take(void *ctx, const struct letter *letter) {
  struct stats *stats = ctx;
  char source[DLQ_SOURCE_MAX] = "-", topic[LIMIT_TOPIC_NAME + 1];
  int64_t time_ms = letter->failed_ms < 0 ? letter->written_ms : letter->failed_ms;
  if (letter->source_topic.data) {
    text_escape(topic, sizeof topic, letter->source_topic);
    snprintf(source, sizeof source, "%s/%" PRId64, topic, letter->source_partition);
  }
  dlq_counts_add(stats->reasons, letter->code);
  dlq_counts_add(stats->stages, letter->stage);
  dlq_counts_add(stats->sources, span_of(source));
  stats->replaced += letter->replaced;
  stats->unknown += !letter->known;
  if (letter->hops > stats->hops_most) stats->hops_most = letter->hops;
  if (stats->oldest_ms < 0 || time_ms < stats->oldest_ms) stats->oldest_ms = time_ms;
  if (time_ms > stats->newest_ms) stats->newest_ms = time_ms;
}

static void print(const struct pipeline_file *file, const struct stats *stats, int64_t count) {
  char text[TEXT_MAX], oldest[TEXT_MAX], newest[TEXT_MAX];
  printf("%s: %s dead letter%s\n", file->dead_letter, text_of_count(text, count), count == 1 ? "" : "s");
  if (!count) return;
  printf("failed from %s to %s\n", text_of_time(oldest, stats->oldest_ms), text_of_time(newest, stats->newest_ms));
  puts("by reason");
  dlq_counts_print(stats->reasons);
  puts("by stage");
  dlq_counts_print(stats->stages);
  puts("by source partition");
  dlq_counts_print(stats->sources);
  if (stats->replaced) printf("%s with a value that was too large\n", text_of_count(text, stats->replaced));
  if (stats->unknown) printf("%s not written by weir\n", text_of_count(text, stats->unknown));
  if (stats->hops_most > 1) printf("the most hops: %s\n", text_of_count(text, stats->hops_most));
}

static void print_json(const struct pipeline_file *file, const struct stats *stats, int64_t count) {
  fputs("{\"topic\":", stdout);
  json_text(span_of(file->dead_letter));
  json_number("count", count);
  json_time("oldest", stats->oldest_ms);
  json_time("newest", stats->newest_ms);
  json_number("replaced", stats->replaced);
  json_number("unknown", stats->unknown);
  json_number("hops_most", stats->hops_most);
  dlq_counts_print_json(stats->reasons, "reasons");
  dlq_counts_print_json(stats->stages, "stages");
  dlq_counts_print_json(stats->sources, "sources");
  puts("}");
}

static int count_all(const struct pipeline_file *file, const struct dlq_choice *choice, void *ctx) {
  struct stats *stats = ctx;
  struct error err = {0};
  int64_t count = 0;
  struct letters *letters = dlq_open(file, choice, NULL, &err);
  if (!letters) return dlq_fail(&err);
  bool fine = dlq_each(file, choice, letters, take, stats, &count, &err);
  letters_close(letters);
  if (!fine) return dlq_fail(&err);
  (choice->json ? print_json : print)(file, stats, count);
  return EXIT_CLEAN;
}

static int run(const struct dlq_choice *choice) {
  struct stats stats = {.oldest_ms = -1, .newest_ms = -1};
  stats.reasons = dlq_counts_create();
  stats.stages = dlq_counts_create();
  stats.sources = dlq_counts_create();
  int status = dlq_with_file(choice, count_all, &stats);
  dlq_counts_destroy(stats.reasons);
  dlq_counts_destroy(stats.stages);
  dlq_counts_destroy(stats.sources);
  return status;
}

int dlq_stats(int argc, char **argv) {
  struct dlq_choice choice;
  struct argument table[DLQ_OPTIONS];
  dlq_choice_options(&choice, table);
  static const char *const operand_names[] = {"FILE"};
  const struct arguments wanted = {.usage = "weir dlq stats FILE [options]",
      .summary = "Counts the dead letters of a pipeline by reason, stage and source partition.",
      .examples = "  weir dlq stats quakes.yaml\n  weir dlq stats quakes.yaml --since 2026-11-23 --json\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operand_names,
      .operands_min = 1,
      .operands_max = 1};
  const char *operands[2] = {NULL, NULL};
  enum arguments_result result = arguments_read(&wanted, argc, argv, operands);
  if (result != ARGUMENTS_READ) return result == ARGUMENTS_HELP ? EXIT_CLEAN : EXIT_CONFIGURATION;
  int status = dlq_choice_check(&wanted, &choice, operands);
  return status == EXIT_CLEAN ? run(&choice) : status;
}
