/* nearest.c: edit distance, a transposition counts one. Long names have no near ones. */
#include "nearest.h"
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 40 };

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t distance_of(const char *a, size_t a_size, const char *b, size_t b_size) {
  size_t rows[3][NAME_MAX_BYTES + 1];
  for (size_t j = 0; j <= b_size; j++) rows[0][j] = j;
  for (size_t i = 1; i <= a_size; i++) {
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b_size; j++) {
      row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = least(row[j], above_that[j - 2] + 1);
    }
  }
  return rows[a_size % 3][b_size];
}

void nearest_init(struct nearest *nearest, const char *wanted) {
  *nearest = (struct nearest){.wanted = wanted, .distance = strlen(wanted) / 3 + 1};
}

void nearest_offer(struct nearest *nearest, const char *candidate) {
  size_t wanted_size = strlen(nearest->wanted), size = strlen(candidate);
  if (wanted_size > NAME_MAX_BYTES || size > NAME_MAX_BYTES) return;
  size_t distance = distance_of(nearest->wanted, wanted_size, candidate, size);
  if (distance > nearest->distance || distance >= wanted_size) return;
  if (distance == nearest->distance && nearest->best && strcmp(nearest->best, candidate) < 0) return;
  nearest->best = candidate;
  nearest->distance = distance;
}

void nearest_text(const struct nearest *nearest, char *text, size_t text_size) {
  if (nearest->best)
    snprintf(text, text_size, "; did you mean '%s'?", nearest->best);
  else
    text[0] = 0;
}
