/* writer_play.h: a writer on a file of its own, through calls that fail when they are told to. */
#ifndef WEIR_TESTS_WRITER_PLAY_H
#define WEIR_TESTS_WRITER_PLAY_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <writer.h>

/* ---- Calls that fail when they are told to ---- */

static struct {
  pthread_mutex_t mutex;
  int syncs_to_fail, writes_to_fail, cuts_to_fail;
  int fail_one_in; /* of syncs and writes, 0: none */
  unsigned dice;
  sem_t *sync_entered, *sync_may_go; /* NULL: no wait */
} faults = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static inline bool strikes(int *count) {
  pthread_mutex_lock(&faults.mutex);
  faults.dice = faults.dice * 1664525 + 1013904223;
  bool strikes = *count > 0;
  if (strikes) {
    --*count;
  } else if (faults.fail_one_in) {
    strikes = (faults.dice >> 8) % (unsigned)faults.fail_one_in == 0;
  }
  pthread_mutex_unlock(&faults.mutex);
  return strikes;
}

static inline int faulty_sync(int fd) {
  if (faults.sync_entered) {
    sem_post(faults.sync_entered);
    sem_wait(faults.sync_may_go);
  }
  if (!strikes(&faults.syncs_to_fail)) return fdatasync(fd);
  errno = EIO;
  return -1;
}

/* Half of the bytes come through before the disk is full. */
static inline long faulty_write(int fd, const void *bytes, size_t size) {
  if (!strikes(&faults.writes_to_fail)) return write(fd, bytes, size);
  if (size > 1 && write(fd, bytes, size / 2) < 0) return -1;
  errno = ENOSPC;
  return -1;
}

static inline int faulty_cut(int fd, int64_t size) {
  if (faults.cuts_to_fail-- > 0) {
    errno = EIO;
    return -1;
  }
  return ftruncate(fd, size);
}

static const struct writer_calls faulty = {faulty_sync, faulty_write, faulty_cut};

/* ---- The play ---- */

struct play {
  char folder[64], path[96];
  struct writer *writer;
  struct writer_error err;
};

static inline int begin(void **state) {
  struct play *play = calloc(1, sizeof *play);
  strcpy(play->folder, "/tmp/weir-writer-XXXXXX");
  if (!mkdtemp(play->folder)) return -1;
  snprintf(play->path, sizeof play->path, "%s/out", play->folder);
  play->writer = writer_create(play->path, true, &faulty);
  faults.syncs_to_fail = faults.writes_to_fail = faults.cuts_to_fail = faults.fail_one_in = 0;
  *state = play;
  return 0;
}

static inline int end(void **state) {
  struct play *play = *state;
  writer_destroy(play->writer);
  unlink(play->path);
  rmdir(play->folder);
  free(play);
  return 0;
}

static inline size_t open_writer(struct play *play) {
  size_t torn;
  if (!writer_open(play->writer, &torn, &play->err)) fail_msg("%s", play->err.text);
  return torn;
}

static inline bool append(struct play *play, const char *line, struct writer_ticket *ticket) {
  return writer_append(play->writer, line, strlen(line), ticket, &play->err);
}

static inline void write_line(struct play *play, const char *line) {
  struct writer_ticket ticket;
  if (!append(play, line, &ticket)) fail_msg("%s", play->err.text);
  if (!writer_commit(play->writer, ticket, &play->err)) fail_msg("%s", play->err.text);
}

static inline char *content(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) return strdup("");
  struct stat status;
  assert_int_equal(fstat(fileno(file), &status), 0);
  char *text = calloc(1, (size_t)status.st_size + 1);
  assert_int_equal(fread(text, 1, (size_t)status.st_size, file), status.st_size);
  fclose(file);
  return text;
}

static inline void assert_content(const struct play *play, const char *expected) {
  char *text = content(play->path);
  assert_string_equal(text, expected);
  free(text);
}

static inline void put_content(const struct play *play, const char *text) {
  FILE *file = fopen(play->path, "w");
  fputs(text, file);
  fclose(file);
}

static inline void assert_said(const struct play *play, const char *part) {
  if (!strstr(play->err.text, part)) fail_msg("'%s' does not say '%s'", play->err.text, part);
}

#endif
