/* file.h: small files read whole, and paths. */
#ifndef WEIR_BASE_FILE_H
#define WEIR_BASE_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

/* Reads a regular file of at most `bytes_max` bytes into *bytes, to free(), with a NUL behind. The error names no path:
 * "there is no such file", "it is a folder", "it is larger than 1 MiB". */
bool file_read(const char *path, size_t bytes_max, char **bytes, size_t *size, struct error *err);

/* `path` from `folder`, or as it is when it starts with a slash. To free(); NULL: no memory. */
char *file_join(const char *folder, const char *path);
/* The absolute folder in which `path` is a name (a link stays where it is), to free(). NULL: there is none, or no memory. */
char *file_folder(const char *path, struct error *err);

#endif
