/* writer.h: one file that several lanes append to. What writer_commit() has confirmed is on the disk, whole lines
 * and in order of writer_append(); what it has not is cut off again.
 *
 * Threads: [any] for all but create and destroy; one mutex inside. */
#ifndef WEIR_PLUGINS_FILE_WRITER_H
#define WEIR_PLUGINS_FILE_WRITER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  WRITER_ERROR_TEXT = 512,
  WRITER_TORN_MAX =
      64 << 20, /* bytes of an unfinished last line that are cut; more means that it is no file of lines */
};

struct writer_error {
  char text[WRITER_ERROR_TEXT]; /* a sentence with the path and what to do */
};

/* What the file is reached through; NULL in writer_create(): the system's own. Tests make them fail. */
struct writer_calls {
  int (*sync)(int fd);
  long (*write)(int fd, const void *bytes, size_t size);
  int (*truncate)(int fd, int64_t size);
};

/* One append, for writer_commit(). Plain data. */
struct writer_ticket {
  uint64_t number, epoch;
};

struct writer;

/* `path` is copied; the file is not touched. `sync`: writer_commit() waits for the disk. NULL: no memory. */
struct writer *writer_create(const char *path, bool sync, const struct writer_calls *calls);
/* NULL is accepted. Every writer_open() has been closed. */
void writer_destroy(struct writer *writer);

/* The first one opens (creates) the file, takes its lock and cuts an unfinished last line: *torn gets its size. Each
 * success is closed once; the last close gives the lock back. */
bool writer_open(struct writer *writer, size_t *torn, struct writer_error *err);
void writer_close(struct writer *writer);

/* Appends bytes that end in a line end. False: nothing of them stays in the file. */
bool writer_append(
    struct writer *writer, const void *bytes, size_t size, struct writer_ticket *ticket, struct writer_error *err);
/* Waits until what was appended is on the disk: one lane syncs for all that have appended by then. False: it is not,
 * or not surely, and the lines have to be appended again. */
bool writer_commit(struct writer *writer, struct writer_ticket ticket, struct writer_error *err);
/* A sentence that an operator should read (the file was deleted and made anew), once; false: there is none. */
bool writer_notice(struct writer *writer, struct writer_error *notice);
/* Syncs so far. */
uint64_t writer_syncs(struct writer *writer);

#endif
