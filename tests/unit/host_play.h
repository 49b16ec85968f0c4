/* host_play.h: little plays with one lane: scripted feeds in front, a scripted producer behind, the real runner between. The test is
 * the lane's thread unless it starts one, the control thread, and Kafka.
 *
 * A feed calls its lane as librdkafka does: only when it goes from empty to not empty. So a lane that leaves records behind
 * without owing them a mark stands still here as it would there. */
#ifndef TESTS_UNIT_HOST_PLAY_H
#define TESTS_UNIT_HOST_PLAY_H
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/span.h"
#include "host/assignment.h"
#include "host/lane.h"
#include "pipeline/runner.h"
#include "unit/cmocka_all.h"

enum { PLAY_FEEDS = 8, PLAY_EVENTS = 100000, PLAY_SENT = 1000000 };

/* What a feed delivers next. */
struct play_event {
  enum feed_result result;
  int64_t offset;
  bool retriable;
};

struct play_feed {
  pthread_mutex_t lock;
  struct play_event *events; /* under lock, as the counts */
  size_t first, count;
  size_t takes; /* how often the lane looked */
  int64_t high; /* the end that the broker last told */
  struct assignment *assignment;
};

/* A record that the producer took. */
struct play_sent {
  struct delivery *delivery; /* NULL: reported */
  int64_t offset;
  int32_t partition;
};

struct play {
  struct clock_hand hand;
  struct writer writer;
  struct step sink;
  struct plan plan;
  struct lane_settings settings;
  struct lane *lane;
  struct play_feed feeds[PLAY_FEEDS];
  struct assignment *assignments[PLAY_FEEDS];
  uint64_t epoch;
  struct play_sent *sent;
  size_t sent_count;
  uint32_t room;             /* the producer takes so many more; UINT32_MAX: any number */
  void (*wanted)(void *ctx); /* who waits for room */
  void *wanted_ctx;
  _Atomic int committable, urgent, changed, starved, messages; /* messages: alive */
  pthread_mutex_t lock;
  pthread_cond_t cond; /* something was called */
};

static struct play play;

/* --- the source: a message is "partition offset" --- */

static inline bool play_headers(void *message, struct arena *arena, const weir_header **headers, uint32_t *count) {
  (void)message, (void)arena, (void)headers;
  *count = 0;
  return true;
}

static inline void play_view(void *message, weir_record *view) {
  const char *text = message;
  *view = (weir_record){.value = weir_text(text), .offset = atoll(strchr(text, ' '))};
}

static inline void play_release(void **messages, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) free(messages[i]);
  atomic_fetch_sub(&play.messages, (int)count);
}

static const struct batch_source play_source = {play_headers, play_view, play_release};

/* --- the feed --- */

static inline enum feed_result play_take(
    struct feed *opaque, void **message, weir_record *view, int64_t *offset, struct error *err) {
  struct play_feed *feed = (struct play_feed *)(void *)opaque;
  pthread_mutex_lock(&feed->lock);
  feed->takes++;
  struct play_event event = {.result = FEED_EMPTY};
  if (feed->count) event = feed->events[feed->first++], feed->count--;
  pthread_mutex_unlock(&feed->lock);
  if (event.result == FEED_RECORD) {
    char *text = malloc(48);
    snprintf(text, 48, "%d %lld", feed->assignment->partition->view.partition, (long long)event.offset);
    play_view(text, view);
    *message = text;
    atomic_fetch_add(&play.messages, 1);
  }
  if (event.result == FEED_END) *offset = event.offset;
  if (event.result == FEED_ERROR) {
    error_set(err, "scripted trouble at %lld", (long long)event.offset);
    err->retriable = event.retriable;
  }
  return event.result;
}

static inline int64_t play_high(const struct feed *opaque) {
  return ((const struct play_feed *)(const void *)opaque)->high;
}

static inline size_t play_waiting(const struct feed *opaque) {
  struct play_feed *feed = (struct play_feed *)(uintptr_t)opaque;
  pthread_mutex_lock(&feed->lock);
  size_t count = feed->count;
  pthread_mutex_unlock(&feed->lock);
  return count;
}

static inline enum feed_result play_fill(struct feed *feed, struct batch *batch, struct portion *portion,
    const struct batch_limit *limit, int64_t *offset, struct error *err) {
  while (!batch_is_full(batch, limit)) {
    void *message;
    enum feed_result result = play_take(feed, &message, batch_next(batch, portion), offset, err);
    if (result != FEED_RECORD) return result;
    batch_add(batch, portion, message);
  }
  return FEED_FULL;
}

static const struct feed_ops play_feed_ops = {play_fill, play_high, play_waiting};

