/* planted.h: bugs that the simulation has to find. Each takes the place of a function of the runtime (--wrap), in this program only, and
 * does what the rule that it names forbids. */
#ifndef WEIR_SIMULATION_PLANTED_H
#define WEIR_SIMULATION_PLANTED_H
#include <stddef.h>

struct planted {
  const char *name, *rule;
};
extern const struct planted planted_bugs[];
extern const size_t planted_count;

/* The one that is in place, NULL: none. */
extern const struct planted *planted;

#endif
