/* report.h: everything that is wrong with a pipeline file, told in one go, in the order of the file. Checks go on after an
 * error, so that one run shows all of them. */
#ifndef WEIR_CONFIG_REPORT_H
#define WEIR_CONFIG_REPORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/limits.h"

struct weir_config;

struct report_line {
  char *file; /* NULL: no file */
  uint32_t line, column;
  char *text; /* NULL: there was no memory for it */
};

/* In place, one thread at a time. Copies what it is given, so it outlives the tree. */
struct report {
  struct report_line lines[LIMIT_REPORT_ERRORS]; /* sorted by place; those of one place in order of coming */
  size_t kept, count;
};

void report_init(struct report *report);
void report_fini(struct report *report);

/* A sentence without a full stop, about a node; NULL: about nothing in particular. Always returns false. The same sentence at the same
 * place counts once, and of a node that is broken nothing is added. No secrets: show values with node_shown(). */
bool report_add(struct report *report, const struct weir_config *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* About the node's key instead of its value. */
bool report_add_key(struct report *report, const struct weir_config *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* About a place. line 0: about the whole file; file NULL: about none. */
bool report_add_at(struct report *report, const char *file, uint32_t line, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

bool report_is_empty(const struct report *report);
/* One line each, "FILE:LINE:COLUMN: sentence", the first LIMIT_REPORT_ERRORS of them, then "and N more". */
void report_print(const struct report *report, FILE *out);

#endif
