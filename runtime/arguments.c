/* arguments.c: one pass over argv against the table. Everything that is wrong is said with what was expected; nothing is guessed. */
#include "arguments.h"
#include "base/check.h"
#include "base/error.h"
#include "base/span.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 32, COLUMN = 24 };

/* Where the pass stands. */
struct pass {
  const struct arguments *wanted;
  char **argv;
  int argc, at;
  const char **operands;
  size_t operand_count;
  bool options_over;
};

/* Of "weir dlq redrive FILE [options]" the words that name the command. */
static int name_size(const char *usage) {
  size_t size = strcspn(usage, " ");
  while (usage[size] == ' ' && usage[size + 1] >= 'a' && usage[size + 1] <= 'z')
    size += 1 + strcspn(usage + size + 1, " ");
  return (int)size;
}

int arguments_fail(const struct arguments *wanted, const char *format, ...) {
  char text[ERROR_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(stderr, "weir: %s\nusage: %s\n'%.*s --help' says more.\n", text, wanted->usage, name_size(wanted->usage),
      wanted->usage);
  return EXIT_CONFIGURATION;
}

static void help_options(const struct arguments *wanted) {
  puts("\nOptions:");
  for (size_t i = 0; i < wanted->argument_count; i++) {
    const struct argument *argument = &wanted->arguments[i];
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", argument->name, argument->value ? " " : "",
        argument->value ? argument->value : "");
    printf("  %-*s  %s\n", COLUMN, left, argument->help);
  }
  printf("  %-*s  %s\n", COLUMN, "--help", "show this");
}

static void help(const struct arguments *wanted) {
  printf("usage: %s\n\n%s\n", wanted->usage, wanted->summary);
  help_options(wanted);
  if (wanted->examples) printf("\nExamples:\n%s", wanted->examples);
}

static bool wrong_option(const struct pass *pass, weir_span name) {
  const char *names[NAMES_MAX];
  must(pass->wanted->argument_count < NAMES_MAX);
  for (size_t i = 0; i < pass->wanted->argument_count; i++) names[i] = pass->wanted->arguments[i].name;
  const char *near = text_nearest(name, names, pass->wanted->argument_count);
  arguments_fail(pass->wanted, "unknown option --%.*s%s%s%s", SPAN_ARGS(name), near ? "; did you mean --" : "",
      near ? near : "", near ? "?" : "");
  return false;
}

static const struct argument *find(const struct arguments *wanted, weir_span name) {
  for (size_t i = 0; i < wanted->argument_count; i++)
    if (span_is(name, wanted->arguments[i].name)) return &wanted->arguments[i];
  return NULL;
}

static bool store_number(const struct pass *pass, const struct argument *argument, const char *value) {
  int64_t *into = argument->into;
  if (argument->kind == ARGUMENT_DURATION) {
    if (text_duration(span_of(value), into)) return true;
    arguments_fail(pass->wanted, "--%s: found '%s', expected a duration such as 500ms or 30s", argument->name, value);
    return false;
  }
  int64_t number;
  if (text_int(span_of(value), &number) && number >= 0) {
    *into = number;
    return true;
  }
  arguments_fail(pass->wanted, "--%s: found '%s', expected a whole number from 0", argument->name, value);
  return false;
}

static bool store_text(const struct pass *pass, const struct argument *argument, const char *value) {
  struct argument_texts *texts = argument->into;
  if (texts->count == ARGUMENT_TEXTS_MAX) {
    arguments_fail(pass->wanted, "--%s was given more than %d times", argument->name, ARGUMENT_TEXTS_MAX);
    return false;
  }
  texts->texts[texts->count++] = value;
  return true;
}

static bool store(const struct pass *pass, const struct argument *argument, const char *value) {
  switch (argument->kind) {
  case ARGUMENT_FLAG: *(bool *)argument->into = true; return true;
  case ARGUMENT_TEXT: *(const char **)argument->into = value; return true;
  case ARGUMENT_TEXTS: return store_text(pass, argument, value);
  case ARGUMENT_COUNT:
  case ARGUMENT_DURATION: return store_number(pass, argument, value);
  }
  must_not_reach();
}

static bool read_option(struct pass *pass, const char *text) {
  const char *equals = strchr(text, '=');
  weir_span name = {(const uint8_t *)text, equals ? (size_t)(equals - text) : strlen(text)};
  const struct argument *argument = find(pass->wanted, name);
  if (!argument) return wrong_option(pass, name);
  const char *value = equals ? equals + 1 : NULL;
  if (argument->kind == ARGUMENT_FLAG) {
    if (!value) return store(pass, argument, NULL);
    arguments_fail(pass->wanted, "--%s takes no value", argument->name);
    return false;
  }
  if (!value && pass->at < pass->argc) value = pass->argv[pass->at++];
  if (value) return store(pass, argument, value);
  arguments_fail(pass->wanted, "--%s needs a value: --%s %s", argument->name, argument->name, argument->value);
  return false;
}

static bool read_operand(struct pass *pass, const char *text) {
  if (pass->operand_count < pass->wanted->operands_max) {
    pass->operands[pass->operand_count++] = text;
    return true;
  }
  arguments_fail(pass->wanted, "one operand too many: '%s'", text);
  return false;
}

static bool read_one(struct pass *pass, const char *text) {
  if (pass->options_over || text[0] != '-' || !text[1]) return read_operand(pass, text);
  if (strcmp(text, "--") == 0) return pass->options_over = true;
  if (text[1] == '-') return read_option(pass, text + 2);
  arguments_fail(pass->wanted, "unknown option %s; options are written --name", text);
  return false;
}

static bool wants_help(int argc, char **argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
  return false;
}

enum arguments_result arguments_read(const struct arguments *wanted, int argc, char **argv, const char **operands) {
  must(strncmp(wanted->usage, "weir ", 5) == 0 && argc > 0);
  for (size_t i = 0; i < wanted->operands_max; i++) operands[i] = NULL;
  if (wants_help(argc, argv)) {
    help(wanted);
    return ARGUMENTS_HELP;
  }
  struct pass pass = {.wanted = wanted, .argv = argv, .argc = argc, .at = 1, .operands = operands};
  while (pass.at < argc)
    if (!read_one(&pass, argv[pass.at++])) return ARGUMENTS_WRONG;
  if (pass.operand_count >= wanted->operands_min) return ARGUMENTS_READ;
  arguments_fail(wanted, "%s is missing", wanted->operands[pass.operand_count]);
  return ARGUMENTS_WRONG;
}
