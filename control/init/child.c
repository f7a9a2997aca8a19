/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The children of gw-init: started from templates, watched by pidfd, reaped
 * and reported. Runs in gw-init's loop.
 *
 * Theory of operation. An entry is free, alive or dying (SIGKILL was sent). A
 * role runs at most once in a slot, so role and slot name a child; a dying one
 * keeps its place until it was reaped, so nothing new runs under its uid
 * before. CHILD_MAX children; then spawning fails with -EAGAIN.
 */
#include "control/init/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "control/init/init.h"
#include "control/init/journal.h"
#include "control/init/loop.h"
#include "control/init/run.h"
#include "control/init/template.h"
#include "control/msg/log.h"

#define CHILD_MAX 1024

struct child {
	struct watch watch; /* pidfd; first: the callback casts back */
	bool used, dying;
	uint32_t role, slot;
	pid_t pid;
	int link; /* gw-init's end of the CHILD link, -1 = none */
};

static struct child children[CHILD_MAX];
static child_ended *on_end;

void child_on_end(child_ended *ended)
{
	on_end = ended;
}

static struct child *find(uint32_t role, uint32_t slot)
{
	for (size_t i = 0; i < CHILD_MAX; i++) {
		if (children[i].used && children[i].role == role &&
		    children[i].slot == slot)
			return &children[i];
	}
	return NULL;
}

static struct child *find_free(void)
{
	for (size_t i = 0; i < CHILD_MAX; i++) {
		if (!children[i].used)
			return &children[i];
	}
	return NULL;
}

