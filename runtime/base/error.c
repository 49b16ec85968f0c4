/* error.c: one text, built in a buffer of its own, so that a caller may quote the text that is there. */
#include "base/error.h"
#include "base/check.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ends a text that did not fit in "...", on a character's border. */
static void mark_cut(char text[ERROR_TEXT_MAX]) {
  size_t end = ERROR_TEXT_MAX - 4;
  while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) end--;
  memcpy(text + end, "...", 4);
}

static void append(char text[ERROR_TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append_list(char text[ERROR_TEXT_MAX], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void append_list(char text[ERROR_TEXT_MAX], const char *format, va_list args) {
  size_t used = strlen(text), room = ERROR_TEXT_MAX - used;
  int size = vsnprintf(text + used, room, format, args);
  if (size >= 0 && (size_t)size >= room) mark_cut(text);
}

static void append(char text[ERROR_TEXT_MAX], const char *format, ...) {
  va_list args;
  va_start(args, format);
  append_list(text, format, args);
  va_end(args);
}

bool error_set(struct error *err, const char *format, ...) {
  if (!err) return false;
  char text[ERROR_TEXT_MAX] = "";
  va_list args;
  va_start(args, format);
  append_list(text, format, args);
  va_end(args);
  *err = (struct error){0};
  memcpy(err->text, text, sizeof text);
  return false;
}

bool error_errno(struct error *err, const char *format, ...) {
  int code = errno;
  if (!err) return false;
  char text[ERROR_TEXT_MAX] = "", sentence[128] = "";
  va_list args;
  va_start(args, format);
  append_list(text, format, args);
  va_end(args);
  append(text, ": %s", strerror_r(code, sentence, sizeof sentence));
  *err = (struct error){.code = code};
  memcpy(err->text, text, sizeof text);
  return false;
}

bool error_wrap(struct error *err, const char *format, ...) {
  if (!err) return false;
  char text[ERROR_TEXT_MAX] = "";
  va_list args;
  va_start(args, format);
  append_list(text, format, args);
  va_end(args);
  append(text, ": %s", err->text);
  memcpy(err->text, text, sizeof text);
  return false;
}