/* Events enter the queue; as in librdkafka the callback comes under its lock, and only when it was empty. */
static inline void play_push(int index, struct play_event event, int64_t count) {
  struct play_feed *feed = &play.feeds[index];
  for (int64_t i = 0; i < count; i++) {
    pthread_mutex_lock(&feed->lock);
    assert_true(feed->first + feed->count < PLAY_EVENTS);
    feed->events[feed->first + feed->count] = event;
    feed->events[feed->first + feed->count].offset += i;
    if (feed->count++ == 0 && feed->assignment) assignment_mark(feed->assignment);
    pthread_mutex_unlock(&feed->lock);
  }
}

/* Records `first` .. `first + count - 1` arrive. */
static inline void play_records(int index, int64_t first, int64_t count) {
  play_push(index, (struct play_event){.result = FEED_RECORD, .offset = first}, count);
}

static inline void play_end(int index, int64_t offset) {
  play_push(index, (struct play_event){.result = FEED_END, .offset = offset}, 1);
}

static inline void play_error(int index, bool retriable) {
  play_push(index, (struct play_event){.result = FEED_ERROR, .retriable = retriable}, 1);
}

/* --- the producer --- */

static inline bool play_begin(void *ctx) {
  (void)ctx;
  return true;
}

static inline void play_end_writing(void *ctx) { (void)ctx; }
static inline uint64_t play_number(void *ctx) {
  (void)ctx;
  return 1;
}

static inline enum write_result play_write(
    void *ctx, const struct outgoing *outgoing, struct delivery *delivery, struct error *err) {
  (void)ctx, (void)err;
  pthread_mutex_lock(&play.lock);
  bool full = play.room == 0;
  if (!full) {
    assert_true(play.sent_count < PLAY_SENT);
    if (play.room != UINT32_MAX) play.room--;
    char text[48];
    snprintf(text, sizeof text, "%.*s", SPAN_ARGS(outgoing->value));
    play.sent[play.sent_count++] = (struct play_sent){delivery, atoll(strchr(text, ' ')), atoi(text)};
    pthread_cond_broadcast(&play.cond);
  }
  pthread_mutex_unlock(&play.lock);
  return full ? WRITE_FULL : WRITE_ACCEPTED;
}

static inline void play_when_room(void *ctx, uint32_t lane, void (*notify)(void *ctx), void *notify_ctx) {
  (void)ctx, (void)lane;
  pthread_mutex_lock(&play.lock);
  play.wanted = notify;
  play.wanted_ctx = notify_ctx;
  pthread_mutex_unlock(&play.lock);
}

static inline const char *play_code(int32_t code) { return code == 10 ? "message_too_large" : "other"; }

/* Reports the delivery of the record that was taken as the n-th. */
static inline void play_report(size_t which, enum delivery_state state) {
  pthread_mutex_lock(&play.lock);
  assert_true(which < play.sent_count);
  struct delivery *delivery = play.sent[which].delivery;
  play.sent[which].delivery = NULL;
  pthread_mutex_unlock(&play.lock);
  if (!delivery) return;
  delivery->state = state;
  delivery->code = state == DELIVERY_REFUSED ? 10 : 0;
  shipment_close_one(delivery->shipment);
}

static inline void play_confirm_all(void) {
  for (size_t i = 0; i < play.sent_count; i++) play_report(i, DELIVERY_CONFIRMED);
}

static inline bool play_too_large(int32_t code) { return code == 10; }

/* --- the control thread --- */

static inline void play_told(_Atomic int *counter) {
  pthread_mutex_lock(&play.lock);
  atomic_fetch_add(counter, 1);
  pthread_cond_broadcast(&play.cond);
  pthread_mutex_unlock(&play.lock);
}

static inline void play_committable(void *ctx, bool urgent) {
  (void)ctx;
  play_told(urgent ? &play.urgent : &play.committable);
}

static inline void play_changed(void *ctx) {
  (void)ctx;
  play_told(&play.changed);
}

static inline void play_starved(void *ctx) {
  (void)ctx;
  play_told(&play.starved);
}

/* Rounds until the lane would sleep. */
static inline void play_turn(void) {
  for (int rounds = 0; lane_turn(play.lane); rounds++) assert_true(rounds < 100000);
}

static inline void play_setup(void) {
  memset(&play, 0, sizeof play);
  clock_hand_init(&play.hand, 1000, 1000);
  pthread_mutex_init(&play.lock, NULL);
  pthread_cond_init(&play.cond, NULL);
  play.room = UINT32_MAX;
  play.sent = calloc(PLAY_SENT, sizeof *play.sent);
  play.writer = (struct writer){NULL, "topic out", play_begin, play_end_writing, play_number, play_write,
      play_when_room, play_code, play_code, play_too_large};
  play.sink = (struct step){
      .label = "out", .writer = &play.writer, .policy = {.attempts = 1, .on_failure = FAIL_STOP}, .deadline_ms = 30000};
  play.plan = (struct plan){.pipeline = "play",
      .group = "play",
      .sinks = &play.sink,
      .sink_count = 1,
      .clock = &play.hand.clock,
      .source = &play_source,
      .batches = 8,
      .batch_records = 10,
      .batch_bytes_max = 1 << 20};
  play.settings = (struct lane_settings){.plan = &play.plan,
      .feeds = &play_feed_ops,
      .clock = &play.hand.clock,
      .events = {NULL, play_committable, play_starved, play_changed},
      .batch_records = 10,
      .batch_bytes = 1 << 20,
      .work_max = 1 << 30,
      .uncommitted_max = 1000000,
      .commit_records = 5000};
  for (int i = 0; i < PLAY_FEEDS; i++) {
    pthread_mutex_init(&play.feeds[i].lock, NULL);
    play.feeds[i].events = calloc(PLAY_EVENTS, sizeof(struct play_event));
  }
}

