/* crumbs.c: see crumbs.h. A file is locked before it is looked at, and is the one of that name afterwards: between open and lock its owner may
 * have taken it away. */
#include "host/crumbs.h"
#include "base/check.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CRUMBS_MAGIC = 0x4c7b61d2, PATH_BYTES = 4096, PROC_BYTES = 1 << 20 };

/* Words only. Places of lanes follow. */
struct head {
  _Atomic uint64_t format; /* written last: what is there is whole */
  uint64_t lanes;
  uint64_t boot;        /* of the machine: the kernel's count starts again with it */
  int64_t memory_kills; /* at the start, -1: not known */
  _Atomic uint64_t asked;
};

struct file {
  struct head head;
  struct place places[];
};

/* Another build with other places is not read. */
static const uint64_t format_now = UINT64_C(0x7765697263720000) ^ sizeof(struct place);

struct crumbs {
  uint32_t magic;
  int descriptor;
  char path[PATH_BYTES];
  struct file *file;
  size_t bytes;
};

/* --- the kernel --- */

static const char *vmstat = "/proc/vmstat";

void crumbs_ask_elsewhere(const char *path) { vmstat = path ? path : "/proc/vmstat"; }

int64_t crumbs_memory_kills(void) {
  static const char word[] = "\noom_kill ";
  char *bytes;
  size_t size;
  struct error err;
  if (!file_read(vmstat, PROC_BYTES, &bytes, &size, &err)) return -1;
  const char *at = strstr(bytes, word);
  int64_t kills = at ? strtoll(at + sizeof word - 1, NULL, 10) : -1;
  free(bytes);
  return kills;
}

static uint64_t boot_of_machine(void) {
  char *bytes;
  size_t size;
  struct error err;
  uint64_t hash = 0xcbf29ce484222325u;
  if (!file_read("/proc/sys/kernel/random/boot_id", PROC_BYTES, &bytes, &size, &err)) return 0;
  for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
  free(bytes);
  return hash;
}

/* --- files --- */

static const char ending[] = ".crumbs";

static void path_of(char into[PATH_BYTES], const char *folder, const char *name, uint32_t number) {
  int size = snprintf(into, PATH_BYTES, "%s/%s.%u%s", folder, name, number, ending);
  must(size > 0 && size < PATH_BYTES);
}

static bool is_crumbs(const char *file, const char *name) {
  size_t size = strlen(file), start = strlen(name), end = sizeof ending - 1;
  return size > start + end && strncmp(file, name, start) == 0 && file[start] == '.' &&
         strcmp(file + size - end, ending) == 0;
}

static bool is_still(int descriptor, const char *path) {
  struct stat opened, named;
  return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

/* -1: somebody lives there, or it is not there, or cannot be had (errno). */
static int lock_file(const char *path, int more_flags) {
  for (;;) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | more_flags, 0600);
    if (descriptor < 0) return -1;
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      int error = errno;
      close(descriptor);
      errno = error;
      return -1;
    }
    if (is_still(descriptor, path)) return descriptor;
    close(descriptor);
  }
}

/* Every byte is there before it is mapped: a full disk is an error here, and would be SIGBUS later. */
static bool fill(int descriptor, size_t bytes) {
  int result = ftruncate(descriptor, 0) == 0 ? posix_fallocate(descriptor, 0, (off_t)bytes) : errno;
  errno = result;
  return result == 0;
}

