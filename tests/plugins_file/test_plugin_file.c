/* test_plugin_file.c: the file sink: paths, formats, what it rejects, and what it says when the file does not take
 * the lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>
#include <support/fake_host.h>

struct play {
  char folder[64];
  char path[128];
};

static int begin(void **state) {
  struct play *play = calloc(1, sizeof *play);
  strcpy(play->folder, "/tmp/weir-file-XXXXXX");
  if (!mkdtemp(play->folder)) return -1;
  snprintf(play->path, sizeof play->path, "%s/out", play->folder);
  *state = play;
  return 0;
}

static int end(void **state) {
  struct play *play = *state;
  unlink(play->path);
  rmdir(play->folder);
  free(play);
  return 0;
}

static struct fake_host *opened(struct play *play, const char *options) {
  struct fake_host *fake = fake_host_open(TEST_PLUGIN, "file");
  fake_host_directory(fake, play->folder);
  fake_host_instance(fake, "one");
  fake_host_options(fake, options);
  return fake;
}

static struct fake_host *started(struct play *play, const char *options) {
  struct fake_host *fake = opened(play, options);
  if (!fake_host_start(fake)) fail_msg("%s: %s", options, fake_host_failure(fake));
  return fake;
}

static weir_result write_value(struct fake_host *fake, const char *value) {
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", value);
  weir_result result = fake_batch_run(batch);
  fake_batch_close(batch);
  return result;
}

static void assert_content(const char *path, const char *expected) {
  char text[4096] = "";
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("%s is not there", path);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  assert_string_equal(text, expected);
}

static void values_become_lines(void **state) {
  struct play *play = *state;
  struct fake_host *fake = started(play, "path: out");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", "first");
  fake_batch_add(batch, NULL, "");
  fake_batch_add(batch, "k", "third\r");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  for (uint32_t i = 0; i < 3; i++) assert_int_equal(fake_batch_verdict(batch, i), WEIR_PASS);
  fake_batch_close(batch);
  assert_int_equal(write_value(fake, "fourth"), WEIR_DONE);
  assert_int_equal(fake_host_metric(fake, "written_bytes"), 21);
  fake_host_close(fake);
  assert_content(play->path, "first\n\nthird\r\nfourth\n");
}

static void a_value_that_is_no_line_is_rejected(void **state) {
  struct play *play = *state;
  struct fake_host *fake = started(play, "path: out");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", "one");
  fake_batch_add(batch, "k", "two\nlines");
  fake_batch_add(batch, "k", NULL);
  fake_batch_add(batch, "k", "four");
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_PASS);
  assert_int_equal(fake_batch_verdict(batch, 1), WEIR_REJECT);
  assert_string_equal(fake_batch_code(batch, 1), "line_break");
  assert_int_equal(fake_batch_verdict(batch, 2), WEIR_REJECT);
  assert_string_equal(fake_batch_code(batch, 2), "null_value");
  assert_non_null(strstr(fake_batch_text(batch, 2), "format: jsonl"));
  assert_int_equal(fake_batch_verdict(batch, 3), WEIR_PASS);
  fake_batch_close(batch);
  assert_int_equal(write_value(fake, "a\n"), WEIR_DONE); /* nothing to write at all */
  fake_host_close(fake);
  assert_content(play->path, "one\nfour\n");
}

static void jsonl_holds_all_of_a_record(void **state) {
  struct play *play = *state;
  struct fake_host *fake = started(play, "path: out\nformat: jsonl");
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k\"1", "two\nlines \xC3\xBC");
  fake_batch_timestamp(batch, 1517702399000);
  fake_batch_header(batch, "h", "v");
  fake_batch_header(batch, "h", NULL);
  fake_batch_header(batch, "raw", "\xFF");
  fake_batch_add_bytes(batch, weir_bytes(NULL, 0), weir_bytes("\xFF\x00\x01\x02", 4));
  fake_batch_timestamp(batch, -1);
  fake_batch_add_bytes(batch, weir_bytes("\xFE", 1), weir_bytes(NULL, 0));
  fake_batch_timestamp(batch, 0);
  assert_int_equal(fake_batch_run(batch), WEIR_DONE);
  fake_batch_close(batch);
  fake_host_close(fake);
  assert_content(play->path,
      "{\"topic\":\"in\",\"partition\":0,\"offset\":0,\"timestamp\":1517702399000,\"key\":\"k\\\"1\",\"value\":\"two\\nlines "
      "\xC3\xBC\",\"headers\":[[\"h\",\"v\"],[\"h\",null],[\"raw\",{\"base64\":\"/w==\"}]]}\n"
      "{\"topic\":\"in\",\"partition\":0,\"offset\":1,\"timestamp\":null,\"key\":null,\"value_base64\":\"/wABAg==\","
      "\"headers\":[]}\n"
      "{\"topic\":\"in\",\"partition\":0,\"offset\":2,\"timestamp\":0,\"key_base64\":\"/g==\",\"value\":null,\"headers\":[]}\n");
}

static void a_path_is_filled_in(void **state) {
  struct play *play = *state;
  char path[160];
  struct fake_host *fake = started(play, "path: 'x-{pipeline}-{instance}.txt'");
  assert_int_equal(write_value(fake, "a"), WEIR_DONE);
  fake_host_close(fake);
  snprintf(path, sizeof path, "%s/x-fake-one.txt", play->folder);
  assert_content(path, "a\n");
  unlink(path);
}

struct wrong {
  const char *options, *sentence;
};

