/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for the programs that gw-init starts, in tests/networks/run. Which
 * one it is follows from the name it was executed by:
 *
 * gwd: speaks the INIT link as gwd would, told what to do by lines on the
 * listener; a line's descriptors (SCM_RIGHTS) are those of the next `spawn`.
 *	up NAME IFNAME TAKE ROUTED ADDRESS PREFIX GATEWAY INDEX
 *	down NAME | tap NAME INDEX SLOT MTU | untap NAME INDEX SLOT
 *	spawn ROLE SLOT MIB CPUS KVM | kill ROLE SLOT
 *	write SLOT HEX | read SLOT MS | raw HEX | peek PATH | flood MIB | exit N
 * Each is answered by `done ERROR PID TEXT`, `frame HEX`, or `none`; reports
 * of gw-init are lines `event ...`.
 *
 * gw-dataplane, gw-runner, gw-rulec: confine themselves as the real ones do
 * and wait.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "control/msg/confine.h"
#include "control/msg/log.h"
#include "control/msg/msg.h"

#define LISTEN_FD 4
#define SLOTS	  64
#define LINE_SIZE 20000

static int driver = -1; /* who tells us what to do */
static int taps[SLOTS];
static int given[MSG_FD_MAX];
static size_t given_len;
static char line[LINE_SIZE];

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	static char text[2 * LINE_SIZE];
	va_list args;

	va_start(args, format);
	int size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (driver >= 0 && write(driver, text, (size_t)size) != size)
		log_warn(NULL, "the driver is gone");
}

static void report(const struct msg *msg)
{
	const struct msg_init_hello *hello = (const void *)msg->body;
	const struct msg_init_child *child = (const void *)msg->body;
	const struct msg_init_exited *exited = (const void *)msg->body;

	if (msg->type == MSG_INIT_HELLO)
		say("event hello %u %u %u\n", hello->children, hello->uid_base,
		    hello->kvm);
	if (msg->type == MSG_INIT_CHILD)
		say("event child %u %u %u %u\n", child->role, child->slot,
		    child->pid, msg->fd_len);
	if (msg->type == MSG_INIT_EXITED)
		say("event exited %u %u %u %d\n", exited->role, exited->slot,
		    exited->pid, exited->status);
}

/* One record of gw-init; true when it was INIT_DONE. */
static bool hear(int *fd)
{
	static struct msg msg;
	const struct msg_init_done *done = (const void *)msg.body;
	int error = msg_recv(MSG_LINK_FD, LINK_INIT, WAY_UP, &msg);

	if (error) {
		log_error(NULL, "link: %s", strerror(-error));
		exit(1);
	}
	if (msg.type != MSG_INIT_DONE) {
		report(&msg);
		msg_close_fds(&msg);
		return false;
	}
	*fd = msg_take_fd(&msg, 0);
	msg_close_fds(&msg);
	say("done %d %u %s\n", done->error, done->pid, done->text);
	return true;
}

/* Send a request and wait for its answer; its descriptor or -1. */
static int ask(enum msg_type type, void *body, const int *fds, size_t len)
{
	int fd = -1;
	int error = msg_send(MSG_LINK_FD, type, body, fds, len);

	if (error) {
		say("done %d 0 it could not be sent\n", error);
		return -1;
	}
	while (!hear(&fd))
		;
	return fd;
}

static uint32_t address(const char *text)
{
	struct in_addr in = {0};

	inet_pton(AF_INET, text, &in);
	return ntohl(in.s_addr);
}

static void do_network(const char *text, uint32_t op)
{
	struct msg_init_network r = {.token = 7, .op = op};
	char own[64] = "0", gateway[64] = "0", name[64] = "", device[64] = "";

	sscanf(text, "%*s %63s %63s %u %u %63s %u %63s %u", name, device,
	    &r.take, &r.routed, own, &r.prefix, gateway, &r.index);
	snprintf(r.name, sizeof(r.name), "%.47s", name);
	snprintf(r.interface, sizeof(r.interface), "%.15s", device);
	r.address = address(own);
	r.gateway = address(gateway);
	ask(MSG_INIT_NETWORK, &r, NULL, 0);
}

static void do_tap(const char *text, uint32_t op)
{
	struct msg_init_tap r = {.token = 8, .op = op};

	sscanf(text, "%*s %47s %u %u %u", r.name, &r.index, &r.slot, &r.mtu);
	int fd = ask(MSG_INIT_TAP, &r, NULL, 0);
	if (fd < 0 || r.slot >= SLOTS)
		return;
	if (taps[r.slot] > 0)
		close(taps[r.slot]);
	taps[r.slot] = fd;
}

static void do_spawn(const char *text)
{
	struct msg_init_spawn r = {.token = 9, .mac = {2, 0x67, 0x77, 2, 0, 1}};

	sscanf(text, "%*s %u %u %u %u %u", &r.role, &r.slot, &r.memory_mib,
	    &r.cpus, &r.kvm);
	/* the channel stays open, as gwd would keep it */
	ask(MSG_INIT_SPAWN, &r, given, given_len);
	for (size_t i = 0; i < given_len; i++)
		close(given[i]);
	given_len = 0;
}

static void do_kill(const char *text)
{
	struct msg_init_kill r = {0};

	sscanf(text, "%*s %u %u", &r.role, &r.slot);
	int error = msg_send(MSG_LINK_FD, MSG_INIT_KILL, &r, NULL, 0);
	say("done %d 0 \n", error);
}

