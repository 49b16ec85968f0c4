/* play.c: what happens to the workers of a seed: first trouble, then calm, in which everything has to come to its end. */
#include "play.h"
#include <string.h>
#include "checks.h"
#include "client.h"
#include "cluster.h"
#include "process.h"
#include "worker.h"
#include "world.h"

enum { STEPS_MAX = 2000000, STALL_US = 240000000, END_US = 60000000, MS = 1000 };

struct play {
  uint32_t workers;
  int64_t calm_us; /* when the trouble is over */
  bool calm;
  int32_t left[PARTITIONS_MAX];
  uint32_t weights[FATES];
  bool ending;
};
static struct play play;

static int64_t between_ms(int64_t least, int64_t most) { return world_in_us(least * MS, most * MS); }

/* --- records come --- */

static enum fate choose_fate(void) {
  uint32_t sum = 0, fate = 0;
  for (int i = 0; i < FATES; i++) sum += play.weights[i];
  uint64_t at = random_below(&world.random, sum);
  while (at >= play.weights[fate]) at -= play.weights[fate++];
  return (enum fate)fate;
}

static void add_records(int32_t partition, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    bool is_record = !random_chance(&world.random, 120);
    int64_t offset = cluster.logs[partition].end;
    cluster_append(partition, is_record);
    checks_record(partition, offset, choose_fate());
  }
}

static void feed(void *ctx, int64_t partition) {
  (void)ctx;
  int32_t count = (int32_t)random_between(&world.random, 1, 20);
  if (count > play.left[partition]) count = play.left[partition];
  add_records((int32_t)partition, count);
  play.left[partition] -= count;
  if (play.left[partition]) world_at(between_ms(1, 2000), feed, NULL, partition);
}

/* --- workers come and go --- */

static void start(void *ctx, int64_t slot) {
  (void)ctx;
  struct process *process = process_of((uint32_t)slot);
  if (!process->runs && !play.ending) worker_start(process);
}

static void crash(struct process *process) {
  world_say("worker %u: killed", process->slot);
  world.events.crashes++;
  process_crash(process);
  world_at(between_ms(50, 5000), start, NULL, process->slot);
}

static void stop(struct process *process) {
  if (process->frozen || (rules.quiet && process->asked_us)) return; /* a second signal would hurry it */
  world_say("worker %u: is asked to stop", process->slot);
  world.events.stops++;
  process_interrupt(process);
}

static void go_on(void *ctx, int64_t slot) {
  struct process *process = process_of((uint32_t)slot);
  if (!process->runs || !process->frozen || process->life != (uint32_t)(uintptr_t)ctx) return;
  world_say("worker %u: goes on", process->slot);
  process_freeze(process, false);
}

static void freeze(struct process *process) {
  world_say("worker %u: is frozen", process->slot);
  world.events.freezes++;
  process_freeze(process, true);
  world_at(between_ms(100, 15000), go_on, (void *)(uintptr_t)process->life, process->slot);
}

static void break_producers(rd_kafka_t *client, void *process) {
  if (client->process == process && client->type == RD_KAFKA_PRODUCER) producer_break(client);
}

static void forget_member(rd_kafka_t *client, void *process) {
  if (client->process == process && client->type == RD_KAFKA_CONSUMER) group_forget(client->consumer.member);
}

static void choose_faults(void) {
  struct random *random = &world.random;
  struct faults *faults = &cluster.faults;
  bool bad = random_chance(random, 500);
  faults->latency_us = random_chance(random, 200) ? 400 * MS : 3 * MS;
  faults->request_lost = bad ? (uint32_t)random_below(random, 60) : 0;
  faults->answer_lost = bad ? (uint32_t)random_below(random, 150) : 0;
  faults->commit_refused = bad ? (uint32_t)random_below(random, 300) : 0;
  faults->delivery_lost = bad ? (uint32_t)random_below(random, 200) : 0;
}

static void come_back(void *ctx, int64_t number) {
  (void)ctx, (void)number;
  cluster.faults.cluster_away = false;
}

static void trouble_one(struct process *process) {
  switch (random_below(&world.random, 12)) {
  case 0:
  case 1: crash(process); return;
  case 2:
  case 3: stop(process); return;
  case 4: freeze(process); return;
  case 5: process->cut_until_us = between_ms(100, 12000); return;
  case 6: clients_each(break_producers, process); return;
  case 7: choose_faults(); return;
  case 8:
  case 9: clients_each(forget_member, process); return;
  case 10: clients_each(break_producers, process); return;
  case 11:
    cluster.faults.cluster_away = true;
    world_say("broker: is away");
    world_at(between_ms(100, 8000), come_back, NULL, 0);
    return;
  }
}

static void trouble(void *ctx, int64_t number) {
  (void)ctx, (void)number;
  if (play.calm) return;
  struct process *process = process_of((uint32_t)random_below(&world.random, play.workers));
  if (!process->runs)
    start(NULL, process->slot);
  else if (!rules.quiet)
    trouble_one(process);
  else
    stop(process);
  world_at(between_ms(200, rules.quiet ? 8000 : 4000), trouble, NULL, 0);
}

