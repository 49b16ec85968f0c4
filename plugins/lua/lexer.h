/* lexer.h: Lua text as tokens, as much as rewrite.c needs. */
#ifndef WEIR_PLUGINS_LUA_LEXER_H
#define WEIR_PLUGINS_LUA_LEXER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
  TOKEN_NAME,
  TOKEN_KEYWORD,
  TOKEN_STRING,
  TOKEN_NUMBER,
  TOKEN_SYMBOL, /* one character but for == ~= <= >= // :: << >> .. ... , whose `symbol` is 0 */
};

struct token {
  enum token_kind kind;
  char symbol;         /* of TOKEN_SYMBOL */
  uint32_t start, end; /* bytes of the text */
  uint32_t partner;    /* of a bracket: the other one; of end and until: what they close */
  bool in_table;       /* the innermost open bracket or block is '{' */
};

struct tokens {
  struct token *list; /* malloc'ed */
  uint32_t count, room;
};

/* False: no memory, or text that is no Lua. tokens_free() in any case. */
bool tokens_read(struct tokens *tokens, const char *code, size_t size);
void tokens_free(struct tokens *tokens);
bool token_is(const struct token *token, const char *code, const char *text);

#endif
