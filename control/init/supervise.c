/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwd's life and requests, in gw-init's loop.
 *
 * Theory of operation. gwd is running, or ended and waiting. When it ends,
 * whatever the cause, its link is closed, and this generation's dataplanes and
 * rulecs are killed: a dataplane without gwd only holds the guest's link open
 * for nothing, and a fresh one starts from deny. Runners and QEMUs live on.
 * gwd is started again when the killed are reaped and the delay is over: 100
 * ms, doubled by each life shorter than LIFE_GOOD_S up to DELAY_MOST_MS, so a
 * gwd that can't run costs little and is still there when the cause goes away.
 * A new gwd hears INIT_HELLO and one INIT_CHILD per survivor, before it can
 * have asked for anything. A malformed record or a link that gwd does not
 * empty is a broken gwd: it is killed, and the same way goes on.
 */
#include "control/init/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "control/init/child.h"
#include "control/init/init.h"
#include "control/init/journal.h"
#include "control/init/loop.h"
#include "control/init/network.h"
#include "control/init/template.h"
#include "control/msg/log.h"

#define DELAY_LEAST_MS 100
#define DELAY_MOST_MS  5000
#define LIFE_GOOD_S    10
#define STOP_GWD_MS    1500
#define STOP_ALL_MS    10000

static struct {
	struct watch process; /* pidfd; fd -1: not running */
	struct watch link;    /* INIT link; fd -1: closed */
	struct watch timer;   /* of the restart */
	pid_t pid;
	int listener;
	unsigned delay_ms;
	time_t started_s;
	bool due;      /* the delay is over, start when the rest is gone */
	bool stopping; /* gw-init ends: nothing is started or answered */
} gwd = {.process.fd = -1, .link.fd = -1, .timer.fd = -1};

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void close_link(void)
{
	if (gwd.link.fd < 0)
		return;
	loop_remove(&gwd.link);
	close(gwd.link.fd);
	gwd.link.fd = -1;
}

static void tell(enum msg_type type, const void *body, int fd)
{
	if (gwd.link.fd < 0 || gwd.stopping)
		return;
	int error = msg_send(gwd.link.fd, type, body, &fd, fd >= 0 ? 1 : 0);
	if (error) {
		log_error("gwd", "does not take messages, killed: %s",
		    strerror(-error));
		close_link();
		kill(gwd.pid, SIGKILL);
	}
}

static void answer(
    uint32_t token, int error, pid_t pid, int fd, const char *text)
{
	struct msg_init_done done = {
	    .token = token,
	    .error = error,
	    .pid = error ? 0 : (uint32_t)pid,
	};

	if (error) {
		snprintf(done.text, sizeof(done.text), "%s",
		    text[0] ? text : strerror(-error));
		log_warn("gwd", "was refused: %s", done.text);
	}
	tell(MSG_INIT_DONE, &done, error ? -1 : fd);
}

static void serve_spawn(const struct msg *msg)
{
	const struct msg_init_spawn *spawn = (const void *)msg->body;
	char text[JAIL_TEXT_SIZE] = "";
	int channel;
	pid_t pid = child_spawn(spawn, msg->fd, msg->fd_len, &channel, text);

	answer(spawn->token, pid < 0 ? pid : 0, pid, channel, text);
	if (channel >= 0)
		close(channel);
}

static void serve_network(const struct msg *msg)
{
	const struct msg_init_network *network = (const void *)msg->body;
	char text[MSG_TEXT_SIZE] = "";
	int error = network_apply(network, text);

	answer(network->token, error, 0, -1, text);
}

static void serve_tap(const struct msg *msg)
{
	const struct msg_init_tap *tap = (const void *)msg->body;
	char text[MSG_TEXT_SIZE] = "";
	int fd = -1;
	int error = network_tap(tap, &fd, text);

	answer(tap->token, error, 0, fd, text);
}

static void serve(struct watch *watch)
{
	static struct msg msg;
	const struct msg_init_kill *kill_one = (const void *)msg.body;
	int error = msg_recv(watch->fd, LINK_INIT, WAY_DOWN, &msg);

	if (error == -EAGAIN)
		return;
	if (error) {
		if (error != -EPIPE)
			log_error("gwd", "spoke out of turn, killed: %s",
			    strerror(-error));
		close_link();
		kill(gwd.pid, SIGKILL);
		return;
	}
	switch (msg.type) {
	case MSG_INIT_SPAWN:
		serve_spawn(&msg);
		break;
	case MSG_INIT_KILL:
		child_kill(kill_one->role, kill_one->slot);
		break;
	case MSG_INIT_NETWORK:
		serve_network(&msg);
		break;
	case MSG_INIT_TAP:
		serve_tap(&msg);
		break;
	}
	msg_close_fds(&msg);
}

