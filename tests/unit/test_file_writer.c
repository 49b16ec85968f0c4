/* test_file_writer.c: plugins/file/writer.h: what is committed is on the disk, whole and once for every append that succeeded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <writer.h>

/* ---- Calls that fail when they are told to ---- */

static struct {
  pthread_mutex_t mutex;
  int syncs_to_fail, writes_to_fail, cuts_to_fail;
  int fail_one_in; /* of syncs and writes, 0: none */
  unsigned dice;
  sem_t *sync_entered, *sync_may_go; /* NULL: no wait */
} faults = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool strikes(int *count) {
  pthread_mutex_lock(&faults.mutex);
  faults.dice = faults.dice * 1664525 + 1013904223;
  bool strikes = *count > 0 ? (*count)--,
       true                 : faults.fail_one_in && (faults.dice >> 8) % (unsigned)faults.fail_one_in == 0;
  pthread_mutex_unlock(&faults.mutex);
  return strikes;
}

static int faulty_sync(int fd) {
  if (faults.sync_entered) {
    sem_post(faults.sync_entered);
    sem_wait(faults.sync_may_go);
  }
  if (!strikes(&faults.syncs_to_fail)) return fdatasync(fd);
  errno = EIO;
  return -1;
}

/* Half of the bytes come through before the disk is full. */
static long faulty_write(int fd, const void *bytes, size_t size) {
  if (!strikes(&faults.writes_to_fail)) return write(fd, bytes, size);
  if (size > 1 && write(fd, bytes, size / 2) < 0) return -1;
  errno = ENOSPC;
  return -1;
}

static int faulty_cut(int fd, int64_t size) {
  if (faults.cuts_to_fail-- > 0) {
    errno = EIO;
    return -1;
  }
  return ftruncate(fd, size);
}

static const struct writer_calls faulty = {faulty_sync, faulty_write, faulty_cut};

/* ---- The play ---- */

struct play {
  char folder[64], path[96];
  struct writer *writer;
  struct writer_error err;
};

static int begin(void **state) {
  struct play *play = calloc(1, sizeof *play);
  strcpy(play->folder, "/tmp/weir-writer-XXXXXX");
  if (!mkdtemp(play->folder)) return -1;
  snprintf(play->path, sizeof play->path, "%s/out", play->folder);
  play->writer = writer_create(play->path, true, &faulty);
  faults.syncs_to_fail = faults.writes_to_fail = faults.cuts_to_fail = faults.fail_one_in = 0;
  *state = play;
  return 0;
}

static int end(void **state) {
  struct play *play = *state;
  writer_destroy(play->writer);
  unlink(play->path);
  rmdir(play->folder);
  free(play);
  return 0;
}

static size_t open_writer(struct play *play) {
  size_t torn;
  if (!writer_open(play->writer, &torn, &play->err)) fail_msg("%s", play->err.text);
  return torn;
}

static bool append(struct play *play, const char *line, struct writer_ticket *ticket) {
  return writer_append(play->writer, line, strlen(line), ticket, &play->err);
}

static void write_line(struct play *play, const char *line) {
  struct writer_ticket ticket;
  if (!append(play, line, &ticket)) fail_msg("%s", play->err.text);
  if (!writer_commit(play->writer, ticket, &play->err)) fail_msg("%s", play->err.text);
}

static char *content(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) return strdup("");
  struct stat status;
  assert_int_equal(fstat(fileno(file), &status), 0);
  char *text = calloc(1, (size_t)status.st_size + 1);
  assert_int_equal(fread(text, 1, (size_t)status.st_size, file), status.st_size);
  fclose(file);
  return text;
}

static void assert_content(const struct play *play, const char *expected) {
  char *text = content(play->path);
  assert_string_equal(text, expected);
  free(text);
}

static void put_content(const struct play *play, const char *text) {
  FILE *file = fopen(play->path, "w");
  fputs(text, file);
  fclose(file);
}

static void assert_said(const struct play *play, const char *part) {
  if (!strstr(play->err.text, part)) fail_msg("'%s' does not say '%s'", play->err.text, part);
}

/* ---- Opening ---- */

static void lines_are_appended_and_synced(void **state) {
  struct play *play = *state;
  put_content(play, "old\n");
  assert_int_equal(open_writer(play), 0);
  uint64_t syncs = writer_syncs(play->writer);
  write_line(play, "a\n");
  write_line(play, "b\nc\n");
  assert_int_equal(writer_syncs(play->writer), syncs + 2);
  assert_content(play, "old\na\nb\nc\n");
  writer_close(play->writer);
}

static void an_unfinished_last_line_is_cut(void **state) {
  struct play *play = *state;
  put_content(play, "whole\ntorn li");
  assert_int_equal(open_writer(play), 7);
  assert_content(play, "whole\n");
  write_line(play, "a\n");
  writer_close(play->writer);
  put_content(play, "all torn");
  assert_int_equal(open_writer(play), 8);
  write_line(play, "a\n");
  assert_content(play, "a\n");
  writer_close(play->writer);
}

