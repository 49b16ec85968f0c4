/* history.c: see history.h. Source records are sorted by id once; each appearance is then looked up, in reading order. */
#include "history.h"
#include "history_inside.h"
#include <stdlib.h>
#include <string.h>

enum { CASES_SHOWN = 5 };

struct history *history_create(void) {
  struct history *history = calloc(1, sizeof *history);
  if (!history) abort();
  return history;
}

void history_destroy(struct history *history) {
  if (!history) return;
  free(history->sources);
  free(history->founds);
  free(history->looks);
  free(history);
}

/* A test tool that has no memory can only stop. */
void *history_grow(void *array, size_t count, size_t *room, size_t size) {
  if (count < *room) return array;
  *room = *room ? *room * 2 : 1024;
  void *larger = realloc(array, *room * size);
  if (!larger) abort();
  return larger;
}

void history_add(struct history *history, enum history_place place, const struct sighting *sighting) {
  if (place == HISTORY_SOURCE) {
    history->sources =
        history_grow(history->sources, history->source_count, &history->source_room, sizeof *history->sources);
    history->sources[history->source_count++] = (struct source){.at = *sighting};
  } else {
    history->founds =
        history_grow(history->founds, history->found_count, &history->found_room, sizeof *history->founds);
    history->founds[history->found_count++] = (struct found){.place = place, .at = *sighting};
  }
}

static int by_id(const void *a, const void *b) {
  uint64_t left = ((const struct source *)a)->at.id, right = ((const struct source *)b)->at.id;
  return (left > right) - (left < right);
}

static struct source *find_source(struct history *history, uint64_t id) {
  struct source wanted = {.at.id = id};
  if (history->source_count == 0) return NULL;
  return bsearch(&wanted, history->sources, history->source_count, sizeof wanted, by_id);
}

static bool source_is_sound(struct history *history, FILE *report) {
  for (size_t i = 0; i < history->source_count; i++)
    if (!history->sources[i].at.known) {
      fprintf(report, "the source itself: %d@%lld carries no id\n", history->sources[i].at.partition,
          (long long)history->sources[i].at.offset);
      return false;
    }
  if (history->source_count) qsort(history->sources, history->source_count, sizeof *history->sources, by_id);
  for (size_t i = 1; i < history->source_count; i++)
    if (history->sources[i].at.id == history->sources[i - 1].at.id) {
      fprintf(report, "the source itself: id %llu is there twice\n", (unsigned long long)history->sources[i].at.id);
      return false;
    }
  return true;
}

void judge_blame(const struct judge *judge, enum history_place place, const struct sighting *at, const char *name,
    uint64_t *count, const char *why) {
  static const char *const places[] = {
      [HISTORY_OUTPUT] = "output", [HISTORY_DEAD] = "dead letters", [HISTORY_SOURCE] = "source"};
  if (++*count > CASES_SHOWN) return;
  fprintf(judge->report, "%s: ", name);
  if (at->known) fprintf(judge->report, "id %llu, ", (unsigned long long)at->id);
  fprintf(judge->report, "%s", places[place]);
  if (place == HISTORY_OUTPUT && judge->outputs > 1) fprintf(judge->report, " %d,", at->topic + 1);
  fprintf(judge->report, " %d@%lld %s\n", at->partition, (long long)at->offset, why);
}

static void blame(
    const struct judge *judge, const struct found *found, const char *name, uint64_t *count, const char *why) {
  judge_blame(judge, found->place, &found->at, name, count, why);
}

bool judge_to_be_filtered(const struct judge *judge, uint64_t id) {
  uint64_t every = judge->expectation->filtered_every;
  return every && id % every == 0;
}

bool judge_is_complete(const struct judge *judge, uint32_t seen_outputs) {
  return seen_outputs == (UINT32_C(1) << judge->outputs) - 1;
}

/* What is wrong with the record itself, NULL: nothing. */
static const char *corruption(const struct sighting *at, const struct source *source) {
  if (!at->known) return "carries no id";
  if (!at->processed) return "was not processed";
  if (!source) return NULL;
  if (at->inner && source->at.inner && at->inner != source->at.inner) return "has the value of another record";
  if (at->digest && at->digest != source->at.digest) return "differs from its source";
  return NULL;
}

