/* object_safe.c: who could change a plugin. It runs with all rights of the worker, so a file or folder that someone
 * else may write is a way to take it over. See object_file.h. */
#include "plugin/object_file.h"
#include "base/check.h"
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A group that is one user's alone: it has the user's name, is the user's first group, and has no other member. */
static bool is_private_group(gid_t group_id, uid_t user_id) {
  const struct passwd *user = getpwuid(user_id);
  if (!user || user->pw_gid != group_id) return false;
  const struct group *group = getgrgid(group_id);
  if (!group || strcmp(group->gr_name, user->pw_name) != 0) return false;
  for (char **member = group->gr_mem; *member; member++)
    if (strcmp(*member, user->pw_name) != 0) return false;
  return true;
}

static bool check_owner(const char *path, const struct stat *status, struct error *err) {
  if (status->st_uid == 0 || status->st_uid == geteuid()) return true;
  const struct passwd *user = getpwuid(status->st_uid);
  return error_set(err,
      "%s belongs to the user %s (%u), who is neither root nor the user of this worker (%u) and could change it: chown "
      "it to one of the two",
      path, user ? user->pw_name : "without a name", (unsigned)status->st_uid, (unsigned)geteuid());
}

static bool check_group(const char *path, const struct stat *status, struct error *err) {
  if (!(status->st_mode & S_IWGRP)) return true;
  unsigned mode = status->st_mode & 07777u;
  if (geteuid() == 0)
    return error_set(
        err, "%s can be changed by its group (mode %04o), and this worker runs as root: chmod g-w it", path, mode);
  if (is_private_group(status->st_gid, status->st_uid)) return true;
  return error_set(err,
      "%s can be changed by the group %u (mode %04o), which is not the owner's own: chmod g-w it, since a plugin runs "
      "with all rights of this worker",
      path, (unsigned)status->st_gid, mode);
}

static bool check_others(const char *path, const struct stat *status, struct error *err) {
  if (!(status->st_mode & S_IWOTH)) return true;
  return error_set(err,
      "%s can be changed by every user of this machine (mode %04o): chmod o-w it, since a plugin runs with all rights "
      "of this worker",
      path, status->st_mode & 07777u);
}

static bool check_one(const char *path, struct error *err) {
  struct stat status;
  if (stat(path, &status) != 0) return error_errno(err, "%s cannot be looked at", path);
  return check_owner(path, &status, err) && check_others(path, &status, err) && check_group(path, &status, err);
}

/* A folder further up lets others swap the whole branch, unless it is sticky like /tmp. */
static bool check_ancestor(const char *path, struct error *err) {
  struct stat status;
  if (stat(path, &status) != 0) return error_errno(err, "%s cannot be looked at", path);
  if (status.st_mode & S_ISVTX) return true;
  return check_others(path, &status, err);
}

/* `path` is absolute and is cut at its slashes on the way. */
static bool check_folders(char *path, struct error *err) {
  must(path[0] == '/');
  bool nearest = true;
  for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
    slash[slash == path] = 0;
    if (!(nearest ? check_one(path, err) : check_ancestor(path, err))) return false;
    if (slash == path) break;
    nearest = false;
  }
  return true;
}

/* The folder that the name stands in, made absolute; a link in it leads elsewhere for whoever may write there. */
static bool check_link_folder(const char *file, struct error *err) {
  char folder[PATH_MAX], real[PATH_MAX];
  const char *slash = strrchr(file, '/');
  size_t size = slash ? (size_t)(slash - file) : 0;
  if (size >= sizeof folder - 1) return error_set(err, "the path %.64s... is too long", file);
  memcpy(folder, size ? file : slash ? "/" : ".", size ? size : 1);
  folder[size ? size : 1] = 0;
  if (!realpath(folder, real)) return error_errno(err, "%s cannot be looked at", folder);
  size = strlen(real);
  if (size + sizeof "/x" > sizeof real) return error_set(err, "the path %.64s... is too long", file);
  memcpy(real + size, "/x", sizeof "/x"); /* a name, which check_folders() takes away again */
  return check_folders(real, err);
}

bool object_file_is_safe(const char *file, struct error *err) {
  char real[PATH_MAX];
  if (!realpath(file, real)) return error_errno(err, "%s cannot be looked at", file);
  return check_one(real, err) && check_folders(real, err) && check_link_folder(file, err);
}