static size_t from_hex(const char *hex, uint8_t *bytes, size_t size)
{
	size_t len = 0;
	unsigned value;

	while (len < size && sscanf(hex + 2 * len, "%2x", &value) == 1)
		bytes[len++] = (uint8_t)value;
	return len;
}

static void do_write(const char *text)
{
	uint8_t frame[10000] = {0};
	int slot = 0, at = 0;

	sscanf(text, "%*s %d %n", &slot, &at);
	size_t size = 10 + from_hex(text + at, frame + 10, sizeof(frame) - 10);
	ssize_t done = write(taps[slot], frame, size);
	say("done %d 0 \n", done < 0 ? -errno : 0);
}

static void do_read(const char *text)
{
	static char hex[2 * 9000 + 1];
	uint8_t frame[9000];
	int slot = 0, wait_ms = 0;

	sscanf(text, "%*s %d %d", &slot, &wait_ms);
	struct pollfd poll_tap = {taps[slot], POLLIN, 0};
	ssize_t size = poll(&poll_tap, 1, wait_ms) > 0
			   ? read(taps[slot], frame, sizeof(frame))
			   : -1;
	if (size <= 10) {
		say("none\n");
		return;
	}
	for (ssize_t i = 10; i < size; i++)
		sprintf(hex + 2 * (i - 10), "%02x", frame[i]);
	say("frame %s\n", hex);
}

static void do_raw(const char *text)
{
	uint8_t bytes[4096];
	size_t size = from_hex(text + 4, bytes, sizeof(bytes));
	ssize_t done = send(MSG_LINK_FD, bytes, size, 0);

	say("done %d 0 \n", done < 0 ? -errno : 0);
}

/* Whether this process can see or write a path. */
static void do_peek(const char *text)
{
	char path[256] = "", *end;

	snprintf(path, sizeof(path), "%.255s", text + 5);
	end = strchr(path, '\n');
	if (end)
		*end = '\0';
	say("done %d %d %s\n", access(path, F_OK) ? -errno : 0,
	    access(path, W_OK) == 0, path);
}

/* Write so much to the log. */
static void do_flood(const char *text)
{
	static char bytes[1 << 20];

	memset(bytes, 'x', sizeof(bytes));
	for (int left = atoi(text + 6); left > 0; left--) {
		if (write(STDERR_FILENO, bytes, sizeof(bytes)) < 0)
			break;
	}
	say("done 0 0 \n");
}

static void obey(void)
{
	if (!strncmp(line, "up", 2))
		do_network(line, NETWORK_UP);
	else if (!strncmp(line, "down ", 5))
		do_network(line, NETWORK_DOWN);
	else if (!strncmp(line, "tap ", 4))
		do_tap(line, TAP_ADD);
	else if (!strncmp(line, "untap ", 6))
		do_tap(line, TAP_DELETE);
	else if (!strncmp(line, "spawn ", 6))
		do_spawn(line);
	else if (!strncmp(line, "kill ", 5))
		do_kill(line);
	else if (!strncmp(line, "write ", 6))
		do_write(line);
	else if (!strncmp(line, "read ", 5))
		do_read(line);
	else if (!strncmp(line, "raw ", 4))
		do_raw(line);
	else if (!strncmp(line, "peek ", 5))
		do_peek(line);
	else if (!strncmp(line, "flood ", 6))
		do_flood(line);
	else if (!strncmp(line, "exit ", 5))
		exit(atoi(line + 5));
	else
		say("done -22 0 what?\n");
}

/* One line with its descriptors: a record of a stream, written at once. */
static bool read_line(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * MSG_FD_MAX)];
	} control;
	struct iovec iov = {line, sizeof(line) - 1};
	struct msghdr record = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	size_t size = 0;

	do {
		iov.iov_base = line + size;
		iov.iov_len = sizeof(line) - 1 - size;
		ssize_t part = recvmsg(driver, &record, MSG_CMSG_CLOEXEC);
		if (part <= 0)
			return false;
		size += (size_t)part;
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&record);
		if (cmsg && cmsg->cmsg_type == SCM_RIGHTS) {
			given_len =
			    (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(given, CMSG_DATA(cmsg), given_len * sizeof(int));
		}
	} while (line[size - 1] != '\n' && size < sizeof(line) - 1);
	line[size] = '\0';
	return true;
}

static void be_gwd(void)
{
	int unused;

	/* reports wait in the link until a driver is there */
	driver = accept(LISTEN_FD, NULL, NULL);
	for (;;) {
		struct pollfd polls[2] = {
		    {MSG_LINK_FD, POLLIN, 0}, {driver, POLLIN, 0}};
		if (poll(polls, 2, -1) < 0)
			continue;
		if (polls[0].revents)
			hear(&unused);
		if (!polls[1].revents)
			continue;
		if (read_line()) {
			obey();
			continue;
		}
		close(driver);
		driver = accept(LISTEN_FD, NULL, NULL);
	}
}

static void be_child(const char *root, bool channel)
{
	static struct msg msg;
	int error = 0;

	if (channel)
		error = msg_recv(MSG_LINK_FD, LINK_CHILD, WAY_DOWN, &msg);
	if (!error)
		error = confine_self(root);
	if (error)
		die("stand-in: %s", strerror(-error));
	log_info(NULL, "confined");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name ? name + 1 : argv[0];
	log_open(name);
	if (!strcmp(name, "gwd"))
		be_gwd();
	else if (!strcmp(name, "gw-dataplane"))
		be_child("/vhost", true);
	else
		be_child(NULL, !strcmp(name, "gw-runner"));
	return argc;
}
