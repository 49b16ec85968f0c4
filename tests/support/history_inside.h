/* history_inside.h: what the two halves of the judge share: history.c looks at records, history_commits.c at commits. */
#ifndef HISTORY_INSIDE_H
#define HISTORY_INSIDE_H
#include "history.h"
#include <stddef.h>

struct source {
  struct sighting at;
  uint32_t seen_outputs; /* a bit for each */
  uint32_t seen_dead, repeats;
  struct found *founds; /* its appearances, the last one first */
};

struct found {
  enum history_place place;
  struct sighting at;
  struct found *next_of_source;
};

/* A look's end or commit. */
struct look {
  bool is_commit;
  enum history_place place;
  int32_t topic, partition;
  int64_t offset, at_ms;
};

struct history {
  struct source *sources; /* by id once they are judged */
  struct found *founds;
  struct look *looks;
  size_t source_count, source_room, found_count, found_room, look_count, look_room;
};

/* One output partition's view of one source partition. */
struct cell {
  int64_t last;         /* highest first appearance */
  int64_t rewind_last;  /* of the repeated appearances that rise without a break */
  int64_t rewind_count; /* so many */
};

/* One source partition. */
struct row {
  int64_t committed;   /* -1: never */
  int64_t first, next; /* offsets of the source: the lowest, the highest + 1; first -1: it is empty */
  uint64_t repeated, waiting;
};

/* What a judgement works with. */
struct judge {
  struct history *history;
  const struct expectation *expectation;
  FILE *report;
  struct findings *findings;
  struct cell *cells; /* a row per source partition, a column per output partition */
  struct row *rows;
  int32_t row_count, column_count; /* columns of one output */
  int32_t outputs;
  bool commits_known;
};

/* Counts one case and shows it when it is among the first. */
void judge_blame(const struct judge *judge, enum history_place place, const struct sighting *at, const char *name,
    uint64_t *count, const char *why);
/* `array` with room for one element more. */
void *history_grow(void *array, size_t count, size_t *room, size_t size);
bool judge_to_be_filtered(const struct judge *judge, uint64_t id);
bool judge_is_complete(const struct judge *judge, uint32_t seen_outputs);

/* Reads the looks: rows' `committed` is the last one. Behind the records. */
void judge_commits(struct judge *judge);
/* Behind both: what the commits make of records that are out or missing. */
void judge_ending(struct judge *judge);

#endif
