/* history.c: see history.h. Source records are sorted by id once; each appearance is then looked up, in reading order. */
#include "history.h"
#include <stdlib.h>
#include <string.h>

enum { CASES_SHOWN = 5 };

struct source {
  struct sighting at;
  uint32_t seen_output, seen_dead;
};

struct found {
  enum history_place place;
  struct sighting at;
};

struct history {
  struct source *sources;
  struct found *founds;
  size_t source_count, source_room, found_count, found_room;
};

/* What a judgement works with. */
struct judge {
  struct history *history;
  uint64_t filtered_every;
  FILE *report;
  struct findings *findings;
  int64_t *last; /* highest source offset so far: a row per source partition, a column per output partition */
  int32_t rows, columns;
};

struct history *history_create(void) {
  struct history *history = calloc(1, sizeof *history);
  if (!history) abort();
  return history;
}

void history_destroy(struct history *history) {
  if (!history) return;
  free(history->sources);
  free(history->founds);
  free(history);
}

/* Room for one element more; a test tool that has no memory can only stop. */
static void *grow(void *array, size_t count, size_t *room, size_t size) {
  if (count < *room) return array;
  *room = *room ? *room * 2 : 1024;
  void *larger = realloc(array, *room * size);
  if (!larger) abort();
  return larger;
}

void history_add(struct history *history, enum history_place place, const struct sighting *sighting) {
  if (place == HISTORY_SOURCE) {
    history->sources = grow(history->sources, history->source_count, &history->source_room, sizeof *history->sources);
    history->sources[history->source_count++] = (struct source){.at = *sighting};
  } else {
    history->founds = grow(history->founds, history->found_count, &history->found_room, sizeof *history->founds);
    history->founds[history->found_count++] = (struct found){place, *sighting};
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

/* Counts one case and shows it when it is among the first. */
static void blame(
    const struct judge *judge, const struct found *found, const char *name, uint64_t *count, const char *why) {
  static const char *const places[] = {
      [HISTORY_OUTPUT] = "output", [HISTORY_DEAD] = "dead letters", [HISTORY_SOURCE] = "source"};
  if (++*count > CASES_SHOWN) return;
  fprintf(judge->report, "%s: ", name);
  if (found->at.known) fprintf(judge->report, "id %llu, ", (unsigned long long)found->at.id);
  fprintf(
      judge->report, "%s %d@%lld %s\n", places[found->place], found->at.partition, (long long)found->at.offset, why);
}

static bool to_be_filtered(const struct judge *judge, uint64_t id) {
  return judge->filtered_every && id % judge->filtered_every == 0;
}

static void judge_order(struct judge *judge, const struct source *source, const struct found *found) {
  int64_t *last = &judge->last[(size_t)source->at.partition * (size_t)judge->columns + (size_t)found->at.partition];
  if (source->at.offset < *last) {
    char why[96];
    snprintf(why, sizeof why, "is source %d@%lld and stands behind source %d@%lld", source->at.partition,
        (long long)source->at.offset, source->at.partition, (long long)*last);
    blame(judge, found, "REORDERED", &judge->findings->reordered, why);
    return;
  }
  *last = source->at.offset;
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

static void judge_found(struct judge *judge, const struct found *found) {
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
  if (output && to_be_filtered(judge, found->at.id))
    blame(judge, found, "PHANTOM", &findings->phantom, "was to be filtered");
  if (source->seen_output + source->seen_dead > 0) findings->repeated++;
  (*(output ? &source->seen_output : &source->seen_dead))++;
  if (output && source->seen_output == 1) judge_order(judge, source, found);
}

static void judge_missing(struct judge *judge) {
  for (size_t i = 0; i < judge->history->source_count; i++) {
    const struct source *source = &judge->history->sources[i];
    if (source->seen_output || source->seen_dead) continue;
    if (to_be_filtered(judge, source->at.id))
      judge->findings->filtered++;
    else
      blame(judge, &(struct found){HISTORY_SOURCE, source->at}, "LOST", &judge->findings->lost, "came out nowhere");
  }
}

static void measure_table(struct judge *judge) {
  for (size_t i = 0; i < judge->history->source_count; i++)
    if (judge->history->sources[i].at.partition >= judge->rows)
      judge->rows = judge->history->sources[i].at.partition + 1;
  for (size_t i = 0; i < judge->history->found_count; i++)
    if (judge->history->founds[i].at.partition >= judge->columns)
      judge->columns = judge->history->founds[i].at.partition + 1;
  size_t cells = (size_t)judge->rows * (size_t)judge->columns;
  judge->last = malloc((cells ? cells : 1) * sizeof *judge->last);
  if (!judge->last) abort();
  for (size_t i = 0; i < cells; i++) judge->last[i] = -1;
}

bool history_judge(struct history *history, uint64_t filtered_every, FILE *report, struct findings *findings) {
  if (!source_is_sound(history, report)) return false;
  *findings = (struct findings){.source = history->source_count};
  for (size_t i = 0; i < history->source_count; i++)
    history->sources[i].seen_output = history->sources[i].seen_dead = 0;
  struct judge judge = {.history = history, .filtered_every = filtered_every, .report = report, .findings = findings};
  measure_table(&judge);
  for (size_t i = 0; i < history->found_count; i++) judge_found(&judge, &history->founds[i]);
  judge_missing(&judge);
  free(judge.last);
  return true;
}
