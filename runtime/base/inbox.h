/* inbox.h: messages from many threads to one. The node is part of the message, so posting allocates nothing and cannot fail;
 * a node stands in at most one inbox, and belongs to the reader from inbox_take() on. */
#ifndef WEIR_BASE_INBOX_H
#define WEIR_BASE_INBOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inbox_node {
  struct inbox_node *next;
};

/* Zero at the start: `struct inbox inbox = {0}`. */
struct inbox {
  _Atomic uintptr_t newest; /* of a struct inbox_node; a number, so that clang takes {0} for it */
};

/* Thread: any. What was written before the post is seen after the take. Returns true when the inbox was empty: then the
 * reader may sleep and has to be woken, by exactly this poster. */
bool inbox_post(struct inbox *inbox, struct inbox_node *node);
/* Thread: the one reader. All nodes, the oldest first, linked by `next`; NULL: none. */
struct inbox_node *inbox_take(struct inbox *inbox);
/* Thread: any. Nothing was waiting a moment ago. */
bool inbox_empty(const struct inbox *inbox);

/* The message around its node: inbox_message(node, struct completion, node). */
#define inbox_message(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
