/* clock.c: the machine's clock, and one that a test moves by hand. */
#include "base/clock.h"
#include "base/check.h"
#include <time.h>

static int64_t read_ms(clockid_t id) {
  struct timespec time;
  must(clock_gettime(id, &time) == 0);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int64_t real_now_ms(const struct clock *clock) {
  (void)clock;
  return read_ms(CLOCK_MONOTONIC);
}

static int64_t real_wall_ms(const struct clock *clock) {
  (void)clock;
  return read_ms(CLOCK_REALTIME);
}

const struct clock *clock_real(void) {
  static const struct clock real = {real_now_ms, real_wall_ms};
  return &real;
}

static int64_t hand_now_ms(const struct clock *clock) { return ((const struct clock_hand *)(const void *)clock)->now; }

static int64_t hand_wall_ms(const struct clock *clock) {
  return ((const struct clock_hand *)(const void *)clock)->wall;
}

void clock_hand_init(struct clock_hand *hand, int64_t now_ms, int64_t wall_ms) {
  must(now_ms >= 0);
  hand->clock = (struct clock){hand_now_ms, hand_wall_ms};
  hand->now = now_ms;
  hand->wall = wall_ms;
}

void clock_hand_advance(struct clock_hand *hand, int64_t by_ms) {
  must(by_ms >= 0);
  hand->now += by_ms;
  hand->wall += by_ms;
}