static void reap(struct watch *watch)
{
	struct child *child = (struct child *)watch;
	struct child old = *child;
	int status;

	if (waitpid(child->pid, &status, WNOHANG) != child->pid)
		return;
	loop_remove(watch);
	close(watch->fd);
	if (child->link >= 0)
		close(child->link);
	memset(child, 0, sizeof(*child));
	log_info(template_name(old.role), "ended slot=%u pid=%d %s=%d",
	    old.slot, old.pid, WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (on_end)
		on_end(old.role, old.slot, old.pid, status);
}

/* A new channel: its far end to the child, gwd's end returned. */
static int make_channel(int link, uint32_t slot)
{
	struct msg_child_channel message = {.slot = slot};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	int error = msg_send(link, MSG_CHILD_CHANNEL, &message, &ends[1], 1);
	close(ends[1]);
	if (error) {
		close(ends[0]);
		return error;
	}
	return ends[0];
}

/* The link of a role with a channel; others get /dev/null in its place. */
static int make_link(bool wanted, int *theirs)
{
	int ends[2];

	if (!wanted) {
		*theirs = open("/dev/null", O_RDWR | O_CLOEXEC);
		return -1;
	}
	*theirs = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	shutdown(ends[0], SHUT_RD); /* one way: nothing is read from a child */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*theirs = ends[1];
	return ends[0];
}

static pid_t start(struct template *t, const struct msg_init_spawn *spawn,
    const int *fds, uint32_t fd_len, struct child *child, char *text)
{
	struct jail *jail = &t->jail;
	char name[64];
	int theirs, pidfd;

	snprintf(name, sizeof(name),
	    spawn->slot == MSG_HOST_SLOT ? "%s" : "%s-%u", jail->argv[0],
	    spawn->slot);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = journal_open(name);
	child->link = make_link(template_has_channel(spawn->role), &theirs);
	jail->fd[0] = null;
	jail->fd[1] = jail->fd[2] = log;
	jail->fd[MSG_LINK_FD] = theirs;
	for (uint32_t i = 0; i < fd_len; i++)
		jail->fd[MSG_FIRST_FD + i] = fds[i];
	jail->fd_len = MSG_FIRST_FD + fd_len;

	pid_t pid = -EMFILE;
	if (null >= 0 && log >= 0 && theirs >= 0)
		pid = jail_start(jail, &pidfd, text);
	else
		snprintf(
		    text, JAIL_TEXT_SIZE, "gw-init has no descriptor left");
	if (null >= 0)
		close(null);
	if (log >= 0)
		close(log);
	if (theirs >= 0)
		close(theirs);
	if (pid < 0) {
		if (child->link >= 0)
			close(child->link);
		return pid;
	}
	child->watch = (struct watch) {pidfd, reap};
	return pid;
}

pid_t child_spawn(const struct msg_init_spawn *spawn, const int *fds,
    uint32_t fd_len, int *channel, char text[JAIL_TEXT_SIZE])
{
	static struct template t; /* large; one at a time */
	struct child *child = find_free();
	struct child new = {.role = spawn->role, .slot = spawn->slot};
	int error;

	*channel = -1;
	if (spawn->role == ROLE_GWD || fd_len != template_fd_len(spawn->role)) {
		snprintf(
		    text, JAIL_TEXT_SIZE, "a request that no template fits");
		return -EINVAL;
	}
	if (find(spawn->role, spawn->slot)) {
		snprintf(text, JAIL_TEXT_SIZE, "it runs already, or still");
		return -EEXIST;
	}
	if (!child) {
		snprintf(text, JAIL_TEXT_SIZE, "too many processes: at most %d",
		    CHILD_MAX);
		return -EAGAIN;
	}
	error = template_fill(&t, spawn, text);
	if (error)
		return error;
	if (spawn->slot != MSG_HOST_SLOT) {
		error = run_make_slot(spawn->slot);
		if (error) {
			snprintf(text, JAIL_TEXT_SIZE,
			    "the folder of slot %u can't be made: %s",
			    spawn->slot, strerror(-error));
			return error;
		}
	}
	new.pid = start(&t, spawn, fds, fd_len, &new, text);
	if (new.pid < 0)
		return new.pid;
	new.used = true;
	*child = new;
	loop_add(&child->watch);
	log_info(t.jail.argv[0], "started slot=%u pid=%d uid=%u", new.slot,
	    new.pid, t.jail.uid);
	if (new.link < 0)
		return new.pid;
	*channel = make_channel(new.link, new.slot);
	if (*channel < 0) {
		error = *channel;
		*channel = -1;
		child_kill(new.role, new.slot);
		snprintf(
		    text, JAIL_TEXT_SIZE, "no channel: %s", strerror(-error));
		return error;
	}
	return new.pid;
}

static void end(struct child *child)
{
	kill(child->pid, SIGKILL);
	child->dying = true;
}

int child_kill(uint32_t role, uint32_t slot)
{
	struct child *child = find(role, slot);

	if (!child)
		return -ESRCH;
	end(child);
	return 0;
}

void child_kill_all(uint32_t role)
{
	for (size_t i = 0; i < CHILD_MAX; i++) {
		if (children[i].used &&
		    (role == ROLE_MAX || children[i].role == role))
			end(&children[i]);
	}
}

unsigned child_count(uint32_t role)
{
	unsigned len = 0;

	for (size_t i = 0; i < CHILD_MAX; i++)
		len += children[i].used &&
		       (role == ROLE_MAX || children[i].role == role);
	return len;
}

unsigned child_survivors(void)
{
	unsigned len = 0;

	for (size_t i = 0; i < CHILD_MAX; i++)
		len += children[i].used && !children[i].dying;
	return len;
}

void child_rejoin(child_visit *visit)
{
	for (size_t i = 0; i < CHILD_MAX; i++) {
		struct child *child = &children[i];
		int channel = -1;

		if (!child->used || child->dying)
			continue;
		if (child->link >= 0)
			channel = make_channel(child->link, child->slot);
		if (child->link >= 0 && channel < 0) {
			/* gwd hears of it twice: joined, then ended */
			log_warn(template_name(child->role),
			    "takes no new channel slot=%u", child->slot);
			end(child);
			channel = -1;
		}
		visit(child->role, child->slot, child->pid, channel);
	}
}
