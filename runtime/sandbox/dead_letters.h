/* dead_letters.h: what the headers of dead letters say, added up by stage and reason. A source record that was written again, because its worker
 * was killed before the commit, counts once. [main] */
#ifndef WEIR_SANDBOX_DEAD_LETTERS_H
#define WEIR_SANDBOX_DEAD_LETTERS_H
#include "sandbox/reader.h"

struct dead_letters;
struct dead_letters *dead_letters_create(void);
void dead_letters_destroy(struct dead_letters *dead); /* NULL is fine */

void dead_letters_take(struct dead_letters *dead, const struct reader_record *record);
int64_t dead_letters_count(const struct dead_letters *dead);
int64_t dead_letters_repeated(const struct dead_letters *dead);
size_t dead_letters_reasons(const struct dead_letters *dead, const struct reader_reason **reasons);

#endif
