/* pattern_parse.c: the text of a pattern into steps, by descent: alternatives, branches, pieces, atoms. Each
 * function appends the steps of what it read; a repetition copies, moves or wraps the steps of the piece before it. */
#include "pattern_inside.h"
#include <common/must.h>
#include <ctype.h>
#include <string.h>

struct parser {
  struct program *program;
  const uint8_t *text;
  size_t size, at;
  uint32_t depth;
  char *error;
};

static bool refuse(const struct parser *parser, const char *sentence) {
  snprintf(parser->error, PATTERN_ERROR_TEXT, "character %zu of the pattern: %s", parser->at + 1, sentence);
  return false;
}

/* The byte at the place of reading, 0 at the end (a pattern has no zero bytes). */
static uint8_t peek(const struct parser *parser) { return parser->at < parser->size ? parser->text[parser->at] : 0; }

/* ---- Steps ---- */

static bool add_step(struct parser *parser, struct step step) {
  struct program *program = parser->program;
  if (program->step_count == PATTERN_STEPS_MAX)
    return refuse(parser, "with all repetitions written out it is too long");
  program->steps[program->step_count++] = step;
  return true;
}

static bool add_set(struct parser *parser, const struct byte_set *set) {
  struct program *program = parser->program;
  uint32_t number = 0;
  while (number < program->set_count && memcmp(&program->sets[number], set, sizeof *set) != 0) number++;
  if (number == PATTERN_SETS_MAX) return refuse(parser, "it has too many different characters and brackets");
  if (number == program->set_count) program->sets[program->set_count++] = *set;
  return add_step(parser, (struct step){.kind = STEP_BYTE, .set = number});
}

static bool add_byte(struct parser *parser, uint8_t byte) {
  struct byte_set set = {{0}};
  set_add(&set, byte);
  return add_set(parser, &set);
}

static void add_range(struct byte_set *set, unsigned from, unsigned to) {
  for (unsigned byte = from; byte <= to; byte++) set_add(set, (uint8_t)byte);
}

/* A set that holds the first bytes of longer characters takes the others too: they are of no use to any other step. */
static bool add_characters(struct parser *parser, struct byte_set *set) {
  struct byte_set others = {{0}};
  add_range(set, 0xC2, 0xF4);
  add_range(&others, 0x80, 0xBF);
  return add_set(parser, set) && add_step(parser, (struct step){.kind = STEP_SPLIT, .first = 1, .second = 3}) &&
         add_set(parser, &others) && add_step(parser, (struct step){.kind = STEP_JUMP, .first = -2});
}

/* Moves the steps from `start` on by one and writes `step` before them. */
static bool insert_step(struct parser *parser, uint32_t start, struct step step) {
  struct program *program = parser->program;
  if (!add_step(parser, step)) return false;
  uint32_t count = program->step_count - 1 - start;
  memmove(&program->steps[start + 1], &program->steps[start], count * sizeof step);
  program->steps[start] = step;
  return true;
}

static bool copy_steps(struct parser *parser, const struct step *steps, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (!add_step(parser, steps[i])) return false;
  }
  return true;
}

/* ---- Brackets ---- */

static bool add_class(struct parser *parser, struct byte_set *set) {
  static const struct {
    const char *name;
    int (*has)(int);
  } classes[] = {{"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum}, {"upper", isupper}, {"lower", islower},
      {"space", isspace}, {"blank", isblank}, {"punct", ispunct}, {"print", isprint}, {"graph", isgraph},
      {"cntrl", iscntrl}, {"xdigit", isxdigit}};
  const char *name = (const char *)parser->text + parser->at + 2;
  size_t left = parser->size - parser->at - 2;
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    size_t length = strlen(classes[i].name);
    if (left < length + 2 || memcmp(name, classes[i].name, length) != 0 || memcmp(name + length, ":]", 2) != 0)
      continue;
    for (int byte = 0; byte < 128; byte++) {
      if (classes[i].has(byte)) set_add(set, (uint8_t)byte);
    }
    parser->at += length + 4;
    return true;
  }
  return refuse(parser, "there is no such class; [:alpha:], [:digit:], [:alnum:], [:space:] and so on are known");
}

