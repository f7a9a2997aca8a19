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
 *
 * Heartbeats share the loop, so no client may hold it. Lines are served for
 * SERVE_NS in each turn of the loop, the clients taking turns; a client with
 * lines that wait is not read, and one with RPC_UNREAD_MAX bytes of answers
 * unread is not served. Only root's methods want descriptors: another user who
 * sends one is dropped, and all that such users had open is closed elsewhere
 * (discard.c), since closing it may wait. While DISCARD_MAX wait for that no
 * connection is taken.
 */
#include "control/gwd/rpc_priv.h"

#include "control/gwd/discard.h"
#include "control/gwd/gwd.h"
#include "control/msg/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SERVE_NS       1000000 /* in one turn of the loop */
#define DISCARD_MAX    256
#define LISTEN_PAUSE_S 1

static TAILQ_HEAD(, rpc_client) clients = TAILQ_HEAD_INITIALIZER(clients);
static TAILQ_HEAD(, rpc_client) queue = TAILQ_HEAD_INITIALIZER(queue);
static struct event *listener, *listen_again, *turn;

static void close_of(uid_t uid, int fd)
{
	if (uid == 0)
		close(fd);
	else
		discard(fd);
}

static void drop(struct rpc_client *client)
{
	TAILQ_REMOVE(&clients, client, link);
	if (client->queued)
		TAILQ_REMOVE(&queue, client, next);
	rpc_orphan_calls(client);
	for (size_t i = 0; i < client->waiting_len; i++)
		close_of(client->uid, client->waiting[i]);
	if (client->read)
		event_free(client->read);
	if (client->write)
		event_free(client->write);
	if (client->in)
		evbuffer_free(client->in);
	if (client->out)
		evbuffer_free(client->out);
	close_of(client->uid, client->fd);
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
				close_of(client->uid, fd);
				error = -EMSGSIZE;
			} else {
				client->waiting[client->waiting_len++] = fd;
			}
		}
	}
	if (client->uid != 0 && client->waiting_len)
		error = -EPERM;
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

/* Bytes of the first whole line, without its newline; -1: there is none. */
static ssize_t first_line(const struct rpc_client *client)
{
	return evbuffer_search(client->in, "\n", 1, NULL).pos;
}

/* What a client may do next: have a line served, be read, or end. Returns
 * false when it broke the framing and is to be dropped. */
static bool go_on(struct rpc_client *client)
{
	static const struct timeval now;
	ssize_t size = first_line(client);

	if (size > RPC_LINE_MAX ||
	    (size < 0 && evbuffer_get_length(client->in) > RPC_LINE_MAX)) {
		log_warn("rpc", "a request is too long uid=%u", client->uid);
		return false;
	}
	if (client->closing || client->queued)
		return true;
	if (size < 0 && client->ended) {
		client->closing = true;
		rpc_kick(client);
	} else if (size < 0) {
		event_add(client->read, NULL);
	} else {
		event_del(client->read);
		/* else writable() comes back here */
		if (evbuffer_get_length(client->out) < RPC_UNREAD_MAX) {
			client->queued = true;
			TAILQ_INSERT_TAIL(&queue, client, next);
			event_add(turn, &now);
		}
	}
	return true;
}

/* One line of the first client, who then goes to the end of the queue. */
static void serve_one(void)
{
	struct rpc_client *client = TAILQ_FIRST(&queue);
	ssize_t size;

	TAILQ_REMOVE(&queue, client, next);
	client->queued = false;
	size = client->closing ? -1 : first_line(client);
	if (size >= 0) {
		rpc_request(client,
		    (const char *)evbuffer_pullup(client->in, size + 1), size);
		evbuffer_drain(client->in, size + 1);
	}
	if (!go_on(client))
		drop(client);
}

/* The timer is due at once, so it fires in each turn of the loop. */
static void serve_some(evutil_socket_t fd, short what, void *unused)
{
	static const struct timeval now;
	uint64_t end = gwd_now_ns() + SERVE_NS;

	do {
		if (!TAILQ_EMPTY(&queue))
			serve_one();
	} while (!TAILQ_EMPTY(&queue) && gwd_now_ns() < end);
	if (!TAILQ_EMPTY(&queue))
		event_add(turn, &now);
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_client *client = arg;
	ssize_t size = fill(client);

	if (size == -EAGAIN || size == -EINTR)
		return;
	if (size == 0) { /* half-closed: answers may still be awaited */
		client->ended = true;
		event_del(client->read);
	}
	if (size < 0 || !go_on(client))
		drop(client);
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
	if (evbuffer_get_length(client->out))
		event_add(client->write, NULL);
	else if (client->closing && !client->call_len) {
		drop(client);
		return;
	}
	if (!go_on(client))
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
		if (client->follows &&
		    evbuffer_get_length(client->out) < RPC_UNREAD_MAX)
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

static void resume(evutil_socket_t fd, short what, void *unused)
{
	event_add(listener, NULL);
}

/* Connections wait in the listener's queue. */
static void take_a_break(const char *why)
{
	static const struct timeval pause = {.tv_sec = LISTEN_PAUSE_S};

	log_warn(
	    "rpc", "no connection is taken for %d s: %s", LISTEN_PAUSE_S, why);
	event_del(listener);
	event_add(listen_again, &pause);
}

static void accept_one(evutil_socket_t listen_fd, short what, void *unused)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int fd;

	if (discard_waiting() >= DISCARD_MAX) {
		take_a_break("what other users sent can't be closed");
		return;
	}
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			take_a_break(strerror(errno));
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    !has_room(peer.uid)) {
		discard(fd);
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
	listen_again = evtimer_new(gwd.base, resume, NULL);
	turn = evtimer_new(gwd.base, serve_some, NULL);
	if (!listener || !listen_again || !turn ||
	    event_add(listener, NULL) < 0)
		return -ENOMEM;
	return 0;
}
