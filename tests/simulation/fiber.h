/* fiber.h: the threads of simulated workers, all on one real thread. A fiber runs until it waits or yields; then the next one is
 * chosen by the seed. Time stands still while a fiber runs and jumps when all of them wait. */
#ifndef WEIR_SIMULATION_FIBER_H
#define WEIR_SIMULATION_FIBER_H
#include <stdbool.h>
#include <stdint.h>

struct fiber;
struct process;

enum { FOREVER_US_SHIFT = 62 };
#define FOREVER_US ((int64_t)1 << FOREVER_US_SHIFT)

/* Of a process, whose allocations it makes. `body` may return. Gives its number, which is never the same within a seed. */
uint64_t fiber_start(struct process *process, void *(*body)(void *arg), void *arg);
/* The one that runs, NULL: the world itself. */
struct fiber *fiber_self(void);
/* Its process, NULL: the world. */
struct process *fiber_process(void);
uint64_t fiber_number(const struct fiber *fiber);
/* It has not ended, and nobody has its place. */
bool fiber_lives(const struct fiber *fiber, uint64_t number);
/* Waits for its end. */
void fiber_join(uint64_t number);

/* Others may go first. */
void fiber_yield(void);
/* Now and then, as the seed says, fiber_yield(): a thread may lose the processor anywhere. */
void fiber_stumble(void);
/* Until fiber_wake() of the same thing, or until the time has come: false. */
bool fiber_wait(const void *on, int64_t until_us);
/* All that wait for it. */
void fiber_wake(const void *on);
/* One of them, chosen by the seed. */
void fiber_wake_one(const void *on);
/* Ends the fiber that runs. */
_Noreturn void fiber_end(void);
/* Ends the fibers of a process where they are. The one that runs only ends when it next waits. NULL: of all. */
void fibers_kill(const struct process *process);

/* Runs one fiber that can run. False: none can, before *next_us. */
bool fibers_turn(int64_t *next_us);

#endif
