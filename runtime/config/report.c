/* report.c: a sorted array of fixed size. Of more errors than fit, those nearest to the start of the file are kept: what
 * stands further down is often only their echo. */
#include "config/report.h"
#include "base/check.h"
#include "base/text.h"
#include "base/span.h"
#include "config/node.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 1024 };

static void line_free(struct report_line *line) {
  free(line->file);
  free(line->text);
}

void report_init(struct report *report) { memset(report, 0, sizeof *report); }

void report_fini(struct report *report) {
  for (size_t i = 0; i < report->kept; i++) line_free(&report->lines[i]);
  report_init(report);
}

static int compare_files(const char *a, const char *b) {
  if (!a || !b) return (a != NULL) - (b != NULL);
  return strcmp(a, b);
}

static int compare_places(const struct report_line *a, const struct report_line *b) {
  int files = compare_files(a->file, b->file);
  if (files) return files;
  if (a->line != b->line) return a->line < b->line ? -1 : 1;
  return (a->column > b->column) - (a->column < b->column);
}

static bool is_told(const struct report *report, const struct report_line *line) {
  for (size_t i = 0; i < report->kept; i++) {
    const struct report_line *other = &report->lines[i];
    if (compare_places(other, line) != 0 || !other->text || !line->text) continue;
    if (strcmp(other->text, line->text) == 0) return true;
  }
  return false;
}

/* Takes over the line's strings. */
static void insert(struct report *report, struct report_line line) {
  must(report->kept <= LIMIT_REPORT_ERRORS);
  if (is_told(report, &line)) {
    line_free(&line);
    return;
  }
  report->count++;
  size_t at = report->kept;
  while (at > 0 && compare_places(&report->lines[at - 1], &line) > 0) at--;
  if (at == LIMIT_REPORT_ERRORS) {
    line_free(&line);
    return;
  }
  if (report->kept == LIMIT_REPORT_ERRORS) line_free(&report->lines[--report->kept]);
  memmove(&report->lines[at + 1], &report->lines[at], (report->kept - at) * sizeof line);
  report->lines[at] = line;
  report->kept++;
}

static void add_list(struct report *report, const char *file, uint32_t line, uint32_t column, const char *format,
    va_list args) __attribute__((format(printf, 5, 0)));
static void add_list(
    struct report *report, const char *file, uint32_t line, uint32_t column, const char *format, va_list args) {
  char text[TEXT_BYTES], shown[TEXT_BYTES];
  vsnprintf(text, sizeof text, format, args);
  text_escape(shown, sizeof shown, span_of(text));
  insert(report, (struct report_line){file ? strdup(file) : NULL, line, column, strdup(shown)});
}

bool report_add(struct report *report, const struct weir_config *node, const char *format, ...) {
  if (node && node->broken) return false;
  va_list args;
  va_start(args, format);
  add_list(report, node ? node->file : NULL, node ? node->line : 0, node ? node->column : 0, format, args);
  va_end(args);
  return false;
}

bool report_add_key(struct report *report, const struct weir_config *node, const char *format, ...) {
  va_list args;
  va_start(args, format);
  bool has_key = node->key_line > 0;
  add_list(report, node->file, has_key ? node->key_line : node->line, has_key ? node->key_column : node->column, format,
      args);
  va_end(args);
  return false;
}

bool report_add_at(struct report *report, const char *file, uint32_t line, uint32_t column, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add_list(report, file, line, column, format, args);
  va_end(args);
  return false;
}

bool report_is_empty(const struct report *report) { return report->count == 0; }

void report_print(const struct report *report, FILE *out) {
  for (size_t i = 0; i < report->kept; i++) {
    const struct report_line *line = &report->lines[i];
    const char *text = line->text ? line->text : "something is wrong here, but there is no memory to say what";
    if (!line->file)
      fprintf(out, "%s\n", text);
    else if (!line->line)
      fprintf(out, "%s: %s\n", line->file, text);
    else
      fprintf(out, "%s:%u:%u: %s\n", line->file, line->line, line->column, text);
  }
  if (report->count > report->kept) fprintf(out, "and %zu more\n", report->count - report->kept);
}
