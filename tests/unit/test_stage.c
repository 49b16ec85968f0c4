/* One instance of a plugin: its life, its verdicts, what it changes and emits. */
#include <time.h>
#include "unit/stage_play.h"
#include <weir/ext/worker.h>
#include "plugin/stage_inside.h"

static const weir_host *table(void) { return &play.stage->host.table; }

/* ---- Life ---- */

static void the_callbacks_come_in_pairs_and_in_order(void **state) {
  (void)state;
  struct error err = {0};
  play_start("recorder", WEIR_TRANSFORM, "{}");
  const fixture_trace *trace = play_extension(FIXTURE_TRACE);
  trace->clear();
  assert_true(stage_assigned(play.stage, play.other, &err));
  struct portion *portion = play_batch("a b");
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  play_give(portion);
  stage_flush(play.stage, play.partition, WEIR_FLUSH_REVOKE, 1234);
  stage_flush(play.stage, NULL, WEIR_FLUSH_STOP, 99);
  stage_revoked(play.stage, play.other, WEIR_LOST);
  play_stop();
  assert_string_equal(
      trace->text(), "assigned:in/4 process:2 flush:one:1:1234 flush:all:2:99 lost revoked destroy release");
}

static void a_partition_that_is_refused_is_not_revoked(void **state) {
  (void)state;
  struct error err = {0};
  play_start("recorder", WEIR_TRANSFORM, "fail_at: process");
  stage_destroy(NULL, NULL, NULL);
  play_stop();
  const char *ignored;
  struct report report;
  report_init(&report);
  const struct weir_config *options = play_yaml("fail_at: assigned", &ignored);
  const struct setup_request request = {"recorder", "my-stage", WEIR_TRANSFORM, options, options};
  struct setup *setup = setup_open(&request, &play.facts, &report);
  struct stage *stage = stage_create(setup, &play.lane, &err);
  assert_false(stage_assigned(stage, play.partition, &err));
  assert_string_equal(err.text, "this partition is not wanted");
  stage_destroy(stage, NULL, NULL);
  setup_close(setup);
  report_fini(&report);
}

static void state_belongs_to_its_partition(void **state) {
  (void)state;
  struct error err = {0};
  enum { MANY = 20 };
  struct partition *partitions[MANY];
  play_start("window", WEIR_TRANSFORM, "length: 5s");
  void *mine = stage_state(play.stage, play.partition);
  for (int i = 0; i < MANY; i++) {
    partitions[i] = partition_create("many", i, (uint64_t)i + 100, 0);
    assert_true(stage_assigned(play.stage, partitions[i], &err));
  }
  for (int i = 0; i < MANY; i++) {
    struct portion *portion = play_batch_of(partitions[i], "a");
    assert_int_equal(stage_process(play.stage, portion), STAGE_LATER);
    assert_ptr_not_equal(portion->view.state, mine);
    assert_int_equal(stage_deferred(play.stage, partitions[i]), 1);
    assert_int_equal(stage_deferred(play.stage, play.partition), 0);
    assert_int_equal(stage_deferred(play.stage, NULL), 1);
    stage_revoked(play.stage, partitions[i], WEIR_LOST);
    assert_int_equal(play_collect(), 1); /* the window completed it with RETRY */
    play_give(portion);
    partition_destroy(partitions[i]);
  }
  assert_ptr_equal(stage_state(play.stage, play.partition), mine);
}

static void the_host_table_says_who_and_where(void **state) {
  (void)state;
  play_start("pass", WEIR_SINK, "");
  const weir_host *host = table();
  assert_true(host->size == sizeof *host && host->abi_major == 1 && host->abi_minor == 0);
  assert_true(span_is(host->name, "my-stage"));
  assert_true(host->role == WEIR_SINK && host->lane == 0 && host->lanes == 1);
  const weir_worker *worker = host->extension(host, WEIR_EXT_WORKER);
  assert_non_null(worker);
  assert_true(worker->size == sizeof *worker && span_is(worker->pipeline, "p") && span_is(worker->group, "g"));
  assert_true(span_is(worker->instance, "i") && span_is(worker->directory, "/nowhere"));
  assert_null(host->extension(host, "weir.worker/2"));
  assert_int_equal(host->now_ms(host), 1000);
  assert_int_equal(host->wall_ms(host), 1700000000000);
  clock_hand_advance(&play.hand, 5);
  assert_int_equal(host->now_ms(host), 1005);
  assert_string_equal(stage_label(play.stage), "my-stage");
  assert_ptr_equal(stage_setup(play.stage), play.setup);
}

/* ---- Verdicts ---- */