static struct cell *cell_of(const struct judge *judge, const struct source *source, const struct found *found) {
  size_t columns = (size_t)judge->column_count * (size_t)judge->outputs;
  size_t column = (size_t)found->at.topic * (size_t)judge->column_count + (size_t)found->at.partition;
  return &judge->cells[(size_t)source->at.partition * columns + column];
}

static void judge_order(struct judge *judge, const struct source *source, const struct found *found) {
  struct cell *cell = cell_of(judge, source, found);
  cell->rewind_count = 0;
  if (source->at.offset < cell->last) {
    char why[96];
    snprintf(why, sizeof why, "is source %d@%lld and stands behind source %d@%lld", source->at.partition,
        (long long)source->at.offset, source->at.partition, (long long)cell->last);
    blame(judge, found, "REORDERED", &judge->findings->reordered, why);
    return;
  }
  cell->last = source->at.offset;
}

/* --- repetitions --- */

/* An appearance that says nothing new of its record. */
static bool is_repetition(const struct judge *judge, const struct source *source, const struct found *found) {
  if (found->place == HISTORY_DEAD) return source->seen_dead > 0 || judge_is_complete(judge, source->seen_outputs);
  return (source->seen_outputs >> found->at.topic & 1) || (judge->outputs == 1 && source->seen_dead > 0);
}

/* Whoever reads again from a commit reads what lies behind it, and that is at most `uncommitted` records: so many repetitions may
 * rise in one output partition before a record comes that is new there, or that lies further back. */
static void judge_rewind(struct judge *judge, const struct source *source, const struct found *found) {
  struct cell *cell = cell_of(judge, source, found);
  cell->rewind_count = source->at.offset > cell->rewind_last && cell->rewind_count ? cell->rewind_count + 1 : 1;
  cell->rewind_last = source->at.offset;
  if (cell->rewind_count != judge->expectation->uncommitted + 1) return;
  blame(judge, found, "DUPLICATE-OVER-BOUND", &judge->findings->over_bound,
      "is one more than one incident may repeat in a row");
}

static void judge_repetition(struct judge *judge, struct source *source, const struct found *found) {
  const struct expectation *expectation = judge->expectation;
  judge->findings->repeated++;
  judge->rows[source->at.partition].repeated++;
  source->repeats++;
  if (expectation->exactly_once)
    blame(judge, found, "DUPLICATE", &judge->findings->duplicate, "is there already, where each comes exactly once");
  if (!expectation->uncommitted) return;
  if (source->repeats == (uint64_t)expectation->incidents * (uint64_t)judge->outputs + 1)
    blame(judge, found, "DUPLICATE-OVER-BOUND", &judge->findings->over_bound,
        "came more often than there were incidents");
  if (found->place == HISTORY_OUTPUT && !expectation->overlapping) judge_rewind(judge, source, found);
}

static void judge_sums(struct judge *judge) {
  const struct expectation *expectation = judge->expectation;
  if (!expectation->uncommitted) return;
  uint64_t most = (uint64_t)(expectation->uncommitted * expectation->incidents * judge->outputs);
  for (int32_t i = 0; i < judge->row_count; i++) {
    if (judge->rows[i].repeated <= most) continue;
    judge->findings->over_bound++;
    fprintf(judge->report,
        "DUPLICATE-OVER-BOUND: %llu records of source partition %d are repeated, at most %llu may be\n",
        (unsigned long long)judge->rows[i].repeated, i, (unsigned long long)most);
  }
}

/* --- each record --- */

static void judge_found(struct judge *judge, struct found *found) {
  bool output = found->place == HISTORY_OUTPUT;
  struct findings *findings = judge->findings;
  struct source *source = found->at.known ? find_source(judge->history, found->at.id) : NULL;
  const char *corrupt = corruption(&found->at, source);
  (*(output ? &findings->output : &findings->dead))++;
  if (corrupt) blame(judge, found, "CORRUPT", &findings->corrupt, corrupt);
  if (!source) {
    if (found->at.known) blame(judge, found, "PHANTOM", &findings->phantom, "is not in the source");
    return;
  }
  if (output && judge_to_be_filtered(judge, found->at.id))
    blame(judge, found, "PHANTOM", &findings->phantom, "was to be filtered");
  found->next_of_source = source->founds;
  source->founds = found;
  bool first_here = output && !(source->seen_outputs >> found->at.topic & 1);
  if (is_repetition(judge, source, found)) judge_repetition(judge, source, found);
  if (first_here) judge_order(judge, source, found);
  if (output)
    source->seen_outputs |= UINT32_C(1) << found->at.topic;
  else
    source->seen_dead++;
}

