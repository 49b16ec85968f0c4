/* answer.h: what a worker says to `weir explain`, and how the asker reads it.
 *
 * Request: "explain text" or "explain json", and TOPIC/PARTITION where only one is asked for. Answer: "weir/1 PID", then a line for each
 * partition, tab-separated: how bad (a number, the worst is highest), lag, topic, partition, and the text or object, its ends of line written as
 * vertical tabs; or "!" and a sentence; then a dot. [admin] */
#ifndef WEIR_HOST_ANSWER_H
#define WEIR_HOST_ANSWER_H
#include <stdio.h>

struct clock;
struct control;

/* Outlives the socket. */
struct answerer {
  struct control *control;
  const struct clock *clock;
  const char *file; /* as the command line has it */
};

/* For admin_socket_open(): `ctx` is a struct answerer. */
void answer_request(void *ctx, const char *request, FILE *out);

#endif