static void records_are_dropped_and_counted(void **state) {
  (void)state;
  play_start("drop_short", WEIR_TRANSFORM, "bytes_min: 3");
  struct portion *portion = play_batch("abc a abcd - ab");
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  assert_string_equal(play_verdicts(portion), "pdpdd");
  assert_int_equal(play_metric("plugin_drop_short_records_dropped"), 3);
  assert_false(portion->open);
  play_give(portion);
}

static void a_sink_acknowledges(void **state) {
  (void)state;
  play_start("pass", WEIR_SINK, "");
  struct portion *portion = play_batch("a b");
  assert_string_equal(play_verdicts(portion), "??");
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  assert_string_equal(play_verdicts(portion), "pp");
  play_give(portion);
}

static void broken_means_that_every_record_is_tried_again(void **state) {
  (void)state;
  play_start("recorder", WEIR_TRANSFORM, "fail_at: process");
  struct portion *portion = play_batch("a b c");
  assert_int_equal(stage_process(play.stage, portion), STAGE_BROKEN);
  assert_string_equal(play_verdicts(portion), "ttt");
  assert_string_equal(stage_failure(play.stage), "the store is away");
  assert_string_equal(play_code(portion, 2), "stage_broken");
  assert_true(span_is(portion_reason(portion, 2)->text, "the store is away"));
  play_give(portion);
}

static void broken_without_a_word_is_told_so(void **state) {
  (void)state;
  play_start("recorder", WEIR_SINK, "{fail_at: process, silent: true}");
  struct portion *portion = play_batch("a");
  assert_int_equal(stage_process(play.stage, portion), STAGE_BROKEN);
  assert_string_equal(play_verdicts(portion), "t");
  assert_string_equal(stage_failure(play.stage), "plugin \"recorder\" failed in process() and did not say why");
  play_give(portion);
}

/* ---- Changes ---- */

static void values_and_keys_are_changed(void **state) {
  (void)state;
  play_start("upper", WEIR_TRANSFORM, "key: true");
  struct portion *portion = play_batch("abc x1y - zz");
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  assert_string_equal(play_values(portion), "ABC X1Y - ZZ");
  assert_true(span_is(weir_record_at(&portion->view, 3)->key, "KEY"));
  assert_null(weir_record_at(&portion->view, 2)->value.data);
  play_give(portion);
}

static void a_header_is_added_behind_the_others(void **state) {
  (void)state;
  play_start("tag", WEIR_TRANSFORM, "{header: origin, value: weir}");
  struct portion *portion = play_batch("a b");
  const weir_header *headers = NULL;
  uint32_t count;
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  assert_true(record_headers(portion->batch, &portion->records[1], &headers, &count));
  assert_int_equal(count, 3);
  assert_true(span_is(headers[0].name, "h") && span_is(headers[0].value, "1"));
  assert_true(span_is(headers[1].name, "h") && span_is(headers[1].value, "2"));
  assert_true(span_is(headers[2].name, "origin") && span_is(headers[2].value, "weir"));
  play_give(portion);
}

static void pieces_are_emitted_with_what_their_parent_has(void **state) {
  (void)state;
  play_start("splitter", WEIR_TRANSFORM, "separator: ;");
  struct portion *portion = play_batch("a;b c ; -");
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  assert_string_equal(play_verdicts(portion), "dddj");
  assert_string_equal(play_emitted(portion), "0:a 0:b 1:c 2: 2:");
  assert_string_equal(play_code(portion, 3), "no_value");
  struct record *child = &portion->emitted->next->record;
  const weir_header *headers;
  uint32_t count;
  assert_int_equal(child->view.child, 2);
  assert_int_equal(child->view.offset, 0);
  assert_true(span_is(child->view.key, "key"));
  assert_true(record_headers(portion->batch, child, &headers, &count));
  assert_int_equal(count, 2);
  play_give(portion);
}

/* A plugin's own memory limit is the batch's: what does not fit is said, and nothing goes on half done. */
static void when_the_batch_has_no_memory_nothing_goes_on_unchanged(void **state) {
  (void)state;
  batch_pool_fini(&play.pool);
  assert_true(batch_pool_init(&play.pool, PLAY_BATCHES, PLAY_RECORDS, 64 << 10));
  play_start("upper", WEIR_TRANSFORM, "");
  uint32_t broken = 0, rejected = 0, done = 0;
  for (size_t spend = 0; spend < 60 << 10; spend += 256) {
    struct portion *portion = play_batch("abcdefgh abcdefgh abcdefgh abcdefgh");
    if (arena_alloc(&portion->batch->arena, spend)) {
      enum stage_result result = stage_process(play.stage, portion);
      for (uint32_t i = 0; i < 4; i++) {
        bool passed = portion->verdicts[i] == WEIR_PASS;
        assert_true(span_is(weir_record_at(&portion->view, i)->value, passed ? "ABCDEFGH" : "abcdefgh"));
        rejected += portion->verdicts[i] == WEIR_REJECT;
      }
      broken += result == STAGE_BROKEN;
      done += result == STAGE_DONE;
    }
    play_give(portion);
  }
  assert_true(done > 10);
  assert_true(rejected + broken > 0);
}

