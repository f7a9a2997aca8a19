/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control thread of gw-dataplane (its main thread): answers gwd, adds and
 * removes ports, opens and closes the guest's link. See control.h.
 *
 * Theory of operation. DP_CONFIG comes first and once; it makes the guest port
 * and starts the worker, whose link is closed until DP_STATE says open, a
 * generation is live and heartbeats come. DP_BEAT moves the worker's deadline
 * and is answered when the worker made a loop since: a sleeping one is woken
 * for that, a stuck one is never vouched for. Whatever does not belong here,
 * and the end of either descriptor, closes the link and ends the process: gwd
 * and gw-init start a new one, and nothing passes meanwhile.
 */
#include "dataplane/packet/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "control/msg/log.h"
#include "dataplane/packet/control_priv.h"
#include "dataplane/packet/flow.h"
#include "dataplane/packet/pipeline.h"

#define VHOST_PATH    "/vhost.sock" /* below the confined root */
#define MTU_LEAST     576	    /* RFC 791: what every host takes */
#define MTU_MOST      1500	    /* a frame fits one mbuf */
#define TICK_MS	      100	    /* events are looked for so often */
#define BEAT_TICK_MS  1		    /* while a heartbeat waits */
#define SEND_LIMIT_MS 1000
#define MESSAGES_MAX  32 /* taken at once before events get their turn */

uint64_t control_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int control_send(struct control *c, enum msg_type type, const void *body)
{
	struct pollfd room = {.fd = c->channel, .events = POLLOUT};
	int error = msg_send(c->channel, type, body, NULL, 0);

	if (error != -EAGAIN)
		return error;
	if (poll(&room, 1, SEND_LIMIT_MS) <= 0)
		return -ETIMEDOUT;
	return msg_send(c->channel, type, body, NULL, 0);
}

/* ---- ports ---- */

static int open_guest(struct control *c, const struct msg_dp_config *config)
{
	struct port *port = &worker.port[PORT_GUEST];
	int error;

	snprintf(port->name, sizeof(port->name), "guest");
	port->pool = worker.pool;
	port->is_guest = true;
	memcpy(&port->own_mac, config->gateway_mac, sizeof(port->own_mac));
	memcpy(&port->peer_mac, config->guest_mac, sizeof(port->peer_mac));
	error =
	    port_open_vhost(port, VHOST_PATH, false, config->any_memory != 0);
	if (error) {
		log_error(port->name, "the guest's port can't be opened: %s",
		    strerror(-error));
		return error;
	}
	port->present = true;
	error = pipeline_create(&worker);
	return error ? error : loop_start(&c->loop, &worker, -1);
}

static int configure(struct control *c, const struct msg_dp_config *config)
{
	if (c->configured || config->prefix > 32 || config->mtu < MTU_LEAST ||
	    config->mtu > MTU_MOST || config->beat_limit_ms == 0) {
		log_error(NULL, "a configuration that is not possible");
		return -EPROTO;
	}
	c->configured = true;
	worker.guest_address = config->guest_address;
	worker.gateway_address = config->gateway_address;
	worker.prefix = (uint8_t)config->prefix;
	worker.mtu = (uint16_t)config->mtu;
	worker.beat_limit_ns = config->beat_limit_ms * 1000000ull;
	return open_guest(c, config);
}

static int add_port(struct control *c, struct port *port, struct msg *msg)
{
	const struct msg_dp_port *body = (const void *)msg->body;
	int fd = msg_take_fd(msg, 0), error;

	if (port->present || fd < 0 || body->name[0] == '\0') {
		log_error(body->name, "a port that can't be added");
		if (fd >= 0)
			close(fd);
		return -EPROTO;
	}
	memcpy(port->name, body->name, sizeof(port->name));
	port->pool = worker.pool;
	memcpy(&port->own_mac, body->own_mac, sizeof(port->own_mac));
	memcpy(&port->peer_mac, body->peer_mac, sizeof(port->peer_mac));
	error = port_open_tap(port, fd, worker.mtu);
	if (error) {
		log_error(port->name, "the network's TAP can't be used: %s",
		    strerror(-error));
		return error;
	}
	/* what it held before this process began is not ours to pass on */
	atomic_store(&port->stale, true);
	port->present = true;
	error = pipeline_create(&worker);
	control_bind(c);
	loop_wake(&c->loop);
	return error;
}

static int delete_port(struct control *c, struct port *port)
{
	uint8_t index = port->index;
	int error;

	if (!port->present)
		return 0;
	port->present = false;
	control_bind(c);
	error = pipeline_create(&worker);
	if (!error)
		error = loop_forget_port(&c->loop, index);
	if (error)
		return error;
	port->ops->close(port);
	memset(worker.drops[index], 0, sizeof(worker.drops[index]));
	memset(port, 0, sizeof(*port));
	port->index = index;
	return 0;
}

