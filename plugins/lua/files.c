/* files.c: the check that a file lies in the folder is made on the opened file, so nothing can change in between. */
#include "files.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse(char reason[FILES_REASON_MAX], const char *text) {
  snprintf(reason, FILES_REASON_MAX, "%s", text);
  return false;
}

static bool leads_out(const char *path) {
  if (path[0] == '/') return true;
  for (const char *at = path; at; at = strchr(at, '/')) {
    at += *at == '/';
    if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == 0)) return true;
  }
  return false;
}

/* Where an open file really is, links resolved. */
static bool place_of(int file, char place[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t size = readlink(link, place, PATH_MAX - 1);
  if (size < 0) return false;
  place[size] = 0;
  return true;
}

static bool lies_in(int folder, int file) {
  char inside[PATH_MAX], place[PATH_MAX];
  if (!place_of(folder, inside) || !place_of(file, place)) return false;
  size_t size = strlen(inside);
  if (size == 1) return true;
  return strncmp(place, inside, size) == 0 && place[size] == '/';
}

static bool read_all(int file, size_t size_max, char **out, size_t *size, char reason[FILES_REASON_MAX]) {
  struct stat status;
  if (fstat(file, &status) != 0) return refuse(reason, strerror(errno));
  if (!S_ISREG(status.st_mode)) return refuse(reason, "it is no regular file");
  if ((uintmax_t)status.st_size > size_max) {
    snprintf(reason, FILES_REASON_MAX, "it has %jd bytes, at most %zu are read", (intmax_t)status.st_size, size_max);
    return false;
  }
  size_t room = (size_t)status.st_size;
  char *text = malloc(room + 1);
  if (!text) return refuse(reason, "no memory");
  ssize_t got = 1;
  for (*size = 0; *size < room && got > 0; *size += got > 0 ? (size_t)got : 0)
    got = read(file, text + *size, room - *size);
  if (got < 0) {
    free(text);
    return refuse(reason, strerror(errno));
  }
  text[*size] = 0;
  *out = text;
  return true;
}

bool files_read(const char *directory, const char *path, bool anywhere, size_t size_max, char **out, size_t *size,
    char reason[FILES_REASON_MAX]) {
  bool read_it = false;
  int file = -1, folder = -1;
  if (!anywhere && leads_out(path)) return refuse(reason, "the path leads out of the pipeline's folder");
  folder = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    snprintf(reason, FILES_REASON_MAX, "the pipeline's folder: %s", strerror(errno));
    return false;
  }
  file = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0)
    refuse(reason, strerror(errno));
  else if (!anywhere && !lies_in(folder, file))
    refuse(reason, "a link leads out of the pipeline's folder");
  else
    read_it = read_all(file, size_max, out, size, reason);
  if (file >= 0) close(file);
  close(folder);
  return read_it;
}

bool files_exists(const char *directory, const char *path) {
  char whole[PATH_MAX];
  int size = snprintf(whole, sizeof whole, "%s/%s", directory, path);
  return size > 0 && (size_t)size < sizeof whole && access(whole, F_OK) == 0;
}
