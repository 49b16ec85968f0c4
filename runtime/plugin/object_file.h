/* object_file.h: may this file be loaded as a plugin? Asked before any of its code runs: dlopen() trusts what it is
 * given, runs constructors at once, and dies of a file that was cut off. [main] */
#ifndef WEIR_PLUGIN_OBJECT_FILE_H
#define WEIR_PLUGIN_OBJECT_FILE_H
#include <stdbool.h>
#include "base/error.h"

/* Nobody but root and the user of this worker can change the file, or put another in its place. `file` may be a
 * symbolic link: what it points to is judged as well. */
bool object_file_is_safe(const char *file, struct error *err);

/* A whole shared object for this machine. */
bool object_file_is_loadable(const char *file, struct error *err);

#endif
