/* panel.h: the live picture of a play at the bottom of a terminal, and what is written above it. Where stderr is no terminal, one line now and
 * then. [main] */
#ifndef WEIR_SANDBOX_PANEL_H
#define WEIR_SANDBOX_PANEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Colours by meaning; each is "" where there are none. */
struct ink {
  const char *strong, *faint, *good, *bad, *doubt, *plain;
};
/* What `file` takes: colours on a terminal, unless NO_COLOR is set or TERM is dumb. */
struct ink ink_of(FILE *file);

enum { PANEL_ROWS = 40, PANEL_ROW_MAX = 512, PANEL_BAR = 32 };

/* In place. */
struct panel {
  struct ink ink;
  bool live; /* stderr is a terminal */
  bool utf8;
  char rows[PANEL_ROWS][PANEL_ROW_MAX];
  size_t count, shown; /* rows of the next picture, and of the one on the screen */
};

void panel_init(struct panel *panel);
/* Adds a row to the next picture. */
void panel_row(struct panel *panel, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts the next picture in the place of the last one, and begins a new one. Nothing where stderr is no terminal. */
void panel_show(struct panel *panel);
/* Takes the picture away, to write something else; panel_show() brings it back. */
void panel_clear(struct panel *panel);
/* A line to stderr, above the picture. */
void panel_say(struct panel *panel, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `part` of `whole` as a bar of at most PANEL_BAR characters, of which `width` are asked for. Returns `into`. */
enum { PANEL_BAR_BYTES = PANEL_BAR * 3 + 64 };
const char *panel_bar(const struct panel *panel, char into[PANEL_BAR_BYTES], int64_t part, int64_t whole, int width);

#endif
