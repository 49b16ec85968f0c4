/* What any thread may do with a ticket, spoken directly to the host table: the first completion of a record counts,
 * whatever comes late, twice or at the same time. */
#include "unit/stage_play.h"
#include "plugin/stage_inside.h"

static const weir_host *table(void) { return &play.stage->host.table; }

/* A batch of five records, deferred; its ticket. */
static weir_ticket deferred(struct portion **portion) {
  *portion = play_batch("a b c d e");
  assert_int_equal(stage_process(play.stage, *portion), STAGE_LATER);
  return ticket_number(play.stage->tickets.newest);
}

static void the_first_completion_counts(void **state) {
  (void)state;
  struct portion *portion;
  play_start("misbehave", WEIR_TRANSFORM, "how: defer");
  const weir_host *host = table();
  weir_ticket ticket = deferred(&portion);
  weir_reason one = weir_because("one", weir_text("first")), two = weir_because("two", weir_text("second"));
  two.retry_after_ms = 250;
  assert_int_equal(host->complete(host, ticket, 1, 2, WEIR_REJECT, &one), 0);
  assert_int_equal(host->complete(host, ticket, 1, 1, WEIR_PASS, NULL), -1);
  assert_int_equal(host->complete(host, ticket, 0, 4, WEIR_RETRY, &two), 0); /* 0 and 3 were waiting */
  assert_int_equal(play.notified, 1);
  assert_int_equal(play_collect(), 1);
  assert_string_equal(play_verdicts(portion), "tjjt?");
  assert_string_equal(play_code(portion, 0), "two");
  assert_string_equal(play_code(portion, 1), "one");
  assert_string_equal(play_code(portion, 3), "two");
  assert_int_equal(portion_reason(portion, 3)->retry_after_ms, 250);
  assert_string_equal(play_code(portion, 4), "");
  assert_int_equal(host->complete(host, ticket, 4, UINT32_MAX, WEIR_DROP, NULL), 0);
  assert_int_equal(play.notified, 2);
  assert_int_equal(play_collect(), 1);
  assert_int_equal(host->complete(host, ticket, 0, UINT32_MAX, WEIR_PASS, NULL), -1);
  assert_string_equal(play_verdicts(portion), "tjjtd");
  play_give(portion);
  assert_int_equal(play_metric("plugin_late_completions"), 2);
}

static void each_record_keeps_its_own_reason(void **state) {
  (void)state;
  struct portion *portion;
  play_start("misbehave", WEIR_TRANSFORM, "how: defer");
  const weir_host *host = table();
  weir_ticket ticket = deferred(&portion);
  static const char *const codes[] = {"a", "b", "c", "d", "e"};
  for (uint32_t i = 0; i < 5; i++) {
    weir_reason why = weir_because(codes[i], weir_text(codes[4 - i]));
    assert_int_equal(host->complete(host, ticket, i, 1, WEIR_REJECT, i == 2 ? NULL : &why), 0);
  }
  assert_int_equal(play_collect(), 1);
  for (uint32_t i = 0; i < 5; i++) assert_string_equal(play_code(portion, i), i == 2 ? "" : codes[i]);
  assert_true(span_is(portion_reason(portion, 0)->text, "e"));
  play_give(portion);
}

static void a_resumed_change_without_memory_is_retry(void **state) {
  (void)state;
  struct portion *portion;
  batch_pool_fini(&play.pool);
  assert_true(batch_pool_init(&play.pool, PLAY_BATCHES, PLAY_RECORDS, 64 << 10));
  play_start("misbehave", WEIR_TRANSFORM, "how: defer");
  const weir_host *host = table();
  weir_ticket ticket = deferred(&portion);
  play.stage->phase = PHASE_WAKE; /* as inside wake() */
  const weir_batch *batch = host->resume(host, ticket);
  host->settle(host, batch, 0, 2, WEIR_PASS, NULL);
  while (arena_alloc(&portion->batch->arena, 16)) continue;
  host->set_value(host, batch, 0, weir_text("never seen"));
  host->set_value(host, batch, 3, weir_text("never seen"));
  host->settle(host, batch, 0, UINT32_MAX, WEIR_PASS, NULL); /* too late for these two */
  tickets_close_all(&play.stage->tickets);
  play.stage->phase = PHASE_NONE;
  assert_int_equal(play_collect(), 1);
  assert_string_equal(play_verdicts(portion), "tpptp");
  assert_string_equal(play_values(portion), "a b c d e");
  play_give(portion);
}

