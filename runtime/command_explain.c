/* command_explain.c: `weir explain`: asks every worker of the pipeline on this host, and shows the worst partition first. */
#include <errno.h>
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
#include "config/pipeline_file.h"
#include "config/report.h"
#include "host/admin_socket.h"
#include "host/runtime_folder.h"
#include "kafka/admin.h"

enum { ANSWER_MS = 5000, SHOWN_MAX = 256 };

/* One line of an answer; points into it. */
struct line {
  int64_t worst, lag, partition;
  const char *topic, *text;
};

struct view {
  const char *file, *which; /* which: TOPIC/PARTITION, NULL: all */
  bool json;
  char request[ADMIN_REQUEST_MAX];
  char **answers; /* whole, cut into lines */
  size_t answer_count, workers;
  struct line *lines;
  size_t line_count;
};

/* --- asking ----------------------------------------------------------------------------------------------------------- */

static void keep_answer(struct view *view, char *answer) {
  view->answers = realloc(view->answers, (view->answer_count + 1) * sizeof *view->answers);
  must(view->answers);
  view->answers[view->answer_count++] = answer;
}

static void ask(void *ctx, const char *path) {
  struct view *view = ctx;
  struct error err;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  must(out);
  bool fine = admin_socket_ask(path, view->request, ANSWER_MS, out, &err);
  must(fclose(out) == 0);
  if (fine || err.code != ECONNREFUSED) view->workers++;
  if (fine)
    keep_answer(view, text);
  else
    free(text);
  if (!fine && err.code != ECONNREFUSED) fprintf(stderr, "weir: a worker cannot be asked: %s\n", err.text);
}

/* Takes a field off the front of the text; NULL: there is no further one. */
static char *field(char **rest) {
  char *begin = *rest, *end = strchr(begin, '\t');
  if (!end) return NULL;
  *end = '\0';
  *rest = end + 1;
  return begin;
}

static void keep_line(struct view *view, char *rest, const char *worker) {
  struct line line;
  if (*rest == '!') {
    fprintf(stderr, "weir: the worker with process id %s: %s\n", worker, rest + 1);
    return;
  }
  const char *worst = field(&rest), *lag = field(&rest), *topic = field(&rest), *partition = field(&rest);
  if (!worst || !lag || !topic || !partition) return;
  if (!text_int(span_of(worst), &line.worst) || !text_int(span_of(lag), &line.lag) ||
      !text_int(span_of(partition), &line.partition))
    return;
  line.topic = topic;
  line.text = rest;
  for (char *at = rest; (at = strchr(at, '\v'));) *at = '\n';
  view->lines = realloc(view->lines, (view->line_count + 1) * sizeof *view->lines);
  must(view->lines);
  view->lines[view->line_count++] = line;
}

static void read_answer(struct view *view, char *answer) {
  static const char greeting[] = "weir/1 ";
  char *saved = NULL, *line = strtok_r(answer, "\n", &saved);
  if (!line || strncmp(line, greeting, sizeof greeting - 1) != 0) {
    fputs("weir: a worker of another version answers otherwise than this one understands\n", stderr);
    return;
  }
  const char *worker = line + sizeof greeting - 1;
  while ((line = strtok_r(NULL, "\n", &saved)) && strcmp(line, ".") != 0) keep_line(view, line, worker);
}

/* --- showing ---------------------------------------------------------------------------------------------------------- */

static int by_worst(const void *left, const void *right) {
  const struct line *a = left, *b = right;
  if (a->worst != b->worst) return a->worst < b->worst ? 1 : -1;
  if (a->lag != b->lag) return a->lag < b->lag ? 1 : -1;
  int names = strcmp(a->topic, b->topic);
  if (names) return names;
  return a->partition < b->partition ? -1 : a->partition > b->partition;
}

static void show(struct view *view) {
  if (view->line_count) qsort(view->lines, view->line_count, sizeof *view->lines, by_worst);
  if (view->json) fputs("{\"partitions\":[", stdout);
  for (size_t i = 0; i < view->line_count; i++) printf("%s%s", view->json && i ? "," : "", view->lines[i].text);
  if (view->json) printf("],\"workers\":%zu}\n", view->workers);
}

/* --- a partition that no worker here has ------------------------------------------------------------------------------ */

static void show_owner(const struct admin_owner *owner, const char *which) {
  char client[SHOWN_MAX], host[SHOWN_MAX], instance[SHOWN_MAX];
  text_escape(client, sizeof client, span_of(owner->client));
  text_escape(host, sizeof host, span_of(owner->host + (*owner->host == '/')));
  fprintf(stderr, "weir: no worker of this user on this host has %s; the group says that the member %s on %s has it",
      which, client, host);
  if (owner->instance) {
    text_escape(instance, sizeof instance, span_of(owner->instance));
    fprintf(stderr, " (instance %s)", instance);
  }
  fputs(": ask there\n", stderr);
}