/* Change play.settings before. */
static inline void play_open(void) {
  struct error err;
  play.lane = lane_create(&play.settings);
  assert_non_null(play.lane);
  assert_true(lane_open(play.lane, &err));
}

/* The partition `index` is assigned, `start` is committed. */
static inline struct assignment *play_assign(int index, int64_t start) {
  struct assignment *assignment = assignment_create("in", index, ++play.epoch, start, play.lane);
  assert_non_null(assignment);
  struct play_feed *feed = &play.feeds[index];
  pthread_mutex_lock(&feed->lock);
  feed->first = feed->count = 0;
  feed->assignment = assignment;
  pthread_mutex_unlock(&feed->lock);
  assignment->feed = (struct feed *)(void *)feed;
  play.assignments[index] = assignment;
  assignment_ask(assignment, (struct errand){.kind = ERRAND_ADOPT});
  return assignment;
}

static inline int64_t play_committed(int index) {
  struct partition *partition = play.assignments[index]->partition;
  pthread_mutex_lock(&partition->lock);
  int64_t offset = partition->ledger.committable;
  pthread_mutex_unlock(&partition->lock);
  return offset;
}

/* The broker confirms everything that may be committed. */
static inline void play_commit(int index) {
  struct assignment *assignment = play.assignments[index];
  struct partition *partition = assignment->partition;
  pthread_mutex_lock(&partition->lock);
  assignment->committing = partition->ledger.committable;
  ledger_confirm(&partition->ledger, partition->view.epoch, partition->ledger.committable);
  pthread_mutex_unlock(&partition->lock);
  if (atomic_exchange(&assignment->awaits_commit, false)) assignment_mark(assignment);
}

static inline void play_drain(int index, bool stopping) {
  assignment_fence(play.assignments[index]);
  assignment_ask(play.assignments[index],
      (struct errand){.kind = ERRAND_DRAIN, .deadline_ms = clock_now(&play.hand.clock) + 20000, .stopping = stopping});
}

static inline bool play_has_done(int index, enum errand_kind kind) {
  return assignment_has_done(play.assignments[index], kind);
}

/* As the control thread does after rd_kafka_assign(NULL): no mark comes any more. */
static inline void play_forget(int index, bool lost) {
  struct assignment *assignment = play.assignments[index];
  struct partition *partition = assignment->partition;
  assignment_fence(assignment);
  pthread_mutex_lock(&partition->lock);
  ledger_end(&partition->ledger);
  pthread_mutex_unlock(&partition->lock);
  pthread_mutex_lock(&play.feeds[index].lock);
  play.feeds[index].assignment = NULL;
  pthread_mutex_unlock(&play.feeds[index].lock);
  assignment->feed = NULL;
  assignment_ask(assignment, (struct errand){.kind = ERRAND_FORGET, .lost = lost});
}

/* Only when it is gone. */
static inline struct tally play_destroy(int index) {
  struct assignment *assignment = play.assignments[index];
  assert_true(assignment->gone);
  struct tally tally = assignment->partition->tally;
  assignment_destroy(assignment);
  play.assignments[index] = NULL;
  return tally;
}

/* Forgets what is left, reports what is open, ends the lane; nothing may be alive behind it. */
static inline void play_teardown(void) {
  for (int i = 0; i < PLAY_FEEDS; i++)
    if (play.assignments[i] && !play.assignments[i]->errands[ERRAND_FORGET].assignment) play_forget(i, true);
  play_turn();
  for (size_t i = 0; i < play.sent_count; i++) play_report(i, DELIVERY_LOST); /* behind the last round */
  lane_shut(play.lane);
  for (int i = 0; i < PLAY_FEEDS; i++)
    if (play.assignments[i]) play_destroy(i);
  lane_destroy(play.lane);
  assert_int_equal(play.messages, 0);
  for (int i = 0; i < PLAY_FEEDS; i++) free(play.feeds[i].events);
  free(play.sent);
}

/* The n-th record that the producer took. */
#define assert_sent(which, at_partition, at_offset)                                                                    \
  do {                                                                                                                 \
    assert_true((which) < play.sent_count);                                                                            \
    assert_int_equal(play.sent[which].partition, at_partition);                                                        \
    assert_int_equal(play.sent[which].offset, at_offset);                                                              \
  } while (0)

#endif
