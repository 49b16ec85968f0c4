/* writer.c: appending, syncing, and getting back after a failure.
 *
 * `good` is the size up to which the file is known to be on the disk (without sync: to be whole lines). A failed
 * write is cut off at once. After a failed sync the kernel may have dropped the pages and says so only once, so the
 * same descriptor is never synced again: the file is opened anew and cut back to `good`, and all lanes whose lines
 * were behind it are told to append them again. */
#include "writer.h"
#include <common/must.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct writer {
  char *path;
  bool sync;
  struct writer_calls calls;
  pthread_mutex_t mutex; /* guards all below */
  pthread_cond_t changed;
  uint32_t opens;
  int fd;             /* -1: to be opened before the next use */
  bool regular;       /* can be cut and synced */
  bool damaged;       /* a failed write could not be cut off: to be opened again before the next use */
  bool syncing;       /* a lane is in its sync, without the mutex: the file stays open */
  int64_t size, good; /* bytes */
  uint64_t appended;  /* the last ticket given out */
  uint64_t committed; /* tickets of this epoch up to here are on the disk */
  uint64_t epoch;     /* a new one begins when what was not committed is cut off */
  uint64_t syncs;
  struct writer_error failure; /* why the last epoch ended */
  struct writer_error notice;  /* empty: none */
};

static int call_sync(int fd) { return fdatasync(fd); }
static long call_write(int fd, const void *bytes, size_t size) { return write(fd, bytes, size); }
static int call_truncate(int fd, int64_t size) { return ftruncate(fd, size); }

static const struct writer_calls system_calls = {call_sync, call_write, call_truncate};

static bool fail(struct writer_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct writer_error *err, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(err->text, sizeof err->text, format, arguments);
  va_end(arguments);
  return false;
}

struct writer *writer_create(const char *path, bool sync, const struct writer_calls *calls) {
  struct writer *writer = calloc(1, sizeof *writer);
  if (!writer) return NULL;
  writer->path = strdup(path);
  writer->sync = sync;
  writer->calls = calls ? *calls : system_calls;
  writer->fd = -1;
  if (!writer->path) {
    free(writer);
    return NULL;
  }
  pthread_mutex_init(&writer->mutex, NULL);
  pthread_cond_init(&writer->changed, NULL);
  return writer;
}

void writer_destroy(struct writer *writer) {
  if (!writer) return;
  must(writer->opens == 0 && writer->fd < 0);
  pthread_cond_destroy(&writer->changed);
  pthread_mutex_destroy(&writer->mutex);
  free(writer->path);
  free(writer);
}

/* ---- Opening; the mutex is held ---- */

static void close_file(struct writer *writer) {
  if (writer->fd >= 0) close(writer->fd);
  writer->fd = -1;
}

static bool fail_open(const struct writer *writer, struct writer_error *err) {
  switch (errno) {
  case ENOENT: return fail(err, "cannot open '%s': its folder does not exist; create it first", writer->path);
  case EACCES:
  case EPERM:
  case EROFS: return fail(err, "cannot open '%s' for writing: %s", writer->path, strerror(errno));
  case EISDIR: return fail(err, "'%s' is a folder; `path` names a file in it", writer->path);
  default: return fail(err, "cannot open '%s': %s", writer->path, strerror(errno));
  }
}

/* The name still leads to the open file: between open() and the lock another process may have replaced it. */
static bool is_same_file(const struct writer *writer) {
  struct stat here, there;
  return fstat(writer->fd, &here) == 0 && stat(writer->path, &there) == 0 && here.st_ino == there.st_ino &&
         here.st_dev == there.st_dev;
}

static bool take_lock(struct writer *writer, struct writer_error *err) {
  if (flock(writer->fd, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) return fail(err, "cannot lock '%s': %s", writer->path, strerror(errno));
  return fail(err,
      "'%s' is being written by another worker or sink; give each its own file, for example with {instance} in `path`",
      writer->path);
}

static bool check_kind(struct writer *writer, struct writer_error *err) {
  struct stat status;
  if (fstat(writer->fd, &status) != 0) return fail(err, "cannot look at '%s': %s", writer->path, strerror(errno));
  writer->regular = S_ISREG(status.st_mode);
  if (writer->regular || !writer->sync) return true;
  return fail(err, "'%s' is no regular file, so it cannot be synced to a disk; fsync: never writes to it all the same",
      writer->path);
}

static bool open_locked(struct writer *writer, struct writer_error *err) {
  for (int attempt = 0; attempt < 10; attempt++) {
    writer->fd = open(writer->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
    if (writer->fd < 0 && errno == EINTR) continue;
    if (writer->fd < 0) return fail_open(writer, err);
    if (check_kind(writer, err)) {
      if (!writer->regular) return true;
      if (take_lock(writer, err)) {
        if (is_same_file(writer)) return true;
        close_file(writer);
        continue;
      }
    }
    close_file(writer);
    return false;
  }
  return fail(err, "'%s' is replaced again and again while it is being opened", writer->path);
}

/* The name of a new file is in its folder's data. */
static bool sync_folder(const struct writer *writer, struct writer_error *err) {
  char *folder = strdup(writer->path);
  if (!folder) return fail(err, "no memory");
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder ? 1 : 0] = 0;
  int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool synced = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP);
  if (!synced) fail(err, "cannot sync the folder of '%s': %s", writer->path, strerror(errno));
  if (fd >= 0) close(fd);
  free(folder);
  return synced;
}

