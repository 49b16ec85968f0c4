/* command_dlq_redrive.c: `weir dlq redrive`: dead letters to a topic again. Nothing is sent without --yes, and the plan is shown before. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/span.h"
#include "base/text.h"
#include "command_dlq.h"
#include "command_dlq_redrive.h"
#include "config/kafka_settings.h"
#include "config/pipeline_file.h"
#include "kafka/admin.h"
#include "kafka/redrive.h"

enum {
  WAIT_MS = 100,
  WINDOW_RECORDS = 500,
  WINDOW_BYTES = 16 << 20,
  WINDOW_MS = 1000,
  LEFT_TOLD_MOST = 20,
  HOPS_FALLBACK = 3,
  RATE_MOST = 1000000
};

static volatile sig_atomic_t interrupted;
static void on_signal(int number) {
  (void)number;
  interrupted = 1;
}

/* --- one letter ------------------------------------------------------------------------------------------------------ */

static void count_cause(struct dlq_counts *causes, const struct letter *letter) {
  char text[200], stage[80], code[80];
  text_escape(stage, sizeof stage, letter->known ? letter->stage : span_of("-"));
  text_escape(code, sizeof code, letter->known ? letter->code : span_of("-"));
  snprintf(text, sizeof text, "%s %s", stage, code);
  dlq_counts_add(causes, span_of(text));
}

static bool has_hopped_enough(const struct redrive_plan *plan, const struct letter *letter) {
  return letter->hops > plan->hops_max;
}

static void leave(struct redrive_plan *plan, const struct letter *letter, const char *why) {
  char source[DLQ_SOURCE_MAX];
  if (plan->left++ < LEFT_TOLD_MOST)
    fprintf(stderr, "left: %s/%" PRId32 "@%" PRId64 " (source %s): %s\n", plan->file->dead_letter, letter->partition,
        letter->offset, dlq_source_text(source, letter), why);
}

static void consider(void *ctx, const struct letter *letter) {
  struct redrive_plan *plan = ctx;
  if (!letter->known)
    plan->unknown++;
  else if (has_hopped_enough(plan, letter))
    plan->hopped++;
  else {
    count_cause(plan->causes, letter);
    plan->fit++;
    plan->replaced += letter->replaced;
    plan->children += letter->child > 0;
    plan->old += redrive_is_old(letter, plan->retention_ms, clock_wall(clock_real()));
  }
}

/* --- acting ---------------------------------------------------------------------------------------------------------- */

struct work {
  struct redrive_plan *plan;
  struct letters *letters;
  struct redrive *redrive;
  int64_t began_ms, window_ms; /* window_ms: when its first record was sent */
  int64_t taken;
};

static bool is_window_full(const struct work *work, int64_t now_ms) {
  size_t records = redrive_open_records(work->redrive);
  return records >= WINDOW_RECORDS || redrive_open_bytes(work->redrive) >= WINDOW_BYTES ||
         (records && now_ms >= work->window_ms + WINDOW_MS);
}

static bool close_window(struct work *work, struct error *err) {
  int64_t records = (int64_t)redrive_open_records(work->redrive);
  if (!redrive_commit(work->redrive, work->letters, err)) return false;
  work->plan->sent += records;
  return true;
}

static bool send_one(struct work *work, const struct letter *letter, struct error *err) {
  struct redrive_plan *plan = work->plan;
  char why[128];
  work->taken++;
  if (has_hopped_enough(plan, letter)) {
    snprintf(why, sizeof why, "it was a dead letter %" PRId64 " times, --hops allows %" PRId64, letter->hops,
        plan->hops_max);
    leave(plan, letter, why);
    return true;
  }
  if (!redrive_open_records(work->redrive)) work->window_ms = clock_now(clock_real());
  enum redrive_result result = redrive_send(work->redrive, letter, err);
  if (result == REDRIVE_FAILED) return false;
  if (result == REDRIVE_LEFT)
    leave(plan, letter, err->text);
  else {
    count_cause(plan->causes, letter);
    plan->old += redrive_is_old(letter, plan->retention_ms, clock_wall(clock_real()));
  }
  return true;
}

