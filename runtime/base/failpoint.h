/* failpoint.h: places where a test can kill the worker. In an ordinary build FAILPOINT() is nothing at all; with the CMake option
 * WEIR_FAILPOINTS it counts, and at the chosen passing the process ends by SIGKILL, as a power failure would end it.
 *
 *   WEIR_FAILPOINT=name:N        die at the N-th passing (from 1) of this point
 *   WEIR_FAILPOINT_LOG=FILE      append a line "passed NAME" at each point's first passing, "killed NAME N" before the end
 *
 * A name stands at one place only; test_kill_points.sh reads the list from the source. */
#ifndef WEIR_BASE_FAILPOINT_H
#define WEIR_BASE_FAILPOINT_H
#include <stdbool.h>

/* Thread: any. Was this built with the points in it? */
bool failpoint_is_built(void);

#ifdef WEIR_FAILPOINTS
#include <stdatomic.h>
struct failpoint {
  const char *name;
  atomic_uint passes;
};
/* Thread: any; also with locks held: nothing is locked here, and nothing allocated. */
void failpoint_pass(struct failpoint *point);
#define FAILPOINT(point)                                                                                               \
  do {                                                                                                                 \
    static struct failpoint failpoint_here = {#point, 0};                                                              \
    failpoint_pass(&failpoint_here);                                                                                   \
  } while (0)
#else
#define FAILPOINT(point) ((void)0)
#endif

#endif