/* One character or range inside brackets. */
static bool add_item(struct parser *parser, struct byte_set *set) {
  uint8_t from = peek(parser), next = parser->at + 1 < parser->size ? parser->text[parser->at + 1] : 0;
  if (from == '[' && next == ':') return add_class(parser, set);
  if (from == '[' && (next == '=' || next == '.')) return refuse(parser, "[= and [. are not supported");
  if (from == '\\' && strchr("dwsDWSnrt", next) && next) {
    return refuse(parser, "inside brackets a backslash stands for itself; write [:digit:], [:alnum:]_ or [:space:]");
  }
  if (from >= 0x80) return refuse(parser, "inside brackets only ASCII is supported; write (\xC3\xA4|\xC3\xB6) instead");
  parser->at++;
  if (peek(parser) != '-' || parser->at + 1 >= parser->size || parser->text[parser->at + 1] == ']') {
    set_add(set, from);
    return true;
  }
  uint8_t to = parser->text[parser->at + 1];
  if (to >= 0x80 || to < from || to == '[')
    return refuse(parser, "the range ends before it starts, or not in a plain character");
  add_range(set, from, to);
  parser->at += 2;
  return true;
}

static bool parse_brackets(struct parser *parser) {
  struct byte_set set = {{0}};
  size_t start = parser->at++;
  bool negated = peek(parser) == '^';
  if (negated) parser->at++;
  bool first = true;
  while (first || peek(parser) != ']') {
    if (parser->at >= parser->size) {
      parser->at = start;
      return refuse(parser, "the bracket has no end");
    }
    if (!add_item(parser, &set)) return false;
    first = false;
  }
  parser->at++;
  if (!negated) return add_set(parser, &set);
  set.bits[0] = ~set.bits[0];
  set.bits[1] = ~set.bits[1];
  return add_characters(parser, &set);
}

/* ---- Atoms ---- */

static bool parse_alternatives(struct parser *parser);

static bool parse_group(struct parser *parser) {
  size_t start = parser->at++;
  if (peek(parser) == '?') return refuse(parser, "(? is of another dialect; a plain ( groups");
  if (++parser->depth > PATTERN_DEPTH_MAX) return refuse(parser, "parentheses nested too deeply");
  if (!parse_alternatives(parser)) return false;
  if (peek(parser) != ')') {
    parser->at = start;
    return refuse(parser, "the parenthesis has no end");
  }
  parser->depth--;
  parser->at++;
  return true;
}

static bool parse_escape(struct parser *parser) {
  uint8_t byte = parser->at + 1 < parser->size ? parser->text[parser->at + 1] : 0;
  if (byte == 0) return refuse(parser, "a backslash at the end");
  if (byte == 'd') return refuse(parser, "\\d is of another dialect; write [0-9]");
  if (byte == 'w') return refuse(parser, "\\w is of another dialect; write [[:alnum:]_]");
  if (byte == 's') return refuse(parser, "\\s is of another dialect; write [[:space:]]");
  if (isdigit(byte)) return refuse(parser, "back-references are not supported");
  if (isalpha(byte)) return refuse(parser, "a backslash before a letter has no meaning here");
  parser->at += 2;
  return add_byte(parser, byte);
}

/* All bytes of one character, so that a repetition behind it repeats them all. */
static bool parse_character(struct parser *parser) {
  do {
    if (!add_byte(parser, peek(parser))) return false;
    parser->at++;
  } while ((peek(parser) & 0xC0) == 0x80);
  return true;
}

static bool parse_atom(struct parser *parser) {
  struct byte_set any = {{~UINT64_C(0), ~UINT64_C(0), 0, 0}};
  switch (peek(parser)) {
  case '(': return parse_group(parser);
  case '[': return parse_brackets(parser);
  case '\\': return parse_escape(parser);
  case '.': parser->at++; return add_characters(parser, &any);
  case '^': parser->at++; return add_step(parser, (struct step){.kind = STEP_BEGIN});
  case '$': parser->at++; return add_step(parser, (struct step){.kind = STEP_END});
  case '*':
  case '+':
  case '?':
  case '{':
    return refuse(parser, "a repetition with nothing before it; for the character itself put a backslash before it");
  default: return parse_character(parser);
  }
}

/* ---- Repetitions ---- */

enum { REPEAT_MAX = 255, UNBOUNDED = -1 };

static bool parse_count(struct parser *parser, int *count) {
  if (!isdigit(peek(parser)))
    return refuse(parser, "expected a number as in {2,5}; for the character itself write \\{");
  for (*count = 0; isdigit(peek(parser)); parser->at++) {
    *count = *count * 10 + (peek(parser) - '0');
    if (*count > REPEAT_MAX) return refuse(parser, "a repetition is at most 255");
  }
  return true;
}

