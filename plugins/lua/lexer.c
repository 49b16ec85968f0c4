/* lexer.c: tokens, and which bracket or block each belongs to. */
#include "lexer.h"
#include <stdlib.h>
#include <string.h>

enum { NESTING_MAX = 400 }; /* Lua itself gives up at 200 */
#define NO_PARTNER UINT32_MAX

struct lexer {
  const char *code;
  size_t size, at;
  struct tokens *tokens;
  uint32_t open[NESTING_MAX]; /* tokens that opened a bracket or a block */
  uint32_t depth;
};

static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char peek(const struct lexer *lexer, size_t ahead) {
  return lexer->at + ahead < lexer->size ? lexer->code[lexer->at + ahead] : 0;
}

bool token_is(const struct token *token, const char *code, const char *text) {
  size_t size = strlen(text);
  return token->end - token->start == size && memcmp(code + token->start, text, size) == 0;
}

static bool is_keyword(const struct token *token, const char *code) {
  static const char *const keywords[] = {"and", "break", "do", "else", "elseif", "end", "false", "for", "function",
      "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"};
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
    if (token_is(token, code, keywords[i])) return true;
  return false;
}

/* ---- Texts ---- */

/* The number of '=' of a long bracket that opens here, -1: none does. */
static int long_level(const struct lexer *lexer) {
  size_t level = 0;
  if (peek(lexer, 0) != '[') return -1;
  while (peek(lexer, 1 + level) == '=') level++;
  return peek(lexer, 1 + level) == '[' ? (int)level : -1;
}

static bool skip_long(struct lexer *lexer, int level) {
  for (lexer->at += (size_t)level + 2; lexer->at < lexer->size; lexer->at++) {
    if (lexer->code[lexer->at] != ']') continue;
    size_t equals = 0;
    while (peek(lexer, 1 + equals) == '=') equals++;
    if (equals != (size_t)level || peek(lexer, 1 + equals) != ']') continue;
    lexer->at += equals + 2;
    return true;
  }
  return false;
}

static bool skip_quoted(struct lexer *lexer) {
  char quote = lexer->code[lexer->at++];
  while (lexer->at < lexer->size && lexer->code[lexer->at] != quote) {
    if (lexer->code[lexer->at] == '\n') return false;
    if (lexer->code[lexer->at] == '\\') lexer->at++;
    /* \z steps over the line's end as well */
    if (peek(lexer, 0) == 'z' && lexer->code[lexer->at - 1] == '\\')
      while (peek(lexer, 1) && strchr(" \t\r\n\f\v", peek(lexer, 1))) lexer->at++;
    lexer->at++;
  }
  if (lexer->at >= lexer->size) return false;
  lexer->at++;
  return true;
}

static bool skip_comment(struct lexer *lexer) {
  lexer->at += 2;
  int level = long_level(lexer);
  if (level >= 0) return skip_long(lexer, level);
  while (lexer->at < lexer->size && lexer->code[lexer->at] != '\n') lexer->at++;
  return true;
}

static bool skip_blank(struct lexer *lexer) {
  for (;;) {
    while (peek(lexer, 0) && strchr(" \t\r\n\f\v", peek(lexer, 0))) lexer->at++;
    if (peek(lexer, 0) != '-' || peek(lexer, 1) != '-') return true;
    if (!skip_comment(lexer)) return false;
  }
}

static void skip_number(struct lexer *lexer) {
  bool hex = peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X');
  const char *exponents = hex ? "pP" : "eE";
  for (;;) {
    char c = peek(lexer, 0);
    if (c && strchr(exponents, c) && (peek(lexer, 1) == '+' || peek(lexer, 1) == '-'))
      lexer->at += 2;
    else if (is_digit(c) || is_name_start(c) || c == '.')
      lexer->at++;
    else
      return;
  }
}

