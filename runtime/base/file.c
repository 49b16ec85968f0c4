/* file.c: what is read is opened without waiting, so a pipe that nobody writes to is refused and not waited for. */
#include "base/file.h"
#include "base/check.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool too_large(size_t bytes_max, struct error *err) {
  char text[TEXT_MAX];
  return error_set(err, "it is larger than %s", text_of_size(text, (int64_t)bytes_max));
}

static bool is_plain(int descriptor, size_t bytes_max, size_t *size, struct error *err) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return error_errno(err, "it cannot be looked at");
  if (S_ISDIR(status.st_mode)) return error_set(err, "it is a folder, not a file");
  if (!S_ISREG(status.st_mode)) return error_set(err, "it is not a regular file");
  if ((uintmax_t)status.st_size > bytes_max) return too_large(bytes_max, err);
  *size = (size_t)status.st_size;
  return true;
}

/* Reads to the end; the file may have grown or be one of /proc, which says size 0. */
static bool read_all(int descriptor, size_t bytes_max, size_t room, char **bytes, size_t *size, struct error *err) {
  size_t used = 0;
  for (;;) {
    char *larger = realloc(*bytes, room + 2);
    if (!larger) return error_set(err, "no memory to read it");
    *bytes = larger;
    ssize_t got = read(descriptor, larger + used, room + 1 - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return error_errno(err, "it cannot be read");
    used += (size_t)got;
    if (used > bytes_max) return too_large(bytes_max, err);
    if (got == 0) break;
    if (used > room) room = 2 * room + 4096;
  }
  (*bytes)[used] = 0;
  *size = used;
  return true;
}

bool file_read(const char *path, size_t bytes_max, char **bytes, size_t *size, struct error *err) {
  must(path && bytes && size);
  *bytes = NULL;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 && errno == ENOENT) return error_set(err, "there is no such file");
  if (descriptor < 0) return error_errno(err, "it cannot be opened");
  size_t room = 0;
  bool ok = is_plain(descriptor, bytes_max, &room, err) && read_all(descriptor, bytes_max, room, bytes, size, err);
  close(descriptor);
  if (ok) return true;
  free(*bytes);
  *bytes = NULL;
  return false;
}

char *file_join(const char *folder, const char *path) {
  must(folder && path);
  char *joined = NULL;
  if (path[0] == '/') return strdup(path);
  const char *slash = folder[0] && folder[strlen(folder) - 1] == '/' ? "" : "/";
  return asprintf(&joined, "%s%s%s", folder, slash, path) < 0 ? NULL : joined;
}

char *file_folder(const char *path, struct error *err) {
  const char *slash = strrchr(path, '/');
  char *folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
  char *absolute = folder ? realpath(folder, NULL) : NULL;
  if (!absolute) error_errno(err, "the folder of %s is not found", path);
  free(folder);
  return absolute;
}
