/* cut.c: making portions of portions. Records keep their order: an emitted one stands behind its parent, a piece's records go
 * back to their places. */
#include <string.h>
#include "base/check.h"
#include "pipeline/runner_inside.h"

struct portion *cut_piece(struct portion *portion, const uint8_t *choice, uint8_t value, uint32_t count) {
  must(count > 0);
  struct portion *piece = portion_create(portion->batch, count);
  if (!piece) return NULL;
  for (uint32_t i = 0; i < portion->view.record_count; i++) {
    if (choice[i] != value) continue;
    portion_append(piece, &portion->records[i]);
    piece->records[piece->view.record_count - 1].place = i;
  }
  must(piece->view.record_count == count);
  piece->stage = portion->stage;
  return piece;
}

bool cut_is_decided(const struct portion *whole) {
  if (whole->all_pass) return true;
  return !memchr(whole->verdicts, WEIR_UNSETTLED, whole->view.record_count) &&
         !memchr(whole->verdicts, IN_A_PIECE, whole->view.record_count);
}

static bool is_onward(uint8_t verdict) { return verdict == WEIR_PASS || verdict == WEIR_DROP; }

/* Emissions by parent, in order of emission: heads[i] is the first of record i. Takes those of decided parents out of the list. */
static struct emission **emissions_by_parent(struct portion *whole, uint32_t *count) {
  uint32_t records = whole->view.record_count;
  struct emission **heads = arena_alloc(&whole->batch->arena, 2 * records * sizeof *heads);
  if (!heads) return NULL;
  struct emission **tails = heads + records;
  memset(heads, 0, 2 * records * sizeof *heads);
  struct emission *all = whole->emitted;
  whole->emitted = NULL;
  whole->emitted_end = &whole->emitted;
  *count = 0;
  for (struct emission *emission = all, *next; emission; emission = next) {
    next = emission->next;
    emission->next = NULL;
    if (emission->withdrawn) continue;
    if (!is_onward(whole->verdicts[emission->parent])) { /* not decided yet: it waits with its parent */
      *whole->emitted_end = emission;
      whole->emitted_end = &emission->next;
      continue;
    }
    if (tails[emission->parent])
      tails[emission->parent]->next = emission;
    else
      heads[emission->parent] = emission;
    tails[emission->parent] = emission;
    ++*count;
  }
  whole->emitted_count -= *count;
  return heads;
}

static void append_children(struct portion *onward, struct emission *emission) {
  for (; emission; emission = emission->next) {
    batch_born(onward->batch, emission->record.origin, 1);
    portion_append(onward, &emission->record);
  }
}

/* Moves what passed, with its children, into a new portion; the places in `whole` are marked as decided elsewhere. */
static struct portion *gather(struct portion *whole, uint32_t passed) {
  struct emission **heads = NULL;
  uint32_t emitted = 0;
  if (whole->emitted_count) {
    heads = emissions_by_parent(whole, &emitted);
    if (!heads) return NULL;
  }
  struct portion *onward = portion_create(whole->batch, passed + emitted);
  if (!onward) return NULL;
  onward->stage = whole->stage;
  for (uint32_t i = 0; i < whole->view.record_count; i++) {
    uint8_t verdict = whole->verdicts[i];
    if (!is_onward(verdict)) continue;
    if (verdict == WEIR_PASS) portion_append(onward, &whole->records[i]);
    if (heads) append_children(onward, heads[i]);
    if (verdict == WEIR_DROP) batch_ended(whole->batch, whole->records[i].origin, OUTCOME_FILTERED);
    whole->verdicts[i] = DECIDED_ELSEWHERE;
  }
  whole->all_pass = false;
  return onward;
}

/* Nothing was emitted: what passed moves up in place. */
static struct portion *compact(struct portion *whole) {
  uint32_t kept = 0, count = whole->view.record_count;
  for (uint32_t i = 0; i < count;) {
    uint32_t run = i;
    while (run < count && whole->verdicts[run] == WEIR_PASS) run++;
    if (kept != i) memmove(&whole->records[kept], &whole->records[i], (run - i) * sizeof *whole->records);
    kept += run - i;
    for (i = run; i < count && whole->verdicts[i] != WEIR_PASS; i++)
      if (whole->verdicts[i] == WEIR_DROP) batch_ended(whole->batch, whole->records[i].origin, OUTCOME_FILTERED);
  }
  whole->view.record_count = kept;
  return whole;
}

static uint32_t count_verdict(const struct portion *portion, uint8_t verdict) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < portion->view.record_count; i++) count += portion->verdicts[i] == verdict;
  return count;
}

struct portion *cut_onward(struct portion *whole) {
  must(cut_is_decided(whole));
  if (whole->emitted_count) return gather(whole, count_verdict(whole, WEIR_PASS));
  return whole->all_pass ? whole : compact(whole);
}

struct portion *cut_decided(struct portion *whole, bool *failed) {
  *failed = false;
  uint32_t passed = count_verdict(whole, WEIR_PASS);
  if (passed + count_verdict(whole, WEIR_DROP) == 0) return NULL;
  struct portion *onward = gather(whole, passed);
  *failed = !onward;
  return onward;
}

void cut_return(struct portion *piece, uint32_t index, weir_verdict verdict) {
  struct portion *whole = piece->whole;
  uint32_t place = piece->records[index].place;
  must(whole->verdicts[place] == IN_A_PIECE);
  if (!piece->sink) {
    uint32_t own_place = whole->records[place].place;
    whole->records[place] = piece->records[index];
    whole->records[place].place = own_place;
    whole->records[place].undo = NULL;
  }
  whole->verdicts[place] = (uint8_t)verdict;
  piece->verdicts[index] = DECIDED_ELSEWHERE;
}

void cut_return_emissions(struct portion *piece) {
  struct portion *whole = piece->whole;
  struct emission *all = piece->emitted;
  piece->emitted = NULL;
  piece->emitted_end = &piece->emitted;
  for (struct emission *emission = all, *next; emission; emission = next) {
    next = emission->next;
    emission->next = NULL;
    if (emission->withdrawn) continue;
    bool handed = piece->verdicts[emission->parent] == DECIDED_ELSEWHERE;
    struct portion *owner = handed ? whole : piece;
    if (handed) {
      emission->parent = piece->records[emission->parent].place;
      piece->emitted_count--;
      whole->emitted_count++;
    }
    *owner->emitted_end = emission;
    owner->emitted_end = &emission->next;
  }
}

void cut_behind(struct portion *portion, int64_t cut) {
  uint32_t count = portion->view.record_count;
  while (count > 0 && portion->records[count - 1].view.offset >= cut) count--;
  portion->view.record_count = count;
}