static bool is_committed(const struct judge *judge, const struct source *source) {
  return !judge->commits_known || source->at.offset < judge->rows[source->at.partition].committed;
}

static void judge_missing(struct judge *judge, const struct source *source) {
  struct findings *findings = judge->findings;
  if (source->seen_dead || judge_is_complete(judge, source->seen_outputs)) return;
  if (judge_to_be_filtered(judge, source->at.id))
    findings->filtered++;
  else if (!is_committed(judge, source)) {
    findings->waiting++;
    judge->rows[source->at.partition].waiting++;
  } else if (source->seen_outputs)
    judge_blame(
        judge, HISTORY_SOURCE, &source->at, "TORN", &findings->torn, "came out in some of the outputs, not in all");
  else
    judge_blame(judge, HISTORY_SOURCE, &source->at, "LOST", &findings->lost, "came out nowhere");
}

/* --- the judgement --- */

static void measure(struct judge *judge) {
  const struct history *history = judge->history;
  for (size_t i = 0; i < history->source_count; i++)
    if (history->sources[i].at.partition >= judge->row_count) judge->row_count = history->sources[i].at.partition + 1;
  for (size_t i = 0; i < history->look_count; i++)
    if (history->looks[i].is_commit && history->looks[i].partition >= judge->row_count)
      judge->row_count = history->looks[i].partition + 1;
  for (size_t i = 0; i < history->found_count; i++)
    if (history->founds[i].at.partition >= judge->column_count)
      judge->column_count = history->founds[i].at.partition + 1;
}

static void make_tables(struct judge *judge) {
  measure(judge);
  size_t cells = (size_t)judge->row_count * (size_t)judge->column_count * (size_t)judge->outputs;
  judge->cells = calloc(cells + 1, sizeof *judge->cells);
  judge->rows = calloc((size_t)judge->row_count + 1, sizeof *judge->rows);
  if (!judge->cells || !judge->rows) abort();
  for (size_t i = 0; i < cells; i++) judge->cells[i].last = -1;
  for (int32_t i = 0; i < judge->row_count; i++) judge->rows[i] = (struct row){.committed = -1, .first = -1};
  for (size_t i = 0; i < judge->history->source_count; i++) {
    const struct sighting *at = &judge->history->sources[i].at;
    struct row *row = &judge->rows[at->partition];
    if (row->first < 0 || at->offset < row->first) row->first = at->offset;
    if (at->offset >= row->next) row->next = at->offset + 1;
  }
}

static void forget_seen(struct history *history) {
  for (size_t i = 0; i < history->source_count; i++)
    history->sources[i] = (struct source){.at = history->sources[i].at};
}

bool history_judge(
    struct history *history, const struct expectation *expectation, FILE *report, struct findings *findings) {
  if (!source_is_sound(history, report)) return false;
  *findings = (struct findings){.source = history->source_count};
  forget_seen(history);
  struct judge judge = {.history = history, .expectation = expectation, .report = report, .findings = findings};
  judge.outputs = expectation->outputs ? expectation->outputs : 1;
  if (judge.outputs < 1 || judge.outputs > HISTORY_OUTPUTS_MAX) abort();
  make_tables(&judge);
  for (size_t i = 0; i < history->found_count; i++) judge_found(&judge, &history->founds[i]);
  judge_sums(&judge);
  judge_commits(&judge);
  for (size_t i = 0; i < history->source_count; i++) judge_missing(&judge, &history->sources[i]);
  judge_ending(&judge);
  free(judge.cells);
  free(judge.rows);
  return true;
}

uint64_t findings_faults(const struct findings *findings) {
  return findings->lost + findings->phantom + findings->corrupt + findings->reordered + findings->duplicate +
         findings->over_bound + findings->torn + findings->aborted_read + findings->commit_ahead +
         findings->commit_regression + findings->stall;
}