/* {n} {n,} {n,m} * + ? */
static bool parse_repetition(struct parser *parser, int *least, int *most) {
  uint8_t byte = peek(parser);
  *least = byte == '+';
  *most = byte == '?' ? 1 : UNBOUNDED;
  parser->at++;
  if (byte != '{') return true;
  if (!parse_count(parser, least)) return false;
  *most = *least;
  if (peek(parser) == ',') {
    parser->at++;
    *most = UNBOUNDED;
    if (peek(parser) != '}' && !parse_count(parser, most)) return false;
  }
  if (peek(parser) != '}') return refuse(parser, "expected }");
  if (*most != UNBOUNDED && *most < *least) return refuse(parser, "the repetition ends before it starts");
  parser->at++;
  return true;
}

/* The piece's steps at the end of the program, `least` to `most` times. */
static bool repeat(struct parser *parser, uint32_t start, int least, int most) {
  struct program *program = parser->program;
  struct step piece[PATTERN_STEPS_MAX];
  uint32_t count = program->step_count - start;
  int32_t length = (int32_t)count;
  memcpy(piece, &program->steps[start], count * sizeof *piece);
  program->step_count = start;
  for (int i = 0; i < least; i++) {
    if (!copy_steps(parser, piece, count)) return false;
  }
  if (most == UNBOUNDED) {
    return add_step(parser, (struct step){.kind = STEP_SPLIT, .first = 1, .second = length + 2}) &&
           copy_steps(parser, piece, count) &&
           add_step(parser, (struct step){.kind = STEP_JUMP, .first = -(length + 1)});
  }
  for (int left = most - least; left > 0; left--) {
    int32_t rest = left * (length + 1);
    if (!add_step(parser, (struct step){.kind = STEP_SPLIT, .first = 1, .second = rest})) return false;
    if (!copy_steps(parser, piece, count)) return false;
  }
  return true;
}

static bool is_repetition(uint8_t byte) { return byte == '*' || byte == '+' || byte == '?' || byte == '{'; }

static bool parse_piece(struct parser *parser) {
  uint32_t start = parser->program->step_count;
  bool anchor = peek(parser) == '^' || peek(parser) == '$';
  int least, most;
  if (!parse_atom(parser)) return false;
  if (!is_repetition(peek(parser))) return true;
  if (anchor) return refuse(parser, "^ and $ cannot be repeated");
  if (!parse_repetition(parser, &least, &most)) return false;
  if (is_repetition(peek(parser))) return refuse(parser, "two repetitions in a row; (a+)? says it with parentheses");
  return repeat(parser, start, least, most);
}

/* ---- Branches ---- */

static bool ends_branch(const struct parser *parser) {
  return parser->at >= parser->size || peek(parser) == '|' || (peek(parser) == ')' && parser->depth > 0);
}

static bool parse_branch(struct parser *parser) {
  if (ends_branch(parser)) return refuse(parser, "expected a pattern here; an empty one matches everything");
  while (!ends_branch(parser)) {
    if (!parse_piece(parser)) return false;
  }
  return true;
}

static bool parse_alternatives(struct parser *parser) {
  struct program *program = parser->program;
  uint32_t start = program->step_count;
  if (!parse_branch(parser)) return false;
  if (peek(parser) != '|') return true;
  parser->at++;
  int32_t length = (int32_t)(program->step_count - start);
  if (!insert_step(parser, start, (struct step){.kind = STEP_SPLIT, .first = 1, .second = length + 2})) return false;
  uint32_t jump = program->step_count;
  if (!add_step(parser, (struct step){.kind = STEP_JUMP}) || !parse_alternatives(parser)) return false;
  program->steps[jump].first = (int32_t)(program->step_count - jump);
  return true;
}

bool pattern_parse(struct program *program, weir_span text, char error[PATTERN_ERROR_TEXT]) {
  struct parser parser = {.program = program, .text = text.data, .size = text.size, .error = error};
  program->step_count = program->set_count = 0;
  if (text.size > PATTERN_TEXT_MAX) {
    snprintf(error, PATTERN_ERROR_TEXT, "the pattern has %zu bytes, expected at most %d", text.size, PATTERN_TEXT_MAX);
    return false;
  }
  if (text.size && memchr(text.data, 0, text.size)) {
    snprintf(error, PATTERN_ERROR_TEXT, "the pattern has a zero byte");
    return false;
  }
  if (!parse_alternatives(&parser)) return false;
  must(parser.at == parser.size);
  return add_step(&parser, (struct step){.kind = STEP_MATCH});
}