static int change_port(struct control *c, struct msg *msg)
{
	const struct msg_dp_port *body = (const void *)msg->body;
	struct port *port;

	if (body->network_key >= PORT_MAX - 1 || body->op > PORT_DELETE) {
		log_error(body->name, "a port that can't be");
		return -EPROTO;
	}
	/* One place per network: a flow's port number never changes meaning. */
	port = &worker.port[PORT_GUEST + 1 + body->network_key];
	if (body->op == PORT_ADD)
		return add_port(c, port, msg);
	return delete_port(c, port);
}

/* ---- state and heartbeat ---- */

static int set_state(struct control *c, const struct msg_dp_state *state)
{
	if (state->state > DP_OPEN)
		return -EPROTO;
	atomic_store(&worker.asked_state, state->state);
	loop_wake(&c->loop);
	log_info(NULL,
	    state->state == DP_OPEN ? "link is opened" : "link is closed");
	return 0;
}

static int take_beat(struct control *c, const struct msg_dp_beat *beat)
{
	atomic_store(
	    &worker.beat_deadline_ns, control_now_ns() + worker.beat_limit_ns);
	c->beat_waits = true;
	c->beat_serial = beat->serial;
	c->beat_loops = atomic_load(&worker.loops);
	loop_wake(&c->loop);
	return 0;
}

/* Vouch for the worker if it made a loop since the heartbeat. */
static int answer_beat(struct control *c)
{
	const struct tables *live = atomic_load(&worker.live);
	struct port *guest = &worker.port[PORT_GUEST];
	struct msg_dp_alive alive;

	if (!c->beat_waits || atomic_load(&worker.loops) == c->beat_loops)
		return 0;
	c->beat_waits = false;
	alive = (struct msg_dp_alive) {
	    .serial = c->beat_serial,
	    .generation = live ? live->generation : 0,
	    .link_up = guest->ops->link_up(guest),
	    .hugepages = c->hugepages,
	    .flows = worker.flows->len,
	    .sleeping = atomic_load(&worker.sleeping),
	};
	return control_send(c, MSG_DP_ALIVE, &alive);
}

/* ---- channel ---- */

static int handle(struct control *c, struct msg *msg)
{
	const void *body = msg->body;

	if (!c->configured && msg->type != MSG_DP_CONFIG)
		return -EPROTO;
	switch (msg->type) {
	case MSG_DP_CONFIG:
		return configure(c, body);
	case MSG_DP_PORT:
		return change_port(c, msg);
	case MSG_DP_LOAD:
		return control_load(c, msg);
	case MSG_DP_SWAP:
		return control_swap(c, body);
	case MSG_DP_STATE:
		return set_state(c, body);
	case MSG_DP_BEAT:
		return take_beat(c, body);
	case MSG_DP_GET_STATS:
		return control_send_stats(c, body);
	case MSG_DP_GET_RULES:
		return control_send_rules(c, body);
	case MSG_DP_GET_FLOWS:
		return control_send_flows(c, body);
	}
	return -EPROTO;
}

static int take_messages(struct control *c)
{
	static struct msg msg;

	for (int i = 0; i < MESSAGES_MAX; i++) {
		int error = msg_recv(c->channel, LINK_DP, WAY_DOWN, &msg);

		if (error == -EAGAIN)
			return 0;
		if (error)
			return error;
		error = handle(c, &msg);
		msg_close_fds(&msg);
		if (error == -EPROTO)
			log_error(NULL,
			    "a message that does not belong here: "
			    "%s",
			    msg_name(msg.type));
		if (error)
			return error;
	}
	return 0;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* One wait and what it brings. */
static int turn(struct control *c, int link)
{
	struct epoll_event event[4];
	int len = epoll_wait(
	    c->epoll, event, 4, c->beat_waits ? BEAT_TICK_MS : TICK_MS);
	int error = 0;

	for (int i = 0; i < len && !error; i++) {
		int fd = event[i].data.fd;

		if (fd == link)
			error = -EPIPE; /* gw-init has nothing more to say */
		else if (fd == c->built_fd)
			error = control_built(c);
		else
			error = take_messages(c);
	}
	if (!error)
		error = answer_beat(c);
	return error ? error : control_send_events(c);
}

int control_receive_channel(int link)
{
	static struct msg msg;
	int error = msg_recv(link, LINK_CHILD, WAY_DOWN, &msg);

	return error ? error : msg_take_fd(&msg, 0);
}

static int open_control(struct control *c, int link)
{
	int error;

	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->built_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->epoll < 0 || c->built_fd < 0 ||
	    fcntl(c->channel, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	error = watch(c->epoll, link);
	if (!error)
		error = watch(c->epoll, c->built_fd);
	return error ? error : watch(c->epoll, c->channel);
}

int control_serve(int link, int channel, bool hugepages)
{
	static struct control control;
	int error;

	control = (struct control) {.channel = channel, .hugepages = hugepages};
	error = open_control(&control, link);
	while (!error)
		error = turn(&control, link);
	atomic_store(&worker.asked_state, DP_CLOSED);
	if (error == -EPIPE)
		log_info(NULL, "gwd is gone: the guest's link is closed");
	else
		log_error(NULL, "ends, the guest's link is closed: %s",
		    strerror(-error));
	return error == -EPIPE ? 0 : 1;
}
