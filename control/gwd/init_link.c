/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link to gw-init: requests with tokens, and its reports. Called by
 * generation.c, network.c, guest.c and dataplane.c in gwd's loop.
 *
 * Theory of operation. Each request takes a place in a table of REQUEST_MAX;
 * the token is the place and a serial, so that a late or repeated answer meets
 * nobody. gw-init answers every request, in any order. A full table or socket
 * refuses the request, and its object fails. When the link ends or gw-init
 * breaks its rules gwd ends too: without gw-init it can do nothing, and
 * everything it started is gw-init's child.
 */
#include "control/gwd/init_link.h"

#include "control/gwd/generation.h"
#include "control/gwd/guest.h"
#include "control/gwd/gwd.h"
#include "control/msg/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_MAX 128u

static struct {
	int fd;
	struct event *event;
	uint32_t serial;
	uint32_t survivors; /* INIT_CHILD still to come */
	struct {
		uint32_t token; /* 0: free */
		init_link_done *done;
		void *arg;
	} request[REQUEST_MAX];
} init_link = {.fd = -1};

static void answer(struct msg *msg)
{
	const struct msg_init_done *done = (const void *)msg->body;
	size_t i = done->token % REQUEST_MAX;
	init_link_done *call;

	if (!done->token || init_link.request[i].token != done->token) {
		log_warn(NULL, "gw-init answered what was not asked token=%u",
		    done->token);
		return;
	}
	call = init_link.request[i].done;
	init_link.request[i].token = 0;
	call(init_link.request[i].arg, done, msg_take_fd(msg, 0));
}

static void greet(const struct msg_init_hello *hello)
{
	gwd.uid_base = hello->uid_base;
	gwd.kvm = hello->kvm;
	init_link.survivors = hello->children;
	log_info(NULL, "gw-init is there survivors=%u kvm=%u", hello->children,
	    hello->kvm);
	if (!init_link.survivors)
		generation_restore();
}

static void adopt(struct msg *msg)
{
	const struct msg_init_child *child = (const void *)msg->body;

	guest_adopt(child->role, child->slot, msg_take_fd(msg, 0));
	if (init_link.survivors && !--init_link.survivors)
		generation_restore();
}

static void report(const struct msg_init_exited *exited)
{
	if (exited->role == ROLE_RULEC)
		generation_rulec_ended(exited->status);
	else
		guest_part_ended(exited->role, exited->slot, exited->status);
}

static void receive(evutil_socket_t fd, short what, void *unused)
{
	struct msg msg;
	int error = msg_recv(fd, LINK_INIT, WAY_UP, &msg);

	if (error == -EAGAIN || error == -EINTR)
		return;
	if (error) {
		log_error(
		    NULL, "the link to gw-init ended: %s", strerror(-error));
		event_base_loopbreak(gwd.base);
		return;
	}
	switch (msg.type) {
	case MSG_INIT_HELLO:
		greet((const void *)msg.body);
		break;
	case MSG_INIT_CHILD:
		adopt(&msg);
		break;
	case MSG_INIT_EXITED:
		report((const void *)msg.body);
		break;
	case MSG_INIT_DONE:
		answer(&msg);
		break;
	}
	msg_close_fds(&msg);
}

int init_link_open(int fd)
{
	init_link.fd = fd;
	if (evutil_make_socket_nonblocking(fd) < 0)
		return -errno;
	init_link.event =
	    event_new(gwd.base, fd, EV_READ | EV_PERSIST, receive, NULL);
	if (!init_link.event || event_add(init_link.event, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int init_link_ask(enum msg_type type, void *body, const int *fds, size_t fd_len,
    init_link_done *done, void *arg)
{
	uint32_t token = 0;
	size_t i;
	int error;

	for (i = 0; i < REQUEST_MAX && init_link.request[i].token; i++)
		;
	if (i == REQUEST_MAX)
		return -EBUSY;
	while (!token) /* 0 means free: skipped when the serial wraps */
		token = ++init_link.serial * REQUEST_MAX + (uint32_t)i;
	memcpy(body, &token, sizeof(token));
	error = msg_send(init_link.fd, type, body, fds, fd_len);
	if (error)
		return error;
	init_link.request[i].token = token;
	init_link.request[i].done = done;
	init_link.request[i].arg = arg;
	return 0;
}

void init_link_kill(enum msg_role role, uint32_t slot)
{
	struct msg_init_kill body = {.role = role, .slot = slot};
	int error = msg_send(init_link.fd, MSG_INIT_KILL, &body, NULL, 0);

	if (error)
		log_error(NULL,
		    "gw-init could not be told to kill role=%u "
		    "slot=%u: %s",
		    role, slot, strerror(-error));
}

void init_link_ignore(void *unused, const struct msg_init_done *done, int fd)
{
	if (done->error)
		log_warn(NULL, "gw-init: %s", done->text);
	if (fd >= 0)
		close(fd);
}