/* Milliseconds until the rate allows one more; at most 0: now. */
static int64_t due_in(const struct work *work, int64_t now_ms) {
  int64_t sent = work->plan->sent + (int64_t)redrive_open_records(work->redrive);
  return work->plan->rate ? work->began_ms + sent * 1000 / work->plan->rate - now_ms : 0;
}

static bool run(struct work *work, struct error *err) {
  const struct dlq_choice *choice = work->plan->choice;
  enum letters_result result = LETTERS_NONE_YET;
  struct letter letter;
  work->began_ms = clock_now(clock_real());
  while (!interrupted && result != LETTERS_END && (!choice->limit || work->taken < choice->limit)) {
    int64_t now_ms = clock_now(clock_real()), due_ms = due_in(work, now_ms);
    if (is_window_full(work, now_ms) && !close_window(work, err)) return false;
    if (due_ms > 0) {
      redrive_wait(work->redrive, due_ms < WAIT_MS ? due_ms : WAIT_MS);
      continue;
    }
    result = letters_next(work->letters, WAIT_MS, &letter, err);
    if (result == LETTERS_FAILED) return false;
    if (result != LETTERS_ONE || !dlq_choice_takes(choice, work->plan->file, &letter)) continue;
    if (!send_one(work, &letter, err)) return false;
    dlq_progress(work->letters, "sent", work->plan->sent);
  }
  return close_window(work, err);
}

static int act(struct redrive_plan *plan, struct redrive *redrive, struct letters *letters) {
  struct error err = {0};
  struct work work = {.plan = plan, .letters = letters, .redrive = redrive};
  bool fine = run(&work, &err);
  if (fine && plan->sent) redrive_await(redrive, letters);
  log_status(NULL);
  plan->interrupted = interrupted;
  if (plan->left > LEFT_TOLD_MOST) fprintf(stderr, "and %" PRId64 " more were left\n", plan->left - LEFT_TOLD_MOST);
  redrive_print_result(plan);
  if (fine) return EXIT_CLEAN;
  fprintf(stderr, "weir: %s\nThe same call goes on where this one stopped.\n", err.text);
  return err.fatal ? EXIT_FENCED : EXIT_RUN_FAILED;
}

/* --- the plan -------------------------------------------------------------------------------------------------------- */

static int look(struct redrive_plan *plan, struct letters *letters) {
  struct error err = {0};
  int64_t count;
  bool fine = dlq_each(plan->file, plan->choice, letters, consider, plan, &count, &err);
  if (!fine) return dlq_fail(&err);
  redrive_print_look(plan);
  return EXIT_CLEAN;
}

static int carry_out(struct redrive_plan *plan) {
  struct error err = {0};
  /* First what ends an open transaction: while there is one, the cluster does not tell the group's offsets. */
  struct redrive *redrive =
      plan->yes ? redrive_open(plan->file, plan->to, plan->group, plan->retention_ms, &err) : NULL;
  struct letters *letters = redrive || !plan->yes ? dlq_open(plan->file, plan->choice, plan->group, &err) : NULL;
  int status = EXIT_RUN_FAILED;
  if (letters) {
    if (plan->yes) signal(SIGINT, on_signal);
    if (plan->yes) signal(SIGTERM, on_signal);
    redrive_print_plan(plan, letters);
    status = plan->yes ? act(plan, redrive, letters) : look(plan, letters);
  } else
    dlq_fail(&err);
  letters_close(letters);
  redrive_close(redrive);
  return status;
}

static int work_on(const struct pipeline_file *file, const struct dlq_choice *choice, void *ctx) {
  struct redrive_plan *plan = ctx;
  struct error err = {0};
  plan->file = file;
  plan->choice = choice;
  if (strcmp(plan->to, file->dead_letter) == 0) {
    fprintf(stderr, "weir: --to: %s is the dead-letter topic itself\n", plan->to);
    return EXIT_CONFIGURATION;
  }
  redrive_name_group(plan);
  struct admin *admin = admin_open(file, &err);
  int32_t partitions = admin ? admin_partitions(admin, plan->to, &err) : -1;
  int status = EXIT_RUN_FAILED;
  if (partitions > 0) plan->retention_ms = admin_retention_ms(admin, plan->to);
  if (partitions > 0 && admin_readers(admin, plan->to, partitions, &plan->readers, &err))
    status = carry_out(plan);
  else
    dlq_fail(&err);
  admin_close(admin);
  return status;
}

