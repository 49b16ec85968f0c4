/* rewrite.c: finds the targets of assignments from their '=' backwards. A chain of names, indexes and calls has one
 * reading in that direction too: what stands before it cannot be part of it, or the compiler would have read it on. */
#include "rewrite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lexer.h"

enum { STEPS_MAX = 64 };

/* A piece of text to put in place of `end - start` bytes. */
struct edit {
  uint32_t start, end;
  char text[8];
  bool quoted; /* the text replaced stays, in quotes, in front of `text` */
};

struct rewriter {
  const char *code;
  size_t size;
  struct tokens tokens;
  struct edit *edits;
  size_t edit_count, edit_room;
  bool failed;
};

static bool is_symbol(const struct token *token, char symbol) {
  return token->kind == TOKEN_SYMBOL && token->symbol == symbol;
}

static const struct token *token_at(const struct rewriter *rewriter, uint32_t index) {
  return &rewriter->tokens.list[index];
}

static void edit(struct rewriter *rewriter, uint32_t start, uint32_t end, bool quoted, const char *text) {
  if (rewriter->edit_count == rewriter->edit_room) {
    size_t room = rewriter->edit_room ? rewriter->edit_room * 2 : 32;
    struct edit *edits = realloc(rewriter->edits, room * sizeof *edits);
    rewriter->failed |= !edits;
    if (!edits) return;
    rewriter->edits = edits;
    rewriter->edit_room = room;
  }
  struct edit *added = &rewriter->edits[rewriter->edit_count++];
  *added = (struct edit){.start = start, .end = end, .quoted = quoted};
  strncpy(added->text, text, sizeof added->text - 1);
}

/* ---- Reading a chain backwards ---- */

/* The target of an assignment: `start` is its first token; steps are its last indexes, the last one first, each by
 * its token: the name behind a dot, or the closing bracket. */
struct chain {
  uint32_t start, steps[STEPS_MAX], count;
};

/* What can stand before the arguments of a call. */
static bool can_be_called(const struct token *token) {
  return token->kind == TOKEN_NAME || token->kind == TOKEN_STRING ||
         (token->kind == TOKEN_SYMBOL && (token->symbol == ')' || token->symbol == ']' || token->symbol == '}'));
}

/* One link of the chain that ends at token *at. 1: an index; 0: the first link; 2: a call; -1: no chain. *at moves to
 * the link's first token. */
static int link_before(const struct rewriter *rewriter, uint32_t *at) {
  const struct token *token = token_at(rewriter, *at), *before = *at > 0 ? token - 1 : NULL;
  if (token->kind == TOKEN_NAME) {
    if (before && is_symbol(before, '.')) return --*at, 1;
    if (before && is_symbol(before, ':')) return --*at, 2;
    return 0;
  }
  bool called = before && can_be_called(before);
  if (token->kind == TOKEN_STRING) return called ? 2 : -1;
  if (token->kind != TOKEN_SYMBOL || !strchr(")]}", token->symbol) || !token->symbol) return -1;
  *at = token->partner;
  before = *at > 0 ? token_at(rewriter, *at - 1) : NULL;
  if (token->symbol == ']') return 1;
  called = before && can_be_called(before);
  return called ? 2 : token->symbol == ')' ? 0 : -1;
}

static bool read_chain(const struct rewriter *rewriter, uint32_t last, struct chain *chain) {
  uint32_t at = last;
  bool indexes = true;
  chain->count = 0;
  for (;;) {
    uint32_t end = at;
    int link = link_before(rewriter, &at);
    if (link < 0) return false;
    if (link == 0) break;
    indexes = indexes && link == 1;
    if (indexes && chain->count == STEPS_MAX) return false;
    if (indexes) chain->steps[chain->count++] = end;
    if (at == 0) return false;
    at--;
  }
  chain->start = at;
  return true;
}

/* ---- Rewriting ---- */

/* `record.json.x = v` needs no help: record.json is only missing of a tombstone, and that is told. */
static bool is_plain(const struct rewriter *rewriter, const struct chain *chain) {
  const struct token *json = token_at(rewriter, chain->steps[chain->count - 1]);
  return chain->count == 2 && chain->steps[1] == chain->start + 2 && json->kind == TOKEN_NAME &&
         token_is(json, rewriter->code, "json") && token_is(token_at(rewriter, chain->start), rewriter->code, "record");
}

static void rewrite_chain(struct rewriter *rewriter, const struct chain *chain) {
  if (chain->count < 2 || is_plain(rewriter, chain)) return;
  uint32_t start = token_at(rewriter, chain->start)->start;
  for (uint32_t i = 1; i < chain->count; i++) {
    const struct token *step = token_at(rewriter, chain->steps[i]);
    edit(rewriter, start, start, false, "__at(");
    if (step->kind == TOKEN_NAME) {
      edit(rewriter, step[-1].start, step[-1].end, false, ",");
      edit(rewriter, step->start, step->end, true, ")");
    } else {
      const struct token *opener = token_at(rewriter, step->partner);
      edit(rewriter, opener->start, opener->end, false, ",");
      edit(rewriter, step->start, step->end, false, ")");
    }
  }
}

/* The targets before the '=' at that token: a.b.c, d.e.f = ... */
static void rewrite_targets(struct rewriter *rewriter, uint32_t equals) {
  struct chain chain;
  uint32_t at = equals;
  while (at > 0 && read_chain(rewriter, at - 1, &chain)) {
    rewrite_chain(rewriter, &chain);
    if (chain.start == 0 || !is_symbol(token_at(rewriter, chain.start - 1), ',')) return;
    at = chain.start - 1;
  }
}

static int compare_edits(const void *a, const void *b) {
  const struct edit *left = a, *right = b;
  if (left->start != right->start) return left->start < right->start ? -1 : 1;
  return (left->end > right->end) - (left->end < right->end);
}

static char *apply(struct rewriter *rewriter, size_t *size) {
  size_t room = rewriter->size + rewriter->edit_count * (sizeof rewriter->edits->text + 2) + 1, out = 0, at = 0;
  char *text = malloc(room);
  if (!text) return NULL;
  if (rewriter->edit_count) qsort(rewriter->edits, rewriter->edit_count, sizeof *rewriter->edits, compare_edits);
  for (size_t i = 0; i < rewriter->edit_count; i++) {
    const struct edit *next = &rewriter->edits[i];
    memcpy(text + out, rewriter->code + at, next->start - at);
    out += next->start - at;
    if (next->quoted)
      out += (size_t)snprintf(
          text + out, room - out, "\"%.*s\"", (int)(next->end - next->start), rewriter->code + next->start);
    out += (size_t)snprintf(text + out, room - out, "%s", next->text);
    at = next->end;
  }
  memcpy(text + out, rewriter->code + at, rewriter->size - at);
  out += rewriter->size - at;
  text[out] = 0;
  *size = out;
  return text;
}

char *rewrite(const char *code, size_t size, size_t *rewritten_size) {
  struct rewriter rewriter = {.code = code, .size = size};
  if (size < UINT32_MAX && tokens_read(&rewriter.tokens, code, size))
    for (uint32_t i = 1; i < rewriter.tokens.count; i++)
      if (is_symbol(token_at(&rewriter, i), '=') && !token_at(&rewriter, i)->in_table) rewrite_targets(&rewriter, i);
  char *text = rewriter.failed ? NULL : apply(&rewriter, rewritten_size);
  tokens_free(&rewriter.tokens);
  free(rewriter.edits);
  return text;
}
