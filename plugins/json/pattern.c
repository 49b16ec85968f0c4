/* pattern.c: runs a pattern. The set of steps that the text so far can have reached is a state; states and where
 * each byte leads are kept in a small table that is emptied when it is full, so neither time per byte nor memory
 * depends on the text. */
#include "pattern_inside.h"
#include <common/must.h>
#include <string.h>

enum { WORDS = PATTERN_STEPS_MAX / 64, STATES_MAX = 64, UNKNOWN = -1 };

struct state {
  uint64_t steps[WORDS];
  bool matches;        /* already */
  bool matches_at_end; /* when the text ends here */
  int16_t next[256];   /* UNKNOWN: not worked out yet */
};

struct pattern {
  struct program program;
  uint32_t state_count;
  struct state states[STATES_MAX];
  uint64_t everywhere[WORDS]; /* the steps that a match may start with at any place */
};

static bool has_step(const uint64_t *steps, uint32_t step) { return steps[step / 64] >> step % 64 & 1; }

/* Adds `step` and what is reached from it without a byte. */
static void reach(const struct program *program, uint64_t *steps, uint32_t step, bool begin, bool end) {
  uint32_t stack[PATTERN_STEPS_MAX * 2], depth = 0;
  stack[depth++] = step;
  while (depth > 0) {
    uint32_t at = stack[--depth];
    must(at < program->step_count);
    if (has_step(steps, at)) continue;
    steps[at / 64] |= UINT64_C(1) << at % 64;
    const struct step *here = &program->steps[at];
    switch (here->kind) {
    case STEP_SPLIT: stack[depth++] = (uint32_t)((int32_t)at + here->second); /* fall through */
    case STEP_JUMP: stack[depth++] = (uint32_t)((int32_t)at + here->first); break;
    case STEP_BEGIN:
      if (begin) stack[depth++] = at + 1;
      break;
    case STEP_END:
      if (end) stack[depth++] = at + 1;
      break;
    default: break;
    }
  }
}

static bool has_match(const struct program *program, const uint64_t *steps) {
  return has_step(steps, program->step_count - 1);
}

/* Whether the end of the text makes a match of what is reached. */
static bool match_at_end(const struct program *program, const uint64_t *steps, bool begin) {
  uint64_t reached[WORDS] = {0};
  for (uint32_t i = 0; i < program->step_count; i++) {
    if (has_step(steps, i) && (program->steps[i].kind == STEP_END || program->steps[i].kind == STEP_MATCH)) {
      reach(program, reached, i, begin, true);
    }
  }
  return has_match(program, reached);
}

/* The number of the state with these steps, a new one where there is none: the table may be emptied for it. State 0
 * is the start and nothing else. */
static int16_t intern(struct pattern *pattern, const uint64_t *steps, bool begin) {
  for (uint32_t i = 1; i < pattern->state_count; i++) {
    if (memcmp(pattern->states[i].steps, steps, sizeof pattern->states[i].steps) == 0) return (int16_t)i;
  }
  if (pattern->state_count == STATES_MAX) pattern->state_count = 1; /* state 0, the start, stays */
  struct state *state = &pattern->states[pattern->state_count];
  memcpy(state->steps, steps, sizeof state->steps);
  state->matches = has_match(&pattern->program, steps);
  state->matches_at_end = match_at_end(&pattern->program, steps, begin);
  memset(state->next, 0xFF, sizeof state->next);
  return (int16_t)pattern->state_count++;
}

static int16_t advance(struct pattern *pattern, int16_t from, uint8_t byte) {
  const struct program *program = &pattern->program;
  uint64_t steps[WORDS];
  memcpy(steps, pattern->everywhere, sizeof steps);
  for (uint32_t i = 0; i < program->step_count; i++) {
    if (!has_step(pattern->states[from].steps, i) || program->steps[i].kind != STEP_BYTE) continue;
    if (set_has(&program->sets[program->steps[i].set], byte)) reach(program, steps, i + 1, false, false);
  }
  uint32_t before = pattern->state_count;
  int16_t to = intern(pattern, steps, false);
  if (pattern->state_count < before) { /* emptied: what leads to forgotten states is forgotten too */
    memset(pattern->states[0].next, 0xFF, sizeof pattern->states[0].next);
  } else {
    pattern->states[from].next[byte] = to;
  }
  return to;
}

struct pattern *pattern_create(weir_span text, char error[PATTERN_ERROR_TEXT]) {
  struct pattern *pattern = calloc(1, sizeof *pattern);
  error[0] = 0;
  if (!pattern || !pattern_parse(&pattern->program, text, error)) {
    free(pattern);
    return NULL;
  }
  uint64_t start[WORDS] = {0};
  reach(&pattern->program, pattern->everywhere, 0, false, false);
  reach(&pattern->program, start, 0, true, false);
  intern(pattern, start, true);
  return pattern;
}

void pattern_destroy(struct pattern *pattern) { free(pattern); }

bool pattern_matches(struct pattern *pattern, weir_span text) {
  must(text.size <= PATTERN_VALUE_MAX);
  int16_t state = 0;
  for (size_t i = 0; i < text.size; i++) {
    if (pattern->states[state].matches) return true;
    int16_t next = pattern->states[state].next[text.data[i]];
    state = next != UNKNOWN ? next : advance(pattern, state, text.data[i]);
  }
  return pattern->states[state].matches || pattern->states[state].matches_at_end;
}
