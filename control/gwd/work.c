/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs beside the loop: see work.h. Called by load.c and store.c in gwd's
 * loop; the job itself runs on a thread of its own.
 *
 * Theory of operation. A job is a thread and a pipe; the thread's last act is
 * to close its end of the pipe, which wakes the loop; the loop joins it and
 * starts the next. One job runs at a time, so that writes stay in order. The
 * thread shares nothing with the loop but `arg`, which the loop leaves alone
 * meanwhile. At most WORK_MAX wait; more are refused.
 */
#include "control/gwd/work.h"

#include "control/gwd/gwd.h"
#include "control/msg/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define WORK_MAX 64

static struct {
	unsigned int len; /* [0] runs, the others wait */
	pthread_t thread;
	int end[2]; /* [0] the loop's, [1] the thread's */
	struct event *event;
	struct {
		void (*job)(void *arg);
		void (*done)(void *arg);
		void *arg;
	} queue[WORK_MAX];
} work;

static void *run(void *unused)
{
	work.queue[0].job(work.queue[0].arg);
	close(work.end[1]);
	return NULL;
}

static int start(void);

static void finish(evutil_socket_t fd, short what, void *unused)
{
	void (*done)(void *arg) = work.queue[0].done;
	void *arg = work.queue[0].arg;

	pthread_join(work.thread, NULL);
	event_free(work.event);
	close(work.end[0]);
	work.len--;
	memmove(work.queue, work.queue + 1, work.len * sizeof(work.queue[0]));
	/* Without a thread nothing can be kept or loaded: give up whole. */
	if (work.len && start() < 0)
		event_base_loopbreak(gwd.base);
	done(arg);
}

static int start(void)
{
	sigset_t all, before;
	int error;

	if (pipe2(work.end, O_CLOEXEC) < 0)
		return -errno;
	work.event = event_new(gwd.base, work.end[0], EV_READ, finish, NULL);
	if (!work.event || event_add(work.event, NULL) < 0) {
		error = ENOMEM;
		goto fail;
	}
	/* Signals stay the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&work.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		goto fail;
	return 0;
fail:
	log_error(NULL, "no thread for a job: %s", strerror(error));
	if (work.event)
		event_free(work.event);
	close(work.end[0]);
	close(work.end[1]);
	return -error;
}

int work_queue(void (*job)(void *arg), void (*done)(void *arg), void *arg)
{
	int error;

	if (work.len == WORK_MAX)
		return -EBUSY;
	work.queue[work.len].job = job;
	work.queue[work.len].done = done;
	work.queue[work.len].arg = arg;
	if (work.len++)
		return 0;
	error = start();
	if (error)
		work.len = 0;
	return error;
}
