/* runtime_folder.h: where the workers of a user leave their sockets, so that `weir explain` finds those of a pipeline file: a name for
 * the file (a hash of its real path), and one for the process. [main] */
#ifndef WEIR_HOST_RUNTIME_FOLDER_H
#define WEIR_HOST_RUNTIME_FOLDER_H
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

enum { RUNTIME_PATH_MAX = 108, RUNTIME_NAME_MAX = 32 }; /* what a socket's address holds */

/* $XDG_RUNTIME_DIR/weir, else /tmp/weir-UID; made where it is missing, when `make`. It has to be the user's own and closed to others; if
 * not, the sentence says what to do. */
bool runtime_folder(char into[RUNTIME_PATH_MAX], bool make, struct error *err);
/* "9f86d081884c7d65": of the pipeline file that is there. */
bool runtime_name(const char *file, char into[RUNTIME_NAME_MAX], struct error *err);
/* Calls `each` with the path of every socket of that name ("": of any), in no order. */
void runtime_each(const char *folder, const char *name, void (*each)(void *ctx, const char *path), void *ctx);

#endif