/* --- the command line ------------------------------------------------------------------------------------------------ */

/* "100" or "100/s". */
static bool read_rate(const char *text, int64_t *rate) {
  weir_span span = span_of(text);
  if (span.size > 2 && memcmp(text + span.size - 2, "/s", 2) == 0) span.size -= 2;
  return text_int(span, rate) && *rate > 0 && *rate <= RATE_MOST;
}

static int check(const struct arguments *wanted, const struct redrive_plan *plan, const char *rate, int64_t *rate_value,
    bool dry_run) {
  if (!plan->to) return arguments_fail(wanted, "--to TOPIC is missing: where shall they go?");
  const char *flaw = kafka_topic_flaw(plan->to);
  if (flaw) return arguments_fail(wanted, "--to: found '%s', which is no name of a topic: %s", plan->to, flaw);
  if (plan->yes && dry_run) return arguments_fail(wanted, "--yes and --dry-run exclude each other");
  if (rate && !read_rate(rate, rate_value))
    return arguments_fail(
        wanted, "--rate: found '%s', expected records a second from 1 to %d, such as 100/s", rate, RATE_MOST);
  return EXIT_CLEAN;
}

static int start(const struct dlq_choice *choice, struct redrive_plan *plan) {
  plan->causes = dlq_counts_create();
  int status = dlq_with_file(choice, work_on, plan);
  dlq_counts_destroy(plan->causes);
  return status;
}

int dlq_redrive(int argc, char **argv) {
  struct dlq_choice choice;
  struct redrive_plan plan = {.hops_max = HOPS_FALLBACK};
  const char *rate = NULL;
  bool dry_run = false;
  struct argument table[DLQ_OPTIONS + 5];
  dlq_choice_options(&choice, table);
  const struct argument own[] = {
      {"to", ARGUMENT_TEXT, &plan.to, "TOPIC", "where they go; required"},
      {"dry-run", ARGUMENT_FLAG, &dry_run, NULL, "show the plan, with what is to be sent by cause; the default"},
      {"yes", ARGUMENT_FLAG, &plan.yes, NULL, "carry it out"},
      {"rate", ARGUMENT_TEXT, &rate, "N/s", "no more than so many records a second"},
      {"hops", ARGUMENT_COUNT, &plan.hops_max, "N", "leave those that were dead letters more often; default: 3"},
  };
  memcpy(table + DLQ_OPTIONS, own, sizeof own);
  static const char *const operand_names[] = {"FILE", "TOPIC/N@OFFSET"};
  const struct arguments wanted = {.usage = "weir dlq redrive FILE [TOPIC/N@OFFSET] --to TOPIC [options]",
      .summary = "Sends dead letters to a topic again, as they were, up to the end that is there now.\n"
                 "The same call goes on where it stopped; another choice is a redrive of its own.",
      .examples = "  weir dlq redrive quakes.yaml --to quakes                             what that would do\n"
                  "  weir dlq redrive quakes.yaml --to quakes --reason not_json --yes     do it\n"
                  "  weir dlq redrive quakes.yaml --to quakes --rate 100/s --yes          gently\n"
                  "  weir dlq redrive quakes.yaml quakes-dead/0@17 --to quakes --yes      this one alone\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operand_names,
      .operands_min = 1,
      .operands_max = 2};
  const char *operands[2] = {NULL, NULL};
  enum arguments_result result = arguments_read(&wanted, argc, argv, operands);
  if (result != ARGUMENTS_READ) return result == ARGUMENTS_HELP ? EXIT_CLEAN : EXIT_CONFIGURATION;
  int status = dlq_choice_check(&wanted, &choice, operands);
  if (status == EXIT_CLEAN) status = check(&wanted, &plan, rate, &plan.rate, dry_run);
  return status == EXIT_CLEAN ? start(&choice, &plan) : status;
}