/* Longer than the block that is read at a time. */
static void a_long_unfinished_line_is_cut(void **state) {
  struct play *play = *state;
  char *text = malloc(100001);
  memset(text, 'x', 100000);
  text[100000] = 0;
  text[20] = '\n';
  put_content(play, text);
  assert_int_equal(open_writer(play), 100000 - 21);
  text[21] = 0;
  assert_content(play, text);
  free(text);
  writer_close(play->writer);
}

static void a_file_without_lines_is_left_alone(void **state) {
  struct play *play = *state;
  size_t torn;
  put_content(play, "x\n");
  assert_int_equal(truncate(play->path, WRITER_TORN_MAX + 100), 0);
  assert_false(writer_open(play->writer, &torn, &play->err));
  assert_said(play, "have no line end: this is no file of lines; name another one");
  struct stat status;
  assert_int_equal(stat(play->path, &status), 0);
  assert_int_equal(status.st_size, WRITER_TORN_MAX + 100);
}

static void a_second_writer_is_refused(void **state) {
  struct play *play = *state;
  struct writer *second = writer_create(play->path, true, NULL);
  size_t torn;
  open_writer(play);
  open_writer(play); /* another lane of the same sink */
  assert_false(writer_open(second, &torn, &play->err));
  assert_said(play, "is being written by another worker or sink; give each its own file");
  writer_close(play->writer);
  assert_false(writer_open(second, &torn, &play->err));
  writer_close(play->writer);
  assert_true(writer_open(second, &torn, &play->err));
  writer_close(second);
  writer_destroy(second);
}

static void what_cannot_be_opened_says_why(void **state) {
  struct play *play = *state;
  size_t torn;
  struct writer *writer = writer_create("/nonexistent/folder/out", true, NULL);
  assert_false(writer_open(writer, &torn, &play->err));
  assert_said(play, "its folder does not exist; create it first");
  writer_destroy(writer);
  writer = writer_create(play->folder, true, NULL);
  assert_false(writer_open(writer, &torn, &play->err));
  assert_said(play, "is a folder");
  writer_destroy(writer);
  writer = writer_create("/dev/null", true, NULL);
  assert_false(writer_open(writer, &torn, &play->err));
  assert_said(play, "is no regular file, so it cannot be synced to a disk; fsync: never writes to it all the same");
  writer_destroy(writer);
}

/* ---- Failures ---- */

static void a_failed_write_leaves_no_part_behind(void **state) {
  struct play *play = *state;
  struct writer_ticket first, second;
  open_writer(play);
  assert_true(append(play, "first\n", &first));
  faults.writes_to_fail = 1;
  assert_false(append(play, "second\n", &second));
  assert_said(play, "cannot write 7 bytes to '/tmp/weir-writer-");
  assert_said(play, "No space left on device");
  assert_content(play, "first\n");
  assert_true(writer_commit(play->writer, first, &play->err)); /* another lane's lines are not touched */
  write_line(play, "second\n");
  assert_content(play, "first\nsecond\n");
  writer_close(play->writer);
}

static void after_a_failed_sync_all_that_was_not_synced_comes_again(void **state) {
  struct play *play = *state;
  struct writer_ticket first, second;
  open_writer(play);
  write_line(play, "safe\n");
  assert_true(append(play, "first\n", &first));
  assert_true(append(play, "second\n", &second));
  faults.syncs_to_fail = 1;
  assert_false(writer_commit(play->writer, first, &play->err));
  assert_said(play, "cannot sync '/tmp/weir-writer-");
  play->err.text[0] = 0;
  assert_false(writer_commit(play->writer, second, &play->err));
  assert_said(play, "cannot sync");
  write_line(play, "second\n");
  assert_content(play, "safe\nsecond\n"); /* opened anew and cut back */
  write_line(play, "first\n");
  assert_content(play, "safe\nsecond\nfirst\n");
  assert_false(writer_commit(play->writer, first, &play->err)); /* an old ticket stays lost */
  writer_close(play->writer);
}

static void a_write_that_cannot_be_cut_off_is_cut_off_later(void **state) {
  struct play *play = *state;
  struct writer_ticket first, second;
  open_writer(play);
  write_line(play, "safe\n");
  assert_true(append(play, "first\n", &first));
  faults.writes_to_fail = 1;
  faults.cuts_to_fail = 2;
  assert_false(append(play, "second\n", &second));
  assert_content(play, "safe\nfirst\nsec");
  assert_false(writer_commit(play->writer, first, &play->err));
  assert_false(append(play, "second\n", &second)); /* it still cannot be cut */
  assert_said(play, "cannot cut");
  write_line(play, "second\n");
  assert_content(play, "safe\nsecond\n");
  writer_close(play->writer);
}