static const struct wrong wrongs[] = {
    {"{}", "path"},
    {"path: ''", "1:7: the path is empty"},
    {"path: 'a{lane}'", "1:7: the path has a {name} that is not known; expected {instance} or {pipeline}"},
    {"path: 'a{instance'", "1:7: a { in the path has no }"},
    {"path: a\nformat: xml", "xml"},
    {"path: a\nfsync: always", "always"},
};

static void wrong_options_are_told_at_their_place(void **state) {
  struct play *play = *state;
  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
    struct fake_host *fake = opened(play, wrongs[i].options);
    if (fake_host_prepare(fake)) fail_msg("%s: was taken", wrongs[i].options);
    if (!strstr(fake_host_failure(fake), wrongs[i].sentence)) {
      fail_msg("%s: %s", wrongs[i].options, fake_host_failure(fake));
    }
    fake_host_close(fake);
  }
  struct fake_host *fake = opened(play, "path: '{instance}'");
  fake_host_instance(fake, "../etc");
  assert_false(fake_host_prepare(fake));
  assert_non_null(strstr(fake_host_failure(fake), "has a / in its name"));
  fake_host_close(fake);
}

static void preparing_touches_no_file(void **state) {
  struct play *play = *state;
  struct fake_host *fake = opened(play, "path: out");
  assert_true(fake_host_prepare(fake));
  fake_host_close(fake);
  assert_int_not_equal(access(play->path, F_OK), 0);
}

static void a_file_in_use_is_refused_with_a_sentence(void **state) {
  struct play *play = *state;
  struct fake_host *first = started(play, "path: out"), *second = opened(play, "path: out");
  assert_false(fake_host_start(second));
  assert_non_null(strstr(fake_host_failure(second), "is being written by another worker or sink"));
  fake_host_close(second);
  fake_host_close(first);
  first = started(play, "path: out");
  fake_host_close(first);
}

static void a_torn_line_is_cut_and_told(void **state) {
  struct play *play = *state;
  FILE *file = fopen(play->path, "w");
  fputs("whole\ntorn", file);
  fclose(file);
  struct fake_host *fake = started(play, "path: out");
  assert_true(fake_host_logged(fake, WEIR_WARN, "cut 4 bytes of an unfinished last line"));
  assert_int_equal(write_value(fake, "next"), WEIR_DONE);
  fake_host_close(fake);
  assert_content(play->path, "whole\nnext\n");
}

/* A disk without room: the batch comes again, and nothing of it stays. */
static void a_full_disk_is_broken_and_nothing_is_lost(void **state) {
  struct play *play = *state;
  struct rlimit old;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  struct fake_host *fake = started(play, "path: out");
  assert_int_equal(write_value(fake, "0123456789"), WEIR_DONE);
  struct rlimit small = {.rlim_cur = 15, .rlim_max = old.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  struct fake_batch *batch = fake_batch_open(fake);
  fake_batch_add(batch, "k", "abcdefgh");
  weir_result result = fake_batch_run(batch);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  assert_int_equal(result, WEIR_BROKEN);
  assert_int_equal(fake_batch_verdict(batch, 0), WEIR_RETRY);
  assert_non_null(strstr(fake_host_failure(fake), "cannot write 9 bytes to '"));
  assert_non_null(strstr(fake_host_failure(fake), "File too large"));
  fake_batch_close(batch);
  assert_content(play->path, "0123456789\n");
  assert_int_equal(write_value(fake, "abcdefgh"), WEIR_DONE);
  fake_host_close(fake);
  assert_content(play->path, "0123456789\nabcdefgh\n");
}

static void a_device_needs_fsync_never(void **state) {
  struct play *play = *state;
  struct fake_host *fake = opened(play, "path: /dev/full");
  assert_false(fake_host_start(fake));
  assert_non_null(strstr(fake_host_failure(fake), "fsync: never writes to it all the same"));
  fake_host_close(fake);
  fake = started(play, "path: /dev/full\nfsync: never");
  assert_int_equal(write_value(fake, "a"), WEIR_BROKEN);
  assert_non_null(strstr(fake_host_failure(fake), "No space left on device"));
  fake_host_close(fake);
}

static void a_deleted_file_is_told(void **state) {
  struct play *play = *state;
  struct fake_host *fake = started(play, "path: out");
  assert_int_equal(write_value(fake, "a"), WEIR_DONE);
  unlink(play->path);
  assert_int_equal(write_value(fake, "b"), WEIR_DONE);
  assert_true(fake_host_logged(fake, WEIR_WARN, "was deleted while weir wrote to it"));
  fake_host_close(fake);
  assert_content(play->path, "b\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(values_become_lines, begin, end),
      cmocka_unit_test_setup_teardown(a_value_that_is_no_line_is_rejected, begin, end),
      cmocka_unit_test_setup_teardown(jsonl_holds_all_of_a_record, begin, end),
      cmocka_unit_test_setup_teardown(a_path_is_filled_in, begin, end),
      cmocka_unit_test_setup_teardown(wrong_options_are_told_at_their_place, begin, end),
      cmocka_unit_test_setup_teardown(preparing_touches_no_file, begin, end),
      cmocka_unit_test_setup_teardown(a_file_in_use_is_refused_with_a_sentence, begin, end),
      cmocka_unit_test_setup_teardown(a_torn_line_is_cut_and_told, begin, end),
      cmocka_unit_test_setup_teardown(a_full_disk_is_broken_and_nothing_is_lost, begin, end),
      cmocka_unit_test_setup_teardown(a_device_needs_fsync_never, begin, end),
      cmocka_unit_test_setup_teardown(a_deleted_file_is_told, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