/* Bytes behind the last line end, of `size` bytes. */
static bool measure_torn(const struct writer *writer, int64_t size, size_t *torn, struct writer_error *err) {
  char block[16384];
  int64_t end = size;
  while (end > 0 && size - end < WRITER_TORN_MAX) {
    int64_t start = end > (int64_t)sizeof block ? end - (int64_t)sizeof block : 0;
    ssize_t got = pread(writer->fd, block, (size_t)(end - start), start);
    if (got < 0 && errno == EINTR) continue;
    if (got != end - start) return fail(err, "cannot read the end of '%s': %s", writer->path, strerror(errno));
    const char *line_end = memrchr(block, '\n', (size_t)got);
    if (line_end) {
      *torn = (size_t)(size - (start + (line_end - block) + 1));
      return true;
    }
    end = start;
  }
  *torn = (size_t)size;
  if (end == 0) return true;
  return fail(
      err, "the last 64 MiB of '%s' have no line end: this is no file of lines; name another one", writer->path);
}

static bool cut_file(struct writer *writer, int64_t size, struct writer_error *err) {
  int result;
  do {
    result = writer->calls.truncate(writer->fd, size);
  } while (result != 0 && errno == EINTR);
  if (result != 0)
    return fail(err, "cannot cut '%s' to %lld bytes: %s", writer->path, (long long)size, strerror(errno));
  writer->size = size;
  return true;
}

static bool sync_now(struct writer *writer, struct writer_error *err) {
  writer->syncs++;
  if (writer->calls.sync(writer->fd) == 0) return true;
  return fail(err, "cannot sync '%s': %s", writer->path, strerror(errno));
}

static int64_t file_size(const struct writer *writer) {
  struct stat status;
  return fstat(writer->fd, &status) == 0 ? (int64_t)status.st_size : -1;
}

/* Locked, whole lines, and on the disk. `most`: a file beyond this size is cut back to it; -1: to its last line end. */
static bool open_file(struct writer *writer, int64_t most, size_t *torn, struct writer_error *err) {
  *torn = 0;
  if (!open_locked(writer, err)) return false;
  if (!writer->regular) return true;
  int64_t size = file_size(writer);
  bool done = size >= 0 || fail(err, "cannot look at '%s': %s", writer->path, strerror(errno));
  if (done && most >= 0 && size > most) {
    done = cut_file(writer, most, err);
  } else if (done) {
    done = measure_torn(writer, size, torn, err) && (*torn == 0 || cut_file(writer, size - (int64_t)*torn, err));
    writer->size = size - (int64_t)*torn;
  }
  if (done && writer->sync) done = sync_now(writer, err) && sync_folder(writer, err);
  if (!done) {
    close_file(writer);
    return false;
  }
  writer->good = writer->size;
  writer->damaged = false;
  return true;
}

bool writer_open(struct writer *writer, size_t *torn, struct writer_error *err) {
  *torn = 0;
  pthread_mutex_lock(&writer->mutex);
  bool opened = writer->opens > 0 || open_file(writer, -1, torn, err);
  if (opened) writer->opens++;
  pthread_mutex_unlock(&writer->mutex);
  return opened;
}

void writer_close(struct writer *writer) {
  pthread_mutex_lock(&writer->mutex);
  must(writer->opens > 0);
  if (--writer->opens == 0) close_file(writer);
  pthread_mutex_unlock(&writer->mutex);
}

/* ---- Appending; the mutex is held ---- */

static void note(struct writer *writer, const char *sentence) {
  snprintf(writer->notice.text, sizeof writer->notice.text, "'%s' %s", writer->path, sentence);
}

/* What is not committed is cut off: their lanes append it again. */
static void end_epoch(struct writer *writer, const struct writer_error *why) {
  writer->epoch++;
  writer->failure = *why;
  pthread_cond_broadcast(&writer->changed);
}

static bool reopen(struct writer *writer, struct writer_error *err) {
  size_t torn;
  must(!writer->syncing);
  close_file(writer);
  return open_file(writer, writer->good, &torn, err);
}

static void take_deletion(struct writer *writer) {
  struct writer_error why;
  fail(&why, "'%s' was deleted while weir wrote to it", writer->path);
  end_epoch(writer, &why);
  close_file(writer);
  writer->good = 0;
  note(writer, "was deleted while weir wrote to it; what it held is gone, a new one is made");
}

