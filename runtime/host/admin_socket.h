/* admin_socket.h: a unix socket through which a running worker is asked: one line of request, an answer, the end. A thread of its own
 * serves one client after the other, each with short limits, and does nothing that a lane or the control thread waits for. */
#ifndef WEIR_HOST_ADMIN_SOCKET_H
#define WEIR_HOST_ADMIN_SOCKET_H
#include <stdbool.h>
#include <stdio.h>
#include "base/error.h"

struct admin_socket;

enum { ADMIN_REQUEST_MAX = 512 };

/* [main] Opens the socket of this process for the pipeline file, with mode 0600, takes those of dead workers away, and starts the thread.
 * `answer`: [admin], writes what is sent; it is called with the line without its end. Clients are the same user or root. NULL: err. */
struct admin_socket *admin_socket_open(
    const char *file, void (*answer)(void *ctx, const char *request, FILE *out), void *ctx, struct error *err);
/* [main] Ends the thread and takes the socket away. NULL is fine. */
void admin_socket_close(struct admin_socket *admin_socket);

/* [main] Sends the request to the socket at `path`, copies what comes to `out`, waiting up to `timeout_ms` for each piece. False: err has
 * the sentence; code ECONNREFUSED: nobody listens there any more (it was taken away). */
bool admin_socket_ask(const char *path, const char *request, int timeout_ms, FILE *out, struct error *err);

#endif
