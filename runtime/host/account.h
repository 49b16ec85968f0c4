/* account.h: what is remembered of every partition that this worker ever owned, beyond the assignment: where it was to get to, and how
 * far it came. [control] */
#ifndef WEIR_HOST_ACCOUNT_H
#define WEIR_HOST_ACCOUNT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account {
  char *topic;
  int32_t partition;
  int64_t until;     /* its end when this worker first got it, -1: not known */
  int64_t committed; /* the broker confirmed this; -1: nothing is known */
  int64_t high;      /* its end as last seen, -1: not known */
  bool owned, stopped;
};

/* Zero at the start. Sorted by topic and partition. */
struct accounts {
  struct account *all;
  size_t count, capacity;
};

/* The account of a partition, made when there is none; valid until the next call. NULL: no memory. */
struct account *accounts_at(struct accounts *accounts, const char *topic, int32_t partition);
/* NULL: there is none. */
struct account *accounts_find(const struct accounts *accounts, const char *topic, int32_t partition);
/* Records between what is committed and the end, 0 where one of them is not known. */
int64_t account_lag(const struct account *account);
void accounts_fini(struct accounts *accounts);

#endif
