/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Closes descriptors on a thread of its own: see discard.h.
 *
 * Theory of operation. The last close() of a socket with SO_LINGER, or of a
 * file of a FUSE mount, waits as long as whoever made it likes; and a socket
 * that is closed closes what is still on its way through it. gwd's loop must
 * not wait: without its heartbeats every guest's link is shut. So numbers of
 * descriptors go through a pipe to a thread that does nothing but close them.
 * It may hang; then they pile up, and rpc.c takes no more connections.
 */
#include "control/gwd/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static int ends[2] = {-1, -1};
static _Atomic unsigned int waiting;

static void *run(void *unused)
{
	int fd;

	for (;;) {
		if (read(ends[0], &fd, sizeof(fd)) != sizeof(fd))
			continue;
		close(fd);
		atomic_fetch_sub(&waiting, 1);
	}
	return NULL;
}

int discard_open(void)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	/* Signals stay the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		pthread_detach(thread);
	return -error;
}

void discard(int fd)
{
	atomic_fetch_add(&waiting, 1);
	/* The pipe holds 16384 numbers, four times what gwd can have open. */
	if (write(ends[1], &fd, sizeof(fd)) == sizeof(fd))
		return;
	atomic_fetch_sub(&waiting, 1);
	close(fd);
}

unsigned int discard_waiting(void)
{
	return atomic_load(&waiting);
}
