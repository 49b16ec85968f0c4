/* random.h: the one source of choices of a seed. */
#ifndef WEIR_SIMULATION_RANDOM_H
#define WEIR_SIMULATION_RANDOM_H
#include <stdbool.h>
#include <stdint.h>

/* Zero is as good a start as any other. */
struct random {
  uint64_t state;
};

static inline uint64_t random_next(struct random *random) {
  uint64_t x = random->state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/* Below `limit`, which is above 0. */
static inline uint64_t random_below(struct random *random, uint64_t limit) { return random_next(random) % limit; }

/* From `least` to `most`, both possible. */
static inline int64_t random_between(struct random *random, int64_t least, int64_t most) {
  return least + (int64_t)random_below(random, (uint64_t)(most - least + 1));
}

static inline bool random_chance(struct random *random, uint32_t in_thousand) {
  return random_below(random, 1000) < in_thousand;
}

#endif
