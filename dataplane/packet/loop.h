/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of the worker thread: calls worker_poll() while there is work and
 * sleeps while there is none. Started and stopped by the control thread
 * (control.c, standalone.c).
 *
 * Theory of operation. Busy: one walk after the other; every LOOP_LOOK walks
 * one epoll_wait(0) tells which lazy ports (TAP) have something, because
 * reading an empty TAP costs a system call. Idle: after LOOP_IDLE empty walks
 * every port is armed (asked for a wake-up), looked at once more, and the
 * thread sleeps in epoll_wait() on the ports' descriptors and worker.wake_fd,
 * never longer than a quarter of the heartbeat limit. Sleeping, the thread is
 * offline for RCU: it holds neither tables nor a device.
 *
 * The flow table and the epoll set belong to this thread, so a port is removed
 * in two steps: the control thread takes it out of the graph, then asks here
 * (loop_forget_port) that its descriptor and its flows go.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/packet/worker.h"

#define LOOP_LOOK 32  /* busy walks between two looks at lazy ports */
#define LOOP_IDLE 256 /* empty walks before it sleeps */

struct loop {
	struct worker *worker;
	int cpu; /* -1: any */
	int epoll;
	int watched[PORT_MAX]; /* descriptors in `epoll`, -1 = none */
	pthread_t thread;
	bool running;
	/* written by the worker thread alone, read by anyone */
	_Atomic uint64_t busy_cycles; /* TSC, in walks that found frames */
	_Atomic uint64_t packets;     /* frames of those walks */
	_Atomic uint64_t idle_loops;
	_Atomic uint64_t sleeps;
	_Atomic uint32_t forget; /* ports to be forgotten, a bit each */
};

/*
 * Start the thread; pipeline_create() and ports may come later. cpu: pinned
 * there, -1 = any. Returns 0 or -errno.
 */
int loop_start(struct loop *loop, struct worker *w, int cpu);

/* Ask it to end and wait for that. */
void loop_stop(struct loop *loop);

/* Wake it if it sleeps. Any thread. */
void loop_wake(const struct loop *loop);

/*
 * Control thread: the port is out of the graph; take its descriptor out of the
 * epoll set and its flows out of the table. Returns when that is done, or
 * -ETIMEDOUT: the worker is stuck, and the process should end.
 */
int loop_forget_port(struct loop *loop, uint8_t index);
