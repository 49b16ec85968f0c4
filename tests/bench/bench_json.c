/* bench_json.c: what reading a field of a small object costs, and an edit. `bench_json [ROUNDS]` prints nanoseconds of CPU a
 * record, the best of ten turns. */
#include <common/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 207 bytes, 10 fields: an earthquake as the demo has it. */
static const char text[] =
    "{\"id\":\"us7000abcd\",\"mag\":4.7,\"place\":\"84 km SSE of Kokopo, Papua New Guinea\",\"time\":1517702399000,"
    "\"type\":\"earthquake\",\"detail\":\"https://example.org/q?x=1\",\"tsunami\":0,\"depth\":35.21,"
    "\"lat\":-4.9817,\"lon\":152.5}";

struct bench {
  struct json_reader *reader;
  struct json_edits *edits;
  struct json_error err;
  struct json_value root;
};

static void check(bool holds, const struct bench *bench) {
  if (holds) return;
  fprintf(stderr, "bench_json: %s\n", bench->err.text);
  exit(1);
}

static void open_text(struct bench *bench) {
  check(json_open(bench->reader, weir_bytes(text, sizeof text - 1), &bench->err), bench);
  check(json_root(bench->reader, &bench->root, &bench->err), bench);
}

static struct json_value get(struct bench *bench, const char *key) {
  struct json_value value;
  check(json_get(bench->reader, &bench->root, weir_text(key), &value, &bench->err) == JSON_FOUND, bench);
  return value;
}

static void run_open(struct bench *bench) { open_text(bench); }

static void run_early(struct bench *bench) {
  open_text(bench);
  check(get(bench, "mag").as.number > 0, bench);
}

static void run_middle(struct bench *bench) {
  weir_span span;
  open_text(bench);
  struct json_value value = get(bench, "type");
  check(json_string(bench->reader, &value, &span, &bench->err) && span.size == 10, bench);
}

static void run_last(struct bench *bench) {
  open_text(bench);
  check(get(bench, "lon").as.number > 0, bench);
}

static void run_five(struct bench *bench) {
  open_text(bench);
  get(bench, "id");
  get(bench, "mag");
  get(bench, "type");
  get(bench, "tsunami");
  get(bench, "lat");
}

static void run_validate(struct bench *bench) {
  open_text(bench);
  check(json_validate(bench->reader, &bench->err), bench);
}

static void run_edit(struct bench *bench) {
  uint8_t out[512];
  size_t size;
  open_text(bench);
  check(json_edits_apply(bench->edits, bench->reader, &size, &bench->err) == JSON_FOUND, bench);
  json_edits_write(bench->edits, out);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* a busy machine counts less */
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(struct bench *bench, const char *what, void (*run)(struct bench *), long rounds) {
  double best = 0;
  for (int turn = 0; turn < 10; turn++) {
    double start = seconds();
    for (long i = 0; i < rounds; i++) run(bench);
    double took = (seconds() - start) / (double)rounds * 1e9;
    if (turn == 0 || took < best) best = took;
  }
  printf("%-44s %7.1f ns\n", what, best);
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;
  struct bench bench = {.reader = json_reader_create(), .edits = json_edits_create()};
  struct json_step set = {weir_text("strength"), JSON_NO_INDEX}, removed = {weir_text("detail"), JSON_NO_INDEX};
  check(json_edits_set(bench.edits, &set, 1, weir_text("\"light\"")), &bench);
  check(json_edits_remove(bench.edits, &removed, 1), &bench);
  printf("an object of %zu bytes with 10 fields\n", sizeof text - 1);
  measure(&bench, "open", run_open, rounds);
  measure(&bench, "open, the second field (a number)", run_early, rounds);
  measure(&bench, "open, the fifth field (a string)", run_middle, rounds);
  measure(&bench, "open, the last field (a number)", run_last, rounds);
  measure(&bench, "open, five fields", run_five, rounds);
  measure(&bench, "open, validate all", run_validate, rounds);
  measure(&bench, "open, add a field and remove one", run_edit, rounds);
  json_edits_destroy(bench.edits);
  json_reader_destroy(bench.reader);
  return 0;
}
