/* play.h: one run of the sandbox: a broker, workers, what is fed to them, and the plain consumer that judges the result. [main]
 *
 * joining -> feeding -> finishing -> ending -> reading -> over. Whatever goes wrong leads to `ending`: the table is shown in any case. */
#ifndef WEIR_SANDBOX_PLAY_H
#define WEIR_SANDBOX_PLAY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "sandbox/broker.h"
#include "sandbox/panel.h"

struct feeder;
struct reader;
struct supply;
struct survey;
struct workers;

enum { PLAY_TOPICS_MAX = 64 };

/* What is to be played; strings and supplies outlive the play. */
struct play_settings {
  const char *file, *pipeline, *group;
  const char *topics[PLAY_TOPICS_MAX]; /* all to be created; the first `source_count` are read by the pipeline */
  size_t topic_count, source_count;
  const char *dead_letter; /* NULL: none */
  int32_t partitions;
  int workers;
  int64_t rate, repeat;
  int64_t kill_after_ms, for_ms; /* 0: never */
  struct supply *const *supplies;
  size_t supply_count;
  const char *const *worker_arguments; /* further ones for `weir run`, NULL at the end */
  bool verbose;
};

enum play_phase { PLAY_JOINING, PLAY_FEEDING, PLAY_FINISHING, PLAY_ENDING, PLAY_READING, PLAY_OVER };

/* Read-only outside of play.c. */
struct play {
  const struct play_settings *settings;
  struct broker broker;
  struct workers *workers;
  struct survey *survey;
  struct feeder *feeder;
  struct reader *reader; /* the caller's */
  struct panel panel;
  enum play_phase phase;
  bool entering;                       /* this is the first step of the phase */
  int64_t now_ms, opened_ms, phase_ms; /* phase_ms: when the phase began */
  int64_t owned_ms,
      settled_ms;     /* newest time at which not every partition had an owner, and the group was not at rest */
  int64_t feeding_ms; /* when feeding began, -1: not yet */
  int64_t looked_ms, drawn_ms;
  int64_t moved_ms, moved; /* when something was last committed or fed, and the sum then */
  int64_t killed_ms;       /* when worker 1 was killed, -1: not yet */
  bool restarted;
  char trouble[ERROR_TEXT_MAX]; /* why it is over too soon, "": it is not */
};

/* Starts the broker, then the readers and workers. Call it before any other thread exists. False: err. */
bool play_open(struct play *play, const struct play_settings *settings, struct reader *reader, struct error *err);
/* Plays it to its end. */
void play_run(struct play *play);
void play_close(struct play *play);

/* Asked to stop by a signal: 1 ends in order, 2 at once. [any] */
void play_interrupt(void);

#endif