static void the_file_system_is_full_for_real(void **state) {
  struct play *play = *state;
  struct rlimit old, small;
  struct writer_ticket ticket;
  signal(SIGXFSZ, SIG_IGN);
  open_writer(play);
  write_line(play, "0123456789\n");
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  small = (struct rlimit){.rlim_cur = 16, .rlim_max = old.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  bool appended = append(play, "0123456789\n", &ticket);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  assert_false(appended);
  assert_said(play, "File too large");
  assert_content(play, "0123456789\n");
  write_line(play, "more\n");
  assert_content(play, "0123456789\nmore\n");
  writer_close(play->writer);
}

static void a_full_device_says_so(void **state) {
  struct play *play = *state;
  struct writer_ticket ticket;
  size_t torn;
  struct writer *full = writer_create("/dev/full", false, NULL);
  assert_true(writer_open(full, &torn, &play->err));
  assert_false(writer_append(full, "a\n", 2, &ticket, &play->err));
  assert_said(play, "No space left on device");
  writer_close(full);
  writer_destroy(full);
}

static void a_deleted_file_is_made_anew(void **state) {
  struct play *play = *state;
  struct writer_error notice;
  struct writer_ticket lost;
  open_writer(play);
  write_line(play, "a\n");
  assert_true(append(play, "b\n", &lost));
  unlink(play->path);
  write_line(play, "c\n");
  assert_false(writer_commit(play->writer, lost, &play->err));
  assert_said(play, "was deleted while weir wrote to it");
  assert_content(play, "c\n");
  assert_true(writer_notice(play->writer, &notice));
  assert_non_null(strstr(notice.text, "was deleted while weir wrote to it"));
  assert_false(writer_notice(play->writer, &notice));
  writer_close(play->writer);
}

/* A file cut to nothing by someone else is not filled up with zeros when a later write has to be taken back. */
static void a_file_that_others_change_is_taken_as_it_is(void **state) {
  struct play *play = *state;
  struct writer_error notice;
  struct writer_ticket ticket;
  open_writer(play);
  write_line(play, "0123456789\n");
  assert_int_equal(truncate(play->path, 0), 0);
  write_line(play, "a\n");
  assert_true(writer_notice(play->writer, &notice));
  assert_non_null(strstr(notice.text, "was changed by someone else"));
  assert_content(play, "a\n");
  assert_int_equal(truncate(play->path, 0), 0);
  faults.writes_to_fail = 1;
  assert_false(append(play, "b\n", &ticket));
  faults.syncs_to_fail = 1;
  assert_true(append(play, "c\n", &ticket));
  assert_false(writer_commit(play->writer, ticket, &play->err));
  write_line(play, "d\n");
  assert_content(play, "d\n");
  writer_close(play->writer);
}

static void without_sync_nothing_is_synced(void **state) {
  struct play *play = *state;
  size_t torn;
  struct writer_ticket ticket;
  struct writer *writer = writer_create(play->path, false, &faulty);
  assert_true(writer_open(writer, &torn, &play->err));
  assert_true(writer_append(writer, "a\n", 2, &ticket, &play->err));
  assert_true(writer_commit(writer, ticket, &play->err));
  assert_int_equal(writer_syncs(writer), 0);
  assert_content(play, "a\n");
  writer_close(writer);
  writer_destroy(writer);
}

/* ---- Several lanes ---- */

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

/* What a lane is syncing while another one damages the file is cut off, and its lane is told so: nothing stands there twice. */
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

/* Writes and syncs fail at random: every line is there, whole, and the lines of a lane are in order but for repetitions. */
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
      cmocka_unit_test_setup_teardown(lines_are_appended_and_synced, begin, end),
      cmocka_unit_test_setup_teardown(an_unfinished_last_line_is_cut, begin, end),
      cmocka_unit_test_setup_teardown(a_long_unfinished_line_is_cut, begin, end),
      cmocka_unit_test_setup_teardown(a_file_without_lines_is_left_alone, begin, end),
      cmocka_unit_test_setup_teardown(a_second_writer_is_refused, begin, end),
      cmocka_unit_test_setup_teardown(what_cannot_be_opened_says_why, begin, end),
      cmocka_unit_test_setup_teardown(a_failed_write_leaves_no_part_behind, begin, end),
      cmocka_unit_test_setup_teardown(after_a_failed_sync_all_that_was_not_synced_comes_again, begin, end),
      cmocka_unit_test_setup_teardown(a_write_that_cannot_be_cut_off_is_cut_off_later, begin, end),
      cmocka_unit_test_setup_teardown(the_file_system_is_full_for_real, begin, end),
      cmocka_unit_test_setup_teardown(a_full_device_says_so, begin, end),
      cmocka_unit_test_setup_teardown(a_deleted_file_is_made_anew, begin, end),
      cmocka_unit_test_setup_teardown(a_file_that_others_change_is_taken_as_it_is, begin, end),
      cmocka_unit_test_setup_teardown(without_sync_nothing_is_synced, begin, end),
      cmocka_unit_test_setup_teardown(one_sync_serves_all_that_wait, begin, end),
      cmocka_unit_test_setup_teardown(a_sync_during_damage_does_not_count, begin, end),
      cmocka_unit_test_setup_teardown(no_line_is_lost_while_calls_fail, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