static struct file *map(int descriptor, size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

/* --- the life of one's own --- */

static bool take_free(struct crumbs *crumbs, const char *folder, const char *name) {
  for (uint32_t number = 0; number < LIMIT_CRUMBS; number++) {
    path_of(crumbs->path, folder, name, number);
    crumbs->descriptor = lock_file(crumbs->path, O_CREAT);
    if (crumbs->descriptor >= 0) return true;
    if (errno != EWOULDBLOCK) return false;
  }
  return false;
}

static bool begin(struct crumbs *crumbs, uint32_t lanes) {
  crumbs->bytes = sizeof *crumbs->file + lanes * sizeof crumbs->file->places[0];
  if (!fill(crumbs->descriptor, crumbs->bytes)) return false;
  crumbs->file = map(crumbs->descriptor, crumbs->bytes);
  if (!crumbs->file) return false;
  struct head *head = &crumbs->file->head;
  head->lanes = lanes;
  head->boot = boot_of_machine();
  head->memory_kills = crumbs_memory_kills();
  atomic_store(&head->format, format_now);
  return true;
}

struct crumbs *crumbs_open(const char *folder, const char *name, uint32_t lanes, struct error *err) {
  must(lanes > 0 && lanes <= LIMIT_LANES);
  struct crumbs *crumbs = calloc(1, sizeof *crumbs);
  if (!crumbs) {
    error_set(err, "no memory");
    return NULL;
  }
  *crumbs = (struct crumbs){.magic = CRUMBS_MAGIC, .descriptor = -1};
  if (take_free(crumbs, folder, name) && begin(crumbs, lanes)) return crumbs;
  error_errno(err, "%s", crumbs->path);
  if (crumbs->descriptor >= 0) close(crumbs->descriptor);
  free(crumbs);
  return NULL;
}

struct place *crumbs_place(struct crumbs *crumbs, uint32_t lane) {
  must_be(crumbs, CRUMBS_MAGIC);
  must(lane < crumbs->file->head.lanes);
  return &crumbs->file->places[lane];
}

void crumbs_asked(struct crumbs *crumbs) {
  must_be(crumbs, CRUMBS_MAGIC);
  atomic_store(&crumbs->file->head.asked, 1);
}

void crumbs_close(struct crumbs *crumbs, bool lanes_live) {
  if (!crumbs) return;
  must_be(crumbs, CRUMBS_MAGIC);
  unlink(crumbs->path);
  if (lanes_live) return;
  munmap(crumbs->file, crumbs->bytes);
  close(crumbs->descriptor);
  crumbs->magic = 0;
  free(crumbs);
}

/* --- judging others' --- */

struct trial {
  const struct file *file;
  bool memory; /* the kernel killed for lack of memory while the worker ran */
  uint32_t calling;
  void (*each)(void *ctx, const struct crumbs_death *death);
  void *ctx;
};

static const char *name_of_signal(int number) {
  switch (number) {
  case SIGSEGV: return "SIGSEGV";
  case SIGBUS: return "SIGBUS";
  case SIGABRT: return "SIGABRT";
  case SIGFPE: return "SIGFPE";
  case SIGILL: return "SIGILL";
  default: return NULL;
  }
}

static bool was_in_stage(const struct place *place, struct place_view *view) {
  return place_read(place, view) && view->state == PLACE_CALLING && view->call == PLACE_PROCESS &&
         view->first <= view->last && view->topic[0];
}

static bool killed_for_memory(const struct head *head) {
  return !atomic_load(&head->asked) && head->memory_kills >= 0 && head->boot == boot_of_machine() &&
         crumbs_memory_kills() > head->memory_kills;
}

static bool anybody_blamed(const struct file *file) {
  struct place_view view;
  for (uint64_t i = 0; i < file->head.lanes; i++)
    if (place_read(&file->places[i], &view) && view.blame) return true;
  return false;
}

static void try_lane(const struct trial *trial, const struct place *place) {
  struct place_view view;
  if (!was_in_stage(place, &view)) return;
  const char *how = trial->memory ? "memory" : name_of_signal(view.blame);
  if (!how) return;
  bool alone = view.batch_records == 1 && (!trial->memory || trial->calling == 1);
  trial->each(trial->ctx, &(struct crumbs_death){&view, how, alone});
}

static void try_all(struct trial *trial) {
  const struct file *file = trial->file;
  struct place_view view;
  trial->memory = !anybody_blamed(file) && killed_for_memory(&file->head);
  for (uint64_t i = 0; i < file->head.lanes; i++) trial->calling += was_in_stage(&file->places[i], &view);
  for (uint64_t i = 0; i < file->head.lanes; i++) try_lane(trial, &file->places[i]);
}

static bool is_whole(const struct file *file, size_t bytes) {
  return bytes >= sizeof *file && atomic_load(&file->head.format) == format_now &&
         file->head.lanes <= (uint64_t)LIMIT_LANES && bytes == sizeof *file + file->head.lanes * sizeof file->places[0];
}

static void judge_file(int descriptor, struct trial *trial) {
  struct stat status;
  if (fstat(descriptor, &status) != 0 || status.st_size < (off_t)sizeof *trial->file) return;
  size_t bytes = (size_t)status.st_size;
  struct file *file = map(descriptor, bytes);
  if (!file) return;
  trial->file = file;
  if (is_whole(file, bytes)) try_all(trial);
  munmap(file, bytes);
}

void crumbs_judge(
    const char *folder, const char *name, void (*each)(void *ctx, const struct crumbs_death *death), void *ctx) {
  DIR *dir = opendir(folder);
  if (!dir) return;
  for (const struct dirent *entry; (entry = readdir(dir));) {
    char path[PATH_BYTES];
    if (!is_crumbs(entry->d_name, name)) continue;
    int size = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    int descriptor = size > 0 && size < PATH_BYTES ? lock_file(path, 0) : -1;
    if (descriptor < 0) continue;
    struct trial trial = {.each = each, .ctx = ctx};
    judge_file(descriptor, &trial);
    unlink(path);
    close(descriptor);
  }
  closedir(dir);
}
