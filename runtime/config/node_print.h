/* node_print.h: a tree as YAML that reads back as the same tree. Secrets become "***". */
#ifndef WEIR_CONFIG_NODE_PRINT_H
#define WEIR_CONFIG_NODE_PRINT_H
#include <stdbool.h>
#include <stdio.h>
#include <weir/plugin.h>

struct weir_config;

/* The value behind "key:" or "-", with its line end: on the same line for a scalar, else below it, `indent` spaces in. */
void node_print(FILE *out, const struct weir_config *node, int indent);
/* "key: value" and a line end, `indent` spaces in. */
void node_print_text(FILE *out, int indent, const char *key, const char *text, bool masked);
/* The same for code, which is not interpolated; several lines become a block. */
void node_print_code(FILE *out, int indent, const char *key, weir_span code);
/* A text as one scalar, quoted where YAML asks for it, without a line end. `${` is written as `$${`. */
void node_print_scalar(FILE *out, weir_span text);

#endif
