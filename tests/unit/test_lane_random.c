/* test_lane_random.c: a lane under random orders of arrivals, reports, commits, drains and re-assignments. What must hold: the committed
 * offset never passes a record that is not acknowledged, each epoch delivers its records once and in order, nothing is left unread
 * when everything is answered (a lost mark would), and the sum of sentence 6 is right (I1, I2, I5, I10). The seed is printed when it fails. */
#include "unit/host_play.h"

enum { PARTITIONS = 5, STEPS = 400, SEEDS = 150 };

struct model {
  int64_t arrived;   /* next offset that the topic gets */
  int64_t committed; /* the broker's */
  int64_t read;      /* next offset that the current assignment must deliver */
  bool acknowledged[STEPS * 64];
  bool going;
};

static struct model models[PARTITIONS];
static uint64_t seed;
static size_t checked; /* of play.sent */
static uint64_t in, delivered, abandoned;

static uint64_t roll(uint64_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (seed * 0x2545f4914f6cdd1du >> 33) % below;
}

static void check_sent(void) {
  for (; checked < play.sent_count; checked++) {
    const struct play_sent *sent = &play.sent[checked];
    struct model *model = &models[sent->partition];
    assert_true(sent->offset < model->arrived);
    assert_int_equal(sent->offset, model->read);
    model->read++;
  }
}

static void check_committed(int index) {
  struct model *model = &models[index];
  for (int64_t offset = model->committed; offset < play_committed(index); offset++)
    assert_true(model->acknowledged[offset]);
}

static void report(size_t which) {
  struct play_sent *sent = &play.sent[which];
  if (!sent->delivery) return;
  struct model *model = &models[sent->partition];
  model->acknowledged[sent->offset] = true;
  play_report(which, DELIVERY_CONFIRMED);
}

static void commit(int index) {
  check_committed(index);
  int64_t offset = play_committed(index);
  play_commit(index);
  models[index].committed = offset;
}

static void add_tally(struct tally tally) {
  in += tally.in;
  delivered += tally.settled[OUTCOME_DELIVERED];
  abandoned += tally.settled[OUTCOME_ABANDONED];
  assert_int_equal(tally_in_flight(&tally), 0);
}

static struct assignment *leaving[4096];
static size_t leaving_count;

static void reap(void) {
  for (size_t i = 0; i < leaving_count;) {
    if (!leaving[i]->gone) {
      i++;
      continue;
    }
    add_tally(leaving[i]->partition->tally);
    assignment_destroy(leaving[i]);
    leaving[i] = leaving[--leaving_count];
  }
}

/* Off it goes, drained or lost, and comes back at the committed offset with all that is behind it. */
static void reassign(int index) {
  struct model *model = &models[index];
  bool lost = roll(2);
  if (!lost) {
    if (!play.assignments[index]->errands[ERRAND_DRAIN].assignment) play_drain(index, false);
    play_turn();
    check_sent();
    commit(index);
  }
  play_forget(index, lost);
  leaving[leaving_count++] = play.assignments[index];
  if (roll(2)) play_turn();
  check_sent();
  model->read = model->committed;
  play_assign(index, model->committed);
  play_records(index, model->committed, model->arrived - model->committed);
  model->going = false;
}

static void arrive(int index) {
  int64_t count = (int64_t)roll(30) + 1;
  play_records(index, models[index].arrived, count);
  models[index].arrived += count;
}

static void step(void) {
  int index = (int)roll(PARTITIONS);
  switch (roll(8)) {
  case 0:
  case 1: arrive(index); break;
  case 2:
  case 3:
    for (uint64_t i = roll(40); i && play.sent_count; i--) report(roll(play.sent_count));
    break;
  case 4: commit(index); break;
  case 5: clock_hand_advance(&play.hand, (int64_t)roll(20)); break;
  case 6:
    if (roll(10) == 0) reassign(index);
    break;
  case 7: play_turn(); break;
  }
  check_sent();
  reap();
}

static bool all_is_done(void) {
  for (int i = 0; i < PARTITIONS; i++)
    if (models[i].committed < models[i].arrived) return false;
  return true;
}

/* Everything is answered: now all has to be read, acknowledged and committed. */
static void finish(void) {
  for (int rounds = 0; !all_is_done(); rounds++) {
    assert_true(rounds < 3000);
    clock_hand_advance(&play.hand, 20);
    play_turn();
    check_sent();
    for (size_t i = 0; i < play.sent_count; i++) report(i);
    play_turn();
    check_sent();
    for (int i = 0; i < PARTITIONS; i++) commit(i);
  }
  reap();
}

static void one_run(uint64_t run) {
  memset(models, 0, sizeof models);
  seed = run * 0x9e3779b97f4a7c15u + 1;
  checked = leaving_count = 0;
  in = delivered = abandoned = 0;
  play_setup();
  play.plan.batches = (uint32_t)roll(6) + 1;
  play.settings.uncommitted_max = roll(2) ? 1000000 : 12;
  play.settings.batch_wait_ms = roll(3) ? 0 : 10;
  play.settings.work_max = roll(2) ? 1 << 30 : 9000;
  play_open();
  for (int i = 0; i < PARTITIONS; i++) play_assign(i, 0);
  for (int i = 0; i < STEPS; i++) step();
  finish();
  for (int i = 0; i < PARTITIONS; i++) {
    assert_int_equal(models[i].read, models[i].arrived);
    play_forget(i, false);
    leaving[leaving_count++] = play.assignments[i];
    play.assignments[i] = NULL;
  }
  play_turn();
  reap();
  assert_int_equal(leaving_count, 0);
  assert_int_equal(in, delivered + abandoned);
  play_teardown();
}

static void any_order_of_events_keeps_the_promises(void **state) {
  (void)state;
  const char *only = getenv("WEIR_SEED");
  for (uint64_t run = 0; run < SEEDS; run++) {
    if (only && run != strtoull(only, NULL, 10)) continue;
    /* cmocka longjmps out of a failure: what is printed last is the seed. */
    if (only || getenv("WEIR_SEEDS")) print_message("WEIR_SEED=%llu\n", (unsigned long long)run);
    one_run(run);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(any_order_of_events_keeps_the_promises)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
