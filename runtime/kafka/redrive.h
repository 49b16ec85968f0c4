/* redrive.h: sends dead letters to a topic again. What is sent and the offsets up to where it was read go into one transaction, so a redrive that was
 * killed repeats nothing for readers of committed records, and the next one goes on where it stopped. [main]
 *
 * The group's name is the transactional id as well: a second redrive of the same choice fences the first. */
#ifndef WEIR_KAFKA_REDRIVE_H
#define WEIR_KAFKA_REDRIVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct letter;
struct letters;
struct pipeline_file;
struct redrive;

enum redrive_result {
  REDRIVE_SENT,   /* it is in the open transaction */
  REDRIVE_LEFT,   /* it stays where it is; err says why */
  REDRIVE_FAILED, /* nothing goes on; err.fatal: another redrive of this group has begun */
};

/* Makes the producer, ends what a killed one has left open. `retention_ms`: how long `to` keeps records, -1: for ever. Blocks up to half a
 * minute. NULL: err. */
struct redrive *redrive_open(
    const struct pipeline_file *file, const char *to, const char *group, int64_t retention_ms, struct error *err);
/* What is not committed is taken back. NULL is fine. */
void redrive_close(struct redrive *redrive);

/* The record is older than half of what the topic keeps: it is sent with the time of now. Wall clock. */
bool redrive_is_old(const struct letter *letter, int64_t retention_ms, int64_t now_ms);
/* Adds a letter: key, value, the record's own headers, its timestamp unless it is old, and weir.hops. One whose value was replaced is read again from
 * its source first. */
enum redrive_result redrive_send(struct redrive *redrive, const struct letter *letter, struct error *err);
/* Commits what was sent with how far `letters` has been read. False: nothing of it was; err as above. */
bool redrive_commit(struct redrive *redrive, const struct letters *letters, struct error *err);
/* Waits, a minute at the most, until readers of committed records see what was committed last. must(nothing was sent since). */
void redrive_await(struct redrive *redrive, const struct letters *letters);
/* Sent and not committed: records, and their bytes. */
size_t redrive_open_records(const struct redrive *redrive);
size_t redrive_open_bytes(const struct redrive *redrive);
/* Waits, and serves what librdkafka has to say meanwhile. */
void redrive_wait(struct redrive *redrive, int64_t wait_ms);

#endif
