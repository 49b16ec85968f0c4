/* config_play.h: little plays with a pipeline file: write a text, open it, read what the report says. */
#ifndef TESTS_UNIT_CONFIG_PLAY_H
#define TESTS_UNIT_CONFIG_PLAY_H
#include "base/arena.h"
#include "base/span.h"
#include "config/node.h"
#include "config/pipeline_file.h"
#include "config/report.h"
#include "config/yaml.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

/* What a report prints, valid until the next call. */
static inline const char *play_said(const struct report *report) {
  static char text[1 << 16];
  FILE *out = fmemopen(text, sizeof text, "w");
  if (!out) abort();
  text[0] = 0;
  report_print(report, out);
  fclose(out);
  return text;
}

/* The report's text must hold this line. */
static inline void play_expect(const char *said, const char *expected) {
  if (!strstr(said, expected)) print_error("expected: %s\nbut said: %s\n", expected, said);
  assert_non_null(strstr(said, expected));
}

/* Reads YAML alone; the tree lives until the next play_yaml(). */
static struct arena play_arena;
static inline const struct weir_config *play_yaml(const char *text, const char **said) {
  struct report report;
  report_init(&report);
  arena_fini(&play_arena);
  arena_init(&play_arena, 0);
  const struct weir_config *root = yaml_read("p.yaml", span_of(text), &play_arena, &report);
  *said = play_said(&report);
  report_fini(&report);
  return root;
}

static inline int play_close(void **state) {
  (void)state;
  arena_fini(&play_arena);
  return 0;
}

/* Opens a pipeline file of this text in the scratch folder; *said is its report, with the scratch folder's path taken away. */
static inline struct pipeline_file *play_open_with(
    const char *text, const struct pipeline_overrides *overrides, const char **said) {
  static char shortened[1 << 16];
  struct report report;
  report_init(&report);
  const char *path = scratch_write("p.yaml", text);
  struct pipeline_file *file = pipeline_file_open(path, overrides, &report);
  char *out = shortened;
  size_t size = strlen(scratch_folder) + 1;
  for (const char *at = play_said(&report); *at;) {
    if (strncmp(at, scratch_folder, size - 1) == 0)
      at += size;
    else
      *out++ = *at++;
  }
  *out = 0;
  if (said)
    *said = shortened;
  else if (!file)
    print_error("%s", shortened);
  report_fini(&report);
  return file;
}

static inline struct pipeline_file *play_open(const char *text, const char **said) {
  return play_open_with(text, NULL, said);
}

/* The file must be refused with this line. */
static inline void play_refused(const char *text, const char *expected) {
  const char *said = NULL;
  struct pipeline_file *file = play_open(text, &said);
  play_expect(said, expected);
  assert_null(file);
}

/* A pipeline that is fine, with room for more: lines 1 to 4. */
#define PLAY_HEAD                                                                                                      \
  "pipeline: p\n"                                                                                                      \
  "kafka: {brokers: localhost:9092}\n"                                                                                 \
  "source: {topics: [t], group: g}\n"
#define PLAY_SINKS "sinks: [{plugin: blackhole}]\n"
#define PLAY_FINE PLAY_HEAD PLAY_SINKS

#endif
