/* child.c: see child.h. Between fork and exec only what is async-signal-safe is called: other threads may hold any lock. */
#include "sandbox/child.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/check.h"

struct pipes {
  int out[2], err[2];
};

static void close_pair(int pair[2]) {
  close(pair[0]);
  close(pair[1]);
}

static bool open_pipes(struct pipes *pipes, struct error *err) {
  if (pipe2(pipes->out, O_CLOEXEC) != 0) return error_errno(err, "no pipe for a child process");
  if (pipe2(pipes->err, O_CLOEXEC) == 0) return true;
  close_pair(pipes->out);
  return error_errno(err, "no pipe for a child process");
}

/* In the child. */
static void settle_in(const struct pipes *pipes, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  setpgid(0, 0);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_RUN_FAILED); /* it died before the line above */
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  dup2(pipes->out[1], STDOUT_FILENO);
  dup2(pipes->err[1], STDERR_FILENO);
}

static bool keep(struct child *child, pid_t pid, const struct pipes *pipes, struct error *err) {
  close(pipes->out[1]);
  close(pipes->err[1]);
  if (pid < 0) {
    close(pipes->out[0]);
    close(pipes->err[0]);
    return error_errno(err, "no child process can be started");
  }
  setpgid(pid, pid); /* whoever comes first */
  *child = (struct child){.pid = pid, .out = pipes->out[0], .err = pipes->err[0]};
  must(fcntl(child->out, F_SETFL, O_NONBLOCK) == 0 && fcntl(child->err, F_SETFL, O_NONBLOCK) == 0);
  return true;
}

bool child_run(struct child *child, const char *const *argv, const char *const *environment, struct error *err) {
  struct pipes pipes;
  if (!open_pipes(&pipes, err)) return false;
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    settle_in(&pipes, parent);
    execve("/proc/self/exe", (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
    _exit(EXIT_RUN_FAILED);
  }
  return keep(child, pid, &pipes, err);
}

bool child_fork(struct child *child, int (*body)(void *ctx), void *ctx, struct error *err) {
  struct pipes pipes;
  if (!open_pipes(&pipes, err)) return false;
  fflush(NULL);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    settle_in(&pipes, parent);
    close_pair(pipes.out);
    close_pair(pipes.err);
    int status = body(ctx);
    fflush(NULL);
    _exit(status);
  }
  return keep(child, pid, &pipes, err);
}

void child_signal(const struct child *child, int number) {
  if (child->pid > 0) kill(child->pid, number);
}

bool child_ended(struct child *child) {
  if (child->pid == 0) return true;
  if (waitpid(child->pid, &child->status, WNOHANG) != child->pid) return false;
  child->pid = 0;
  return true;
}

void child_end(struct child *child) {
  if (child->pid > 0) {
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR) continue;
    child->pid = 0;
  }
  if (child->out >= 0) close(child->out);
  if (child->err >= 0) close(child->err);
  child->out = child->err = -1;
}

static void give_lines(struct child_lines *lines, void (*line)(void *ctx, const char *text), void *ctx) {
  char *from = lines->bytes, *end = lines->bytes + lines->size, *newline;
  while ((newline = memchr(from, '\n', (size_t)(end - from)))) {
    *newline = 0;
    line(ctx, from);
    from = newline + 1;
  }
  lines->size = (size_t)(end - from);
  memmove(lines->bytes, from, lines->size);
}

static void give_rest(struct child_lines *lines, void (*line)(void *ctx, const char *text), void *ctx) {
  if (lines->size == 0) return;
  lines->bytes[lines->size] = 0;
  line(ctx, lines->bytes);
  lines->size = 0;
}

bool child_read_lines(
    int *descriptor, struct child_lines *lines, void (*line)(void *ctx, const char *text), void *ctx) {
  while (*descriptor >= 0) {
    ssize_t got = read(*descriptor, lines->bytes + lines->size, LINE_BYTES - 1 - lines->size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (got <= 0) {
      give_rest(lines, line, ctx);
      close(*descriptor);
      *descriptor = -1;
      return false;
    }
    lines->size += (size_t)got;
    give_lines(lines, line, ctx);
    if (lines->size == LINE_BYTES - 1) give_rest(lines, line, ctx);
  }
  return false;
}
