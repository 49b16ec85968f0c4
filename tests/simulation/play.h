/* play.h: one seed from its beginning to its judgement. */
#ifndef WEIR_SIMULATION_PLAY_H
#define WEIR_SIMULATION_PLAY_H
#include <stdbool.h>
#include <stdint.h>

/* True: every promise was kept; else world.failure says which was not. world.events says what the seed had. */
bool play_seed(uint64_t seed, bool verbose);

#endif
