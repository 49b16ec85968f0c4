/* original.h: reads single records again from their source, for dead letters whose value was too large. [main] */
#ifndef WEIR_KAFKA_ORIGINAL_H
#define WEIR_KAFKA_ORIGINAL_H
#include <stdbool.h>
#include <weir/plugin.h>
#include "base/error.h"

struct letter;
struct original;
struct pipeline_file;

struct original *original_open(const struct pipeline_file *file, struct error *err);
void original_close(struct original *original); /* NULL is fine */

/* Key and value of the letter's source record, alive until the next call, with the size and SHA-256 that the letter names. Blocks up to some
 * seconds. False: it is not there any more, or is another one now. */
bool original_fetch(
    struct original *original, const struct letter *letter, weir_span *key, weir_span *value, struct error *err);

#endif