/* A supervisor starts them again. */
static void look_after(void *ctx, int64_t number) {
  (void)ctx, (void)number;
  for (uint32_t i = 0; i < play.workers; i++) {
    struct process *process = process_of(i);
    if (process->ended && rules.quiet && process->exit_code && rules.policy != POLICY_STOP)
      world_fail("EXIT-CODE", "worker %u ended with %d, and nothing went wrong", i, process->exit_code);
    if (process->ended) world_at(between_ms(50, 3000), start, NULL, i);
    process->ended = false;
  }
  world_at(between_ms(200, 400), look_after, NULL, 0);
}

static void calm_down(void *ctx, int64_t number) {
  (void)ctx, (void)number;
  play.calm = true;
  world_say("--- calm ---");
  cluster.faults = (struct faults){.latency_us = 3 * MS};
  for (uint32_t i = 0; i < play.workers; i++) {
    struct process *process = process_of(i);
    process->cut_until_us = 0;
    if (process->frozen) process_freeze(process, false);
    if (!process->runs) start(NULL, i);
  }
}

/* --- the seed --- */

static void choose_rules(void) {
  struct random *random = &world.random;
  rules = (struct rules){.quiet = random_chance(random, 150)};
  rules.policy = random_chance(random, 700)   ? POLICY_DEAD_LETTER
                 : random_chance(random, 600) ? POLICY_DISCARD
                                              : POLICY_STOP;
  rules.has_sink = random_chance(random, 300);
  rules.at_most_once = rules.policy != POLICY_STOP && random_chance(random, 120);
  rules.from_latest = random_chance(random, 150);
}

static void choose_play(void) {
  struct random *random = &world.random;
  play = (struct play){.workers = (uint32_t)random_between(random, 1, 3)};
  play.calm_us = between_ms(5000, 40000);
  static const uint32_t usual[FATES] = {60, 8, 4, 3, 1, 4, 4, 2};
  memcpy(play.weights, usual, sizeof usual);
  if (random_chance(random, 300)) memset(&play.weights[1], 0, sizeof usual - sizeof usual[0]);
  if (rules.quiet)
    play.weights[FATE_RETRY] = play.weights[FATE_TIRES] = 0; /* a revoke gives up what is to be tried again */
  if (rules.policy == POLICY_STOP) play.weights[FATE_REJECT] = random_chance(random, 300), play.weights[FATE_TIRES] = 0;
}

static void begin(uint64_t seed, bool verbose) {
  world_begin(seed, verbose);
  processes_reset();
  clients_reset();
  producers_reset();
  checks_reset();
  choose_rules();
  choose_play();
  cluster_reset((int32_t)random_between(&world.random, 1, PARTITIONS_MAX));
  pipeline_choose();
  for (int32_t i = 0; i < cluster.partitions; i++) {
    play.left[i] = (int32_t)random_between(&world.random, 10, 250);
    add_records(i, (int32_t)random_between(&world.random, 0, 60));
    world_at(between_ms(1, 3000), feed, NULL, i);
  }
  for (uint32_t i = 0; i < play.workers; i++) world_at(between_ms(0, 2000), start, NULL, i);
  world_at(between_ms(1000, 4000), trouble, NULL, 0);
  world_at(play.calm_us, calm_down, NULL, 0);
  look_after(NULL, 0);
}

static bool nothing_left(void) {
  for (int32_t i = 0; i < cluster.partitions; i++)
    if (play.left[i]) return false;
  return true;
}

static bool any_runs(void) {
  for (uint32_t i = 0; i < play.workers; i++)
    if (process_of(i)->runs) return true;
  return false;
}

/* Steps until it is over. False: it did not come to that. */
static bool run_until(bool (*is_over)(void), int64_t until_us) {
  for (uint32_t steps = 0; !world.failed; steps++) {
    if (is_over()) return true;
    if (world.now_us > until_us || steps > STEPS_MAX || !world_step()) return false;
  }
  return false;
}

static bool is_finished(void) { return play.calm && nothing_left() && checks_all_done(); }
static bool have_ended(void) { return !any_runs(); }

static void end_all(void) {
  play.ending = true;
  world_say("--- end ---");
  for (uint32_t i = 0; i < play.workers; i++)
    if (process_of(i)->runs) stop(process_of(i));
}

bool play_seed(uint64_t seed, bool verbose) {
  begin(seed, verbose);
  if (!run_until(is_finished, play.calm_us + STALL_US) && !world.failed) checks_final();
  if (!world.failed) end_all();
  if (!world.failed && !run_until(have_ended, world.now_us + END_US) && !world.failed)
    world_fail("STUCK", "a worker did not end in %d s after it was asked to", END_US / 1000 / MS);
  if (!world.failed) checks_final();
  return !world.failed;
}
