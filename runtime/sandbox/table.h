/* table.h: what a play has shown, on stdout, and whether it is all as it should be. [main] */
#ifndef WEIR_SANDBOX_TABLE_H
#define WEIR_SANDBOX_TABLE_H
#include <stdbool.h>
#include "sandbox/reader.h"

struct play;
/* Everything; the last line is the verdict. True: nothing is lost or left over, and no worker failed. */
bool table_print(const struct play *play);
/* One record: "topic/partition@offset key value", on a terminal cut to its width. */
void table_print_record(const struct reader_record *record);

#endif
