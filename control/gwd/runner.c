/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest's gw-runner and QEMU. Called by guest.c, method_guest.c and
 * init_link.c (through guest.c), in gwd's loop.
 *
 * Theory of operation. gwd opens the image's files but reads none of them: the
 * runner copies them into sealed memory, verifies that, and sends the
 * descriptors that QEMU gets. An image newer than any before is recorded in
 * image-versions.json, durably, before QEMU starts from it; older ones are
 * refused by the runner (least_version). Commands in the guest are at most
 * EXEC_MAX at a time; they end with the runner if not before.
 */
#include "control/gwd/runner.h"

#include "control/gwd/guest.h"
#include "control/gwd/gwd.h"
#include "control/gwd/init_link.h"
#include "control/gwd/store.h"
#include "control/msg/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSIONS	   "image-versions.json"
#define HEARTBEAT_LIMIT_MS 10000
#define EXEC_MAX	   64u

static struct {
	uint32_t token; /* 0: free */
	struct guest *guest;
	struct rpc_call *call;
} execs[EXEC_MAX];

static json_t *versions; /* {"image": least version} */

static uint64_t least_version(const char *image)
{
	if (!versions)
		versions = store_read(VERSIONS);
	if (!json_is_object(versions)) {
		json_decref(versions);
		versions = json_object();
	}
	return json_integer_value(json_object_get(versions, image));
}

static void fail_execs(struct guest *guest)
{
	for (size_t i = 0; i < EXEC_MAX; i++) {
		if (!execs[i].token || execs[i].guest != guest)
			continue;
		execs[i].token = 0;
		rpc_fail(execs[i].call, GW_EXIT_FAILED,
		    "%s ended while the command ran", guest->name);
	}
}

static void close_prepared(struct runner *runner)
{
	for (size_t i = 0; i < RUNNER_PREPARED_FDS; i++) {
		if (runner->fds[i] >= 0)
			close(runner->fds[i]);
		runner->fds[i] = -1;
	}
	runner->prepared = false;
}

static void hang_up(struct guest *guest)
{
	struct runner *runner = &guest->runner;

	if (runner->event)
		event_free(runner->event);
	runner->event = NULL;
	if (runner->fd >= 0)
		close(runner->fd);
	runner->fd = -1;
	runner->preparing = false;
	close_prepared(runner);
	fail_execs(guest);
}

static int say(struct guest *guest, enum msg_type type, const void *body,
    const int *fds, size_t fd_len)
{
	if (guest->runner.fd < 0)
		return -ENOTCONN;
	return msg_send(guest->runner.fd, type, body, fds, fd_len);
}

/* ---- the image ---- */

/* A plain file below the state folder, or -errno. */
static int open_plain(const char *path)
{
	int fd = openat(
	    gwd.state_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat stat;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

static bool open_image(struct guest *guest, const char *image, int fds[5])
{
	static const char *const names[] = {
	    "manifest", "kernel", "initrd", "disk"};
	char path[128];

	fds[0] = open_plain("trust/image.pub");
	if (fds[0] < 0) {
		guest_broken(guest, "there is no key to verify images with "
				    "(trust/image.pub): make an image with "
				    "`gwctl image build demo`");
		return false;
	}
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "images/%s/%s", image, names[i]);
		fds[i + 1] = open_plain(path);
		if (fds[i + 1] >= 0)
			continue;
		guest_broken(guest, "image \"%s\" has no %s: %s; %s", image,
		    names[i], strerror(-fds[i + 1]),
		    strcmp(image, "demo") != 0
			? "see `gwctl image list`, docs/guests.md says how one "
			  "is made"
			: "make it with `gwctl image build demo`");
		return false;
	}
	return true;
}

