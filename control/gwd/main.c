/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwd: holds the policy in force and looks after guests. Started by gw-init
 * with the link to it as descriptor 3 and gwctl's listener as 4, as its own
 * uid, without capabilities, in a root where only /state is writable.
 *
 * Theory of operation. One loop (libevent) owns everything; the threads
 * of work.c and discard.c alone do what blocks. gwd asks gw-init for every
 * process, network and TAP, and parses nothing that a guest wrote except
 * fixed-size messages. When it ends, for whatever reason, gw-init starts
 * another: guests run on, their dataplanes are new, and the last good
 * generation is loaded again.
 */
#include "control/gwd/dataplane.h"
#include "control/gwd/discard.h"
#include "control/gwd/gwd.h"
#include "control/gwd/init_link.h"
#include "control/gwd/network.h"
#include "control/gwd/rpc.h"
#include "control/gwd/slot.h"
#include "control/msg/confine.h"
#include "control/msg/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LISTENER_FD MSG_FIRST_FD
#define BEAT_MS	    250L

struct gwd gwd = {.state_fd = -1};

uint64_t gwd_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

uint64_t gwd_time_s(void)
{
	return time(NULL);
}

void gwd_serve(void)
{
	int error = rpc_listen(LISTENER_FD);

	if (error)
		die("can't serve: %s", strerror(-error));
}

static void tick(evutil_socket_t fd, short what, void *unused)
{
	static unsigned int ticks;

	dataplane_tick();
	if (++ticks % (1000 / BEAT_MS) == 0)
		network_tick();
}

static void quit(evutil_socket_t fd, short what, void *unused)
{
	event_base_loopbreak(gwd.base);
}

static bool is_socket(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && S_ISSOCK(stat.st_mode);
}

static void start_timers(void)
{
	struct timeval beat = {.tv_usec = BEAT_MS * 1000};
	struct event *timer, *term;

	timer = event_new(gwd.base, -1, EV_PERSIST, tick, NULL);
	term = evsignal_new(gwd.base, SIGTERM, quit, NULL);
	if (!timer || !term || event_add(timer, &beat) < 0 ||
	    event_add(term, NULL) < 0)
		die("no memory for timers");
}

/* Hash tables of hostile names: seed them before the first is made. */
static void seed_hashes(void)
{
	unsigned int seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		die("no random bytes");
	json_object_seed(seed);
}

int main(int argc, char **argv)
{
	const char *state =
	    argc > 2 && !strcmp(argv[1], "--state") ? argv[2] : "/state";
	int error;

	log_open("gwd");
	if (argc != 1 && argc != 3)
		die("usage: gwd [--state FOLDER]; gw-init starts it, not you");
	if (!is_socket(MSG_LINK_FD) || !is_socket(LISTENER_FD))
		die("descriptors 3 and 4 are not what gw-init hands over: gwd "
		    "is started by `gw up`, not by hand");
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	seed_hashes();
	fcntl(MSG_LINK_FD, F_SETFD, FD_CLOEXEC);
	fcntl(LISTENER_FD, F_SETFD, FD_CLOEXEC);
	gwd.started_s = gwd_time_s();
	gwd.state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (gwd.state_fd < 0)
		die("the state folder %s can't be opened: %s", state,
		    strerror(errno));
	gwd.base = event_base_new();
	if (!gwd.base)
		die("no memory for the event loop");
	error = confine_self(NULL);
	if (error)
		die("can't give up privileges: %s", strerror(-error));
	error = discard_open();
	if (error)
		die("no thread to close descriptors: %s", strerror(-error));
	slot_open();
	network_open();
	start_timers();
	error = init_link_open(MSG_LINK_FD);
	if (error)
		die("can't hear gw-init: %s", strerror(-error));
	log_info(NULL, "started version=%s", GW_VERSION);
	event_base_dispatch(gwd.base);
	log_info(NULL, "ended");
	return 1; /* gw-init starts another */
}
