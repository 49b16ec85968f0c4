/* pattern_inside.h: a pattern as pattern_parse.c writes it and pattern.c runs it.
 *
 * It is a list of steps; targets are relative, so that a piece can be copied for a repetition. */
#ifndef WEIR_PLUGINS_JSON_PATTERN_INSIDE_H
#define WEIR_PLUGINS_JSON_PATTERN_INSIDE_H
#include "pattern.h"

enum step_kind {
  STEP_BYTE,  /* one byte out of sets[set] */
  STEP_SPLIT, /* go on at +first and at +second */
  STEP_JUMP,  /* go on at +first */
  STEP_BEGIN, /* only at the start of the text */
  STEP_END,   /* only at its end */
  STEP_MATCH,
};

struct step {
  enum step_kind kind;
  int32_t first, second;
  uint32_t set;
};

struct byte_set {
  uint64_t bits[4];
};

enum { PATTERN_SETS_MAX = 128 };

struct program {
  struct step steps[PATTERN_STEPS_MAX];
  struct byte_set sets[PATTERN_SETS_MAX];
  uint32_t step_count, set_count;
};

static inline bool set_has(const struct byte_set *set, uint8_t byte) { return set->bits[byte / 64] >> byte % 64 & 1; }
static inline void set_add(struct byte_set *set, uint8_t byte) { set->bits[byte / 64] |= UINT64_C(1) << byte % 64; }

/* Writes the steps of `text`, STEP_MATCH last. False: `error` says why. */
bool pattern_parse(struct program *program, weir_span text, char error[PATTERN_ERROR_TEXT]);

#endif
