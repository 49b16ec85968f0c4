/* history_commits.c: what the looks at the running system say: see history.h. */
#include "history_inside.h"
#include <stdlib.h>

enum { ENDS_MAX = 1024, TEXT_ROOM = 160 };

/* What is known of one topic partition's end. */
struct known_end {
  enum history_place place;
  int32_t topic, partition;
  int64_t offset;
};

struct ends {
  struct known_end known[ENDS_MAX];
  int count;
};

static void add_look(struct history *history, struct look look) {
  history->looks = history_grow(history->looks, history->look_count, &history->look_room, sizeof *history->looks);
  history->looks[history->look_count++] = look;
}

void history_end(struct history *history, enum history_place place, int32_t topic, int32_t partition, int64_t offset) {
  add_look(history, (struct look){false, place, topic, partition, offset, 0});
}

void history_commit(struct history *history, int64_t at_ms, int32_t partition, int64_t offset) {
  add_look(history, (struct look){true, HISTORY_SOURCE, 0, partition, offset, at_ms});
}

/* --- ends --- */

static struct known_end *find_end(struct ends *ends, enum history_place place, int32_t topic, int32_t partition) {
  for (int i = 0; i < ends->count; i++) {
    struct known_end *end = &ends->known[i];
    if (end->place == place && end->topic == topic && end->partition == partition) return end;
  }
  return NULL;
}

static void learn_end(struct ends *ends, const struct look *look) {
  struct known_end *end = find_end(ends, look->place, look->topic, look->partition);
  if (!end) {
    if (ends->count == ENDS_MAX) abort();
    end = &ends->known[ends->count++];
    *end = (struct known_end){look->place, look->topic, look->partition, 0};
  }
  end->offset = look->offset;
}

static bool lies_below(struct ends *ends, const struct found *found) {
  const struct known_end *end = find_end(ends, found->place, found->at.topic, found->at.partition);
  return !end || found->at.offset < end->offset;
}

/* Had the record come out, in all its outputs or as a dead letter, when the ends were these? */
static bool was_out(const struct judge *judge, struct ends *ends, const struct source *source) {
  uint32_t outputs = 0;
  for (const struct found *found = source->founds; found; found = found->next_of_source) {
    if (!lies_below(ends, found)) continue;
    if (found->place == HISTORY_DEAD) return true;
    outputs |= UINT32_C(1) << found->at.topic;
  }
  return judge_is_complete(judge, outputs);
}

/* --- commits --- */

/* The source in order of partition and offset, and how far each partition's commits have been looked at. */
struct ordered {
  struct source **sources;
  size_t *next, *behind; /* of each partition */
};

static int by_place(const void *a, const void *b) {
  const struct sighting *left = &(*(struct source *const *)a)->at, *right = &(*(struct source *const *)b)->at;
  if (left->partition != right->partition) return left->partition < right->partition ? -1 : 1;
  return (left->offset > right->offset) - (left->offset < right->offset);
}

static void order(struct ordered *ordered, const struct judge *judge) {
  const struct history *history = judge->history;
  size_t count = history->source_count, rows = (size_t)judge->row_count;
  ordered->sources = calloc(count + 1, sizeof *ordered->sources);
  ordered->next = calloc(2 * rows + 1, sizeof *ordered->next);
  if (!ordered->sources || !ordered->next) abort();
  ordered->behind = ordered->next + rows;
  for (size_t i = 0; i < count; i++) ordered->sources[i] = &history->sources[i];
  qsort(ordered->sources, count, sizeof(struct source *), by_place);
  for (size_t i = 0; i < count; i++) ordered->behind[ordered->sources[i]->at.partition] = i + 1;
  for (size_t i = count; i-- > 0;) ordered->next[ordered->sources[i]->at.partition] = i;
}

/* What never came out is lost, and named so elsewhere. */
static void judge_below(struct judge *judge, struct ordered *ordered, struct ends *ends, const struct look *look) {
  size_t *next = &ordered->next[look->partition];
  for (; *next < ordered->behind[look->partition]; (*next)++) {
    const struct source *source = ordered->sources[*next];
    if (source->at.offset >= look->offset) return;
    bool missing = !source->seen_dead && !judge_is_complete(judge, source->seen_outputs);
    if (missing || judge_to_be_filtered(judge, source->at.id) || was_out(judge, ends, source)) continue;
    char why[TEXT_ROOM];
    snprintf(why, sizeof why, "had not come out when offset %lld was committed, at %lld ms", (long long)look->offset,
        (long long)look->at_ms);
    judge_blame(judge, HISTORY_SOURCE, &source->at, "COMMIT-AHEAD", &judge->findings->commit_ahead, why);
  }
}

static void judge_commit(struct judge *judge, struct ordered *ordered, struct ends *ends, const struct look *look) {
  struct row *row = &judge->rows[look->partition];
  struct sighting at = {.partition = look->partition, .offset = look->offset};
  char why[TEXT_ROOM];
  if (look->offset < row->committed) {
    snprintf(
        why, sizeof why, "was committed at %lld ms, behind %lld", (long long)look->at_ms, (long long)row->committed);
    judge_blame(judge, HISTORY_SOURCE, &at, "COMMIT-REGRESSION", &judge->findings->commit_regression, why);
  }
  row->committed = look->offset;
  const struct known_end *end = find_end(ends, HISTORY_SOURCE, 0, look->partition);
  if (end && look->offset > end->offset) {
    snprintf(why, sizeof why, "was committed at %lld ms, beyond the end %lld", (long long)look->at_ms,
        (long long)end->offset);
    judge_blame(judge, HISTORY_SOURCE, &at, "COMMIT-AHEAD", &judge->findings->commit_ahead, why);
  }
  judge_below(judge, ordered, ends, look);
}

void judge_commits(struct judge *judge) {
  const struct history *history = judge->history;
  struct ordered ordered;
  static struct ends ends;
  ends.count = 0;
  order(&ordered, judge);
  for (size_t i = 0; i < history->look_count; i++) {
    const struct look *look = &history->looks[i];
    if (!look->is_commit) {
      learn_end(&ends, look);
      continue;
    }
    judge->commits_known = true;
    judge_commit(judge, &ordered, &ends, look);
  }
  free(ordered.sources);
  free(ordered.next);
}

/* --- the end --- */

static void judge_aborted(struct judge *judge) {
  for (size_t i = 0; i < judge->history->source_count; i++) {
    const struct source *source = &judge->history->sources[i];
    if (!source->founds || source->at.offset < judge->rows[source->at.partition].committed) continue;
    judge_blame(judge, source->founds->place, &source->founds->at, "ABORTED-READ", &judge->findings->aborted_read,
        "shows, and the group has not committed past its source record");
  }
}

void judge_ending(struct judge *judge) {
  if (!judge->commits_known) return;
  if (judge->expectation->exactly_once) judge_aborted(judge);
  for (int32_t i = 0; i < judge->row_count; i++) {
    const struct row *row = &judge->rows[i];
    bool may_stand = i < 64 && (judge->expectation->standing >> i & 1);
    if (row->first < 0 || row->committed >= row->next || may_stand) continue;
    judge->findings->stall++;
    fprintf(judge->report,
        "STALL: source partition %d ends at %lld and is committed up to %lld; %llu of its records have not come out\n",
        i, (long long)row->next, (long long)row->committed, (unsigned long long)row->waiting);
  }
}
