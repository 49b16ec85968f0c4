/* account.c: a sorted array; looked up at assignments and commits, never per record. */
#include "host/account.h"
#include "base/check.h"
#include <stdlib.h>
#include <string.h>

static int compare(const struct account *account, const char *topic, int32_t partition) {
  int order = strcmp(account->topic, topic);
  if (order) return order;
  return account->partition < partition ? -1 : account->partition > partition;
}

/* Index of the first account that is not below. */
static size_t place_of(const struct accounts *accounts, const char *topic, int32_t partition) {
  size_t low = 0, high = accounts->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(&accounts->all[middle], topic, partition) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct account *accounts_find(const struct accounts *accounts, const char *topic, int32_t partition) {
  size_t place = place_of(accounts, topic, partition);
  if (place == accounts->count || compare(&accounts->all[place], topic, partition) != 0) return NULL;
  return &accounts->all[place];
}

static bool grow(struct accounts *accounts) {
  if (accounts->count < accounts->capacity) return true;
  size_t capacity = accounts->capacity ? 2 * accounts->capacity : 16;
  struct account *all = realloc(accounts->all, capacity * sizeof *all);
  if (!all) return false;
  accounts->all = all;
  accounts->capacity = capacity;
  return true;
}

struct account *accounts_at(struct accounts *accounts, const char *topic, int32_t partition) {
  must(topic && partition >= 0);
  struct account *found = accounts_find(accounts, topic, partition);
  if (found) return found;
  char *copy = strdup(topic);
  if (!copy || !grow(accounts)) {
    free(copy);
    return NULL;
  }
  size_t place = place_of(accounts, topic, partition);
  struct account *account = &accounts->all[place];
  memmove(account + 1, account, (accounts->count - place) * sizeof *account);
  accounts->count++;
  *account = (struct account){.topic = copy, .partition = partition, .until = -1, .committed = -1, .high = -1};
  return account;
}

int64_t account_lag(const struct account *account) {
  if (account->high < 0 || account->committed < 0 || account->high < account->committed) return 0;
  return account->high - account->committed;
}

void accounts_fini(struct accounts *accounts) {
  for (size_t i = 0; i < accounts->count; i++) free(accounts->all[i].topic);
  free(accounts->all);
  *accounts = (struct accounts){0};
}
