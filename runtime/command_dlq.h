/* command_dlq.h: what the verbs of `weir dlq` share: the choice of letters, reading them, showing them. [main] */
#ifndef WEIR_COMMAND_DLQ_H
#define WEIR_COMMAND_DLQ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arguments.h"
#include "base/error.h"
#include "kafka/letters.h"
#include "kafka/reset.h"

struct pipeline_file;

/* The choice as the command line has it. */
struct dlq_choice {
  const char *file, *place_text; /* place: NULL: all */
  const char *stage, *reason, *since_text, *until_text;
  int64_t partition; /* -1: all */
  int64_t limit;     /* 0: none */
  bool json;
  int64_t since_ms, until_ms; /* -1: none; failed at or after, and before */
  struct skip place;          /* in the dead-letter topic, or of its source record */
};

enum { DLQ_OPTIONS = 7 };
/* Sets the choice to "all", fills the first DLQ_OPTIONS rows of a verb's table, and after arguments_read() checks what was given. EXIT_CLEAN: fine. */
void dlq_choice_options(struct dlq_choice *choice, struct argument table[DLQ_OPTIONS]);
int dlq_choice_check(const struct arguments *wanted, struct dlq_choice *choice, const char *const operands[2]);
bool dlq_choice_takes(const struct dlq_choice *choice, const struct pipeline_file *file, const struct letter *letter);

/* Opens the file and hands it on. Returns an exit code; what is wrong with the file is told. */
int dlq_with_file(const struct dlq_choice *choice,
    int (*work)(const struct pipeline_file *file, const struct dlq_choice *choice, void *ctx), void *ctx);
/* The dead-letter topic, ready to be read from where the choice begins. `group`: NULL, or whose offsets it goes on from. NULL: err. */
struct letters *dlq_open(
    const struct pipeline_file *file, const struct dlq_choice *choice, const char *group, struct error *err);
/* Every letter of the choice, up to its limit. `count`: of them. False: err. */
bool dlq_each(const struct pipeline_file *file, const struct dlq_choice *choice, struct letters *letters,
    void (*each)(void *ctx, const struct letter *letter), void *ctx, int64_t *count, struct error *err);
int dlq_fail(const struct error *err);

/* Offsets that are still to be read, of those that there are. */
void dlq_progress(const struct letters *letters, const char *doing, int64_t done);

/* "quakes/3@118", "-" where weir does not know. */
enum { DLQ_SOURCE_MAX = 300 };
const char *dlq_source_text(char into[DLQ_SOURCE_MAX], const struct letter *letter);
/* One object, without the line's end: what letters have in common; the caller adds fields and the brace. */
void dlq_print_json_head(const struct letter *letter);

/* Counts by text, the most first; beyond a limit the rest is one. */
struct dlq_counts;
struct dlq_counts *dlq_counts_create(void);
void dlq_counts_destroy(struct dlq_counts *counts);
void dlq_counts_add(struct dlq_counts *counts, weir_span text);
/* "  12,345  text" a line, or [{"name":text,"count":n},...] */
void dlq_counts_print(struct dlq_counts *counts);
void dlq_counts_print_json(struct dlq_counts *counts, const char *name);

int dlq_ls(int argc, char **argv);
int dlq_show(int argc, char **argv);
int dlq_stats(int argc, char **argv);
int dlq_redrive(int argc, char **argv);

#endif
