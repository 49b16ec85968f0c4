/* screen.h: what `weir run` says first: what it is about to do, in less than 24 lines. */
#ifndef WEIR_HOST_SCREEN_H
#define WEIR_HOST_SCREEN_H
#include <stdint.h>
#include <stdio.h>

struct control;
struct memory_share;
struct pipeline_file;
struct prepared;

struct screen {
  const char *version; /* of weir */
  const struct pipeline_file *file;
  const struct memory_share *share;
  const struct prepared *prepared;
  struct control *control; /* opened */
};

/* Asks the brokers for the topics, up to `timeout_ms`; what is missing is said in its line. */
void screen_print(const struct screen *screen, int timeout_ms, FILE *out);
/* "weir 0.1.0, librdkafka 2.0.2, json 1.0, lua 1.0": each plugin once. */
void screen_print_versions(
    const char *version, const struct pipeline_file *file, const struct prepared *prepared, FILE *out);
/* "json > keep > describe (when)"; "none". */
void screen_print_steps(const struct pipeline_file *file, FILE *out);

#endif
