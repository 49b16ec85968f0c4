/* test_admin_socket.c: who may ask a worker, how much, and what is left of a dead one. */
#include "host/admin_socket.h"
#include "host/runtime_folder.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct admin_socket *admin_socket;
static char found[RUNTIME_PATH_MAX], *said;
static int found_count;

static void answer(void *ctx, const char *request, FILE *out) { fprintf(out, "%s: %s\n", (const char *)ctx, request); }

static void keep(void *ctx, const char *path) {
  (void)ctx;
  snprintf(found, sizeof found, "%s", path);
  found_count++;
}

static void look(void) {
  char folder[RUNTIME_PATH_MAX];
  struct error err;
  found_count = 0;
  assert_true(runtime_folder(folder, false, &err));
  runtime_each(folder, "", keep, NULL);
}

static int start(void **state) {
  struct error err;
  if (scratch_open(state)) return -1;
  setenv("XDG_RUNTIME_DIR", scratch_folder, 1);
  FILE *file = fopen(scratch_path("p.yaml"), "w");
  fclose(file);
  admin_socket = admin_socket_open(scratch_path("p.yaml"), answer, (void *)(uintptr_t) "worker", &err);
  return admin_socket ? 0 : -1;
}

static int stop(void **state) {
  admin_socket_close(admin_socket);
  free(said);
  said = NULL;
  return scratch_close(state);
}

static bool ask(const char *path, const char *request, struct error *err) {
  size_t size = 0;
  free(said);
  FILE *out = open_memstream(&said, &size);
  bool fine = admin_socket_ask(path, request, 10000, out, err);
  fclose(out);
  return fine;
}

static void a_request_gets_its_answer(void **state) {
  (void)state;
  struct error err;
  look();
  assert_int_equal(found_count, 1);
  assert_true(ask(found, "explain text", &err));
  assert_string_equal(said, "worker: explain text\n");
  assert_true(ask(found, "again", &err));
  assert_string_equal(said, "worker: again\n");
}

static void folder_and_socket_are_closed_to_others(void **state) {
  (void)state;
  struct stat status;
  look();
  assert_int_equal(stat(found, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  assert_int_equal(stat(scratch_path("weir"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
}

static void a_request_that_is_too_long_gets_none(void **state) {
  (void)state;
  char request[2 * ADMIN_REQUEST_MAX];
  struct error err;
  memset(request, 'x', sizeof request - 1);
  request[sizeof request - 1] = '\0';
  look();
  ask(found, request, &err); /* may find the other end closed while it still writes */
  assert_string_equal(said, "");
  assert_true(ask(found, "short", &err));
  assert_string_equal(said, "worker: short\n");
}

static int plain_client(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, found, strlen(found) + 1);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

/* Who says nothing is let go after a while; the next one is served. */
static void a_silent_client_does_not_keep_others_out(void **state) {
  (void)state;
  struct error err;
  look();
  int fd = plain_client();
  assert_true(ask(found, "after it", &err));
  assert_string_equal(said, "worker: after it\n");
  close(fd);
}

static void the_socket_goes_with_its_worker(void **state) {
  (void)state;
  admin_socket_close(admin_socket);
  admin_socket = NULL;
  look();
  assert_int_equal(found_count, 0);
}

/* A socket that nobody listens on, as a killed worker leaves it. */
static void leave_dead(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *path = scratch_path(name);
  memcpy(address.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  close(fd);
}

static void a_dead_socket_is_taken_away_by_who_asks(void **state) {
  (void)state;
  struct error err;
  leave_dead("weir/0000000000000000-1.sock");
  assert_false(ask(scratch_path("weir/0000000000000000-1.sock"), "explain text", &err));
  assert_int_equal(err.code, ECONNREFUSED);
  look();
  assert_int_equal(found_count, 1);
}

static void and_by_the_next_worker(void **state) {
  (void)state;
  struct error err;
  leave_dead("weir/0000000000000000-1.sock");
  admin_socket_close(admin_socket);
  admin_socket = admin_socket_open(scratch_path("p.yaml"), answer, (void *)(uintptr_t) "next", &err);
  assert_non_null(admin_socket);
  look();
  assert_int_equal(found_count, 1);
}

static void an_open_folder_is_refused(void **state) {
  (void)state;
  char folder[RUNTIME_PATH_MAX];
  struct error err;
  assert_int_equal(chmod(scratch_path("weir"), 0755), 0);
  assert_false(runtime_folder(folder, true, &err));
  assert_non_null(strstr(err.text, "is open to other users: chmod 700 it"));
  assert_int_equal(chmod(scratch_path("weir"), 0700), 0);
}

static void a_link_is_refused(void **state) {
  (void)state;
  char folder[RUNTIME_PATH_MAX];
  struct error err;
  assert_int_equal(mkdir(scratch_path("other"), 0700), 0);
  assert_int_equal(symlink(scratch_folder, scratch_path("other/weir")), 0);
  setenv("XDG_RUNTIME_DIR", scratch_path("other"), 1);
  assert_false(runtime_folder(folder, true, &err));
  assert_non_null(strstr(err.text, "is no folder"));
  setenv("XDG_RUNTIME_DIR", scratch_folder, 1);
}

static void a_path_that_no_socket_can_have_is_refused(void **state) {
  (void)state;
  char folder[RUNTIME_PATH_MAX], path[200];
  struct error err;
  memset(path, 'x', sizeof path - 1);
  path[0] = '/';
  path[sizeof path - 1] = '\0';
  setenv("XDG_RUNTIME_DIR", path, 1);
  assert_false(runtime_folder(folder, true, &err));
  assert_non_null(strstr(err.text, "too long"));
  setenv("XDG_RUNTIME_DIR", scratch_folder, 1);
}

static void the_name_is_of_the_real_file(void **state) {
  (void)state;
  char one[RUNTIME_NAME_MAX], other[RUNTIME_NAME_MAX];
  struct error err;
  assert_int_equal(symlink("p.yaml", scratch_path("link.yaml")), 0);
  assert_true(runtime_name(scratch_path("p.yaml"), one, &err));
  assert_true(runtime_name(scratch_path("link.yaml"), other, &err));
  assert_string_equal(one, other);
  assert_false(runtime_name(scratch_path("none.yaml"), other, &err));
  assert_non_null(strstr(err.text, "No such file"));
}

#define socket_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      socket_test(a_request_gets_its_answer),
      socket_test(folder_and_socket_are_closed_to_others),
      socket_test(a_request_that_is_too_long_gets_none),
      socket_test(a_silent_client_does_not_keep_others_out),
      socket_test(the_socket_goes_with_its_worker),
      socket_test(a_dead_socket_is_taken_away_by_who_asks),
      socket_test(and_by_the_next_worker),
      socket_test(an_open_folder_is_refused),
      socket_test(a_link_is_refused),
      socket_test(a_path_that_no_socket_can_have_is_refused),
      socket_test(the_name_is_of_the_real_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