static char skip_symbol(struct lexer *lexer) {
  static const char *const longer[] = {"...", "==", "~=", "<=", ">=", "//", "::", "<<", ">>", ".."};
  for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
    size_t size = strlen(longer[i]);
    if (lexer->size - lexer->at < size || memcmp(lexer->code + lexer->at, longer[i], size) != 0) continue;
    lexer->at += size;
    return 0;
  }
  return lexer->code[lexer->at++];
}

/* ---- Tokens ---- */

static bool read_token(struct lexer *lexer, struct token *token) {
  char c = peek(lexer, 0);
  int level = long_level(lexer);
  *token = (struct token){.start = (uint32_t)lexer->at, .partner = NO_PARTNER};
  if (is_name_start(c)) {
    while (is_name_start(peek(lexer, 0)) || is_digit(peek(lexer, 0))) lexer->at++;
  } else if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
    token->kind = TOKEN_NUMBER;
    skip_number(lexer);
  } else if (level >= 0 || c == '"' || c == '\'') {
    token->kind = TOKEN_STRING;
    if (!(level >= 0 ? skip_long(lexer, level) : skip_quoted(lexer))) return false;
  } else {
    token->kind = TOKEN_SYMBOL;
    token->symbol = skip_symbol(lexer);
  }
  token->end = (uint32_t)lexer->at;
  if (token->kind == TOKEN_NAME && is_keyword(token, lexer->code)) token->kind = TOKEN_KEYWORD;
  return true;
}

static bool opens(const struct token *token, const char *code) {
  if (token->kind == TOKEN_SYMBOL) return token->symbol == '(' || token->symbol == '[' || token->symbol == '{';
  return token->kind == TOKEN_KEYWORD && (token_is(token, code, "function") || token_is(token, code, "do") ||
                                             token_is(token, code, "if") || token_is(token, code, "repeat"));
}

static bool closes(const struct token *token, const char *code) {
  if (token->kind == TOKEN_SYMBOL) return token->symbol == ')' || token->symbol == ']' || token->symbol == '}';
  return token->kind == TOKEN_KEYWORD && (token_is(token, code, "end") || token_is(token, code, "until"));
}

static bool matches(const struct token *opener, const struct token *closer) {
  if (opener->kind != closer->kind) return false;
  if (closer->kind == TOKEN_KEYWORD) return true;
  return opener->symbol == (closer->symbol == ')' ? '(' : closer->symbol == ']' ? '[' : '{');
}

/* Keeps track of what is open; false: brackets do not match. */
static bool nest(struct lexer *lexer, uint32_t index) {
  struct token *list = lexer->tokens->list, *token = &list[index];
  token->in_table = lexer->depth > 0 && list[lexer->open[lexer->depth - 1]].symbol == '{';
  if (opens(token, lexer->code)) {
    if (lexer->depth == NESTING_MAX) return false;
    lexer->open[lexer->depth++] = index;
  } else if (closes(token, lexer->code)) {
    if (lexer->depth == 0 || !matches(&list[lexer->open[lexer->depth - 1]], token)) return false;
    token->partner = lexer->open[--lexer->depth];
    list[token->partner].partner = index;
  }
  return true;
}

static bool tokens_grow(struct tokens *tokens) {
  if (tokens->count < tokens->room) return true;
  uint32_t room = tokens->room ? tokens->room * 2 : 64;
  struct token *list = realloc(tokens->list, room * sizeof *list);
  if (!list) return false;
  tokens->list = list;
  tokens->room = room;
  return true;
}

bool tokens_read(struct tokens *tokens, const char *code, size_t size) {
  struct lexer lexer = {.code = code, .size = size, .tokens = tokens};
  *tokens = (struct tokens){0};
  while (skip_blank(&lexer)) {
    if (lexer.at >= size) return lexer.depth == 0;
    if (!tokens_grow(tokens) || !read_token(&lexer, &tokens->list[tokens->count])) return false;
    if (!nest(&lexer, tokens->count++)) return false;
  }
  return false;
}

void tokens_free(struct tokens *tokens) {
  free(tokens->list);
  *tokens = (struct tokens){0};
}
