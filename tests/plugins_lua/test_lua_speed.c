/* test_lua_speed.c: what a record costs. The times are printed, not judged, since they depend on the machine; judged
 * is what makes them: a plain read of a field allocates nothing, neither in Lua nor in the batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "lua_case.h"
#include "support/fake_internal.h"

enum { RECORDS = 1000 };

static uint64_t dropped, allocated;

static void count_settle(const weir_host *host, const weir_batch *batch, uint32_t first, uint32_t count,
    weir_verdict verdict, const weir_reason *why) {
  (void)host, (void)batch, (void)first, (void)why;
  if (verdict == WEIR_DROP) dropped += count;
}

static uint8_t arena[RECORDS * 4096];

static void *count_alloc(const weir_host *host, const weir_batch *batch, size_t size) {
  (void)host, (void)batch;
must_fit:
  allocated = (allocated + 15) & ~(uint64_t)15;
  if (allocated + size > sizeof arena) {
    allocated = 0;
    goto must_fit;
  }
  void *block = arena + allocated;
  allocated += size;
  return block;
}

static void take_value(const weir_host *host, const weir_batch *batch, uint32_t index, weir_span value) {
  (void)host, (void)batch, (void)index, (void)value;
}

/* Objects of 215 bytes, as the events of the demo. */
static weir_record records[RECORDS];
static char values[RECORDS][224];
static int weak, strong_and_near;

static void fill(void) {
  weak = strong_and_near = 0;
  for (int i = 0; i < RECORDS; i++) {
    int size = snprintf(values[i], sizeof values[i],
        "{\"id\":\"us%08d\",\"type\":\"earthquake\",\"time\":17000%08d,\"mag\":%d.%d,\"place\":\"%d km W of Somewhere\","
        "\"depth\":%d.25,\"lat\":-12.3456,\"lon\":145.6789,\"net\":\"us\",\"status\":\"reviewed\",\"sig\":",
        i, i, i % 9, i % 10, i % 1000, i % 600);
    memset(values[i] + size, '7', (size_t)(214 - size));
    strcpy(values[i] + 214, "}");
    /* no number of that many digits: what is not touched is not read */
    memset(values[i] + size, ' ', (size_t)(213 - size));
    values[i][213] = '7';
    bool strong = i % 9 > 4 || (i % 9 == 4 && i % 10 >= 5);
    weak += !strong;
    strong_and_near += strong && i % 600 < 100;
    records[i] = (weir_record){.value = weir_text(values[i]), .offset = i, .timestamp_ms = 1, .attempt = 1};
  }
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct fake_host *stage_of(const char *form, const char *code) {
  struct fake_host *fake = strcmp(form, "script") == 0 ? lua_case_script(code, NULL) : lua_case_code(form, code);
  fake->table.settle = count_settle;
  fake->table.alloc = count_alloc;
  fake->table.set_value = take_value;
  return fake;
}

static double run(struct fake_host *fake, uint32_t rounds) {
  weir_batch batch = {.size = sizeof batch,
      .record_count = RECORDS,
      .record_stride = sizeof(weir_record),
      .records = records,
      .from = &fake->current->public};
  uint64_t best = UINT64_MAX;
  for (uint32_t i = 0; i < rounds; i++) {
    uint64_t start = now_ns();
    dropped = allocated = 0;
    assert_int_equal(fake->plugin->process(fake->self, &batch), WEIR_DONE);
    uint64_t took = now_ns() - start;
    if (took < best) best = took;
  }
  return (double)best / RECORDS;
}

static uint32_t rounds(void) {
  const char *asked = getenv("WEIR_BENCH_ROUNDS");
  return asked ? (uint32_t)atoi(asked) : 20;
}

static void show(const char *form, const char *code, uint64_t drops, bool may_allocate) {
  const char *only = getenv("WEIR_BENCH_ONLY");
  if (only && strcmp(code, only) != 0) return;
  struct fake_host *fake = stage_of(form, code);
  double ns = run(fake, rounds());
  printf("%7.1f ns a record  %s: %.60s\n", ns, form, code);
  assert_int_equal(dropped, drops);
  if (!may_allocate) assert_int_equal(allocated, 0);
  fake_host_close(fake);
}

static void one_field_is_read_without_allocation(void **state) {
  (void)state;
  fill();
  show("keep", "true", 0, false);
  show("keep", "record.offset >= 0", 0, false);
  show("keep", "record.json.mag >= 4.5", (uint64_t)weak, false);
  show("keep", "record.json.mag >= 4.5 and record.json.depth < 100", (uint64_t)(RECORDS - strong_and_near), false);
  show("keep", "record.json.type == \"earthquake\"", 0, false);
  show("each", "if record.json.mag < 4.5 then record:drop() end", (uint64_t)weak, false);
  show("each", "record.json.major = record.json.mag >= 6", 0, true);
  show("each", "record.json.a.b = 1", 0, true);
  show("script",
      "return {process = function(self, batch) for record in batch:records() do "
      "if record.json.mag < 4.5 then record:drop() end end end}",
      (uint64_t)weak, false);
  show("script", "return {each = function(self, record) if record.json.mag < 4.5 then record:drop() end end}",
      (uint64_t)weak, false);
}

/* From the first to the last record of a batch Lua's own memory does not move by a byte. */
static void lua_keeps_nothing_of_a_record(void **state) {
  (void)state;
  fill();
  struct fake_host *fake =
      stage_of("each", "local read = record.json.mag, record.json.depth, record.offset, record.json.lat\n"
                       "if record.offset == 0 then state.before = collectgarbage('count') end\n"
                       "if record.offset == 999 and state.before == collectgarbage('count') then record:drop() end");
  run(fake, 3);
  assert_int_equal(dropped, 1);
  fake_host_close(fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_field_is_read_without_allocation), cmocka_unit_test(lua_keeps_nothing_of_a_record)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
