/* yaml_traps.c: the sentences. They are chosen by looking at the line as it was written, since the parser's own words
 * ("did not find expected key") tell its state and not the mistake. */
#include "config/yaml_traps.h"
#include "base/check.h"
#include "base/span.h"
#include "config/node.h"
#include "config/report.h"
#include <stdio.h>
#include <string.h>

static const char *const code_keys[] = {"keep", "each", "when"};
enum { CODE_KEYS = sizeof code_keys / sizeof *code_keys };

bool yaml_traps_is_code_key(weir_span key) {
  for (size_t i = 0; i < CODE_KEYS; i++)
    if (span_is(key, code_keys[i])) return true;
  return false;
}

/* Line `number` of the text, without its end; empty beyond the last. */
static weir_span line_of(weir_span text, uint32_t number) {
  const uint8_t *at = text.data, *end = text.data + text.size;
  while (at < end && --number) {
    const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
    at = newline ? newline + 1 : end;
  }
  const uint8_t *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
  size_t size = (size_t)((newline ? newline : end) - at);
  if (size && at[size - 1] == '\r') size--;
  return (weir_span){at, size};
}

static weir_span skip(weir_span line, const char *bytes) {
  while (line.size && line.data[0] && strchr(bytes, line.data[0])) line = (weir_span){line.data + 1, line.size - 1};
  return line;
}

static bool starts_with(weir_span line, const char *text) {
  return line.size >= strlen(text) && memcmp(line.data, text, strlen(text)) == 0;
}

static bool is_tab_indented(weir_span line) {
  weir_span rest = skip(line, " \t");
  return rest.size && memchr(line.data, '\t', line.size - rest.size) != NULL;
}

/* When the line is `keep: VALUE`, `- each: VALUE` or such: the key, and *value the rest. NULL: it is not. */
static const char *code_line(weir_span line, weir_span *value) {
  weir_span rest = skip(line, " -{,");
  for (size_t i = 0; i < CODE_KEYS; i++) {
    size_t size = strlen(code_keys[i]);
    if (!starts_with(rest, code_keys[i]) || rest.size <= size || rest.data[size] != ':') continue;
    *value = skip((weir_span){rest.data + size + 1, rest.size - size - 1}, " \t");
    return code_keys[i];
  }
  return NULL;
}

/* `|` and what may stand beside it, or the code itself behind it. */
static bool is_block_start(weir_span value) {
  weir_span rest = skip(weir_bytes(value.data + 1, value.size - 1), "+-0123456789");
  rest = skip(rest, " \t");
  return !rest.size || rest.data[0] == '#';
}

/* Why YAML does not take this value as code; NULL: it would. */
static const char *code_flaw(weir_span value) {
  if (!value.size) return NULL;
  switch (value.data[0]) {
  case '"':
  case '\'': return "the code starts with a quote, so YAML ends it at the next one";
  case '{': return "the code starts with {, which starts a map in YAML";
  case '[': return "the code starts with [, which starts a list in YAML";
  case '!': return "the code starts with !, which starts a tag in YAML (Lua's negation is `not`)";
  case '|':
    if (is_block_start(value)) return NULL;
    return "the code stands behind the | on the same line";
  case '&':
  case '*':
  case '>':
  case '%':
  case '@':
  case '`': return "the code starts with a character that has a meaning in YAML";
  default: break;
  }
  if (starts_with(value, "- ")) return "the code starts with -, which starts an entry of a list in YAML";
  if (memmem(value.data, value.size, ": ", 2) || value.data[value.size - 1] == ':')
    return "the code has a colon with a space behind it, which YAML takes for a key";
  return NULL;
}

bool yaml_traps_explain_code(struct report *report, const char *file, weir_span text, uint32_t number) {
  weir_span value, line = line_of(text, number);
  const char *key = code_line(line, &value), *flaw = key ? code_flaw(value) : NULL;
  if (!flaw) return false;
  uint32_t column = (uint32_t)(value.data - line.data) + 1;
  report_add_at(report, file, number, column, "%s; write `%s: |` and the code on the next line, indented", flaw, key);
  return true;
}

/* `- {plugin: json, when: CODE}`: inside of braces commas and brackets end the code. */
static bool explain_flow(struct report *report, const char *file, weir_span text, const struct yaml_stumble *stumble) {
  if (!stumble->context || !strstr(stumble->context, "flow mapping")) return false;
  weir_span line = line_of(text, stumble->line);
  for (size_t i = 0; i < CODE_KEYS; i++) {
    char with_colon[16];
    snprintf(with_colon, sizeof with_colon, "%s: ", code_keys[i]);
    if (!line.size || !memmem(line.data, line.size, with_colon, strlen(with_colon))) continue;
    report_add_at(report, file, stumble->line, stumble->column,
        "inside of {} a comma, a colon or a bracket ends the code; write each key on a line of its own, and `%s: |`",
        code_keys[i]);
    return true;
  }
  return false;
}

