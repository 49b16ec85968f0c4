/* error.h: how a function says that it failed. A fallible function returns bool (true: it worked) and fills a
 * `struct error *err`; the caller adds one phrase on the way up with error_wrap(). */
#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H
#include <stdbool.h>
#include <stdint.h>

enum { ERROR_TEXT_MAX = 1024 };

/* Owned by the caller, on its stack; plain data. */
struct error {
  bool retriable; /* the same call may work later */
  bool fatal;     /* this worker cannot go on */
  int32_t code;   /* the library's own code (rd_kafka_resp_err_t, errno), 0: none */
  char text[ERROR_TEXT_MAX];
};

/* All return false, so: return error_set(err, "..."). Text beyond ERROR_TEXT_MAX is cut and ends in "...". err may be NULL; an
 * argument may be err->text. error_set() and error_errno() clear retriable and fatal: set them behind it. */
bool error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As error_set(), with ": " and the sentence of errno behind; code becomes errno. */
bool error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "phrase: " before the text that is there; the rest of the error stays. */
bool error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Exit codes of every command (docs/OPERATIONS.md has the table). */
enum {
  EXIT_CLEAN = 0,
  EXIT_RUN_FAILED = 1,
  EXIT_CONFIGURATION = 2,
  EXIT_ABANDONED = 3,
  EXIT_FENCED = 4,
};

#endif
