/* runtime_folder.c: see runtime_folder.h. A folder in /tmp may have been put there by somebody else: nothing is used that is a link, belongs
 * to another user, or is open to others. */
#include "host/runtime_folder.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_ours(const char *path, struct error *err) {
  struct stat status;
  if (lstat(path, &status) != 0) return error_errno(err, "%s", path);
  if (!S_ISDIR(status.st_mode)) return error_set(err, "%s is no folder: take it away", path);
  if (status.st_uid != geteuid() && geteuid() != 0)
    return error_set(err, "%s belongs to user %u: set XDG_RUNTIME_DIR to a folder of your own", path, status.st_uid);
  if (status.st_mode & 077) return error_set(err, "%s is open to other users: chmod 700 it", path);
  return true;
}

bool runtime_folder(char into[RUNTIME_PATH_MAX], bool make, struct error *err) {
  const char *base = getenv("XDG_RUNTIME_DIR");
  int size = base && base[0] == '/' ? snprintf(into, RUNTIME_PATH_MAX, "%s/weir", base)
                                    : snprintf(into, RUNTIME_PATH_MAX, "/tmp/weir-%u", geteuid());
  if (size < 0 || size >= RUNTIME_PATH_MAX - 2 * RUNTIME_NAME_MAX)
    return error_set(err, "the path of XDG_RUNTIME_DIR is too long for sockets: set a shorter one");
  if (make && mkdir(into, 0700) != 0 && errno != EEXIST) return error_errno(err, "%s cannot be made", into);
  return is_ours(into, err);
}

bool runtime_name(const char *file, char into[RUNTIME_NAME_MAX], struct error *err) {
  char *path = realpath(file, NULL);
  if (!path) return error_errno(err, "%s", file);
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char *at = path; *at; at++) hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
  free(path);
  snprintf(into, RUNTIME_NAME_MAX, "%016" PRIx64, hash);
  return true;
}

void runtime_each(const char *folder, const char *name, void (*each)(void *ctx, const char *path), void *ctx) {
  DIR *dir = opendir(folder);
  if (!dir) return;
  for (const struct dirent *entry; (entry = readdir(dir));) {
    size_t size = strlen(entry->d_name);
    char path[RUNTIME_PATH_MAX];
    if (strncmp(entry->d_name, name, strlen(name)) != 0 || size < 5 || strcmp(entry->d_name + size - 5, ".sock") != 0)
      continue;
    size_t length = (size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (length < sizeof path) each(ctx, path);
  }
  closedir(dir);
}
