/* survey.h: how far the group has come, asked from outside the group. [main] */
#ifndef WEIR_SANDBOX_SURVEY_H
#define WEIR_SANDBOX_SURVEY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct survey_partition {
  const char *topic; /* the caller's */
  int32_t number;
  int64_t first, end;
  int64_t committed; /* -1: nothing yet */
};

/* Records that are not committed. */
int64_t survey_partition_lag(const struct survey_partition *partition);

struct survey;
/* All partitions of these topics, which outlive it. NULL: err. */
struct survey *survey_open(const char *address, const char *group, const char *const *topics, size_t topic_count,
    int32_t partitions, struct error *err);
void survey_close(struct survey *survey); /* NULL is fine */

/* Asks the broker, for a second at most. False: it did not answer, what is known stays. */
bool survey_look(struct survey *survey);
size_t survey_count(const struct survey *survey);
const struct survey_partition *survey_at(const struct survey *survey, size_t index);
/* Every partition has a committed offset: each has had an owner. */
bool survey_all_owned(const struct survey *survey);
/* Records that are committed, and that are not. */
int64_t survey_committed(const struct survey *survey);
int64_t survey_lag(const struct survey *survey);
/* Records that the partitions have in all, and the lag of the one that is furthest behind. */
int64_t survey_end(const struct survey *survey);
int64_t survey_lag_most(const struct survey *survey);

#endif
