/* command.h: the verbs of `weir`, one file each: command_run.c, command_check.c ... Every verb reads its own arguments, writes what
 * was asked for to stdout and everything else to stderr, and returns the exit code of the process (base/error.h).
 *
 * `argv[0]` is the verb, argv[argc] is NULL. [main] SIGPIPE is ignored, the log runs at its defaults (a verb with --log-level calls
 * log_init() again before it starts a thread). A usage error is told with arguments_fail() and ends with EXIT_CONFIGURATION. */
#ifndef WEIR_COMMAND_H
#define WEIR_COMMAND_H

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_broker(int argc, char **argv);
int command_dlq(int argc, char **argv);
int command_offsets(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_plugins(int argc, char **argv);
int command_sandbox(int argc, char **argv);

#endif
