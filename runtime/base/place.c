/* place.c: see place.h. A place is written by one thread and read by others without a lock: `changes` is odd while it is written, and
 * a reader that finds it moved throws away what it read. Every word is released and acquired, so a new word is never seen with an old
 * `changes`. */
#include "base/place.h"
#include "base/check.h"
#include "base/span.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct place *here;

static void put(_Atomic uint64_t *word, uint64_t value) { atomic_store_explicit(word, value, memory_order_release); }

static uint64_t get(const _Atomic uint64_t *word) { return atomic_load_explicit(word, memory_order_acquire); }

static void put_text(_Atomic uint64_t *words, size_t count, _Atomic uint64_t *size, weir_span text) {
  size_t left = text.size < count * sizeof *words ? text.size : count * sizeof *words;
  put(size, left);
  for (const uint8_t *at = text.data; left; words++) {
    uint64_t word = 0;
    size_t part = left < sizeof word ? left : sizeof word;
    memcpy(&word, at, part);
    put(words, word);
    at += part;
    left -= part;
  }
}

/* False: it cannot have that size. */
static bool get_text(const _Atomic uint64_t *words, size_t count, const _Atomic uint64_t *size, char *into) {
  size_t wanted = get(size);
  if (wanted > count * sizeof *words) return false;
  for (size_t i = 0; i < count; i++) {
    uint64_t word = get(&words[i]);
    memcpy(into + i * sizeof word, &word, sizeof word);
  }
  into[wanted] = '\0';
  return true;
}

/* --- writing --- */

static uint64_t begin(void) {
  uint64_t changes = atomic_load_explicit(&here->changes, memory_order_relaxed) | 1;
  put(&here->changes, changes);
  return changes;
}

static void end(uint64_t changes) { put(&here->changes, changes + 1); }

void place_use(struct place *place) { here = place; }
struct place *place_here(void) {
  return here;
}
void place_blame(struct place *place, int signal) { put(&place->blame, (uint64_t)signal); }

static void set_state(enum place_state state, int64_t limit_ms) {
  if (!here) return;
  uint64_t changes = begin();
  put(&here->state, state);
  put(&here->limit_ms, (uint64_t)limit_ms);
  end(changes);
}

void place_work(void) { set_state(PLACE_WORKING, 0); }
void place_rest(int64_t until_ms) { set_state(PLACE_RESTING, until_ms); }

void place_enter(const struct place_entry *entry) {
  if (!here) return;
  uint64_t changes = begin();
  put(&here->state, PLACE_CALLING);
  put(&here->call, entry->call);
  put(&here->limit_ms, (uint64_t)entry->limit_ms);
  put(&here->partition, (uint64_t)entry->partition);
  put(&here->first, (uint64_t)entry->first);
  put(&here->last, (uint64_t)entry->last);
  put(&here->records, entry->records);
  put(&here->batch_records, entry->batch_records);
  put_text(here->label, PLACE_LABEL_WORDS, &here->label_size, entry->label);
  put_text(here->plugin, PLACE_PLUGIN_WORDS, &here->plugin_size, entry->plugin);
  put_text(here->topic, PLACE_TOPIC_WORDS, &here->topic_size, entry->topic);
  end(changes);
}

/* --- reading --- */

static bool read_words(const struct place *place, struct place_view *view) {
  uint64_t state = get(&place->state), call = get(&place->call);
  view->blame = (int)get(&place->blame);
  view->state = (enum place_state)state;
  view->call = (enum place_call)call;
  view->limit_ms = (int64_t)get(&place->limit_ms);
  view->partition = (int32_t)get(&place->partition);
  view->first = (int64_t)get(&place->first);
  view->last = (int64_t)get(&place->last);
  view->records = (uint32_t)get(&place->records);
  view->batch_records = (uint32_t)get(&place->batch_records);
  return state <= PLACE_CALLING && call <= PLACE_FLUSH &&
         get_text(place->label, PLACE_LABEL_WORDS, &place->label_size, view->label) &&
         get_text(place->plugin, PLACE_PLUGIN_WORDS, &place->plugin_size, view->plugin) &&
         get_text(place->topic, PLACE_TOPIC_WORDS, &place->topic_size, view->topic);
}

bool place_read(const struct place *place, struct place_view *view) {
  must(place && view);
  view->changes = get(&place->changes);
  if (view->changes & 1) return false;
  return read_words(place, view) && get(&place->changes) == view->changes;
}

const char *place_call_name(enum place_call call) {
  static const char *const calls[] = {[PLACE_CREATE] = "create",
      [PLACE_DESTROY] = "destroy",
      [PLACE_ASSIGNED] = "assigned",
      [PLACE_REVOKED] = "revoked",
      [PLACE_PROCESS] = "process",
      [PLACE_WAKE] = "wake",
      [PLACE_FLUSH] = "flush"};
  must(call <= PLACE_FLUSH);
  return calls[call];
}

void place_text(const struct place_view *view, char into[PLACE_TEXT_MAX]) {
  int size = snprintf(into, PLACE_TEXT_MAX, "%s, %s()", view->label, place_call_name(view->call));
  if (size > 0 && view->topic[0])
    size += snprintf(into + size, PLACE_TEXT_MAX - (size_t)size, " of %s/%d", view->topic, view->partition);
  if (size <= 0 || view->first > view->last) return;
  if (view->first == view->last)
    snprintf(into + size, PLACE_TEXT_MAX - (size_t)size, ", offset %lld", (long long)view->first);
  else
    snprintf(into + size, PLACE_TEXT_MAX - (size_t)size, ", offsets %lld to %lld", (long long)view->first,
        (long long)view->last);
}
