/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwctl's socket: connections, newline framing, descriptors. Called by main.c
 * and the loop; hands each line to call.c.
 *
 * Theory of operation. A request is one line of JSON of at most RPC_LINE_MAX
 * bytes; large things (a policy bundle) and streams (output of a command, the
 * console) come as descriptors by SCM_RIGHTS with the line that needs them. A
 * client that sends too long a line, too many descriptors, or does not read
 * RPC_OUTPUT_MAX bytes of answers is dropped. Connections are bounded, those
 * of one user other than root further, so that users can't keep root out:
 * root alone may take the last quarter.
 */
#include "control/gwd/rpc_priv.h"

#include "control/gwd/gwd.h"
#include "control/msg/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static TAILQ_HEAD(, rpc_client) clients = TAILQ_HEAD_INITIALIZER(clients);
static struct event *listener;

static void drop(struct rpc_client *client)
{
	TAILQ_REMOVE(&clients, client, link);
	rpc_orphan_calls(client);
	for (size_t i = 0; i < client->waiting_len; i++)
		close(client->waiting[i]);
	if (client->read)
		event_free(client->read);
	if (client->write)
		event_free(client->write);
	if (client->in)
		evbuffer_free(client->in);
	if (client->out)
		evbuffer_free(client->out);
	close(client->fd);
	free(client);
}

static int keep_fds(struct rpc_client *client, struct msghdr *msg)
{
	int error = msg->msg_flags & MSG_CTRUNC ? -EMSGSIZE : 0;
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t len = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < len; i++) {
			int fd;

			memcpy(
			    &fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (client->waiting_len == RPC_FD_MAX) {
				close(fd);
				error = -EMSGSIZE;
			} else {
				client->waiting[client->waiting_len++] = fd;
			}
		}
	}
	return error;
}

/* Returns bytes read, 0 at the end, -errno. */
static ssize_t fill(struct rpc_client *client)
{
	static char bytes[64 << 10];
	_Alignas(
	    struct cmsghdr) char control[CMSG_SPACE(RPC_FD_MAX * sizeof(int))];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct msghdr msg = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(client->fd, &msg, MSG_CMSG_CLOEXEC);
	int error;

	if (size < 0)
		return -errno;
	error = keep_fds(client, &msg);
	if (error)
		return error;
	if (evbuffer_add(client->in, bytes, size) < 0)
		return -ENOMEM;
	return size;
}

static void hand_out_lines(struct rpc_client *client)
{
	struct evbuffer_ptr end;

	while (!client->closing) {
		size_t size;

		end = evbuffer_search(client->in, "\n", 1, NULL);
		if (end.pos < 0)
			break;
		size = end.pos;
		if (size > RPC_LINE_MAX)
			break;
		rpc_request(client,
		    (const char *)evbuffer_pullup(client->in, size + 1), size);
		evbuffer_drain(client->in, size + 1);
	}
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_client *client = arg;
	ssize_t size = fill(client);

	if (size == -EAGAIN || size == -EINTR)
		return;
	if (size < 0) {
		drop(client);
		return;
	}
	if (size == 0) { /* half-closed: answers may still be awaited */
		client->closing = true;
		event_del(client->read);
		rpc_kick(client);
		return;
	}
	hand_out_lines(client);
	if (evbuffer_get_length(client->in) > RPC_LINE_MAX) {
		log_warn("rpc", "a request is too long uid=%u", client->uid);
		drop(client);
	}
}

static void writable(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_client *client = arg;
	int size = 0;

	if (evbuffer_get_length(client->out))
		size = evbuffer_write(client->out, fd);
	if (size < 0 && errno != EAGAIN && errno != EINTR) {
		drop(client);
		return;
	}
	if (evbuffer_get_length(client->out)) {
		event_add(client->write, NULL);
		return;
	}
	if (client->closing && !client->call_len)
		drop(client);
}

void rpc_kick(struct rpc_client *client)
{
	event_add(client->write, NULL);
}

int rpc_send(struct rpc_client *client, const json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);

	if (!text)
		return -ENOMEM;
	if (evbuffer_get_length(client->out) + strlen(text) > RPC_OUTPUT_MAX) {
		free(text);
		/* Its calls still hold it: the loop drops it. */
		client->closing = true;
		shutdown(client->fd, SHUT_RDWR);
		rpc_kick(client);
		return -ENOBUFS;
	}
	evbuffer_add(client->out, text, strlen(text));
	evbuffer_add(client->out, "\n", 1);
	free(text);
	rpc_kick(client);
	return 0;
}

void rpc_publish(const char *method, json_t *params)
{
	json_t *message = json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0",
	    "method", method, "params", params);
	struct rpc_client *client;

	if (!message)
		return;
	TAILQ_FOREACH (client, &clients, link) {
		if (client->follows)
			rpc_send(client, message);
	}
	json_decref(message);
}

static bool has_room(uid_t uid)
{
	unsigned int all = 0, same = 0;
	struct rpc_client *client;

	TAILQ_FOREACH (client, &clients, link) {
		all++;
		same += client->uid == uid;
	}
	if (uid == 0)
		return all < RPC_CLIENT_MAX;
	return all < RPC_CLIENT_MAX * 3 / 4 && same < RPC_OTHER_MAX;
}

static int admit(int fd, uid_t uid)
{
	struct rpc_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->fd = fd;
	client->uid = uid;
	TAILQ_INIT(&client->calls);
	TAILQ_INSERT_TAIL(&clients, client, link);
	client->in = evbuffer_new();
	client->out = evbuffer_new();
	client->read =
	    event_new(gwd.base, fd, EV_READ | EV_PERSIST, readable, client);
	client->write = event_new(gwd.base, fd, EV_WRITE, writable, client);
	if (!client->in || !client->out || !client->read || !client->write ||
	    event_add(client->read, NULL) < 0) {
		drop(client);
		return -ENOMEM;
	}
	return 0;
}

static void accept_one(evutil_socket_t listen_fd, short what, void *unused)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    !has_room(peer.uid)) {
		close(fd);
		return;
	}
	if (admit(fd, peer.uid) < 0)
		log_error("rpc", "no memory for a connection");
}

int rpc_listen(int fd)
{
	if (evutil_make_socket_nonblocking(fd) < 0)
		return -errno;
	listener =
	    event_new(gwd.base, fd, EV_READ | EV_PERSIST, accept_one, NULL);
	if (!listener || event_add(listener, NULL) < 0)
		return -ENOMEM;
	return 0;
}