/* `topics:[a]`: a name, a colon, and no space. */
static bool lacks_space(weir_span line) {
  weir_span rest = skip(line, " -");
  size_t size = 0;
  while (size < rest.size && (rest.data[size] == '_' || (rest.data[size] >= 'a' && rest.data[size] <= 'z'))) size++;
  return size && size + 1 < rest.size && rest.data[size] == ':' && rest.data[size + 1] != ' ' &&
         rest.data[size + 1] != '/';
}

/* The parser notices it on the same line or on the next. */
static bool explain_space(struct report *report, const char *file, weir_span text, uint32_t number) {
  for (uint32_t back = 0; back < 2 && back < number; back++) {
    weir_span line = line_of(text, number - back);
    if (!lacks_space(line)) continue;
    const uint8_t *colon = memchr(line.data, ':', line.size);
    report_add_at(
        report, file, number - back, (uint32_t)(colon - line.data) + 1, "a space is missing behind the colon");
    return true;
  }
  return false;
}

/* The parser's words, and ours; %u is the line in which what it was reading starts. */
static const struct phrase {
  const char *problem, *sentence;
} phrases[] = {
    {"unknown escape",
        "in double quotes a backslash starts an escape that YAML must know; write the text in single quotes"},
    {"mapping values are not allowed",
        "a key cannot stand here: check the indentation, and put a text with a colon in it in quotes"},
    {"did not find expected key",
        "a key was expected here, in the map that starts in line %u: check the indentation, and quotes that end too early"},
    {"found unexpected ':'", "put a text that has a colon in it in quotes, inside of [] and {}"},
    {"could not find expected ':'", "the key in line %u has no colon behind it"},
    {"expected ',' or ']'", "the list that [ starts in line %u is not closed with ], or a comma is missing"},
    {"expected ',' or '}'", "the map that { starts in line %u is not closed with }, or a comma is missing"},
    {"did not find expected '-' indicator",
        "an entry of the list that starts in line %u was expected here, with `- ` before it: check the indentation"},
    {"unexpected end of stream", "the quote in line %u is not closed"},
    {"cannot start any token", "a text cannot start with this character; put it in quotes"},
    {"block sequence entries are not allowed", "an entry of a list cannot stand here: it starts on a line of its own"},
};

static void explain_plainly(struct report *report, const char *file, const struct yaml_stumble *stumble) {
  char sentence[256];
  for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
    if (!strstr(stumble->problem, phrases[i].problem)) continue;
    const char *number = strstr(phrases[i].sentence, "%u");
    int before = number ? (int)(number - phrases[i].sentence) : (int)strlen(phrases[i].sentence);
    if (number)
      snprintf(sentence, sizeof sentence, "%.*s%u%s", before, phrases[i].sentence, stumble->context_line, number + 2);
    else
      snprintf(sentence, sizeof sentence, "%s", phrases[i].sentence);
    report_add_at(report, file, stumble->line, stumble->column, "%s", sentence);
    return;
  }
  report_add_at(report, file, stumble->line, stumble->column, "this is not YAML: %s%s%s", stumble->problem,
      stumble->context ? ", " : "", stumble->context ? stumble->context : "");
}

void yaml_traps_explain(struct report *report, const char *file, weir_span text, const struct yaml_stumble *stumble) {
  must(stumble->problem != NULL && stumble->line > 0);
  if (is_tab_indented(line_of(text, stumble->line))) {
    report_add_at(
        report, file, stumble->line, 1, "the line is indented with a tab; YAML takes only spaces, so use those");
    return;
  }
  if (yaml_traps_explain_code(report, file, text, stumble->line)) return;
  if (stumble->context_line && yaml_traps_explain_code(report, file, text, stumble->context_line)) return;
  if (explain_flow(report, file, text, stumble)) return;
  if (explain_space(report, file, text, stumble->line)) return;
  explain_plainly(report, file, stumble);
}

bool yaml_traps_code_is_whole(struct report *report, const struct weir_config *node, const char *key) {
  static const char advice[] = "and the code on the next line, indented";
  const char *flaw = NULL;
  if (node->kind == NODE_LIST)
    flaw = "the code starts with [, which starts a list in YAML";
  else if (node->kind == NODE_MAP)
    flaw = "the code starts with {, or has a colon with a space behind it, which makes it a map in YAML";
  else if (node->comment_behind)
    flaw = "YAML cuts the code at # with a space before it, as a comment";
  else if (node->style == STYLE_FOLDED || (node->style != STYLE_LITERAL && node->end_line > node->line))
    flaw = "YAML joins these lines to one, so a Lua comment would swallow the rest";
  else if (node_is_null(node))
    flaw = "there is no code";
  if (!flaw) return true;
  return report_add(report, node, "%s; write `%s: |` %s", flaw, key, advice);
}
