/* admin_socket.c: see admin_socket.h. The socket gets its name when it listens already: one that refuses is dead, and may be taken away by
 * whoever meets it. */
#include "host/admin_socket.h"
#include "base/check.h"
#include "base/log.h"
#include "host/runtime_folder.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ADMIN_SOCKET_MAGIC = 0x5c0e91b3, CLIENT_MS = 1000, BACKLOG = 8 };

struct admin_socket {
  uint32_t magic;
  int listener, stop; /* stop: becomes readable at the end */
  char path[RUNTIME_PATH_MAX];
  void (*answer)(void *ctx, const char *request, FILE *out);
  void *ctx;
  pthread_t thread;
};

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  must(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path) + 1);
  return address;
}

static void set_patience(int fd, int timeout_ms) {
  const struct timeval patience = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static int connect_to(const char *path, struct error *err) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_un address = address_of(path);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
  error_errno(err, "%s", path);
  if (err->code == ECONNREFUSED) unlink(path);
  if (fd >= 0) close(fd);
  return -1;
}

static bool send_all(int fd, const char *bytes, size_t size) {
  while (size) {
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    size -= (size_t)sent;
  }
  return true;
}

/* --- the worker's side ------------------------------------------------------------------------------------------------ */

static bool may_ask(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

/* One line, without its end. False: none came, or a longer one than may be. */
static bool read_request(int fd, char into[ADMIN_REQUEST_MAX]) {
  size_t size = 0;
  while (size < ADMIN_REQUEST_MAX) {
    ssize_t got = recv(fd, into + size, ADMIN_REQUEST_MAX - size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    char *end = memchr(into + size, '\n', (size_t)got);
    size += (size_t)got;
    if (!end) continue;
    *end = '\0';
    return true;
  }
  return false;
}

static void serve(struct admin_socket *admin_socket, int fd) {
  char request[ADMIN_REQUEST_MAX], *text = NULL;
  size_t size = 0;
  set_patience(fd, CLIENT_MS);
  if (!may_ask(fd) || !read_request(fd, request)) return;
  FILE *out = open_memstream(&text, &size);
  if (!out) return;
  admin_socket->answer(admin_socket->ctx, request, out);
  if (fclose(out) == 0) send_all(fd, text, size);
  free(text);
}

static void *run(void *ctx) {
  struct admin_socket *admin_socket = ctx;
  must_be(admin_socket, ADMIN_SOCKET_MAGIC);
  for (;;) {
    struct pollfd both[] = {
        {.fd = admin_socket->stop, .events = POLLIN}, {.fd = admin_socket->listener, .events = POLLIN}};
    if (poll(both, 2, -1) < 0 && errno != EINTR) return NULL;
    if (both[0].revents) return NULL;
    if (!both[1].revents) continue;
    int fd = accept4(admin_socket->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    serve(admin_socket, fd);
    close(fd);
  }
}

static void take_dead_away(void *ctx, const char *path) {
  (void)ctx;
  struct error err;
  int fd = connect_to(path, &err);
  if (fd >= 0) close(fd);
}

static bool place_socket(struct admin_socket *admin_socket, const char *file, struct error *err) {
  char folder[RUNTIME_PATH_MAX], name[RUNTIME_NAME_MAX];
  if (!runtime_folder(folder, true, err) || !runtime_name(file, name, err)) return false;
  runtime_each(folder, "", take_dead_away, NULL);
  size_t size =
      (size_t)snprintf(admin_socket->path, sizeof admin_socket->path, "%s/%s-%ld.sock", folder, name, (long)getpid());
  return size < sizeof admin_socket->path || error_set(err, "the path of the socket is too long");
}

static bool listen_there(struct admin_socket *admin_socket, struct error *err) {
  char making[RUNTIME_PATH_MAX];
  size_t size = strlen(admin_socket->path);
  memcpy(making, admin_socket->path, size + 1);
  memcpy(making + size - 5, ".new", 5); /* runtime_each() does not see it */
  const struct sockaddr_un address = address_of(making);
  admin_socket->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  unlink(making);
  if (admin_socket->listener >= 0 &&
      bind(admin_socket->listener, (const struct sockaddr *)&address, sizeof address) == 0 &&
      chmod(making, 0600) == 0 && listen(admin_socket->listener, BACKLOG) == 0 &&
      rename(making, admin_socket->path) == 0)
    return true;
  error_errno(err, "%s", admin_socket->path);
  unlink(making);
  return false;
}

static void release(struct admin_socket *admin_socket) {
  if (admin_socket->listener >= 0) close(admin_socket->listener);
  if (admin_socket->stop >= 0) close(admin_socket->stop);
  admin_socket->magic = 0;
  free(admin_socket);
}

static bool start(struct admin_socket *admin_socket, struct error *err) {
  admin_socket->stop = eventfd(0, EFD_CLOEXEC);
  if (admin_socket->stop < 0) return error_errno(err, "no descriptor for its end");
  int result = pthread_create(&admin_socket->thread, NULL, run, admin_socket);
  if (result == 0) {
    pthread_setname_np(admin_socket->thread, "admin");
    return true;
  }
  errno = result;
  return error_errno(err, "the system gives no thread for it");
}

struct admin_socket *admin_socket_open(
    const char *file, void (*answer)(void *ctx, const char *request, FILE *out), void *ctx, struct error *err) {
  must(file && answer);
  struct admin_socket *admin_socket = calloc(1, sizeof *admin_socket);
  if (!admin_socket) {
    error_set(err, "no memory");
    return NULL;
  }
  *admin_socket =
      (struct admin_socket){.magic = ADMIN_SOCKET_MAGIC, .listener = -1, .stop = -1, .answer = answer, .ctx = ctx};
  if (place_socket(admin_socket, file, err) && listen_there(admin_socket, err)) {
    if (start(admin_socket, err)) return admin_socket;
    unlink(admin_socket->path);
  }
  release(admin_socket);
  return NULL;
}

void admin_socket_close(struct admin_socket *admin_socket) {
  if (!admin_socket) return;
  must_be(admin_socket, ADMIN_SOCKET_MAGIC);
  unlink(admin_socket->path);
  must(eventfd_write(admin_socket->stop, 1) == 0);
  must(pthread_join(admin_socket->thread, NULL) == 0);
  release(admin_socket);
}

/* --- the asker's side ------------------------------------------------------------------------------------------------- */

static bool copy_answer(int fd, const char *path, FILE *out, struct error *err) {
  char bytes[4096];
  for (;;) {
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got == 0) return true;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return error_errno(err, "%s gives no answer", path);
    fwrite(bytes, 1, (size_t)got, out);
  }
}

bool admin_socket_ask(const char *path, const char *request, int timeout_ms, FILE *out, struct error *err) {
  int fd = connect_to(path, err);
  if (fd < 0) return false;
  set_patience(fd, timeout_ms);
  bool fine = send_all(fd, request, strlen(request)) && send_all(fd, "\n", 1);
  if (!fine) error_errno(err, "%s takes no request", path);
  fine = fine && copy_answer(fd, path, out, err);
  close(fd);
  return fine;
}
