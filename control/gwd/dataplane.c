/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest's gw-dataplane. Called by guest.c (start, stop), load.c (through
 * guest.c), network.c (ports), query.c (questions) and main.c (the tick), in
 * gwd's loop.
 *
 * Theory of operation. A new process gets, in this order, DP_CONFIG, a DP_PORT
 * for each TAP, and DP_LOAD of the live generation; it answers when EAL is up.
 * DP_READY is followed by DP_SWAP, DP_LIVE by DP_STATE open: only then is
 * anything carried. If the live generation changed meanwhile, the newer one is
 * loaded first. When it ends while wanted, a new one is started at once; when
 * it ends again and again, with growing pauses up to a second.
 *
 * Heartbeats: a DP_BEAT every BEAT_MS; the oldest unanswered one may be
 * BEAT_LIMIT_MS old, then the process is killed. While it starts or builds the
 * look-ups of a generation it may be silent for START_LIMIT_S: it is closed
 * then, or shut by its own beat limit, so this costs no safety. When gwd itself
 * was not running for long the beats in flight are forgiven, not counted.
 */
#include "control/gwd/dataplane.h"

#include "control/gwd/events.h"
#include "control/gwd/guest.h"
#include "control/gwd/gwd.h"
#include "control/gwd/init_link.h"
#include "control/gwd/query.h"
#include "control/msg/log.h"
#include "rules/image/address.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS		 1000000ull
#define S		 1000000000ull
#define BEAT_LIMIT_MS	 1000
#define START_LIMIT_S	 60
#define LONG_LIFE_S	 10
#define RESTART_PAUSE_MS 1000 /* at most */

static const char *const state_text[] = {
    [DATAPLANE_NONE] = "none",
    [DATAPLANE_ASKED] = "starting",
    [DATAPLANE_STARTING] = "starting",
    [DATAPLANE_LIVE] = "live",
    [DATAPLANE_DYING] = "ending",
};
_Static_assert(
    sizeof(state_text) / sizeof(state_text[0]) == DATAPLANE_STATE_MAX,
    "states");

const char *dataplane_state_name(enum dataplane_state state)
{
	return state_text[state];
}

static void hang_up(struct dataplane *dp)
{
	if (dp->event)
		event_free(dp->event);
	dp->event = NULL;
	if (dp->fd >= 0)
		close(dp->fd);
	dp->fd = -1;
}

void dataplane_kill(struct guest *guest, const char *why)
{
	struct dataplane *dp = &guest->dp;

	if (dp->state == DATAPLANE_NONE || dp->state == DATAPLANE_ASKED ||
	    dp->state == DATAPLANE_DYING)
		return;
	log_line(dp->wanted ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, guest->name,
	    "dataplane is killed: %s", why);
	hang_up(dp);
	dp->state = DATAPLANE_DYING;
	init_link_kill(ROLE_DATAPLANE, guest->slot);
}

/* Send, or kill it: a dataplane that does not read is as good as frozen. */
static bool say(struct guest *guest, enum msg_type type, const void *body,
    const int *fds, size_t fd_len)
{
	int error;

	if (guest->dp.fd < 0)
		return false;
	error = msg_send(guest->dp.fd, type, body, fds, fd_len);
	if (!error)
		return true;
	if (error != -EPIPE && error != -ECONNRESET) /* its end is reported */
		dataplane_kill(guest, "it does not read its messages");
	return false;
}

int dataplane_ask(struct guest *guest, enum msg_type type, const void *body)
{
	return say(guest, type, body, NULL, 0) ? 0 : -ENOTCONN;
}

void dataplane_add_port(struct guest *guest, uint32_t key)
{
	struct msg_dp_port body = {.op = PORT_ADD, .network_key = key};

	address_make_mac(body.own_mac, MAC_KIND_FAR, guest->slot);
	address_make_mac(body.peer_mac, MAC_KIND_NETWORK + key, guest->slot);
	snprintf(body.name, sizeof(body.name), "%s", network_name(key));
	say(guest, MSG_DP_PORT, &body, &guest->tap[key].fd, 1);
}

void dataplane_delete_port(struct guest *guest, uint32_t key)
{
	struct msg_dp_port body = {.op = PORT_DELETE, .network_key = key};

	snprintf(body.name, sizeof(body.name), "%s", network_name(key));
	say(guest, MSG_DP_PORT, &body, NULL, 0);
}

bool dataplane_load(struct guest *guest, const struct generation *generation)
{
	const int fds[] = {generation->image_fd, generation->country_fd};
	struct msg_dp_load body = {
	    .generation = generation->serial,
	    .guest = policy_image_find_guest(&generation->image, guest->name),
	};

	if (body.guest == POLICY_NONE)
		return false;
	if (!say(guest, MSG_DP_LOAD, &body, fds,
		generation->country_fd < 0 ? 1 : 2))
		return false;
	guest->dp.loading = generation->serial;
	return true;
}

