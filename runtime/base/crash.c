/* crash.c: see crash.h. Everything in the handler is safe in a signal handler: atomics, memory of its own stack, write(). It puts the old
 * action back and returns: a fault happens once more and meets that action with the registers as they were; what was sent is sent again. */
#include "base/crash.h"
#include "base/check.h"
#include "base/place.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { STACK_BYTES = 64 << 10, LINE_MAX = 1024, THREAD_NAME_MAX = 16 };

static const struct deadly {
  int number;
  const char *name;
} deadly[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}};
enum { DEADLY = sizeof deadly / sizeof *deadly };

static struct sigaction before[DEADLY];
static _Atomic(struct place *) accused;
static atomic_flag dying = ATOMIC_FLAG_INIT;

void crash_accuse(struct place *place) { atomic_store(&accused, place); }

/* --- the line --- */

struct line {
  char text[LINE_MAX];
  size_t size;
};

static void say(struct line *line, const char *text) {
  size_t size = strlen(text), left = sizeof line->text - 1 - line->size;
  if (size > left) size = left;
  memcpy(line->text + line->size, text, size);
  line->size += size;
}

static void say_number(struct line *line, int64_t number) {
  char digits[24], *at = digits + sizeof digits - 1;
  uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  *at = '\0';
  do {
    *--at = (char)('0' + left % 10);
    left /= 10;
  } while (left);
  if (number < 0) *--at = '-';
  say(line, at);
}

static void say_records(struct line *line, const struct place_view *view) {
  if (view->topic[0]) {
    say(line, " of ");
    say(line, view->topic);
    say(line, "/");
    say_number(line, view->partition);
  }
  if (view->first > view->last) return;
  say(line, view->first == view->last ? ", offset " : ", offsets ");
  say_number(line, view->first);
  if (view->first == view->last) return;
  say(line, " to ");
  say_number(line, view->last);
}

static void say_place(struct line *line, const struct place *place) {
  struct place_view view;
  if (!place || !place_read(place, &view) || view.state != PLACE_CALLING) {
    say(line, "outside of any stage");
    return;
  }
  say(line, view.label);
  say(line, ", ");
  say(line, place_call_name(view.call));
  say(line, "()");
  say_records(line, &view);
  say(line, ", plugin ");
  say(line, view.plugin);
}

static void say_death(const struct deadly *death, const siginfo_t *info, const struct place *place) {
  char name[THREAD_NAME_MAX] = "a thread";
  struct line line = {.size = 0};
  prctl(PR_GET_NAME, name);
  say(&line, "weir: ");
  say(&line, death->name);
  if (!place && info->si_code <= 0 && info->si_pid != getpid()) {
    say(&line, " from process ");
    say_number(&line, info->si_pid);
  } else {
    say(&line, " in thread \"");
    say(&line, name);
    say(&line, "\": ");
    say_place(&line, place);
  }
  say(&line, "\n");
  if (write(STDERR_FILENO, line.text, line.size) < 0) return;
}

/* --- the handler --- */

/* Who is to be blamed. Nobody: another process sent the signal. */
static struct place *guilty(const siginfo_t *info) {
  struct place *place = atomic_load(&accused);
  if (place) return place;
  return info->si_code <= 0 && info->si_pid != getpid() ? NULL : place_here();
}

static void on_death(int number, siginfo_t *info, void *context) {
  (void)context;
  size_t which = 0;
  while (which < DEADLY - 1 && deadly[which].number != number) which++;
  if (atomic_flag_test_and_set(&dying))
    for (;;) pause(); /* another thread is about to end the process */
  struct place *place = guilty(info);
  if (place) place_blame(place, number);
  say_death(&deadly[which], info, place);
  sigaction(number, &before[which], NULL);
  if (info->si_code <= 0) raise(number); /* delivered when this returns */
}

void crash_install(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  action.sa_sigaction = on_death;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < DEADLY; i++) must(sigaction(deadly[i].number, &action, &before[i]) == 0);
}

/* --- stacks --- */

void *crash_stack(void) {
  stack_t old;
  if (sigaltstack(NULL, &old) != 0 || !(old.ss_flags & SS_DISABLE)) return NULL;
  void *memory = malloc(STACK_BYTES);
  const stack_t stack = {.ss_sp = memory, .ss_size = STACK_BYTES};
  if (!memory || sigaltstack(&stack, NULL) == 0) return memory;
  free(memory);
  return NULL;
}

void crash_stack_free(void *stack) {
  if (!stack) return;
  const stack_t none = {.ss_flags = SS_DISABLE};
  must(sigaltstack(&none, NULL) == 0);
  free(stack);
}
