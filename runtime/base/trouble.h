/* trouble.h: how often this process met each kind of trouble outside of it: counted at every occurrence, while the log tells
 * of it now and then. docs/OPERATIONS.md has the table of what weir does in each. */
#ifndef WEIR_BASE_TROUBLE_H
#define WEIR_BASE_TROUBLE_H
#include <stdint.h>

enum trouble_kind {
  TROUBLE_NO_BROKER,       /* every broker is away: looked, and none answered */
  TROUBLE_TOPIC_MISSING,   /* looked, and a topic of the pipeline was not there */
  TROUBLE_NO_LEADER,       /* an assigned partition was left out until it has one */
  TROUBLE_OUT_OF_RANGE,    /* a partition stopped at an offset that it does not hold */
  TROUBLE_DAMAGED,         /* a partition stopped at a batch that cannot be read */
  TROUBLE_NEW_PARTITION,   /* a partition was new since the group last committed */
  TROUBLE_NOT_ALLOWED,     /* the cluster refused this user */
  TROUBLE_LOST,            /* a partition was taken away without notice */
  TROUBLE_NOT_TAKEN,       /* an assignment was not taken */
  TROUBLE_COMMIT_REFUSED,  /* a line of a commit failed, and was or will be sent again */
  TROUBLE_LATE,            /* an answer or a completion of an epoch that is over, ignored */
  TROUBLE_TOO_LARGE,       /* a record was refused for its size, by the library or a broker */
  TROUBLE_SENT_AGAIN,      /* a record was not delivered and is sent again */
  TROUBLE_QUEUE_FULL,      /* the producer had no room */
  TROUBLE_PRODUCER_BROKEN, /* the producer was fatal and made anew */
  TROUBLES
};

/* [any] */
void trouble_count(enum trouble_kind kind);
uint64_t trouble_counted(enum trouble_kind kind);
/* [any] As in summaries: "out_of_range". */
const char *trouble_name(enum trouble_kind kind);

#endif
