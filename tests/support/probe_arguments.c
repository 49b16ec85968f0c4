/* probe_arguments.c: options as each command declares them; an unknown one is refused, never ignored. */
#include "probe.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const everywhere[] = {"--brokers=", "-X=", NULL};

/* The spec that names this option, NULL: none. */
static const char *find_spec(const char *const *spec, const char *given) {
  for (; *spec; spec++) {
    size_t length = strcspn(*spec, "=");
    if (strlen(given) == length && strncmp(*spec, given, length) == 0) return *spec;
  }
  return NULL;
}

static _Noreturn void refuse(const char *command, const char *given, const char *const *spec) {
  fprintf(stderr, "weir-probe: '%s' takes no option '%s'; it takes", command, given);
  for (; *spec; spec++) fprintf(stderr, " %.*s", (int)strcspn(*spec, "="), *spec);
  fprintf(stderr, " --brokers -X\n");
  exit(EXIT_USAGE);
}

void arguments_parse(struct arguments *arguments, int argc, char **argv, const char *const *spec) {
  *arguments = (struct arguments){.command = argv[0]};
  for (int i = 1; i < argc; i++) {
    const char *given = argv[i];
    if (given[0] != '-') {
      if (arguments->word_count == 4) probe_fail(EXIT_USAGE, "'%s' takes no further word '%s'", argv[0], given);
      arguments->words[arguments->word_count++] = given;
      continue;
    }
    const char *found = find_spec(spec, given);
    if (!found) found = find_spec(everywhere, given);
    if (!found) refuse(argv[0], given, spec);
    if (arguments->option_count == ARGUMENT_MAX) probe_fail(EXIT_USAGE, "more than %d options", ARGUMENT_MAX);
    bool with_value = strchr(found, '=') != NULL;
    if (with_value && i + 1 == argc) probe_fail(EXIT_USAGE, "'%s' needs a value", given);
    arguments->options[arguments->option_count].name = given;
    arguments->options[arguments->option_count++].value = with_value ? argv[++i] : "";
  }
}

const char *arguments_nth(const struct arguments *arguments, const char *name, int nth) {
  for (int i = 0; i < arguments->option_count; i++)
    if (strcmp(arguments->options[i].name, name) == 0 && nth-- == 0) return arguments->options[i].value;
  return NULL;
}

const char *arguments_text(const struct arguments *arguments, const char *name, const char *fallback) {
  const char *value = arguments_nth(arguments, name, 0);
  return value ? value : fallback;
}

static int64_t number(const char *name, const char *text, const char **rest) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (end == text || errno || value < 0) probe_fail(EXIT_USAGE, "%s: found '%s', expected a number from 0", name, text);
  *rest = end;
  return value;
}

int64_t arguments_int(const struct arguments *arguments, const char *name, int64_t fallback) {
  const char *text = arguments_nth(arguments, name, 0), *rest;
  if (!text) return fallback;
  int64_t value = number(name, text, &rest);
  if (strcmp(rest, "/s") == 0) return value; /* a rate may say so */
  if (*rest) probe_fail(EXIT_USAGE, "%s: found '%s', expected a number", name, text);
  return value;
}

int64_t arguments_time(const struct arguments *arguments, const char *name, int64_t fallback_ms) {
  const char *text = arguments_nth(arguments, name, 0), *rest;
  if (!text) return fallback_ms;
  int64_t value = number(name, text, &rest);
  if (strcmp(rest, "ms") == 0) return value;
  if (strcmp(rest, "s") == 0) return value * 1000;
  if (strcmp(rest, "m") == 0) return value * 60000;
  probe_fail(EXIT_USAGE, "%s: found '%s', expected a time such as 50ms, 3s or 2m", name, text);
}

const char *arguments_word(const struct arguments *arguments, int index, const char *what) {
  if (index >= arguments->word_count) probe_fail(EXIT_USAGE, "'%s' needs %s", arguments->command, what);
  return arguments->words[index];
}
