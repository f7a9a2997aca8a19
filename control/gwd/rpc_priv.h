/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections and calls as rpc.c (socket, framing) and call.c (requests,
 * answers) share them.
 */
#pragma once

#include "control/gwd/rpc.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <sys/queue.h>

#define RPC_LINE_MAX   (256u << 10)	  /* bytes of one request */
#define RPC_OUTPUT_MAX ((size_t)32 << 20) /* bytes a client has not read */
#define RPC_UNREAD_MAX ((size_t)1 << 20)  /* of them: no request is served */
#define RPC_CLIENT_MAX 64
#define RPC_OTHER_MAX  16 /* connections of one uid that is not root */
#define RPC_CALL_MAX   16 /* unanswered calls of one connection */
#define RPC_FD_MAX     4  /* descriptors not yet taken by a call */

struct rpc_client {
	TAILQ_ENTRY(rpc_client) link;
	TAILQ_ENTRY(rpc_client) next; /* of those with a line to serve */
	TAILQ_HEAD(, rpc_call) calls; /* unanswered */
	int fd;
	struct event *read, *write;
	struct evbuffer *in, *out;
	uid_t uid;
	unsigned int call_len;
	bool follows;
	bool queued;
	bool ended;   /* it sends no more */
	bool closing; /* nothing more is served: end once all is written */
	int waiting[RPC_FD_MAX]; /* descriptors received, oldest first */
	size_t waiting_len;
};

struct rpc_call {
	TAILQ_ENTRY(rpc_call) link;
	struct rpc_client *client; /* NULL: it has gone */
	json_t *id, *params;
	uid_t uid;
	int fd; /* taken from the client when the call began, or -1 */
	const char *method; /* of the method table */
};

/* One received line, without its newline; not terminated. */
void rpc_request(struct rpc_client *client, const char *line, size_t size);
/* Queue a message and its newline. Returns 0 or -errno; too much unread
 * output is -ENOBUFS: drop the client. */
int rpc_send(struct rpc_client *client, const json_t *message);
/* Wake the writing side, which also ends a closing client. */
void rpc_kick(struct rpc_client *client);
/* The client has gone: its calls no longer have one. */
void rpc_orphan_calls(struct rpc_client *client);
