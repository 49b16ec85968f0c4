/* ledger.c: see ledger.h. The open ranges are a ring in order of delivery; the head is the lowest, so committable is the head's
 * progress, and settled heads fall off at once. */
#include "batch/ledger.h"

#include "base/check.h"

static struct ledger_range *range_at(struct ledger *ledger, uint64_t id) {
  return &ledger->ranges[id % LIMIT_LEDGER_RANGES];
}

static const struct ledger_range *range_peek(const struct ledger *ledger, uint64_t id) {
  return &ledger->ranges[id % LIMIT_LEDGER_RANGES];
}

static bool is_current(const struct ledger *ledger, uint64_t epoch) { return epoch != 0 && ledger->epoch == epoch; }

void ledger_begin(struct ledger *ledger, uint64_t epoch, int64_t start) {
  must(epoch > ledger->epoch);
  must(start >= 0);
  ledger->epoch = epoch;
  ledger->expected = ledger->committable = ledger->confirmed = start;
  if (ledger->tail == 0) ledger->tail = 1; /* ids start at 1: 0 means none */
  ledger->head = ledger->tail;
}

void ledger_end(struct ledger *ledger) {
  ledger->epoch = 0;
  ledger->head = ledger->tail;
}

bool ledger_may_open(const struct ledger *ledger, uint64_t epoch, int64_t uncommitted_max) {
  return is_current(ledger, epoch) && ledger->tail - ledger->head < LIMIT_LEDGER_RANGES &&
         ledger->expected - ledger->confirmed < uncommitted_max;
}

static void advance(struct ledger *ledger) {
  while (ledger->head < ledger->tail && range_peek(ledger, ledger->head)->settled) ledger->head++;
  int64_t lowest = ledger->head < ledger->tail ? range_peek(ledger, ledger->head)->progress : ledger->expected;
  must(lowest >= ledger->committable);
  ledger->committable = lowest;
}

uint64_t ledger_open(struct ledger *ledger, uint64_t epoch, int64_t first, int64_t next, uint32_t count) {
  if (!is_current(ledger, epoch)) return 0;
  must(first >= ledger->expected);
  must(next >= first);
  must(count <= (uint64_t)(next - first));
  must(ledger->tail - ledger->head < LIMIT_LEDGER_RANGES);
  uint64_t id = ledger->tail++;
  *range_at(ledger, id) = (struct ledger_range){first, next, first, count, false};
  ledger->expected = next;
  advance(ledger);
  return id;
}

static struct ledger_range *open_range(struct ledger *ledger, uint64_t id) {
  must(id >= ledger->head && id < ledger->tail);
  struct ledger_range *range = range_at(ledger, id);
  must(!range->settled);
  return range;
}

bool ledger_settle(struct ledger *ledger, uint64_t epoch, uint64_t id) {
  if (!is_current(ledger, epoch)) return false;
  struct ledger_range *range = open_range(ledger, id);
  range->settled = true;
  range->progress = range->next;
  advance(ledger);
  return true;
}

bool ledger_progress(struct ledger *ledger, uint64_t epoch, uint64_t id, int64_t offset) {
  if (!is_current(ledger, epoch)) return false;
  struct ledger_range *range = open_range(ledger, id);
  must(offset >= range->progress && offset <= range->next);
  range->progress = offset;
  advance(ledger);
  return true;
}

bool ledger_confirm(struct ledger *ledger, uint64_t epoch, int64_t offset) {
  if (!is_current(ledger, epoch)) return false;
  must(offset <= ledger->committable);
  if (offset > ledger->confirmed) ledger->confirmed = offset;
  return true;
}

uint64_t ledger_in_flight(const struct ledger *ledger) {
  uint64_t records = 0;
  for (uint64_t id = ledger->head; id < ledger->tail; id++)
    if (!range_peek(ledger, id)->settled) records += range_peek(ledger, id)->count;
  return records;
}

uint64_t ledger_beyond(const struct ledger *ledger) {
  uint64_t records = 0;
  for (uint64_t id = ledger->head; id < ledger->tail; id++)
    if (range_peek(ledger, id)->settled) records += range_peek(ledger, id)->count;
  return records;
}
