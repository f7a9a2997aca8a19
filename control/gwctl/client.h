/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwctl's end of the JSON-RPC socket.
 */
#pragma once

#include "control/gwctl/gwctl.h"

#define CLIENT_SHORT_MS	  15000	 /* gwd answers at once */
#define CLIENT_LONG_MS	  300000 /* a guest boots, a policy compiles */
#define CLIENT_FOREVER_MS (-1)

struct client;

/* Connect. NULL after an error message; *code is then the exit code. */
struct client *client_open(const struct invocation *invocation, int *code);
void client_close(struct client *client);

/* Send a request; params: taken; fd: borrowed, -1 none. Returns 0 or an exit
 * code after an error message. */
int client_send(
    struct client *client, const char *method, json_t *params, int fd);
/* Wait for a message: a new reference, or NULL after an error message. */
json_t *client_receive(struct client *client, int limit_ms);
/* The socket, for poll(); and whether a message waits already. */
int client_fd(const struct client *client);
bool client_has_line(const struct client *client);

/*
 * The result of an answer: borrowed. NULL when it is an error: *code is its
 * exit code; it was printed. report: also prints diagnostics.
 */
json_t *client_result(json_t *message, int *code);

/* All of it: connect, ask, wait, close. The result is a new reference; NULL
 * after an error message. */
json_t *client_ask(const struct invocation *invocation, const char *method,
    json_t *params, int fd, int limit_ms, int *code);
