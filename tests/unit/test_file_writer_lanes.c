/* test_file_writer_lanes.c: plugins/file/writer.h with several lanes on one file. */
#include "writer_play.h"

struct lane {
  struct play *play;
  const char *line;
  bool committed;
};

static void *run_lane(void *argument) {
  struct lane *lane = argument;
  struct writer_ticket ticket;
  struct writer_error err;
  lane->committed = writer_append(lane->play->writer, lane->line, strlen(lane->line), &ticket, &err) &&
                    writer_commit(lane->play->writer, ticket, &err);
  return NULL;
}

/* While the first lane syncs, two others append; one sync serves both. */
static void one_sync_serves_all_that_wait(void **state) {
  struct play *play = *state;
  sem_t entered, may_go;
  pthread_t threads[3];
  struct lane lanes[3] = {{play, "a\n", false}, {play, "b\n", false}, {play, "c\n", false}};
  sem_init(&entered, 0, 0);
  sem_init(&may_go, 0, 0);
  open_writer(play);
  uint64_t syncs = writer_syncs(play->writer);
  faults.sync_entered = &entered;
  faults.sync_may_go = &may_go;
  pthread_create(&threads[0], NULL, run_lane, &lanes[0]);
  sem_wait(&entered);
  for (int i = 1; i < 3; i++) pthread_create(&threads[i], NULL, run_lane, &lanes[i]);
  for (struct stat status = {0}; status.st_size < 6;) assert_int_equal(stat(play->path, &status), 0);
  sem_post(&may_go);
  sem_wait(&entered);
  sem_post(&may_go);
  for (int i = 0; i < 3; i++) {
    pthread_join(threads[i], NULL);
    assert_true(lanes[i].committed);
  }
  faults.sync_entered = NULL;
  assert_int_equal(writer_syncs(play->writer), syncs + 2);
  writer_close(play->writer);
  sem_destroy(&entered);
  sem_destroy(&may_go);
}

/* What a lane is syncing while another one damages the file is cut off, and its lane is told so: nothing stands
 * there twice. */
static void a_sync_during_damage_does_not_count(void **state) {
  struct play *play = *state;
  sem_t entered, may_go;
  pthread_t thread;
  struct lane lane = {play, "a\n", true};
  struct writer_ticket ticket;
  sem_init(&entered, 0, 0);
  sem_init(&may_go, 0, 0);
  open_writer(play);
  faults.sync_entered = &entered;
  faults.sync_may_go = &may_go;
  pthread_create(&thread, NULL, run_lane, &lane);
  sem_wait(&entered);
  faults.writes_to_fail = faults.cuts_to_fail = 1;
  assert_false(append(play, "bb\n", &ticket));
  sem_post(&may_go);
  pthread_join(thread, NULL);
  faults.sync_entered = NULL;
  assert_false(lane.committed);
  write_line(play, "a\n");
  assert_content(play, "a\n");
  writer_close(play->writer);
  sem_destroy(&entered);
  sem_destroy(&may_go);
}

enum { LANES = 4, LINES = 300 };

static void *run_stubborn_lane(void *argument) {
  struct lane *lane = argument;
  for (int i = 0; i < LINES; i++) {
    char line[32];
    struct writer_ticket ticket;
    struct writer_error err;
    int size = snprintf(line, sizeof line, "%s %d\n", lane->line, i);
    while (!writer_append(lane->play->writer, line, (size_t)size, &ticket, &err) ||
           !writer_commit(lane->play->writer, ticket, &err)) {
    }
  }
  return NULL;
}

/* Writes and syncs fail at random: every line is there, whole, and the lines of a lane are in order but for
 * repetitions. */
static void no_line_is_lost_while_calls_fail(void **state) {
  struct play *play = *state;
  static const char *const names[LANES] = {"p", "q", "r", "s"};
  struct lane lanes[LANES];
  pthread_t threads[LANES];
  int next[LANES] = {0};
  open_writer(play);
  faults.fail_one_in = 5;
  for (int i = 0; i < LANES; i++) {
    lanes[i] = (struct lane){play, names[i], false};
    pthread_create(&threads[i], NULL, run_stubborn_lane, &lanes[i]);
  }
  for (int i = 0; i < LANES; i++) pthread_join(threads[i], NULL);
  faults.fail_one_in = 0;
  char *text = content(play->path), *rest = text;
  for (char *line; (line = strsep(&rest, "\n")) && *line;) {
    char name;
    int number, used = 0;
    if (sscanf(line, "%c %d%n", &name, &number, &used) != 2 || line[used]) fail_msg("a torn line: '%s'", line);
    assert_in_range(name, 'p', 's');
    assert_true(number <= next[name - 'p']);
    if (number == next[name - 'p']) next[name - 'p']++;
  }
  for (int i = 0; i < LANES; i++) assert_int_equal(next[i], LINES);
  free(text);
  writer_close(play->writer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_sync_serves_all_that_wait, begin, end),
      cmocka_unit_test_setup_teardown(a_sync_during_damage_does_not_count, begin, end),
      cmocka_unit_test_setup_teardown(no_line_is_lost_while_calls_fail, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
