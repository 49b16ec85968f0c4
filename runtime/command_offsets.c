/* command_offsets.c: `weir offsets`: what the group has committed, and to change it while nobody works. Nothing is changed without
 * --yes, and the plan is shown before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arguments.h"
#include "base/check.h"
#include "base/error.h"
#include "base/span.h"
#include "base/text.h"
#include "command.h"
#include "command_offsets.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include "kafka/admin.h"
#include "kafka/properties.h"
#include "kafka/reset.h"

enum { PARTITION_ALL = -1 };

/* What the command line asks for. */
struct wish {
  const char *file, *reset_text, *topic, *partition_text;
  struct argument_texts skips;
  bool json, yes;
  struct reset reset;
  int64_t partition; /* PARTITION_ALL */
};

/* The group as it was read. */
struct view {
  struct admin *admin;
  const struct pipeline_file *file;
  const struct admin_partition *partitions;
  size_t count;
  struct admin_group group;
  struct offsets_step *steps;
  size_t step_count;
};

static const char examples[] =
    "  weir offsets quakes.yaml                                          where the group stands\n"
    "  weir offsets quakes.yaml --reset earliest                         what that would do\n"
    "  weir offsets quakes.yaml --reset earliest --yes                   do it: everything is read again\n"
    "  weir offsets quakes.yaml --reset timestamp:2026-11-23T06:00:00Z   from that moment on\n"
    "  weir offsets quakes.yaml --reset shift:-100 --partition 3         100 records back, in one partition\n"
    "  weir offsets quakes.yaml --skip quakes/3@118 --yes                go on behind a record that stops the group\n";

static int fail(const struct error *err) {
  fprintf(stderr, "weir: %s\n", err->text);
  return EXIT_RUN_FAILED;
}

/* --- the plan -------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct wish *wish, const struct admin_partition *row) {
  if (wish->topic && strcmp(wish->topic, row->topic) != 0) return false;
  return wish->partition == PARTITION_ALL || wish->partition == row->partition;
}

static bool select_wanted(struct view *view, const struct wish *wish, struct error *err) {
  for (size_t i = 0; i < view->count; i++)
    if (is_wanted(wish, &view->partitions[i]))
      view->steps[view->step_count++] = (struct offsets_step){&view->partitions[i], -1, NULL};
  if (view->step_count) return true;
  return error_set(err, "the pipeline reads no partition that is%s%s%s%s", wish->topic ? " of topic " : "",
      wish->topic ? wish->topic : "", wish->partition_text ? " number " : "",
      wish->partition_text ? wish->partition_text : "");
}

static bool plan_reset(struct view *view, const struct wish *wish, struct error *err) {
  if (!select_wanted(view, wish, err)) return false;
  const struct admin_partition **rows = calloc(view->step_count, sizeof *rows);
  int64_t *times = calloc(view->step_count, sizeof *times);
  must(rows && times);
  for (size_t i = 0; i < view->step_count; i++) {
    rows[i] = view->steps[i].partition;
    times[i] = -1;
  }
  bool fine = wish->reset.kind != RESET_TIME ||
              admin_at_time(view->admin, rows, view->step_count, wish->reset.number, times, err);
  for (size_t i = 0; fine && i < view->step_count; i++) {
    struct reset_target target;
    fine = reset_target(&wish->reset, rows[i], times[i], &target, err);
    if (fine) view->steps[i] = (struct offsets_step){rows[i], target.offset, target.note};
  }
  free(rows);
  free(times);
  return fine;
}

static const struct admin_partition *find(const struct view *view, const struct skip *skip) {
  for (size_t i = 0; i < view->count; i++)
    if (view->partitions[i].partition == skip->partition && strcmp(view->partitions[i].topic, skip->topic) == 0)
      return &view->partitions[i];
  return NULL;
}

static bool plan_skips(struct view *view, const struct wish *wish, struct error *err) {
  for (size_t i = 0; i < wish->skips.count; i++) {
    struct skip skip;
    struct reset_target target;
    if (!skip_parse(wish->skips.texts[i], &skip, err)) return false;
    const struct admin_partition *row = find(view, &skip);
    if (!row) return error_set(err, "the pipeline does not read %s/%" PRId32, skip.topic, skip.partition);
    for (size_t j = 0; j < view->step_count; j++)
      if (view->steps[j].partition == row)
        return error_set(err, "--skip names %s/%" PRId32 " twice", skip.topic, skip.partition);
    if (!skip_target(&skip, row, &target, err)) return false;
    view->steps[view->step_count++] = (struct offsets_step){row, target.offset, target.note};
  }
  return true;
}

/* --- doing ----------------------------------------------------------------------------------------------------------- */

static int apply(struct view *view) {
  struct error err = {0};
  struct admin_change *changes = calloc(view->step_count + 1, sizeof *changes);
  must(changes);
  size_t count = 0;
  for (size_t i = 0; i < view->step_count; i++)
    if (view->steps[i].offset >= 0)
      changes[count++] = (struct admin_change){view->steps[i].partition, view->steps[i].offset};
  bool fine = !count || admin_commit(view->admin, changes, count, &err);
  free(changes);
  if (!fine) return fail(&err);
  printf("%zu offset%s committed\n", count, count == 1 ? "" : "s");
  return EXIT_CLEAN;
}