bool dataplane_swap(struct guest *guest, uint64_t serial)
{
	struct msg_dp_swap body = {.generation = serial};

	return say(guest, MSG_DP_SWAP, &body, NULL, 0);
}

static void set_open(struct guest *guest, enum msg_dp_state_value value)
{
	struct msg_dp_state body = {.state = value};

	say(guest, MSG_DP_STATE, &body, NULL, 0);
}

static void answer_load(struct guest *guest, const char *refusal)
{
	if (!guest->dp.awaited)
		return;
	guest->dp.awaited = false;
	generation_dataplane_answered(guest, refusal);
}

static void take_ready(struct guest *guest, const struct msg_dp_ready *ready)
{
	struct dataplane *dp = &guest->dp;

	if (!dp->loading || ready->generation != dp->loading)
		return; /* a load that was given up, or never asked for */
	if (dp->awaited) {
		answer_load(guest, ready->error ? ready->text : NULL);
	} else if (ready->error) {
		guest_broken(guest, "its dataplane can't load the policy: %s",
		    ready->text);
	} else if (generation_live() &&
		   ready->generation == generation_live()->serial) {
		dataplane_swap(guest, ready->generation);
	} else if (generation_live()) {
		dataplane_load(guest, generation_live());
	}
}

static void take_live(struct guest *guest, const struct msg_dp_live *live)
{
	struct dataplane *dp = &guest->dp;

	/* Unasked ones would have each answered by a load. */
	if (!dp->loading || live->generation != dp->loading)
		return;
	dp->live = live->generation;
	dp->loading = 0;
	if (!generation_live())
		return;
	if (live->generation != generation_live()->serial) {
		dataplane_load(guest, generation_live());
		return;
	}
	if (dp->state == DATAPLANE_STARTING) {
		dp->state = DATAPLANE_LIVE;
		log_info(guest->name,
		    "dataplane is live pid=%u "
		    "generation=%" PRIu64,
		    dp->pid, dp->live);
		set_open(guest, DP_OPEN);
		guest_part_ready(guest);
	}
	answer_load(guest, NULL);
}

static void take_alive(struct guest *guest, const struct msg_dp_alive *alive)
{
	struct dataplane *dp = &guest->dp;

	dp->alive = *alive;
	dp->answered = alive->serial;
	dp->unanswered_ns = alive->serial >= dp->beat ? 0 : gwd_now_ns();
}

static void handle(struct guest *guest, const struct msg *msg)
{
	const void *body = msg->body;

	switch (msg->type) {
	case MSG_DP_READY:
		take_ready(guest, body);
		break;
	case MSG_DP_LIVE:
		take_live(guest, body);
		break;
	case MSG_DP_ALIVE:
		take_alive(guest, body);
		break;
	case MSG_DP_EVENT:
		events_add(guest, body);
		break;
	case MSG_DP_STATS:
		query_take_stats(guest, body);
		break;
	case MSG_DP_RULES:
		query_take_rules(guest, body);
		break;
	case MSG_DP_FLOWS:
		query_take_flows(guest, body);
		break;
	}
}

static void receive(evutil_socket_t fd, short what, void *arg)
{
	struct guest *guest = arg;
	struct msg msg;

	/* Bounded, so that one dataplane can't hold the loop. */
	for (int i = 0; i < 32 && guest->dp.fd == fd; i++) {
		int error = msg_recv(fd, LINK_DP, WAY_UP, &msg);

		if (error == -EAGAIN || error == -EINTR)
			return;
		if (error == -EPIPE || error == -ECONNRESET) {
			hang_up(&guest->dp);
			return; /* INIT_EXITED follows */
		}
		if (error) {
			dataplane_kill(guest, "it sent a malformed message");
			return;
		}
		handle(guest, &msg);
		msg_close_fds(&msg);
	}
}

static void configure(struct guest *guest)
{
	struct msg_dp_config body = {
	    .slot = guest->slot,
	    .guest_address = address_of_guest(guest->slot),
	    .gateway_address = address_of_gateway(guest->slot),
	    .prefix = ADDRESS_LINK_PREFIX,
	    .mtu = GWD_MTU,
	    .beat_limit_ms = BEAT_LIMIT_MS,
	};

	memcpy(body.guest_mac, guest->mac, sizeof(body.guest_mac));
	address_make_mac(body.gateway_mac, MAC_KIND_GATEWAY, guest->slot);
	say(guest, MSG_DP_CONFIG, &body, NULL, 0);
	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++) {
		if (guest->tap[key].state == TAP_READY)
			dataplane_add_port(guest, key);
	}
	if (generation_live())
		dataplane_load(guest, generation_live());
}