static int look_for_owner(const struct pipeline_file *file, const char *topic, int32_t partition, const char *which) {
  struct error err = {0};
  struct admin_owner owner = {0};
  struct admin *admin = admin_open(file, &err);
  bool fine = admin && admin_find_owner(admin, topic, partition, &owner, &err);
  if (!fine)
    fprintf(stderr, "weir: no worker of this user on this host has %s, and the group cannot be asked: %s\n", which,
        err.text);
  else if (!owner.client)
    fprintf(stderr, "weir: no member of group %s has %s: no worker runs, or the group is being divided anew\n",
        file->group, which);
  else
    show_owner(&owner, which);
  admin_close(admin);
  return EXIT_RUN_FAILED;
}

static int nobody_has(const struct view *view, const char *topic, int32_t partition) {
  struct report report;
  report_init(&report);
  struct pipeline_file *file = pipeline_file_open(view->file, NULL, &report);
  int code = EXIT_CONFIGURATION;
  if (file)
    code = look_for_owner(file, topic, partition, view->which);
  else
    report_print(&report, stderr);
  pipeline_file_close(file);
  report_fini(&report);
  return code;
}

/* --- the command line ------------------------------------------------------------------------------------------------- */

static bool split(const char *which, char topic[LIMIT_TOPIC_NAME + 1], int32_t *partition) {
  const char *slash = strrchr(which, '/');
  int64_t number;
  if (!slash || slash == which || (size_t)(slash - which) > LIMIT_TOPIC_NAME) return false;
  if (!text_int(span_of(slash + 1), &number) || number < 0 || number > INT32_MAX) return false;
  memcpy(topic, which, (size_t)(slash - which));
  topic[slash - which] = '\0';
  *partition = (int32_t)number;
  return true;
}

static int explain(struct view *view, const char *topic, int32_t partition) {
  struct error err;
  char folder[RUNTIME_PATH_MAX], name[RUNTIME_NAME_MAX];
  if (!runtime_name(view->file, name, &err)) {
    fprintf(stderr, "weir: %s\n", err.text);
    return EXIT_CONFIGURATION;
  }
  if (runtime_folder(folder, false, &err)) runtime_each(folder, name, ask, view);
  for (size_t i = 0; i < view->answer_count; i++) read_answer(view, view->answers[i]);
  if (view->which && !view->line_count) return nobody_has(view, topic, partition);
  if (!view->workers) {
    fprintf(stderr, "weir: no worker of this user runs %s on this host\n", view->file);
    return EXIT_RUN_FAILED;
  }
  if (!view->line_count && !view->json)
    printf("%zu worker%s here, no partition assigned\n", view->workers, view->workers == 1 ? "" : "s");
  show(view);
  return EXIT_CLEAN;
}

int command_explain(int argc, char **argv) {
  struct view view = {0};
  const struct argument table[] = {
      {"json", ARGUMENT_FLAG, &view.json, NULL, "one JSON object instead of sentences"},
  };
  static const char *const operand_names[] = {"FILE", "TOPIC/PARTITION"};
  const struct arguments wanted = {.usage = "weir explain FILE [TOPIC/PARTITION] [options]",
      .summary = "Asks the running workers of a pipeline on this host why each partition is committed no further.",
      .examples = "  weir explain quakes.yaml              all partitions, the worst first\n"
                  "  weir explain quakes.yaml quakes/3     this one\n",
      .arguments = table,
      .argument_count = sizeof table / sizeof *table,
      .operands = operand_names,
      .operands_min = 1,
      .operands_max = 2};
  const char *operands[2] = {NULL, NULL};
  char topic[LIMIT_TOPIC_NAME + 1] = "";
  int32_t partition = 0;
  enum arguments_result result = arguments_read(&wanted, argc, argv, operands);
  if (result != ARGUMENTS_READ) return result == ARGUMENTS_HELP ? EXIT_CLEAN : EXIT_CONFIGURATION;
  view.file = operands[0];
  view.which = operands[1];
  if (view.which && !split(view.which, topic, &partition))
    return arguments_fail(&wanted, "found '%s', expected TOPIC/PARTITION, as in quakes/3", view.which);
  snprintf(view.request, sizeof view.request, "explain %s%s%s", view.json ? "json" : "text", view.which ? " " : "",
      view.which ? view.which : "");
  int code = explain(&view, topic, partition);
  for (size_t i = 0; i < view.answer_count; i++) free(view.answers[i]);
  free(view.answers);
  free(view.lines);
  return code;
}
