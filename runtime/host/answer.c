/* answer.c: see answer.h. It waits for the control thread and for the lanes, never the other way round. */
#include "host/answer.h"
#include "base/check.h"
#include "base/clock.h"
#include "host/control.h"
#include "host/question.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000 };

struct request {
  bool json;
  const char *which; /* "TOPIC/PARTITION", NULL: all */
};

static bool parse(const char *text, struct request *request) {
  static const char texts[] = "explain text", objects[] = "explain json";
  bool json = strncmp(text, objects, sizeof objects - 1) == 0;
  if (!json && strncmp(text, texts, sizeof texts - 1) != 0) return false;
  const char *rest = text + sizeof texts - 1;
  if (*rest && *rest != ' ') return false;
  *request = (struct request){json, *rest ? rest + 1 : NULL};
  return true;
}

static bool is_asked_for(const struct request *request, const struct explanation *explanation) {
  char name[LIMIT_TOPIC_NAME + 16];
  if (!request->which) return true;
  snprintf(name, sizeof name, "%s/%" PRId32, explanation->topic, explanation->partition);
  return strcmp(name, request->which) == 0;
}

static void say(
    const struct answerer *answerer, const struct request *request, const struct explanation *explanation, FILE *out) {
  char *text = NULL;
  size_t size = 0;
  FILE *lines = open_memstream(&text, &size);
  if (!lines) return;
  int64_t now_ms = clock_now(answerer->clock);
  if (request->json)
    explanation_print_json(explanation, now_ms, lines);
  else
    explanation_print(explanation, answerer->file, now_ms, clock_wall(answerer->clock), lines);
  if (fclose(lines) == 0) {
    for (size_t i = 0; i < size; i++)
      if (text[i] == '\n') text[i] = '\v';
    fprintf(out, "%d\t%lld\t%s\t%" PRId32 "\t%s\n", (int)explanation_kind(explanation),
        (long long)explanation_lag(explanation), explanation->topic, explanation->partition, text);
  }
  free(text);
}

static void say_all(
    const struct answerer *answerer, const struct request *request, struct question *question, FILE *out) {
  for (size_t i = 0; i < question_count(question); i++) {
    struct explanation explanation;
    question_take(question, i, &explanation);
    if (!is_asked_for(request, &explanation)) continue;
    if (!explanation.answered)
      explanation.busy = place_read(control_place(answerer->control, explanation.lane), &explanation.place);
    say(answerer, request, &explanation, out);
  }
}

void answer_request(void *ctx, const char *text, FILE *out) {
  const struct answerer *answerer = ctx;
  struct request request;
  fprintf(out, "weir/1 %ld\n", (long)getpid());
  struct question *question = parse(text, &request) ? question_create() : NULL;
  if (question) {
    control_ask(answerer->control, question);
    if (question_wait(question, PATIENCE_MS))
      say_all(answerer, &request, question, out);
    else
      fputs("!its control thread does not answer: it is starting, leaving, or waits for the cluster\n", out);
    question_let_go(question);
  } else
    fputs("!it does not understand the request\n", out);
  fputs(".\n", out);
}
