/* arguments.h: the options of a verb, declared as a table, so that reading, help and "did you mean" are the same for all. [main]
 *
 * Long options only: --name VALUE, --name=VALUE, --flag; options and operands may be mixed, "--" ends the options. */
#ifndef WEIR_ARGUMENTS_H
#define WEIR_ARGUMENTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum argument_kind {
  ARGUMENT_FLAG,     /* `into`: bool * */
  ARGUMENT_TEXT,     /* `into`: const char **; points into argv */
  ARGUMENT_TEXTS,    /* `into`: struct argument_texts *; may be given several times */
  ARGUMENT_COUNT,    /* `into`: int64_t *; a decimal number from 0 */
  ARGUMENT_DURATION, /* `into`: int64_t *, milliseconds; "30s" */
};

enum { ARGUMENT_TEXTS_MAX = 64 };
struct argument_texts {
  const char *texts[ARGUMENT_TEXTS_MAX]; /* point into argv */
  size_t count;
};

struct argument {
  const char *name; /* without the dashes */
  enum argument_kind kind;
  void *into;
  const char *value, *help; /* value: as shown, "DIR"; NULL for a flag */
};

/* What a verb takes. Constant. */
struct arguments {
  const char *usage;    /* "weir run FILE [options]" */
  const char *summary;  /* one sentence */
  const char *examples; /* whole lines, shown below the options; NULL: none */
  const struct argument *arguments;
  size_t argument_count;
  const char *const *operands; /* names of the operands, "FILE" */
  size_t operands_min, operands_max;
};

enum arguments_result { ARGUMENTS_READ, ARGUMENTS_HELP, ARGUMENTS_WRONG };

/* `operands`: room for operands_max; entries that were not given become NULL. HELP: --help was asked for and has been printed to stdout, exit
 * with EXIT_CLEAN. WRONG: a sentence went to stderr, exit with EXIT_CONFIGURATION. */
enum arguments_result arguments_read(const struct arguments *wanted, int argc, char **argv, const char **operands);

/* Says on stderr what is wrong with the command line, with a pointer to --help. Returns EXIT_CONFIGURATION. */
int arguments_fail(const struct arguments *wanted, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