/* The open file is the one of that name and is as it was left; else it is made so, or its new state is taken. */
static bool make_ready(struct writer *writer, struct writer_error *err) {
  struct stat status;
  for (;;) {
    if (writer->fd >= 0 && !writer->damaged) {
      if (!writer->regular) return true;
      if (fstat(writer->fd, &status) != 0) return fail(err, "cannot look at '%s': %s", writer->path, strerror(errno));
      if (status.st_nlink > 0) break;
    }
    if (writer->syncing) {
      pthread_cond_wait(&writer->changed, &writer->mutex);
    } else if (writer->fd >= 0 && !writer->damaged) {
      take_deletion(writer);
    } else if (!reopen(writer, err)) {
      return false;
    }
  }
  if ((int64_t)status.st_size == writer->size) return true;
  note(writer, "was changed by someone else while weir wrote to it");
  writer->size = (int64_t)status.st_size;
  if (writer->good > writer->size) writer->good = writer->size;
  return true;
}

static bool write_all(struct writer *writer, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    long written = writer->calls.write(writer->fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = EIO;
    if (written <= 0) return false;
    bytes += written;
    size -= (size_t)written;
  }
  return true;
}

/* After a failed write: the file ends where it ended before. Where even that fails, all that is not committed goes. */
static void undo_write(struct writer *writer, int64_t size, const struct writer_error *why) {
  struct writer_error ignored;
  if (!writer->regular || cut_file(writer, size, &ignored)) return;
  writer->damaged = true;
  end_epoch(writer, why);
}

static bool append_locked(
    struct writer *writer, const void *bytes, size_t size, struct writer_ticket *ticket, struct writer_error *err) {
  if (!make_ready(writer, err)) return false;
  int64_t before = writer->size;
  if (!write_all(writer, bytes, size)) {
    fail(err, "cannot write %zu bytes to '%s': %s", size, writer->path, strerror(errno));
    undo_write(writer, before, err);
    return false;
  }
  writer->size = before + (int64_t)size;
  *ticket = (struct writer_ticket){.number = ++writer->appended, .epoch = writer->epoch};
  if (!writer->sync) {
    writer->committed = writer->appended;
    writer->good = writer->size;
  }
  return true;
}

bool writer_append(
    struct writer *writer, const void *bytes, size_t size, struct writer_ticket *ticket, struct writer_error *err) {
  must(size > 0 && ((const char *)bytes)[size - 1] == '\n');
  pthread_mutex_lock(&writer->mutex);
  must(writer->opens > 0);
  bool appended = append_locked(writer, bytes, size, ticket, err);
  pthread_mutex_unlock(&writer->mutex);
  return appended;
}

/* ---- Syncing ---- */

/* Syncs for all that have appended by now. The mutex is held, but not during the sync: other lanes append meanwhile. */
static void sync_for_all(struct writer *writer) {
  uint64_t upto = writer->appended, epoch = writer->epoch;
  int64_t size = writer->size;
  int fd = writer->fd;
  writer->syncing = true;
  writer->syncs++;
  pthread_mutex_unlock(&writer->mutex);
  int result = writer->calls.sync(fd), reason = errno;
  pthread_mutex_lock(&writer->mutex);
  writer->syncing = false;
  if (result != 0) {
    struct writer_error why;
    fail(&why, "cannot sync '%s': %s", writer->path, strerror(reason));
    close_file(writer);
    end_epoch(writer, &why);
  } else if (writer->epoch == epoch) {
    writer->committed = upto;
    writer->good = size;
  }
  pthread_cond_broadcast(&writer->changed);
}

bool writer_commit(struct writer *writer, struct writer_ticket ticket, struct writer_error *err) {
  pthread_mutex_lock(&writer->mutex);
  while (writer->epoch == ticket.epoch && writer->committed < ticket.number) {
    if (writer->syncing) {
      pthread_cond_wait(&writer->changed, &writer->mutex);
    } else {
      sync_for_all(writer);
    }
  }
  bool committed = writer->epoch == ticket.epoch || !writer->sync;
  if (!committed) *err = writer->failure;
  pthread_mutex_unlock(&writer->mutex);
  return committed;
}

bool writer_notice(struct writer *writer, struct writer_error *notice) {
  pthread_mutex_lock(&writer->mutex);
  bool any = writer->notice.text[0] != 0;
  *notice = writer->notice;
  writer->notice.text[0] = 0;
  pthread_mutex_unlock(&writer->mutex);
  return any;
}

uint64_t writer_syncs(struct writer *writer) {
  pthread_mutex_lock(&writer->mutex);
  uint64_t syncs = writer->syncs;
  pthread_mutex_unlock(&writer->mutex);
  return syncs;
}
