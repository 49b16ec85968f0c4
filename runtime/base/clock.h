/* clock.h: the only source of time. Deadlines use now_ms (never goes back); wall_ms is for timestamps in records. Tests
 * drive a hand clock, so no test sleeps. */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H
#include <stdint.h>

/* Passed by pointer, read-only for its users, from any thread. */
struct clock {
  int64_t (*now_ms)(const struct clock *clock);  /* CLOCK_MONOTONIC */
  int64_t (*wall_ms)(const struct clock *clock); /* milliseconds since 1970 */
};

/* The machine's clock; lives for ever. */
const struct clock *clock_real(void);

/* A clock that stands until it is moved. Owned by the test; pass &hand->clock. clock_hand_advance() may be called from any thread. */
struct clock_hand {
  struct clock clock;
  _Atomic int64_t now, wall;
};

void clock_hand_init(struct clock_hand *hand, int64_t now_ms, int64_t wall_ms);
void clock_hand_advance(struct clock_hand *hand, int64_t by_ms);

static inline int64_t clock_now(const struct clock *clock) { return clock->now_ms(clock); }
static inline int64_t clock_wall(const struct clock *clock) { return clock->wall_ms(clock); }

#endif
