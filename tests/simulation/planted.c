/* planted.c: see planted.h. */
#include "planted.h"

const struct planted *planted;
const struct planted planted_bugs[] = {{"none", "nothing is wrong"}};
const size_t planted_count = 0;
