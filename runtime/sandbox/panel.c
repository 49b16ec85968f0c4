/* panel.c: a picture is one write, with wrapping off, so that a narrow terminal cuts rows and does not scroll. */
#include "sandbox/panel.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/check.h"

struct ink ink_of(FILE *file) {
  static const struct ink colours = {"\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"},
                          none = {"", "", "", "", "", ""};
  const char *terminal = getenv("TERM");
  bool dull = !isatty(fileno(file)) || getenv("NO_COLOR") || !terminal || strcmp(terminal, "dumb") == 0;
  return dull ? none : colours;
}

static bool speaks_utf8(void) {
  const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"}, *value = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && (!value || !*value); i++) value = getenv(names[i]);
  return value && (strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "utf-8"));
}

void panel_init(struct panel *panel) {
  *panel = (struct panel){.ink = ink_of(stderr), .utf8 = speaks_utf8()};
  panel->live = panel->ink.plain[0] != 0;
}

void panel_row(struct panel *panel, const char *format, ...) {
  if (panel->count == PANEL_ROWS) return;
  va_list args;
  va_start(args, format);
  vsnprintf(panel->rows[panel->count++], PANEL_ROW_MAX, format, args);
  va_end(args);
}

static size_t rows_of_screen(void) {
  struct winsize window = {0};
  bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 2;
  return known ? window.ws_row - 1u : 23;
}

/* The cursor to where the picture begins. */
static void go_up(const struct panel *panel) {
  if (panel->shown) fprintf(stderr, "\x1b[%zuA", panel->shown);
  fputc('\r', stderr);
}

void panel_show(struct panel *panel) {
  size_t rows = rows_of_screen();
  if (panel->count < rows) rows = panel->count;
  if (panel->live) {
    char buffer[PANEL_ROWS * PANEL_ROW_MAX];
    setvbuf(stderr, buffer, _IOFBF, sizeof buffer);
    go_up(panel);
    fputs("\x1b[?7l", stderr);
    for (size_t i = 0; i < rows; i++) fprintf(stderr, "\x1b[K%s\n", panel->rows[i]);
    fputs("\x1b[?7h\x1b[J", stderr);
    fflush(stderr);
    setvbuf(stderr, NULL, _IONBF, 0);
    panel->shown = rows;
  }
  panel->count = 0;
}

void panel_clear(struct panel *panel) {
  if (!panel->live || !panel->shown) return;
  go_up(panel);
  fputs("\x1b[J", stderr);
  panel->shown = 0;
}

void panel_say(struct panel *panel, const char *format, ...) {
  panel_clear(panel);
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
}

const char *panel_bar(const struct panel *panel, char into[PANEL_BAR_BYTES], int64_t part, int64_t whole, int width) {
  must(width > 0 && width <= PANEL_BAR);
  const char *full = panel->utf8 ? "\u2501" : "#", *rest = panel->utf8 ? "\u2500" : ".";
  int filled = whole > 0 ? (int)((double)part / (double)whole * width) : 0;
  if (filled > width) filled = width;
  size_t used = 0;
  for (int i = 0; i < width; i++) {
    if (i == filled) used += (size_t)snprintf(into + used, PANEL_BAR_BYTES - used, "%s", panel->ink.faint);
    used += (size_t)snprintf(into + used, PANEL_BAR_BYTES - used, "%s", i < filled ? full : rest);
  }
  snprintf(into + used, PANEL_BAR_BYTES - used, "%s", panel->ink.plain);
  return into;
}
