/* supply.h: one --feed: a topic and the records of a file for it. [main]
 *
 * TOPIC=FILE[:lines|jsonl]. lines: each line is a value, without a key. jsonl: each line is an object with any of key, value, headers,
 * timestamp and partition; a value that is no string is taken as the JSON text that it is. */
#ifndef WEIR_SANDBOX_SUPPLY_H
#define WEIR_SANDBOX_SUPPLY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/plugin.h>
#include "base/error.h"

/* All of it points into the supply. */
struct supply_record {
  weir_span key, value;
  const weir_header *headers;
  uint32_t header_count;
  int32_t partition;    /* -1: by the key */
  int64_t timestamp_ms; /* 0: when it is fed */
};

struct supply;
/* Reads and checks the whole file. NULL: a sentence with file and line. */
struct supply *supply_open(const char *text, struct error *err);
void supply_close(struct supply *supply); /* NULL is fine */

const char *supply_topic(const struct supply *supply);
size_t supply_count(const struct supply *supply);
const struct supply_record *supply_at(const struct supply *supply, size_t index);
/* Every record that names its partition names one below `partitions`. False: err says which does not. */
bool supply_fits(const struct supply *supply, int32_t partitions, struct error *err);
/* A sentence about what looks like a mistake, NULL: nothing does. */
const char *supply_doubt(const struct supply *supply);

#endif
