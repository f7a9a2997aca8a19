/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial line of a guest (console.h). Called by guest.c in gw-runner's one
 * thread.
 *
 * Theory of operation. Output goes into a ring; `written` counts every byte
 * since the start. A viewer has its own count `sent` and is written to when it
 * can take more; one that falls behind by more than the ring loses the oldest
 * bytes and is told so. A slow viewer therefore never holds up the guest or
 * another viewer, and the guest can't make the ring grow. Input waits in a
 * small buffer per viewer; its viewer is not read while that holds something.
 */
#include "guest-runner/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#define INPUT_SIZE 512
#define LOST_TEXT  "\r\n[output lost: this console was too slow]\r\n"
#define FULL_TEXT  "too many consoles are joined to this guest\r\n"

struct viewer {
	struct console *console;
	int fd; /* -1: free */
	uint64_t sent;
	bool lost; /* it is to be told so */
	size_t input_size;
	char input[INPUT_SIZE];
	struct event *readable, *writable;
};

struct console {
	struct event_base *base;
	int fd;
	uint64_t written;
	struct event *readable, *writable;
	struct viewer viewer[CONSOLE_VIEWER_MAX];
	char ring[CONSOLE_RING_SIZE];
};

static void leave(struct viewer *v)
{
	event_free(v->readable);
	event_free(v->writable);
	close(v->fd);
	v->readable = v->writable = NULL;
	v->fd = -1;
	v->input_size = 0;
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* Write to a viewer; 0 when it takes nothing now, -1 when it has left. */
static ssize_t send_some(struct viewer *v, const char *bytes, size_t size)
{
	ssize_t n = write(v->fd, bytes, size);

	if (n >= 0)
		return n;
	if (would_block()) {
		event_add(v->writable, NULL);
		return 0;
	}
	leave(v);
	return -1;
}

/* Send a viewer what it lacks, as far as it takes it. */
static void show(struct viewer *v)
{
	const struct console *c = v->console;

	if (c->written - v->sent > CONSOLE_RING_SIZE) {
		v->sent = c->written - CONSOLE_RING_SIZE;
		v->lost = true;
	}
	if (v->lost && send_some(v, LOST_TEXT, sizeof(LOST_TEXT) - 1) <= 0)
		return;
	v->lost = false;
	while (v->sent < c->written) {
		size_t at = v->sent % CONSOLE_RING_SIZE;
		size_t size = c->written - v->sent;
		ssize_t n;

		if (size > CONSOLE_RING_SIZE - at)
			size = CONSOLE_RING_SIZE - at;
		n = send_some(v, c->ring + at, size);
		if (n <= 0)
			return;
		v->sent += (size_t)n;
	}
}

static void viewer_writable(evutil_socket_t fd, short what, void *arg)
{
	show(arg);
}

/* Pass a viewer's input on; what the line does not take yet waits. */
static void type_in(struct viewer *v)
{
	struct console *c = v->console;
	ssize_t n = send(c->fd, v->input, v->input_size, MSG_NOSIGNAL);

	if (n < 0 && !would_block())
		n = (ssize_t)v->input_size; /* the line is gone: drop */
	if (n > 0) {
		v->input_size -= (size_t)n;
		memmove(v->input, v->input + n, v->input_size);
	}
	if (v->input_size == 0) {
		event_add(v->readable, NULL);
	} else {
		event_del(v->readable);
		event_add(c->writable, NULL);
	}
}

static void viewer_readable(evutil_socket_t fd, short what, void *arg)
{
	struct viewer *v = arg;
	ssize_t n = read(fd, v->input, sizeof(v->input));

	if (n > 0) {
		v->input_size = (size_t)n;
		type_in(v);
	} else if (n == 0 || !would_block()) {
		leave(v);
	}
}

static void line_writable(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;

	for (int i = 0; i < CONSOLE_VIEWER_MAX; i++)
		if (c->viewer[i].fd >= 0 && c->viewer[i].input_size > 0)
			type_in(&c->viewer[i]);
}

static void line_readable(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;
	size_t at = c->written % CONSOLE_RING_SIZE;
	ssize_t n = recv(fd, c->ring + at, CONSOLE_RING_SIZE - at, 0);

	if (n > 0) {
		c->written += (size_t)n;
		for (int i = 0; i < CONSOLE_VIEWER_MAX; i++)
			if (c->viewer[i].fd >= 0)
				show(&c->viewer[i]);
	} else if (n == 0 || !would_block()) {
		event_del(c->readable); /* QEMU has gone: QMP tells why */
		for (int i = 0; i < CONSOLE_VIEWER_MAX; i++)
			if (c->viewer[i].fd >= 0)
				leave(&c->viewer[i]);
	}
}

struct console *console_create(struct event_base *base, int fd)
{
	struct console *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->base = base;
	c->fd = fd;
	for (int i = 0; i < CONSOLE_VIEWER_MAX; i++)
		c->viewer[i] = (struct viewer) {.console = c, .fd = -1};
	c->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, line_readable, c);
	c->writable = event_new(base, fd, EV_WRITE, line_writable, c);
	if (c->readable == NULL || c->writable == NULL ||
	    event_add(c->readable, NULL) != 0) {
		console_destroy(c);
		return NULL;
	}
	return c;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int console_join(struct console *console, int fd)
{
	struct viewer *v = NULL;

	if (set_nonblocking(fd) != 0)
		goto no_memory;
	for (int i = 0; i < CONSOLE_VIEWER_MAX && v == NULL; i++)
		if (console->viewer[i].fd < 0)
			v = &console->viewer[i];
	if (v == NULL) {
		if (write(fd, FULL_TEXT, sizeof(FULL_TEXT) - 1) < 0)
			errno = 0; /* its loss */
		close(fd);
		return -EBUSY;
	}
	v->readable = event_new(
	    console->base, fd, EV_READ | EV_PERSIST, viewer_readable, v);
	v->writable =
	    event_new(console->base, fd, EV_WRITE, viewer_writable, v);
	if (v->readable == NULL || v->writable == NULL ||
	    event_add(v->readable, NULL) != 0) {
		if (v->readable != NULL)
			event_free(v->readable);
		if (v->writable != NULL)
			event_free(v->writable);
		goto no_memory;
	}
	v->fd = fd;
	v->lost = false;
	v->sent = console->written > CONSOLE_RING_SIZE
		      ? console->written - CONSOLE_RING_SIZE
		      : 0;
	show(v);
	return 0;
no_memory:
	close(fd);
	return -ENOMEM;
}

void console_destroy(struct console *console)
{
	if (console == NULL)
		return;
	for (int i = 0; i < CONSOLE_VIEWER_MAX; i++)
		if (console->viewer[i].fd >= 0)
			leave(&console->viewer[i]);
	if (console->readable != NULL)
		event_free(console->readable);
	if (console->writable != NULL)
		event_free(console->writable);
	close(console->fd);
	free(console);
}