static void the_earliest_wake_stands(void **state) {
  (void)state;
  play_start("misbehave", WEIR_TRANSFORM, "how: nothing");
  const weir_host *host = table();
  host->wake(host, 5000);
  host->wake(host, 9000);
  assert_int_equal(stage_wake_at(play.stage), 5000);
  host->wake(host, 3000);
  assert_int_equal(stage_wake_at(play.stage), 3000);
  stage_wake(play.stage, 3000);
  assert_int_equal(stage_wake_at(play.stage), INT64_MAX);
}

static void numbers_are_never_given_twice(void **state) {
  (void)state;
  struct portion *portions[PLAY_BATCHES];
  weir_ticket last = 0;
  play_start("misbehave", WEIR_TRANSFORM, "how: defer");
  const weir_host *host = table();
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < PLAY_BATCHES; i++) {
      weir_ticket ticket = deferred(&portions[i]);
      assert_true(ticket > last);
      last = ticket;
    }
    for (int i = 0; i < PLAY_BATCHES; i++)
      assert_int_equal(host->complete(host, last - (weir_ticket)i, 0, UINT32_MAX, WEIR_PASS, NULL), 0);
    assert_int_equal(play_collect(), PLAY_BATCHES);
    for (int i = 0; i < PLAY_BATCHES; i++) play_give(portions[i]);
    assert_int_equal(host->complete(host, last, 0, 1, WEIR_PASS, NULL), -1);
    assert_int_equal(host->complete(host, last + 1, 0, 1, WEIR_PASS, NULL), -1);
    assert_int_equal(host->complete(host, 0, 0, 1, WEIR_PASS, NULL), -1);
  }
}

/* More tickets than the table has buckets at the start. */
static void many_tickets_are_found(void **state) {
  (void)state;
  enum { MANY = 300 };
  struct batch_pool pool;
  struct portion *portions[MANY];
  weir_ticket tickets[MANY];
  play_start("misbehave", WEIR_TRANSFORM, "how: defer");
  const weir_host *host = table();
  assert_true(batch_pool_init(&pool, MANY, 4, 0));
  for (int i = 0; i < MANY; i++) {
    struct batch *batch = batch_pool_take(&pool, play.partition, 7, &play_source);
    portions[i] = portion_create(batch, 4);
    *batch_next(batch, portions[i]) = (weir_record){.value = weir_text("x"), .offset = i};
    batch_add(batch, portions[i], strdup("x"));
    portion_enter(portions[i], 0, false, NULL);
    assert_int_equal(stage_process(play.stage, portions[i]), STAGE_LATER);
    tickets[i] = ticket_number(play.stage->tickets.newest);
  }
  for (int i = MANY - 1; i >= 0; i--) assert_int_equal(host->complete(host, tickets[i], 0, 1, WEIR_PASS, NULL), 0);
  assert_int_equal(play_collect(), MANY);
  for (int i = 0; i < MANY; i++) {
    batch_abandon(portions[i]->batch);
    batch_pool_give(&pool, portions[i]->batch);
  }
  batch_pool_fini(&pool);
}

static void a_resumed_record_may_change_its_mind_until_the_callback_returns(void **state) {
  (void)state;
  struct portion *portion;
  play_start("misbehave", WEIR_TRANSFORM, "how: defer");
  const weir_host *host = table();
  weir_ticket ticket = deferred(&portion);
  assert_int_equal(host->complete(host, ticket, 4, 1, WEIR_PASS, NULL), 0);
  play.stage->phase = PHASE_WAKE; /* as inside wake() */
  const weir_batch *batch = host->resume(host, ticket);
  assert_ptr_equal(batch, &portion->view);
  assert_ptr_equal(host->resume(host, ticket), batch);
  assert_true(portion->open);
  host->set_value(host, batch, 0, weir_text("A"));
  host->set_value(host, batch, 1, weir_text("B"));
  host->settle(host, batch, 0, UINT32_MAX, WEIR_PASS, NULL);
  host->settle(host, batch, 1, 1, WEIR_RETRY, NULL); /* undoes the change */
  host->settle(host, batch, 2, 1, WEIR_UNSETTLED, NULL);
  host->set_value(host, batch, 2, weir_text("C"));
  assert_int_equal(host->complete(host, ticket, 0, 2, WEIR_DROP, NULL), -1); /* settled here */
  assert_int_equal(host->complete(host, ticket, 2, 1, WEIR_DROP, NULL), 0);
  tickets_close_all(&play.stage->tickets);
  play.stage->phase = PHASE_NONE;
  assert_false(portion->open);
  assert_int_equal(play_collect(), 1);
  assert_string_equal(play_verdicts(portion), "ptdpp");
  assert_string_equal(play_values(portion), "A b C d e");
  play_give(portion);
}

