/* Small files read whole, and paths. */
#include "base/file.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

static void a_file_is_read_whole(void **state) {
  (void)state;
  struct error err;
  char *bytes = NULL;
  size_t size = 0;
  assert_true(file_read(scratch_write("a", "hello"), 5, &bytes, &size, &err));
  assert_int_equal(size, 5);
  assert_string_equal(bytes, "hello");
  free(bytes);
  assert_true(file_read(scratch_write("b", ""), 5, &bytes, &size, &err));
  assert_int_equal(size, 0);
  free(bytes);
}

static void one_that_lies_about_its_size_too(void **state) {
  (void)state;
  char *bytes = NULL;
  size_t size = 0;
  assert_true(file_read("/proc/self/status", 1 << 16, &bytes, &size, NULL)); /* says 0 */
  assert_true(size > 100);
  free(bytes);
}

static void each_refusal_has_its_sentence(void **state) {
  (void)state;
  struct error err;
  char *bytes = NULL;
  size_t size = 0;
  assert_false(file_read(scratch_write("large", "123456"), 5, &bytes, &size, &err));
  assert_string_equal(err.text, "it is larger than 5 B");
  assert_false(file_read("/proc/self/status", 10, &bytes, &size, &err));
  assert_string_equal(err.text, "it is larger than 10 B");
  assert_false(file_read(scratch_path("missing"), 5, &bytes, &size, &err));
  assert_string_equal(err.text, "there is no such file");
  assert_false(file_read(scratch_folder, 5, &bytes, &size, &err));
  assert_string_equal(err.text, "it is a folder, not a file");
  assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
  assert_false(file_read(scratch_path("pipe"), 5, &bytes, &size, &err));
  assert_string_equal(err.text, "it is not a regular file");
  assert_null(bytes);
}

static void paths_start_at_their_folder(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"/a/b", "c/d", "/a/b/c/d"}, {"/", "c", "/c"}, {"/a", "/b", "/b"}, {"/a/", "b", "/a/b"}};
  for (size_t i = 0; i < 4; i++) {
    char *path = file_join(cases[i][0], cases[i][1]);
    assert_string_equal(path, cases[i][2]);
    free(path);
  }
}

static void the_folder_is_that_of_the_name_not_of_a_links_target(void **state) {
  (void)state;
  struct error err;
  assert_int_equal(mkdir(scratch_path("real"), 0700), 0);
  scratch_write("real/file", "x");
  assert_int_equal(symlink("real/file", scratch_path("link")), 0);
  char *whole = realpath(scratch_folder, NULL), *folder = file_folder(scratch_path("link"), &err);
  assert_string_equal(folder, whole);
  free(folder);
  free(whole);
  folder = file_folder("/file", &err);
  assert_string_equal(folder, "/");
  free(folder);
  folder = file_folder("file", &err);
  whole = realpath(".", NULL);
  assert_string_equal(folder, whole);
  free(folder);
  free(whole);
  assert_null(file_folder(scratch_path("nowhere/file"), &err));
  assert_non_null(strstr(err.text, "nowhere/file is not found: No such file or directory"));
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      HERE(a_file_is_read_whole),
      HERE(one_that_lies_about_its_size_too),
      HERE(each_refusal_has_its_sentence),
      HERE(paths_start_at_their_folder),
      HERE(the_folder_is_that_of_the_name_not_of_a_links_target),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