static int change(struct view *view, const struct wish *wish) {
  struct error err = {0};
  view->steps = calloc(view->count + 1, sizeof *view->steps);
  must(view->steps);
  if (!(wish->reset_text ? plan_reset(view, wish, &err) : plan_skips(view, wish, &err))) return fail(&err);
  offsets_print_plan(view->file, view->steps, view->step_count);
  fflush(stdout);
  if (view->group.member_count) {
    offsets_print_members(view->file, &view->group);
    return EXIT_RUN_FAILED;
  }
  if (wish->yes) return apply(view);
  puts("Nothing was changed: --yes carries it out.");
  return EXIT_CLEAN;
}

static int look(const struct view *view, const struct wish *wish) {
  (wish->json ? offsets_print_json : offsets_print)(view->file, &view->group, view->partitions, view->count);
  return EXIT_CLEAN;
}

static int work(const struct pipeline_file *file, const struct wish *wish) {
  struct error err = {0};
  struct view view = {.file = file, .admin = admin_open(file, &err)};
  if (!view.admin) return fail(&err);
  int status = EXIT_RUN_FAILED;
  if (!admin_read(view.admin, &view.partitions, &view.count, &err) || !admin_members(view.admin, &view.group, &err))
    fail(&err);
  else
    status = wish->reset_text || wish->skips.count ? change(&view, wish) : look(&view, wish);
  free(view.steps);
  admin_close(view.admin);
  return status;
}

/* --- the command line ------------------------------------------------------------------------------------------------ */

static int read_file(const struct wish *wish) {
  struct report report;
  report_init(&report);
  struct pipeline_file *file = pipeline_file_open(wish->file, NULL, &report);
  int status = EXIT_CONFIGURATION;
  if (file && properties_check(file, &report))
    status = work(file, wish);
  else
    report_print(&report, stderr);
  pipeline_file_close(file);
  report_fini(&report);
  return status;
}

/* EXIT_CLEAN: the options fit each other. */
static int check(const struct arguments *wanted, struct wish *wish) {
  struct error err = {0};
  struct skip skip;
  wish->partition = PARTITION_ALL;
  if (wish->reset_text && wish->skips.count) return arguments_fail(wanted, "--reset and --skip exclude each other");
  if (wish->json && (wish->reset_text || wish->skips.count))
    return arguments_fail(wanted, "--json shows the offsets, it changes nothing");
  if ((wish->topic || wish->partition_text) && !wish->reset_text)
    return arguments_fail(wanted, "--topic and --partition say what --reset is for");
  if (wish->yes && !wish->reset_text && !wish->skips.count)
    return arguments_fail(wanted, "--yes carries out --reset or --skip, and neither is given");
  if (wish->partition_text && (!text_int(span_of(wish->partition_text), &wish->partition) || wish->partition < 0))
    return arguments_fail(wanted, "--partition takes a number from 0, found '%s'", wish->partition_text);
  if (wish->reset_text && !reset_parse(wish->reset_text, &wish->reset, &err))
    return arguments_fail(wanted, "%s", err.text);
  for (size_t i = 0; i < wish->skips.count; i++)
    if (!skip_parse(wish->skips.texts[i], &skip, &err)) return arguments_fail(wanted, "%s", err.text);
  return EXIT_CLEAN;
}

int command_offsets(int argc, char **argv) {
  struct wish wish = {0};
  const struct argument table[] = {
      {"json", ARGUMENT_FLAG, &wish.json, NULL, "one JSON object instead of a table"},
      {"reset", ARGUMENT_TEXT, &wish.reset_text, "TO", "earliest, latest, offset:N, timestamp:ISO8601 or shift:N"},
      {"skip", ARGUMENT_TEXTS, &wish.skips, "TOPIC/N@OFFSET",
          "go on behind this record, which the group stands on; repeatable"},
      {"topic", ARGUMENT_TEXT, &wish.topic, "TOPIC", "reset only this topic"},
      {"partition", ARGUMENT_TEXT, &wish.partition_text, "N", "reset only partitions of this number"},
      {"yes", ARGUMENT_FLAG, &wish.yes, NULL, "carry it out; without it the plan is only shown"},
  };
  static const char *const operand_names[] = {"FILE"};
  const struct arguments wanted = {.usage = "weir offsets FILE [options]",
      .summary = "Shows what the pipeline's group has committed, and changes it while the group has no members.",
      .examples = examples,
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operand_names,
      .operands_min = 1,
      .operands_max = 1};
  const char *operands[1] = {NULL};
  enum arguments_result result = arguments_read(&wanted, argc, argv, operands);
  if (result != ARGUMENTS_READ) return result == ARGUMENTS_HELP ? EXIT_CLEAN : EXIT_CONFIGURATION;
  wish.file = operands[0];
  int status = check(&wanted, &wish);
  return status == EXIT_CLEAN ? read_file(&wish) : status;
}
