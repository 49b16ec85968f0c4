/* inbox.c: posters push onto a stack, the reader takes the whole stack and turns it over. Since nothing but everything is
 * ever taken, a node cannot come back under a poster's hand (no ABA). */
#include "base/inbox.h"
#include "base/check.h"
#include <stdatomic.h>

static struct inbox_node *node_of(uintptr_t number) { return (struct inbox_node *)(void *)number; }

bool inbox_post(struct inbox *inbox, struct inbox_node *node) {
  must(node != NULL);
  uintptr_t newest = atomic_load_explicit(&inbox->newest, memory_order_relaxed);
  do node->next = node_of(newest);
  while (!atomic_compare_exchange_weak_explicit(
      &inbox->newest, &newest, (uintptr_t)node, memory_order_release, memory_order_relaxed));
  return newest == 0;
}

struct inbox_node *inbox_take(struct inbox *inbox) {
  struct inbox_node *node = node_of(atomic_exchange_explicit(&inbox->newest, 0, memory_order_acquire)), *oldest = NULL;
  while (node) {
    struct inbox_node *posted_before = node->next;
    node->next = oldest;
    oldest = node;
    node = posted_before;
  }
  return oldest;
}

bool inbox_empty(const struct inbox *inbox) { return atomic_load_explicit(&inbox->newest, memory_order_acquire) == 0; }