static void spawned(void *arg, const struct msg_init_done *done, int fd)
{
	struct guest *guest = arg;
	struct dataplane *dp = &guest->dp;

	if (done->error || fd < 0) {
		dp->state = DATAPLANE_NONE;
		if (fd >= 0)
			close(fd);
		guest_broken(
		    guest, "its dataplane can't be started: %s", done->text);
		return;
	}
	dp->fd = fd;
	dp->pid = done->pid;
	dp->state = DATAPLANE_STARTING;
	evutil_make_socket_nonblocking(fd);
	dp->event =
	    event_new(gwd.base, fd, EV_READ | EV_PERSIST, receive, guest);
	if (!dp->event || event_add(dp->event, NULL) < 0 || !dp->wanted) {
		dataplane_kill(guest, "it is no longer wanted");
		return;
	}
	configure(guest);
}

static void spawn(struct guest *guest)
{
	struct msg_init_spawn body = {
	    .role = ROLE_DATAPLANE,
	    .slot = guest->slot,
	};
	struct dataplane *dp = &guest->dp;
	int error;

	dp->live = 0;
	dp->loading = 0;
	dp->beat = 0;
	dp->answered = 0;
	dp->unanswered_ns = 0;
	dp->spawned_ns = gwd_now_ns();
	memset(&dp->alive, 0, sizeof(dp->alive));
	dp->state = DATAPLANE_ASKED;
	error = init_link_ask(MSG_INIT_SPAWN, &body, NULL, 0, spawned, guest);
	if (error) {
		dp->state = DATAPLANE_NONE;
		guest_broken(guest, "its dataplane can't be started: %s",
		    strerror(-error));
	}
}

static void spawn_again(evutil_socket_t fd, short what, void *arg)
{
	struct guest *guest = arg;

	if (guest->dp.wanted && guest->dp.state == DATAPLANE_NONE)
		spawn(guest);
}

void dataplane_start(struct guest *guest)
{
	struct dataplane *dp = &guest->dp;

	dp->wanted = true;
	dp->restarts = 0;
	dp->in_a_row = 0;
	if (dp->state == DATAPLANE_NONE)
		spawn(guest);
}

void dataplane_stop(struct guest *guest)
{
	struct dataplane *dp = &guest->dp;

	dp->wanted = false;
	set_open(guest, DP_CLOSED);
	dataplane_kill(guest, "its guest is stopped");
}

static void plan_restart(struct guest *guest)
{
	struct dataplane *dp = &guest->dp;
	uint64_t pause_ms = 0;
	struct timeval pause;

	dp->restarts++;
	if (gwd_now_ns() - dp->spawned_ns > LONG_LIFE_S * S)
		dp->in_a_row = 0;
	if (dp->in_a_row++)
		pause_ms =
		    dp->in_a_row > 5 ? RESTART_PAUSE_MS : 50u << dp->in_a_row;
	if (pause_ms > RESTART_PAUSE_MS)
		pause_ms = RESTART_PAUSE_MS;
	pause.tv_sec = pause_ms / 1000;
	pause.tv_usec = pause_ms % 1000 * 1000;
	if (!dp->restart)
		dp->restart = evtimer_new(gwd.base, spawn_again, guest);
	if (dp->restart)
		event_add(dp->restart, &pause);
}

void dataplane_ended(struct guest *guest, int status)
{
	struct dataplane *dp = &guest->dp;

	if (dp->wanted)
		log_warn(guest->name, "dataplane ended %s=%d",
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
	hang_up(dp);
	dp->state = DATAPLANE_NONE;
	memset(&dp->alive, 0, sizeof(dp->alive));
	query_guest_gone(guest);
	answer_load(guest, NULL);
	if (dp->wanted)
		plan_restart(guest);
}

static bool is_busy(const struct dataplane *dp)
{
	return dp->state == DATAPLANE_STARTING || dp->loading;
}

static void beat(struct guest *guest, uint64_t now)
{
	struct dataplane *dp = &guest->dp;
	struct msg_dp_beat body = {.serial = dp->beat + 1};
	uint64_t limit_ns =
	    is_busy(dp) ? START_LIMIT_S * S : BEAT_LIMIT_MS * MS;

	if (dp->unanswered_ns && now - dp->unanswered_ns > limit_ns) {
		dataplane_kill(guest, "it does not answer heartbeats");
		return;
	}
	/* A full socket is met by the limit above. */
	if (msg_send(dp->fd, MSG_DP_BEAT, &body, NULL, 0) < 0)
		return;
	dp->beat++;
	if (!dp->unanswered_ns)
		dp->unanswered_ns = now;
}

void dataplane_tick(void)
{
	static uint64_t last;
	uint64_t now = gwd_now_ns();
	bool slept = last && now - last > BEAT_LIMIT_MS / 2 * MS;
	struct guest *guest;

	last = now;
	GUEST_FOREACH(guest)
	{
		if (guest->dp.fd < 0)
			continue;
		if (slept && guest->dp.unanswered_ns)
			guest->dp.unanswered_ns = now;
		beat(guest, now);
	}
}