static void completions_before_process_returned_are_verdicts(void **state) {
  (void)state;
  play_start("misbehave", WEIR_TRANSFORM, "how: overrule");
  struct portion *portion = play_batch("a b");
  /* Its thread completes record 0 with DROP while process() runs; process() leaves it at PASS: that stands. */
  assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
  assert_string_equal(play_verdicts(portion), "p?");
  assert_int_equal(portion->waiting, 1);
  assert_int_equal(play_metric("plugin_misbehaviours"), 1);
  const weir_host *host = table();
  assert_int_equal(host->complete(host, ticket_number(play.stage->tickets.newest), 1, 1, WEIR_PASS, NULL), 0);
  assert_int_equal(play_collect(), 1);
  play_give(portion);
}

/* ---- Many threads ---- */

enum { RACE_SLOTS = 8, RACE_THREADS = 3, RACE_BATCHES = 300, RACE_RECORDS = 5 };

static struct {
  const weir_host *host;
  _Atomic uint64_t tickets[RACE_SLOTS]; /* open now; an old one may still be in a thread's hand */
  _Atomic uint32_t taken;               /* records whose completion counted */
  _Atomic bool over;
} race;

static void *complete_at_random(void *seed) {
  uint64_t random = 88172645463325252u + (uintptr_t)seed;
  while (!race.over) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    uint64_t ticket = race.tickets[random % RACE_SLOTS];
    uint32_t first = (uint32_t)(random >> 8) % RACE_RECORDS;
    weir_verdict verdict = (random >> 16) % 2 ? WEIR_PASS : WEIR_REJECT;
    weir_reason why = weir_because("race", weir_bytes(&random, sizeof random));
    if (race.host->complete(race.host, ticket, first, 1, verdict, (random >> 20) % 2 ? &why : NULL) == 0) race.taken++;
  }
  return NULL;
}

static void many_threads_complete_each_record_once(void **state) {
  (void)state;
  struct portion *portions[RACE_SLOTS] = {NULL};
  pthread_t threads[RACE_THREADS];
  uint32_t begun = 0, ended = 0;
  play_start("misbehave", WEIR_TRANSFORM, "how: defer");
  race.host = table();
  race.taken = 0;
  race.over = false;
  for (uintptr_t i = 0; i < RACE_THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, complete_at_random, (void *)i), 0);
  while (ended < RACE_BATCHES) {
    for (int i = 0; i < RACE_SLOTS; i++) {
      if (portions[i] && portions[i]->waiting == 0) {
        assert_null(strchr(play_verdicts(portions[i]), '?'));
        assert_int_equal(portions[i]->batch->holds, 0);
        play_give(portions[i]);
        portions[i] = NULL;
        ended++;
      }
      if (!portions[i] && begun < RACE_BATCHES) {
        race.tickets[i] = deferred(&portions[i]);
        begun++;
      }
    }
    if (ended == RACE_BATCHES) break;
    play_wait_notified();
    play_collect();
  }
  race.over = true;
  for (int i = 0; i < RACE_THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(race.taken, RACE_BATCHES * RACE_RECORDS);
}

int main(void) {
#define PLAY(test) cmocka_unit_test_setup_teardown(test, play_open_stage, play_close_stage)
  const struct CMUnitTest tests[] = {
      PLAY(the_first_completion_counts),
      PLAY(each_record_keeps_its_own_reason),
      PLAY(a_resumed_change_without_memory_is_retry),
      PLAY(the_earliest_wake_stands),
      PLAY(numbers_are_never_given_twice),
      PLAY(many_tickets_are_found),
      PLAY(a_resumed_record_may_change_its_mind_until_the_callback_returns),
      PLAY(completions_before_process_returned_are_verdicts),
      PLAY(many_threads_complete_each_record_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
