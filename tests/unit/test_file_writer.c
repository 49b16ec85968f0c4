/* test_file_writer.c: plugins/file/writer.h: what is committed is on the disk, whole and once for every append that
 * succeeded. */
#include "writer_play.h"
#include <signal.h>
#include <sys/resource.h>

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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