static void a_change_without_memory_breaks_the_batch(void **state) {
  (void)state;
  batch_pool_fini(&play.pool);
  assert_true(batch_pool_init(&play.pool, PLAY_BATCHES, PLAY_RECORDS, 64 << 10));
  play_start("misbehave", WEIR_TRANSFORM, "how: stack");
  struct portion *portion = play_batch("a b");
  while (arena_alloc(&portion->batch->arena, 16)) continue;
  assert_int_equal(stage_process(play.stage, portion), STAGE_BROKEN);
  assert_string_equal(play_verdicts(portion), "tt");
  assert_string_equal(stage_failure(play.stage), "the memory of the batch is spent");
  assert_string_equal(play_values(portion), "a b");
  play_give(portion);
}

/* ---- Other languages and versions ---- */

static void a_plugin_in_cxx_runs(void **state) {
  (void)state;
  play_start("cxx", WEIR_TRANSFORM, "");
  struct portion *portion = play_batch("a b a - a c");
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  assert_string_equal(play_verdicts(portion), "ppdpdp");
  assert_int_equal(play_metric("plugin_cxx_repeated"), 2);
  play_give(portion);
}

static void a_plugin_of_a_later_version_runs(void **state) {
  (void)state;
  play_start("future", WEIR_TRANSFORM, "first: 5");
  struct portion *portion = play_batch("a b");
  assert_int_equal(stage_process(play.stage, portion), STAGE_DONE);
  assert_string_equal(play_verdicts(portion), "pp");
  play_give(portion);
}

/* ---- Small services ---- */

static void metrics_are_refused_with_a_bad_name_or_kind(void **state) {
  (void)state;
  play_start("pass", WEIR_TRANSFORM, "");
  const weir_host *host = table();
  char longest[200];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  weir_metric *seen = host->metric(host, WEIR_COUNTER, "seen", "Seen.");
  assert_non_null(seen);
  assert_ptr_equal(host->metric(host, WEIR_COUNTER, "seen", "Seen."), seen);
  assert_null(host->metric(host, WEIR_GAUGE, "seen", "Seen."));
  assert_null(host->metric(host, WEIR_COUNTER, "Bad-Name", ""));
  assert_null(host->metric(host, WEIR_COUNTER, longest, ""));
  assert_null(host->metric(host, 77, "other", ""));
  assert_null(host->metric(host, WEIR_COUNTER, NULL, ""));
  host->measure(host, seen, 5);
  host->measure(host, NULL, 5);
  assert_int_equal(play_metric("plugin_pass_seen"), 5);
}

static void a_failure_that_is_too_long_is_cut(void **state) {
  (void)state;
  play_start("pass", WEIR_TRANSFORM, "");
  const weir_host *host = table();
  char text[3000];
  memset(text, 'x', sizeof text);
  assert_int_equal((host->fail)(host, NULL, weir_bytes(text, sizeof text)), -1);
  assert_int_equal(strlen(play.stage->host.failure.text), LIMIT_FAILURE_TEXT);
  assert_int_equal((host->fail)(host, NULL, (weir_span){NULL, 0}), -1);
  assert_string_equal(play.stage->host.failure.text, "");
  host->log(host, WEIR_DEBUG, weir_bytes(text, sizeof text));
  host->log(host, WEIR_INFO, (weir_span){NULL, 5});
}

int main(void) {
#define PLAY(test) cmocka_unit_test_setup_teardown(test, play_open_stage, play_close_stage)
  const struct CMUnitTest tests[] = {
      PLAY(the_callbacks_come_in_pairs_and_in_order),
      PLAY(a_partition_that_is_refused_is_not_revoked),
      PLAY(state_belongs_to_its_partition),
      PLAY(the_host_table_says_who_and_where),
      PLAY(records_are_dropped_and_counted),
      PLAY(a_sink_acknowledges),
      PLAY(broken_means_that_every_record_is_tried_again),
      PLAY(broken_without_a_word_is_told_so),
      PLAY(values_and_keys_are_changed),
      PLAY(a_header_is_added_behind_the_others),
      PLAY(pieces_are_emitted_with_what_their_parent_has),
      PLAY(when_the_batch_has_no_memory_nothing_goes_on_unchanged),
      PLAY(a_change_without_memory_breaks_the_batch),
      PLAY(a_plugin_in_cxx_runs),
      PLAY(a_plugin_of_a_later_version_runs),
      PLAY(metrics_are_refused_with_a_bad_name_or_kind),
      PLAY(a_failure_that_is_too_long_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
