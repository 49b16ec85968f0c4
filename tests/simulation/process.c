/* process.c: while a fiber of a process runs, malloc() and its kin give memory of that process, by --wrap. Blocks are chained, so
 * that a crash can give them back. What is allocated in a process is freed in it, and what is allocated outside stays outside. */
#include "process.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "client.h"
#include "fiber.h"
#include "wraps.h"
#include "world.h"

struct block {
  struct block *next, **link;
  size_t size;
  size_t number; /* keeps what follows aligned */
};

enum { BLOCK_NUMBER = 0x51b10c4 };

static struct process processes[PROCESSES_MAX];
static uint32_t lives;

/* --- memory --- */

void *__wrap_malloc(size_t size) {
  struct process *process = fiber_process();
  if (!process) return __real_malloc(size);
  struct block *block = __real_malloc(sizeof *block + size);
  must(block);
  *block = (struct block){process->blocks, &process->blocks, size, BLOCK_NUMBER};
  if (block->next) block->next->link = &block->next;
  process->blocks = block;
  return block + 1;
}

void *__wrap_calloc(size_t count, size_t size) {
  if (!fiber_process()) return __real_calloc(count, size);
  return memset(__wrap_malloc(count * size), 0, count * size);
}

void __wrap_free(void *memory) {
  if (!memory) return;
  if (!fiber_process()) {
    __real_free(memory);
    return;
  }
  struct block *block = (struct block *)memory - 1;
  must(block->number == BLOCK_NUMBER);
  block->number = 0;
  *block->link = block->next;
  if (block->next) block->next->link = block->link;
  __real_free(block);
}

void *__wrap_realloc(void *memory, size_t size) {
  if (!fiber_process()) return __real_realloc(memory, size);
  void *larger = __wrap_malloc(size);
  if (!memory) return larger;
  size_t before = ((struct block *)memory - 1)->size;
  memcpy(larger, memory, before < size ? before : size);
  __wrap_free(memory);
  return larger;
}

char *__wrap_strndup(const char *text, size_t most) {
  size_t size = strnlen(text, most);
  char *copy = __wrap_malloc(size + 1);
  memcpy(copy, text, size);
  copy[size] = 0;
  return copy;
}

char *__wrap_strdup(const char *text) { return __wrap_strndup(text, strlen(text)); }

__attribute__((format(printf, 2, 0))) static int format_text(char **text, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int size = vsnprintf(NULL, 0, format, args);
  *text = __wrap_malloc((size_t)size + 1);
  vsnprintf(*text, (size_t)size + 1, format, again);
  va_end(again);
  return size;
}

int __wrap_asprintf(char **text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int size = format_text(text, format, args);
  va_end(args);
  return size;
}

/* What asprintf() is called in a build with _FORTIFY_SOURCE. */
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...) {
  (void)flag;
  va_list args;
  va_start(args, format);
  int size = format_text(text, format, args);
  va_end(args);
  return size;
}

static void drop_memory(struct process *process) {
  for (struct block *block = process->blocks, *next; block; block = next) {
    next = block->next;
    __real_free(block);
  }
  process->blocks = NULL;
}

/* --- life --- */

struct process *process_of(uint32_t slot) {
  must(slot < PROCESSES_MAX);
  return &processes[slot];
}

void process_start(struct process *process, void *(*body)(void *arg), void *arg) {
  must(!process->runs && !process->blocks);
  *process = (struct process){.slot = (uint32_t)(process - processes), .life = ++lives, .runs = true};
  fiber_start(process, body, arg);
}

static void vanish(struct process *process) {
  process->runs = process->frozen = false;
  clients_vanish(process);
  fibers_kill(process);
}

void process_crash(struct process *process) {
  must(process->runs && fiber_process() != process);
  vanish(process);
  drop_memory(process);
}

/* The fiber that runs stands on its own stack, which is no block of the process. */
void process_exit(int exit_code) {
  struct process *process = fiber_process();
  must(process);
  process->ended = true;
  process->exit_code = exit_code;
  vanish(process);
  drop_memory(process);
  fiber_end();
}

void process_freeze(struct process *process, bool frozen) { process->frozen = frozen; }

static void *interrupt(void *arg) {
  struct process *process = arg;
  if (process->interrupt) process->interrupt(process->interrupt_ctx); /* it may have ended meanwhile */
  return NULL;
}

void process_interrupt(struct process *process) {
  if (!process->asked_us) process->asked_us = world.now_us;
  if (process->interrupt) fiber_start(process, interrupt, process);
}

void processes_reset(void) {
  for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
    drop_memory(&processes[i]);
    processes[i] = (struct process){.slot = i};
  }
  lives = 0;
}
