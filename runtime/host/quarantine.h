/* quarantine.h: keeps a record that kills the worker from killing it for ever. [control], but where it says otherwise.
 *
 * What a stage had in hand when the worker died of that stage is suspect (crumbs.h): its next owner on this host takes it record by record.
 * A record that has died alone in its batch `quarantine.after` times is not given to any stage any more: it goes the way of a record that failed
 * for good. A commit behind it clears its name. Nothing here can lose a record: where the files cannot be used, suspicion is all that is lost. */
#ifndef WEIR_HOST_QUARANTINE_H
#define WEIR_HOST_QUARANTINE_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "host/suspects.h"

struct pipeline_file;
struct place;
struct quarantine;

/* In `quarantine.folder`, else where systemd says (STATE_DIRECTORY), else in the folder of the sockets. Judges what died there. `file` outlives
 * it. NULL: err, and the worker does without. All others take NULL, and do nothing then. */
struct quarantine *quarantine_open(const struct pipeline_file *file, uint32_t lanes, struct error *err);
/* Where a lane says what it does, NULL: nowhere. Lives until quarantine_close(). */
struct place *quarantine_place(struct quarantine *quarantine, uint32_t lane);
/* [any] A stop was asked for. */
void quarantine_asked(struct quarantine *quarantine);
/* The worker ends in order. `lanes_live`: a lane is left behind in a stage. */
void quarantine_close(struct quarantine *quarantine, bool lanes_live);

/* A partition is assigned from `start` on: its suspects, in a list to free(). Judges once more: another worker of this host may have died. */
struct suspects_view quarantine_suspects(
    struct quarantine *quarantine, const char *topic, int32_t partition, int64_t start);
/* The broker has confirmed a commit of `offset`. */
void quarantine_confirmed(struct quarantine *quarantine, const char *topic, int32_t partition, int64_t offset);

#endif
