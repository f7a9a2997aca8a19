/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-runner: verifies a guest's image and stands between gwd and that guest's
 * QEMU, serial line and agent. Started by gw-init, one process a guest; one
 * thread, one event loop.
 *
 * Theory of operation. Descriptor MSG_LINK_FD leads to gw-init: it brings the
 * channel to gwd, and a new one whenever gwd was started again; its end is
 * ours. The guest runs on without a gwd: a channel that ends, or is broken, or
 * is not read, is closed, and the next one is told the state at once. Commands
 * of an older gwd are killed, as nobody could be told of their end. The
 * process opens no file and has no network; all it has came by the links.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/msg/confine.h"
#include "control/msg/log.h"
#include "control/msg/msg.h"
#include "guest-runner/guest.h"

struct runner {
	struct event_base *base;
	struct guest *guest;
	int channel; /* to gwd; -1: none */
	struct event *init_event, *channel_event;
	char object[16];
	struct msg msg; /* the one being handled */
};

static void close_channel(struct runner *r, const char *why)
{
	if (r->channel < 0)
		return;
	log_warn(r->object, "channel to gwd closed: %s", why);
	event_free(r->channel_event);
	r->channel_event = NULL;
	close(r->channel);
	r->channel = -1;
	guest_abandon(r->guest);
}

static void answer(struct runner *r, enum msg_type type, const void *body,
    const int *fds, size_t fd_len)
{
	int error;

	if (r->channel < 0)
		return;
	error = msg_send(r->channel, type, body, fds, fd_len);
	if (error != 0)
		close_channel(r, strerror(-error));
}

static void on_state(void *arg, const struct msg_run_state *state)
{
	answer(arg, MSG_RUN_STATE, state, NULL, 0);
}

static void on_exec_done(void *arg, const struct msg_run_exec_done *done)
{
	answer(arg, MSG_RUN_EXEC_DONE, done, NULL, 0);
}

static const struct guest_calls guest_calls = {on_state, on_exec_done};

static void prepare(struct runner *r)
{
	struct msg_run_prepared prepared;
	int out[GUEST_OUT_MAX];

	guest_prepare(r->guest, (const struct msg_run_image *)r->msg.body,
	    r->msg.fd, &prepared, out);
	answer(r, MSG_RUN_PREPARED, &prepared, out,
	    prepared.error == 0 ? GUEST_OUT_MAX : 0);
	for (int i = 0; i < GUEST_OUT_MAX && prepared.error == 0; i++)
		close(out[i]);
}

static void obey(struct runner *r)
{
	struct msg *m = &r->msg;

	switch (m->type) {
	case MSG_RUN_IMAGE:
		prepare(r);
		break;
	case MSG_RUN_STARTED:
		guest_start(r->guest);
		break;
	case MSG_RUN_EXEC:
		guest_exec(r->guest, (const struct msg_run_exec *)m->body,
		    msg_take_fd(m, 0));
		break;
	case MSG_RUN_CONSOLE:
		guest_join_console(r->guest, msg_take_fd(m, 0));
		break;
	case MSG_RUN_STOP:
		guest_stop(
		    r->guest, ((const struct msg_run_stop *)m->body)->grace_ms);
		break;
	}
	msg_close_fds(m);
}

static void channel_readable(evutil_socket_t fd, short what, void *arg)
{
	struct runner *r = arg;
	int error = msg_recv(fd, LINK_RUN, WAY_DOWN, &r->msg);

	if (error == 0)
		obey(r);
	else if (error != -EAGAIN && error != -EINTR)
		close_channel(r, strerror(-error));
}

static void take_channel(struct runner *r, int fd, uint32_t slot)
{
	struct msg_run_state state;

	close_channel(r, "gwd was started again");
	snprintf(r->object, sizeof(r->object), "slot-%u", slot);
	r->channel = fd;
	evutil_make_socket_nonblocking(fd);
	r->channel_event =
	    event_new(r->base, fd, EV_READ | EV_PERSIST, channel_readable, r);
	if (r->channel_event == NULL || event_add(r->channel_event, NULL) != 0)
		die("no memory for the channel to gwd");
	if (guest_get_state(r->guest, &state))
		on_state(r, &state);
}

static void init_readable(evutil_socket_t fd, short what, void *arg)
{
	struct runner *r = arg;
	int error = msg_recv(fd, LINK_CHILD, WAY_DOWN, &r->msg);

	if (error == -EAGAIN || error == -EINTR)
		return;
	if (error != 0) {
		log_info(r->object, "gw-init has gone: ending");
		event_base_loopbreak(r->base);
		return;
	}
	if (r->msg.type == MSG_CHILD_CHANNEL) {
		const struct msg_child_channel *c =
		    (const struct msg_child_channel *)r->msg.body;

		take_channel(r, msg_take_fd(&r->msg, 0), c->slot);
	}
	msg_close_fds(&r->msg);
}

static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		return NULL;
	event_config_set_flag(
	    config, EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

int main(void)
{
	static struct runner runner = {.channel = -1};
	struct runner *r = &runner;
	int error;

	log_open("gw-runner");
	signal(SIGPIPE, SIG_IGN);
	r->base = make_base();
	if (r->base == NULL)
		die("cannot make an event loop");
	r->guest = guest_create(r->base, r->object, &guest_calls, r);
	evutil_make_socket_nonblocking(MSG_LINK_FD);
	r->init_event = event_new(
	    r->base, MSG_LINK_FD, EV_READ | EV_PERSIST, init_readable, r);
	if (r->guest == NULL || r->init_event == NULL ||
	    event_add(r->init_event, NULL) != 0)
		die("descriptor %d is no link to gw-init: gw-runner is "
		    "started by gw-init only",
		    MSG_LINK_FD);
	error = confine_self(NULL);
	if (error != 0)
		die("cannot confine itself: %s", strerror(-error));
	event_base_dispatch(r->base);
	return EXIT_SUCCESS;
}
