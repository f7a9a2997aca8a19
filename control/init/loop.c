/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one epoll loop of gw-init, single-threaded; see loop.h.
 */
#include "control/init/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "control/msg/log.h"

static int epoll_fd = -1;

void loop_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("no event loop: %s", strerror(errno));
}

void loop_add(struct watch *watch)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watch->fd, &event))
		die("a descriptor can't be watched: %s", strerror(errno));
}

void loop_remove(struct watch *watch)
{
	if (epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL))
		die("a descriptor was not watched: %s", strerror(errno));
}

bool loop_turn(int wait_ms)
{
	struct epoll_event event;
	int len = epoll_wait(epoll_fd, &event, 1, wait_ms);

	if (len < 0 && errno != EINTR)
		die("the event loop failed: %s", strerror(errno));
	if (len <= 0)
		return false;

	struct watch *watch = event.data.ptr;
	watch->ready(watch);
	return true;
}