static void greet_one(uint32_t role, uint32_t slot, pid_t pid, int channel)
{
	struct msg_init_child child = {role, slot, (uint32_t)pid};

	tell(MSG_INIT_CHILD, &child, channel);
	if (channel >= 0)
		close(channel);
}

static void greet(void)
{
	struct msg_init_hello hello = {
	    .children = child_survivors(),
	    .uid_base = init.uid_base,
	    .kvm = init.kvm,
	};

	tell(MSG_INIT_HELLO, &hello, -1);
	child_rejoin(greet_one);
}

static void arm_restart(void)
{
	struct itimerspec delay = {
	    .it_value.tv_sec = gwd.delay_ms / 1000,
	    .it_value.tv_nsec = gwd.delay_ms % 1000 * 1000000L,
	};

	gwd.due = false;
	timerfd_settime(gwd.timer.fd, 0, &delay, NULL);
}

static void ended(struct watch *watch)
{
	int status;

	if (waitpid(gwd.pid, &status, WNOHANG) != gwd.pid)
		return;
	loop_remove(watch);
	close(watch->fd);
	watch->fd = -1;
	close_link();
	gwd.pid = 0;
	if (gwd.stopping)
		return;

	if (now_s() - gwd.started_s >= LIFE_GOOD_S)
		gwd.delay_ms = DELAY_LEAST_MS;
	log_error("gwd", "ended %s=%d, again in %u ms",
	    WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    gwd.delay_ms);
	child_kill_all(ROLE_DATAPLANE);
	child_kill_all(ROLE_RULEC);
	arm_restart();
	gwd.delay_ms *= 2;
	if (gwd.delay_ms > DELAY_MOST_MS)
		gwd.delay_ms = DELAY_MOST_MS;
}

/* Returns 0 or -errno with the reason in text. */
static int start(char text[JAIL_TEXT_SIZE])
{
	static struct template t;
	struct msg_init_spawn spawn = {.role = ROLE_GWD, .slot = MSG_HOST_SLOT};
	int ends[2], error = template_fill(&t, &spawn, text);

	if (error)
		return error;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);

	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = journal_open("gwd");
	int fds[] = {null, log, log, ends[1], gwd.listener};
	memcpy(t.jail.fd, fds, sizeof(fds));
	t.jail.fd_len = 5;
	pid_t pid = null < 0 || log < 0
			? -EMFILE
			: jail_start(&t.jail, &gwd.process.fd, text);
	close(null);
	close(log);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		gwd.process.fd = -1;
		return pid;
	}
	gwd.pid = pid;
	gwd.started_s = now_s();
	gwd.process.ready = ended;
	gwd.link = (struct watch) {ends[0], serve};
	loop_add(&gwd.process);
	loop_add(&gwd.link);
	log_info("gwd", "started pid=%d uid=%u", pid, t.jail.uid);
	greet();
	return 0;
}

static void restart_when_clear(void)
{
	char text[JAIL_TEXT_SIZE] = "";

	if (!gwd.due || gwd.stopping || gwd.process.fd >= 0 ||
	    child_count(ROLE_DATAPLANE) || child_count(ROLE_RULEC))
		return;
	if (start(text)) {
		log_error("gwd", "%s", text);
		arm_restart();
		return;
	}
	gwd.due = false;
}

static void on_timer(struct watch *watch)
{
	uint64_t times;

	if (read(watch->fd, &times, sizeof(times)) < 0)
		return;
	gwd.due = true;
	restart_when_clear();
}

static void on_child_end(uint32_t role, uint32_t slot, pid_t pid, int status)
{
	struct msg_init_exited exited = {role, slot, (uint32_t)pid, status};

	tell(MSG_INIT_EXITED, &exited, -1);
	restart_when_clear();
}

int supervise_start(int listener, char text[JAIL_TEXT_SIZE])
{
	gwd.listener = listener;
	gwd.delay_ms = DELAY_LEAST_MS;
	gwd.timer.fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (gwd.timer.fd < 0)
		return -errno;
	gwd.timer.ready = on_timer;
	loop_add(&gwd.timer);
	child_on_end(on_child_end);
	return start(text);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void supervise_stop(void)
{
	long long start_ms = now_ms();

	gwd.stopping = true;
	if (gwd.pid)
		kill(gwd.pid, SIGTERM);
	while (gwd.pid && now_ms() - start_ms < STOP_GWD_MS)
		loop_turn(100);
	if (gwd.pid)
		kill(gwd.pid, SIGKILL);
	child_kill_all(ROLE_MAX);
	while ((gwd.pid || child_count(ROLE_MAX)) &&
	       now_ms() - start_ms < STOP_ALL_MS)
		loop_turn(100);
	if (gwd.pid || child_count(ROLE_MAX))
		log_error(NULL, "%u processes did not end in time",
		    child_count(ROLE_MAX) + (gwd.pid ? 1 : 0));
}
