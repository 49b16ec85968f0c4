/* node_print.c: plain where a plain scalar is safe beyond doubt, double quotes where it is not, a block for code. */
#include "config/node_print.h"
#include "base/check.h"
#include "base/span.h"
#include "base/text.h"
#include "config/node.h"
#include <string.h>

static void print_indent(FILE *out, int indent) { fprintf(out, "%*s", indent, ""); }

/* On one line, printable, and without what YAML takes for a comment or a key; not what would read as nothing. */
static bool is_plain(weir_span text) {
  static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./^";
  if (!text.size || text.size > 200 || !text.data[0] || !strchr(first, text.data[0]) || span_is(text, "null"))
    return false;
  for (size_t i = 0; i < text.size; i++) {
    uint8_t byte = text.data[i], next = i + 1 < text.size ? text.data[i + 1] : ' ';
    if (byte < ' ' || byte > '~' || (byte == ':' && next == ' ') || (byte == ' ' && next == '#')) return false;
  }
  return text.data[text.size - 1] != ' ';
}

/* YAML ends a line at more characters than Lua does, and refuses some. */
static bool is_line_end_or_refused(weir_span rest, size_t size) {
  static const char *const characters[] = {
      "\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF", "\xEF\xBF\xBE", "\xEF\xBF\xBF"};
  if (size == 1) return (rest.data[0] < ' ' && rest.data[0] != '\n' && rest.data[0] != '\t') || rest.data[0] == 0x7F;
  for (size_t i = 0; size == 3 && i < sizeof characters / sizeof *characters; i++)
    if (memcmp(rest.data, characters[i], 3) == 0) return true;
  return size == 0 || (size == 2 && rest.data[0] == 0xC2 && rest.data[1] < 0xA0);
}

/* What is refused or ends a line, written as an escape. */
static void print_escape(FILE *out, weir_span rest, size_t size) {
  const uint8_t *bytes = rest.data;
  if (size == 3) fprintf(out, "\\u%04x", (bytes[0] & 0xFu) << 12 | (bytes[1] & 0x3Fu) << 6 | (bytes[2] & 0x3Fu));
  if (size < 3) fprintf(out, "\\x%02x", bytes[size == 2]); /* of two bytes the second one is the code point here */
}

/* One character of a double-quoted scalar; returns how many bytes it was. */
static size_t print_quoted_character(FILE *out, weir_span rest) {
  static const char named[] = "\"\\\n\t", names[] = "\"\\nt";
  size_t size = text_utf8(rest);
  const char *at = rest.data[0] ? strchr(named, rest.data[0]) : NULL;
  if (at) fprintf(out, "\\%c", names[at - named]);
  if (!at && is_line_end_or_refused(rest, size)) print_escape(out, rest, size);
  if (!at && !is_line_end_or_refused(rest, size)) fwrite(rest.data, 1, size, out);
  return size ? size : 1;
}

static void print_quoted(FILE *out, weir_span text, bool interpolates) {
  fputc('"', out);
  while (text.size) {
    if (interpolates && text.size > 1 && text.data[0] == '$' && text.data[1] == '{') fputc('$', out);
    size_t size = print_quoted_character(out, text);
    text = weir_bytes(text.data + size, text.size - size);
  }
  fputc('"', out);
}

static bool has_reference(weir_span text) { return text.size && memmem(text.data, text.size, "${", 2); }

void node_print_scalar(FILE *out, weir_span text) {
  if (is_plain(text) && !has_reference(text))
    fwrite(text.data, 1, text.size, out);
  else
    print_quoted(out, text, true);
}

/* A block keeps lines as they are, when its first one does not start in white space, which would count as indentation. */
static bool is_block(weir_span code) {
  if (!code.size || !code.data[0] || strchr(" \t\n", code.data[0])) return false;
  while (code.size) {
    size_t size = text_utf8(code);
    if (is_line_end_or_refused(code, size)) return false;
    code = weir_bytes(code.data + size, code.size - size);
  }
  return true;
}

static void print_block(FILE *out, int indent, weir_span code) {
  size_t ends = 0;
  while (ends < code.size && code.data[code.size - 1 - ends] == '\n') ends++;
  fputs(ends == 0 ? "|-\n" : ends == 1 ? "|\n" : "|+\n", out);
  while (code.size) {
    const uint8_t *newline = memchr(code.data, '\n', code.size);
    size_t size = newline ? (size_t)(newline - code.data) : code.size;
    if (size) print_indent(out, indent);
    fwrite(code.data, 1, size, out);
    fputc('\n', out);
    size_t taken = newline ? size + 1 : size;
    code = weir_bytes(code.data + taken, code.size - taken);
  }
}

void node_print_code(FILE *out, int indent, const char *key, weir_span code) {
  print_indent(out, indent);
  fprintf(out, "%s: ", key);
  if (is_plain(code))
    fprintf(out, "%.*s\n", SPAN_ARGS(code));
  else if (is_block(code))
    print_block(out, indent + 2, code);
  else {
    print_quoted(out, code, false);
    fputc('\n', out);
  }
}

void node_print_text(FILE *out, int indent, const char *key, const char *text, bool masked) {
  print_indent(out, indent);
  node_print_scalar(out, span_of(key));
  fputs(": ", out);
  node_print_scalar(out, span_of(masked ? "***" : text));
  fputc('\n', out);
}

static void print_value(FILE *out, const struct weir_config *node) {
  fputc(' ', out);
  if (node->masked)
    node_print_scalar(out, span_of("***"));
  else if (node_is_null(node))
    fputs("null", out);
  else
    node_print_scalar(out, node->text);
  fputc('\n', out);
}

/* Keys are taken as they are, never interpolated. YAML sees a key only where its colon comes within 1,024 characters; a longer
 * one is announced. */
static void print_key(FILE *out, weir_span key, int indent) {
  enum { SHORT = 200 };
  if (key.size > SHORT) fputs("? ", out);
  if (is_plain(key))
    fwrite(key.data, 1, key.size, out);
  else
    print_quoted(out, key, false);
  if (key.size > SHORT) fprintf(out, "\n%*s", indent, "");
  fputc(':', out);
}

/* Entry by entry, `indent` spaces in; the first stands where the line is already, behind the "- " of a list. */
static void print_entries(FILE *out, const struct weir_config *node, int indent, bool first_is_indented) {
  for (uint32_t i = 0; i < node->count; i++) {
    const struct weir_config *child = node->children[i];
    if (i || !first_is_indented) print_indent(out, indent);
    if (node->kind == NODE_MAP)
      print_key(out, child->key, indent);
    else
      fputc('-', out);
    if (node->kind == NODE_LIST && child->kind != NODE_SCALAR && child->count) {
      fputc(' ', out);
      print_entries(out, child, indent + 2, true);
    } else
      node_print(out, child, indent + 2);
  }
}

void node_print(FILE *out, const struct weir_config *node, int indent) {
  if (node->kind == NODE_SCALAR)
    print_value(out, node);
  else if (!node->count)
    fputs(node->kind == NODE_LIST ? " []\n" : " {}\n", out);
  else {
    fputc('\n', out);
    print_entries(out, node, indent, false);
  }
}