static void prepare_image(struct guest *guest)
{
	struct msg_run_image body = {
	    .heartbeat_limit_ms = HEARTBEAT_LIMIT_MS,
	};
	int fds[5] = {-1, -1, -1, -1, -1};
	int error;

	if (strchr(guest->image, '/') || guest->image[0] == '.') {
		guest_broken(
		    guest, "\"%s\" is no name of an image", guest->image);
		return;
	}
	snprintf(body.name, sizeof(body.name), "%s", guest->image);
	body.least_version = least_version(guest->image);
	if (open_image(guest, guest->image, fds)) {
		error = say(guest, MSG_RUN_IMAGE, &body, fds, 5);
		guest->runner.preparing = !error;
		if (error)
			guest_broken(guest, "its runner does not listen: %s",
			    strerror(-error));
	}
	for (size_t i = 0; i < 5; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

static void version_kept(void *arg, int error)
{
	struct guest *guest = arg;

	if (guest->runner.fd < 0 || guest->runner.fds[0] < 0)
		return; /* stopped meanwhile */
	if (error) {
		guest_broken(guest,
		    "its image's version can't be recorded: "
		    "%s",
		    strerror(-error));
		return;
	}
	guest->runner.prepared = true;
	guest_part_ready(guest);
}

static void give_up(struct guest *guest, const char *why)
{
	log_warn(guest->name, "runner is killed: it %s", why);
	hang_up(guest);
	init_link_kill(ROLE_RUNNER, guest->slot);
}

static void take_prepared(struct guest *guest, struct msg *msg)
{
	const struct msg_run_prepared *prepared = (const void *)msg->body;
	struct runner *runner = &guest->runner;

	/* Once, and before it has read a byte of its guest: one that was taken
	 * over later must not raise the version that is demanded from now on.
	 */
	if (!runner->preparing) {
		give_up(guest, "sent an image nobody asked for");
		return;
	}
	runner->preparing = false;
	if (prepared->error || msg->fd_len != RUNNER_PREPARED_FDS) {
		guest_broken(guest, "image \"%s\" is refused: %s", guest->image,
		    prepared->text);
		return;
	}
	close_prepared(runner);
	for (size_t i = 0; i < RUNNER_PREPARED_FDS; i++)
		runner->fds[i] = msg_take_fd(msg, i);
	runner->version = prepared->version;
	if (prepared->version <= least_version(guest->image)) {
		version_kept(guest, 0);
		return;
	}
	json_object_set_new(
	    versions, guest->image, json_integer(prepared->version));
	if (store_write(VERSIONS, json_incref(versions), version_kept, guest) <
	    0)
		version_kept(guest, -EBUSY);
}

/* ---- messages ---- */

static void take_exec_done(
    struct guest *guest, const struct msg_run_exec_done *done)
{
	size_t i = done->token % EXEC_MAX;
	struct rpc_call *call = execs[i].call;

	if (!done->token || execs[i].token != done->token ||
	    execs[i].guest != guest)
		return;
	execs[i].token = 0;
	if (done->error == -ETIMEDOUT)
		rpc_fail(call, GW_EXIT_FAILED,
		    "the command in %s did not end within its limit and was "
		    "killed",
		    guest->name);
	else if (done->error)
		rpc_fail(call, GW_EXIT_FAILED,
		    "the command could not be run in %s: %s", guest->name,
		    strerror(-done->error));
	else
		rpc_reply(call,
		    json_pack("{s:i, s:b}", "exit_code", (int)done->exit_code,
			"truncated", (int)done->truncated));
}

static void handle(struct guest *guest, struct msg *msg)
{
	switch (msg->type) {
	case MSG_RUN_PREPARED:
		take_prepared(guest, msg);
		break;
	case MSG_RUN_STATE:
		memcpy(
		    &guest->runner.said, msg->body, sizeof(guest->runner.said));
		guest_said(guest);
		break;
	case MSG_RUN_EXEC_DONE:
		take_exec_done(guest, (const void *)msg->body);
		break;
	}
}

static void receive(evutil_socket_t fd, short what, void *arg)
{
	struct guest *guest = arg;
	struct msg msg;
	int error = msg_recv(fd, LINK_RUN, WAY_UP, &msg);

	if (error == -EAGAIN || error == -EINTR)
		return;
	if (error) { /* INIT_EXITED follows */
		if (error == -EBADMSG)
			give_up(guest, "sent a malformed message");
		else
			hang_up(guest);
		return;
	}
	handle(guest, &msg);
	msg_close_fds(&msg);
}

static int listen_to(struct guest *guest, int fd)
{
	struct runner *runner = &guest->runner;

	runner->fd = fd;
	runner->state = PART_ALIVE;
	evutil_make_socket_nonblocking(fd);
	runner->event =
	    event_new(gwd.base, fd, EV_READ | EV_PERSIST, receive, guest);
	if (!runner->event || event_add(runner->event, NULL) < 0)
		return -ENOMEM;
	return 0;
}

/* ---- life ---- */

static void runner_spawned(void *arg, const struct msg_init_done *done, int fd)
{
	struct guest *guest = arg;

	if (done->error || fd < 0) {
		guest->runner.state = PART_NONE;
		if (fd >= 0)
			close(fd);
		guest_broken(
		    guest, "its runner can't be started: %s", done->text);
		return;
	}
	guest->runner.pid = done->pid;
	if (listen_to(guest, fd) < 0 || !guest_is_starting(guest))
		runner_kill(guest);
	else
		prepare_image(guest);
}

void runner_start(struct guest *guest, const char *image)
{
	struct msg_init_spawn body = {
	    .role = ROLE_RUNNER,
	    .slot = guest->slot,
	};

	snprintf(guest->image, sizeof(guest->image), "%s", image);
	memset(&guest->runner.said, 0, sizeof(guest->runner.said));
	if (init_link_ask(
		MSG_INIT_SPAWN, &body, NULL, 0, runner_spawned, guest) < 0) {
		guest_broken(guest, "its runner can't be started: gw-init has "
				    "too many requests waiting");
		return;
	}
	guest->runner.state = PART_ASKED;
}

static void qemu_spawned(void *arg, const struct msg_init_done *done, int fd)
{
	struct msg_run_started body = {0};
	struct guest *guest = arg;

	if (fd >= 0)
		close(fd);
	if (done->error) {
		guest->runner.qemu = PART_NONE;
		guest_broken(guest, "QEMU can't be started: %s", done->text);
		return;
	}
	guest->runner.qemu = PART_ALIVE;
	guest->runner.qemu_pid = done->pid;
	if (!guest_is_starting(guest) ||
	    say(guest, MSG_RUN_STARTED, &body, NULL, 0) < 0)
		runner_kill(guest);
}

void runner_start_qemu(struct guest *guest, uint32_t memory_mib)
{
	struct runner *runner = &guest->runner;
	struct msg_init_spawn body = {
	    .role = ROLE_QEMU,
	    .slot = guest->slot,
	    .memory_mib = memory_mib,
	    .cpus = 1,
	    .kvm = gwd.kvm,
	};
	int error = 0;

	memcpy(body.mac, guest->mac, sizeof(body.mac));
	if (getrandom(body.vmgenid, sizeof(body.vmgenid), 0) !=
	    sizeof(body.vmgenid))
		error = -EIO;
	if (!error)
		error = init_link_ask(MSG_INIT_SPAWN, &body, runner->fds,
		    RUNNER_PREPARED_FDS, qemu_spawned, guest);
	close_prepared(runner);
	if (error)
		guest_broken(
		    guest, "QEMU can't be started: %s", strerror(-error));
	else
		runner->qemu = PART_ASKED;
}

void runner_stop(struct guest *guest, uint32_t grace_ms)
{
	struct msg_run_stop body = {.grace_ms = grace_ms};

	if (guest->runner.qemu != PART_ALIVE ||
	    say(guest, MSG_RUN_STOP, &body, NULL, 0) < 0)
		runner_kill(guest);
}

void runner_kill(struct guest *guest)
{
	if (guest->runner.qemu == PART_ALIVE) {
		guest->runner.qemu = PART_DYING;
		init_link_kill(ROLE_QEMU, guest->slot);
	}
	if (guest->runner.state == PART_ALIVE) {
		guest->runner.state = PART_DYING;
		init_link_kill(ROLE_RUNNER, guest->slot);
	}
}

void runner_ended(struct guest *guest)
{
	hang_up(guest);
	guest->runner.state = PART_NONE;
}

void runner_qemu_ended(struct guest *guest)
{
	guest->runner.qemu = PART_NONE;
}

void runner_adopt(struct guest *guest, int fd)
{
	if (fd < 0 || listen_to(guest, fd) < 0)
		init_link_kill(ROLE_RUNNER, guest->slot);
}

void runner_exec(struct guest *guest, struct rpc_call *call, int fd,
    const char *command, uint32_t limit_ms)
{
	static uint32_t serial;
	struct msg_run_exec body = {.limit_ms = limit_ms};
	size_t i;
	int error = -EBUSY;

	for (i = 0; i < EXEC_MAX && execs[i].token; i++)
		;
	snprintf(body.command, sizeof(body.command), "%s", command);
	while (!body.token) /* 0 means free: skipped when the serial wraps */
		body.token = ++serial * EXEC_MAX + (uint32_t)i % EXEC_MAX;
	if (i < EXEC_MAX)
		error = say(guest, MSG_RUN_EXEC, &body, &fd, 1);
	close(fd);
	if (error) {
		rpc_fail(call, GW_EXIT_FAILED,
		    "the runner of %s can't take the command: %s", guest->name,
		    strerror(-error));
		return;
	}
	execs[i].token = body.token;
	execs[i].guest = guest;
	execs[i].call = call;
}

int runner_console(struct guest *guest, int fd)
{
	struct msg_run_console body = {0};
	int error = say(guest, MSG_RUN_CONSOLE, &body, &fd, 1);

	close(fd);
	return error;
}
