/* guarantee.h: what a pipeline promises, in sentences: delivery, order, where records may be repeated or lost. */
#ifndef WEIR_HOST_GUARANTEE_H
#define WEIR_HOST_GUARANTEE_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct memory_share;
struct pipeline_file;

/* One line for each of delivery, repeats (or losses), order; `whole`: also where keyless records may go, what a retry repeats, and what exactly_once would need. */
void guarantee_print(const struct pipeline_file *file, const struct memory_share *share, bool whole, FILE *out);
/* The parts of `memory` and their sum, in one line, or one line each. */
void guarantee_print_memory(const struct memory_share *share, bool whole, FILE *out);
/* What scripts may use on top of it: `bytes` for the `count` states of one lane. Nothing where there is none. */
void guarantee_print_scripts(const struct memory_share *share, int64_t bytes, uint32_t count, FILE *out);

#endif
